package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

func newMessage[M any, P interface {
	*M
	proto.Message
}]() proto.Message {
	return P(new(M))
}

// bare describes a request whose text form is its message version alone.
func bare[M any, P interface {
	*M
	proto.Message
}](name string, protoSince int) *requestKind {
	return &requestKind{
		name: name, protoSince: protoSince, message: newMessage[M, P],
		text: func(r *textReader) proto.Message {
			r.messageVersion()
			return P(new(M))
		},
	}
}

// numbered describes a request whose text form is message version and one number, mostly the request id.
func numbered[M any, P interface {
	*M
	proto.Message
}](name string, protoSince int, build func(n *int32) P) *requestKind {
	return &requestKind{
		name: name, protoSince: protoSince, message: newMessage[M, P],
		text: func(r *textReader) proto.Message {
			r.messageVersion()
			return build(r.requestID())
		},
	}
}

// protoOnly is the text form of requests that never had one.
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
	reqCurrentTime: bare[protobuf.CurrentTimeRequest]("reqCurrentTime", verProtoRest3),
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
	reqMarketDataType: numbered("reqMarketDataType", verProtoMarketData,
		func(v *int32) *protobuf.MarketDataTypeRequest {
			return &protobuf.MarketDataTypeRequest{MarketDataType: v}
		}),
	reqCancelMktData: numbered("cancelMktData", verProtoMarketData,
		func(id *int32) *protobuf.CancelMarketData { return &protobuf.CancelMarketData{ReqId: id} }),
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
	reqOpenOrders:    bare[protobuf.OpenOrdersRequest]("reqOpenOrders", verProtoOpenOrders),
	reqAllOpenOrders: bare[protobuf.AllOpenOrdersRequest]("reqAllOpenOrders", verProtoOpenOrders),
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
	reqIDs: numbered("reqIds", verProtoRest3,
		func(n *int32) *protobuf.IdsRequest { return &protobuf.IdsRequest{NumIds: n} }),
	reqServerLogLevel: numbered("setServerLogLevel", verProtoRest3,
		func(n *int32) *protobuf.SetServerLogLevelRequest {
			return &protobuf.SetServerLogLevelRequest{LogLevel: n}
		}),
	reqManagedAccts: bare[protobuf.ManagedAccountsRequest]("reqManagedAccts", verProtoAccounts),
	reqAcctData: {
		name: "reqAccountUpdates", protoSince: verProtoAccounts,
		message: newMessage[protobuf.AccountDataRequest], text: textAcctData,
	},
	reqPositions:       bare[protobuf.PositionsRequest]("reqPositions", verProtoAccounts),
	reqCancelPositions: bare[protobuf.CancelPositions]("cancelPositions", verProtoAccounts),
	reqAccountSummary: {
		name: "reqAccountSummary", protoSince: verProtoAccounts,
		message: newMessage[protobuf.AccountSummaryRequest], text: textAccountSummary,
	},
	reqCancelSummary: numbered("cancelAccountSummary", verProtoAccounts,
		func(id *int32) *protobuf.CancelAccountSummary { return &protobuf.CancelAccountSummary{ReqId: id} }),
	reqPositionsMulti: {
		name: "reqPositionsMulti", protoSince: verProtoAccounts,
		message: newMessage[protobuf.PositionsMultiRequest], text: textPositionsMulti,
	},
	reqCancelPosMulti: numbered("cancelPositionsMulti", verProtoAccounts,
		func(id *int32) *protobuf.CancelPositionsMulti { return &protobuf.CancelPositionsMulti{ReqId: id} }),
	reqAcctUpdatesMulti: {
		name: "reqAccountUpdatesMulti", protoSince: verProtoAccounts,
		message: newMessage[protobuf.AccountUpdatesMultiRequest], text: textAcctUpdatesMulti,
	},
	reqCancelAcctMulti: numbered("cancelAccountUpdatesMulti", verProtoAccounts,
		func(id *int32) *protobuf.CancelAccountUpdatesMulti {
			return &protobuf.CancelAccountUpdatesMulti{ReqId: id}
		}),
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
