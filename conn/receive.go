package conn

import (
	"cmp"
	"slices"
	"time"

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
			s.pending.put(describe(OrderOpen, o))
		}
		return err
	case wire.MsgCompletedOrder:
		o, err := m.CompletedOrder()
		if err == nil {
			s.pending.put(describe(OrderCompleted, o))
		}
		return err
	case wire.MsgOrderStatus:
		o, err := m.OrderStatus()
		if err != nil {
			return err
		}
		s.pending.put(OrderNews{
			Kind: OrderStatus, ID: o.ID, Client: o.Client, PermID: o.PermID, Parent: o.Parent, Status: o.Status,
			WhyHeld: o.WhyHeld, Filled: real(o.Filled), Remaining: real(o.Remaining), Price: real(o.Average),
		})
	case wire.MsgExecution:
		return s.receiveExecution(m)
	case wire.MsgCommission:
		c, err := m.Commission()
		if err == nil {
			s.pending.put(OrderNews{Kind: OrderCommission, Execution: c.Execution, Price: real(c.Amount), Currency: c.Currency})
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
	s.pending.put(n)
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

// receiveEnd takes in the end of an answer.
func (s *socket) receiveEnd(m wire.Message) error {
	request, err := m.End()
	if err != nil {
		return err
	}
	switch m.Number {
	case wire.MsgOpenOrdersEnd:
		s.pending.end(askOpen)
	case wire.MsgCompletedOrdersEnd:
		s.pending.end(askCompleted)
	case wire.MsgExecutionsEnd:
		if n := request - executions; n >= 0 && n < executionNumbers {
			s.pending.endExecutions(n, nil)
		}
	case wire.MsgContractDetailsEnd:
		s.pending.enquiries.end(request-detailsBase, nil)
	}
	return nil
}

// receiveContract takes in a message about contracts.
func (s *socket) receiveContract(m wire.Message) error {
	switch m.Number {
	case wire.MsgContractDetails:
		d, err := m.ContractDetails()
		if err == nil && d.Complete {
			s.pending.enquiries.put(d.Request-detailsBase, detailsOf(d))
		}
		return err
	}
	r, err := m.MarketRule()
	if err == nil {
		s.pending.rules.put(r.Rule, stepsOf(r.Steps))
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
func (b *pending) refuseNumbered(e wire.Error) bool {
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

// logIn notes that both login messages have arrived, once they have.
func (s *socket) logIn() {
	if s.pending.first.Load() != 0 && s.accounts.Load() != nil && !s.isReady() {
		close(s.loggedIn)
		s.askConfig()
	}
}

func (s *socket) isReady() bool {
	select {
	case <-s.loggedIn:
		return true
	default:
		return false
	}
}

// receiveTime takes in the answer to a time request.
func (s *socket) receiveTime(unix int64) {
	ours := time.Now().Unix()
	if asked, rtt, ok := s.times.answer(s.mono(), ours, unix); ok {
		s.post(inAnswered{session: s.number, asked: asked, rtt: rtt, skew: time.Duration(unix-ours) * time.Second})
	}
}

// receiveError takes in what Gateway says with a code.
func (s *socket) receiveError(e wire.Error) {
	row := codeTable[e.Code]
	if row.effect == effectPortChanged || row.effect == effectFailsAttempt && !s.isReady() {
		s.onceFatal.Do(func() {
			s.fatal.Store(&AttemptError{Cause: row.cause, Code: e.Code, Text: e.Text})
			close(s.refused)
		})
	}
	if s.pending.refuseNumbered(e) {
		s.post(inMessage{e.Code, e.Text})
		return
	}
	request := e.Request
	if unnumbered(request) {
		if request = -1; e.Code == codeInvalid {
			s.pending.refuse(e.Code, e.Text)
		}
	}
	if request >= 1 && request < marketBase {
		s.pending.put(OrderNews{Kind: OrderError, ID: request, Client: s.client, Code: e.Code, Detail: e.Text})
	}
	own := request > 0
	switch {
	case request > marketBase && request < detailsBase:
		request -= marketBase
	case request > 0: // an order, of which Orders tells, or another question
		request = 0
	}
	s.post(inCode{session: s.number, request: request, own: own, code: e.Code, text: e.Text})
}
