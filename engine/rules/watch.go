package rules

import (
	"slices"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// This file is what rules watch, and what is known of it.

// verdict is what is known of a condition.
type verdict uint8

// price is one of the prices of an instrument.
type price uint8

var prices = map[string]price{"bid": bid, "ask": ask, "last": last, "mid": mid}

// operator is how a price is compared.
type operator uint8

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
	contract ib.Contract
	quotes   [3]quote
	heard    time.Duration // when anything was heard of it
	rules    [3][]*active  // those that a bid, ask or last can trigger
	code     int           // IB's, why there is no data; 0 if there is
	detail   string
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

// active is a rule that is being watched.
type active struct {
	entry      *entry
	conditions []condition
	any        bool // any one condition will do
	delayedToo bool
	hours      func(time.Time) bool // nil: at any time
	own        *watch               // of the rule's own instrument
	timed      bool                 // time alone can make it met

	spent   bool // it triggered, or was blocked, and has to be unmet before it can trigger again
	verdict verdict
}

// forget makes everything unknown but what is shown to people.
func (w *watch) forget() {
	for i := range w.quotes {
		w.quotes[i].known = false
	}
}

// interrupt restarts the rules that watch the instrument: what was seen before is no evidence of what
// happened since.
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

// forget makes it as if nothing had been seen.
func (c *condition) forget() { c.before, c.holding = false, false }

func (a *active) forget() {
	for i := range a.conditions {
		a.conditions[i].forget()
	}
	a.verdict = unknown
}

// withoutData returns the instrument without whose market data the rule cannot trigger, nil if it has what it needs.
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

// Instruments returns what the rules watch. What is known of an instrument that was watched before stays known.
func (s *Set) Instruments() []engine.Instrument {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.watches
	s.watches = nil
	var list []engine.Instrument
	for _, e := range s.entries {
		if !e.watches() {
			e.active = nil
			continue
		}
		if e.active == nil {
			e.active = compile(e, s.cfg.MarketHours)
		}
		s.follow(e, before, &list)
	}
	if s.preview != nil { // the last, so that it changes nothing for rules that are active
		s.follow(s.preview, before, &list)
	}
	return list
}

// follow makes a rule watch its instruments, and puts them into the list.
func (s *Set) follow(e *entry, before []*watch, list *[]engine.Instrument) {
	a := e.active
	a.own = s.watch(e, 0, before, list)
	for i := range a.conditions {
		c := &a.conditions[i]
		c.watch = s.watch(e, i+1, before, list)
		for p := range c.watch.rules {
			if (c.price == price(p) || c.price == mid && price(p) != last) && !slices.Contains(c.watch.rules[p], a) {
				c.watch.rules[p] = append(c.watch.rules[p], a)
			}
		}
	}
}

// watches reports whether a rule looks at prices: also while its cooldown lasts, so that a condition that stays met
// does not trigger it again at the end of that.
func (e *entry) watches() bool {
	return len(e.Contracts) == 1+len(e.rule.Conditions) && e.contract(0) != nil &&
		(e.State == Active || e.State == Triggered && e.rule.CooldownSeconds > 0)
}

// watch returns the watch of a rule's i-th contract, and has it among the instruments. A preview does not change of
// which kind the data of an active rule is.
func (s *Set) watch(e *entry, i int, before []*watch, list *[]engine.Instrument) *watch {
	c, delayed := e.contract(i).Contract, e.rule.AllowDelayed
	is := func(w *watch) bool { return w.contract == c }
	at := slices.IndexFunc(s.watches, is)
	fresh := at < 0
	if fresh {
		w := &watch{contract: c}
		if old := slices.IndexFunc(before, is); old >= 0 {
			w = before[old]
			w.rules = [3][]*active{}
		}
		at = len(s.watches)
		s.watches = append(s.watches, w)
		*list = append(*list, engine.Instrument{Contract: c})
	}
	if fresh || e != s.preview {
		(*list)[at].Delayed = (*list)[at].Delayed || delayed
	}
	return s.watches[at]
}

// compile makes of a rule what is evaluated.
func compile(e *entry, market func(time.Time) bool) *active {
	r := &e.rule
	a := &active{
		entry: e, any: r.Match == "any", delayedToo: r.AllowDelayed, hours: hoursOf(r.Only, market),
		conditions: make([]condition, len(r.Conditions)),
	}
	a.timed = a.hours != nil
	a.spent = e.TriggerCount > 0 || e.WasBlocked // before a restart: who was not there has not seen it unmet since
	for i := range r.Conditions {
		c := &r.Conditions[i]
		a.conditions[i] = condition{
			price: prices[c.Price], is: operators[c.Is], value: c.Value, hold: seconds(c.ForSeconds),
		}
		a.timed = a.timed || c.ForSeconds > 0
	}
	return a
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// hoursOf returns whether a rule may trigger at a time; nil if it may at any.
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
