package rules

import (
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// TestTriggers is about when rules trigger. A step with "→" in it says which do, from the step before that has it.
func TestTriggers(t *testing.T) {
	again := func(r *Rule) { r.CooldownSeconds = 1 }
	other := Condition{Instrument: &Instrument{Symbol: "MSFT"}, Price: "bid", Is: "at_or_below", Value: 50}
	two := func(r *Rule) { r.Conditions = append(r.Conditions, other) }
	for name, c := range map[string]struct {
		rule  Rule
		steps string
	}{
		"at or above": {
			notify("r", "last", "at_or_above", 100),
			"AAPL last 99.99 → | AAPL last 100 → r | AAPL last 101 →",
		},
		"at or below": {
			notify("r", "bid", "at_or_below", 100),
			"AAPL bid 100.01 → | AAPL last 90, AAPL ask 90 → | AAPL bid 100 → r",
		},
		"met from the first": {notify("r", "last", "at_or_above", 100), "AAPL last 200 → r"},
		"no price":           {notify("r", "bid", "at_or_below", 100), "AAPL bid -1, AAPL bid 0 →"},
		"the greatest number is no price": {
			notify("r", "last", "at_or_above", 100),
			"AAPL last 1.7976931348623157e308, AAPL last +Inf →",
		},
		"the least one is none either": {
			notify("r", "last", "at_or_below", 100),
			"AAPL last -1.7976931348623157e308, AAPL last -Inf, AAPL last NaN →",
		},
		"less than nothing": {
			notify("r", "last", "at_or_below", -37),
			"AAPL last -1 → | AAPL last -37.63 → r",
		},
		"frozen": {
			notify("r", "last", "at_or_above", 100),
			"old AAPL last 101 → | AAPL last 101 → r",
		},
		"frozen, though delayed will do": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.AllowDelayed = true
		}), "old AAPL last 101 → | delayed AAPL last 101 → r"},
		"half frozen": {
			notify("r", "mid", "at_or_above", 100),
			"AAPL bid 101, old AAPL ask 101 → | AAPL ask 101 → r",
		},
		"becomes frozen": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 5
		}), "AAPL last 101, wait 4s, old AAPL kind 2, wait 2s → | AAPL kind 1, AAPL last 101, wait 4s → | wait 1s → r"},
		"crosses while it is frozen": {notify("r", "last", "crosses_up", 100), "AAPL last 99, old AAPL kind 2, " +
			"old AAPL last 101, AAPL kind 1, AAPL last 102 → | AAPL last 99, AAPL last 102 → r"},
		"frozen prices keep none alive": {with(notify("r", "bid", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 70
		}), "AAPL bid 101, wait 50s, old AAPL last 5, wait 25s → | AAPL bid 101, wait 50s, AAPL last 5, wait 25s → r"},
		"becomes delayed": {with(notify("r", "bid", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 5
		}), "AAPL bid 101, wait 4s, delayed AAPL kind 3, delayed AAPL last 7, wait 2s →"},
		"a size is no price": {notify("r", "last", "at_or_above", 100), "AAPL volume 500 →"},
		"up": {notify("r", "last", "crosses_up", 100), "AAPL last 101, AAPL last 102 → " +
			"| AAPL last 99 → | AAPL last 100 → r"},
		"up from the mark": {
			notify("r", "last", "crosses_up", 100),
			"AAPL last 100, AAPL last 101 → | AAPL last 99, AAPL last 120 → r",
		},
		"down": {
			notify("r", "ask", "crosses_down", 100),
			"AAPL ask 99 → | AAPL ask 101 → | AAPL ask 100 → r",
		},
		"crossed in a gap": {
			notify("r", "last", "crosses_up", 100),
			"AAPL last 99, gap, AAPL last 101 → | AAPL last 99, AAPL last 101 → r",
		},
		"crossed down in a gap": {
			notify("r", "last", "crosses_down", 100),
			"AAPL last 101, gap, AAPL last 99 → | AAPL last 101, AAPL last 99 → r",
		},
		"crossed while silent": {notify("r", "last", "crosses_up", 100), "AAPL last 99, silence 61s, AAPL " +
			"last 101 → | AAPL last 99, silence 59s, AAPL last 101 → r"},
		"crossed in hours while silent": {with(notify("r", "last", "crosses_up", 100), func(r *Rule) {
			r.Only = &Only{MarketHours: true}
		}), "open, AAPL last 99, silence 61s, AAPL last 101 → | AAPL last 99, AAPL last 101 → r"},
		"stays, seen by nobody": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 70
		}), "AAPL last 100, silence 75s, AAPL last 100 → | wait 50s, AAPL volume 1, wait 21s → r"},
		"crossed without data": {notify("r", "last", "crosses_up", 100), "AAPL last 99, failure 10197, " +
			"AAPL last 101 → | AAPL last 99, AAPL last 101 → r"},
		"does not stay without data": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 5
		}), "AAPL last 100, wait 1s, failure 354, wait 6s →"},
		"mid": {
			notify("r", "mid", "at_or_above", 100),
			"AAPL bid 99, AAPL last 105 → | AAPL ask 100.9 → | AAPL ask 101 → r",
		},
		"mid without ask": {notify("r", "mid", "at_or_above", 100), "AAPL bid 101, AAPL ask -1 →"},
		"mid crosses": {with(notify("r", "mid", "crosses_up", 100), again), "AAPL bid 98, AAPL " +
			"ask 100, AAPL bid 100 → r | real, AAPL bid 98, wait 2s, AAPL bid 100 → r"},
		"old mid in a gap": {
			notify("r", "mid", "at_or_above", 100),
			"AAPL bid 101, gap, AAPL ask 101 → | AAPL bid 101 → r",
		},
		"delayed": {
			notify("r", "last", "at_or_above", 100),
			"delayed AAPL last 101 → | AAPL last 101 → r",
		},
		"delayed is allowed": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.AllowDelayed = true
		}), "delayed AAPL last 101 → r"},
		"half delayed": {
			notify("r", "mid", "at_or_above", 100),
			"AAPL bid 101, delayed AAPL ask 101 →",
		},
		"half delayed, the other half": {
			notify("r", "mid", "at_or_above", 100),
			"delayed AAPL bid 101, AAPL ask 101 → | AAPL bid 101 → r",
		},
		"stays": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 5
		}), "AAPL last 100, wait 4s → | AAPL last 99, AAPL last 100, wait 4s → | wait 2s → r"},
		"stays until a tick": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 5
		}), "AAPL last 100, wait 4.9s → | AAPL volume 5, wait 0.1s, AAPL last 101 → r"},
		"does not stay over a gap": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 5
		}), "AAPL last 100, wait 4s, gap, wait 2s → | AAPL last 100, wait 4s → | wait 1.1s → r"},
		"does not stay if silent": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Conditions[0].ForSeconds = 70
		}), "AAPL last 100, wait 75s → | AAPL last 100, wait 50s, AAPL volume 1, wait 21s → r"},
		"all": {
			with(notify("r", "last", "at_or_above", 100), two),
			"AAPL last 101 → | MSFT bid 51 → | MSFT bid 50 → r",
		},
		"all, one silent for too long": {
			with(notify("r", "last", "at_or_above", 100), two),
			"MSFT bid 50, wait 61s, AAPL last 101 → | MSFT bid 50 → r",
		},
		"any": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			two(r)
			r.Match = "any"
		}), "AAPL last 99, MSFT bid 51 → | MSFT bid 49 → r"},
		"any, one unknown": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			two(r)
			r.Match = "any"
		}), "MSFT bid 49 → r"},
		"a crossing while another is met": {with(notify("r", "last", "crosses_up", 100), two), "AAPL last 99, MSFT " +
			"bid 51, AAPL last 101 → | MSFT bid 50 → | AAPL last 99, AAPL last 101 → r"},
		"once": {notify("r", "last", "at_or_above", 100), "AAPL last 100 → r | AAPL last " +
			"99, AAPL last 100, wait 10s, AAPL last 99, AAPL last 100 →"},
		"again after the cooldown": {with(notify("r", "last", "at_or_above", 100), again), "AAPL last 100 → r " +
			"| AAPL last 101, real, wait 1s, AAPL last 102 → | AAPL last 99, AAPL last 100 → r | AAPL last 99, AAPL " +
			"last 100, wait 1s → | real, wait 1s → | AAPL last 103 → r"},
		"outside market hours": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Only = &Only{MarketHours: true}
		}), "AAPL last 100 → | open, wait 0.2s → r"},
		"crossed outside hours": {with(notify("r", "last", "crosses_up", 100), func(r *Rule) {
			r.Only = &Only{MarketHours: true}
		}), "AAPL last 99, AAPL last 100 → | open, wait 1s, AAPL last 101 → | AAPL last 99, AAPL last 101 → r"},
		"an order is blocked": {
			with(order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}), again),
			"AAPL last 100 → r! | AAPL last 101, wait 2s, AAPL last 102, gap, AAPL last 103 → | AAPL last 99, AAPL " +
				"last 100 → r!",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put(c.rule)
			for part := range strings.SplitSeq(c.steps, "|") {
				steps, want, _ := strings.Cut(part, "→")
				var list []string
				got := ""
				for step := range strings.SplitSeq(steps, ",") {
					switch step = strings.TrimSpace(step); step {
					case "open":
						b.open = true
					case "real": // the cooldown goes by the wall clock
						got += b.tick(list...)
						list = nil
						b.age(2 * time.Second)
					default:
						list = append(list, step)
					}
				}
				if got += b.tick(list...); got != strings.TrimSpace(want) {
					t.Fatalf("%s: triggered %q", part, got)
				}
			}
		})
	}
}

