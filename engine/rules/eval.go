package rules

import (
	"math"
	"time"

	"gatewatch/conn"
)

// This file decides whether conditions are met. Nothing in it allocates, asks a clock or takes a lock.

// verdict is what is known of a condition.
type verdict uint8

const (
	unknown verdict = iota // there is no price to judge by
	unmet
	met
)

// price is one of the prices of an instrument.
type price uint8

const (
	bid price = iota
	ask
	last
	mid
)

var prices = map[string]price{"bid": bid, "ask": ask, "last": last, "mid": mid}

// operator is how a price is compared.
type operator uint8

const (
	atOrAbove operator = iota
	atOrBelow
	crossesUp
	crossesDown
)

var operators = map[string]operator{
	"at_or_above": atOrAbove, "at_or_below": atOrBelow, "crosses_up": crossesUp, "crosses_down": crossesDown,
}

// quote is a price as it came.
type quote struct {
	value   float64
	known   bool
	delayed bool
	old     bool          // it is known that it is none of now
	at      time.Duration // 0 if none came
}

// watch is what is known of one instrument. Without a gap in the data, that is: a gap makes all of it unknown.
type watch struct {
	contract conn.Contract
	quotes   [3]quote
	heard    time.Duration // when anything was heard of it
	rules    [3][]*active  // those that a bid, ask or last can fire
	code     int           // IB's, why there is no data; 0 if there is
	detail   string
}

// forget makes everything unknown but what is shown to people.
func (w *watch) forget() {
	for i := range w.quotes {
		w.quotes[i].known = false
	}
}

// interrupt has the rules that watch the instrument begin anew with it: what was seen before is no evidence of what happened
// since.
func (w *watch) interrupt() {
	for _, list := range w.rules {
		for _, a := range list {
			for i := range a.conditions {
				if c := &a.conditions[i]; c.watch == w {
					c.forget()
				}
			}
		}
	}
}

// take takes in a tick, and reports which price it has given; ok is false for none.
func (w *watch) take(t conn.Tick) (p price, ok bool) {
	if t.Field == conn.DataKind {
		w.forget()
		w.interrupt()
		return 0, false
	}
	if w.code = 0; !t.Old {
		w.heard = t.At
	}
	switch t.Field {
	case conn.Bid:
		p = bid
	case conn.Ask:
		p = ask
	case conn.Last:
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

// isPrice reports whether a number is a price. IBKR writes 0, -1 or the greatest number there is for none; other negative prices are
// possible, of spreads and of futures.
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

// trusted returns the newest price of a kind; ok is false if nothing may be decided by it: it is not known, it came delayed, or
// nothing was heard of the instrument for maxAge.
func (w *watch) trusted(p price, now, maxAge time.Duration, delayedToo bool) (q quote, ok bool) {
	q = w.price(p)
	return q, q.known && (delayedToo || !q.delayed) && !(maxAge > 0 && now-w.heard > maxAge)
}

// condition is a [Condition] that is being watched.
type condition struct {
	watch *watch
	price price
	is    operator
	value float64
	hold  time.Duration

	before  bool          // the price is known to have been on the other side of the mark before
	since   time.Duration // when it came to be met, for hold
	holding bool          // since is known
}

// forget makes it as if nothing had been seen.
func (c *condition) forget() { c.before, c.holding = false, false }

// judge says how a condition stands at now. Prices of instruments that were not heard of for maxAge are not known.
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
	return unknown // its time began with a gap: a rule that has fired before that does not do so again for it
}

// active is a rule that is being watched.
type active struct {
	entry      *entry
	conditions []condition
	any        bool // any one condition will do
	delayedToo bool
	hours      func(time.Time) bool // nil: at any time
	own        *watch               // of the rule's own instrument
	timed      bool                 // time alone can make it met

	spent   bool // it fired, or was blocked, and has to be unmet before it can fire again
	verdict verdict
}

// withoutData returns the instrument without whose market data the rule cannot fire, nil if it has what it needs.
func (a *active) withoutData() (w *watch) {
	with := 0
	for i := range a.conditions {
		if c := &a.conditions[i]; c.watch.code == 0 {
			with++
		} else if w == nil {
			w = c.watch
		}
	}
	switch {
	case a.own.code != 0 && a.entry.rule.Action.Order != nil: // which needs a price
		return a.own
	case a.any && with > 0:
		return nil
	}
	return w
}

func (a *active) forget() {
	for i := range a.conditions {
		a.conditions[i].forget()
	}
	a.verdict = unknown
}

// judge says whether the rule fires at now. The wall clock is asked only if everything else is so.
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
