// Package engine evaluates market data on the present session of a [conn.Supervisor] and places orders, and cannot act
// without a connection: while the guard is closed, ticks are skipped and counted, a strategy never sees them, and no
// order leaves.
//
// A [Strategy] decides; package [gatewatch/engine/rules] holds one, the rules that the trader writes. The [Engine]
// feeds it. To the market leads one way, the [Desk], which asks whether trading is on and keeps the limits; behind it
// a [ledger.Ledger] writes an order down before it is sent, and finds out what became of it.
//
//	orders, err := ledger.Open("orders.db", log)
//	sup, err := conn.New(conn.Config{…, Reconcile: orders.Reconcile}, log)
//	desk := engine.NewDesk(orders, engine.Limits{…}, report, log)
//	eng := engine.New(engine.Config{Supervisor: sup, Desk: desk, Strategy: mine, Log: log})
//	go sup.Run(ctx)
//	go eng.Run(ctx)
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
	"gatewatch/engine/ledger"
)

// Instrument is something whose ticks are wanted.
type Instrument struct {
	Contract ib.Contract
	Delayed  bool // delayed data is wanted where there is no live data
}

// Strategy decides what to do about market data. The engine calls its methods from one goroutine, so a strategy needs
// no locks against itself; a slow one sees fewer ticks, the newest of each kind, and holds no one else up. It places
// orders with [Desk.Place], from inside these methods or from elsewhere.
type Strategy interface {
	// Instruments returns what is to be watched. It is asked at the start and after each [Engine.Refresh].
	Instruments() []Instrument
	// OnBegin is called when market data begins on a session, or again on the same one: after a connect, after the
	// guard was closed, after subscriptions were lost. What was seen before is no evidence of what happened in between:
	// a price that is now on the other side of a mark may have crossed it long ago.
	OnBegin(s *ib.Session)
	// OnTick is given the newest value of one field of an instrument, by its index in Instruments. The guard is open.
	// One that is Old is to be shown and not to be acted on; after a [ib.DataKind] that holds for everything that
	// came before.
	OnTick(instrument int, t ib.Tick)
	// OnTime is called about once a second while the guard is open, and ten times a second from when it returns true,
	// which says that something waits for a moment, until it returns false; now is on the same clock as [ib.Tick.At].
	OnTime(now time.Duration) (waits bool)
	// OnFailure is called when Gateway has refused the market data of an instrument, with IB's code: 200, 354, 10186, …
	// It is asked for again until a tick comes.
	OnFailure(instrument, code int, detail string)
	// OnOrder is called when an order of the ledger, not necessarily of this strategy, has changed.
	OnOrder(i ledger.Intent)
}

// Config is what an [Engine] needs.
type Config struct {
	Supervisor *conn.Supervisor
	Desk       *Desk // nil if the strategy places no orders
	Strategy   Strategy
	// MaxTickAge is asked for the age from which on ticks are skipped, such as those that waited while the computer was
	// busy; nil or 0: none are.
	MaxTickAge func() time.Duration
	Log        *slog.Logger
}

// Engine follows the supervisor's sessions. Make one with New and call Run; when that has panicked it may be called
// again.
type Engine struct {
	cfg     Config
	clock   func() time.Duration // that of [ib.Tick.At]
	refresh chan struct{}
	orders  *ib.Queue[ledger.Intent] // that have changed

	evaluated, skipped, stale, conflated atomic.Uint64

	// Owned by Run's goroutine.
	session     *ib.Session
	instruments []Instrument
	requests    []int         // index of an instrument by the request number of its present subscription; -1 for none
	feeds       []feed        // of the instruments
	delayed     bool          // delayed data was asked for in this session
	competing   bool          // another session has taken the data of one instrument at least
	replaced    uint64        // ticks that this session's mailbox had conflated at the last look
	gap         bool          // the strategy does not know yet that there was a gap
	opened      time.Duration // when the guard was opened, at the last look
	wall        time.Time     // of the last look at the clocks, without a monotonic reading
	mono        time.Duration // likewise
	warned      bool          // that ticks are skipped; once per time the guard is closed
}

// timeEvery is the time between two calls of a strategy's OnTime while something waits for a moment, lookEvery
// otherwise: an idle program is not woken for nothing.
const (
	timeEvery = 100 * time.Millisecond
	lookEvery = time.Second
)

// sleepJump is how far the wall clock has to run away from the monotonic one, which stops while a computer sleeps.
const sleepJump = 2 * time.Second

