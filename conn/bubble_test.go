package conn

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // Windows has no time zone database

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// bubble is a supervisor over a fake gateway inside a synctest bubble, with two clocks that can be set, each alone.
type bubble struct {
	*testing.T
	g         *fakeGateway
	s         *Supervisor
	jump      atomic.Int64 // of the wall clock
	skip      atomic.Int64 // of the monotonic clock
	events    []Event
	lastEvent atomic.Int64 // when the last event came
	stop      func()       // ends the supervisor and collects the remaining events
}

// newBubble starts a supervisor. The first attempt may come at once: what it must find, prepare arranges, if not nil.
func newBubble(t *testing.T, cfg Config, prepare func(*fakeGateway)) *bubble {
	b := &bubble{T: t, g: &fakeGateway{t: t}}
	if prepare != nil {
		prepare(b.g)
	}
	b.s = newSupervisor(&cfg, quiet, b.g.connect)
	mono := b.s.clock.Mono
	b.s.clock.Mono = func() time.Duration { return mono() + time.Duration(b.skip.Load()) }
	b.g.mono = b.s.clock.Mono
	b.s.clock.Wall = func() time.Time { return ib.WallClock().Add(time.Duration(b.jump.Load())) }
	stream, _ := b.s.Events()
	ctx, cancel := context.WithCancel(context.Background())
	ran, read := make(chan struct{}), make(chan struct{})
	go func() { defer close(ran); b.s.Run(ctx) }()
	go func() {
		defer close(read)
		for {
			e, ok := stream.Next(context.Background())
			if !ok {
				return
			}
			b.events = append(b.events, e)
			b.lastEvent.Store(int64(b.s.clock.Mono()))
		}
	}()
	b.stop = func() { cancel(); <-ran; <-read } // any number of times
	t.Cleanup(b.stop)
	return b
}

func (b *bubble) after(d time.Duration) *Snapshot {
	time.Sleep(d)
	synctest.Wait()
	return b.s.Snapshot()
}

// chaos plays random faults, clock jumps, commands and settings against a supervisor and checks it at every rest.
type chaos struct {
	*bubble
	rnd     *rand.Rand
	lastSeq uint64
	losses  int

	mu        sync.Mutex // attempts look at what follows, too
	cfg       Config
	paused    bool
	manual    bool // the next attempt may be made in a reset window
	idleSince time.Duration
}

// TestSupervisorUnderChaos lives through days on the monotonic clock, and through months on the wall's.
func TestSupervisorUnderChaos(t *testing.T) {
	t.Parallel()
	seeds, turns := 8, 5000
	if testing.Short() {
		seeds, turns = 3, 1000
	}
	if raceEnabled { // which takes six times as long
		seeds = 2
	}
	first := rand.Uint64N(1 << 32)
	for i := range seeds {
		seed := first + uint64(i)
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			c := &chaos{rnd: rand.New(rand.NewPCG(2, seed)), cfg: testConfig(4002), manual: true}
			c.mu.Lock()
			c.bubble = newBubble(t, c.cfg, func(g *fakeGateway) { g.onAttempt = c.attempted })
			c.mu.Unlock()
			synctest.Wait()
			for range turns {
				c.turn()
				synctest.Wait()
				c.check()
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
			wall := c.s.clock.Wall().Sub(begin)
			c.stop()
			c.history()
			t.Logf("seed %d: %v, by the wall clock %v: %d attempts, %d sessions, %d losses, %d events",
				seed, time.Since(begin).Round(time.Minute), wall.Round(time.Hour), c.g.attempts, c.g.readies, c.losses,
				len(c.events))
		})
	}
}

// attempted is called in the midst of every attempt.
func (c *chaos) attempted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Calendar.At(c.s.clock.Wall()).Active && !c.manual {
		c.Errorf("attempt at %v, inside a reset window", c.s.clock.Wall())
	}
	if c.paused {
		c.Error("attempt while paused")
	}
	c.manual = false
	c.idleSince = c.s.clock.Mono() + 3*time.Second // it takes up to this
}

func (c *chaos) turn() {
	switch c.rnd.IntN(12) {
	case 0, 1, 2, 3, 4:
		time.Sleep(time.Duration(c.rnd.Int64N(int64(20 * time.Second))))
	case 5:
		if c.g.cut([]ib.Cause{ib.CauseClosed, ib.CauseBroken, ib.CauseGarbage}[c.rnd.IntN(3)]) {
			c.losses++
		}
	case 6:
		c.g.set(func(g *fakeGateway) {
			g.refusal = []ib.Cause{ib.CauseNone, ib.CauseNone, ib.CauseRefused, ib.CauseClosedEarly}[c.rnd.IntN(4)]
			g.takes = time.Duration(c.rnd.Int64N(int64(3 * time.Second)))
			g.lost = c.rnd.IntN(5) == 0
		})
	case 7:
		c.g.freeze(c.rnd.IntN(2) == 0)
	case 8:
		if l := c.g.present(); l != nil {
			code := []int{1100, 1101, 1102, 2110, 2103, 2104, 10197}[c.rnd.IntN(7)]
			switch code {
			case 1100, 2110:
				l.upstream.Store(false)
			case 1101, 1102:
				l.upstream.Store(true)
			}
			l.code(code)
		}
	case 9:
		d := []time.Duration{time.Second, time.Minute, 40 * time.Minute, 9 * time.Hour, 50 * time.Hour}[c.rnd.IntN(5)]
		if c.rnd.IntN(3) == 0 {
			d = -d
		}
		c.jump.Add(int64(d))
		time.Sleep(heartbeat) // within it the supervisor looks at the clocks
		c.expect(func() { c.idleSince = c.s.clock.Mono() })
	case 10:
		c.command()
	case 11:
		c.configure()
	}
}

