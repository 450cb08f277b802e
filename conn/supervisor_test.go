package conn

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// TestReadyAtTheLastMoment has an attempt become READY just as it is given up.
func TestReadyAtTheLastMoment(t *testing.T) {
	for name, giveUp := range map[string]func(*bubble){
		"stop":       func(b *bubble) { b.stop() },
		"disconnect": func(b *bubble) { _ = b.s.Disconnect(b.Context()) },
		"configure": func(b *bubble) {
			cfg := testConfig(7497)
			_ = b.s.Configure(b.Context(), cfg)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, testConfig(4002), nil)
				b.after(time.Second)
				b.g.set(func(g *fakeGateway) { g.stubborn = true })
				b.g.cut(ib.CauseClosed)
				if n := b.after(2 * time.Second); !n.Attempt.Running {
					t.Fatalf("%+v", n)
				}
				b.g.set(func(g *fakeGateway) { g.stubborn = false }) // for the attempts after this one
				giveUp(b)
				n := b.after(time.Minute)
				if up := n.State == Connected; up != (name == "configure") || int32(b.g.inUse.Load()) != map[bool]int32{
					true: 1,
				}[up] {
					t.Errorf("%d sessions in use, %+v", b.g.inUse.Load(), n)
				}
				b.stop()
				if n := b.g.inUse.Load(); n != 0 {
					t.Errorf("%d sessions left over", n)
				}
			})
		})
	}
}

// TestFreezeAtAnyMoment freezes Gateway at many moments of a second, with the default limits.
func TestFreezeAtAnyMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(4002), nil)
		b.after(time.Minute)
		for i := range 100 {
			b.after(time.Duration(i*10) * time.Millisecond)
			old := b.s.Session()
			b.g.freeze(true)
			if b.after(3 * time.Second); old.Guard() == nil {
				t.Fatalf("guard open 3 s after the freeze")
			}
			if n := b.after(8 * time.Second); n.Layers.Socket && n.Session == old.Number() {
				t.Fatalf("session kept beyond the hard limit: %+v", n)
			}
			b.after(20 * time.Second)
		}
	})
}

func TestPauseOfThreeSecondsKeepsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(4002), nil)
		b.after(time.Minute)
		for i := range 50 {
			b.after(time.Duration(i*20) * time.Millisecond)
			b.g.freeze(true)
			b.after(3 * time.Second)
			b.g.freeze(false)
			if n := b.after(time.Second); n.Session != 1 || !n.GuardOpen() {
				t.Fatalf("%+v", n)
			}
		}
	})
}

func TestCommandsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := newBubble(t, testConfig(4002), nil)
		b.after(time.Second)
		if err := b.s.Connect(ctx); !errors.Is(err, ErrAlreadyConnected) {
			t.Error(err)
		}
		if err := b.s.Disconnect(ctx); err != nil {
			t.Error(err)
		}
		if n := b.s.Snapshot(); n.State != Paused || b.s.Session() != nil {
			t.Errorf("%+v", n)
		}
		if err := b.s.Disconnect(ctx); !errors.Is(err, ErrAlreadyPaused) {
			t.Error(err)
		}
		if err := b.s.Configure(ctx, Config{}); err == nil {
			t.Error("nonsense accepted")
		}
		if err := b.s.Connect(ctx); err != nil {
			t.Error(err)
		}
		if n := b.after(time.Second); n.State != Connected || n.Session != 2 {
			t.Errorf("%+v", n)
		}
		b.stop()
		for _, err := range []error{b.s.Connect(ctx), b.s.Disconnect(ctx), b.s.Configure(ctx, testConfig(1))} {
			if !errors.Is(err, ErrNotRunning) {
				t.Error(err)
			}
		}
		late, _ := b.s.Events()
		if _, ok := late.Next(ctx); ok {
			t.Error("an event after the last")
		}
	})
}

