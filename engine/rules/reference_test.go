package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// happening is one thing that a reference has been told of.
type happening struct {
	at      time.Duration
	forgets bool   // nothing before it is evidence: of one instrument, or of all if it names none
	symbol  string // else a tick of this instrument
	field   string
	value   float64
	delayed bool
}

// reference says when rules trigger, by going through all that has happened again each time. It is as slow as it is
// simple.
type reference struct {
	b       *bench
	story   []happening
	rules   []*referenceRule
	watched map[string]bool // instruments
}

type referenceRule struct {
	Rule
	state State
	looks []look // since it was activated
}

// look is a moment at which a rule was looked at.
type look struct {
	at        time.Duration
	upTo      int // how much of the story had happened
	triggered bool
}

// watches reports whether a rule looks at prices.
func (r *referenceRule) watches() bool {
	return r.state == Active || r.state == Triggered && r.CooldownSeconds > 0
}

// symbol returns of which instrument a condition of the rule is.
func (r *referenceRule) symbol(c *Condition) string {
	if c.Instrument != nil {
		return c.Instrument.Symbol
	}
	return r.Instrument.Symbol
}

// refresh notes what is watched from now on. What was not watched before begins without a price.
func (r *reference) refresh() {
	r.b.instruments() // the engine may be slow to ask; here it is not
	now := map[string]bool{}
	for _, rule := range r.rules {
		if !rule.watches() {
			continue
		}
		now[rule.Instrument.Symbol] = true
		for i := range rule.Conditions {
			now[rule.symbol(&rule.Conditions[i])] = true
		}
	}
	for symbol := range now {
		if !r.watched[symbol] {
			r.story = append(r.story, happening{forgets: true, symbol: symbol})
		}
	}
	r.watched = now
}

// price finds the newest price of a kind.
func (r *reference) price(symbol, kind string, upTo int) (value float64, known, delayed bool) {
	if kind == "mid" {
		b, bKnown, bDelayed := r.price(symbol, "bid", upTo)
		a, aKnown, aDelayed := r.price(symbol, "ask", upTo)
		return (a + b) / 2, aKnown && bKnown, aDelayed || bDelayed
	}
	for _, h := range slices.Backward(r.story[:upTo]) {
		switch {
		case h.forgets && (h.symbol == "" || h.symbol == symbol):
			return 0, false, false
		case h.symbol == symbol && h.field == kind:
			return h.value, h.value > 0, h.delayed
		}
	}
	return 0, false, false
}

// trusted reports whether anything was heard of an instrument lately.
func (r *reference) trusted(symbol string, l look) bool {
	for _, h := range slices.Backward(r.story[:l.upTo]) {
		if h.symbol == symbol && !h.forgets {
			return l.at-h.at <= r.b.maxAge
		}
	}
	return false
}

// gap reports whether the data of an instrument had one between two looks: a silence that was too long is one.
func (r *reference) gap(symbol string, from, to look) bool {
	for n := from.upTo; n < to.upTo; n++ {
		h := r.story[n]
		if h.forgets && h.symbol == "" {
			return true
		}
		if h.forgets || h.symbol != symbol {
			continue
		}
		for _, before := range slices.Backward(r.story[:n]) {
			if before.symbol == symbol && !before.forgets {
				if h.at-before.at > r.b.maxAge {
					return true
				}
				break
			}
		}
	}
	return false
}

// condition says how a condition stood at the n-th look.
func (r *reference) condition(rule *referenceRule, c *Condition, n int) verdict {
	side := func(n int) (v verdict) { // met on that side of the mark where it is wanted
		l := rule.looks[n]
		value, known, delayed := r.price(rule.symbol(c), c.Price, l.upTo)
		switch {
		case !known || delayed && !rule.AllowDelayed || !r.trusted(rule.symbol(c), l):
			return unknown
		case value >= c.Value && (c.Is == "at_or_above" || c.Is == "crosses_up"), value <= c.Value &&
			(c.Is == "at_or_below" || c.Is == "crosses_down"):
			return met
		}
		return unmet
	}
	gap := func(n int) bool { return r.gap(rule.symbol(c), rule.looks[n-1], rule.looks[n]) } // before the n-th look
	now := side(n)
	if now != met {
		return now
	}
	if strings.HasPrefix(c.Is, "crosses") {
		if n > 0 && side(n-1) == unmet && !gap(n) {
			return met
		}
		return unmet
	}
	first := n
	for first > 0 && side(first-1) == met && !gap(first) {
		first--
	}
	switch {
	case (rule.looks[n].at - rule.looks[first].at).Seconds() >= c.ForSeconds:
		return met
	case first > 0 && side(first-1) == unmet && !gap(first):
		return unmet
	}
	return unknown // it may have been so for long
}

