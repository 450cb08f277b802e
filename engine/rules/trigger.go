package rules

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// This file is the way from a tick to the order of a rule. What judges conditions neither allocates nor takes a lock,
// and asks no clock but that of the limits of time.

// OnTick evaluates the rules that a price concerns, and triggers those that are met.
func (s *Set) OnTick(instrument int, t ib.Tick) {
	s.evaluate(instrument, t)
	s.triggerReady()
}

// evaluate puts those that are met among the ready. Here and below a lock is given back by a panic, too: the engine is
// started again after one, and what people are shown has to go on.
func (s *Set) evaluate(instrument int, t ib.Tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, maxAge := s.watches[instrument], s.cfg.MaxTickAge()
	if maxAge > 0 && t.At-w.heard > maxAge {
		w.interrupt() // no one may have looked at the rules while it was silent
	}
	if p, ok := w.take(t); ok {
		for _, a := range w.rules[p] {
			if a.judge(t.At, maxAge, time.Now) {
				s.ready = append(s.ready, a)
			}
		}
	}
}

// take takes in a tick, and reports which price it has given; ok is false for none.
func (w *watch) take(t ib.Tick) (p price, ok bool) {
	if t.Field == ib.DataKind {
		w.forget()
		w.interrupt()
		return 0, false
	}
	if w.code = 0; !t.Old {
		w.heard = t.At
	}
	switch t.Field {
	case ib.Bid:
		p = bid
	case ib.Ask:
		p = ask
	case ib.Last:
		p = last
	default:
		return 0, false
	}
	if isPrice(t.Value) {
		w.quotes[p] = quote{value: t.Value, known: !t.Old, delayed: t.Delayed, old: t.Old, at: t.At}
	} else {
		w.quotes[p] = quote{}
	}
	return p, true
}

// isPrice reports whether a number is a price. IBKR writes 0, -1 or the greatest number there is for none; other
// negative prices are possible, of spreads and of futures.
func isPrice(v float64) bool { return v != 0 && v != -1 && math.Abs(v) < 1e300 }

// price returns the newest price of a kind.
func (w *watch) price(p price) quote {
	if p != mid {
		return w.quotes[p]
	}
	b, a := w.quotes[bid], w.quotes[ask]
	if b.at == 0 || a.at == 0 {
		return quote{}
	}
	return quote{
		value: (b.value + a.value) / 2, known: b.known && a.known, delayed: b.delayed || a.delayed, old: b.old || a.old,
		at: max(b.at, a.at),
	}
}

// trusted returns the newest price of a kind; ok is false if nothing may be decided by it: it is not known, it came
// delayed, or nothing was heard of the instrument for maxAge.
func (w *watch) trusted(p price, now, maxAge time.Duration, delayedToo bool) (q quote, ok bool) {
	q = w.price(p)
	return q, q.known && (delayedToo || !q.delayed) && !(maxAge > 0 && now-w.heard > maxAge)
}

// judge says whether the rule triggers at now. The wall clock is asked only if everything else is so.
func (a *active) judge(now, maxAge time.Duration, wall func() time.Time) bool {
	a.verdict = a.match(now, maxAge)
	if a.verdict == unmet {
		a.spent = false
	}
	if a.verdict != met || a.spent || a.entry.State != Active {
		return false
	}
	return a.hours == nil || a.hours(wall())
}

// match judges all conditions: each has to see each price.
func (a *active) match(now, maxAge time.Duration) verdict {
	var count [met + 1]int
	for i := range a.conditions {
		count[a.conditions[i].judge(now, maxAge, a.delayedToo)]++
	}
	switch {
	case a.any && count[met] > 0:
		return met
	case !a.any && count[unmet] > 0:
		return unmet
	case count[unknown] > 0:
		return unknown
	case a.any:
		return unmet
	}
	return met
}

// judge says whether a condition is met at now. Prices of instruments that were not heard of for maxAge are not known.
func (c *condition) judge(now, maxAge time.Duration, delayedToo bool) verdict {
	q, ok := c.watch.trusted(c.price, now, maxAge, delayedToo)
	if !ok {
		c.forget()
		return unknown
	}
	switch c.is {
	case crossesUp:
		return c.cross(q.value < c.value)
	case crossesDown:
		return c.cross(q.value > c.value)
	case atOrAbove:
		return c.stay(q.value >= c.value, now)
	default:
		return c.stay(q.value <= c.value, now)
	}
}

