package sim

import (
	"math"
	"slices"
	"sort"
	"time"
)

// The walk of a price is a line through points walkStep apart. A point is the sum of noise on walkLevels scales, each
// twice as slow as the one before and as much stronger as a random walk is over the longer time.
const (
	walkStep   = 15 * time.Second
	walkLevels = 19      // the slowest takes 45 days for a turn, so that a price stays near where it began
	walkScale  = 0.00009 // about 1 % per day
)

// walk is the course of an instrument's price: with the same seed the same one at every time before and after the
// start of the simulator, when it is the instrument's opening price. It remembers where it was read last, which makes
// reading on from there cheap; a walk is for one goroutine.
type walk struct {
	key   uint64
	start float64
	scale float64
	zero  float64 // the noise at the start

	cell [walkLevels]int64
	a, b [walkLevels]float64

	line     int64 // the number of the point where the line begins that was read last
	from, to float64
}

func newWalk(seed uint64, in *instrument) *walk {
	w := &walk{key: mix(seed ^ mix(uint64(in.conID()))), start: in.start, scale: walkScale}
	switch in.secType() {
	case "CASH":
		w.scale *= 0.4
	case "FUT":
		w.scale *= 0.8
	}
	for k := range w.cell {
		w.cell[k] = math.MinInt64
	}
	w.zero = w.noise(0)
	w.from, w.to = w.point(0), w.point(1)
	return w
}

// at is the price so long after the start of the simulator, before it if since is negative. It is not rounded.
func (w *walk) at(since time.Duration) float64 {
	n := floorDiv(since, walkStep)
	switch n {
	case w.line:
	case w.line + 1:
		w.line, w.from, w.to = n, w.to, w.point(n+1)
	default:
		w.line, w.from, w.to = n, w.point(n), w.point(n+1)
	}
	part := float64(since-time.Duration(n)*walkStep) / float64(walkStep)
	return w.from + part*(w.to-w.from)
}

// point is the price at one of the points that the walk goes through.
func (w *walk) point(n int64) float64 { return w.start * math.Exp(w.scale*(w.noise(n)-w.zero)) }

func (w *walk) noise(n int64) float64 {
	sum, strength := 0.0, 1.0
	for k := range walkLevels {
		if i := n >> k; i != w.cell[k] {
			w.cell[k], w.a[k], w.b[k] = i, w.random(k, i), w.random(k, i+1)
		}
		part := float64(n&(1<<k-1)) / float64(int64(1)<<k)
		sum += strength * (w.a[k] + (w.b[k]-w.a[k])*part*part*(3-2*part))
		strength *= math.Sqrt2
	}
	return sum
}

// random is a number from -1 to 1 that depends on the seed, a level and a place there.
func (w *walk) random(level int, place int64) float64 {
	return float64(int64(mix(w.key^mix(uint64(place)<<5^uint64(level))))) / (1 << 63)
}

// mix spreads the bits of x (the last steps of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func floorDiv(a, b time.Duration) int64 {
	n := int64(a / b)
	if a%b < 0 {
		n--
	}
	return n
}

// leg is a part of the course of a market: from a time on its price is pinned, or walks from where it was.
type leg struct {
	from   time.Duration // since the start of the simulator
	pinned float64       // 0: it walks
	factor float64       // of the walk
}

// maxLegs is how many legs a market remembers.
const maxLegs = 10_000

// price is the middle of the market at a time of the leg.
func (l *leg) price(w *walk, since time.Duration) float64 {
	if l.pinned > 0 {
		return l.pinned
	}
	return l.factor * w.at(since)
}

// leg is the one that a time is in.
func (q *quote) leg(since time.Duration) leg {
	after := sort.Search(len(q.legs), func(i int) bool { return q.legs[i].from > since })
	if after == 0 {
		return leg{factor: 1}
	}
	return q.legs[after-1]
}

// price is the middle of the market at a time, given since the start of the simulator; not rounded.
func (q *quote) price(since time.Duration) float64 {
	l := q.leg(since)
	return l.price(q.walk, since)
}

// pin holds the price from a time on; 0 lets it walk on from where it is.
func (q *quote) pin(since time.Duration, price float64) {
	l := leg{from: since, pinned: price}
	if price <= 0 {
		l = leg{from: since, factor: q.price(since) / q.walk.at(since)}
	}
	if len(q.legs) == maxLegs {
		q.legs = slices.Delete(q.legs, 0, 1)
	}
	q.legs = append(q.legs, l)
}

// elapsed is the time since the start of the simulator, as its markets count it.
func (g *Gateway) elapsed() time.Duration { return g.clock.now().Sub(g.clock.start) }
