package sim

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Tick types of the protocol. Delayed data use their own numbers.
const (
	tickBidSize  = 0
	tickBid      = 1
	tickAsk      = 2
	tickLast     = 4
	tickAskSize  = 3
	tickLastSize = 5
	tickHigh     = 6
	tickLow      = 7
	tickVolume   = 8
	tickClose    = 9
	tickOpen     = 14
	tickLastTime = 45
)

// delayedTick maps a live tick type to its delayed one.
func delayedTick(t int32) int32 {
	switch t {
	case tickBid:
		return 66
	case tickAsk:
		return 67
	case tickLast:
		return 68
	case tickBidSize:
		return 69
	case tickAskSize:
		return 70
	case tickLastSize:
		return 71
	case tickHigh:
		return 72
	case tickLow:
		return 73
	case tickVolume:
		return 74
	case tickClose:
		return 75
	case tickOpen:
		return 76
	case tickLastTime:
		return 88
	}
	return t
}

// quote is the simulated market of one instrument.
type quote struct {
	in             *instrument
	walk           *walk
	legs           []leg // how its price went, beside the walk
	mid            float64
	bid, ask, last float64
	bidSize        int
	askSize        int
	lastSize       int
	high, low      float64
	volume         int
	traded         time.Time // when it was last, while nobody trades; zero: now
	dataType       int32     // of all subscriptions; 0: as they were asked for
}

func newQuote(in *instrument, seed uint64) *quote {
	q := &quote{in: in, walk: newWalk(seed, in), high: in.start, low: in.start, volume: 1_000_000}
	q.set(in.start)
	return q
}

// set puts the middle of the market at mid, rounded to ticks.
func (q *quote) set(mid float64) {
	t := q.in.step(mid)
	n := math.Max(1, math.Round(mid/t))
	q.bid, q.ask, q.last = round(n*t), round((n+1)*t), round(n*t)
	q.bidSize, q.askSize, q.lastSize = 100+rand.IntN(9)*100, 100+rand.IntN(9)*100, 100
	q.high, q.low = math.Max(q.high, q.last), math.Min(q.low, q.last)
}

// round removes the noise that multiplying by a tick leaves behind.
func round(f float64) float64 { return math.Round(f*1e8) / 1e8 }

// pinned reports whether the price is held.
func (q *quote) pinned() bool { return len(q.legs) > 0 && q.legs[len(q.legs)-1].pinned > 0 }

// step moves the market to its middle, or a tick below.
func (q *quote) step() {
	t := q.in.step(q.mid)
	n := math.Max(2, math.Round(q.mid/t)) - float64(rand.IntN(2))
	q.bid, q.ask = round(n*t), round((n+1)*t)
	if !q.traded.IsZero() {
		return
	}
	if rand.IntN(2) == 0 {
		q.last = q.bid
	} else {
		q.last = q.ask
	}
	q.bidSize, q.askSize, q.lastSize = 100+rand.IntN(9)*100, 100+rand.IntN(9)*100, 1+rand.IntN(300)
	q.volume += q.lastSize
	q.high, q.low = math.Max(q.high, q.last), math.Min(q.low, q.last)
}

// subscription is one running market data request.
type subscription struct {
	reqID   int32
	q       *quote
	delayed bool
	phase   int
}

func (s *subscription) kind(t int32) *int32 {
	if s.delayed {
		t = delayedTick(t)
	}
	return &t
}

func (s *subscription) price(t int32, price float64, size int) *protobuf.TickPrice {
	return &protobuf.TickPrice{ReqId: &s.reqID, TickType: s.kind(t), Price: &price, Size: proto.String(itoa(size)), AttrMask: proto.Int32(1)}
}

func (s *subscription) size(t int32, size int) *protobuf.TickSize {
	return &protobuf.TickSize{ReqId: &s.reqID, TickType: s.kind(t), Size: proto.String(itoa(size))}
}

