package conn

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// TestBeforeTheFirstConnection: until a Gateway has answered for the first time ever, nothing is an outage and a reset
// window stops no attempt.
func TestBeforeTheFirstConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(4002)
		cfg.First = true
		// at midnight, which it is
		cfg.Calendar = calendar.Calendar{{Name: "night", Length: 20 * time.Minute, Location: time.UTC}}
		b := newBubble(t, cfg, func(g *fakeGateway) { g.refusal = ib.CauseRefused })
		for range 10 {
			if n := b.after(40 * time.Second); n.State != Connecting || !n.First || n.Attempt.Number < 2 {
				t.Fatalf("state %s, first %v, attempt %d", n.State, n.First, n.Attempt.Number)
			}
		}
		if err := b.s.Configure(t.Context(), cfg); err != nil { // as settings are changed
			t.Fatal(err)
		}
		b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseNone })
		if n := b.after(20 * time.Second); n.State != Connected || n.First || !n.Window.Active {
			t.Fatalf("state %s, first %v, window %+v", n.State, n.First, n.Window)
		}
		b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseRefused })
		b.g.cut(ib.CauseClosed)
		if n := b.after(10 * time.Second); n.State != ResetWindow {
			t.Errorf("after the first connection: state %s", n.State)
		}
		if n := b.after(20 * time.Minute); n.State != Reconnecting || n.First {
			t.Errorf("after the window: state %s, first %v", n.State, n.First)
		}
		b.stop()
		kinds := []EventKind{}
		for _, e := range b.events {
			if e.Kind == EventConnected && e.Duration != 0 {
				t.Errorf("back after %v", e.Duration)
			}
			if e.Kind == EventAttemptFailed && e.State != Connecting && !slices.Contains(kinds, EventConnected) {
				t.Errorf("an attempt fails in state %s", e.State)
			}
			kinds = append(kinds, e.Kind)
		}
	})
}

// TestSavedPortKeepsTheConnection: to name the port in use, or to leave it open again, ends nothing.
func TestSavedPortKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(0), nil)
		session := b.after(time.Second).Session
		for _, c := range []struct {
			port int
			ends bool
		}{{4002, false}, {0, false}, {4002, false}, {7497, true}, {0, false}, {4001, true}} {
			if err := b.s.Configure(t.Context(), testConfig(c.port)); err != nil {
				t.Fatal(err)
			}
			n := b.after(20 * time.Second)
			if n.State != Connected || (n.Session != session) != c.ends {
				t.Errorf("port %d: state %s, session %d after %d", c.port, n.State, n.Session, session)
			}
			session = n.Session
		}
	})
}
