package conn

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib"
)

// exitConfig has the guard close 15 s before an exit, and is quiet for 15 min.
func exitConfig() Config {
	cfg := testConfig(4002)
	cfg.CloseBeforeExit, cfg.ExitQuiet, cfg.Reconcile = 15*time.Second, 15*time.Minute, noReconcile
	return cfg
}

// reports posts Gateway's settings to the supervisor.
func (b *bubble) reports(told ib.GatewaySettings) {
	l := b.g.present()
	l.post(inNews{ib.Reported{Session: l.number, Settings: told}})
	synctest.Wait()
}

// until sleeps until the wall clock shows a time.
func (b *bubble) until(at time.Time) *Snapshot { return b.after(at.Sub(b.s.clock.Wall())) }

func (b *bubble) open() bool { return b.s.Session() != nil && b.s.Session().Guard() == nil }

// TestAnnouncedRestarts lives through ten of them: the guard is closed in the last 15 s and opens on the next
// session, every loss lies in the quiet time, and nothing else is quiet.
func TestAnnouncedRestarts(t *testing.T) {
	const days = 10
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		cfg := exitConfig()
		cfg.Poll = 10 * time.Second // else most of the work is time requests
		b := newBubble(t, cfg, nil)
		b.after(time.Second)
		for day := range days { // a day is short here
			due := b.s.clock.Wall().Truncate(time.Minute).Add(17 * time.Minute).In(zone)
			exit := ib.Exit{Kind: ib.ExitRestart, Hour: due.Hour(), Minute: due.Minute(), Location: zone}
			b.reports(ib.GatewaySettings{Exit: exit})
			b.after(16*time.Minute - 20*time.Second)
			at := b.s.Snapshot().Exit.At
			if !at.Equal(due) {
				t.Fatalf("day %d: restart at %v, not %v", day, at, due)
			}
			if n := b.until(at.Add(-16 * time.Second)); !b.open() || n.Exit.Kind != ib.ExitRestart {
				t.Fatalf("day %d: guard %q, exit %+v", day, n.Guard, n.Exit)
			}
			for left := 15 * time.Second; left > 0; left -= 100 * time.Millisecond {
				if n := b.until(at.Add(-left)); b.open() || n.Guard != ib.GuardExit || n.State != Connected {
					t.Fatalf("day %d: guard %q %v before the restart, state %s", day, n.Guard, left, n.State)
				}
			}
			b.until(at)
			b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseRefused })
			b.g.cut(ib.CauseClosed)
			if n := b.after(40 * time.Second); !n.Window.Active || n.Window.Name != ExitWindow ||
				n.State != Reconnecting {
				t.Fatalf("day %d: window %+v, state %s", day, n.Window, n.State)
			}
			b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseNone })
			if b.after(20 * time.Second); !b.open() {
				t.Fatalf("day %d: guard %q after the restart", day, b.s.Snapshot().Guard)
			}
		}
		b.stop()
		quiet, losses := false, 0
		for _, e := range b.events {
			switch e.Kind {
			case EventWindowStarted, EventWindowEnded:
				quiet = e.Kind == EventWindowStarted
			case EventLost:
				if losses++; !quiet {
					t.Errorf("loss at %v is not planned", e.At)
				}
			}
		}
		if losses != days {
			t.Errorf("%d losses", losses)
		}
	})
}

// TestRestartThatDoesNotCome: the guard opens again when Gateway does not exit, after orders were compared.
func TestRestartThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, exitConfig(), nil)
		b.after(time.Second)
		b.reports(ib.GatewaySettings{Exit: ib.Exit{Kind: ib.ExitLogOff, Hour: 0, Minute: 5, Location: time.UTC}})
		at := b.s.Snapshot().Exit.At
		if n := b.until(at.Add(exitLate - time.Second)); n.Guard != ib.GuardExit {
			t.Errorf("guard %q", n.Guard)
		}
		opened := b.s.Snapshot().Opened
		if n := b.until(at.Add(exitLate + time.Second)); n.Guard != ib.GuardOpen || n.Opened != opened+1 {
			t.Errorf("guard %q, opened %d times after %d", n.Guard, n.Opened, opened)
		}
		if n := b.after(time.Minute); !n.Exit.At.Equal(at.Add(24*time.Hour)) || n.Exit.Kind != ib.ExitLogOff {
			t.Errorf("next exit %+v after %v", n.Exit, at)
		}
	})
}

