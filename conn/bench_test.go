package conn

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/calendar"
	"gatewatch/conn/wire"
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
	for name, fault := range map[string]func(*scripted){
		"drop":           func(g *scripted) { g.drop(false) },
		"reset":          func(g *scripted) { g.drop(true) },
		"garbage":        func(g *scripted) { g.peer().send(frame([]byte("garbage"))) },
		"upstream":       func(g *scripted) { g.peer().code(1100, "lost") },
		"freeze 1 s+0.2": func(g *scripted) { g.freeze(true) },
	} {
		b.Run(name, func(b *testing.B) {
			g, s, _ := connect(b, 225, func(c *Config) {
				smallLimits(c)
				c.Delays = []time.Duration{time.Millisecond}
			})
			nudge, cancel := s.Subscribe()
			defer cancel()
			var session *Session
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
				g.freeze(false)
				if p := g.peer(); p != nil {
					p.code(1102, "restored")
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
			g.drop(false)
			await(b, s, "READY", 20*time.Second, func(n *Snapshot) bool { return n.GuardOpen() && n.Session > last })
			list = append(list, time.Since(begin))
		}
		latencies(b, list)
	})
	b.Run("restart", func(b *testing.B) {
		g, s, _ := connect(b, 225, defaults)
		addr := g.ln.Addr().String()
		var list []time.Duration
		for b.Loop() {
			g.stop()
			await(b, s, "refusal", 20*time.Second, func(n *Snapshot) bool {
				return n.Cause == CauseRefused && !n.Attempt.Running
			})
			begin := time.Now()
			g.listen(addr)
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
			input, now := in(p), instant{moment: moment{p.wall, p.mono}}
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
			s.m.upSince, s.m.heard, s.m.asked, s.m.proven = s.clock.mono(), s.clock.mono(), s.clock.mono(), true
			stream, _ := s.Events()
			var told []Event
			b.ReportAllocs()
			for b.Loop() {
				s.m.heard = s.clock.mono()
				s.handle(inCode{session: 1, code: code, request: -1, text: "text:farm"})
				told = stream.Take(told[:0])
			}
		})
	}
}

// bareClient counts what the client library brings.
type bareClient struct {
	ibapi.Wrapper
	mail  *Ticks
	ready chan struct{}
	marks chan string
}

func (c *bareClient) NextValidID(int64) { close(c.ready) }

func (c *bareClient) Error(_, _, code int64, text, _ string) {
	if code == 399 {
		c.marks <- text
	}
}

func (c *bareClient) TickPrice(request int64, _ ibapi.TickType, price float64, _ ibapi.TickAttrib) {
	c.mail.put(Tick{Request: request, Field: Bid, Value: price})
}

func (c *bareClient) TickSize(request int64, _ ibapi.TickType, size ibapi.Decimal) {
	c.mail.put(Tick{Request: request, Field: BidSize, Value: size.Float()})
}

func newBareClient(b *testing.B) (*bareClient, net.Conn) {
	ibapi.SetLogLevel(7) // none: it logs account data at info level
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		accepted <- c
		_, _ = io.ReadFull(c, make([]byte, len("API\x00")))
		_, _ = wire.ReadFrame(c)
		p := &peer{Conn: c, version: 225}
		p.send(textFrame("225", "20261123"))
		_, _ = wire.ReadFrame(c)
		p.login("DU1")
		_, _ = io.Copy(io.Discard, c)
	}()
	c := &bareClient{mail: newTicks(), ready: make(chan struct{}), marks: make(chan string, 10)}
	if err := ibapi.NewEClient(c).Connect("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, 1); err != nil {
		b.Fatal(err)
	}
	<-c.ready
	gateway := <-accepted
	b.Cleanup(func() { gateway.Close() })
	return c, gateway
}

// BenchmarkTicks sends the same batches through a session and through the bare library, in turns.
func BenchmarkTicks(b *testing.B) {
	const batch = 10_000
	var frames []byte
	for i := range batch {
		frames = append(frames, protoMessage(1, marketBase+1+i%50, 1, float64(i)/100, "300", 0)...)
	}
	ours := newOnline(b)
	bare, gateway := newBareClient(b)
	var through, direct time.Duration
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		ours.send(frames)
		ours.code(399, "mark")
		<-ours.said
		through += time.Since(begin)
		begin = time.Now()
		_, _ = gateway.Write(frames)
		(&peer{Conn: gateway}).code(399, "mark")
		<-bare.marks
		direct += time.Since(begin)
		n++
	}
	if got, _ := ours.s.ticks.Counts(); got != uint64(2*batch*n) {
		b.Errorf("%d values of %d ticks", got, batch*n)
	}
	b.ReportMetric(float64(batch*n)/through.Seconds(), "ticks/s")
	b.ReportMetric(float64(batch*n)/direct.Seconds(), "bare-ticks/s")
	b.ReportMetric(direct.Seconds()/through.Seconds(), "ratio")
}
