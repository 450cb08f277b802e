package wire

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// This file has the requests that are no orders.

// ConfigVersion is the server version from which on Gateway answers questions about its settings.
const ConfigVersion = 219

// StartAPI signs on with a client id.
func StartAPI(client int64) (r Request) {
	return r.with(ReqStartAPI, &protobuf.StartApiRequest{ClientId: r.int("client id", client)})
}

// CurrentTime asks for Gateway's time.
func CurrentTime() (r Request) { return r.with(ReqCurrentTime, &protobuf.CurrentTimeRequest{}) }

// MarketDataType says of which type market data may be: 1 live, 3 delayed where there is no live data.
func MarketDataType(typ int32) (r Request) {
	return r.with(ReqMarketDataType, &protobuf.MarketDataTypeRequest{MarketDataType: &typ})
}

// Subscribe asks for streaming market data.
func Subscribe(request int64, c Contract) (r Request) {
	return r.with(ReqMarketData, &protobuf.MarketDataRequest{ReqId: r.id(request), Contract: r.contract(&c)})
}

// Unsubscribe ends a subscription.
func Unsubscribe(request int64) (r Request) {
	return r.with(ReqCancelMarketData, &protobuf.CancelMarketData{ReqId: r.id(request)})
}

// CancelOrder cancels an order of the same client id.
func CancelOrder(id int64) (r Request) {
	return r.with(ReqCancelOrder, &protobuf.CancelOrderRequest{
		OrderId: r.int("order id", id), OrderCancel: &protobuf.OrderCancel{},
	})
}

// OpenOrders asks for the orders of the same client id that are not done.
func OpenOrders() (r Request) { return r.with(ReqOpenOrders, &protobuf.OpenOrdersRequest{}) }

// AllOpenOrders asks for the orders of all client ids that are not done.
func AllOpenOrders() (r Request) { return r.with(ReqAllOpenOrders, &protobuf.AllOpenOrdersRequest{}) }

// CompletedOrders asks for the orders that are done.
func CompletedOrders(apiOnly bool) (r Request) {
	return r.with(ReqCompletedOrders, &protobuf.CompletedOrdersRequest{ApiOnly: set(apiOnly)})
}

// Executions asks for the executions of a client id since midnight.
func Executions(request, client int64) (r Request) {
	filter := &protobuf.ExecutionFilter{ClientId: r.int("client id", client)}
	return r.with(ReqExecutions, &protobuf.ExecutionRequest{ReqId: r.id(request), ExecutionFilter: filter})
}

// ContractDetails asks for all contracts that one can mean.
func ContractDetails(request int64, c Contract) (r Request) {
	return r.with(ReqContractDetails, &protobuf.ContractDataRequest{ReqId: r.id(request), Contract: r.contract(&c)})
}

// MarketRule asks for the price steps of a market rule.
func MarketRule(rule int64) (r Request) {
	return r.with(ReqMarketRule, &protobuf.MarketRuleRequest{MarketRuleId: r.int("market rule", rule)})
}

// Positions asks for the positions of all accounts, and for each that changes from then on.
func Positions() (r Request) { return r.with(ReqPositions, &protobuf.PositionsRequest{}) }

// AccountUpdates asks for the positions of the login's only account with what they are worth, about every three minutes
// from then on, and after a fill. Of several accounts, Gateway follows one at a time for a client.
func AccountUpdates() (r Request) {
	return r.with(ReqAccountUpdates, &protobuf.AccountDataRequest{Subscribe: proto.Bool(true)})
}

// ReadConfig asks for Gateway's own settings. They are never changed: for restart times that is known not to work.
func ReadConfig(request int64) (r Request) {
	return r.with(ReqConfig, &protobuf.ConfigRequest{ReqId: r.id(request)})
}
