package rules

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gatewatch/conn/ib"
)

// TestActivatingOthersDisturbsNoRule has a rule wait for a crossing, and another for time, while others come and go.
func TestActivatingOthersDisturbsNoRule(t *testing.T) {
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
	if triggered := b.tick("AAPL last 101", "wait 2s"); triggered != "cross stays" {
		t.Errorf("%q", triggered)
	}
}

// TestActivatedIsTheTextOfTheRule has a rule change, or go, while Gateway is asked what its instrument means, and
// Gateway not answer.
func TestActivatedIsTheTextOfTheRule(t *testing.T) {
	b := newBench(t)
	r := notify("r", "last", "at_or_above", 100)
	resolve := b.set.cfg.Resolve
	for n, list := range [][]Rule{nil, {with(r, func(r *Rule) { r.CooldownSeconds = 5 })}} {
		want := []error{ErrNoRule, ErrChanged}[n]
		if err := b.set.Put([]Rule{r}); err != nil {
			t.Fatal(err)
		}
		b.set.cfg.Resolve = func(ctx context.Context, c ib.Contract) ([]ib.Details, error) {
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
	busy := &ib.RequestError{Code: 162, Text: "busy"}
	b.set.cfg.Resolve = func(context.Context, ib.Contract) ([]ib.Details, error) { return nil, busy }
	if err := b.set.Activate(t.Context(), "r"); !errors.Is(err, busy) {
		t.Errorf("%v", err)
	}
}

func TestContracts(t *testing.T) {
	for text, c := range map[string]struct {
		in   Instrument
		want ib.Contract
	}{
		"AAPL": {Instrument{Symbol: "AAPL"}, ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART"}},
		"IBM": {Instrument{Symbol: "IBM", Type: "STK", Exchange: "NYSE"}, ib.Contract{
			Symbol: "IBM", Type: "STK",
			Exchange: "NYSE",
		}},
		"EUR.USD": {
			Instrument{Symbol: "EUR", Type: "CASH", Currency: "USD"},
			ib.Contract{Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD"},
		},
		"EUR CASH": {Instrument{Symbol: "EUR", Type: "CASH"}, ib.Contract{
			Symbol: "EUR", Type: "CASH",
			Exchange: "IDEALPRO",
		}},
		"ESZ6": {Instrument{Symbol: "ES", Type: "FUT", Local: "ESZ6"}, ib.Contract{
			Symbol: "ES", Type: "FUT",
			Local: "ESZ6",
		}},
		"conId 8": {Instrument{ConID: 8}, ib.Contract{ConID: 8, Exchange: "SMART"}},
	} {
		if got := c.in.Contract(); got != c.want || c.in.String() != text {
			t.Errorf("%s: %+v, %s", text, got, c.in)
		}
	}
}

// TestStateOutlivesTheProgram restarts the program, with a rule that stays and one that was edited in between.
func TestStateOutlivesTheProgram(t *testing.T) {
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
	one := ib.Details{Name: "IBM"}
	for want, err := range map[string]*NotResolvedError{
		"IBM can mean 2 contracts": {Instrument: Instrument{Symbol: "IBM"}, Candidates: []ib.Details{one, one}},
		"IBM: no security definition": {
			Instrument: Instrument{Symbol: "IBM"},
			Err:        errors.New("no security definition"),
		},
		"IBM: there is no such contract": {Instrument: Instrument{Symbol: "IBM"}},
		"IBM CFD: one is not enough": {
			Instrument: Instrument{Symbol: "IBM", Type: "CFD"},
			Candidates: []ib.Details{one}, Err: errors.New("one is not enough"),
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNotResolved(t *testing.T) {
	b := newBench(t)
	b.choices["IBM"] = []ib.Details{
		{Contract: ib.Contract{ConID: 1, Symbol: "IBM", Currency: "USD"}},
		{Contract: ib.Contract{ConID: 2, Symbol: "IBM", Currency: "MXN"}},
	}
	b.choices["NONE"] = nil
	b.choices["EMPTY"] = []ib.Details{}
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
