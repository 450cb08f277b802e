package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine/ledger"
)

var all = []Instrument{
	{Contract: ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}},
	{Contract: ib.Contract{Symbol: "MSFT", Type: "STK", Exchange: "SMART", Currency: "USD"}},
	{Contract: ib.Contract{Symbol: "SPY", Type: "STK", Exchange: "SMART", Currency: "USD"}},
}

var stocks = all[:2]

// bench is an engine on a supervisor on a simulated gateway. It is also the strategy, which can be held inside a tick,
// so that what happens meanwhile meets ticks that wait behind it.
type bench struct {
	t       *testing.T
	gateway *sim.Gateway
	sup     *conn.Supervisor
	engine  *Engine
	log     *warnings

	maxAge atomic.Int64 // nanoseconds

	mu      sync.Mutex
	wants   []Instrument
	begun   []uint64 // numbers of the sessions that data began on
	timed   int
	failed  map[int]int // codes by instrument
	hold    bool
	inside  chan struct{} // yields a value when the strategy is held
	release chan struct{}
	seen    map[int]int // ticks by instrument
	early   int         // ticks from before the guard was opened
	oldest  time.Duration
	request int64     // the number under which ticks of the first instrument come
	delayed bool      // they come delayed
	lasts   []ib.Tick // last prices of the second instrument
}

func (b *bench) Instruments() []Instrument {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wants
}

func (b *bench) OnBegin(s *ib.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = append(b.begun, s.Number())
}

func (b *bench) OnTime(time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timed++
	return b.timed < 3
}

func (b *bench) OnFailure(instrument, code int, _ string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed[instrument] = code
}

func (b *bench) OnOrder(ledger.Intent) {}

func (b *bench) OnTick(instrument int, tick ib.Tick) {
	b.mu.Lock()
	b.seen[instrument]++
	if s := b.sup.Session(); s != nil && tick.At < s.GuardSince() {
		b.early++
	}
	b.oldest = max(b.oldest, b.sup.Clock()()-tick.At)
	if instrument == 0 {
		b.request, b.delayed = tick.Request, tick.Delayed
	}
	if instrument == 1 && tick.Field == ib.Last {
		b.lasts = append(b.lasts, tick)
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
	if r.Level == slog.LevelWarn && r.Message == "ticks are skipped while the guard is closed" {
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
	return startAt(t, sim.Config{TickRate: 200})
}

func benchConfig(port int, soft time.Duration) conn.Config {
	return conn.Config{
		Host: "127.0.0.1", Port: port, ClientID: 17, Mode: ib.AnyMode, ConnectTimeout: 20 * time.Second,
		Poll: 50 * time.Millisecond, Soft: soft, Hard: time.Minute,
		Delays: []time.Duration{10 * time.Millisecond}, WatchLocalPort: true,
	}
}

// unreached is a limit for answers that Gateway meets on a busy computer, too.
const unreached = 20 * time.Second

// startAt is start at a gateway of one's own.
func startAt(t *testing.T, cfg sim.Config) *bench {
	t.Helper()
	g := simtest.Start(t, cfg)
	log := &warnings{Handler: slog.DiscardHandler}
	sup, err := conn.New(benchConfig(g.Port(), unreached), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		t: t, gateway: g, sup: sup, log: log, seen: map[int]int{}, wants: stocks, failed: map[int]int{},
		inside: make(chan struct{}), release: make(chan struct{}),
	}
	b.engine = New(Config{Supervisor: sup, Strategy: b, MaxTickAge: func() time.Duration {
		return time.Duration(b.maxAge.Load())
	}, Log: slog.New(log)})
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

// soft changes within which time Gateway must answer.
func (b *bench) soft(limit time.Duration) {
	if err := b.sup.Configure(b.t.Context(), benchConfig(b.gateway.Port(), limit)); err != nil {
		b.t.Error(err)
	}
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

func (b *bench) beginnings() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.begun)
}