// TestGapIsNotUnmet has a condition that has to hold for a while stay met over a gap: its time begins again, the rule
// does not trigger for that.
func TestGapIsNotUnmet(t *testing.T) {
	b := newBench(t)
	b.put(with(notify("held", "last", "at_or_above", 100), func(r *Rule) {
		r.CooldownSeconds, r.Conditions[0].ForSeconds = 3600, 2
	}))
	if triggered := b.tick("AAPL last 150", "wait 3s"); triggered != "held" {
		t.Errorf("%q", triggered)
	}
	b.age(time.Hour)
	if triggered := b.tick("wait 1s", "gap", "AAPL last 150", "wait 3s"); triggered != "" {
		t.Errorf("%q", triggered)
	}
	if triggered := b.tick("AAPL last 99", "AAPL last 150", "wait 3s"); triggered != "held" {
		t.Errorf("%q", triggered)
	}
}

// TestOrdersGoByPricesThatMayBeTrusted has rules trigger on one instrument and trade another. Old prices of that, and
// delayed ones, are none.
func TestOrdersGoByPricesThatMayBeTrusted(t *testing.T) {
	offset := -0.5
	rule := order("r", Order{Side: "BUY", Quantity: 1, Type: "LMT", LimitOffset: &offset})
	rule.Conditions[0].Instrument = &Instrument{Symbol: "MSFT"}
	for name, c := range map[string]struct {
		rule          Rule
		steps         string
		limit, market float64
	}{
		"fresh":           {rule, "AAPL last 200, AAPL ask 201, MSFT last 99", 199.5, 201},
		"old":             {rule, "AAPL last 200, AAPL ask 201, wait 61s, MSFT last 99", 0, 0},
		"delayed":         {rule, "delayed AAPL last 200, delayed AAPL ask 201, MSFT last 99", 0, 0},
		"delayed in part": {rule, "AAPL last 200, delayed AAPL ask 201, MSFT last 99", 199.5, 200},
		"delayed, allowed": {with(rule, func(r *Rule) {
			r.AllowDelayed = true
		}), "delayed AAPL last 200, MSFT last 99", 199.5, 200},
	} {
		b := newBench(t)
		b.put(c.rule)
		for step := range strings.SplitSeq(c.steps, ", ") {
			b.tick(step)
		}
		ticket, err := b.set.entries[0].active.ticket(nil, 0, b.now, b.maxAge)
		if (err == nil) != (c.limit != 0) || err == nil && ticket.Order.LimitPrice != c.limit ||
			ticket.Price != c.market {
			t.Errorf("%s: limit %v, market %v, %v", name, ticket.Order.LimitPrice, ticket.Price, err)
		}
	}
}