func TestCommandBeforeRunGivesUpWithItsContext(t *testing.T) {
	s, err := New(testConfig(4002), quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Connect(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := s.Snapshot(); n.State != Connecting || n.GuardOpen() {
		t.Errorf("%+v", n)
	}
}

// TestReconciling holds the guard shut until orders are known, and begins again with every restore and session.
func TestReconciling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(4002)
		var runs []uint64
		cfg.Reconcile = func(ctx context.Context, s *ib.Session) error {
			runs = append(runs, s.Number())
			select {
			case <-time.After(10 * time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
			if len(runs) == 1 {
				return errors.New("no answer")
			}
			return nil
		}
		b := newBubble(t, cfg, nil)
		at := func(d time.Duration, want ib.GuardReason) {
			t.Helper()
			n := b.after(d)
			var shut *ib.GuardError
			if s := b.s.Session(); s != nil && errors.As(s.Guard(), &shut) != (want != ib.GuardOpen) {
				t.Errorf("guard answers %v", s.Guard())
			} else if shut != nil && shut.Reason != want {
				t.Errorf("guard answers %v, want %s", shut, want)
			}
			if n.Guard != want {
				t.Errorf("guard %q, want %q", n.Guard, want)
			}
		}
		at(time.Second, ib.GuardReconciling)
		at(10*time.Second, ib.GuardReconciling) // failed, again 2 s later
		at(13*time.Second, ib.GuardOpen)
		b.g.present().code(1100)
		at(0, ib.GuardUpstream)
		if n := b.s.Snapshot().Opened; n != 1 {
			t.Errorf("opened %d times", n)
		}
		b.g.present().code(1101)
		at(9*time.Second, ib.GuardReconciling)
		b.g.present().code(1100) // again in the midst of it
		at(5*time.Second, ib.GuardUpstream)
		b.g.present().code(1102)
		at(11*time.Second, ib.GuardOpen)
		old := b.s.Session()
		b.g.cut(ib.CauseClosed)
		at(0, ib.GuardSocket)
		if old.Guard() == nil {
			t.Error("an old session's guard is open")
		}
		at(3*time.Second, ib.GuardReconciling)
		at(11*time.Second, ib.GuardOpen)
		if old.Guard() == nil {
			t.Error("an old session's guard is open with the next one's")
		}
		if n := b.s.Snapshot().Opened; n != 3 {
			t.Errorf("opened %d times", n)
		}
		b.g.present().code(1101)
		b.after(time.Second)
		b.stop() // ends the run under way
		if want := []uint64{1, 1, 1, 1, 2, 2}; len(runs) != len(want) {
			t.Errorf("runs for sessions %v, want %v", runs, want)
		}
	})
}

// TestReconcilingEndsWithItsSession has the comparison of orders last longer than upstream and the session that it is
// made in.
func TestReconcilingEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(4002)
		begun, ended := 0, 0
		cfg.Reconcile = func(ctx context.Context, _ *ib.Session) error {
			begun++
			<-ctx.Done()
			ended++
			return nil
		}
		b := newBubble(t, cfg, nil)
		b.after(time.Second)
		b.g.present().code(1100)
		b.g.present().code(1101)
		if n := b.after(time.Second); begun != 2 || ended != 1 || n.Guard != ib.GuardReconciling {
			t.Errorf("begun %d times, ended %d times, %+v", begun, ended, n)
		}
		b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseRefused })
		b.g.cut(ib.CauseClosed)
		if n := b.after(time.Second); begun != 2 || ended != 2 || n.Guard != ib.GuardSocket {
			t.Errorf("begun %d times, ended %d times, %+v", begun, ended, n)
		}
	})
}

