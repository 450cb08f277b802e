package sim

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"
)

// moment is the market of an instrument at one step.
type moment struct {
	bid, ask, last             float64
	bidSize, askSize, lastSize int64
	volume                     int64 // since the day began
}

// course is all that the prices of an instrument are made of at present. It is copied, so that ticks are made without
// a lock.
type course struct {
	in       *instrument
	leg      leg
	lot      int64         // mean size of a trade
	every    time.Duration // between two steps
	day      day
	silence  silence
	unquoted bool
}

// trades reports whether there are any.
func (c *course) trades() bool { return c.silence.traded.IsZero() && !c.unquoted }

// day is what changes at midnight in New York.
type day struct {
	from        int64 // step
	open, close float64
}

// silence is since when there have been no trades.
type silence struct {
	traded time.Time // last; zero: there are trades
	step   int64     // of that trade
	price  float64   // of that trade
}

// quote is the simulated market of one instrument. The embedded moment is the present one.
type quote struct {
	in   *instrument
	walk *walk
	legs []leg // how its price went, beside the walk
	moment
	high, low float64
	lot       int64
	every     time.Duration
	day       day
	silence   silence
	replay    *replay // nil: the price walks
	halted    int     // why there is no trade, as tick 49 has it
	borrow    bool    // its shares are hard to borrow
	unquoted  bool    // there is no bid and no ask
	competing bool    // another session has the data
	dataType  int32   // of all subscriptions; 0: as they were asked for
}

func newQuote(in *instrument, seed uint64, rate float64) *quote {
	return &quote{
		in: in, walk: newWalk(seed, cmp.Or(in.under, in)),
		every: time.Duration(min(float64(time.Second)/rate, float64(1000*time.Hour))),
		lot:   int64(min(max(600/rate, 1), 150)), // so that the volume of a day depends little on the number of ticks
	}
}

// round removes the noise that multiplying by a tick leaves behind.
func round(f float64) float64 { return math.Round(f*1e8) / 1e8 }

func (q *quote) course(leg leg) course {
	return course{q.in, leg, q.lot, q.every, q.day, q.silence, q.unquoted}
}

// at is the market at a step, with the same walk always the same.
func (c *course) at(w *walk, step int64) (m moment) {
	price := c.leg.price(w, time.Duration(step)*c.every)
	t, chance := c.in.step(price), mix(w.key^uint64(step))
	n := math.Max(1, math.Round(price/t))
	free := c.leg.pinned == 0 && step != 0
	if free && chance&1 != 0 {
		n = math.Max(1, n-1)
	}
	m.bid, m.ask = round(n*t), round((n+1)*t)
	m.bidSize, m.askSize = int64(1+chance>>8%9)*100, int64(1+chance>>16%9)*100
	m.last = m.bid
	if free && chance&2 != 0 {
		m.last = m.ask
	}
	trade := step
	if !c.silence.traded.IsZero() {
		m.last, trade = c.silence.price, c.silence.step
	}
	if c.unquoted {
		none := -c.in.magnifier()
		m.bid, m.ask, m.bidSize, m.askSize = none, none, 0, 0
	}
	total := c.total(w, trade)
	m.lastSize, m.volume = total-c.total(w, trade-1), total-c.total(w, c.day.from)
	return m
}

// total is the volume traded up to a step, counted from the start.
func (c *course) total(w *walk, step int64) int64 {
	return step*c.lot + int64(mix(^w.key^uint64(step))%uint64(c.lot))
}

// momentAt is the market at a step, past ones included.
func (q *quote) momentAt(step int64) moment {
	c := q.course(q.leg(time.Duration(step) * q.every))
	return c.at(q.walk, step)
}

// advance moves the market to a step.
func (q *quote) advance(step int64) {
	if q.replay != nil || q.halted != 0 {
		return
	}
	q.moment = q.momentAt(step)
	q.high, q.low = max(q.high, q.last), min(q.low, q.last)
}

