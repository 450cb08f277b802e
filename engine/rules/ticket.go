package rules

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewatch/conn"
	"gatewatch/engine"
)

// text says which prices have met the conditions, such as "AAPL last 230.62".
func (a *active) text() string {
	var parts []string
	for i := range a.conditions {
		c := &a.conditions[i]
		q := c.watch.price(c.price)
		if !q.known {
			continue
		}
		part := fmt.Sprintf("%s %s %s", InstrumentOf(c.watch.contract), a.entry.rule.Conditions[i].Price, number(q.value))
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// errNoReference means that an offset needs a price of the rule's own instrument, and there is none, or none but old or delayed
// ones.
var errNoReference = &engine.BlockedError{Reason: engine.BlockedNoPrice}

// reference is the price that offsets are added to: that of the first condition that watches the rule's own instrument, else
// its last price.
func (a *active) reference(now, maxAge time.Duration) (float64, bool) {
	for i := range a.conditions {
		if c := &a.conditions[i]; c.watch == a.own {
			if q, ok := a.own.trusted(c.price, now, maxAge, a.delayedToo); ok {
				return q.value, true
			}
		}
	}
	q, ok := a.own.trusted(last, now, maxAge, a.delayedToo)
	return q.value, ok
}

// market is what the instrument trades at for who comes to it with an order; 0 if that is not known.
func (a *active) market(side conn.Side, now, maxAge time.Duration) float64 {
	touch := ask
	if side == conn.Sell {
		touch = bid
	}
	for _, p := range []price{touch, last, mid} {
		if q, ok := a.own.trusted(p, now, maxAge, a.delayedToo); ok {
			return q.value
		}
	}
	return 0
}

// pricer returns a price that a rule names, or the one that an offset of it leads to.
type pricer func(fixed, offset *float64, round func(float64) float64) float64

// orders makes the order of a rule, and its exits behind it. Without one there is nothing.
func (r *Rule) orders(c conn.Contract, price pricer) []conn.Order {
	o := r.Action.Order
	if o == nil {
		return nil
	}
	side, back := conn.Buy, conn.Sell
	better, worse := math.Floor, math.Ceil // a limit is rounded to the trader's favour
	if o.Side == "SELL" {
		side, back, better, worse = back, side, worse, better
	}
	list := []conn.Order{{
		Contract: c, Side: side, Type: conn.OrderType(o.Type), Quantity: o.Quantity, TIF: o.TIF, OutsideHours: o.OutsideHours, Account: o.Account,
		LimitPrice: price(o.LimitPrice, o.LimitOffset, better), StopPrice: price(o.StopPrice, o.StopOffset, math.Round),
		TrailAmount: value(o.TrailAmount), TrailPercent: value(o.TrailPercent),
	}}
	exit := func(e *Exit, typ conn.OrderType, round func(float64) float64) {
		if e == nil {
			return
		}
		x := conn.Order{Contract: c, Side: back, Type: typ, Quantity: o.Quantity, TIF: "GTC", OutsideHours: o.OutsideHours, Account: o.Account}
		if p := price(e.Price, e.Offset, round); typ == conn.Limit {
			x.LimitPrice = p
		} else {
			x.StopPrice = p
		}
		list = append(list, x)
	}
	exit(o.TakeProfit, conn.Limit, worse)
	exit(o.StopLoss, conn.Stop, math.Round)
	return list
}

// ticket makes the order of a rule that fires at now, or says why it cannot be made. Without one it is empty.
func (a *active) ticket(session *conn.Session, opened, now, maxAge time.Duration) (engine.Ticket, *engine.BlockedError) {
	if a.entry.rule.Action.Order == nil {
		return engine.Ticket{}, nil
	}
	contract := a.entry.contract(0)
	from, known := a.reference(now, maxAge)
	missing := false
	list := a.entry.rule.orders(contract.Contract, func(fixed, offset *float64, round func(float64) float64) float64 {
		if fixed != nil || offset == nil {
			return value(fixed)
		}
		missing = !known
		return onStep(from+*offset, contract, round)
	})
	t := engine.Ticket{
		Session: session, Opened: opened, Rule: a.entry.rule.Name, Price: a.market(list[0].Side, now, maxAge), Multiplier: contract.Multiplier,
		Order: list[0], Exits: list[1:],
	}
	if missing {
		return t, errNoReference
	}
	return t, nil
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// hoursOf returns whether a rule may fire at a time; nil if it may at any.
func hoursOf(o *Only, market func(time.Time) bool) func(time.Time) bool {
	if o == nil {
		return nil
	}
	clock := clockOf(o)
	switch {
	case !o.MarketHours:
		return clock
	case clock == nil:
		return market
	}
	return func(t time.Time) bool { return market(t) && clock(t) }
}

// clockOf returns whether a time of day lies between the two that a rule names; nil if it names none.
func clockOf(o *Only) func(time.Time) bool {
	from, errFrom := time.Parse("15:04", o.From)
	until, errUntil := time.Parse("15:04", o.Until)
	zone := time.Local
	if o.Timezone != "" {
		loaded, err := time.LoadLocation(o.Timezone)
		if err != nil {
			return func(time.Time) bool { return false } // which was checked when the rule was read
		}
		zone = loaded
	}
	if errFrom != nil || errUntil != nil {
		return nil
	}
	minute := func(t time.Time) int { return t.Hour()*60 + t.Minute() }
	first, end := minute(from), minute(until)
	on := func(day time.Weekday) bool { return len(o.Days) == 0 || slices.Contains(o.Days, weekdays[day]) }
	return func(t time.Time) bool {
		t = t.In(zone)
		today, yesterday, now := t.Weekday(), (t.Weekday()+6)%7, minute(t)
		if first < end {
			return on(today) && first <= now && now < end
		}
		return on(today) && now >= first || on(yesterday) && now < end
	}
}