// TestSessionThatNobodyWaitsFor has a session come when another attempt is under way, or one is up.
func TestSessionThatNobodyWaitsFor(t *testing.T) {
	for number, ph := range map[uint64]phase{1: trying, 2: up, 3: idle} {
		s, err := New(testConfig(4002), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		s.m.session, s.m.phase = 2, ph
		ours, _ := net.Pipe()
		l := newFakeLink(&fakeGateway{}, number, ours)
		s.adopt(inReady{session: number, link: l})
		if cause, _, _ := l.Outcome(); cause != ib.CauseStopping || s.link != nil || s.live.Load() != nil {
			t.Errorf("session %d was taken over by attempt 2: %+v", number, s.live.Load())
		}
	}
}

func TestSlowReaderGetsEveryEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(4002), nil)
		slow, cancel := b.s.Events()
		nudge, unsubscribe := b.s.Subscribe()
		b.after(time.Second)
		for i := range 400 { // a code that repeats itself is reported a few times
			b.g.present().code(3000 + i%80)
		}
		b.after(time.Second)
		for range 400 {
			if e, ok := slow.Next(t.Context()); !ok || e.Seq == 0 {
				t.Fatal("events are missing")
			}
		}
		<-nudge
		unsubscribe()
		cancel()
		b.g.cut(ib.CauseClosed)
		b.after(time.Second)
		select {
		case <-nudge:
			t.Error("nudged after the end of the subscription")
		default:
		}
	})
}

// TestRequestsArePaced floods a session with requests: Gateway must not see more than its limit in any second, and the
// probes must not wait behind them.
func TestRequestsArePaced(t *testing.T) {
	t.Parallel()
	g := ibtest.NewScripted(t, 225)
	s := start(t, testConfig(g.Port()))
	await(t, s, "READY", 10*time.Second, connected)
	session := s.Session()
	const flood = 130
	go func() {
		for i := range int64(flood) {
			if session.Subscribe(i+1, ib.Contract{
				Symbol: "AAPL", Type: "STK", Exchange: "SMART",
				Currency: "USD",
			}) != nil {
				return
			}
		}
	}()
	var data, all []time.Time
	for end := time.Now().Add(30 * time.Second); len(data) < flood; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d requests arrived", len(data), flood)
		}
		data, all = nil, nil
		for _, r := range g.Requests() {
			all = append(all, r.At)
			if r.Number == wire.ReqMarketData {
				data = append(data, r.At)
			}
		}
	}
	// How they are spaced when they are written is tested above; a busy computer may read them closer together.
	if took := data[len(data)-1].Sub(data[0]); took < time.Second {
		t.Errorf("%d requests within %v", len(data), took)
	}
	if len(all) == len(data) {
		t.Error("no probe got through the flood")
	}
	if n := s.Snapshot(); n.State != Connected || n.Lost != 0 {
		t.Errorf("after the flood %s, %d sessions lost", n.State, n.Lost)
	}
}

// TestAnswered has Gateway take a moment to answer, and stay silent until it is lost.
func TestAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(4002)
		var slow []time.Duration
		answers, last := 0, time.Time{}
		cfg.Answered = func(at time.Time, took time.Duration) {
			if answers, last = answers+1, at; took > time.Millisecond {
				slow = append(slow, took)
			}
		}
		b := newBubble(t, cfg, nil)
		b.after(time.Minute)
		b.g.freeze(true)
		b.after(1900 * time.Millisecond)
		b.g.freeze(false)
		b.after(time.Minute)
		if len(slow) != 1 || slow[0] < time.Second/2 || slow[0] > 1900*time.Millisecond || answers < 20 {
			t.Errorf("%d answers, of which %v were slow, want one of 0.5 to 1.9 s", answers, slow)
		}
		if since := b.s.clock.Wall().Sub(last); since < 0 || since > 10*time.Second {
			t.Errorf("the last one came %v ago", since)
		}
		_ = b.s.Disconnect(t.Context())
		before := answers
		b.after(10 * time.Minute)
		if answers != before {
			t.Errorf("%d answers without a connection", answers-before)
		}
	})
}
