package conn

import (
	"cmp"
	"math"
	"slices"

	"gatewatch/conn/wire"
)

// This file takes in what Gateway says of orders and contracts.

// Request numbers of market data, of contract details and of executions lie above every order id, so that an error says
// which it is about. Some programs number orders by the seconds since 1970, so there is room for that.
const (
	marketBase  = 1<<31 - 1<<24
	detailsBase = 1<<31 - 1<<16
	executions  = 1<<31 - 1<<10
	maxRequest  = detailsBase - marketBase - 1
	maxEnquiry  = executions - detailsBase - 1

	executionNumbers = 1<<10 - 2 // how many there are for executions

	configRequest = 1<<31 - 2 // for Gateway's settings; the one above stands for no number at all
)

// receiveOrder takes in a message about orders; others are nothing to it.
func (s *socket) receiveOrder(m wire.Message) error {
	switch m.Number {
	case wire.MsgOpenOrder:
		o, err := m.OpenOrder()
		if err == nil && !o.Preview {
			s.book.put(describe(OrderOpen, o))
		}
		return err
	case wire.MsgCompletedOrder:
		o, err := m.CompletedOrder()
		if err == nil {
			s.book.put(describe(OrderCompleted, o))
		}
		return err
	case wire.MsgOpenOrdersEnd:
		if err := m.OpenOrdersEnd(); err != nil {
			return err
		}
		s.book.end(askOpen)
	case wire.MsgCompletedOrdersEnd:
		if err := m.CompletedOrdersEnd(); err != nil {
			return err
		}
		s.book.end(askCompleted)
	case wire.MsgOrderStatus:
		o, err := m.OrderStatus()
		if err != nil {
			return err
		}
		s.book.put(OrderNews{
			Kind: OrderStatus, ID: o.ID, Client: o.Client, PermID: o.PermID, Parent: o.Parent, Status: o.Status,
			WhyHeld: o.WhyHeld, Filled: real(o.Filled), Remaining: real(o.Remaining), Price: real(o.Average),
		})
	case wire.MsgExecution:
		return s.receiveExecution(m)
	case wire.MsgExecutionsEnd:
		request, err := m.ExecutionsEnd()
		if n := request - executions; err == nil && n >= 0 && n < executionNumbers {
			s.book.endExecutions(n, nil)
		}
		return err
	case wire.MsgCommission:
		c, err := m.Commission()
		if err == nil {
			s.book.put(OrderNews{Kind: OrderCommission, Execution: c.Execution, Price: real(c.Amount), Currency: c.Currency})
		}
		return err
	}
	return nil
}

func (s *socket) receiveExecution(m wire.Message) error {
	e, err := m.Execution()
	if err != nil || e.ID == "" {
		return err
	}
	n := OrderNews{
		Kind: OrderFilled, ID: e.Order, Client: e.Client, PermID: e.PermID, Ref: e.Ref, Symbol: e.Symbol, Execution: e.ID,
		Filled: real(e.Shares), Total: real(e.Total), Price: real(e.Price), At: e.Time,
	}
	switch e.Side {
	case "BOT":
		n.Side = Buy
	case "SLD":
		n.Side = Sell
	}
	s.book.put(n)
	return nil
}

// describe turns an order as Gateway has it into news.
func describe(kind OrderNewsKind, o wire.Order) OrderNews {
	n := OrderNews{
		Kind: kind, ID: o.ID, Client: o.Client, PermID: o.PermID, Parent: o.Parent, Ref: o.Ref, Symbol: o.Symbol,
		Side: Side(o.Action), Type: OrderType(o.Type), Quantity: real(o.Quantity), Filled: real(o.Filled),
		Limit: real(o.Limit), Aux: real(o.Aux), Percent: real(o.Percent),
		Status: o.Status, Detail: cmp.Or(o.CompletedStatus, o.RejectReason),
	}
	if o.Deactivated { // told among the open orders since 10.48
		n.Status = "Inactive"
	}
	return n
}

// receiveContract takes in a message about contracts.
func (s *socket) receiveContract(m wire.Message) error {
	switch m.Number {
	case wire.MsgContractDetails:
		d, err := m.ContractDetails()
		if err == nil && d.Complete {
			s.book.enquiries.put(d.Request-detailsBase, detailsOf(d))
		}
		return err
	case wire.MsgContractDetailsEnd:
		request, err := m.ContractDetailsEnd()
		if err == nil {
			s.book.enquiries.end(request-detailsBase, nil)
		}
		return err
	}
	r, err := m.MarketRule()
	if err == nil {
		s.book.rules.put(r.Rule, stepsOf(r.Steps))
	}
	return err
}

func detailsOf(d wire.ContractDetails) Details {
	one := Details{
		Contract: Contract(d.Contract), Name: d.Name, MinTick: max(0, real(d.MinTick)), Multiplier: 1, Expiry: d.Expiry,
		Rule: marketRule(d.Contract.Exchange, d.Exchanges, d.Rules),
	}
	if m := real(d.Multiplier); m > 0 {
		one.Multiplier = m
	}
	return one
}

// stepsOf returns the steps of a market rule that can be used, in order.
func stepsOf(list []wire.PriceStep) []PriceStep {
	steps := []PriceStep{}
	for _, p := range list {
		if real(p.Step) > 0 && real(p.From) == p.From {
			steps = append(steps, PriceStep(p))
		}
	}
	slices.SortFunc(steps, func(a, b PriceStep) int { return cmp.Compare(a.From, b.From) })
	return steps
}

// refuseNumbered ends an answer about contracts or executions with what Gateway says of the request. It reports whether
// the number is one of such a request: what it says then concerns nobody else.
func (b *books) refuseNumbered(e wire.Error) bool {
	if e.Request <= detailsBase || unnumbered(e.Request) {
		return false
	}
	switch refused := (&RequestError{Question: QuestionDetails, Code: e.Code, Text: e.Text}); {
	case e.Code >= 2100 && e.Code <= 2199: // those are warnings
	case e.Request == configRequest: // refused with 10357, or unknown to this Gateway: it says nothing then
	case e.Request < executions:
		b.enquiries.end(e.Request-detailsBase, refused)
	default:
		refused.Question = QuestionExecutions
		b.endExecutions(e.Request-executions, refused)
	}
	return true
}

// real returns a number that Gateway has set, else 0. What is not set is the greatest number there is, or nearly so.
func real(v float64) float64 {
	if math.IsNaN(v) || math.Abs(v) >= 1e300 {
		return 0
	}
	return v
}

// realPrice returns a price, 0 if there is none. IBKR writes -1 for none, so that a spread or a future at exactly -1
// has none, too; other negative prices are possible.
func realPrice(v float64) float64 {
	if v == -1 {
		return 0
	}
	return real(v)
}
