package rules

import (
	"testing"
	"time"

	"gatewatch/conn/ib"
)

// TestPanicLeavesNothingBehind has the set panic at each place where the engine calls it: no lock stays taken, and what
// was about to trigger does not do so afterwards.
func TestPanicLeavesNothingBehind(t *testing.T) {
	b := newBench(t)
	timed := with(notify("timed", "last", "at_or_above", 100), func(r *Rule) { r.Conditions[0].ForSeconds = 1 })
	b.put(notify("first", "last", "at_or_above", 100), notify("second", "last", "at_or_above", 100), timed)
	panics := func(what string, f func()) {
		t.Helper()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", what)
				}
			}()
			f()
		}()
		done := make(chan error, 1)
		go func() {
			b.set.Count()
			done <- b.set.Deactivate("nobody")
		}()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s left a lock behind", what)
		}
	}
	b.instruments()
	sound := b.set.cfg
	at := func(v float64) { b.set.OnTick(0, ib.Tick{Field: ib.Last, Value: v, At: b.now}) }

	b.set.cfg.MaxTickAge = func() time.Duration { panic("injected") }
	panics("OnTick", func() { at(90) })
	panics("OnTime", func() { b.set.OnTime(b.now) })
	panics("OnTick of no instrument", func() { b.set.OnTick(7, ib.Tick{}) })
	b.set.cfg = sound

	b.set.cfg.Changed = func() { panic("injected") }
	panics("trigger", func() { at(100) })
	b.set.cfg = sound
	if len(b.reports) != 0 {
		t.Fatalf("reports %v", b.reports)
	}
	// The second was ready, too. It triggers for what it sees afterwards, not for what it saw.
	b.set.OnBegin(nil)
	at(90)
	if len(b.reports) != 0 {
		t.Errorf("a price of 90 triggers %v", b.reports)
	}
	at(101)
	if len(b.reports) != 1 || b.reports[0].Rule != "second" {
		t.Errorf("a price of 101 triggers %v", b.reports)
	}

	b.set.ready = append(b.set.ready, b.set.find("timed").active)
	b.set.OnBegin(nil)
	if len(b.set.ready) != 0 {
		t.Error("what was ready is so after a gap")
	}
}
