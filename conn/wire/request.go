package wire

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// StartAPI signs on.
type StartAPI struct{ Client int64 }

// CurrentTime asks for Gateway's time.
type CurrentTime struct{}

// MarketDataTypes says of which type market data may be: 1 live, 3 delayed where there is no live data.
type MarketDataTypes struct{ Type int }

// Subscribe asks for streaming market data.
type Subscribe struct {
	Request  int64
	Contract Contract
}

// Unsubscribe ends a subscription.
type Unsubscribe struct{ Request int64 }

// CancelOrder cancels an order of the same client id.
type CancelOrder struct{ ID int64 }

// OpenOrders asks for the orders of the same client id that are not done.
type OpenOrders struct{}

// AllOpenOrders asks for the orders of all client ids that are not done.
type AllOpenOrders struct{}

// CompletedOrders asks for the orders that are done.
type CompletedOrders struct{ APIOnly bool }

// Executions asks for the executions of a client id since midnight.
type Executions struct{ Request, Client int64 }

// AskContract asks for all contracts that one can mean.
type AskContract struct {
	Request  int64
	Contract Contract
}

// AskMarketRule asks for the price steps of a market rule.
type AskMarketRule struct{ Rule int64 }

// Positions asks for the positions of all accounts, and for each that changes from then on.
type Positions struct{}

// AccountUpdates asks for the positions of the login's only account with what they are worth, about every three minutes
// from then on, and after a fill. Of several accounts, Gateway follows one at a time for a client.
type AccountUpdates struct{}

// AskConfig asks for Gateway's own settings. They are never changed: for restart times that is known not to work.
type AskConfig struct{ Request int64 }

// ConfigVersion is the server version from which on Gateway answers questions about its settings.
const ConfigVersion = 219

func (r StartAPI) encode(e *encoder) (int, proto.Message) {
	return ReqStartAPI, &protobuf.StartApiRequest{ClientId: e.int("client id", r.Client)}
}

func (CurrentTime) encode(*encoder) (int, proto.Message) {
	return ReqCurrentTime, &protobuf.CurrentTimeRequest{}
}

func (r MarketDataTypes) encode(e *encoder) (int, proto.Message) {
	return ReqMarketDataType, &protobuf.MarketDataTypeRequest{
		MarketDataType: e.int("type of market data", int64(r.Type)),
	}
}

func (r Subscribe) encode(e *encoder) (int, proto.Message) {
	return ReqMarketData, &protobuf.MarketDataRequest{ReqId: e.request(r.Request), Contract: e.contract(&r.Contract)}
}

func (r Unsubscribe) encode(e *encoder) (int, proto.Message) {
	return ReqCancelMarketData, &protobuf.CancelMarketData{ReqId: e.request(r.Request)}
}

func (r CancelOrder) encode(e *encoder) (int, proto.Message) {
	return ReqCancelOrder, &protobuf.CancelOrderRequest{
		OrderId: e.int("order id", r.ID), OrderCancel: &protobuf.OrderCancel{},
	}
}

func (OpenOrders) encode(*encoder) (int, proto.Message) {
	return ReqOpenOrders, &protobuf.OpenOrdersRequest{}
}

func (AllOpenOrders) encode(*encoder) (int, proto.Message) {
	return ReqAllOpenOrders, &protobuf.AllOpenOrdersRequest{}
}

func (r CompletedOrders) encode(*encoder) (int, proto.Message) {
	return ReqCompletedOrders, &protobuf.CompletedOrdersRequest{ApiOnly: set(r.APIOnly)}
}

func (r Executions) encode(e *encoder) (int, proto.Message) {
	return ReqExecutions, &protobuf.ExecutionRequest{
		ReqId: e.request(r.Request), ExecutionFilter: &protobuf.ExecutionFilter{ClientId: e.int("client id", r.Client)},
	}
}

func (r AskContract) encode(e *encoder) (int, proto.Message) {
	return ReqContractDetails, &protobuf.ContractDataRequest{
		ReqId: e.request(r.Request), Contract: e.contract(&r.Contract),
	}
}

func (r AskMarketRule) encode(e *encoder) (int, proto.Message) {
	return ReqMarketRule, &protobuf.MarketRuleRequest{MarketRuleId: e.int("market rule", r.Rule)}
}

func (Positions) encode(*encoder) (int, proto.Message) {
	return ReqPositions, &protobuf.PositionsRequest{}
}

func (AccountUpdates) encode(*encoder) (int, proto.Message) {
	return ReqAccountUpdates, &protobuf.AccountDataRequest{Subscribe: set(true)}
}

func (r AskConfig) encode(e *encoder) (int, proto.Message) {
	return ReqConfig, &protobuf.ConfigRequest{ReqId: e.request(r.Request)}
}

func (e *encoder) request(number int64) *int32 { return e.int("request number", number) }
