package conn

import (
	"slices"
	"testing"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
)

// latencies reports the mean of what was measured as the time per operation, and beside it the median and the longest.
func latencies(b *testing.B, list []time.Duration) {
	var sum time.Duration
	for _, d := range list {
		sum += d
	}
	b.ReportMetric(float64(sum.Nanoseconds())/float64(len(list)), "ns/op")
	b.ReportMetric(float64(slices.Max(list).Microseconds())/1000, "max-ms")
	slices.Sort(list)
	b.ReportMetric(float64(list[len(list)/2].Microseconds())/1000, "p50-ms")
}

// BenchmarkDetection measures from the fault to the shut guard.
func BenchmarkDetection(b *testing.B) {
	for name, fault := range map[string]func(*ibtest.Scripted){
		"drop":           func(g *ibtest.Scripted) { g.Drop(false) },
		"reset":          func(g *ibtest.Scripted) { g.Drop(true) },
		"garbage":        func(g *ibtest.Scripted) { g.Peer().Send(ibtest.Frame([]byte("garbage"))) },
		"upstream":       func(g *ibtest.Scripted) { g.Peer().Code(1100, "lost") },
		"freeze 1 s+0.2": func(g *ibtest.Scripted) { g.Freeze(true) },
	} {
		b.Run(name, func(b *testing.B) {
			g, s, _ := connect(b, 225, func(c *Config) {
				smallLimits(c)
				c.Delays = []time.Duration{time.Millisecond}
			})
			nudge, cancel := s.Subscribe()
			defer cancel()
			var session *ib.Session
			open := func(*Snapshot) bool {
				session = s.Session()
				return session != nil && session.Guard() == nil
			}
			var list []time.Duration
			for b.Loop() {
				await(b, s, "READY", 20*time.Second, open)
				begin := time.Now()
				fault(g)
				for session.Guard() == nil {
					select {
					case <-session.Done():
					case <-nudge:
					}
				}
				list = append(list, time.Since(begin))
				g.Freeze(false)
				if p := g.Peer(); p != nil {
					p.Code(1102, "restored")
				}
			}
			latencies(b, list)
		})
	}
}

// BenchmarkRecovery measures, with the default delays, from a drop to READY, and from the moment at which a restarted
// Gateway listens again to READY.
func BenchmarkRecovery(b *testing.B) {
	defaults := func(c *Config) { // but for a short session not to count against the next delay
		c.Delays, c.Stable = testConfig(0).Delays, time.Nanosecond
	}
	b.Run("drop", func(b *testing.B) {
		g, s, _ := connect(b, 225, defaults)
		var list []time.Duration
		for b.Loop() {
			last := s.Snapshot().Session
			begin := time.Now()
			g.Drop(false)
			await(b, s, "READY", 20*time.Second, func(n *Snapshot) bool { return n.GuardOpen() && n.Session > last })
			list = append(list, time.Since(begin))
		}
		latencies(b, list)
	})
	b.Run("restart", func(b *testing.B) {
		g, s, _ := connect(b, 225, defaults)
		addr := g.Listener.Addr().String()
		var list []time.Duration
		for b.Loop() {
			g.Stop()
			await(b, s, "refusal", 20*time.Second, func(n *Snapshot) bool {
				return n.Cause == ib.CauseRefused && !n.Attempt.Running
			})
			begin := time.Now()
			g.Listen(addr)
			await(b, s, "READY", 20*time.Second, connected)
			list = append(list, time.Since(begin))
		}
		latencies(b, list)
	})
}

func BenchmarkNext(b *testing.B) {
	for name, in := range map[string]cue{"tick": onTick, "farm code": onCode(2104), "notice": onCode(399)} {
		b.Run(name, func(b *testing.B) {
			p := newPlay(nil)
			p.feed(inStart{})
			p.feed(onReady(p))
			p.cfg.Calendar = calendar.Calendar{{Hour: 18, Length: 15 * time.Minute, Location: time.UTC}}
			input, now := in(p), instant{Moment: ib.Moment{Wall: p.wall, Mono: p.mono}}
			fraction := func() float64 { return 0.5 }
			b.ReportAllocs()
			for b.Loop() {
				p.m, _, _ = next(p.cfg, p.m, input, now, fraction)
			}
		})
	}
}

// BenchmarkDecide is all of what the supervisor does with one message, publishing included.
func BenchmarkDecide(b *testing.B) {
	for name, code := range map[string]int{"no news": 2104, "notice": 399} {
		b.Run(name, func(b *testing.B) {
			cfg := testConfig(4002)
			s := newSupervisor(&cfg, quiet, nil)
			s.m.phase, s.m.session, s.m.socket, s.m.upstream, s.m.reconciled = up, 1, true, true, true
			s.m.upSince, s.m.heard, s.m.asked, s.m.proven = s.clock.Mono(), s.clock.Mono(), s.clock.Mono(), true
			stream, _ := s.Events()
			var told []Event
			b.ReportAllocs()
			for b.Loop() {
				s.m.heard = s.clock.Mono()
				s.handle(inNews{ib.Said{Session: 1, Code: code, Request: -1, Text: "text:farm"}})
				told = stream.Take(told[:0])
			}
		})
	}
}
