package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, nil)
		r.send(started)
		time.Sleep(s)
		r.send(connected)
		time.Sleep(h)
		r.send(lostNow)
		time.Sleep(20 * s)
		r.send(connected)
		time.Sleep(h)
		r.expect(t, "1h0m6s lost incident-2", "1h0m31s back incident-2")
		close(r.events) // the supervisor has ended
		<-r.done
		r.cancel()
		if r.logs.Len() != 0 {
			t.Error(r.logs)
		}
	})
}

func TestRunOfADemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var titles []string
		direct := make(chan Notice)
		r := startRun(t, func(cfg *Config) { cfg.Demo, cfg.Direct = true, direct })
		r.desk.show = func(_ context.Context, n Notice) error { titles = append(titles, n.Title); return nil }
		r.send(started)
		r.send(connected)
		time.Sleep(h)
		r.send(lostNow)
		time.Sleep(20 * s)
		direct <- Notice{Kind: HiddenIcon, Title: "it is hidden"}
		synctest.Wait()
		r.end()
		if len(titles) != 2 || !strings.HasPrefix(titles[0], "DEMO: ") || titles[1] != "DEMO: it is hidden" {
			t.Errorf("titles %q", titles)
		}
	})
}

func TestRunFollowsSettingsAndMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var until time.Time
		var chosen atomic.Pointer[Settings]
		chosen.Store(&Settings{After: 5 * s, ClientID: 7})
		r := startRun(t, func(c *Config) {
			c.Settings = &chosen
			c.Muted = func(time.Time) time.Time { mu.Lock(); defer mu.Unlock(); return until }
		})
		r.send(connected)
		chosen.Store(&Settings{After: time.Minute, ClientID: 7})
		time.Sleep(h)
		r.send(lostNow)
		time.Sleep(h)
		r.send(connected)
		time.Sleep(h)
		want := []string{"1h1m0s lost incident-1", "2h0m10s back incident-1"}
		r.expect(t, want...)
		mu.Lock()
		until = time.Now().Add(24 * h)
		mu.Unlock()
		r.send(lostNow)
		time.Sleep(h)
		r.expect(t, want...)
		mu.Lock()
		until = time.Time{} // unmuted by hand: no one nudges, it is noticed within a minute
		mu.Unlock()
		time.Sleep(m + s)
		shown := r.desk.list()
		if len(shown) != 3 || !strings.HasSuffix(shown[2], "lost incident-2") {
			t.Errorf("shown %v", shown)
		}
		chosen.Store(&Settings{After: time.Minute, Off: true})
		r.send(connected)
		time.Sleep(h)
		r.expect(t, shown...)
		r.end()
	})
}

func TestRunWithADesktopThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		var mu sync.Mutex
		hanging := true
		r := startRun(t, nil)
		r.desk.show = func(ctx context.Context, n Notice) error {
			mu.Lock()
			calls++
			hangs := hanging
			mu.Unlock()
			if hangs {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		r.send(connected)
		for range 3 { // the events are read all the same
			time.Sleep(m)
			r.send(lostNow)
			time.Sleep(30 * s)
			r.send(connected)
		}
		time.Sleep(m)
		mu.Lock()
		hanging = false
		if calls != 6 {
			t.Errorf("%d calls, want 6", calls)
		}
		mu.Unlock()
		time.Sleep(20 * m)
		r.expect(t)
		r.send(lostNow)
		time.Sleep(m)
		if got := r.desk.list(); len(got) != 1 || !strings.HasSuffix(got[0], "lost incident-4") {
			t.Errorf("shown %v", got)
		}
		r.end()
		if log := r.logs.String(); strings.Count(log, "cannot be shown") != 1 || !strings.Contains(log, "shown again") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestRunEndsWhileTheDesktopHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		r := startRun(t, nil)
		r.desk.show = func(context.Context, Notice) error { <-free; return nil } // heeds nothing
		r.send(connected)
		time.Sleep(m)
		r.send(lostNow)
		time.Sleep(10 * s)
		begin := time.Now()
		r.end()
		if took := time.Since(begin); took > 2*s {
			t.Errorf("ending took %v", took)
		}
		close(free)
	})
}

func TestRunWithADesktopThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, nil)
		fails := 0
		r.desk.show = func(context.Context, Notice) error {
			if fails++; fails == 2 {
				panic("bad desktop")
			}
			return errors.New("no desktop")
		}
		r.send(connected)
		for range 3 {
			time.Sleep(h)
			r.send(lostNow)
			time.Sleep(m)
			r.send(connected)
		}
		time.Sleep(m)
		r.end()
		if log := r.logs.String(); fails != 6 || strings.Count(log, "\n") != 1 || !strings.Contains(log, "no desktop") {
			t.Errorf("%d failures, log:\n%s", fails, log)
		}
	})
}

