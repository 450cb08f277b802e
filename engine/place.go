package engine

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
)

// This file is the way of an order from a strategy to the ledger: the desk's limits.

// Place sends an order, or an order with its exits, once. An error is a *[BlockedError] or [ib.ErrOrderUnknown]; then
// the intents tell more.
func (d *Desk) Place(t Ticket) ([]ledger.Intent, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	list, err := d.place(t)
	if shut, ok := errors.AsType[*BlockedError](err); ok {
		d.Refuse(t, shut)
	}
	return list, err
}

func (d *Desk) place(t Ticket) ([]ledger.Intent, error) {
	if err := d.check(t.Session); err != nil {
		return nil, err
	}
	if err := t.lapsed(); err != nil {
		return nil, err
	}
	if err := d.within(t); err != nil {
		return nil, err
	}
	b := ledger.Batch{
		Orders: append([]ib.Order{t.Order}, t.Exits...), Multiplier: t.Multiplier, Rule: t.Rule, Notes: t.Notes,
		Allowed: func() error {
			if err := d.allowed(); err != nil {
				return err
			}
			return t.lapsed()
		},
	}
	list, err := d.ledger.Place(t.Session, b)
	return list, passed(err)
}

// check is Check for who has the turn, or the lock.
func (d *Desk) check(s *ib.Session) error {
	switch stopped, _ := d.ledger.Trouble(); {
	case errors.Is(stopped, ledger.ErrMoved):
		return &BlockedError{Reason: BlockedMoved, Err: stopped}
	case stopped != nil:
		return &BlockedError{Reason: BlockedDisk, Detail: stopped.Error(), Err: stopped}
	}
	if s == nil {
		return &BlockedError{Reason: BlockedGuard, Detail: string(ib.GuardSocket)}
	}
	if err := s.Guard(); err != nil {
		return blockedBy(err)
	}
	want, seen := d.limits.Mode, s.Gateway().Mode
	switch {
	case want == ib.AnyMode && seen != ib.Paper:
		return &BlockedError{Reason: BlockedPaperOnly, Detail: string(seen)}
	case want != ib.AnyMode && seen != want:
		return &BlockedError{Reason: BlockedWrongMode, Detail: string(seen)}
	case !d.armed.Load():
		return errDisarmed
	}
	return nil
}

var errDisarmed = &BlockedError{Reason: BlockedDisarmed}

// allowed is asked when the bytes of an order are about to leave.
func (d *Desk) allowed() error {
	if !d.armed.Load() {
		return errDisarmed
	}
	return nil
}

// lapsed says that the guard was closed since a ticket was decided.
func (t *Ticket) lapsed() error {
	if t.Opened != 0 && t.Session.GuardSince() != t.Opened {
		return &BlockedError{Reason: BlockedGuard, Detail: string(ib.GuardReconciling)}
	}
	return nil
}

// within says which limit an order would exceed.
func (d *Desk) within(t Ticket) error {
	l, o := &d.limits, &t.Order
	count := 1 + len(t.Exits)
	switch {
	case !l.trades(o.Contract.Symbol):
		return &BlockedError{Reason: BlockedInstrument, Detail: o.Contract.Symbol}
	case d.ledger.SentInMinute()+count > l.PerMinute:
		return &BlockedError{Reason: BlockedPerMinute, Detail: strconv.Itoa(l.PerMinute)}
	case d.ledger.Sent(today(d.now().Local()))+count > l.PerDay:
		return &BlockedError{Reason: BlockedPerDay, Detail: strconv.Itoa(l.PerDay)}
	}
	for _, one := range append([]ib.Order{*o}, t.Exits...) {
		if !(one.Quantity <= l.Quantity) {
			return &BlockedError{Reason: BlockedQuantity, Detail: plain(l.Quantity)}
		}
	}
	return d.worth(o, t.Price, t.Multiplier)
}

// trades reports whether contracts with a symbol may be traded.
func (l *Limits) trades(symbol string) bool {
	return len(l.Symbols) == 0 || slices.ContainsFunc(l.Symbols, func(s string) bool {
		return strings.EqualFold(s, symbol)
	})
}

// Worth returns what an order is worth, in its contract's currency, by its own price or by that of the market, 0 for
// none; 0 if it is not known.
func Worth(o *ib.Order, price, multiplier float64) float64 {
	switch {
	case o.Type == ib.Limit && o.Side == ib.Sell: // the limit is the least that it brings
		if price == 0 || o.LimitPrice > price {
			price = o.LimitPrice
		}
	case o.Type == ib.StopLimit && o.Side == ib.Sell:
		price = max(o.StopPrice, o.LimitPrice)
	case o.Type == ib.Limit, o.Type == ib.StopLimit:
		price = o.LimitPrice
	case o.Type == ib.Stop:
		price = o.StopPrice
	}
	if math.IsNaN(price) {
		return 0
	}
	return math.Abs(price*PointValue(&o.Contract, multiplier)) * o.Quantity
}

// PointValue returns what one point of a contract's price is worth in its currency, 0 if that is not known: bonds are
// quoted in percent of a face value, funds are bought for an amount, and what the multiplier of a warrant says differs
// from one to the next. A multiplier of 0 says that Gateway has named none.
func PointValue(c *ib.Contract, multiplier float64) float64 {
	switch c.Type {
	case "STK", "CASH", "CFD", "CRYPTO", "CMDTY":
		return cmp.Or(multiplier, 1)
	case "FUT", "OPT", "FOP":
		return multiplier
	}
	return 0
}

// worth says whether an order is within the limit of its notional value.
func (d *Desk) worth(o *ib.Order, price, multiplier float64) error {
	switch worth := Worth(o, price, multiplier); {
	case PointValue(&o.Contract, multiplier) == 0:
		return &BlockedError{Reason: BlockedValue, Detail: o.Contract.Type}
	case worth == 0:
		return &BlockedError{Reason: BlockedNoPrice}
	case !(worth <= d.limits.Notional):
		return &BlockedError{Reason: BlockedNotional, Detail: plain(d.limits.Notional)}
	}
	return nil
}

// today returns the beginning of the day in the zone of now.
func today(now time.Time) time.Time {
	y, m, d := now.Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	if t.Day() != d { // the clocks go forward at midnight, and it is the hour before
		_, t = t.ZoneBounds()
	}
	return t
}

// utc returns the time by the wall clock.
func utc() time.Time { return time.Now().Round(0).UTC() }
