package rules

import (
	"errors"
	"testing"

	"gatewatch/conn/ib"
)

// preview returns what a rule would do, when the engine has its instruments.
func (b *bench) preview(r Rule) Preview {
	b.t.Helper()
	if _, err := b.set.Preview(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
	b.instruments()
	p, err := b.set.Preview(b.t.Context(), r)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// TestPreviewNeverTriggers has a rule that someone is writing met, at once and again.
func TestPreviewNeverTriggers(t *testing.T) {
	b := newBench(t)
	r := order("buy", Order{Side: "BUY", Quantity: 2, Type: "MKT"})
	if p := b.preview(r); p.Would != WouldUnknown || p.Waiting != WaitingNoPrice || p.Worth != 0 ||
		!p.PriceAt.IsZero() {
		t.Errorf("without prices: %+v", p)
	}
	met, unmet := "AAPL last 99", "AAPL last 101"
	if r.Conditions[0].Is != "at_or_below" {
		met, unmet = unmet, met
	}
	for range 2 {
		if triggered := b.tick(unmet, "wait 1s", met, "wait 1s"); triggered != "" {
			t.Fatalf("%q triggered", triggered)
		}
		if p := b.preview(r); p.Would != WouldTrigger || p.Price == 0 || p.Worth != 2*p.Price || p.PriceAt.IsZero() {
			t.Errorf("met: %+v", p)
		}
	}
	if got := b.set.Views(); len(got) != 0 {
		t.Errorf("it is a rule: %+v", got)
	}
	b.tick(unmet)
	if p := b.preview(r); p.Would != WouldNot || p.Waiting != WaitingUnmet {
		t.Errorf("unmet: %+v", p)
	}
	for _, gap := range []string{"gap", "silence 2m"} {
		b.tick(met, gap)
		if p := b.preview(r); p.Would != WouldUnknown || p.Worth != 0 || !p.PriceAt.IsZero() {
			t.Errorf("after %s: %+v", gap, p)
		}
	}
	if b.tick("old " + met); b.preview(r).Would != WouldUnknown {
		t.Error("an old price is evidence")
	}
}

// TestPreviewEnds: a rule is not watched longer than it is looked at, and it disturbs no other.
func TestPreviewEnds(t *testing.T) {
	b := newBench(t)
	b.put(notify("dip", "last", "at_or_below", 100))
	asked := 0
	b.asked = func() { asked++ }
	other := Rule{Instrument: Instrument{Symbol: "MSFT"}}
	if b.preview(other); asked != 1 || len(b.set.Instruments()) != 2 {
		t.Errorf("asked %d times, %v", asked, b.set.Instruments())
	}
	if b.tick("MSFT last 300"); b.preview(other).Price != 300 || b.preview(other).Would != WouldUnknown {
		t.Errorf("%+v", b.preview(other))
	}
	same := Rule{Instrument: aapl, AllowDelayed: true}
	b.preview(same)
	if list := b.set.Instruments(); len(list) != 1 || list[0].Delayed {
		t.Errorf("a preview changes the data of an active rule: %+v", list)
	}
	b.preview(other)
	b.names = []string{"AAPL", "MSFT"}
	if b.tick("wait 9s"); len(b.set.Instruments()) != 2 {
		t.Error("the preview has ended too early")
	}
	if b.tick("wait 2s"); len(b.set.Instruments()) != 1 {
		t.Error("the preview has not ended")
	}
	if triggered := b.tick("AAPL last 99"); triggered != "dip" {
		t.Errorf("triggered %q", triggered)
	}
}

func TestPreviewOrders(t *testing.T) {
	b := newBench(t)
	limit, offset := 50.0, -1.0
	for name, c := range map[string]struct {
		order Order
		worth float64
	}{
		"limit":  {Order{Side: "BUY", Quantity: 3, Type: "LMT", LimitPrice: &limit}, 150},
		"offset": {Order{Side: "BUY", Quantity: 3, Type: "LMT", LimitOffset: &offset}, 297},
		"market": {Order{Side: "SELL", Quantity: 3, Type: "MKT"}, 294},
	} {
		r := order(name, c.order)
		b.preview(r)
		b.tick("AAPL bid 98", "AAPL ask 102", "AAPL last 100")
		if p := b.preview(r); p.Worth != c.worth {
			t.Errorf("%s: worth %v, want %v", name, p.Worth, c.worth)
		}
		b.tick("gap")
		if p := b.preview(r); name != "limit" && p.Worth != 0 {
			t.Errorf("%s without a price: worth %v", name, p.Worth)
		}
	}
	b.choices["TWO"] = make([]ib.Details, 2)
	_, err := b.set.Preview(t.Context(), Rule{Instrument: Instrument{Symbol: "TWO"}})
	if _, ok := errors.AsType[*NotResolvedError](err); !ok {
		t.Errorf("%v", err)
	}
	hours := order("hours", Order{Side: "BUY", Quantity: 1, Type: "MKT"})
	hours.Only = &Only{MarketHours: true}
	b.preview(hours)
	met := map[bool]string{true: "AAPL last 1", false: "AAPL last 1000"}[hours.Conditions[0].Is == "at_or_below"]
	b.tick(met)
	if p := b.preview(hours); p.Would != WouldNot || p.Waiting != WaitingHours {
		t.Errorf("while the market is closed: %+v", p)
	}
	if b.open = true; b.preview(hours).Would != WouldTrigger {
		t.Error("the market is open")
	}
}
