package sim

import (
	"time"
)

// marketAt is the market at a time of the clock that clients see, not later than now.
func (g *Gateway) marketAt(q *quote, at time.Time) moment {
	return q.momentAt(g.stepAt(at.Add(-g.faults.skew)))
}

// traded is the volume between two times.
func (g *Gateway) traded(q *quote, from, to time.Time) int64 {
	c := q.course(leg{})
	total := func(at time.Time) int64 { return c.total(q.walk, g.stepAt(at.Add(-g.faults.skew))) }
	return max(total(to)-total(from), 1)
}