// New returns an engine that is not running yet.
func New(cfg Config) *Engine {
	e := &Engine{
		cfg: cfg, clock: cfg.Supervisor.Clock(), refresh: make(chan struct{}, 1),
		orders: ib.NewQueue[ledger.Intent](),
	}
	if d := cfg.Desk; d != nil {
		d.ledger.OnChange(func(i ledger.Intent) {
			d.follow(i)
			e.orders.Put(i)
		})
	}
	return e
}

// Counts is what an engine has done with the ticks that arrived.
type Counts struct {
	Evaluated uint64
	Skipped   uint64 // because the guard was closed
	Stale     uint64 // because they were too old
	Conflated uint64 // replaced by a newer one before they were looked at
}

// Counts returns what was done with ticks since the start.
func (e *Engine) Counts() Counts {
	return Counts{e.evaluated.Load(), e.skipped.Load(), e.stale.Load(), e.conflated.Load()}
}

// Refresh has the strategy asked for its instruments again.
func (e *Engine) Refresh() {
	nudge.Send(e.refresh)
}

// Run subscribes on every new session, evaluates what arrives and follows the ledger's orders, until ctx ends. A panic,
// of the strategy or of the engine itself, disarms the desk before anything else, whichever goroutine it was in, and
// then is Run's. Run may be called again after it: all market data is subscribed again, and the strategy hears of a
// gap.
func (e *Engine) Run(ctx context.Context) {
	news, endNews := e.cfg.Supervisor.Subscribe()
	defer endNews()
	events, endEvents := e.cfg.Supervisor.Events()
	defer endEvents()
	market := make(chan marketNews)
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := false
	defer func() {
		if !over { // a panic, which goes on
			e.halt()
		}
	}()
	broken := make(chan string, 1) // a panic of another goroutine, with its stack
	start := func(f func()) {
		running.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					e.halt()
					select {
					case broken <- fmt.Sprintf("%v\n\n%s", p, debug.Stack()):
					default:
					}
				}
			}()
			f()
		})
	}
	follow := func(s *ib.Session) {
		if d := e.cfg.Desk; d != nil {
			start(func() { d.ledger.Follow(ctx, s) })
		}
	}
	start(func() { watch(ctx, events, market) })
	clock, slow := time.NewTimer(timeEvery), false
	defer clock.Stop()
	hurry := func() {
		if slow {
			slow = false
			clock.Reset(timeEvery)
		}
	}
	if e.session != nil {
		e.again()
		follow(e.session)
	}
	e.ask()
	var buf []ib.Tick
	for {
		var ready <-chan struct{}
		if e.session != nil {
			ready = e.session.Ticks().Ready()
		}
		select {
		case <-ctx.Done():
			over = true
			return
		case <-news:
			s := e.cfg.Supervisor.Session()
			if s != nil && s != e.session {
				e.adopt(s)
				follow(s)
			}
			e.gap = e.gap || s == nil || s.Guard() != nil
			hurry()
		case text := <-broken:
			panic(text)
		case <-e.refresh:
			e.ask()
			hurry()
		case n := <-market:
			e.hear(n)
		case <-e.orders.Ready():
			for _, i := range e.orders.Take(nil) {
				e.cfg.Strategy.OnOrder(i)
			}
		case <-ready:
			e.clocks(time.Now(), e.clock())
			buf = e.session.Ticks().Take(buf[:0])
			e.evaluate(buf)
		case <-clock.C:
			now := e.clock()
			e.clocks(time.Now(), now)
			soon := e.retry(now)
			if e.session != nil && e.session.Guard() == nil {
				e.look()
				e.begin()
				soon = e.cfg.Strategy.OnTime(now) || soon
			} else {
				e.gap = true
			}
			if slow = !soon; slow {
				clock.Reset(lookEvery)
			} else {
				clock.Reset(timeEvery)
			}
		}
	}
}

// halt has no further order leave.
func (e *Engine) halt() {
	if d := e.cfg.Desk; d != nil {
		d.halt()
	}
}

// look notices that the guard was closed and opened again since the last look: that can be over before this goroutine
// hears of it.
func (e *Engine) look() {
	if since := e.session.GuardSince(); since != e.opened {
		e.opened, e.gap = since, true
	}
}

// clocks notices that the computer was asleep, or its clock was set, since the last look. The supervisor notices that,
// too, and asks Gateway, but a tick may be here before.
func (e *Engine) clocks(wall time.Time, mono time.Duration) {
	wall = wall.Round(0)
	if jump := wall.Sub(e.wall) - (mono - e.mono); !e.wall.IsZero() && jump.Abs() > sleepJump {
		e.gap = true
	}
	e.wall, e.mono = wall, mono
}

// begin tells the strategy of a gap, if there was one that it does not know of.
func (e *Engine) begin() {
	if e.gap {
		e.gap = false
		for i := range e.feeds {
			e.feeds[i].last = lastPrice{} // what comes next may be from before
		}
		e.cfg.Strategy.OnBegin(e.session)
	}
}

