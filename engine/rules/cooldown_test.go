package rules

import (
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
)

// TestCooldownOutlastsNoClock has the wall clock set back during a cooldown: it takes no longer for that, and is shown
// as it is.
func TestCooldownOutlastsNoClock(t *testing.T) {
	b := newBench(t)
	list := []Rule{with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 60 })}
	b.put(list...)
	if triggered := b.tick("AAPL last 100", "AAPL last 99"); triggered != "r" {
		t.Fatalf("%q", triggered)
	}
	b.age(-8 * time.Hour)
	b.tick("wait 20s")
	if v := b.view("r"); v.Waiting != WaitingCooldown || v.Left > 41*time.Second || v.Left < 35*time.Second {
		t.Errorf("%s, %v left", v.Waiting, v.Left)
	}
	if b.tick("wait 41s"); b.view("r").State != Active {
		t.Errorf("%+v", b.view("r"))
	}

	// The same over a restart.
	b.tick("AAPL last 100")
	b.age(-8 * time.Hour)
	if err := b.set.set(b.set.entries[0], b.set.entries[0].record); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if err := b.set.Put(list); err != nil {
		t.Fatal(err)
	}
	if v := b.view("r"); v.Waiting != WaitingCooldown || v.Left > time.Minute {
		t.Errorf("%s, %v left", v.Waiting, v.Left)
	}
	if b.tick("wait 61s"); b.view("r").State != Active {
		t.Errorf("%+v", b.view("r"))
	}
}

// TestOrderOfAnEarlierTrigger lets a rule trigger, sets the clock back and lets it trigger again: what is heard of the
// first order then is nothing about the second.
func TestOrderOfAnEarlierTrigger(t *testing.T) {
	b := newBench(t)
	e := &entry{rule: order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}), order: "gw-second"}
	e.State, e.TriggeredAt = Triggered, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	first := ledger.Intent{
		Rule: "r", At: e.TriggeredAt.Add(8 * time.Hour), Order: ib.Order{Ref: "gw-first"},
		State: ledger.Rejected,
	}
	if e.learn(first) || e.State != Triggered {
		t.Errorf("%+v", e.record)
	}
	second := ledger.Intent{Rule: "r", At: e.TriggeredAt, Order: ib.Order{Ref: "gw-second"}, State: ledger.Filled}
	if !e.learn(second) || e.State != Done {
		t.Errorf("%+v", e.record)
	}

	// The reference is known once the order has left.
	_, s := b.trade()
	b.put(order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}))
	b.instruments()
	b.set.OnBegin(s)
	if triggered := b.tick("AAPL last 100"); triggered != "r" {
		t.Fatalf("%q", triggered)
	}
	if got, want := b.set.entries[0].order, b.ledger.Intents()[0].Order.Ref; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWaitsForTime has rules that time can change, and others: only for the first the engine is to ask often.
func TestWaitsForTime(t *testing.T) {
	b := newBench(t)
	expect := func(what string, want bool) {
		t.Helper()
		b.instruments()
		if got := b.set.OnTime(b.now); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	price := notify("price", "last", "at_or_above", 100)
	b.put(price)
	expect("a price", false)
	held := with(notify("held", "last", "at_or_above", 100), func(r *Rule) { r.Conditions[0].ForSeconds = 5 })
	b.put(price, held)
	expect("a price that holds for a time", true)
	b.put(price, with(price, func(r *Rule) { r.Name, r.CooldownSeconds = "rests", 60 }))
	expect("a rule that may rest", false)
	b.tick("AAPL last 101")
	expect("a rule that rests", true)
	b.tick("wait 61s")
	expect("a rule that has rested", false)
}
