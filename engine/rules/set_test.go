package rules

import (
	"cmp"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
)

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
	if triggered := b.tick("AAPL last 300"); triggered != "" || len(b.names) != 0 {
		t.Errorf("a draft triggered: %q, %v", triggered, b.names)
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
	if triggered := b.tick("AAPL last 150"); triggered != "one" {
		t.Errorf("%q", triggered)
	}
	state("one", Done)
	if triggered := b.tick("AAPL last 200"); triggered != "two" {
		t.Errorf("%q", triggered)
	}
	state("two", Triggered)
	if v := b.view("two"); v.Waiting != WaitingCooldown || v.Left <= 59*time.Minute || v.TriggerCount != 1 ||
		v.Price != 200 || v.Contract.ConID == 0 {
		t.Errorf("%+v", v)
	}

	// After a restart everything stands as it stood, and triggers neither again nor earlier.
	b.restart()
	if err := b.set.Put([]Rule{one, two}); err != nil {
		t.Fatal(err)
	}
	state("one", Done)
	state("two", Triggered)
	if triggered := b.tick("AAPL last 99", "AAPL last 300"); triggered != "" {
		t.Errorf("%q", triggered)
	}
	b.age(time.Hour)
	if triggered := b.tick("wait 1s", "AAPL last 300", "AAPL last 199", "AAPL last 300"); triggered != "two" {
		t.Errorf("%q", triggered)
	}

	// No one has seen that it was unmet since it triggered, so it does not do so again.
	b.restart()
	if err := b.set.Put([]Rule{one, two}); err != nil {
		t.Fatal(err)
	}
	b.age(time.Hour)
	if triggered := b.tick("wait 1s", "AAPL last 300"); triggered != "" || b.view("two").Waiting != WaitingSpent {
		t.Errorf("%q, %+v", triggered, b.view("two"))
	}
	if triggered := b.tick("AAPL last 199", "AAPL last 300"); triggered != "two" {
		t.Errorf("%q", triggered)
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
	state("one", Draft) // what was activated is not what is there now
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
	if triggered := b.tick("AAPL last 300"); triggered != "" {
		t.Errorf("%q", triggered)
	}
	if c := b.set.Count(); c[Draft] != 1 || len(c) != 1 {
		t.Errorf("%v", c)
	}
}

// TestWatches is about which rules look at prices, and which have rested long enough to trigger again.
func TestWatches(t *testing.T) {
	one := &resolved{Contract: ib.Contract{Symbol: "AAPL"}}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state     State
		cooldown  float64
		contracts []*resolved
		settled   bool
		watches   bool
		rested    time.Duration // after it triggered; 0: never
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
		e.State, e.Contracts, e.Settled, e.TriggeredAt = c.state, c.contracts, c.settled, at
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

// TestChangesAreReported counts how often a change of the rules is announced to what shows them.
func TestChangesAreReported(t *testing.T) {
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
	told("an order has changed", func() { b.set.OnOrder(ledger.Intent{Rule: "r", State: ledger.Working}) })
	told("it triggered", func() { b.tick("AAPL last 100") })
	told("it is a draft again", func() { _ = b.set.Deactivate("r") })
	// What becomes of an order that a rule has placed before is nothing to a draft.
	b.set.OnOrder(ledger.Intent{Rule: "r", State: ledger.Rejected, At: time.Now().Add(time.Hour)})
	if v := b.view("r"); v.State != Draft {
		t.Errorf("%+v", v)
	}
	b.choices["AAPL"] = nil
	told("it is not known what it means", func() { _ = b.set.Activate(t.Context(), "r") })
	b.choices["AAPL"] = make([]ib.Details, 2)
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
