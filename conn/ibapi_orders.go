package conn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// This file is the part of the adapter that is about orders and contracts. Requests are made by the door, callbacks come from the
// library's decoder; both only translate.

// Request numbers of market data, of contract details and of executions lie above every order id, so that an error says which it
// is about. Some programs number orders by the seconds since 1970, so there is room for that.
const (
	marketBase  = 1<<31 - 1<<24
	detailsBase = 1<<31 - 1<<16
	executions  = 1<<31 - 1<<10
	maxRequest  = detailsBase - marketBase - 1
	maxEnquiry  = executions - detailsBase - 1

	executionNumbers = 1<<10 - 1 // how many there are for executions; the one above them stands for no number at all
)

// orderProtos are the types of the messages about orders and contracts. Of some the library dies if they cannot be decoded.
var orderProtos = map[int]func() proto.Message{
	msgOrderStatus:  func() proto.Message { return &protobuf.OrderStatus{} },
	msgOpenOrder:    func() proto.Message { return &protobuf.OpenOrder{} },
	msgExecution:    func() proto.Message { return &protobuf.ExecutionDetails{} },
	msgOpenEnd:      func() proto.Message { return &protobuf.OpenOrdersEnd{} },
	msgExecutionEnd: func() proto.Message { return &protobuf.ExecutionDetailsEnd{} },
	msgCommission:   func() proto.Message { return &protobuf.CommissionAndFeesReport{} },
	msgCompleted:    func() proto.Message { return &protobuf.CompletedOrder{} },
	msgCompletedEnd: func() proto.Message { return &protobuf.CompletedOrdersEnd{} },
	msgContract:     func() proto.Message { return &protobuf.ContractData{} },
	msgContractEnd:  func() proto.Message { return &protobuf.ContractDataEnd{} },
	msgMarketRule:   func() proto.Message { return &protobuf.MarketRule{} },
}

// checkOrderProto says whether a message about orders or contracts can be decoded. It has nothing to say of others.
func checkOrderProto(id int, body []byte) error {
	typ, known := orderProtos[id]
	if !known {
		return nil
	}
	if err := proto.Unmarshal(body, typ()); err != nil {
		return protocolError("message %d cannot be decoded", id)
	}
	return nil
}

func (l *library) books() *books { return l.book }

// place has the library encode an order. The relay lets it out, or not.
func (l *library) place(id int64, o *Order) {
	order := ibapi.NewOrder()
	order.OrderID, order.OrderRef, order.Account = id, o.Ref, o.Account
	order.Action, order.OrderType, order.TIF = string(o.Side), string(o.Type), o.TIF
	order.TotalQuantity = ibapi.StringToDecimal(strconv.FormatFloat(o.Quantity, 'f', -1, 64))
	order.OutsideRTH, order.ParentID, order.Transmit = o.OutsideHours, o.Parent, !o.Hold
	switch o.Type {
	case Limit:
		order.LmtPrice = o.LimitPrice
	case Stop:
		order.AuxPrice = o.StopPrice
	case StopLimit:
		order.LmtPrice, order.AuxPrice = o.LimitPrice, o.StopPrice
	case Trail:
		if o.TrailPercent > 0 {
			order.TrailingPercent = o.TrailPercent
		} else {
			order.AuxPrice = o.TrailAmount
		}
	}
	l.client.PlaceOrder(id, contractOf(o.Contract), order)
}

func (l *library) cancelOrder(id int64) { l.client.CancelOrder(id, ibapi.NewOrderCancel()) }

func (l *library) askExecutions(number int64) {
	filter := ibapi.NewExecutionFilter()
	filter.ClientID = l.clientID
	l.client.ReqExecutions(executions+number%executionNumbers, filter)
}

func contractOf(c Contract) *ibapi.Contract {
	contract := ibapi.NewContract()
	contract.ConID, contract.Symbol, contract.SecType = c.ConID, c.Symbol, c.Type
	contract.Exchange, contract.PrimaryExchange = c.Exchange, c.Primary
	contract.Currency, contract.LocalSymbol = c.Currency, c.Local
	return contract
}