// cross is met at the moment when the price leaves the side that it has to come from.
func (c *condition) cross(before bool) verdict {
	was := c.before
	c.before = before
	if was && !before {
		return met
	}
	return unmet
}

// stay is met when the price has been so for long enough.
func (c *condition) stay(so bool, now time.Duration) verdict {
	if !so {
		c.holding, c.before = false, true
		return unmet
	}
	if !c.holding {
		c.holding, c.since = true, now
	}
	switch {
	case now-c.since >= c.hold:
		return met
	case c.before:
		return unmet
	}
	return unknown // its time began with a gap: a rule that has triggered before that does not do so again for it
}

// triggerReady triggers what is ready.
func (s *Set) triggerReady() {
	if len(s.ready) == 0 { // only this goroutine fills it
		return
	}
	defer func() {
		clear(s.ready)
		s.ready = s.ready[:0]
	}()
	for _, a := range s.ready {
		s.trigger(a)
	}
}

// trigger does what a rule is for.
func (s *Set) trigger(a *active) {
	s.turn.Lock()
	defer s.turn.Unlock()
	now, e := time.Now().Round(0).UTC(), a.entry
	next, ticket, blocked, ok := s.triggered(a, now)
	if !ok {
		return
	}
	if e.rule.Action.Order == nil {
		next.settle(now)
		_ = s.set(e, next.record) // logged
		s.cfg.Report(engine.Report{Kind: engine.ReportTriggered, At: now, Rule: e.rule.Name, Text: s.text(a)})
		return
	}
	s.order(a, next, ticket, blocked)
}

// triggered returns the state of a rule when it has triggered, and the order that it wants, or why that cannot be made;
// ok is false if it was removed, deactivated or changed meanwhile.
func (s *Set) triggered(a *active, now time.Time) (next entry, ticket engine.Ticket, blocked *engine.BlockedError,
	ok bool,
) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := a.entry
	if !slices.Contains(s.entries, e) || e.active != a || e.State != Active {
		return next, ticket, nil, false
	}
	a.spent, e.triggered, e.order = true, s.cfg.Clock(), ""
	next = *e
	next.TriggerCount++
	next.TriggeredAt, next.State, next.Since, next.Settled = now, Triggered, now, false
	ticket, blocked = a.ticket(s.session, s.opened, s.cfg.Clock(), s.cfg.MaxTickAge())
	return next, ticket, blocked, true
}

func (r *record) note() []byte {
	text, err := json.Marshal(r)
	if err != nil {
		return nil // there is nothing in it that could not be written
	}
	return text
}

// contract returns the contract of the rule, or with i > 0 that of its i-th condition.
func (e *entry) contract(i int) *resolved {
	if e.Contracts[i] == nil {
		return e.Contracts[0]
	}
	return e.Contracts[i]
}

// ticket makes the order of a rule that triggers at now, or says why it cannot be made. Without one it is empty.
func (a *active) ticket(session *ib.Session, opened, now, maxAge time.Duration) (engine.Ticket,
	*engine.BlockedError,
) {
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
		Session: session, Opened: opened, Rule: a.entry.rule.Name, Price: a.market(list[0].Side, now, maxAge),
		Multiplier: contract.Multiplier,
		Order:      list[0], Exits: list[1:],
	}
	if missing {
		return t, errNoReference
	}
	return t, nil
}

