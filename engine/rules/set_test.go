package rules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
	"gatewatch/engine"
)

// bench is a set whose ticks come from a test. Its orders find no session, and are blocked.
type bench struct {
	t       *testing.T
	path    string
	ledger  *engine.Ledger
	desk    *engine.Desk
	set     *Set
	now     time.Duration
	open    bool // the market
	maxAge  time.Duration
	names   []string // of the instruments, as the engine knows them
	reports []engine.Report
	changed int                       // how often it was told that Views shows something new
	asked   func()                    // called when a contract is asked for, if it is set
	choices map[string][]conn.Details // by symbol, what it can mean; one contract where nothing is said
}

func newBench(t *testing.T) *bench {
	b := &bench{
		t: t, path: filepath.Join(t.TempDir(), "orders.db"), now: time.Hour, maxAge: time.Minute,
		choices: map[string][]conn.Details{},
	}
	b.restart()
	t.Cleanup(func() { b.ledger.Close() })
	return b
}

// restart begins again with what is on disk.
func (b *bench) restart() {
	b.t.Helper()
	if b.ledger != nil {
		b.ledger.Close()
	}
	log := slog.New(slog.DiscardHandler)
	ledger, err := engine.OpenLedger(b.path, log)
	if err != nil {
		b.t.Fatal(err)
	}
	report := func(r engine.Report) { b.reports = append(b.reports, r) }
	b.ledger, b.desk = ledger, engine.NewDesk(ledger, engine.Limits{
		Mode: conn.Paper, PerMinute: 10, PerDay: 10,
		Quantity: 100, Notional: 1e6,
	}, report, log)
	b.set, err = NewSet(Config{
		Ledger: ledger, Desk: b.desk, Clock: func() time.Duration {
			return b.now
		}, MaxTickAge: func() time.Duration { return b.maxAge },
		MarketHours: func(time.Time) bool { return b.open }, Report: report, Changed: func() { b.changed++ }, Log: log,
		Refresh: func() { b.names = nil },
		Resolve: func(_ context.Context, c conn.Contract) ([]conn.Details, error) {
			if b.asked != nil {
				b.asked()
			}
			if list, ok := b.choices[c.Symbol]; ok {
				if list == nil {
					return nil, &conn.RequestError{Code: 200, Text: "no security definition"}
				}
				return list, nil
			}
			c.ConID = int64(len(c.Symbol))*1000 + int64(c.Symbol[0])
			return []conn.Details{{Contract: c, Name: c.Symbol + " INC", MinTick: 0.05, Multiplier: 1}}, nil
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// put gives the set its rules, and activates them.
func (b *bench) put(list ...Rule) {
	b.t.Helper()
	if err := b.set.Put(list); err != nil {
		b.t.Fatal(err)
	}
	for _, r := range list {
		if err := b.set.Activate(b.t.Context(), r.Name); err != nil {
			b.t.Fatal(err)
		}
	}
}

// tick brings ticks such as "AAPL last 100"; "gap" is one in the data, "wait 3s" lets time go by, "silence 3s" too,
// without anybody looking; "failure 354" is one of the first instrument's data, "delayed AAPL last 100" comes delayed,
// "old AAPL last 100" is a price of before, and with "AAPL kind 1" its data is of another kind from now on. It returns
// the names of the rules that fired, or were blocked.
func (b *bench) tick(steps ...string) (fired string) {
	b.t.Helper()
	before := len(b.reports)
	for _, step := range steps {
		b.instruments()
		words := strings.Fields(step)
		delayed, old := words[0] == "delayed", words[0] == "old"
		if delayed || old {
			words = words[1:]
		}
		switch words[0] {
		case "gap":
			b.set.OnBegin(nil)
			continue
		case "failure":
			code := 0
			if _, err := fmt.Sscan(words[1], &code); err != nil {
				b.t.Fatal(err)
			}
			b.set.OnFailure(0, code, "")
			continue
		case "silence":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				b.t.Fatal(err)
			}
			b.now += d
			continue
		case "wait":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				b.t.Fatal(err)
			}
			for end := b.now + d; b.now < end; b.set.OnTime(b.now) {
				b.now += min(100*time.Millisecond, end-b.now)
			}
			continue
		}
		at := -1
		for i, name := range b.names {
			if name == words[0] {
				at = i
			}
		}
		if at < 0 {
			continue // no one watches it
		}
		b.now += time.Millisecond
		tick := conn.Tick{Field: map[string]conn.TickField{
			"bid": conn.Bid, "ask": conn.Ask, "last": conn.Last,
			"volume": conn.Volume, "kind": conn.DataKind,
		}[words[1]], Delayed: delayed, Old: old, At: b.now}
		if _, err := fmt.Sscan(words[2], &tick.Value); err != nil {
			b.t.Fatal(err)
		}
		b.set.OnTick(at, tick)
	}
	for _, r := range b.reports[before:] {
		fired += " " + r.Rule
		if r.Kind == engine.ReportBlocked {
			fired += "!"
		}
	}
	return strings.TrimPrefix(fired, " ")
}

// instruments asks for the instruments as the engine does after a refresh.
func (b *bench) instruments() {
	if b.names == nil {
		b.names = []string{}
		for _, in := range b.set.Instruments() {
			b.names = append(b.names, in.Contract.Symbol)
		}
	}
}

func (b *bench) view(name string) View {
	b.t.Helper()
	for _, v := range b.set.Views() {
		if v.Rule.Name == name {
			return v
		}
	}
	b.t.Fatalf("no rule %s", name)
	return View{}
}

var aapl = Instrument{Symbol: "AAPL", Currency: "USD"}

// notify is a rule that tells of a price of AAPL.
func notify(name, price, is string, value float64) Rule {
	return Rule{
		Name: name, Instrument: aapl, Conditions: []Condition{{Price: price, Is: is, Value: value}},
		Action: Action{Do: "notify"},
	}
}

func with(r Rule, change func(*Rule)) Rule {
	change(&r)
	return r
}

// TestFires is about when rules fire. A step that has "→" in it says which do, from the step before that has it.
func TestFires(t *testing.T) {
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
					t.Fatalf("%s: fired %q", part, got)
				}
			}
		})
	}
}

