package engine

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimPort) != "" {
		victim()
	}
	goleak.VerifyTestMain(m)
}

var all = []Instrument{
	{Contract: conn.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}},
	{Contract: conn.Contract{Symbol: "MSFT", Type: "STK", Exchange: "SMART", Currency: "USD"}},
	{Contract: conn.Contract{Symbol: "SPY", Type: "STK", Exchange: "SMART", Currency: "USD"}},
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
	request int64       // the number under which ticks of the first instrument come
	delayed bool        // they come delayed
	lasts   []conn.Tick // last prices of the second instrument
}

func (b *bench) Instruments() []Instrument {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wants
}

func (b *bench) OnBegin(s *conn.Session) {
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

func (b *bench) OnOrder(Intent) {}

func (b *bench) OnTick(instrument int, tick conn.Tick) {
	b.mu.Lock()
	b.seen[instrument]++
	if s := b.sup.Session(); s != nil && tick.At < s.GuardSince() {
		b.early++
	}
	b.oldest = max(b.oldest, b.sup.Clock()-tick.At)
	if instrument == 0 {
		b.request, b.delayed = tick.Request, tick.Delayed
	}
	if instrument == 1 && tick.Field == conn.Last {
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
		Host: "127.0.0.1", Port: port, ClientID: 17, Mode: conn.AnyMode, ConnectTimeout: 20 * time.Second,
		Poll: 50 * time.Millisecond, Soft: soft, Hard: time.Minute,
		Delays: []time.Duration{10 * time.Millisecond}, WatchLocalPort: true,
	}
}

// unreached is a limit for answers that Gateway meets on a busy computer, too.
const unreached = 20 * time.Second

// startAt is start at a gateway of one's own.
func startAt(t *testing.T, cfg sim.Config) *bench {
	t.Helper()
	g, err := sim.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
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
		reason     conn.GuardReason
		renews     bool // subscriptions get new numbers within the session
	}{
		{
			"upstream lost",
			func(b *bench) {
				b.gateway.Notice(1100, "")
			}, func(b *bench) { b.gateway.Notice(1102, "") }, conn.GuardUpstream, false,
		},
		{
			"upstream lost with its subscriptions",
			func(b *bench) {
				b.gateway.Notice(1100, "")
			}, func(b *bench) { b.gateway.Notice(1101, "") }, conn.GuardUpstream, true,
		},
		{
			"frozen", // the limit is short only while Gateway cannot meet it
			func(b *bench) { b.gateway.Freeze(); b.soft(100 * time.Millisecond) },
			func(b *bench) { b.soft(unreached); b.gateway.Thaw() }, conn.GuardProbe, false,
		},
		{"dropped", func(b *bench) {
			b.gateway.Refuse()
			b.gateway.Drop()
		}, func(b *bench) { _ = b.gateway.Accept() }, conn.GuardSocket, false},
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

func (b *bench) beginnings() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.begun)
}

func TestIgnoresTicksOfOtherRequests(t *testing.T) {
	e := New(Config{Log: slog.New(slog.DiscardHandler)})
	e.requests = []int{-1, -1, 0}
	e.evaluate([]conn.Tick{{Request: 1}, {Request: 3}, {Request: -1}, {Request: 0}})
	if n := e.Counts(); n != (Counts{}) {
		t.Errorf("%+v", n)
	}
}

// TestSleepIsAGap has the wall clock run away from the monotonic one.
func TestSleepIsAGap(t *testing.T) {
	e := New(Config{Log: slog.New(slog.DiscardHandler)})
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

// TestInstrumentsChange has the strategy change its mind: only what is new is subscribed, what is not wanted any more
// ends, and data of what stays goes on without a gap.
func TestInstrumentsChange(t *testing.T) {
	b := start(t)
	b.flows()
	want := func(list ...Instrument) {
		t.Helper()
		b.mu.Lock()
		b.wants = list
		b.mu.Unlock()
		b.engine.Refresh()
		b.eventually("subscriptions follow", func() bool { return b.subscriptions() == len(list) })
		b.mu.Lock()
		clear(b.seen)
		b.mu.Unlock()
		b.eventually("ticks of every instrument", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.seen) == len(list)
		})
	}
	before, begun := b.number(), b.beginnings()
	want(all[0], all[2])
	want(all[0])
	if b.number() != before || b.beginnings() != begun {
		t.Errorf("request %d became %d, data began %d times", before, b.number(), b.beginnings()-begun)
	}
	want(all[2], all[1], all[0])
	want()
	want(all[1])
}