// number returns a decimal, 0 for one that is not set or cannot be read.
func number(d ibapi.Decimal) float64 { return real(d.Float()) }

// real returns a number that Gateway has set, else 0. What is not set is the greatest number there is, or nearly so.
func real(v float64) float64 {
	if math.IsNaN(v) || math.Abs(v) >= 1e300 {
		return 0
	}
	return v
}

// realPrice returns a price, 0 if there is none. IBKR writes -1 for none, so that a spread or a future at exactly -1 has none, too;
// other negative prices are possible.
func realPrice(v float64) float64 {
	if v == -1 {
		return 0
	}
	return real(v)
}

// describe fills in what an order message says. Any of the pointers may be nil.
func describe(n OrderNews, c *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) OrderNews {
	if c != nil {
		n.Symbol = c.Symbol
	}
	if o != nil {
		n.Client, n.PermID, n.Ref = o.ClientID, o.PermID, o.OrderRef
		n.Side, n.Type, n.Quantity, n.Filled = Side(o.Action), OrderType(o.OrderType), number(o.TotalQuantity), number(o.FilledQuantity)
		n.Limit, n.Aux, n.Percent, n.Parent = real(o.LmtPrice), real(o.AuxPrice), real(o.TrailingPercent), o.ParentID
	}
	if state != nil {
		n.Status, n.Detail = cut(state.Status), cut(cmp.Or(state.CompletedStatus, state.RejectReason))
	}
	if o != nil && o.Deactivate { // told among the open orders since 10.48
		n.Status = "Inactive"
	}
	return n
}

// OpenOrder tells what an order is that is not done.
func (l *library) OpenOrder(id int64, c *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) {
	if o != nil && o.WhatIf {
		return // a preview
	}
	l.book.put(describe(OrderNews{Kind: OrderOpen, ID: id}, c, o, state))
}

// OpenOrderEnd ends the answer about open orders.
func (l *library) OpenOrderEnd() { l.book.end(askOpen) }

// OrderStatus tells how an order stands.
func (l *library) OrderStatus(id int64, status string, filled, remaining ibapi.Decimal, average float64, permID, parent int64, _ float64,
	client int64, whyHeld string, _ float64,
) {
	l.book.put(OrderNews{
		Kind: OrderStatus, ID: id, Client: client, PermID: permID, Parent: parent, Status: status, WhyHeld: whyHeld,
		Filled: number(filled), Remaining: number(remaining), Price: real(average),
	})
}

// ExecDetails tells an execution, asked for or not.
func (l *library) ExecDetails(_ int64, c *ibapi.Contract, e *ibapi.Execution) {
	if e == nil {
		return
	}
	n := OrderNews{
		Kind: OrderFilled, ID: e.OrderID, Client: e.ClientID, PermID: e.PermID, Ref: e.OrderRef, Execution: e.ExecID,
		Filled: number(e.Shares), Total: number(e.CumQty), Price: real(e.Price), At: e.Time,
	}
	switch e.Side {
	case "BOT":
		n.Side = Buy
	case "SLD":
		n.Side = Sell
	}
	l.book.put(describe(n, c, nil, nil))
}

// ExecDetailsEnd ends the answer about executions.
func (l *library) ExecDetailsEnd(request int64) {
	if n := request - executions; n >= 0 && n < executionNumbers {
		l.book.endExecutions(n, nil)
	}
}

// CommissionAndFeesReport tells what an execution has cost.
func (l *library) CommissionAndFeesReport(r ibapi.CommissionAndFeesReport) {
	l.book.put(OrderNews{Kind: OrderCommission, Execution: r.ExecID, Price: real(r.CommissionAndFees), Currency: r.Currency})
}

// CompletedOrder tells what became of an order that is done.
func (l *library) CompletedOrder(c *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) {
	l.book.put(describe(OrderNews{Kind: OrderCompleted}, c, o, state))
}

