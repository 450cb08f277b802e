package resident

import (
	"context"
	"errors"
	"slices"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// Orders returns what GET /orders answers.
func (t *trading) Orders() api.Orders {
	if t.ledger == nil {
		return api.Orders{Problem: "The orders are not known: " + wording.RecordUnusable + wording.StatusSays + "."}
	}
	state := t.ledger.Cancelling()
	cancels := map[int64]ledger.Cancellation{}
	for _, c := range state.Open {
		cancels[c.Order.ID] = c
	}
	list := api.Orders{Cancelling: cancelling(state)}
	now, client := t.conn.Snapshot(), 0
	if s := t.conn.Session(); s != nil {
		client = s.ClientID()
	}
	for _, i := range slices.Backward(t.ledger.Intents()) {
		o := &i.Order
		c, asked := cancels[i.ID]
		list.Orders = append(list.Orders, api.OrderView{
			CancelText: wording.Cancellation(c, asked), CancelFailed: c.Refused, CancelCode: c.Code,
			ID: i.ID, At: api.Stamp(i.At), Rule: i.Rule, Text: wording.Order(o), Symbol: o.Contract.Symbol,
			Side: string(o.Side), Type: string(o.Type), Quantity: o.Quantity, LimitPrice: o.LimitPrice,
			StopPrice: o.StopPrice, TIF: o.TIF,
			Filled: i.Filled, State: i.State,
			StateText: wording.OrderState(&i) + wording.LastReported(&i, now, client),
			Status:    wording.OneLine(i.Status), WhyHeld: wording.OneLine(i.WhyHeld),
			ChangeText: wording.Change(&i), Unprotected: i.Unprotected, Changed: api.Stamp(i.Changed),
			Code: i.Code, Detail: wording.OneLine(i.Detail), Parent: o.Parent, Open: !i.Done(),
		})
		v := &list.Orders[len(list.Orders)-1]
		addCosts(v, &i)
		if a := i.Asked; a != nil && !i.Done() {
			v.AskedQuantity, v.AskedLimitPrice, v.AskedStopPrice = &a.Quantity, &a.LimitPrice, &a.StopPrice
		}
	}
	api.OpenFirst(list.Orders)
	blocked, _ := t.desk.Blocked()
	for _, b := range slices.Backward(blocked) {
		list.Blocked = append(list.Blocked, api.Blocked{
			At: api.Stamp(b.At), Rule: b.Rule, Text: wording.Order(&b.Order),
			Reason: wording.Blocked(b.Reason, b.Detail), ReasonID: b.Reason,
		})
	}
	return list
}

// addCosts puts into a view at which prices its order was filled, and what that has cost. The commission may be in
// another currency than the prices.
func addCosts(v *api.OrderView, i *ledger.Intent) {
	contract := &i.Order.Contract
	v.AveragePrice, v.Currency, v.CostText = i.AveragePrice(), contract.Currency, wording.OrderCost(i)
	v.Multiplier = engine.PointValue(contract, i.Multiplier)
	if c, ok := i.Charged(); ok {
		v.Commission, v.CommissionCurrency = &c.Amount, c.Currency
		if c.Closes {
			v.Realised = &c.Realised
		}
	}
}

// cancelling is what the API says of the orders that were to be cancelled.
func cancelling(c ledger.Cancelling) api.Cancelling {
	return api.Cancelling{Asked: c.Asked, Confirmed: c.Confirmed, Failed: c.Refused, Text: wording.Cancelling(c)}
}

// answered turns an error of the desk into one of the API.
func answered(err error) error {
	var blocked *engine.BlockedError
	var other *ledger.OtherClientError
	switch {
	case errors.Is(err, ledger.ErrNotOpen):
		return api.ErrNoOrder
	case errors.As(err, &other):
		return &api.Conflict{Reason: wording.OtherClient(other)}
	case errors.Is(err, ledger.ErrIDReused):
		return &api.Conflict{Reason: err.Error() + "; cancel it in TWS"}
	case errors.Is(err, ledger.ErrNotChanged):
		return &api.Conflict{Reason: err.Error()}
	case errors.As(err, &blocked):
		return &api.Conflict{Reason: wording.Blocked(blocked.Reason, blocked.Detail)}
	case errors.Is(err, ib.ErrSessionOver):
		return &api.Conflict{Reason: wording.GuardReason(ib.GuardSocket)}
	}
	if silent, ok := errors.AsType[*ib.UnansweredError](err); ok {
		return &api.Unanswered{Reason: wording.Unanswered(silent)}
	}
	return err
}

// CancelOrder asks for one of our orders to be cancelled.
func (t *trading) CancelOrder(_ context.Context, id int64) error {
	if t.ledger == nil {
		return t.conflict()
	}
	return answered(t.ledger.Cancel(t.conn.Session(), id))
}

// CancelOrders asks for all our open orders to be cancelled.
func (t *trading) CancelOrders(context.Context) error {
	if t.ledger == nil {
		return t.conflict()
	}
	defer t.changes.Nudge()
	asked, err := t.ledger.CancelAll(t.conn.Session())
	if err = answered(err); err != nil && asked > 0 {
		return &api.Remark{Text: err.Error()}
	}
	return err
}

// ChangeOrder changes an open order.
func (t *trading) ChangeOrder(_ context.Context, c api.OrderChange) error {
	if t.ledger == nil {
		return t.conflict()
	}
	_, err := t.desk.Change(t.conn.Session(), c.ID, engine.Change{
		Quantity: c.Quantity, LimitPrice: c.LimitPrice,
		StopPrice: c.StopPrice,
	})
	return answered(err)
}

// needsStop reports whether an order is a stop that does not work while its position is open. After a day a person has
// seen to it.
func needsStop(i *ledger.Intent) bool { return i.Unprotected && time.Since(i.Changed) < 24*time.Hour }

// unprotected returns the stops that do not work while their positions are open.
func (t *trading) unprotected() (list []ledger.Intent) {
	for _, i := range t.ledger.Intents() {
		if needsStop(&i) {
			list = append(list, i)
		}
	}
	return list
}