func (c *chaos) command() {
	if c.rnd.IntN(3) == 0 {
		_ = c.s.Disconnect(context.Background())
		synctest.Wait()
		c.expect(func() { c.paused = true })
		return
	}
	c.expect(func() { c.paused, c.manual = false, c.g.inUse.Load() == 0 })
	_ = c.s.Connect(context.Background())
}

// expect changes what attempts are measured by.
func (c *chaos) expect(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *chaos) configure() {
	cfg := c.cfg
	switch c.rnd.IntN(4) {
	case 0:
		cfg.ClientID++ // concerns the connection
	case 1:
		cfg.Calendar, _ = calendar.Preset("ibkr-america")
	case 2:
		cfg.Calendar = calendar.Calendar{{
			Hour: c.s.clock.Wall().UTC().Hour(), Minute: c.rnd.IntN(60), Length: 70 * time.Minute,
			Location: time.UTC,
		}}
	case 3:
		cfg.Reconcile = func(ctx context.Context, _ *ib.Session) error {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return ctx.Err()
		}
	}
	c.expect(func() { c.manual, c.cfg = c.manual || cfg.ClientID != c.cfg.ClientID, cfg })
	if err := c.s.Configure(context.Background(), cfg); err != nil {
		c.Error(err)
	}
}

// check holds the snapshot and the guard against what is true, at a moment when nothing is under way.
func (c *chaos) check() {
	n, l := c.s.Snapshot(), c.g.present()
	if n.Seq < c.lastSeq {
		c.Errorf("snapshot %d after %d", n.Seq, c.lastSeq)
	}
	c.lastSeq = n.Seq
	c.mu.Lock()
	defer c.mu.Unlock()
	session := c.s.Session()
	open := session != nil && session.Guard() == nil
	if open != n.GuardOpen() {
		c.Errorf("guard open %v, the snapshot says %q", open, n.Guard)
	}
	if open {
		switch {
		case l == nil || l.number != session.Number() || !l.upstream.Load():
			c.Errorf("guard open without session or upstream: %+v", n)
		case !n.Layers.Up():
			c.Errorf("guard open in %+v", n)
		case c.g.frozen && c.s.clock.Mono()-c.g.frozenAt > c.cfg.Poll+c.cfg.Soft+ib.MinProbeGap:
			c.Errorf("guard open %v after the freeze", c.s.clock.Mono()-c.g.frozenAt)
		}
	}
	if (l != nil) != n.Layers.API {
		c.Errorf("session there %v, API %v", l != nil, n.Layers.API)
	}
	for _, since := range []time.Time{n.Since, n.LostAt, n.GuardSince, n.Layers.Since.API, n.Layers.Since.Farms} {
		if since.After(n.At) {
			c.Errorf("at %v since %v: %+v", n.At, since, n)
		}
	}
	now := c.s.clock.Mono()
	if n.State != Reconnecting && n.State != Connecting || n.Attempt.Running {
		c.idleSince = now
		return
	}
	longest := slices.Max(c.cfg.Delays)
	if in := n.Attempt.NextAt.Sub(c.s.clock.Wall()); in < 0 || in > longest+time.Second {
		c.Errorf("idle in state %s, next attempt in %v", n.State, in)
	}
	if idle := now - max(c.idleSince, time.Duration(c.lastEvent.Load())); idle > longest+heartbeat {
		c.Errorf("no attempt for %v", idle)
	}
}

// history checks the events, after the end.
func (c *chaos) history() {
	up, lost, connected := false, 0, 0
	for i, e := range c.events {
		if e.Seq != uint64(i+1) {
			c.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		switch e.Kind {
		case EventConnected:
			if up {
				c.Errorf("event %d: connected twice", e.Seq)
			}
			up = true
			connected++
		case EventLost, EventDisconnected:
			if !up {
				c.Errorf("event %d: %s without a connection", e.Seq, e.Kind)
			}
			up = false
			if e.Kind == EventLost && e.Cause != ib.CauseSilent {
				lost++
			}
		}
	}
	if up || connected != c.g.readies || lost != c.losses {
		c.Errorf("up %v; told %d connections and %d losses, there were %d and %d", up, connected, lost, c.g.readies,
			c.losses)
	}
	if c.g.inUse.Load() != 0 {
		c.Errorf("%d sessions left over", c.g.inUse.Load())
	}
}