// lastTime is when the last price was traded; it comes before the price.
func (s *subscription) lastTime(now time.Time) *protobuf.TickString {
	at := s.q.traded
	if at.IsZero() {
		at = now
	}
	return &protobuf.TickString{ReqId: &s.reqID, TickType: s.kind(tickLastTime), Value: proto.String(itoa(int(at.Unix())))}
}

// snapshot is what a new subscription gets at once.
func (s *subscription) snapshot(now time.Time) []proto.Message {
	q := s.q
	return []proto.Message{
		s.price(tickBid, q.bid, q.bidSize), s.price(tickAsk, q.ask, q.askSize), s.lastTime(now), s.price(tickLast, q.last, q.lastSize),
		s.size(tickBidSize, q.bidSize), s.size(tickAskSize, q.askSize), s.size(tickLastSize, q.lastSize),
		s.size(tickVolume, q.volume), s.price(tickHigh, q.high, 0), s.price(tickLow, q.low, 0),
		s.price(tickClose, q.in.start, 0), s.price(tickOpen, q.in.start, 0),
	}
}

// next is the following tick: bid, ask and last in turn, each a price with its size.
func (s *subscription) next(now time.Time) []proto.Message {
	s.phase = (s.phase + 1) % 3
	switch {
	case s.phase == 1:
		return []proto.Message{s.price(tickAsk, s.q.ask, s.q.askSize)}
	case s.phase == 2 && s.q.traded.IsZero():
		return []proto.Message{s.lastTime(now), s.price(tickLast, s.q.last, s.q.lastSize)}
	}
	return []proto.Message{s.price(tickBid, s.q.bid, s.q.bidSize)}
}

// marketQuantum is the shortest pause between two batches of ticks; above 200 ticks/s and symbol, ticks come in
// batches.
const marketQuantum = 5 * time.Millisecond

// runMarket moves all markets, sends ticks and looks for fills until ctx ends.
func (g *Gateway) runMarket(ctx context.Context) {
	every := max(marketQuantum, time.Duration(float64(time.Second)/g.cfg.TickRate))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	start, sent := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			due := int64(now.Sub(start).Seconds() * g.cfg.TickRate)
			// A late ticker is made up for, but not more than a second of it.
			n := min(max(due-sent, 0), int64(math.Ceil(g.cfg.TickRate)))
			sent = max(due, sent)
			if n > 0 {
				g.moveMarket(int(n))
			}
		}
	}
}

// moveMarket makes n steps on every market somebody watches or has an order in.
func (g *Gateway) moveMarket(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen != nil || g.down {
		return
	}
	live, now, since := !g.upstreamLost, g.nowLocked(), g.elapsed()
	for _, q := range g.quotes {
		q.mid = q.price(since)
	}
	for range n {
		for _, q := range g.quotes {
			if live && !q.pinned() {
				q.step()
			}
		}
		if !live || g.faults.competing {
			continue
		}
		for c := range g.conns {
			for _, s := range c.subs {
				for _, m := range s.next(now) {
					c.queueLocked(m)
				}
				g.counters.Ticks++
			}
		}
	}
	if live {
		for _, q := range g.quotes {
			g.matchLocked(q)
		}
	}
	for c := range g.conns {
		c.flush()
	}
}

// SetPrice pins the market of a symbol (AAPL, EUR.USD, ESZ6) with its bid at price and fills orders that became
// marketable. A price of 0 lets the market walk again. It reports an unknown symbol.
func (g *Gateway) SetPrice(symbol string, price float64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, q := range g.quotes {
		if q.in.label() != symbol || q.in.contract.GetExchange() == "MEXI" {
			continue
		}
		q.traded = time.Time{}
		q.pin(g.elapsed(), price)
		if price > 0 {
			q.set(price)
		}
		if !g.upstreamLost {
			g.matchLocked(q)
		}
		for c := range g.conns {
			c.flush()
		}
		return nil
	}
	return errUnknownSymbol(symbol)
}
