package sim

import (
	"math"
	"testing"
	"time"
)

func TestWalk(t *testing.T) {
	var apple, pound *instrument
	for _, in := range newInstruments(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)) {
		switch in.label() {
		case "AAPL":
			apple = in
		case "GBP.USD":
			pound = in
		}
	}
	for _, in := range []*instrument{apple, pound} {
		w, again, other := newWalk(7, in), newWalk(7, in), newWalk(8, in)
		if got := w.at(0); math.Abs(got-in.start) > 1e-9 {
			t.Errorf("%s starts at %v, want %v", in.label(), got, in.start)
		}
		const days = 400
		differs, moved, low, high := 0, 0, math.Inf(1), 0.0
		for i := range 2 * days {
			at := time.Duration(i-days) * 24 * time.Hour
			p := w.at(at)
			if q := again.at(at + time.Hour); q == p {
				t.Fatalf("%s stands still for an hour", in.label())
			}
			if again.at(at) != p {
				t.Fatalf("%s is not the same when it is read twice", in.label())
			}
			if other.at(at) != p {
				differs++
			}
			if math.Abs(w.at(at+time.Second)-p) > in.minTick()/100 {
				moved++
			}
			if step := math.Abs(w.at(at+time.Minute)-p) / p; step > 0.01 {
				t.Errorf("%s moves %v within a minute", in.label(), step)
			}
			low, high = min(low, p), max(high, p)
		}
		if differs < days || moved < days {
			t.Errorf("%s: %d days differ with another seed, %d seconds moved", in.label(), differs, moved)
		}
		if low < in.start/2 || high > in.start*2 || high/low < 1.02 {
			t.Errorf("%s went from %v to %v in %d days", in.label(), low, high, 2*days)
		}
	}
}

// TestLegs pins a market and lets it walk again.
func TestLegs(t *testing.T) {
	in := newInstruments(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC))[0]
	q := newQuote(in, 1, 4)
	before := q.price(time.Minute)
	q.pin(time.Hour, 300)
	q.pin(2*time.Hour, 0)
	if got := q.price(time.Minute); got != before {
		t.Errorf("the past changed from %v to %v", before, got)
	}
	if got := q.price(90 * time.Minute); got != 300 {
		t.Errorf("pinned at %v, want 300", got)
	}
	if got := q.price(2 * time.Hour); math.Abs(got-300) > 1e-9 {
		t.Errorf("walks on from %v, want 300", got)
	}
	if got := q.price(3 * time.Hour); got == 300 || math.Abs(got-300) > 30 {
		t.Errorf("an hour later at %v", got)
	}
}
