package sim

import (
	"time"

	"google.golang.org/protobuf/proto"
)

// streamKey names a running subscription other than to market data: each kind of request has its own numbers.
type streamKey struct {
	kind string
	id   int32
}

// stream is such a subscription. It is due again and again; what it sends then may be nothing.
type stream struct {
	every time.Duration
	due   time.Time
	send  func(now time.Time) []proto.Message
	q     *quote // whose data it carries; nil for none
}

const (
	streamQuantum = 100 * time.Millisecond // how often streams are looked at
	maxLate       = 200                    // how many messages that are due a stream catches up with
)

// sendStreams sends what is due.
func (g *Gateway) sendStreams() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen != nil || g.down || g.upstreamLost {
		return
	}
	now := g.clock.now()
	for c := range g.conns {
		for key, f := range c.streams {
			if g.faults.competing && key.kind != profitOfAccount && key.kind != profitOfPosition {
				continue
			}
			for n := 0; !now.Before(f.due); n++ {
				if n == maxLate { // the computer slept, or the clock is very fast
					f.due = now.Truncate(f.every).Add(f.every)
					break
				}
				if f.q == nil || g.flows(f.q) {
					c.sendLocked(f.send(f.due.Add(g.faults.skew))...)
				}
				f.due = f.due.Add(f.every)
			}
		}
	}
}

// follow starts a stream at the next multiple of its time. It refuses a number that is in use.
func (g *Gateway) follow(
	c *conn, key streamKey, every time.Duration, send func(now time.Time) []proto.Message,
) *requestError {
	if _, ok := c.streams[key]; ok {
		return duplicateID()
	}
	c.streams[key] = &stream{every: every, due: g.clock.now().Truncate(every).Add(every), send: send}
	return nil
}

// followMarket is follow for the data of an instrument.
func (g *Gateway) followMarket(
	c *conn, key streamKey, q *quote, every time.Duration, send func(now time.Time) []proto.Message,
) *requestError {
	e := g.follow(c, key, every, send)
	if e == nil {
		c.streams[key].q = q
	}
	return e
}

func duplicateID() *requestError {
	return refused(322, "Error processing request.-'bN' : cause - Duplicate ticker id")
}

// unfollow ends a stream and reports whether there was one.
func (c *conn) unfollow(kind string, id int32) bool {
	_, ok := c.streams[streamKey{kind, id}]
	delete(c.streams, streamKey{kind, id})
	return ok
}

// changed passes on what a stream has to send if it is not what it sent last.
func changed(next func(now time.Time) proto.Message) func(now time.Time) []proto.Message {
	var last proto.Message
	return func(now time.Time) []proto.Message {
		m := next(now)
		if last != nil && proto.Equal(m, last) {
			return nil
		}
		last = m
		return []proto.Message{m}
	}
}