// TestOrdersBelongToWhatWasSeen has the set know under which opening of the guard it has seen what it decides by.
func TestOrdersBelongToWhatWasSeen(t *testing.T) {
	g := simtest.Start(t, sim.Config{TickRate: 200})
	st := start(t, g.Port(), []Rule{order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"})})
	for end := time.Now().Add(30 * time.Second); st.eng.Counts().Evaluated == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no ticks")
		}
	}
	session := st.sup.Session()
	st.set.mu.Lock()
	defer st.set.mu.Unlock()
	ticket, blocked := st.set.entries[0].active.ticket(session, st.set.opened, 0, 0)
	if blocked != nil || ticket.Opened == 0 || ticket.Opened != session.GuardSince() {
		t.Errorf("decided under %v, open since %v, %v", ticket.Opened, session.GuardSince(), blocked)
	}
}

// TestNothingTriggersThatIsGone has a tick come after a rule was changed, removed or deactivated, and before the engine
// has asked for the instruments again.
func TestNothingTriggersThatIsGone(t *testing.T) {
	rule := with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 1 })
	for name, change := range map[string]func(*Set) error{
		"removed":     func(s *Set) error { return s.Put(nil) },
		"changed":     func(s *Set) error { return s.Put([]Rule{with(rule, func(r *Rule) { r.CooldownSeconds = 2 })}) },
		"renamed":     func(s *Set) error { return s.Put([]Rule{with(rule, func(r *Rule) { r.Name = "other" })}) },
		"deactivated": func(s *Set) error { return s.Deactivate("r") },
		"restarted":   func(s *Set) error { return s.Activate(t.Context(), "r") },
	} {
		b := newBench(t)
		b.put(rule)
		b.instruments()
		if err := change(b.set); err != nil {
			t.Fatal(err)
		}
		b.set.OnTick(0, ib.Tick{Field: ib.Last, Value: 100, At: b.now})
		if len(b.reports) != 0 {
			t.Errorf("%s: %+v", name, b.reports)
		}
	}
}