// beginDay starts a day that began at one step and is at another now.
func (q *quote) beginDay(from, now int64) {
	if q.replay != nil {
		return
	}
	q.day = day{from: from, open: q.momentAt(from).last, close: q.momentAt(from - 1).last}
	q.high, q.low = q.day.open, q.day.open
	const samples = 100
	for i := range int64(samples + 1) {
		q.advance(from + (now-from)*i/samples)
	}
}

// marketQuantum is the shortest pause between two batches of ticks; above 200 ticks/s and symbol, ticks come in
// batches.
const marketQuantum = 5 * time.Millisecond

// stepAt is the step of the market at a time of the gateway's clock.
func (g *Gateway) stepAt(t time.Time) int64 {
	return floorDiv(t.Sub(g.clock.start), g.quotes[0].every)
}

// openMarket makes the markets of all instruments.
func (g *Gateway) openMarket() error {
	now := g.clock.now()
	instruments := newInstruments(now)
	if in := g.cfg.Initial; in != nil {
		var err error
		if instruments, err = in.apply(instruments); err != nil {
			return err
		}
	}
	for _, in := range instruments {
		g.quotes = append(g.quotes, newQuote(in, g.cfg.Seed, g.cfg.TickRate))
	}
	g.beginDay(now)
	if g.cfg.Replay == "" {
		return nil
	}
	return g.loadReplay(g.cfg.Replay)
}

// beginDay starts the day of a time of the gateway's clock.
func (g *Gateway) beginDay(now time.Time) {
	y, m, d := now.In(g.zone).Date()
	g.dayEnd = time.Date(y, m, d+1, 0, 0, 0, 0, g.zone)
	from := g.stepAt(time.Date(y, m, d, 0, 0, 0, 0, g.zone))
	for _, q := range g.quotes {
		q.beginDay(from, g.step)
	}
}

// runMarket moves all markets until ctx ends.
func (g *Gateway) runMarket(ctx context.Context) {
	each := g.quotes[0].every
	if g.cfg.Replay != "" {
		each = 0 // as often as it can be
	}
	g.every(ctx, each, g.moveMarket)
}

// moveMarket moves all markets to the present step, looks for fills and wakes the writers, which make the ticks.
func (g *Gateway) moveMarket() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.now()
	step := floorDiv(g.elapsed(), g.quotes[0].every)
	if g.frozen != nil || g.down {
		return
	}
	moved := g.playLocked()
	if step > g.step {
		g.step, moved = step, true
		g.walkLocked(now)
	}
	for c := range g.conns {
		if moved && len(c.subs) > 0 {
			c.flush()
		}
	}
}

// walkLocked moves the markets that walk to the present step.
func (g *Gateway) walkLocked(now time.Time) {
	if g.upstreamLost {
		return
	}
	if !now.Before(g.dayEnd) {
		g.beginDay(now)
	}
	moved := map[*quote]bool{}
	for _, q := range g.quotes {
		bid, ask, last := q.bid, q.ask, q.last
		q.advance(g.step)
		moved[q] = bid != q.bid || ask != q.ask || last != q.last
	}
	for _, o := range g.book.orders {
		if moved[o.q] && !o.done() && !o.held && !o.cancel {
			g.tryFill(o)
		}
	}
}

// SetPrice pins the market of a symbol (AAPL, EUR.USD, ESZ6) with its bid at price and fills orders that became
// marketable. A price of 0 lets the market walk again, from where it is; at -1 there is no bid and no ask. It reports
// an unknown symbol.
func (g *Gateway) SetPrice(symbol string, price float64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := errUnknownSymbol(symbol)
	for _, q := range g.quotes { // a CFD has the symbol of its stock, and its market
		if q.in.label() != symbol || q.in.contract.GetExchange() == "MEXI" {
			continue
		}
		if q.replay != nil {
			return fmt.Errorf("%s is replayed from a file: its price cannot be set", symbol)
		}
		pinned := price
		if q.silence, q.unquoted = (silence{}), price < 0; q.unquoted {
			pinned = q.last
		}
		q.pin(time.Duration(g.step)*q.every, pinned)
		q.advance(g.step)
		if !g.upstreamLost {
			g.matchLocked(q)
		}
		err = nil
	}
	return err
}
