package rules

import (
	"testing"
	"time"

	"gatewatch/conn/ib"
)

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
		w.take(ib.Tick{Field: ib.Last, Value: 100, At: time.Hour})
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

// TestWaiting is about why a rule does not trigger.
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
