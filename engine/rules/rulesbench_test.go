package rules

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// bench is a set whose ticks come from a test. Its orders find no session, and are blocked.
type bench struct {
	t       *testing.T
	path    string
	ledger  *ledger.Ledger
	desk    *engine.Desk
	set     *Set
	now     time.Duration
	open    bool // the market
	maxAge  time.Duration
	names   []string // of the instruments, as the engine knows them
	reports []engine.Report
	changed int                     // how often it was told that Views shows something new
	asked   func()                  // called when a contract is asked for, if it is set
	choices map[string][]ib.Details // by symbol, what it can mean; one contract where nothing is said
}

func newBench(t *testing.T) *bench {
	b := &bench{
		t: t, path: filepath.Join(t.TempDir(), "orders.db"), now: time.Hour, maxAge: time.Minute,
		choices: map[string][]ib.Details{},
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
	orders, err := ledger.Open(b.path, log)
	if err != nil {
		b.t.Fatal(err)
	}
	report := func(r engine.Report) { b.reports = append(b.reports, r) }
	b.ledger, b.desk = orders, engine.NewDesk(orders, engine.Limits{
		Mode: ib.Paper, PerMinute: 10, PerDay: 10,
		Quantity: 100, Notional: 1e6,
	}, report, log)
	b.set, err = NewSet(Config{
		Ledger: orders, Desk: b.desk, Clock: func() time.Duration {
			return b.now
		}, MaxTickAge: func() time.Duration { return b.maxAge },
		MarketHours: func(time.Time) bool { return b.open }, Report: report, Changed: func() { b.changed++ }, Log: log,
		Refresh: func() { b.names = nil },
		Resolve: func(_ context.Context, c ib.Contract) ([]ib.Details, error) {
			if b.asked != nil {
				b.asked()
			}
			if list, ok := b.choices[c.Symbol]; ok {
				if list == nil {
					return nil, &ib.RequestError{Code: 200, Text: "no security definition"}
				}
				return list, nil
			}
			c.ConID = int64(len(c.Symbol))*1000 + int64(c.Symbol[0])
			return []ib.Details{{Contract: c, Name: c.Symbol + " INC", MinTick: 0.05, Multiplier: 1}}, nil
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
// without anyone looking; "failure 354" is one of the first instrument's data, "delayed AAPL last 100" comes delayed,
// "old AAPL last 100" is a price of before, and with "AAPL kind 1" its data is of another kind from now on. It returns
// the names of the rules that triggered, or were blocked.
func (b *bench) tick(steps ...string) (triggered string) {
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
		tick := ib.Tick{Field: map[string]ib.TickField{
			"bid": ib.Bid, "ask": ib.Ask, "last": ib.Last,
			"volume": ib.Volume, "kind": ib.DataKind,
		}[words[1]], Delayed: delayed, Old: old, At: b.now}
		if _, err := fmt.Sscan(words[2], &tick.Value); err != nil {
			b.t.Fatal(err)
		}
		b.set.OnTick(at, tick)
	}
	for _, r := range b.reports[before:] {
		triggered += " " + r.Rule
		if r.Kind == engine.ReportBlocked {
			triggered += "!"
		}
	}
	return strings.TrimPrefix(triggered, " ")
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

// age makes what has triggered longer ago.
func (b *bench) age(d time.Duration) {
	for _, e := range b.set.entries {
		e.TriggeredAt = e.TriggeredAt.Add(-d)
	}
}

// order is a rule that trades AAPL when it is at 100.
func order(name string, o Order) Rule {
	r := notify(name, "last", "at_or_above", 100)
	r.Action = Action{Do: "order", Order: &o}
	return r
}