// count takes over how many ticks of this session were replaced.
func (e *Engine) count() {
	if e.session == nil {
		return
	}
	_, replaced := e.session.Ticks().Counts()
	e.conflated.Add(replaced - e.replaced)
	e.replaced = replaced
}

func (e *Engine) evaluate(ticks []ib.Tick) {
	e.count()
	age := time.Duration(0)
	if e.cfg.MaxTickAge != nil {
		age = e.cfg.MaxTickAge()
	}
	for _, t := range ticks {
		i, ok := e.instrument(t.Request)
		if !ok {
			continue // of a subscription that is gone
		}
		switch t.Field {
		case ib.Rerouted:
			e.reroute(i)
			continue
		case ib.DataKind:
		default:
			e.flows(i)
		}
		// Asked for every tick: the guard may close between two of them.
		if err := e.session.Guard(); err != nil {
			e.skip(err)
			continue
		}
		e.warned = false
		if e.look(); t.At < e.opened { // from before the guard was opened: no evidence of what happened since
			e.skipped.Add(1)
			e.gap = true
			continue
		}
		// Likewise the clock: a slow strategy lets the ticks behind the one that it looks at grow old.
		if age > 0 && t.At < e.clock()-age {
			e.stale.Add(1)
			e.gap = true
			continue
		}
		e.begin()
		if t.Field == ib.Last || t.Field == ib.LastTime {
			if t, ok = e.feeds[i].last.take(t, e.recent); !ok {
				continue
			}
		}
		e.evaluated.Add(1)
		e.cfg.Strategy.OnTick(i, t)
	}
}

// delay is by how much delayed data may be so. Source: IBKR's guide, "Delayed market data".
const delay = 20 * time.Minute

// recent reports whether a time that IBKR tells is one of now, by Gateway's clock.
func (e *Engine) recent(t ib.Tick) bool {
	if e.cfg.MaxTickAge == nil || e.cfg.MaxTickAge() <= 0 {
		return true
	}
	limit := e.cfg.MaxTickAge() + time.Second // it is known to the second
	if t.Delayed {
		limit += delay
	}
	now := time.Now().Add(e.cfg.Supervisor.Snapshot().Skew)
	return now.Sub(time.Unix(int64(t.Value), 0)).Abs() <= limit
}

func (e *Engine) skip(err error) {
	e.skipped.Add(1)
	e.gap = true
	if e.warned {
		return
	}
	e.warned = true
	reason := any(err)
	if shut, ok := errors.AsType[*ib.GuardError](err); ok {
		reason = shut.Reason
	}
	e.cfg.Log.Warn("ticks are skipped while the guard is closed", "session", e.session.Number(), "reason", reason)
}

// instrument returns the index of the instrument whose present subscription has a number.
func (e *Engine) instrument(request int64) (int, bool) {
	if request < 1 || request >= int64(len(e.requests)) || e.requests[request] < 0 {
		return 0, false
	}
	return e.requests[request], true
}

// flows notes that data has come: it is not refused any more.
func (e *Engine) flows(i int) {
	e.feeds[i].heard, e.feeds[i].refused, e.feeds[i].due = true, 0, 0
	if e.competing {
		e.competing = false
		e.hasten(e.clock())
	}
}

// lastPrice tells a last price that was traded just now from one that IBKR has kept, which may be days old. It is one
// of now if its time says so, or if it came after another one of the same subscription.
type lastPrice struct {
	price   ib.Tick // the newest one
	seen    bool    // there is one
	current bool    // it is one of now
	time    ib.Tick // when a price was traded; Value 0: not known
}

// pairLimit is how far apart a price and its time may come.
const pairLimit = time.Second

// take takes in a tick of the last price or of its time, and returns what is known then; ok is false if that is nothing
// new. recent says whether a time is one of now.
func (l *lastPrice) take(t ib.Tick, recent func(ib.Tick) bool) (tick ib.Tick, ok bool) {
	if t.Field == ib.LastTime {
		first := l.time.Value == 0
		l.time = t
		// Later ones come before the price that they belong to, or belong to one that shows by itself that it is new.
		if !l.seen || l.current || !first || l.price.Old || t.At-l.price.At > pairLimit || !recent(t) {
			return ib.Tick{}, false
		}
		l.current = true
		return l.price, true
	}
	if t.Value == 0 {
		return t, true // there is none
	}
	moved := l.seen && t.Value != l.price.Value
	l.current = !t.Old && (l.current || moved || l.time.Value != 0 && recent(l.time))
	l.price, l.seen = t, true
	t.Old = !l.current
	return t, true
}
