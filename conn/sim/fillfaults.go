package sim

import (
	"google.golang.org/protobuf/proto"
)

// mayFill reports whether the fault of an order lets it fill now.
func (g *Gateway) mayFill(o *order) bool {
	switch {
	case o.fault.Away && g.owner(o) != nil, o.fault.Lost && o.lostAt.IsZero():
		return false
	}
	return !g.clock.now().Before(o.paused)
}

// pause lets some time go by before the next fill of an order.
func (g *Gateway) pause(o *order) {
	if o.fault.Pace == 0 || o.done() {
		return
	}
	o.paused = g.clock.now().Add(o.fault.Pace)
	g.later(o.fault.Pace, func() { g.tryFill(o) })
}

// fillAwayLocked fills orders of a client that has left, if they wait for that.
func (g *Gateway) fillAwayLocked(c *conn) {
	for _, o := range g.book.open() {
		if o.fault.Away && o.key.client == c.clientID && !o.held && !o.cancel {
			g.tryFill(o)
		}
	}
}

// fillLostLocked notes that orders fill while upstream is lost. The gateway, and all that it says, knows of it when
// upstream is back.
func (g *Gateway) fillLostLocked() {
	for _, o := range g.book.open() {
		if o.fault.Lost && o.lostAt.IsZero() && g.working(o) {
			o.lostAt = g.nowLocked()
		}
	}
}

// tellFill sends an execution and what becomes of its order by it, in the order that its fault says.
func (g *Gateway) tellFill(o *order, x execution) {
	list := []proto.Message{x.details, o.openOrderMessage(), o.statusMessage(), x.commission}
	switch {
	case o.untold && o.fault.ExecutionFirst:
		before := *o
		before.status, before.filled, before.avgPrice, before.lastPrice = statusPreSubmitted, 0, 0, 0
		list = []proto.Message{
			x.details, x.commission, before.openOrderMessage(), before.statusMessage(), o.openOrderMessage(),
			o.statusMessage(),
		}
	case o.fault.StatusFirst:
		list = []proto.Message{o.openOrderMessage(), o.statusMessage(), x.details, x.commission}
	}
	if o.untold = false; o.fault.Twice {
		list = append(list, x.details, x.commission)
	}
	g.sendOwner(o, list...)
}
