package rules

import (
	"testing"
	"time"

	"gatewatch/engine"
)

// TestWithoutData is about which rules wait for market data, and for what kind of it.
func TestWithoutData(t *testing.T) {
	b := newBench(t)
	msft := Condition{Instrument: &Instrument{Symbol: "MSFT"}, Price: "last", Is: "at_or_above", Value: 100}
	one := notify("one", "last", "at_or_above", 100)
	all := with(notify("all", "last", "at_or_above", 100), func(r *Rule) { r.Conditions = append(r.Conditions, msft) })
	either := with(all, func(r *Rule) { r.Name, r.Match = "either", "any" })
	other := with(notify("other", "last", "at_or_above", 100), func(r *Rule) { r.Conditions = []Condition{msft} })
	trades := with(other, func(r *Rule) {
		r.Name, r.Action = "trades", Action{Do: "order", Order: &Order{Side: "BUY", Quantity: 1, Type: "MKT"}}
	})
	b.put(one, all, either, other, trades)
	waits := func(step string, want map[string]Waiting, count int) {
		t.Helper()
		for _, v := range b.set.Views() {
			if v.Waiting != want[v.Rule.Name] {
				t.Errorf("%s: %s waits for %q, want %q", step, v.Rule.Name, v.Waiting, want[v.Rule.Name])
			}
			if v.Waiting == WaitingNoData && v.Code != 354 {
				t.Errorf("%s: %s has code %d", step, v.Rule.Name, v.Code)
			}
		}
		if n := b.set.WithoutData(); n != count {
			t.Errorf("%s: %d rules without data, want %d", step, n, count)
		}
	}
	b.tick("AAPL last 99", "MSFT last 99")
	waits("data flows", map[string]Waiting{
		"one": WaitingUnmet, "all": WaitingUnmet, "either": WaitingUnmet,
		"other": WaitingUnmet, "trades": WaitingUnmet,
	}, 0)
	b.tick("failure 354")
	waits("AAPL is refused", map[string]Waiting{
		"one": WaitingNoData, "all": WaitingNoData, "either": WaitingUnmet,
		"other": WaitingUnmet, "trades": WaitingNoData,
	}, 3)
	b.set.OnFailure(1, 354, "")
	waits("MSFT, too", map[string]Waiting{
		"one": WaitingNoData, "all": WaitingNoData, "either": WaitingNoData,
		"other": WaitingNoData, "trades": WaitingNoData,
	}, 5)
	b.tick("old AAPL last 99", "MSFT last 99")
	waits("a price of before", map[string]Waiting{
		"one": WaitingOld, "all": WaitingOld, "either": WaitingOld,
		"other": WaitingUnmet, "trades": WaitingUnmet,
	}, 0)
	if v := b.view("one"); v.Price != 99 || v.PriceAt.IsZero() {
		t.Errorf("it is not shown: %+v", v)
	}
	b.tick("AAPL last 98")
	waits("a price of now", map[string]Waiting{
		"one": WaitingUnmet, "all": WaitingUnmet, "either": WaitingUnmet,
		"other": WaitingUnmet, "trades": WaitingUnmet,
	}, 0)
	if err := b.set.Deactivate("one"); err != nil {
		t.Fatal(err)
	}
	b.tick("failure 354")
	if n := b.set.WithoutData(); n != 2 {
		t.Errorf("%d rules without data after one was deactivated", n)
	}
}

// TestRefusedAfterItWasMet has the data of a rule that has triggered be refused: that is what is said of it.
func TestRefusedAfterItWasMet(t *testing.T) {
	b := newBench(t)
	b.put(with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 1 }))
	if triggered := b.tick("AAPL last 100", "wait 2s", "AAPL last 101"); triggered != "r" ||
		b.view("r").Waiting != WaitingSpent {
		t.Fatalf("%q, %+v", triggered, b.view("r"))
	}
	if b.tick("failure 10197"); b.view("r").Waiting != WaitingNoData {
		t.Errorf("%+v", b.view("r"))
	}
	b.now += time.Hour
	if triggered := b.tick("AAPL last 102"); triggered != "" {
		t.Errorf("%q", triggered)
	}
	for _, r := range b.reports {
		if r.Kind == engine.ReportBlocked {
			t.Errorf("%+v", r)
		}
	}
}
