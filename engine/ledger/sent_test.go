package ledger

import (
	"path/filepath"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// set replaces the clocks of a ledger.
func set(l *Ledger, now func() time.Time, mono func() time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.mono = now, mono
}

// TestClockIsSet has the wall clock set while orders are counted by the minute and by the day.
func TestClockIsSet(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	l := d.ledger
	began, mono := l.now(), l.mono
	now := began
	clock := func(wall, since time.Duration) {
		now = began.Add(wall)
		set(l, func() time.Time { return now }, func() time.Duration { return mono() + since })
	}
	sent := func(what string, minute, day int) {
		t.Helper()
		if n, m := l.SentInMinute(), l.Sent(now.Add(-8*time.Hour)); n != minute || m != day {
			t.Errorf("%s: %d in a minute and %d in the last hours, want %d and %d", what, n, m, minute, day)
		}
	}
	place := func() {
		t.Helper()
		if _, err := d.place(s, order(1, 50)); err != nil {
			t.Fatal(err)
		}
	}
	place()
	place()
	sent("at first", 2, 2)
	clock(-8*time.Hour, 0)
	sent("set back by 8 h, at once", 2, 2)
	clock(+8*time.Hour, 0)
	sent("set forward by 8 h, at once", 2, 2)
	clock(-8*time.Hour, 61*time.Second)
	sent("set back by 8 h, a minute later", 0, 2)
	place()
	sent("and one more", 1, 3)
	clock(-30*24*time.Hour, 5*time.Minute)
	sent("set back by a month", 0, 3)
	clock(-29*24*time.Hour, 49*time.Hour)
	sent("two days later", 0, 0)
}

// TestClockWasSetBackMeanwhile begins with orders that lie in the future.
func TestClockWasSetBackMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	now := l.now()
	for id, ahead := range []time.Duration{8 * time.Hour, -30 * time.Second, -2 * time.Minute} {
		i := &Intent{
			ID: int64(id + 1), At: now.Add(ahead), Order: ib.Order{Ref: string(rune('a' + id))},
			State: Unknown,
		}
		if err := l.put(0, l.floor, nil, i); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	l = openLedger(t, path)
	mono := l.mono
	for since, want := range map[time.Duration]int{0: 2, 40 * time.Second: 1, 61 * time.Second: 0} {
		set(l, l.now, func() time.Duration { return mono() + since })
		if got := l.SentInMinute(); got != want {
			t.Errorf("%v after the start %d in a minute, want %d", since, got, want)
		}
	}
	if got := l.Sent(now.Add(-time.Hour)); got != 3 {
		t.Errorf("%d in an hour", got)
	}
}

// TestAskedWhenTheClockIsSet has Gateway say nothing about an order, and the clock set back meanwhile: it is asked all
// the same.
func TestAskedWhenTheClockIsSet(t *testing.T) {
	for name, back := range map[string]time.Duration{"set back": -8 * time.Hour, "set forward": 8 * time.Hour} {
		l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
		i := &Intent{ID: 1, Order: ib.Order{Ref: "gw-x"}, State: Sent, Changed: l.now().Add(-back)}
		l.mu.Lock()
		l.intents["gw-x"], l.sentIn["gw-x"] = i, 0
		l.mu.Unlock()
		if refs := l.doubtful(new(ib.Socket).Session(ib.Gateway{}, nil, nil, nil)); !refs["gw-x"] {
			t.Errorf("%s: %v", name, refs)
		}
	}
}