// verdict says how all conditions of a rule stood at the n-th look.
func (r *reference) verdict(rule *referenceRule, n int) verdict {
	var all []verdict
	for i := range rule.Conditions {
		all = append(all, r.condition(rule, &rule.Conditions[i], n))
	}
	has := func(v verdict) bool { return slices.Contains(all, v) }
	if rule.Match == "any" {
		switch {
		case has(met):
			return met
		case has(unknown):
			return unknown
		}
		return unmet
	}
	switch {
	case has(unmet):
		return unmet
	case has(unknown):
		return unknown
	}
	return met
}

// look looks at a rule, and reports whether it triggers.
func (r *reference) look(rule *referenceRule) bool {
	n := len(rule.looks)
	rule.looks = append(rule.looks, look{at: r.b.now, upTo: len(r.story)})
	if rule.state != Active || rule.Only != nil && !r.b.open || r.verdict(rule, n) != met {
		return false
	}
	// Since it triggered the last time, it has to have been unmet.
	for before := n - 1; before >= 0 && r.verdict(rule, before) != unmet; before-- {
		if rule.looks[before].triggered {
			return false
		}
	}
	rule.looks[n].triggered = true
	switch {
	case rule.Action.Order != nil: // which is blocked, since there is no session
	case rule.CooldownSeconds > 0:
		rule.state = Triggered
	default:
		rule.state = Done
	}
	return true
}

// tick returns what a tick triggers, in the words of a bench.
func (r *reference) tick(h happening) (triggered []string) {
	if !r.watched[h.symbol] {
		return nil
	}
	r.story = append(r.story, h)
	for _, rule := range r.rules {
		concerned := slices.ContainsFunc(rule.Conditions, func(c Condition) bool {
			return rule.symbol(&c) == h.symbol && (c.Price == h.field || c.Price == "mid" &&
				(h.field == "bid" || h.field == "ask"))
		})
		if rule.watches() && concerned && r.look(rule) {
			triggered = append(triggered, rule.told())
		}
	}
	return triggered
}

// time returns what the time triggers, and ends cooldowns that are over.
func (r *reference) time(rested bool) (triggered []string) {
	var tired []*referenceRule
	for _, rule := range r.rules {
		if rule.state == Triggered {
			tired = append(tired, rule)
		}
		timed := rule.Only != nil || slices.ContainsFunc(rule.Conditions, func(c Condition) bool {
			return c.ForSeconds > 0
		})
		if timed && rule.watches() && r.look(rule) {
			triggered = append(triggered, rule.told())
		}
	}
	for _, rule := range tired {
		if rested {
			rule.state = Active
		}
	}
	return triggered
}

// told is how a bench says that a rule has triggered.
func (r *referenceRule) told() string {
	if r.Action.Order != nil {
		return r.Name + "!"
	}
	return r.Name
}

var symbols = []string{"AAPL", "AAPL", "MSFT"}

// anyRule draws a rule. Few values make many coincidences.
func anyRule(t *rapid.T, name string) Rule {
	instrument := func() Instrument { return Instrument{Symbol: rapid.SampledFrom(symbols).Draw(t, "symbol")} }
	r := Rule{
		Name: name, Instrument: instrument(), Action: Action{Do: "notify"},
		AllowDelayed:    rapid.Bool().Draw(t, "delayed"),
		Match:           rapid.SampledFrom([]string{"", "any"}).Draw(t, "match"),
		CooldownSeconds: rapid.SampledFrom([]float64{0, 3600}).Draw(t, "cooldown"),
	}
	if rapid.IntRange(0, 3).Draw(t, "only") == 0 {
		r.Only = &Only{MarketHours: true}
	}
	if rapid.IntRange(0, 3).Draw(t, "order") == 0 {
		r.Action = Action{Do: "order", Order: &Order{Side: "BUY", Quantity: 1, Type: "MKT"}}
	}
	for range max(1, rapid.IntRange(-1, 3).Draw(t, "conditions")) {
		c := Condition{
			Price: rapid.SampledFrom([]string{"bid", "ask", "last", "mid"}).Draw(t, "price"),
			Is: rapid.SampledFrom([]string{"at_or_above", "at_or_below", "crosses_up", "crosses_down"}).Draw(t,
				"is"),
			Value: rapid.SampledFrom([]float64{99, 100, 101}).Draw(t, "value"),
		}
		if strings.HasPrefix(c.Is, "at") {
			c.ForSeconds = rapid.SampledFrom([]float64{0, 0, 0.3, 1}).Draw(t, "for")
		}
		if rapid.IntRange(0, 2).Draw(t, "other") == 0 {
			other := instrument()
			c.Instrument = &other
		}
		r.Conditions = append(r.Conditions, c)
	}
	return r
}

