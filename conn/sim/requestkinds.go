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
	reqStartAPI:       {name: "startApi", protoSince: verProtoRest3, message: newMessage[protobuf.StartApiRequest], text: textStartAPI},
	reqCurrentTime:    {name: "reqCurrentTime", protoSince: verProtoRest3, message: newMessage[protobuf.CurrentTimeRequest], text: versionOnly(newMessage[protobuf.CurrentTimeRequest])},
	reqTimeInMillis:   {name: "reqCurrentTimeInMillis", protoSince: verProtoRest3, minVersion: verTimeInMillis, message: newMessage[protobuf.CurrentTimeInMillisRequest], text: func(*textReader) proto.Message { return &protobuf.CurrentTimeInMillisRequest{} }},
	reqMktData:        {name: "reqMktData", protoSince: verProtoMarketData, message: newMessage[protobuf.MarketDataRequest], text: textMktData},
	reqMarketDataType: {name: "reqMarketDataType", protoSince: verProtoMarketData, message: newMessage[protobuf.MarketDataTypeRequest], text: withID(func(v *int32) proto.Message { return &protobuf.MarketDataTypeRequest{MarketDataType: v} })},
	reqCancelMktData:  {name: "cancelMktData", protoSince: verProtoMarketData, message: newMessage[protobuf.CancelMarketData], text: withID(func(id *int32) proto.Message { return &protobuf.CancelMarketData{ReqId: id} })},
	reqContractData:   {name: "reqContractDetails", protoSince: verProtoContracts, message: newMessage[protobuf.ContractDataRequest], text: textContractData},
	reqCancelContract: {name: "cancelContractData", protoSince: 0, minVersion: verCancelContract, message: newMessage[protobuf.CancelContractData], text: protoOnly},
	reqPlaceOrder:     {name: "placeOrder", protoSince: verProtoOrders, message: newMessage[protobuf.PlaceOrderRequest], text: textPlaceOrder},
	reqCancelOrder:    {name: "cancelOrder", protoSince: verProtoOrders, message: newMessage[protobuf.CancelOrderRequest], text: textCancelOrder},
	reqGlobalCancel:   {name: "reqGlobalCancel", protoSince: verProtoOrders, message: newMessage[protobuf.GlobalCancelRequest], text: textGlobalCancel},
	reqOpenOrders:     {name: "reqOpenOrders", protoSince: verProtoOpenOrders, message: newMessage[protobuf.OpenOrdersRequest], text: versionOnly(newMessage[protobuf.OpenOrdersRequest])},
	reqAllOpenOrders:  {name: "reqAllOpenOrders", protoSince: verProtoOpenOrders, message: newMessage[protobuf.AllOpenOrdersRequest], text: versionOnly(newMessage[protobuf.AllOpenOrdersRequest])},
	reqAutoOpenOrders: {name: "reqAutoOpenOrders", protoSince: verProtoOpenOrders, message: newMessage[protobuf.AutoOpenOrdersRequest], text: func(r *textReader) proto.Message {
		r.messageVersion()
		return &protobuf.AutoOpenOrdersRequest{AutoBind: proto.Bool(r.bool())}
	}},
	reqCompletedOrders: {name: "reqCompletedOrders", protoSince: verProtoOpenOrders, message: newMessage[protobuf.CompletedOrdersRequest], text: func(r *textReader) proto.Message {
		return &protobuf.CompletedOrdersRequest{ApiOnly: proto.Bool(r.bool())}
	}},
	reqExecutions: {name: "reqExecutions", protoSince: verBinaryID, message: newMessage[protobuf.ExecutionRequest], text: textExecutions},
	reqMarketRule: {name: "reqMarketRule", protoSince: verProtoRest2, message: newMessage[protobuf.MarketRuleRequest], text: func(r *textReader) proto.Message {
		return &protobuf.MarketRuleRequest{MarketRuleId: proto.Int32(r.int32())}
	}},
	reqIDs:              {name: "reqIds", protoSince: verProtoRest3, message: newMessage[protobuf.IdsRequest], text: withID(func(n *int32) proto.Message { return &protobuf.IdsRequest{NumIds: n} })},
	reqServerLogLevel:   {name: "setServerLogLevel", protoSince: verProtoRest3, message: newMessage[protobuf.SetServerLogLevelRequest], text: withID(func(n *int32) proto.Message { return &protobuf.SetServerLogLevelRequest{LogLevel: n} })},
	reqManagedAccts:     {name: "reqManagedAccts", protoSince: verProtoAccounts, message: newMessage[protobuf.ManagedAccountsRequest], text: versionOnly(newMessage[protobuf.ManagedAccountsRequest])},
	reqAcctData:         {name: "reqAccountUpdates", protoSince: verProtoAccounts, message: newMessage[protobuf.AccountDataRequest], text: textAcctData},
	reqPositions:        {name: "reqPositions", protoSince: verProtoAccounts, message: newMessage[protobuf.PositionsRequest], text: versionOnly(newMessage[protobuf.PositionsRequest])},
	reqCancelPositions:  {name: "cancelPositions", protoSince: verProtoAccounts, message: newMessage[protobuf.CancelPositions], text: versionOnly(newMessage[protobuf.CancelPositions])},
	reqAccountSummary:   {name: "reqAccountSummary", protoSince: verProtoAccounts, message: newMessage[protobuf.AccountSummaryRequest], text: textAccountSummary},
	reqCancelSummary:    {name: "cancelAccountSummary", protoSince: verProtoAccounts, message: newMessage[protobuf.CancelAccountSummary], text: withID(func(id *int32) proto.Message { return &protobuf.CancelAccountSummary{ReqId: id} })},
	reqPositionsMulti:   {name: "reqPositionsMulti", protoSince: verProtoAccounts, message: newMessage[protobuf.PositionsMultiRequest], text: textPositionsMulti},
	reqCancelPosMulti:   {name: "cancelPositionsMulti", protoSince: verProtoAccounts, message: newMessage[protobuf.CancelPositionsMulti], text: withID(func(id *int32) proto.Message { return &protobuf.CancelPositionsMulti{ReqId: id} })},
	reqAcctUpdatesMulti: {name: "reqAccountUpdatesMulti", protoSince: verProtoAccounts, message: newMessage[protobuf.AccountUpdatesMultiRequest], text: textAcctUpdatesMulti},
	reqCancelAcctMulti:  {name: "cancelAccountUpdatesMulti", protoSince: verProtoAccounts, message: newMessage[protobuf.CancelAccountUpdatesMulti], text: withID(func(id *int32) proto.Message { return &protobuf.CancelAccountUpdatesMulti{ReqId: id} })},
	reqConfig:           {name: "reqConfig", protoSince: 0, minVersion: verConfigRequests, message: newMessage[protobuf.ConfigRequest], text: protoOnly},

	// Known to the protocol, not simulated. The last number tells which text field is the request id.
	10:                {name: "reqMktDepth", protoSince: verProtoMarketData, idField: 1},
	11:                {name: "cancelMktDepth", protoSince: verProtoMarketData, idField: 1},
	12:                {name: "reqNewsBulletins", protoSince: verProtoNews, idField: -1},
	13:                {name: "cancelNewsBulletins", protoSince: verProtoNews, idField: -1},
	18:                {name: "requestFA", protoSince: verProtoRest1, idField: -1},
	19:                {name: "replaceFA", protoSince: verProtoRest1, idField: -1},
	reqHistoricalData: {name: "reqHistoricalData", protoSince: verProtoHistory},
	21:                {name: "exerciseOptions", protoSince: verProtoRest1, idField: 1},
	22:                {name: "reqScannerSubscription", protoSince: verProtoScanner},
	23:                {name: "cancelScannerSubscription", protoSince: verProtoScanner, idField: 1},
	24:                {name: "reqScannerParameters", protoSince: verProtoScanner, idField: -1},
	25:                {name: "cancelHistoricalData", protoSince: verProtoHistory, idField: 1},
	50:                {name: "reqRealTimeBars", protoSince: verProtoHistory, idField: 1},
	51:                {name: "cancelRealTimeBars", protoSince: verProtoHistory, idField: 1},
	52:                {name: "reqFundamentalData", protoSince: never, idField: 1},
	53:                {name: "cancelFundamentalData", protoSince: never, idField: 1},
	54:                {name: "calculateImpliedVolatility", protoSince: verProtoRest1, idField: 1},
	55:                {name: "calculateOptionPrice", protoSince: verProtoRest1, idField: 1},
	56:                {name: "cancelCalculateImpliedVolatility", protoSince: verProtoRest1, idField: 1},
	57:                {name: "cancelCalculateOptionPrice", protoSince: verProtoRest1, idField: 1},
	65:                {name: "verifyRequest", protoSince: verProtoRest3, idField: -1},
	66:                {name: "verifyMessage", protoSince: verProtoRest3, idField: -1},
	67:                {name: "queryDisplayGroups", protoSince: verProtoRest3, idField: 1},
	68:                {name: "subscribeToGroupEvents", protoSince: verProtoRest3, idField: 1},
	69:                {name: "updateDisplayGroup", protoSince: verProtoRest3, idField: 1},
	70:                {name: "unsubscribeFromGroupEvents", protoSince: verProtoRest3, idField: 1},
	72:                {name: "verifyAndAuthRequest", protoSince: never, idField: -1},
	73:                {name: "verifyAndAuthMessage", protoSince: never, idField: -1},
	78:                {name: "reqSecDefOptParams", protoSince: verProtoRest2},
	79:                {name: "reqSoftDollarTiers", protoSince: verProtoRest2},
	80:                {name: "reqFamilyCodes", protoSince: verProtoRest2, idField: -1},
	81:                {name: "reqMatchingSymbols", protoSince: verProtoRest2},
	82:                {name: "reqMktDepthExchanges", protoSince: verProtoRest3, idField: -1},
	83:                {name: "reqSmartComponents", protoSince: verProtoRest2},
	84:                {name: "reqNewsArticle", protoSince: verProtoNews},
	85:                {name: "reqNewsProviders", protoSince: verProtoNews, idField: -1},
	86:                {name: "reqHistoricalNews", protoSince: verProtoNews},
	87:                {name: "reqHeadTimestamp", protoSince: verProtoHistory},
	88:                {name: "reqHistogramData", protoSince: verProtoHistory},
	89:                {name: "cancelHistogramData", protoSince: verProtoHistory},
	90:                {name: "cancelHeadTimestamp", protoSince: verProtoHistory},
	92:                {name: "reqPnL", protoSince: verProtoScanner},
	93:                {name: "cancelPnL", protoSince: verProtoScanner},
	94:                {name: "reqPnLSingle", protoSince: verProtoScanner},
	95:                {name: "cancelPnLSingle", protoSince: verProtoScanner},
	96:                {name: "reqHistoricalTicks", protoSince: verProtoHistory},
	97:                {name: "reqTickByTickData", protoSince: verProtoHistory},
	98:                {name: "cancelTickByTickData", protoSince: verProtoHistory},
	100:               {name: "reqWshMetaData", protoSince: verProtoNews},
	101:               {name: "cancelWshMetaData", protoSince: verProtoNews},
	102:               {name: "reqWshEventData", protoSince: verProtoNews},
	103:               {name: "cancelWshEventData", protoSince: verProtoNews},
	104:               {name: "reqUserInfo", protoSince: verProtoRest2},
	107:               {name: "cancelHistoricalTicks", protoSince: 0, minVersion: verCancelHistorTicks},
	109:               {name: "updateConfig", protoSince: 0, minVersion: verUpdateConfig},
}

// never marks requests that have no protobuf form.
const never = 1 << 30

// isHistory reports whether a request that is not simulated asks the historical data service, whose refusals carry
// code 162.
func isHistory(id int) bool {
	switch id {
	case reqHistoricalData, 50, 86, 87, 88, 96, 97:
		return true
	}
	return false
}
