package rules

import (
	"testing"
	"time"
)

// TestCooldownOutlastsNoClock has the wall clock set back during a cooldown: it takes no longer for that, and is shown as it is.
func TestCooldownOutlastsNoClock(t *testing.T) {
	b := newBench(t)
	list := []Rule{with(notify("r", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 60 })}
	b.put(list...)
	if fired := b.tick("AAPL last 100", "AAPL last 99"); fired != "r" {
		t.Fatalf("%q", fired)
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