// reference is the price that offsets are added to: that of the first condition that watches the rule's own instrument,
// else its last price.
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
func (a *active) market(side ib.Side, now, maxAge time.Duration) float64 {
	touch := ask
	if side == ib.Sell {
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
func (r *Rule) orders(c ib.Contract, price pricer) []ib.Order {
	o := r.Action.Order
	if o == nil {
		return nil
	}
	side, back := ib.Buy, ib.Sell
	better, worse := math.Floor, math.Ceil // a limit is rounded to the trader's favour
	if o.Side == "SELL" {
		side, back, better, worse = back, side, worse, better
	}
	list := []ib.Order{{
		Contract: c, Side: side, Type: ib.OrderType(o.Type), Quantity: o.Quantity, TIF: o.TIF,
		OutsideHours: o.OutsideHours, Account: o.Account,
		LimitPrice: price(o.LimitPrice, o.LimitOffset, better), StopPrice: price(o.StopPrice, o.StopOffset, math.Round),
		TrailAmount: value(o.TrailAmount), TrailPercent: value(o.TrailPercent),
	}}
	exit := func(e *Exit, typ ib.OrderType, round func(float64) float64) {
		if e == nil {
			return
		}
		x := ib.Order{
			Contract: c, Side: back, Type: typ, Quantity: o.Quantity, TIF: "GTC",
			OutsideHours: o.OutsideHours, Account: o.Account,
		}
		if p := price(e.Price, e.Offset, round); typ == ib.Limit {
			x.LimitPrice = p
		} else {
			x.StopPrice = p
		}
		list = append(list, x)
	}
	exit(o.TakeProfit, ib.Limit, worse)
	exit(o.StopLoss, ib.Stop, math.Round)
	return list
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// onStep rounds a price to one that a contract can have. Its steps are in order; which one counts depends on the price.
// Where they are not known, its least step does.
func onStep(v float64, c *resolved, round func(float64) float64) float64 {
	steps := c.Steps
	if len(steps) == 0 {
		if !(c.MinTick > 0) {
			return v
		}
		steps = []ib.PriceStep{{Step: c.MinTick}}
	}
	for range steps { // rounding may lead to a price that has another step
		step := stepAt(v, steps)
		n := v / step
		if near := math.Round(n); math.Abs(n-near) < 1e-6 {
			n = near // it is one already, but for the last bits
		}
		if v = decimal(round(n) * step); stepAt(v, steps) == step {
			break
		}
	}
	return v
}

// stepAt returns the step at a price. A price below all of them has the first step.
func stepAt(v float64, steps []ib.PriceStep) float64 {
	step := steps[0].Step
	for _, s := range steps[1:] {
		if v >= s.From-s.Step*1e-6 {
			step = s.Step
		}
	}
	return step
}

// decimal leaves out the last bits that a multiplication leaves behind.
func decimal(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 10, 64), 64)
	if err != nil {
		return v // infinite, which is refused further on
	}
	return rounded
}

// order places the order of a rule that triggers, unless it cannot be made; next is the rule's state if that works.
func (s *Set) order(a *active, next entry, ticket engine.Ticket, blocked *engine.BlockedError) {
	e := a.entry
	var notes map[string][]byte
	ticket.Notes = func() map[string][]byte {
		notes = map[string][]byte{notePrefix + e.rule.Name: next.note()}
		return notes
	}
	if blocked != nil {
		s.cfg.Desk.Refuse(ticket, blocked)
	} else {
		sent, err := s.cfg.Desk.Place(ticket)
		if len(sent) > 0 {
			s.remember(notes)
			s.mu.Lock()
			e.order = sent[0].Order.Ref
			s.mu.Unlock()
		}
		errors.As(err, &blocked)
	}
	if blocked != nil { // it may trigger again when it has been unmet
		s.mu.Lock()
		e.blocked, e.blockedAt = blocked, next.TriggeredAt
		again := e.record
		again.WasBlocked = true
		s.mu.Unlock()
		_ = s.set(e, again) // logged
		return
	}
	// It was sent, or no one knows; what becomes of it comes to OnOrder.
	s.mu.Lock()
	e.record, e.blocked = next.record, nil
	s.mu.Unlock()
	s.cfg.Report(engine.Report{
		Kind: engine.ReportTriggered, At: next.TriggeredAt, Rule: e.rule.Name,
		Text: s.text(a) + ": " + engine.Describe(&ticket.Order),
	})
	s.cfg.Changed()
}

// errNoReference means that an offset needs a price of the rule's own instrument, and there is none, or none but old or
// delayed ones.
var errNoReference = &engine.BlockedError{Reason: engine.BlockedNoPrice}