func TestRunFollowsQuietHoursAndWeekly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var chosen atomic.Pointer[Settings]
		chosen.Store(&Settings{After: 5 * s})
		r := startRun(t, func(c *Config) { c.Settings = &chosen })
		// A bubble begins on Saturday, 1 January 2000, at midnight UTC; the login ends on Sunday at 06:00 UTC.
		r.send(connected)
		quiet := Quiet{0, 0, 8, 0, time.UTC}
		chosen.Store(&Settings{After: 5 * s, Quiet: quiet})
		r.send(lostNow)
		time.Sleep(7 * h)
		r.expect(t)
		time.Sleep(h + s)
		want := []string{"8h0m0s lost incident-1"}
		r.expect(t, want...)
		chosen.Store(&Settings{After: 5 * s, Quiet: quiet, Weekly: 12 * h})
		time.Sleep(16 * h)
		want = append(want, "18h0m0s weekly_login weekly_login")
		r.expect(t, want...)
		r.send(connected) // at midnight, when it is quiet again
		time.Sleep(16 * h)
		r.expect(t, append(want, "32h0m0s back incident-1")...)
		r.end()
	})
}

// TestRunWaitsForADesktop starts before the desktop can show anything: what was to be shown meanwhile is shown then,
// the last word of each incident, and no more than may wait.
func TestRunWaitsForADesktop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, nil)
		ready := new(atomic.Bool)
		r.desk.show = func(context.Context, Notice) error {
			if !ready.Load() {
				return fmt.Errorf("show: %w", errNotYet)
			}
			return nil
		}
		outage := func() {
			r.send(lostNow)
			time.Sleep(m)
			r.send(connected)
			time.Sleep(h)
		}
		r.send(connected)
		outage()
		ready.Store(true)
		time.Sleep(againAfter)
		synctest.Wait()
		got := r.desk.list()
		if len(got) != 1 || !strings.HasSuffix(got[0], "s back incident-1") {
			t.Errorf("shown %q", got)
		}
		ready.Store(false)
		for range outboxLimit + 5 {
			outage()
		}
		ready.Store(true)
		time.Sleep(againAfter)
		synctest.Wait()
		if got := r.desk.list()[1:]; len(got) < outboxLimit || len(got) > outboxLimit+1 ||
			!strings.HasSuffix(got[len(got)-1], "back incident-22") {
			t.Errorf("shown %q", got)
		}
		r.end()
	})
}

// TestPanicsAreRuns has each of the goroutines of Run panic: Run ends in that panic, with nothing left behind, and
// called again it tells what comes next.
func TestPanicsAreRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(stream, 100)
		var chosen atomic.Pointer[Settings]
		chosen.Store(&Settings{After: time.Second})
		for _, where := range []string{"snapshot", "reader", "log"} {
			d := &desk{begin: time.Now()}
			cfg := Config{
				Events: events, Snapshot: func() *conn.Snapshot {
					return &conn.Snapshot{}
				}, Sender: d, Log: slog.New(slog.DiscardHandler),
				Settings: &chosen,
			}
			broken := cfg
			switch where {
			case "snapshot":
				broken.Snapshot = func() *conn.Snapshot { panic("injected") }
			case "reader":
				broken.Reports = brittle{}
			case "log": // of what hands notices on
				broken.Sender = &desk{show: func(context.Context, Notice) error { return errors.New("no desktop") }}
				broken.Log = slog.New(brittleLog{slog.DiscardHandler})
			}
			send := func() {
				events <- conn.Event{At: time.Now(), Kind: conn.EventConnected, State: conn.Connected}
				events <- conn.Event{
					At: time.Now(), Kind: conn.EventLost, State: conn.Reconnecting,
					Cause: ib.CauseClosed,
				}
			}
			send()
			func() {
				defer func() {
					if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "injected") {
						t.Errorf("%s: Run ended with %s", where, text)
					}
				}()
				Run(t.Context(), broken)
			}()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); Run(ctx, cfg) }()
			send()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if got := d.list(); len(got) != 1 || !strings.Contains(got[0], "lost") {
				t.Errorf("%s: afterwards %q is shown", where, got)
			}
			cancel()
			<-done
		}
	})
}

type brittle struct{}

func (brittle) Next(context.Context) (engine.Report, bool) { panic("injected") }

// brittleLog panics at the first warning.
type brittleLog struct{ slog.Handler }

func (brittleLog) Enabled(_ context.Context, l slog.Level) bool {
	if l >= slog.LevelWarn {
		panic("injected")
	}
	return false
}