// CompletedOrdersEnd ends the answer about completed orders.
func (l *library) CompletedOrdersEnd() { l.book.end(askCompleted) }

// orderError takes an error that is about an order, and ends the wait for one that the library itself refuses.
func (l *library) orderError(id int64, code int, text string) {
	if id < 1 || id >= marketBase {
		return
	}
	switch int64(code) { // what the library itself says instead of sending
	case ibapi.NOT_CONNECTED.Code, ibapi.UPDATE_TWS.Code, ibapi.ERROR_ENCODING_PROTOBUF.Code:
		l.book.passage.drop(id, fmt.Errorf("%w: %s", ErrNotSent, text))
	}
	l.book.put(OrderNews{Kind: OrderError, ID: id, Client: l.clientID, Code: code, Detail: text})
}

func (l *library) askDetails(request int64, c Contract) {
	l.client.ReqContractDetails(detailsBase+request, contractOf(c))
}

// ContractDetails tells one contract that was asked for.
func (l *library) ContractDetails(request int64, d *ibapi.ContractDetails) {
	if d == nil {
		return
	}
	c := &d.Contract
	one := Details{
		Contract: Contract{
			ConID: c.ConID, Symbol: c.Symbol, Type: c.SecType, Exchange: c.Exchange, Primary: c.PrimaryExchange,
			Currency: c.Currency, Local: c.LocalSymbol,
		},
		Name: d.LongName, MinTick: max(0, real(d.MinTick)), Multiplier: 1, Expiry: c.LastTradeDateOrContractMonth,
		Rule: marketRule(c.Exchange, d.ValidExchanges, d.MarketRuleIDs),
	}
	if m, err := strconv.ParseFloat(c.Multiplier, 64); err == nil && real(m) > 0 {
		one.Multiplier = m
	}
	if l.relay.version < versionProtoContract {
		one.Name = spelled(d.LongName)
	}
	l.book.enquiries.put(request-detailsBase, one)
}

// ContractDetailsEnd ends an answer about contracts.
func (l *library) ContractDetailsEnd(request int64) { l.book.enquiries.end(request-detailsBase, nil) }

// spelled undoes what the library does to a name in text: it writes the numbers of its bytes, "[65 66]" for AB. Gateway itself
// writes characters beyond ASCII as \u00e9.
func spelled(s string) string {
	inner, begins := strings.CutPrefix(s, "[")
	inner, ends := strings.CutSuffix(inner, "]")
	if !begins || !ends {
		return s
	}
	var name []byte
	for word := range strings.FieldsSeq(inner) {
		b, err := strconv.ParseUint(word, 10, 8)
		if err != nil {
			return s
		}
		name = append(name, byte(b))
	}
	if plain, err := strconv.Unquote(`"` + string(name) + `"`); err == nil {
		return plain
	}
	return string(name)
}

// questionError ends an answer about contracts or executions with what Gateway says of the request. It reports whether the
// number is one of such a request: what it says then concerns nobody else.
func (l *library) questionError(request int64, code int, text string) bool {
	if request <= detailsBase || unnumbered(request) {
		return false
	}
	switch refused := (&RequestError{Question: QuestionDetails, Code: code, Text: text}); {
	case code >= 2100 && code <= 2199: // those are warnings
	case request < executions:
		l.book.enquiries.end(request-detailsBase, refused)
	default:
		refused.Question = QuestionExecutions
		l.book.endExecutions(request-executions, refused)
	}
	return true
}

// MarketRule tells the price steps of a market rule.
func (l *library) MarketRule(id int64, list []ibapi.PriceIncrement) {
	steps := []PriceStep{}
	for _, p := range list {
		if step := real(p.Increment); step > 0 && real(p.LowEdge) == p.LowEdge {
			steps = append(steps, PriceStep{From: p.LowEdge, Step: step})
		}
	}
	slices.SortFunc(steps, func(a, b PriceStep) int { return cmp.Compare(a.From, b.From) })
	l.book.rules.put(id, steps)
}
