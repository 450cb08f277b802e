package engine

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var stocks = []Instrument{
	{Name: "AAPL", Contract: conn.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}},
	{Name: "MSFT", Contract: conn.Contract{Symbol: "MSFT", Type: "STK", Exchange: "SMART", Currency: "USD"}},
}

// bench is an engine on a supervisor on a simulated gateway. It is also the strategy, which can be held inside a tick,
// so that what happens meanwhile meets ticks that wait behind it.
type bench struct {
	t       *testing.T
	gateway *sim.Gateway
	sup     *conn.Supervisor
	engine  *Engine
	log     *warnings

	mu      sync.Mutex
	hold    bool
	inside  chan struct{} // yields a value when the strategy is held
	release chan struct{}
	seen    map[int]int // ticks by instrument
	request int64       // the number under which ticks of the first instrument come
}

func (b *bench) OnTick(instrument int, tick conn.Tick) {
	b.mu.Lock()
	b.seen[instrument]++
	if instrument == 0 {
		b.request = tick.Request
	}
	hold := b.hold
	b.hold = false
	b.mu.Unlock()
	if hold {
		b.inside <- struct{}{}
		<-b.release
	}
}

// warnings counts the records of that level.
type warnings struct {
	slog.Handler
	mu    sync.Mutex
	count int
}

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn && r.Message == "ticks are skipped while the guard is shut" {
		w.mu.Lock()
		w.count++
		w.mu.Unlock()
	}
	return nil
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }

func (w *warnings) told() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func start(t *testing.T) *bench {
	t.Helper()
	g, err := sim.Start(context.Background(), sim.Config{TickRate: 200})
	if err != nil {
		t.Fatal(err)
	}
	log := &warnings{Handler: slog.DiscardHandler}
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: g.Port(), ClientID: 17, Mode: conn.AnyMode, ConnectTimeout: 20 * time.Second,
		Poll: 50 * time.Millisecond, Soft: 100 * time.Millisecond, Hard: time.Minute,
		Delays: []time.Duration{10 * time.Millisecond}, WatchLocalPort: true,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		t: t, gateway: g, sup: sup, log: log, seen: map[int]int{},
		inside: make(chan struct{}), release: make(chan struct{}),
	}
	b.engine = New(sup, stocks, b, slog.New(log))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sup.Run(ctx) })
	running.Go(func() { b.engine.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		g.Close()
	})
	return b
}

// eventually waits until f reports true.
func (b *bench) eventually(what string, f func() bool) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never seen: %s; snapshot %+v", what, *b.sup.Snapshot())
		}
	}
}

// flows waits until new ticks of every instrument have been evaluated.
func (b *bench) flows() {
	b.t.Helper()
	b.mu.Lock()
	clear(b.seen)
	b.mu.Unlock()
	b.eventually("ticks of every instrument", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.seen[0] > 2 && b.seen[1] > 2
	})
}

// during holds the strategy inside a tick, with more ticks waiting behind it, while f runs.
func (b *bench) during(f func()) {
	b.t.Helper()
	b.mu.Lock()
	b.hold = true
	b.mu.Unlock()
	<-b.inside
	session := b.sup.Session()
	before, _ := session.Ticks().Counts()
	b.eventually("ticks that wait", func() bool { n, _ := session.Ticks().Counts(); return n > before+20 })
	f()
	b.release <- struct{}{}
}

func (b *bench) number() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.request
}

func (b *bench) subscriptions() (n int) {
	for _, c := range b.gateway.State().Connections {
		n += c.Subscriptions
	}
	return n
}

func TestEvaluatesWhileTheGuardIsOpen(t *testing.T) {
	b := start(t)
	b.flows()
	evaluated, skipped := b.engine.Counts()
	if evaluated == 0 || skipped != 0 || b.log.told() != 0 {
		t.Errorf("%d evaluated, %d skipped, %d warnings", evaluated, skipped, b.log.told())
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
		shut, open func(*sim.Gateway)
		reason     conn.GuardReason
		renews     bool // subscriptions get new numbers within the session
	}{
		{
			"upstream lost",
			func(g *sim.Gateway) { g.Notice(1100, "") }, func(g *sim.Gateway) { g.Notice(1102, "") }, conn.GuardUpstream, false,
		},
		{
			"upstream lost with its subscriptions",
			func(g *sim.Gateway) { g.Notice(1100, "") }, func(g *sim.Gateway) { g.Notice(1101, "") }, conn.GuardUpstream, true,
		},
		{"frozen", (*sim.Gateway).Freeze, (*sim.Gateway).Thaw, conn.GuardProbe, false},
		{"dropped", func(g *sim.Gateway) { g.Refuse(); g.Drop() }, func(g *sim.Gateway) { _ = g.Accept() }, conn.GuardSocket, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.flows()
			for round := 1; round <= 2; round++ {
				var evaluated, skipped uint64
				before := b.number()
				b.during(func() {
					evaluated, skipped = b.engine.Counts()
					c.shut(b.gateway)
					b.eventually("the guard shut", func() bool { return b.sup.Snapshot().Guard == c.reason })
				})
				b.eventually("ticks skipped", func() bool { _, n := b.engine.Counts(); return n > skipped+2 })
				if n, _ := b.engine.Counts(); n != evaluated {
					t.Errorf("round %d: %d ticks evaluated while the guard is shut", round, n-evaluated)
				}
				c.open(b.gateway)
				b.flows()
				if now := b.number(); (now != before) != c.renews {
					t.Errorf("round %d: ticks come under request %d, before it was %d", round, now, before)
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
	e := New(nil, stocks, nil, slog.New(slog.DiscardHandler))
	e.base = 5
	e.evaluate([]conn.Tick{{Request: 4}, {Request: 7}, {Request: -1}})
	if evaluated, skipped := e.Counts(); evaluated != 0 || skipped != 0 {
		t.Errorf("%d evaluated, %d skipped", evaluated, skipped)
	}
}