// happenings are what can happen, as often as it does.
var happenings = slices.Concat(slices.Repeat([]string{"tick"}, 30), slices.Repeat([]string{"wait", "activate", "rest"},
	4), []string{"gap", "deactivate", "change", "market"})

// TestRulesAgreeWithAReference plays ticks, gaps, time, market hours, activations and changes of rules at random.
func TestRulesAgreeWithAReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		defer b.ledger.Close()
		b.maxAge = 800 * time.Millisecond
		ref := &reference{b: b, watched: map[string]bool{}}
		var list []Rule
		for i := range rapid.IntRange(1, 4).Draw(rt, "rules") {
			list = append(list, anyRule(rt, fmt.Sprint("r", i)))
			ref.rules = append(ref.rules, &referenceRule{Rule: list[i], state: Draft})
		}
		put := func() {
			if err := b.set.Put(list); err != nil {
				rt.Fatal(err)
			}
			ref.refresh()
		}
		activate := func(rule *referenceRule) {
			if err := b.set.Activate(t.Context(), rule.Name); err != nil {
				rt.Fatal(err)
			}
			rule.state, rule.looks = Active, nil
			ref.refresh()
		}
		put()
		for _, rule := range ref.rules {
			activate(rule)
		}
		for range rapid.IntRange(60, 160).Draw(rt, "steps") {
			var got string
			var want []string
			at := rapid.IntRange(0, len(list)-1).Draw(rt, "rule")
			switch rapid.SampledFrom(happenings).Draw(rt, "step") {
			case "gap":
				b.tick("gap")
				ref.story = append(ref.story, happening{forgets: true})
			case "wait":
				ms := rapid.SampledFrom([]int{100, 300, 700, 1000}).Draw(rt, "ms")
				for range ms / 100 {
					got += " " + b.tick("wait 100ms")
					want = append(want, ref.time(false)...)
				}
			case "activate":
				activate(ref.rules[at])
			case "deactivate":
				if err := b.set.Deactivate(list[at].Name); err != nil {
					rt.Fatal(err)
				}
				ref.rules[at].state = Draft
				ref.refresh()
			case "change":
				list[at] = anyRule(rt, list[at].Name)
				if hash(&list[at]) != hash(&ref.rules[at].Rule) {
					ref.rules[at] = &referenceRule{Rule: list[at], state: Draft}
				}
				put()
			case "market":
				b.open = !b.open
			case "rest": // every cooldown is over
				b.age(2 * time.Hour)
				got = b.tick("wait 100ms")
				want = ref.time(true)
			default:
				h := happening{
					symbol:  rapid.SampledFrom(symbols).Draw(rt, "of"),
					field:   rapid.SampledFrom([]string{"bid", "ask", "last", "last", "volume"}).Draw(rt, "field"),
					value:   rapid.SampledFrom([]float64{98, 99, 99, 100, 100, 101, 101, 102, -1, 0}).Draw(rt, "price"),
					delayed: rapid.IntRange(0, 9).Draw(rt, "delayed") == 0,
				}
				step := fmt.Sprint(h.symbol, " ", h.field, " ", h.value)
				if h.delayed {
					step = "delayed " + step
				}
				got = b.tick(step)
				h.at = b.now
				want = ref.tick(h)
			}
			names := strings.Fields(got)
			slices.Sort(names)
			slices.Sort(want)
			if !slices.Equal(names, want) {
				rt.Fatalf("at %v: triggered %v, want %v\n%+v", b.now, names, want, list)
			}
			for i, rule := range ref.rules {
				if v := b.view(rule.Name); v.State != rule.state {
					rt.Fatalf("%s is %s, want %s; %+v", rule.Name, v.State, rule.state, list[i])
				}
			}
		}
	})
}
