package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gatewatch/app/api"
	"gatewatch/conn/sim"
)

// gatewayFails plays faults of Gateway.
func (s *soak) gatewayFails(rnd *rand.Rand) {
	g := s.gateway
	// away plays a fault that lasts, during which the guard must be closed.
	away := func(why string, begin, end func()) func() {
		return func() {
			lasts := between(rnd, 300*time.Millisecond, time.Duration(2+10*rnd.IntN(2))*time.Second)
			s.note("%s for %v", why, lasts.Round(time.Millisecond))
			begin()
			w := &window{why: why, from: time.Now()}
			s.mu.Lock()
			s.shut = w
			s.mu.Unlock()
			time.Sleep(lasts)
			s.mu.Lock()
			s.shut, w.to = nil, time.Now()
			s.windows = append(s.windows, w)
			s.mu.Unlock()
			end()
		}
	}
	// once plays a fault during which the guard may be open.
	once := func(what string, play func()) func() {
		return func() { s.note("%s", what); play() }
	}
	lasting := func(what string, begin, end func()) func() {
		return once(what, func() { begin(); time.Sleep(between(rnd, 300*time.Millisecond, 6*time.Second)); end() })
	}
	notice := func(code int) func() { return func() { g.Notice(code, "") } }
	accept := func() { s.accept(g) }
	unanswered := func(q sim.Question) func() {
		return once("unanswered "+string(q), func() { _ = g.LeaveUnanswered(q, 1+rnd.IntN(3)); g.Drop() })
	}
	s.shuffle(rnd, 0, 6*time.Second, []func(){
		once("drop", g.Drop),
		once("reset", g.Reset),
		away("freeze", g.Freeze, g.Thaw),
		away("freeze", g.Freeze, func() { g.Drop(); g.Thaw() }),
		away("refuse", func() { g.Refuse(); g.Drop() }, accept),
		away("accept-silent", func() { g.AcceptSilent(); g.Drop() }, func() { accept(); g.Drop() }),
		away("accept-close", func() { g.AcceptClose(); g.Drop() }, accept),
		away("1100-1101", notice(1100), notice(1101)),
		away("1100-1102", notice(1100), notice(1102)),
		away("ticks-only", func() { g.TicksOnly(true) }, func() { g.TicksOnly(false) }),
		lasting("lag", func() { g.Lag(between(rnd, 10*time.Millisecond, time.Second)) }, func() { g.Lag(0) }),
		lasting("read-only", func() { g.ReadOnly(true) }, func() { g.ReadOnly(false) }),
		unanswered(sim.OpenOrders), unanswered(sim.CompletedOrders), unanswered(sim.Executions),
		once("restart", func() { g.Restart(between(rnd, 100*time.Millisecond, 3*time.Second)) }),
		once("326", func() { g.Refuse326(1 + rnd.IntN(3)); g.Drop() }),
		once("garbage", func() { g.Garbage(64) }),
		once("garbage-frame", func() { g.FramedGarbage(64) }),
		once("flood", func() { flood(g, func(int) int { return 2109 }) }),
		once("flood", func() { flood(g, func(i int) int { return 1100 + i%2*2 }); g.Notice(1102, "") }),
	})
}

// accept listens again. Another process may have the port for an instant.
func (s *soak) accept(g *sim.Gateway) {
	for end := time.Now().Add(patience); g.Accept() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Error("the simulator cannot listen again")
			return
		}
	}
}

// flood repeats notices for a second.
func flood(g *sim.Gateway, code func(i int) int) {
	i := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for range 20 {
			g.Notice(code(i), "")
			i++
		}
	}
}

// pause waits for a random time, and reports whether the test goes on.
func (s *soak) pause(rnd *rand.Rand, least, most time.Duration) bool {
	timer := time.NewTimer(between(rnd, least, most))
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func between(rnd *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rnd.Int64N(int64(most-least)+1))
}

// shuffle plays all acts in a random order, again and again, until the test ends.
func (s *soak) shuffle(rnd *rand.Rand, least, most time.Duration, acts []func()) {
	for {
		for _, i := range rnd.Perm(len(acts)) {
			if !s.pause(rnd, least, most) {
				return
			}
			acts[i]()
		}
	}
}

// programFails stops, kills, restarts and configures the program, and fills its disk.
func (s *soak) programFails(rnd *rand.Rand, settings string) {
	signal := func(sig syscall.Signal) {
		if err := s.cmd.Process.Signal(sig); err != nil {
			s.t.Error(err)
		}
	}
	kill := func() {
		s.note("kill")
		s.touched.Add(1)
		s.pid.Store(0)
		s.end(os.Kill)
		s.begin()
		s.touched.Add(1)
	}
	terminate := func() {
		s.note("terminate")
		s.touched.Add(1)
		s.terminate()
		s.begin()
		s.touched.Add(1)
	}
	s.shuffle(rnd, 2*time.Second, 8*time.Second, []func(){
		kill,
		terminate,
		func() {
			for range 1 + rnd.IntN(3) {
				s.note("stop")
				s.touched.Add(1)
				signal(syscall.SIGSTOP)
				time.Sleep(between(rnd, 50*time.Millisecond, 3*time.Second))
				signal(syscall.SIGCONT)
				s.touched.Add(1)
				s.pause(rnd, 0, time.Second)
			}
		},
		func() {
			s.note("settings")
			level := []string{"debug", "info", "warn"}[rnd.IntN(3)]
			more := fmt.Sprintf(`, "log": {"level": %q}, "notices": {"desktop_after_seconds": %d}`, level, rnd.IntN(9))
			s.ask("PUT", "/settings", s.settings(settings+more), true)
		},
		func() {
			limit := uint64(rnd.IntN(2) * rnd.IntN(100_000))
			s.note("full disk at %d bytes", limit)
			room := s.fileSize(limit)
			s.pause(rnd, time.Second, 6*time.Second)
			switch rnd.IntN(3) { // the next process has room again
			case 0:
				kill()
			case 1:
				terminate()
			default:
				s.fileSize(room)
			}
		},
	})
}

// fileSize sets up to which size the program can write files, and returns what it was before.
func (s *soak) fileSize(limit uint64) uint64 {
	var old unix.Rlimit
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &old); err != nil {
		s.t.Fatal(err)
	}
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: old.Max},
		nil); err != nil {
		s.t.Fatal(err)
	}
	return old.Cur
}

// trades makes rules trigger, and cancels what has not been filled.
func (s *soak) trades(rnd *rand.Rand) {
	for s.pause(rnd, 0, time.Second) {
		card := s.card.Load()
		client := api.NewClient(*card)
		for s.card.Load() == card && s.pause(rnd, 200*time.Millisecond, time.Second) {
			ctx, cancel := context.WithTimeout(s.ctx, answersWithin)
			_ = s.gateway.SetPrice("AAPL", 230)
			_, _ = client.Arm(ctx, false) // the program may be away or unable
			_, _ = client.ChangeRule(ctx, api.ActivateRule, []string{"buy", "low"}[rnd.IntN(2)])
			s.pause(rnd, 100*time.Millisecond, 500*time.Millisecond)
			_ = s.gateway.SetPrice("AAPL", 231)
			if rnd.IntN(10) == 0 {
				s.note("cancel all")
				_, _ = client.CancelOrders(ctx)
			}
			cancel()
		}
		client.Close()
	}
}
