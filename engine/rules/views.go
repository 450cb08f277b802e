package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// Waiting says why a rule that watches prices does not trigger. Its text is stable.
type Waiting string

// The reasons why a rule does not trigger, in the order in which they are looked at.
const (
	WaitingNothing Waiting = "" // the rule does not watch prices
	// Gateway refused the market data, and is asked again; Code and Detail say why
	WaitingNoData  Waiting = "no_data"
	WaitingNoPrice Waiting = "no_price" // a price has not come yet
	// a price is none of now: it was frozen when trading ended, or nothing was traded since
	WaitingOld     Waiting = "old_price"
	WaitingDelayed Waiting = "delayed" // prices come delayed, which the rule does not allow
	WaitingStale   Waiting = "stale"   // nothing was heard for too long
	WaitingUnmet   Waiting = "unmet"   // a condition is not met
	// it is met, but not for long enough; Left says how long it has to stay so
	WaitingHolding   Waiting = "holding"
	WaitingSpent     Waiting = "spent"        // it is met, and has triggered or was blocked: it has to be unmet first
	WaitingHours     Waiting = "hours"        // this is not the time for it
	WaitingCooldown  Waiting = "cooldown"     // Left says how long
	WaitingOrder     Waiting = "order_open"   // its last order is not done
	WaitingReference Waiting = "no_reference" // a crossing needs a price on the other side first
)

// View is a rule and its state at one moment.
type View struct {
	Rule         Rule
	State        State
	Since        time.Time // UTC; of the state
	Waiting      Waiting
	Left         time.Duration // what Waiting says
	Reason       string        // why it has failed
	Code         int           // IB's code, of Waiting or of Reason
	Detail       string        // technical text; may come from outside
	Price        float64       // of the first condition
	PriceAt      time.Time     // UTC; zero if there is no price
	Delayed      bool          // it came delayed
	TriggerCount int
	TriggeredAt  time.Time // UTC; zero if it has not triggered
	Blocked      *engine.BlockedError
	BlockedAt    time.Time // UTC; zero if no order was blocked since it was activated
	Contract     ib.Contract
	Choices      []ib.Details // what the instrument can mean, if it was ambiguous
}

// Views returns all rules, in the order in which they were put.
func (s *Set) Views() []View {
	now, wall := s.cfg.Clock(), time.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]View, len(s.entries))
	for i, e := range s.entries {
		list[i] = e.view(now, s.cfg.MaxTickAge(), wall)
	}
	return list
}

// Count returns how many rules are in each state.
func (s *Set) Count() map[State]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := map[State]int{}
	for _, e := range s.entries {
		count[e.State]++
	}
	return count
}

// WithoutData returns how many rules are active and cannot trigger, because Gateway refuses the market data that they
// need.
func (s *Set) WithoutData() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.State == Active && e.active != nil && e.active.own != nil && e.active.withoutData() != nil {
			n++
		}
	}
	return n
}

func (e *entry) view(now, maxAge time.Duration, wall time.Time) View {
	v := View{
		Rule: e.rule, State: e.State, Since: e.Since, Reason: e.Reason, Code: e.Code, Detail: e.Detail,
		TriggerCount: e.TriggerCount, TriggeredAt: e.TriggeredAt, Blocked: e.blocked, BlockedAt: e.blockedAt,
		Choices: slices.Clone(e.candidates),
	}
	if len(e.Contracts) > 0 && e.Contracts[0] != nil {
		v.Contract = e.Contracts[0].Contract
	}
	if e.State == Triggered {
		if v.Waiting = WaitingOrder; e.Settled {
			v.Waiting = WaitingCooldown
			v.Left = max(0, seconds(e.rule.CooldownSeconds)-e.sinceTriggered(now, wall))
		}
	}
	a := e.active
	if a == nil || len(a.conditions) == 0 || a.conditions[0].watch == nil {
		return v
	}
	first := &a.conditions[0]
	if q := first.watch.price(first.price); q.at != 0 {
		v.Price, v.Delayed = q.value, q.delayed
		v.PriceAt = wall.Add(q.at - now)
	}
	if e.State == Active {
		a.explain(&v, now, maxAge, wall)
	}
	return v
}

// explain says why a rule that watches prices does not trigger.
func (a *active) explain(v *View, now, maxAge time.Duration, wall time.Time) {
	if w := a.withoutData(); w != nil {
		v.Waiting, v.Code, v.Detail = WaitingNoData, w.code, w.detail
		return
	}
	if a.verdict == met {
		v.Waiting = WaitingHours
		if a.spent {
			v.Waiting = WaitingSpent
		}
		return
	}
	v.Waiting = WaitingUnmet
	for i := range a.conditions {
		c := &a.conditions[i]
		q := c.watch.price(c.price)
		switch {
		case c.watch.code != 0:
			continue // of several, any one of which will do
		case q.old:
			v.Waiting = WaitingOld
		case !q.known:
			v.Waiting = WaitingNoPrice
		case q.delayed && !a.delayedToo:
			v.Waiting = WaitingDelayed
		case maxAge > 0 && now-c.watch.heard > maxAge:
			v.Waiting = WaitingStale
		case c.holding && now-c.since < c.hold:
			v.Waiting, v.Left = WaitingHolding, c.hold-(now-c.since)
			continue // what is not met at all says more
		case a.any:
			continue
		case c.is == crossesUp && !c.before && q.value >= c.value, c.is == crossesDown && !c.before &&
			q.value <= c.value:
			v.Waiting = WaitingReference
			continue
		default:
			continue
		}
		return
	}
	if a.hours != nil && !a.hours(wall) {
		v.Waiting = WaitingHours
	}
}

// text says which prices have met the conditions, such as "AAPL last 230.62".
func (a *active) text() string {
	var parts []string
	for i := range a.conditions {
		c := &a.conditions[i]
		q := c.watch.price(c.price)
		if !q.known {
			continue
		}
		part := fmt.Sprintf("%s %s %s", InstrumentOf(c.watch.contract), a.entry.rule.Conditions[i].Price,
			number(q.value))
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