// age makes what has fired longer ago.
func (b *bench) age(d time.Duration) {
	for _, e := range b.set.entries {
		e.FiredAt = e.FiredAt.Add(-d)
	}
}

// order is a rule that trades AAPL when it is at 100.
func order(name string, o Order) Rule {
	r := notify(name, "last", "at_or_above", 100)
	r.Action = Action{Do: "order", Order: &o}
	return r
}

// TestGapIsNotUnmet has a condition that has to hold for a while stay met over a gap: its time begins again, the rule
// does not fire for that.
func TestGapIsNotUnmet(t *testing.T) {
	b := newBench(t)
	b.put(with(notify("held", "last", "at_or_above", 100), func(r *Rule) {
		r.CooldownSeconds, r.Conditions[0].ForSeconds = 3600, 2
	}))
	if fired := b.tick("AAPL last 150", "wait 3s"); fired != "held" {
		t.Errorf("%q", fired)
	}
	b.age(time.Hour)
	if fired := b.tick("wait 1s", "gap", "AAPL last 150", "wait 3s"); fired != "" {
		t.Errorf("%q", fired)
	}
	if fired := b.tick("AAPL last 99", "AAPL last 150", "wait 3s"); fired != "held" {
		t.Errorf("%q", fired)
	}
}

// TestStates follows rules over changes and restarts.
func TestStates(t *testing.T) {
	b := newBench(t)
	one, two := notify("one", "last", "at_or_above", 100), with(notify("two", "last", "at_or_above", 200),
		func(r *Rule) { r.CooldownSeconds = 3600 })
	if err := b.set.Put([]Rule{one, two}); err != nil {
		t.Fatal(err)
	}
	state := func(name string, want State) {
		t.Helper()
		if v := b.view(name); v.State != want || v.Since.IsZero() {
			t.Errorf("%s is %s since %v, not %s", name, v.State, v.Since, want)
		}
	}
	state("one", Draft)
	if fired := b.tick("AAPL last 300"); fired != "" || len(b.names) != 0 {
		t.Errorf("a draft fired: %q, %v", fired, b.names)
	}
	if err := b.set.Activate(t.Context(), "three"); !errors.Is(err, ErrNoRule) {
		t.Error(err)
	}
	for _, name := range []string{"one", "two"} {
		if err := b.set.Activate(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		state(name, Active)
	}
	if fired := b.tick("AAPL last 150"); fired != "one" {
		t.Errorf("%q", fired)
	}
	state("one", Done)
	if fired := b.tick("AAPL last 200"); fired != "two" {
		t.Errorf("%q", fired)
	}
	state("two", Triggered)
	if v := b.view("two"); v.Waiting != WaitingCooldown || v.Left <= 59*time.Minute || v.Fired != 1 || v.Price != 200 ||
		v.Contract.ConID == 0 || v.Name != "AAPL INC" {
		t.Errorf("%+v", v)
	}

	// After a restart everything stands as it stood, and fires neither again nor earlier.
	b.restart()
	if err := b.set.Put([]Rule{one, two}); err != nil {
		t.Fatal(err)
	}
	state("one", Done)
	state("two", Triggered)
	if fired := b.tick("AAPL last 99", "AAPL last 300"); fired != "" {
		t.Errorf("%q", fired)
	}
	b.age(time.Hour)
	if fired := b.tick("wait 1s", "AAPL last 300", "AAPL last 199", "AAPL last 300"); fired != "two" {
		t.Errorf("%q", fired)
	}

	// No one has seen that it was unmet since it fired, so it does not do so again.
	b.restart()
	if err := b.set.Put([]Rule{one, two}); err != nil {
		t.Fatal(err)
	}
	b.age(time.Hour)
	if fired := b.tick("wait 1s", "AAPL last 300"); fired != "" || b.view("two").Waiting != WaitingSpent {
		t.Errorf("%q, %+v", fired, b.view("two"))
	}
	if fired := b.tick("AAPL last 199", "AAPL last 300"); fired != "two" {
		t.Errorf("%q", fired)
	}

	// A changed rule is a draft; an unchanged one goes on.
	if err := b.set.Activate(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	changed := one
	changed.Conditions = []Condition{{Price: "last", Is: "at_or_above", Value: 101}}
	if err := b.set.Put([]Rule{two, changed}); err != nil {
		t.Fatal(err)
	}
	state("one", Draft)
	state("two", Triggered)
	if err := b.set.Put([]Rule{one}); err != nil {
		t.Fatal(err)
	}
	state("one", Draft) // what was activated is not what stands there now
	if err := b.set.Put(nil); err != nil {
		t.Fatal(err)
	}
	if notes, err := b.ledger.Notes(); err != nil || len(notes) != 0 {
		t.Errorf("%v, %v", notes, err)
	}
	if err := b.set.Put([]Rule{two}); err != nil {
		t.Fatal(err)
	}
	state("two", Draft)
	if err := b.set.Deactivate("nobody"); !errors.Is(err, ErrNoRule) {
		t.Error(err)
	}
	if err := b.set.Activate(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	if err := b.set.Deactivate("two"); err != nil {
		t.Fatal(err)
	}
	state("two", Draft)
	if fired := b.tick("AAPL last 300"); fired != "" {
		t.Errorf("%q", fired)
	}
	if c := b.set.Count(); c[Draft] != 1 || len(c) != 1 {
		t.Errorf("%v", c)
	}
}

// TestOrdersGoByPricesThatMayBeTrusted has rules fire on one instrument and trade another. Old prices of that, and
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
	g, err := sim.Start(t.Context(), sim.Config{TickRate: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
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

// TestNothingFiresThatIsGone has a tick come after a rule was changed, removed or deactivated, and before the engine
// has asked for the instruments again.
func TestNothingFiresThatIsGone(t *testing.T) {
	rule := with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 1 })
	for name, change := range map[string]func(*Set) error{
		"removed":     func(s *Set) error { return s.Put(nil) },
		"changed":     func(s *Set) error { return s.Put([]Rule{with(rule, func(r *Rule) { r.CooldownSeconds = 2 })}) },
		"renamed":     func(s *Set) error { return s.Put([]Rule{with(rule, func(r *Rule) { r.Name = "other" })}) },
		"deactivated": func(s *Set) error { return s.Deactivate("r") },
		"begun anew":  func(s *Set) error { return s.Activate(t.Context(), "r") },
	} {
		b := newBench(t)
		b.put(rule)
		b.instruments()
		if err := change(b.set); err != nil {
			t.Fatal(err)
		}
		b.set.OnTick(0, conn.Tick{Field: conn.Last, Value: 100, At: b.now})
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

// TestActivatingOthersDisturbsNobody has a rule wait for a crossing, and another for time, while others come and go.
func TestActivatingOthersDisturbsNobody(t *testing.T) {
	b := newBench(t)
	cross := notify("cross", "last", "crosses_up", 100)
	stays := with(notify("stays", "bid", "at_or_above", 50), func(r *Rule) { r.Conditions[0].ForSeconds = 3 })
	far := with(notify("far", "last", "at_or_above", 1000), func(r *Rule) { r.Instrument = Instrument{Symbol: "MSFT"} })
	b.put(cross, stays)
	b.tick("AAPL last 99", "AAPL bid 60", "wait 2s")
	if err := b.set.Put([]Rule{far, cross, stays}); err != nil {
		t.Fatal(err)
	}
	if err := b.set.Activate(t.Context(), "far"); err != nil {
		t.Fatal(err)
	}
	if fired := b.tick("AAPL last 101", "wait 2s"); fired != "cross stays" {
		t.Errorf("%q", fired)
	}
}

// TestWatches is about which rules look at prices, and which have rested long enough to fire again.
func TestWatches(t *testing.T) {
	one := &resolved{Contract: conn.Contract{Symbol: "AAPL"}}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state     State
		cooldown  float64
		contracts []*resolved
		settled   bool
		watches   bool
		rested    time.Duration // after the firing; 0: never
	}{
		{Draft, 5, []*resolved{one, nil}, true, false, 0},
		{Active, 0, []*resolved{one, nil}, true, true, 0},
		{Active, 5, []*resolved{one, one}, true, true, 0},
		{Triggered, 0, []*resolved{one, nil}, true, false, 0},
		{Triggered, 5, []*resolved{one, nil}, false, true, 0},
		{Triggered, 5, []*resolved{one, nil}, true, true, 5 * time.Second},
		{Triggered, 0.5, []*resolved{one, nil}, true, true, 500 * time.Millisecond},
		{Done, 5, []*resolved{one, nil}, true, false, 0},
		{Failed, 5, []*resolved{one, nil}, true, false, 0},
		{Active, 0, []*resolved{one}, true, false, 0}, // what was written down does not fit the rule
		{Active, 0, []*resolved{one, one, one}, true, false, 0},
		{Active, 0, []*resolved{nil, one}, true, false, 0},
		{Active, 0, nil, true, false, 0},
	} {
		e := &entry{rule: notify("r", "last", "at_or_above", 1)}
		e.rule.CooldownSeconds = c.cooldown
		e.State, e.Contracts, e.Settled, e.FiredAt = c.state, c.contracts, c.settled, at
		if got := e.watches(); got != c.watches {
			t.Errorf("%+v: watches %v", c, got)
		}
		if early, late := e.rested(0, at.Add(c.rested-1)), e.rested(0, at.Add(cmp.Or(c.rested, time.Hour))); early ||
			late != (c.rested > 0) {
			t.Errorf("%+v: rested a moment before %v, then %v", c, early, late)
		}
		back := at.Add(-time.Hour) // what the wall clock says, which was set back
		if early, late := e.rested(c.rested-1, back), e.rested(cmp.Or(c.rested, time.Hour), back); early ||
			late != (c.rested > 0) {
			t.Errorf("%+v: rested a moment before %v, then %v; the wall clock was set back", c, early, late)
		}
	}
}

// TestDelayedIsAskedFor has two rules watch one instrument, of which one takes delayed prices.
func TestDelayedIsAskedFor(t *testing.T) {
	for which := range 3 {
		b := newBench(t)
		a, c := notify("a", "last", "at_or_above", 100), notify("c", "bid", "at_or_above", 100)
		a.AllowDelayed, c.AllowDelayed = which == 0, which == 1
		b.put(a, c)
		if list := b.set.Instruments(); len(list) != 1 || list[0].Delayed != (which < 2) ||
			list[0].Contract.ConID == 0 {
			t.Errorf("%d: %+v", which, list)
		}
	}
}

// TestChangesAreTold counts how often whoever shows rules is told to look again.
func TestChangesAreTold(t *testing.T) {
	b := newBench(t)
	told := func(what string, do func()) {
		t.Helper()
		before := b.changed
		if do(); b.changed == before {
			t.Errorf("nobody was told: %s", what)
		}
	}
	r := notify("r", "last", "at_or_above", 100)
	told("rules were put", func() { _ = b.set.Put([]Rule{r}) })
	told("a rule was activated", func() { _ = b.set.Activate(t.Context(), "r") })
	b.instruments()
	told("there is no data", func() { b.set.OnFailure(0, 354, "no permission") })
	if v := b.view("r"); v.Waiting != WaitingNoData || v.Code != 354 || v.Detail != "no permission" {
		t.Errorf("%+v", v)
	}
	b.set.OnFailure(len(b.set.watches), 200, "of an instrument that is gone")
	told("an order has changed", func() { b.set.OnOrder(engine.Intent{Rule: "r", Fate: engine.Working}) })
	told("it fired", func() { b.tick("AAPL last 100") })
	told("it is a draft again", func() { _ = b.set.Deactivate("r") })
	// What becomes of an order that a rule has placed before is nothing to a draft.
	b.set.OnOrder(engine.Intent{Rule: "r", Fate: engine.Rejected, At: time.Now().Add(time.Hour)})
	if v := b.view("r"); v.State != Draft {
		t.Errorf("%+v", v)
	}
	b.choices["AAPL"] = nil
	told("it is not known what it means", func() { _ = b.set.Activate(t.Context(), "r") })
	b.choices["AAPL"] = make([]conn.Details, 2)
	told("it can mean two things", func() { _ = b.set.Activate(t.Context(), "r") })
	if v := b.view("r"); v.State != Draft || len(v.Choices) != 2 {
		t.Errorf("%+v", v)
	}
	delete(b.choices, "AAPL")
	told("it means one again", func() { _ = b.set.Activate(t.Context(), "r") })
	if v := b.view("r"); v.State != Active || len(v.Choices) != 0 {
		t.Errorf("%+v", v)
	}
}

// TestLedgerIsShut has nothing to read from or to write to.
func TestLedgerIsShut(t *testing.T) {
	b := newBench(t)
	r := notify("r", "last", "at_or_above", 100)
	b.put(r)
	before := b.view("r")
	b.ledger.Close()
	if _, err := NewSet(b.set.cfg); err == nil || !strings.Contains(err.Error(), "read the states of rules") {
		t.Error(err)
	}
	if err := b.set.Put([]Rule{r}); err != nil { // nothing has changed, and nothing needs to be written
		t.Error(err)
	}
	if err := b.set.Activate(t.Context(), "r"); err == nil || !strings.Contains(err.Error(), "is the disk full?") {
		t.Error(err)
	}
	if v := b.view("r"); !v.Since.Equal(before.Since) || v.State != Active {
		t.Errorf("%+v", v)
	}
	// What is said to be inactive is so, even where the disk refuses it.
	if err := b.set.Deactivate("r"); err == nil {
		t.Error("it was written down")
	}
	if v := b.view("r"); v.State != Draft {
		t.Errorf("%+v", v)
	}
	r.Name = "s"
	if err := b.set.Put([]Rule{r}); err == nil {
		t.Error("it was written down")
	}
	r.Conditions[0].Value = math.NaN() // which no reader lets through
	if sum := hash(&r); sum != "" {
		t.Error(sum)
	}
}

// TestActivatedIsWhatStandsThere has a rule change, or go, while Gateway is asked what its instrument means, and
// Gateway not answer.
func TestActivatedIsWhatStandsThere(t *testing.T) {
	b := newBench(t)
	r := notify("r", "last", "at_or_above", 100)
	resolve := b.set.cfg.Resolve
	for n, list := range [][]Rule{nil, {with(r, func(r *Rule) { r.CooldownSeconds = 5 })}} {
		want := []error{ErrNoRule, ErrChanged}[n]
		if err := b.set.Put([]Rule{r}); err != nil {
			t.Fatal(err)
		}
		b.set.cfg.Resolve = func(ctx context.Context, c conn.Contract) ([]conn.Details, error) {
			if err := b.set.Put(list); err != nil {
				t.Error(err)
			}
			return resolve(ctx, c)
		}
		if err := b.set.Activate(t.Context(), "r"); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if n := b.set.Count(); n[Active] != 0 {
			t.Errorf("%v", n)
		}
	}
	busy := &conn.RequestError{Code: 162, Text: "busy"}
	b.set.cfg.Resolve = func(context.Context, conn.Contract) ([]conn.Details, error) { return nil, busy }
	if err := b.set.Activate(t.Context(), "r"); !errors.Is(err, busy) {
		t.Errorf("%v", err)
	}
}

func TestContracts(t *testing.T) {
	for text, c := range map[string]struct {
		in   Instrument
		want conn.Contract
	}{
		"AAPL": {Instrument{Symbol: "AAPL"}, conn.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART"}},
		"IBM": {Instrument{Symbol: "IBM", Type: "STK", Exchange: "NYSE"}, conn.Contract{
			Symbol: "IBM", Type: "STK",
			Exchange: "NYSE",
		}},
		"EUR.USD": {
			Instrument{Symbol: "EUR", Type: "CASH", Currency: "USD"},
			conn.Contract{Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD"},
		},
		"EUR CASH": {Instrument{Symbol: "EUR", Type: "CASH"}, conn.Contract{
			Symbol: "EUR", Type: "CASH",
			Exchange: "IDEALPRO",
		}},
		"ESZ6": {Instrument{Symbol: "ES", Type: "FUT", Local: "ESZ6"}, conn.Contract{
			Symbol: "ES", Type: "FUT",
			Local: "ESZ6",
		}},
		"conId 8": {Instrument{ConID: 8}, conn.Contract{ConID: 8, Exchange: "SMART"}},
	} {
		if got := c.in.Contract(); got != c.want || c.in.String() != text {
			t.Errorf("%s: %+v, %s", text, got, c.in)
		}
	}
}

// TestStandsAsItStood restarts the program again and again, with rules that stay and one that was edited in between.
func TestStandsAsItStood(t *testing.T) {
	b := newBench(t)
	stays, edited := notify("stays", "last", "at_or_above", 100), notify("edited", "last", "at_or_above", 100)
	b.put(stays, edited)
	for range 2 {
		for range 2 {
			if err := b.set.Put([]Rule{stays, edited}); err != nil {
				t.Fatal(err)
			}
		}
		if b.view("stays").State != Active || b.view("edited").State != Active {
			t.Errorf("%+v", b.set.Views())
		}
		b.restart()
	}
	edited.Conditions = []Condition{{Price: "last", Is: "at_or_above", Value: 50}}
	if err := b.set.Put([]Rule{stays, edited}); err != nil {
		t.Fatal(err)
	}
	if b.view("stays").State != Active || b.view("edited").State != Draft {
		t.Errorf("%+v", b.set.Views())
	}
	list := b.set.Rules()
	if len(list) != 2 || list[1].Conditions[0].Value != 50 {
		t.Errorf("%+v", list)
	}
	if !b.set.mu.TryLock() {
		t.Fatal("the rules are still locked")
	}
	b.set.mu.Unlock()
}

func TestNotResolvedSaysWhy(t *testing.T) {
	one := conn.Details{Name: "IBM"}
	for want, err := range map[string]*NotResolvedError{
		"IBM can mean 2 contracts": {Instrument: Instrument{Symbol: "IBM"}, Candidates: []conn.Details{one, one}},
		"IBM: no security definition": {
			Instrument: Instrument{Symbol: "IBM"},
			Err:        errors.New("no security definition"),
		},
		"IBM: there is no such contract": {Instrument: Instrument{Symbol: "IBM"}},
		"IBM CFD: one is not enough": {
			Instrument: Instrument{Symbol: "IBM", Type: "CFD"},
			Candidates: []conn.Details{one}, Err: errors.New("one is not enough"),
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSilence is about how long an instrument may say nothing.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		silent, maxAge time.Duration
		want           verdict
	}{
		{time.Minute, time.Minute, met},
		{time.Minute + 1, time.Minute, unknown},
		{24 * time.Hour, 0, met}, // for as long as it likes
		{1, 0, met},
	} {
		w := &watch{}
		w.take(conn.Tick{Field: conn.Last, Value: 100, At: time.Hour})
		one := condition{watch: w, price: last, is: atOrAbove, value: 100}
		if got := one.judge(time.Hour+c.silent, c.maxAge, false); got != c.want {
			t.Errorf("silent for %v of %v: %v", c.silent, c.maxAge, got)
		}
	}
}

// TestGapIsShown has a rule wait for its hours when the data has a gap: then nothing is known of it any more.
func TestGapIsShown(t *testing.T) {
	b := newBench(t)
	b.put(with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.Only = &Only{MarketHours: true} }))
	b.tick("AAPL last 100")
	if v := b.view("r"); v.Waiting != WaitingHours {
		t.Errorf("%+v", v)
	}
	b.tick("gap")
	if v := b.view("r"); v.Waiting != WaitingNoPrice {
		t.Errorf("%+v", v)
	}
}

// TestSizesAreNoPrices activates a rule whose price is known already: the next price fires it, and no size does.
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
	if fired := b.tick("AAPL volume 5", "AAPL last 60", "wait 1s"); fired != "" {
		t.Errorf("%q", fired)
	}
	if fired := b.tick("AAPL bid 60"); fired != "r mid" {
		t.Errorf("%q", fired)
	}
}

func TestNotResolved(t *testing.T) {
	b := newBench(t)
	b.choices["IBM"] = []conn.Details{
		{Contract: conn.Contract{ConID: 1, Symbol: "IBM", Currency: "USD"}},
		{Contract: conn.Contract{ConID: 2, Symbol: "IBM", Currency: "MXN"}},
	}
	b.choices["NONE"] = nil
	b.choices["EMPTY"] = []conn.Details{}
	for symbol, want := range map[string]int{"IBM": 2, "NONE": 0, "EMPTY": 0} {
		for _, own := range []bool{true, false} {
			r := notify("r", "last", "at_or_above", 1)
			if in := (Instrument{Symbol: symbol}); own {
				r.Instrument = in
			} else {
				r.Conditions = append(r.Conditions, Condition{
					Instrument: &in, Price: "last", Is: "at_or_above",
					Value: 1,
				})
			}
			if err := b.set.Put([]Rule{r}); err != nil {
				t.Fatal(err)
			}
			var refused *NotResolvedError
			if err := b.set.Activate(t.Context(), "r"); !errors.As(err, &refused) || len(refused.Candidates) != want ||
				!strings.HasPrefix(err.Error(), symbol) {
				t.Errorf("%s: %v", symbol, err)
			}
			if v := b.view("r"); v.State != Draft || len(v.Choices) != want {
				t.Errorf("%s: %+v", symbol, v)
			}
		}
	}
	b.choices["IBM"] = b.choices["IBM"][:1]
	if err := b.set.Put([]Rule{with(notify("r", "last", "at_or_above", 1), func(r *Rule) {
		r.Instrument = Instrument{Symbol: "IBM"}
	})}); err != nil {
		t.Fatal(err)
	}
	if err := b.set.Activate(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if v := b.view("r"); v.State != Active || len(v.Choices) != 0 || v.Contract.ConID != 1 {
		t.Errorf("%+v", v)
	}
}

// TestChangedWhileActivated has a rule changed, or removed, while Gateway is asked for its instrument.
func TestChangedWhileActivated(t *testing.T) {
	b := newBench(t)
	rule := notify("r", "last", "at_or_above", 100)
	for _, c := range []struct {
		list []Rule
		want error
	}{
		{[]Rule{rule}, nil},
		{[]Rule{notify("r", "last", "at_or_above", 101)}, ErrChanged},
		{nil, ErrNoRule},
	} {
		if err := b.set.Put([]Rule{rule}); err != nil {
			t.Fatal(err)
		}
		b.asked = func() {
			if err := b.set.Put(c.list); err != nil {
				t.Error(err)
			}
		}
		if err := b.set.Activate(t.Context(), "r"); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
		if n := b.set.Count()[Active]; (n == 1) != (c.want == nil) {
			t.Errorf("%d rules are active, want %v", n, c.want)
		}
	}
}

// TestWaiting is about why a rule does not fire.
func TestWaiting(t *testing.T) {
	hold := func(r *Rule) { r.Conditions[0].ForSeconds = 10 }
	for name, c := range map[string]struct {
		rule  Rule
		steps []string
		want  Waiting
	}{
		"nothing came":  {notify("r", "last", "at_or_above", 100), []string{"gap"}, WaitingNoPrice},
		"no last price": {notify("r", "last", "at_or_above", 100), []string{"AAPL bid 50"}, WaitingNoPrice},
		"too low":       {notify("r", "last", "at_or_above", 100), []string{"AAPL last 50"}, WaitingUnmet},
		"delayed": {
			notify("r", "last", "at_or_above", 100),
			[]string{"delayed AAPL last 150"},
			WaitingDelayed,
		},
		"silent": {
			notify("r", "last", "at_or_above", 100),
			[]string{"AAPL last 50", "wait 61s"},
			WaitingStale,
		},
		"not for long": {
			with(notify("r", "last", "at_or_above", 100), hold),
			[]string{"AAPL last 150", "wait 3s"},
			WaitingHolding,
		},
		"on the wrong side": {notify("r", "last", "crosses_up", 100), []string{"AAPL last 150"}, WaitingReference},
		"has to cross":      {notify("r", "last", "crosses_up", 100), []string{"AAPL last 50"}, WaitingUnmet},
		"has to cross down": {notify("r", "last", "crosses_down", 100), []string{"AAPL last 50"}, WaitingReference},
		"closed": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Only = &Only{MarketHours: true}
		}), []string{"AAPL last 150"}, WaitingHours},
		"closed, and too low": {with(notify("r", "last", "at_or_above", 100), func(r *Rule) {
			r.Only = &Only{MarketHours: true}
		}), []string{"AAPL last 50"}, WaitingHours},
		"blocked": {
			order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}),
			[]string{"AAPL last 150"},
			WaitingSpent,
		},
		"a gap": {
			notify("r", "last", "at_or_above", 100),
			[]string{"AAPL last 50", "gap"},
			WaitingNoPrice,
		},
	} {
		b := newBench(t)
		b.put(c.rule)
		b.tick(c.steps...)
		if v := b.view("r"); v.Waiting != c.want || v.State != Active {
			t.Errorf("%s: %s, %s; want %s", name, v.State, v.Waiting, c.want)
		}
	}
	b := newBench(t)
	b.put(notify("r", "last", "at_or_above", 100))
	b.tick("AAPL last 50")
	b.set.OnFailure(0, 354, "not subscribed")
	if v := b.view("r"); v.Waiting != WaitingNoData || v.Code != 354 || v.Detail != "not subscribed" {
		t.Errorf("%+v", v)
	}
	b.tick("AAPL last 51")
	if v := b.view("r"); v.Waiting != WaitingUnmet || v.Price != 51 || time.Since(v.PriceAt).Abs() > time.Minute {
		t.Errorf("%+v", v)
	}
}

