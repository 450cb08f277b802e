package engine

import (
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimPort) != "" {
		victim()
	}
	goleak.VerifyTestMain(m)
}

func TestEvaluatesWhileTheGuardIsOpen(t *testing.T) {
	b := start(t)
	b.flows()
	if n := b.engine.Counts(); n.Evaluated == 0 || n.Skipped != 0 || n.Stale != 0 || b.log.told() != 0 {
		t.Errorf("%+v, %d warnings", n, b.log.told())
	}
	if n := b.subscriptions(); n != len(stocks) {
		t.Errorf("%d subscriptions", n)
	}
}

// TestSkipsWhileTheGuardIsShut shuts the guard between two ticks in every way there is. The ticks behind are skipped,
// counted and told of once; when the guard opens again so does the engine.
func TestSkipsWhileTheGuardIsShut(t *testing.T) {
	for _, c := range []struct {
		name       string
		shut, open func(*bench)
		reason     ib.GuardReason
		renews     bool // subscriptions get new numbers within the session
	}{
		{
			"upstream lost",
			func(b *bench) {
				b.gateway.Notice(1100, "")
			}, func(b *bench) { b.gateway.Notice(1102, "") }, ib.GuardUpstream, false,
		},
		{
			"upstream lost with its subscriptions",
			func(b *bench) {
				b.gateway.Notice(1100, "")
			}, func(b *bench) { b.gateway.Notice(1101, "") }, ib.GuardUpstream, true,
		},
		{
			"frozen", // the limit is short only while Gateway cannot meet it
			func(b *bench) { b.gateway.Freeze(); b.soft(100 * time.Millisecond) },
			func(b *bench) { b.soft(unreached); b.gateway.Thaw() }, ib.GuardProbe, false,
		},
		{"dropped", func(b *bench) {
			b.gateway.Refuse()
			b.gateway.Drop()
		}, func(b *bench) { _ = b.gateway.Accept() }, ib.GuardSocket, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.flows()
			for round := 1; round <= 2; round++ {
				var was Counts
				before := b.number()
				begun := b.beginnings()
				b.during(func() {
					was = b.engine.Counts()
					c.shut(b)
					b.eventually("the guard shut", func() bool { return b.sup.Snapshot().Guard == c.reason })
				})
				b.eventually("ticks skipped", func() bool { return b.engine.Counts().Skipped > was.Skipped+2 })
				if n := b.engine.Counts().Evaluated; n != was.Evaluated {
					t.Errorf("round %d: %d ticks evaluated while the guard is shut", round, n-was.Evaluated)
				}
				c.open(b)
				if c.renews { // ticks from before may still have waited
					b.eventually("ticks under new requests", func() bool { return b.number() != before })
				}
				b.flows()
				if now := b.number(); (now != before) != c.renews {
					t.Errorf("round %d: ticks come under request %d, before it was %d", round, now, before)
				}
				if n := b.beginnings(); n <= begun {
					t.Errorf("round %d: the strategy was not told of the gap", round)
				}
				if told := b.log.told(); told != round {
					t.Errorf("round %d: %d warnings", round, told)
				}
				if n := b.subscriptions(); n != len(stocks) {
					t.Errorf("round %d: %d subscriptions", round, n)
				}
			}
		})
	}
}

// TestShortOutage has the guard shut and open again while the strategy is busy: it is told of the gap, and gets none of
// the ticks from before it.
func TestShortOutage(t *testing.T) {
	b := start(t)
	b.flows()
	begun, early := b.beginnings(), 0
	b.during(func() {
		b.gateway.Notice(1100, "")
		b.eventually("upstream lost", func() bool { return b.sup.Snapshot().State == conn.UpstreamLost })
		b.gateway.Notice(1102, "")
		b.eventually("upstream back", func() bool { return b.sup.Session().Guard() == nil })
		b.mu.Lock()
		early = b.early
		b.mu.Unlock()
	})
	b.flows()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.begun) <= begun || b.early != early {
		t.Errorf("the strategy was told of %d gaps, and got %d ticks from before", len(b.begun)-begun, b.early-early)
	}
}

