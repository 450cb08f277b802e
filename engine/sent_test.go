package engine

import (
	"path/filepath"
	"testing"
	"time"

	"gatewatch/conn"
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
	l := generous
	l.PerMinute, l.PerDay = 2, 3
	c := openCounter(t, g, l)
	c.Arm()
	s := c.session(t)
	now, mono := c.Desk.now, c.ledger().mono
	clock := func(wall, since time.Duration) {
		c.Desk.now = func() time.Time { return now().Add(wall) }
		set(c.ledger(), c.Desk.now, func() time.Duration { return mono() + since })
	}
	place := func(what, want string) {
		t.Helper()
		if _, err := c.Place(Ticket{Session: s, Order: order(1, 50)}); reason(err) != want {
			t.Errorf("%s: %q, want %q", what, reason(err), want)
		}
	}
	place("the first", "")
	place("the second", "")
	clock(-8*time.Hour, 0)
	place("set back by 8 h, at once", BlockedPerMinute)
	clock(+8*time.Hour, 0)
	place("set forward by 8 h, at once", BlockedPerMinute)
	clock(-8*time.Hour, 61*time.Second)
	place("set back by 8 h, a minute later", "")
	clock(-30*24*time.Hour, 5*time.Minute)
	place("set back by a month: those of today still count", BlockedPerDay)
	clock(-29*24*time.Hour, 49*time.Hour)
	place("two days later", "")
}

// TestClockWasSetBackMeanwhile begins with orders that lie in the future.
func TestClockWasSetBackMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	now := l.now()
	for id, ahead := range []time.Duration{8 * time.Hour, -30 * time.Second, -2 * time.Minute} {
		i := &Intent{
			ID: int64(id + 1), At: now.Add(ahead), Order: conn.Order{Ref: string(rune('a' + id))},
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
		if got := l.sentInMinute(); got != want {
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
		i := &Intent{ID: 1, Order: conn.Order{Ref: "gw-x"}, State: Sent, Changed: l.now().Add(-back)}
		l.mu.Lock()
		l.intents["gw-x"], l.sentIn["gw-x"] = i, 0
		l.mu.Unlock()
		if refs := l.doubtful(&conn.Session{}); !refs["gw-x"] {
			t.Errorf("%s: %v", name, refs)
		}
	}
}