// TestDelayedIsWanted has the strategy want delayed data, and want it no more. Everything is subscribed again, and the
// strategy told.
func TestDelayedIsWanted(t *testing.T) {
	b := start(t)
	b.flows()
	for _, delayed := range []bool{true, false, true} {
		before, begun := b.number(), b.beginnings()
		b.mu.Lock()
		b.wants = []Instrument{all[0], all[1]}
		b.wants[1].Delayed = delayed
		b.mu.Unlock()
		times := 0 // there are live data, which come first
		if delayed {
			times = -1
		}
		b.refuse("", 10167, times)
		b.engine.Refresh()
		b.eventually("data of the other kind", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.request != before && b.delayed == delayed
		})
		b.flows()
		if n := b.subscriptions(); n != 2 {
			t.Errorf("delayed %v: %d subscriptions", delayed, n)
		}
		if n := b.beginnings(); n != begun+1 {
			t.Errorf("delayed %v: data began %d times", delayed, n-begun)
		}
	}
	// So it is in the next session.
	number := b.sup.Session().Number()
	b.gateway.Drop()
	b.eventually("delayed data in the next session", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.begun) > 0 && b.begun[len(b.begun)-1] > number && b.delayed
	})
}

// TestTwice has two instruments with one contract.
func TestTwice(t *testing.T) {
	b := start(t)
	b.flows()
	b.mu.Lock()
	b.wants = []Instrument{all[0], all[0]}
	b.mu.Unlock()
	for range 3 {
		b.engine.Refresh()
		b.flows()
		b.eventually("two subscriptions", func() bool { return b.subscriptions() == 2 })
	}
}

// TestAdopt goes over from a session whose ticks were not all looked at.
func TestAdopt(t *testing.T) {
	b := start(t)
	b.flows()
	first := b.sup.Session()
	b.during(func() {
		b.eventually("ticks are replaced", func() bool { _, n := first.Ticks().Counts(); return n > 0 })
	})
	b.eventually("replaced ticks are counted", func() bool { return b.engine.Counts().Conflated > 0 })
	b.gateway.Drop()
	<-first.Done()
	b.eventually("the next session", func() bool {
		s := b.sup.Session()
		return s != nil && s != first && s.Guard() == nil
	})
	_, replaced := first.Ticks().Counts()
	e := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	e.session, e.requests, e.delayed, e.replaced = first, []int{-1, 0}, true, 1
	e.adopt(b.sup.Session())
	if e.session == first || !e.gap || e.delayed || e.replaced != 0 || len(e.requests) != 1 ||
		e.Counts().Conflated != replaced-1 {
		t.Errorf("%+v, %d ticks were replaced", e, replaced)
	}
	// What has no subscription needs none to be ended.
	e.instruments, e.feeds = []Instrument{all[0]}, make([]feed, 1)
	b.mu.Lock()
	b.wants = []Instrument{all[0]}
	b.mu.Unlock()
	e.ask()
	if e.requests[0] != -1 || e.feeds[0].request != 1 || !e.gap {
		t.Errorf("requests %v, feeds %v, gap %v", e.requests, e.feeds, e.gap)
	}
	// On a session that is over nothing is asked for, and nothing sticks.
	over := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	over.session, over.instruments, over.feeds, over.requests = first, []Instrument{all[1]}, []feed{{request: 1}},
		[]int{-1, 0}
	over.ask()
	if len(over.requests) != 2 || over.feeds[0].request != 0 {
		t.Errorf("requests %v, feeds %v", over.requests, over.feeds)
	}
	over.instruments = []Instrument{{Contract: all[0].Contract, Delayed: true}}
	over.subscribe()
	if over.delayed || len(over.requests) != 2 {
		t.Errorf("requests %v, delayed %v", over.requests, over.delayed)
	}
}

func TestSkip(t *testing.T) {
	b := start(t)
	b.flows()
	log := &logbook{}
	e := New(Config{Log: slog.New(slog.NewTextHandler(log, nil))})
	e.session = b.sup.Session()
	for range 2 {
		e.skip(&conn.GuardError{Reason: conn.GuardProbe})
	}
	if !e.gap || e.Counts().Skipped != 2 || log.count("reason=") != 1 ||
		log.count("reason="+string(conn.GuardProbe)+"\n") != 1 {
		t.Errorf("%+v, %s", e.Counts(), log.text.String())
	}
}