// TestDataStops has market data stop while the guard stays open. It has gaps then, too.
func TestDataStops(t *testing.T) {
	for name, stop := range map[string]func(*sim.Gateway){
		"another session takes it": func(g *sim.Gateway) { g.Notice(10197, "") },
		"its farm breaks":          func(g *sim.Gateway) { g.Farm(2103, "usfarm") },
	} {
		b := start(t)
		b.flows()
		begun := b.beginnings()
		stop(b.gateway)
		b.eventually(name, func() bool { return b.beginnings() > begun })
		if err := b.sup.Session().Guard(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLateRestore has the news of lost subscriptions arrive together with the next session: that session has its own
// and must not get them twice.
func TestLateRestore(t *testing.T) {
	b := start(t)
	b.flows()
	for range 8 {
		number := b.sup.Session().Number()
		b.during(func() {
			b.gateway.Notice(1100, "")
			b.eventually("upstream lost", func() bool { return b.sup.Snapshot().State == conn.UpstreamLost })
			b.gateway.Notice(1101, "")
			b.eventually("upstream back", func() bool { return b.sup.Snapshot().State == conn.Connected })
			b.gateway.Drop()
			b.eventually("the next session", func() bool {
				s := b.sup.Session()
				return s != nil && s.Number() > number && s.Guard() == nil
			})
		})
		b.flows()
		if n := b.subscriptions(); n != len(stocks) {
			t.Fatalf("%d subscriptions", n)
		}
	}
}

func TestIgnoresTicksOfOtherRequests(t *testing.T) {
	e := New(Config{Supervisor: &conn.Supervisor{}, Log: slog.New(slog.DiscardHandler)})
	e.requests = []int{-1, -1, 0}
	e.evaluate([]ib.Tick{{Request: 1}, {Request: 3}, {Request: -1}, {Request: 0}})
	if n := e.Counts(); n != (Counts{}) {
		t.Errorf("%+v", n)
	}
}

// TestSleepIsAGap has the wall clock run away from the monotonic one.
func TestSleepIsAGap(t *testing.T) {
	e := New(Config{Supervisor: &conn.Supervisor{}, Log: slog.New(slog.DiscardHandler)})
	wall, mono := time.Now(), time.Hour
	for _, c := range []struct {
		wall, mono time.Duration
		gap        bool
	}{
		{0, 0, false},
		{time.Second, time.Second, false},
		{time.Hour, time.Hour, false}, // busy
		{8 * time.Hour, time.Second, true},
		{-time.Hour, time.Second, true},
		{time.Second, 0, false},
	} {
		wall, mono, e.gap = wall.Add(c.wall), mono+c.mono, false
		if e.clocks(wall, mono); e.gap != c.gap {
			t.Errorf("%v by the wall, %v by the monotonic clock: gap %v", c.wall, c.mono, e.gap)
		}
	}
}

// TestOldTicksAreSkipped lets the strategy be busy for longer than a tick may wait.
func TestOldTicksAreSkipped(t *testing.T) {
	b := start(t)
	b.flows()
	begun := b.beginnings()
	b.maxAge.Store(1)
	b.eventually("ticks too old", func() bool { return b.engine.Counts().Stale > 10 })
	was := b.engine.Counts()
	b.eventually("more of them", func() bool { return b.engine.Counts().Stale > was.Stale+10 })
	coarse := runtime.GOOS == "windows" // its clock may not move between a tick and its evaluation
	if n := b.engine.Counts(); n.Evaluated != was.Evaluated && !coarse || n.Skipped != 0 {
		t.Errorf("%+v, then %+v", was, n)
	}
	b.maxAge.Store(int64(time.Minute))
	b.flows()
	if b.beginnings() == begun {
		t.Error("the strategy was not told of the gap")
	}
}

// TestTicksGrowOldBehindASlowStrategy lets the strategy be busy with the first of several ticks for longer than the
// others may wait.
func TestTicksGrowOldBehindASlowStrategy(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.maxAge.Store(int64(time.Second))
	b.flows()
	for range 10 {
		for _, busy := range []time.Duration{300 * time.Millisecond, 3 * time.Second} { // ticks gather, and grow old
			b.mu.Lock()
			b.hold = true
			b.mu.Unlock()
			<-b.inside
			time.Sleep(busy)
			b.release <- struct{}{}
		}
		b.flows()
		if b.engine.Counts().Stale > 0 {
			break
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.engine.Counts().Stale; n == 0 || b.oldest > 2500*time.Millisecond {
		t.Errorf("%d ticks were too old; the strategy saw one that was read %v before", n, b.oldest)
	}
}

func TestTimeGoesBy(t *testing.T) {
	b := start(t)
	times := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.timed
	}
	b.eventually("it is told", func() bool { return times() > 2 })
	n := b.beginnings()
	b.gateway.Notice(1100, "")
	b.eventually("the guard shut", func() bool { return b.sup.Snapshot().Guard == ib.GuardUpstream })
	b.gateway.Notice(1102, "")
	b.eventually("the gap is told", func() bool { return b.beginnings() > n })
}