// TestShownPrice is about the price beside a rule: where there is none, none is shown.
func TestShownPrice(t *testing.T) {
	for name, c := range map[string]struct {
		price string
		steps []string
		want  float64
	}{
		"a price":                 {"bid", []string{"AAPL bid 50"}, 50},
		"from before a gap":       {"bid", []string{"AAPL bid 50", "gap"}, 50},
		"no price any more":       {"bid", []string{"AAPL bid 50", "AAPL bid -1"}, 0},
		"between two":             {"mid", []string{"AAPL bid 50", "AAPL ask 51"}, 50.5},
		"between one and nothing": {"mid", []string{"AAPL bid 50", "AAPL ask -1"}, 0},
		"one of two":              {"mid", []string{"AAPL ask 51"}, 0},
	} {
		b := newBench(t)
		b.put(notify("r", c.price, "at_or_above", 100))
		b.tick(c.steps...)
		if v := b.view("r"); v.Price != c.want || v.PriceAt.IsZero() != (c.want == 0) {
			t.Errorf("%s: %v at %v, want %v", name, v.Price, v.PriceAt, c.want)
		}
	}
}

// TestDraftsWatchNothing has a rule be a draft again: its instrument is let go, and no price stands beside it.
func TestDraftsWatchNothing(t *testing.T) {
	b := newBench(t)
	b.put(notify("r", "last", "at_or_above", 100))
	b.tick("AAPL last 50")
	if v := b.view("r"); v.Price != 50 || len(b.names) != 1 {
		t.Fatalf("%+v, %v", v, b.names)
	}
	if err := b.set.Deactivate("r"); err != nil {
		t.Fatal(err)
	}
	if len(b.names) != 0 {
		t.Error("the engine was not told")
	}
	if b.instruments(); len(b.names) != 0 || b.view("r").Price != 0 {
		t.Errorf("%v, %+v", b.names, b.view("r"))
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