// TestExitIsOfTheSessionThatSaidSo: what an earlier session said does not close the guard of one that says nothing, and
// 0 seconds and 0 minutes turn both consequences off.
func TestExitIsOfTheSessionThatSaidSo(t *testing.T) {
	for name, off := range map[string]bool{"another session": false, "turned off": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := exitConfig()
				if off {
					cfg.CloseBeforeExit, cfg.ExitQuiet = 0, 0
				}
				b := newBubble(t, cfg, nil)
				b.after(time.Second)
				exit := ib.Exit{Kind: ib.ExitRestart, Hour: 0, Minute: 5, Location: time.UTC}
				b.reports(ib.GatewaySettings{Exit: exit})
				if !off {
					b.g.cut(ib.CauseClosed)
					b.after(10 * time.Second)
				}
				at := time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC)
				n := b.until(at.Add(-5 * time.Second))
				if n.Guard != ib.GuardOpen || n.Window.Active || off != n.Exit.At.Equal(at) {
					t.Errorf("guard %q, window %+v, exit %+v", n.Guard, n.Window, n.Exit)
				}
			})
		})
	}
}

// TestExitOnGatewaysClock: Gateway's clock counts where it differs from ours.
func TestExitOnGatewaysClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, exitConfig(), nil)
		b.after(time.Second)
		l := b.g.present()
		b.reports(ib.GatewaySettings{Exit: ib.Exit{Kind: ib.ExitRestart, Hour: 0, Minute: 5, Location: time.UTC}})
		l.post(inNews{ib.Answered{Session: l.number, Skew: 40 * time.Second}})
		b.after(time.Second)
		want := time.Date(2000, 1, 1, 0, 4, 20, 0, time.UTC)
		if n := b.s.Snapshot(); !n.Exit.At.Equal(want) {
			t.Errorf("exit at %v, not %v", n.Exit.At, want)
		}
	})
}

// TestToldReadOnly: the guard closes as soon as Gateway says that its API is read-only, even if it answers about
// orders, and opens when it says otherwise.
func TestToldReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, exitConfig(), nil)
		b.after(time.Second)
		b.reports(ib.GatewaySettings{ReadOnly: ib.SwitchOn})
		if n := b.s.Snapshot(); n.Guard != ib.GuardReadOnly || n.Cause != ib.CauseReadOnly || n.State != Degraded {
			t.Fatalf("guard %q, cause %q, state %s", n.Guard, n.Cause, n.State)
		}
		asked := b.g.present().received.Load()
		if n := b.after(2*readOnlyLook + time.Second); n.Guard != ib.GuardReadOnly ||
			b.g.present().received.Load() < asked+2 {
			t.Fatalf("guard %q, %d requests after %d", n.Guard, b.g.present().received.Load(), asked)
		}
		b.reports(ib.GatewaySettings{ReadOnly: ib.SwitchOff})
		if n := b.after(time.Second); n.Guard != ib.GuardOpen || n.State != Connected {
			t.Fatalf("guard %q, state %s", n.Guard, n.State)
		}
		b.stop()
		kinds := []EventKind{}
		for _, e := range b.events {
			if e.Kind == EventOrdersBlocked || e.Kind == EventOrdersConfirmed {
				kinds = append(kinds, e.Kind)
			}
		}
		if !slices.Equal(kinds, []EventKind{EventOrdersBlocked, EventOrdersConfirmed}) {
			t.Errorf("told %v", kinds)
		}
	})
}

// TestLossAtTheEndOfAnExit: what the end of an exit asks for is about a session that the same step may find lost.
func TestLossAtTheEndOfAnExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exitConfig()
		cfg.ExitQuiet = 0
		cfg.Reconcile = func(_ context.Context, s *ib.Session) error {
			if s == nil {
				t.Error("orders are compared without a session")
			}
			return nil
		}
		b := newBubble(t, cfg, nil)
		b.after(time.Second)
		for range 20 { // whether the comparison or its end comes first is a matter of chance
			due := b.s.clock.Wall().Truncate(time.Minute).Add(2 * time.Minute)
			exit := ib.Exit{Kind: ib.ExitRestart, Hour: due.Hour(), Minute: due.Minute(), Location: due.Location()}
			b.reports(ib.GatewaySettings{Exit: exit})
			b.until(due.Add(exitLate - time.Millisecond))
			if guard := b.s.Snapshot().Guard; guard != ib.GuardExit {
				t.Fatalf("guard %q", guard)
			}
			b.jump.Add(int64(10 * time.Millisecond))
			b.g.cut(ib.CauseClosed)
			b.after(30 * time.Second)
		}
	})
}