// TestNothingWakesThatIsGone has a rule removed at the moment when its cooldown ends.
func TestNothingWakesThatIsGone(t *testing.T) {
	b := newBench(t)
	b.put(with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 1 }))
	b.tick("AAPL last 100")
	b.age(time.Hour)
	gone := b.set.entries[0]
	if err := b.set.Put(nil); err != nil {
		t.Fatal(err)
	}
	b.set.wake(gone, b.now, time.Now())
	if notes, err := b.ledger.Notes(); err != nil || len(notes) != 0 {
		t.Errorf("%v, %v", notes, err)
	}
}

// TestSizesAreNoPrices activates a rule whose price is known already: the next price triggers it, and no size does.
func TestSizesAreNoPrices(t *testing.T) {
	b := newBench(t)
	b.put(notify("watches", "last", "at_or_above", 1000), notify("r", "bid", "at_or_above", 50),
		notify("mid", "mid", "at_or_above", 50))
	if err := b.set.Deactivate("r"); err != nil {
		t.Fatal(err)
	}
	if err := b.set.Deactivate("mid"); err != nil {
		t.Fatal(err)
	}
	if b.names != nil {
		t.Error("nobody was asked what is watched now")
	}
	b.tick("AAPL bid 60", "AAPL ask 60")
	for _, name := range []string{"r", "mid"} {
		if err := b.set.Activate(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if triggered := b.tick("AAPL volume 5", "AAPL last 60", "wait 1s"); triggered != "" {
		t.Errorf("%q", triggered)
	}
	if triggered := b.tick("AAPL bid 60"); triggered != "r mid" {
		t.Errorf("%q", triggered)
	}
}

// TestHours is about times of day, in zones and over the changes of the clock.
func TestHours(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	day := &Only{From: "09:30", Until: "16:00", Timezone: "America/New_York", Days: []string{"mon", "fri"}}
	night := &Only{From: "22:00", Until: "02:00", Timezone: "America/New_York", Days: []string{"fri"}}
	always := &Only{From: "00:00", Until: "00:00", Timezone: "UTC"}
	early := &Only{From: "01:30", Until: "03:30", Timezone: "America/New_York"}
	for _, c := range []struct {
		only *Only
		at   string
		want bool
	}{
		{day, "2026-11-23T14:29:59Z", false}, // Monday, 09:29:59 in New York
		{day, "2026-11-23T14:30:00Z", true},
		{day, "2026-11-23T20:59:59Z", true},
		{day, "2026-11-23T21:00:00Z", false},
		{day, "2026-07-06T13:30:00Z", true}, // the same in summer
		{day, "2026-11-24T15:00:00Z", false},
		{night, "2026-11-28T02:59:59Z", false}, // Friday, 21:59:59
		{night, "2026-11-28T03:00:00Z", true},
		{night, "2026-11-28T06:59:59Z", true}, // Saturday, 01:59:59
		{night, "2026-11-28T07:00:00Z", false},
		{night, "2026-11-27T06:00:00Z", false}, // Friday, 01:00: Thursday's night
		{night, "2026-11-29T03:00:00Z", false}, // Saturday, 22:00
		{always, "2026-11-28T00:00:00Z", true},
		{always, "2026-11-28T13:00:00Z", true},
		{early, "2026-03-08T06:29:59Z", false}, // clocks go from 2 to 3
		{early, "2026-03-08T06:30:00Z", true},
		{early, "2026-03-08T07:29:59Z", true},
		{early, "2026-03-08T07:30:00Z", false},
		{early, "2026-11-01T05:30:00Z", true}, // clocks go from 2 to 1
		{early, "2026-11-01T06:15:00Z", false},
		{early, "2026-11-01T06:30:00Z", true},
		{early, "2026-11-01T08:29:59Z", true},
	} {
		if got := hoursOf(c.only, nil)(at(c.at)); got != c.want {
			t.Errorf("%+v at %s: %v", *c.only, c.at, got)
		}
	}
	open := false
	both := hoursOf(&Only{MarketHours: true, From: "09:30", Until: "16:00", Timezone: "UTC"}, func(time.Time) bool {
		return open
	})
	noon := at("2026-11-23T12:00:00Z")
	if both(noon) {
		t.Error("the market is closed")
	}
	if open = true; !both(noon) || both(noon.Add(6*time.Hour)) {
		t.Error("both have to be so")
	}
	for _, only := range []*Only{{MarketHours: true}, {From: "09:30"}, {Until: "16:00"}, {Days: []string{"mon"}}} {
		if clockOf(only) != nil {
			t.Errorf("%+v names two times of day", *only)
		}
	}
	if hoursOf(nil, nil) != nil || hoursOf(&Only{From: "09:30", Until: "16:00", Timezone: "Mars/Olympus"}, nil)(noon) {
		t.Error("no limit is none, and an unknown zone never comes")
	}
}