// TestFailures has Gateway say things about subscriptions that are not there any more.
func TestFailures(t *testing.T) {
	b := start(t)
	b.flows()
	e := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	told := func(n marketNews) int {
		b.mu.Lock()
		clear(b.failed)
		b.mu.Unlock()
		e.hear(n)
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.failed[0]
	}
	s := b.sup.Session()
	if code := told(marketNews{s.Number(), 1, 200, ""}); code != 0 {
		t.Errorf("without a session: %d", code)
	}
	begin := func() {
		e.gap, e.session, e.instruments, e.feeds, e.requests = false, s, []Instrument{all[0]}, []feed{{request: 2}},
			[]int{-1, -1, 0}
	}
	begin()
	for name, n := range map[string]marketNews{
		"of another session":      {s.Number() + 1, 2, 200, ""},
		"of a request that ended": {s.Number(), 1, 200, ""},
		"of an unknown request":   {s.Number(), 3, 200, ""},
		"of no request":           {s.Number(), 0, 200, ""},
		"of everything elsewhere": {s.Number() + 1, 0, 1101, ""},
		"a warning":               {s.Number(), 2, 2119, ""},
		"delayed data":            {s.Number(), 2, 10167, ""},
	} {
		if code := told(n); code != 0 || e.feeds[0] != (feed{request: 2}) || e.gap {
			t.Errorf("%s: %d, %+v", name, code, e)
		}
	}
	if code := told(marketNews{s.Number(), 3, 1101, ""}); code != 0 || !e.gap || e.feeds[0].request != 3 ||
		e.requests[2] != -1 {
		t.Errorf("everything is gone: %d, %+v", code, e)
	}
	for _, n := range dead {
		begin()
		if code := told(marketNews{s.Number(), 2, n, ""}); code != n || e.feeds[0].request != 0 ||
			e.feeds[0].due == 0 || e.requests[2] != -1 {
			t.Errorf("a refusal: %d, %+v", code, e)
		}
	}
	for _, n := range []int{322, 10090, 10197, 10999} { // its data may go on
		begin()
		if code := told(marketNews{s.Number(), 2, n, ""}); code != n || e.feeds[0].request != 2 ||
			e.feeds[0].due == 0 || e.requests[2] != 0 {
			t.Errorf("an error: %d, %+v", code, e)
		}
	}
}

// TestRefused has Gateway refuse market data, and subscribes it again when it is asked for again.
func TestRefused(t *testing.T) {
	b := start(t)
	b.flows()
	b.mu.Lock()
	b.wants = []Instrument{stocks[0], {Contract: conn.Contract{
		Symbol: "NONE", Type: "STK", Exchange: "SMART",
		Currency: "USD",
	}}}
	b.mu.Unlock()
	for range 2 {
		b.engine.Refresh()
		b.eventually("the refusal", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			code := b.failed[1]
			delete(b.failed, 1)
			return code == 200
		})
	}
}

// TestOrdersAreNoSubscriptions has Gateway refuse an order whose id is the number of a subscription, too.
func TestOrdersAreNoSubscriptions(t *testing.T) {
	b := start(t)
	b.flows()
	o := conn.Order{
		Ref: "x", Contract: stocks[0].Contract, Side: conn.Buy, Type: conn.Market, Quantity: 1,
		Account: "NOBODY",
	}
	if err := b.sup.Session().Place(b.number(), o); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the order is refused", func() bool { // as with code 321
		return slices.ContainsFunc(b.sup.Session().Orders().Take(), func(n conn.OrderNews) bool {
			return n.Kind == conn.OrderError
		})
	})
	b.mu.Lock()
	b.wants = append(slices.Clone(stocks),
		Instrument{Contract: conn.Contract{Symbol: "NONE", Type: "STK", Exchange: "SMART", Currency: "USD"}})
	b.mu.Unlock()
	b.engine.Refresh()
	b.eventually("a refusal that comes later", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.failed[2] == 200
	})
	b.mu.Lock()
	code := b.failed[0]
	b.mu.Unlock()
	if code != 0 {
		t.Errorf("the market data is said to have failed with code %d", code)
	}
	b.flows()
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
	b.eventually("the guard shut", func() bool { return b.sup.Snapshot().Guard == conn.GuardUpstream })
	b.gateway.Notice(1102, "")
	b.eventually("the gap is told", func() bool { return b.beginnings() > n })
}
