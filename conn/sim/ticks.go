package sim

import (
	"cmp"
	"math"
	"slices"
	"time"
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
	tickHalted   = 49

	tickMark            = 37
	tickShortable       = 46
	tickRTVolume        = 48
	tickRTTrades        = 77
	tickShortableShares = 89
)

// delayedTicks maps live tick types to delayed ones.
var delayedTicks = map[int32]int32{
	tickBid: 66, tickAsk: 67, tickLast: 68, tickBidSize: 69, tickAskSize: 70, tickLastSize: 71, tickHigh: 72,
	tickLow:    73,
	tickVolume: 74, tickClose: 75, tickOpen: 76, tickLastTime: 88, tickHalted: 90,
}

// subscription is one running market data request. What follows the blank line belongs to the writer of its
// connection once the subscription is among [conn.subs].
type subscription struct {
	reqID    int32
	q        *quote
	kind     int32 // market data type, guarded by Gateway.mu
	asked    int32 // its type without a fault
	snapshot bool  // its values are sent once
	generics []int

	walk         walk  // a copy, which remembers where it is
	step         int64 // up to which ticks were made
	phase        int   // of bid, ask and last, which come in turn
	high, low    float64
	day          int64 // the step at which the last day that was sent began
	row          int   // of a replay: up to which values were sent
	at           moment
	paid, shares float64 // in the trades so far
}

// feed is all that the ticks of a subscription are made of, so that no lock is held meanwhile.
type feed struct {
	s       *subscription
	delayed bool
	course  course
	replay  *replay // of which done rows have taken effect
	done    int
}

// feed is that of the market's present leg.
func (s *subscription) feed(step int64) feed {
	leg := s.q.leg(time.Duration(step) * s.q.every)
	f := feed{s: s, delayed: s.kind == 3 || s.kind == 4, course: s.q.course(leg), replay: s.q.replay}
	if f.replay != nil {
		f.done = f.replay.done
	}
	return f
}

// maxTicks is how many ticks a batch has at most. A client that does not keep up with the market misses the ticks
// between its batches, and gets the present ones.
const maxTicks = 1 << 14

// feedsLocked returns what a connection's ticks are made of; none while no market data flows.
func (g *Gateway) feedsLocked(c *conn, list []feed) []feed {
	for _, s := range c.subs {
		if !c.muted && !s.snapshot && g.flows(s.q) {
			list = append(list, s.feed(g.step))
		} else {
			s.skip(g.step)
		}
	}
	return list
}

// skip leaves out what happens while no data flows.
func (s *subscription) skip(step int64) {
	s.step, s.at = step, s.q.moment
	if s.q.replay != nil {
		s.row = s.q.replay.done
	}
}

// appendTicks appends what has happened on the subscribed markets since it was called last, step by step, but no more
// than a number of ticks, or one for each.
func (g *Gateway) appendTicks(b []byte, version int, feeds []feed, most int, to int64, now time.Time) []byte {
	slices.SortFunc(feeds, func(x, y feed) int { return cmp.Compare(x.s.reqID, y.s.reqID) })
	room := min(int64(max(1, most/len(feeds))), int64(math.Ceil(g.cfg.TickRate*g.cfg.Speed)))
	first := to
	for _, f := range feeds {
		f.s.step = max(f.s.step, to-room)
		first = min(first, f.s.step)
	}
	t, count := tickWriter{textWriter{b, version}}, int64(0)
	for step := first + 1; step <= to; step++ {
		for i := range feeds {
			if f := &feeds[i]; step > f.s.step && f.replay == nil {
				f.next(&t, step, now)
				count++
			}
		}
	}
	for i := range feeds {
		f := &feeds[i]
		if f.s.step = to; f.replay != nil {
			count += f.follow(&t, now)
		}
	}
	g.ticks.Add(count)
	return t.b
}

// next writes the tick of a step: bid, ask and last in turn, each a price with its size.
func (f *feed) next(t *tickWriter, step int64, now time.Time) {
	s := f.s
	if s.day != f.course.day.from {
		f.beginDay(t)
	}
	m := f.course.at(&s.walk, step)
	s.phase = (s.phase + 1) % 3
	switch {
	case s.phase == 1:
		f.price(t, tickAsk, m.ask, m.askSize)
	case s.phase == 2 && f.course.trades():
		f.trade(t, m, now)
	default:
		f.price(t, tickBid, m.bid, m.bidSize)
	}
}

// trade writes a trade, and what it moves.
func (f *feed) trade(t *tickWriter, m moment, now time.Time) {
	f.lastTime(t, now)
	f.price(t, tickLast, m.last, m.lastSize)
	if f.replay == nil || !f.replay.volume {
		f.size(t, tickVolume, m.volume)
	}
	f.tradeGenerics(t, m, now)
	if m.last > f.s.high {
		f.s.high = m.last
		f.price(t, tickHigh, m.last, 0)
	}
	if m.last < f.s.low {
		f.s.low = m.last
		f.price(t, tickLow, m.last, 0)
	}
}

// beginDay writes the values of a new day.
func (f *feed) beginDay(t *tickWriter) {
	f.s.day, f.s.high, f.s.low = f.course.day.from, f.course.day.open, f.course.day.open
	f.price(t, tickClose, f.course.day.close, 0)
	f.price(t, tickOpen, f.course.day.open, 0)
	f.price(t, tickHigh, f.s.high, 0)
	f.price(t, tickLow, f.s.low, 0)
}

// first writes what a new subscription gets at once, in the order of recorded sessions.
func (f *feed) first(t *tickWriter, now time.Time) {
	q := f.s.q
	f.lastTime(t, now)
	f.price(t, tickLast, q.last, q.lastSize)
	f.size(t, tickLastSize, q.lastSize)
	f.generic(t, tickHalted, float64(q.halted))
	f.size(t, tickVolume, q.volume)
	f.price(t, tickHigh, q.high, 0)
	f.price(t, tickLow, q.low, 0)
	f.price(t, tickClose, q.day.close, 0)
	f.price(t, tickOpen, q.day.open, 0)
	f.price(t, tickBid, q.bid, q.bidSize)
	f.price(t, tickAsk, q.ask, q.askSize)
	f.size(t, tickBidSize, q.bidSize)
	f.size(t, tickAskSize, q.askSize)
	f.firstGenerics(t)
}

func (f *feed) kind(t int32) int32 {
	if d, ok := delayedTicks[t]; ok && f.delayed {
		return d
	}
	return t
}

func (f *feed) price(t *tickWriter, kind int32, price float64, size int64) {
	t.tickPrice(f.s.reqID, f.kind(kind), price, size)
}

func (f *feed) size(t *tickWriter, kind int32, size int64) { t.tickSize(f.s.reqID, f.kind(kind), size) }

func (f *feed) generic(t *tickWriter, kind int32, value float64) {
	t.tickGeneric(f.s.reqID, f.kind(kind), value)
}

// lastTime writes when the last price was traded; it comes before the price.
func (f *feed) lastTime(t *tickWriter, now time.Time) {
	if !f.course.silence.traded.IsZero() {
		now = f.course.silence.traded
	}
	t.tickString(f.s.reqID, f.kind(tickLastTime), itoa(int(now.Unix())))
}
