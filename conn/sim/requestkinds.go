package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// versionOnly reads a request whose text form is its message version alone.
func versionOnly(m func() proto.Message) func(*textReader) proto.Message {
	return func(r *textReader) proto.Message {
		r.messageVersion()
		return m()
	}
}

func newMessage[M any, P interface {
	*M
	proto.Message
}]() proto.Message {
	return P(new(M))
}

// withID reads a request of message version and request id alone.
func withID(build func(id *int32) proto.Message) func(*textReader) proto.Message {
	return func(r *textReader) proto.Message {
		r.messageVersion()
		return build(r.requestID())
	}
}

// protoOnly stands for the text form of requests that never had one.
func protoOnly(r *textReader) proto.Message {
	r.fail("has no text form")
	return nil
}

// requestKinds is every request the protocol defines up to version 226.
var requestKinds = map[int]*requestKind{
	reqStartAPI: {
		name: "startApi", protoSince: verProtoRest3, message: newMessage[protobuf.StartApiRequest],
		text: textStartAPI,
	},
	reqCurrentTime: {
		name: "reqCurrentTime", protoSince: verProtoRest3,
		message: newMessage[protobuf.CurrentTimeRequest], text: versionOnly(newMessage[protobuf.CurrentTimeRequest]),
	},
	reqTimeInMillis: {
		name: "reqCurrentTimeInMillis", protoSince: verProtoRest3, minVersion: verTimeInMillis,
		message: newMessage[protobuf.CurrentTimeInMillisRequest], text: func(*textReader) proto.Message {
			return &protobuf.CurrentTimeInMillisRequest{}
		},
	},
	reqMktData: {
		name: "reqMktData", protoSince: verProtoMarketData,
		message: newMessage[protobuf.MarketDataRequest], text: textMktData,
	},
	reqMarketDataType: {
		name: "reqMarketDataType", protoSince: verProtoMarketData,
		message: newMessage[protobuf.MarketDataTypeRequest], text: withID(func(v *int32) proto.Message {
			return &protobuf.MarketDataTypeRequest{MarketDataType: v}
		}),
	},
	reqCancelMktData: {
		name: "cancelMktData", protoSince: verProtoMarketData,
		message: newMessage[protobuf.CancelMarketData], text: withID(func(id *int32) proto.Message {
			return &protobuf.CancelMarketData{ReqId: id}
		}),
	},
	reqContractData: {
		name: "reqContractDetails", protoSince: verProtoContracts,
		message: newMessage[protobuf.ContractDataRequest], text: textContractData,
	},
	reqCancelContract: {
		name: "cancelContractData", protoSince: 0, minVersion: verCancelContract,
		message: newMessage[protobuf.CancelContractData], text: protoOnly,
	},
	reqPlaceOrder: {
		name: "placeOrder", protoSince: verProtoOrders, message: newMessage[protobuf.PlaceOrderRequest],
		text: textPlaceOrder,
	},
	reqCancelOrder: {
		name: "cancelOrder", protoSince: verProtoOrders,
		message: newMessage[protobuf.CancelOrderRequest], text: textCancelOrder,
	},
	reqGlobalCancel: {
		name: "reqGlobalCancel", protoSince: verProtoOrders,
		message: newMessage[protobuf.GlobalCancelRequest], text: textGlobalCancel,
	},
	reqOpenOrders: {
		name: "reqOpenOrders", protoSince: verProtoOpenOrders,
		message: newMessage[protobuf.OpenOrdersRequest], text: versionOnly(newMessage[protobuf.OpenOrdersRequest]),
	},
	reqAllOpenOrders: {
		name: "reqAllOpenOrders", protoSince: verProtoOpenOrders,
		message: newMessage[protobuf.AllOpenOrdersRequest],
		text:    versionOnly(newMessage[protobuf.AllOpenOrdersRequest]),
	},
	reqAutoOpenOrders: {
		name: "reqAutoOpenOrders", protoSince: verProtoOpenOrders,
		message: newMessage[protobuf.AutoOpenOrdersRequest], text: func(r *textReader) proto.Message {
			r.messageVersion()
			return &protobuf.AutoOpenOrdersRequest{AutoBind: proto.Bool(r.bool())}
		},
	},
	reqCompletedOrders: {
		name: "reqCompletedOrders", protoSince: verProtoOpenOrders,
		message: newMessage[protobuf.CompletedOrdersRequest], text: func(r *textReader) proto.Message {
			return &protobuf.CompletedOrdersRequest{ApiOnly: proto.Bool(r.bool())}
		},
	},
	reqExecutions: {
		name: "reqExecutions", protoSince: verBinaryID, message: newMessage[protobuf.ExecutionRequest],
		text: textExecutions,
	},
	reqMarketRule: {
		name: "reqMarketRule", protoSince: verProtoRest2, message: newMessage[protobuf.MarketRuleRequest],
		text: func(r *textReader) proto.Message {
			return &protobuf.MarketRuleRequest{MarketRuleId: proto.Int32(r.int32())}
		},
	},
	reqIDs: {
		name: "reqIds", protoSince: verProtoRest3, message: newMessage[protobuf.IdsRequest],
		text: withID(func(n *int32) proto.Message { return &protobuf.IdsRequest{NumIds: n} }),
	},
	reqServerLogLevel: {
		name: "setServerLogLevel", protoSince: verProtoRest3,
		message: newMessage[protobuf.SetServerLogLevelRequest], text: withID(func(n *int32) proto.Message {
			return &protobuf.SetServerLogLevelRequest{LogLevel: n}
		}),
	},
	reqManagedAccts: {
		name: "reqManagedAccts", protoSince: verProtoAccounts,
		message: newMessage[protobuf.ManagedAccountsRequest],
		text:    versionOnly(newMessage[protobuf.ManagedAccountsRequest]),
	},
	reqAcctData: {
		name: "reqAccountUpdates", protoSince: verProtoAccounts,
		message: newMessage[protobuf.AccountDataRequest], text: textAcctData,
	},
	reqPositions: {
		name: "reqPositions", protoSince: verProtoAccounts,
		message: newMessage[protobuf.PositionsRequest], text: versionOnly(newMessage[protobuf.PositionsRequest]),
	},
	reqCancelPositions: {
		name: "cancelPositions", protoSince: verProtoAccounts,
		message: newMessage[protobuf.CancelPositions], text: versionOnly(newMessage[protobuf.CancelPositions]),
	},
	reqAccountSummary: {
		name: "reqAccountSummary", protoSince: verProtoAccounts,
		message: newMessage[protobuf.AccountSummaryRequest], text: textAccountSummary,
	},
	reqCancelSummary: {
		name: "cancelAccountSummary", protoSince: verProtoAccounts,
		message: newMessage[protobuf.CancelAccountSummary], text: withID(func(id *int32) proto.Message {
			return &protobuf.CancelAccountSummary{ReqId: id}
		}),
	},
	reqPositionsMulti: {
		name: "reqPositionsMulti", protoSince: verProtoAccounts,
		message: newMessage[protobuf.PositionsMultiRequest], text: textPositionsMulti,
	},
	reqCancelPosMulti: {
		name: "cancelPositionsMulti", protoSince: verProtoAccounts,
		message: newMessage[protobuf.CancelPositionsMulti], text: withID(func(id *int32) proto.Message {
			return &protobuf.CancelPositionsMulti{ReqId: id}
		}),
	},
	reqAcctUpdatesMulti: {
		name: "reqAccountUpdatesMulti", protoSince: verProtoAccounts,
		message: newMessage[protobuf.AccountUpdatesMultiRequest], text: textAcctUpdatesMulti,
	},
	reqCancelAcctMulti: {
		name: "cancelAccountUpdatesMulti", protoSince: verProtoAccounts,
		message: newMessage[protobuf.CancelAccountUpdatesMulti], text: withID(func(id *int32) proto.Message {
			return &protobuf.CancelAccountUpdatesMulti{ReqId: id}
		}),
	},
	reqConfig: {
		name: "reqConfig", protoSince: 0, minVersion: verConfigRequests,
		message: newMessage[protobuf.ConfigRequest], text: protoOnly,
	},

	// Known to the protocol, not simulated.
	21: {name: "exerciseOptions", protoSince: verProtoRest1, idField: 1},
	52: {
		name: "reqFundamentalData", protoSince: never, idField: 1, code: 10358,
		refusal: "Fundamentals data is not allowed.",
	},
	53: {name: "cancelFundamentalData", protoSince: never, cancels: true},
	54: {name: "calculateImpliedVolatility", protoSince: verProtoRest1, idField: 1},
	55: {name: "calculateOptionPrice", protoSince: verProtoRest1, idField: 1},
	56: {name: "cancelCalculateImpliedVolatility", protoSince: verProtoRest1, cancels: true},
	57: {name: "cancelCalculateOptionPrice", protoSince: verProtoRest1, cancels: true},
	65: {name: "verifyRequest", protoSince: verProtoRest3, idField: -1},
	66: {name: "verifyMessage", protoSince: verProtoRest3, idField: -1},
	72: {name: "verifyAndAuthRequest", protoSince: never, idField: -1},
	73: {name: "verifyAndAuthMessage", protoSince: never, idField: -1},
	109: {
		name: "updateConfig", minVersion: verUpdateConfig, code: 10357,
		refusal: "Configuration request is not allowed.",
	},
}

// never marks requests that have no protobuf form.
const never = 1 << 30
