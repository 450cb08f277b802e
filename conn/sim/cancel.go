package sim

import (
	"math"
	"slices"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Why an order ended, as completed orders say it.
const (
	byTrader = "Cancelled by Trader"
	bySystem = "Cancelled by System:"
)

// cancelOrder cancels an order of the same client id, or else the newest open one of another client with that order id.
func (g *Gateway) cancelOrder(c *conn, m *protobuf.CancelOrderRequest) *requestError {
	id := m.GetOrderId()
	if g.discardLocked() {
		e := refused(100, "Max rate of messages per second has been exceeded")
		e.Reason, e.unnamed = reasonPacing, true
		return e
	}
	o := g.book.byID[orderKey{c.clientID, id}]
	if o == nil && !g.cfg.OwnCancelsOnly {
		o = g.foreign(id)
	}
	if o == nil || o.hidden {
		return refused(10147, "OrderId %d that needs to be cancelled is not found.", id)
	}
	if o.done() || o.status == statusPendingCancel {
		return refused(10148, "OrderId %d that needs to be cancelled cannot be cancelled, state: %s.", id, o.status)
	}
	if g.upstreamLost && g.cfg.RejectOrdersUpstreamLost {
		return notConnected()
	}
	g.requestCancel(o, c)
	return nil
}

// foreign is the newest open order with an id, of whatever client. Orders made by hand have no id that a client
// could name.
func (g *Gateway) foreign(id int32) *order {
	for _, o := range slices.Backward(g.book.orders) {
		if o.key.id == id && g.book.byID[o.key] == o && !o.done() {
			return o
		}
	}
	return nil
}

// globalCancel cancels all open orders of all clients.
func (g *Gateway) globalCancel(c *conn, _ *protobuf.GlobalCancelRequest) *requestError {
	for _, o := range g.book.open() {
		if !o.done() { // a parent may have taken it along
			g.requestCancel(o, c)
		}
	}
	return nil
}

// requestCancel cancels an order for a client, once upstream is there.
func (g *Gateway) requestCancel(o *order, by *conn) {
	if o.fault.CancelLate > 0 && !o.held {
		if !o.cancelling {
			o.cancelling = true
			g.later(o.fault.CancelLate, func() { g.carryOut(o, by) })
		}
		return
	}
	g.carryOut(o, by)
}

// carryOut does what was asked for.
func (g *Gateway) carryOut(o *order, by *conn) {
	if o.done() || o.cancel {
		return
	}
	if g.upstreamLost && !o.held {
		o.cancel, o.status = true, statusPendingCancel
		g.sendOwner(o, o.statusMessage())
		return
	}
	g.confirmCancel(o, by)
}

// confirmCancel ends an order that a client wants to be cancelled. Another client than the order's own gets it as
// well, under its own client id.
func (g *Gateway) confirmCancel(o *order, by *conn) {
	o.silent, o.untold = o.fault.CancelLost, false
	if o.status == statusSubmitted && by != nil && by.clientID == o.key.client {
		o.status = statusPendingCancel
		g.sendOwner(o, o.statusMessage())
	}
	g.cancelLocked(o, byTrader)
	if by != nil && by.clientID != o.key.client {
		status := o.statusMessage()
		status.ClientId = &by.clientID
		by.sendLocked(status, g.errorMessage(o.key.id, 202, cancelText))
	}
}

const cancelText = "Order Canceled - reason:"

// cancelLocked ends an order and takes its children along. If a part of it was filled they stay, and go to work for
// that part.
func (g *Gateway) cancelLocked(o *order, why string) {
	g.end(o, statusCancelled, why, g.errorMessage(o.key.id, 202, cancelText))
}

// end ends an order with a status, and what is said behind that.
func (g *Gateway) end(o *order, status, why string, behind ...proto.Message) {
	o.status, o.ended, o.reason, o.completed = status, true, why, g.nowLocked()
	o.held, o.cancel = false, false
	g.sendOwner(o, append([]proto.Message{o.statusMessage()}, behind...)...)
	for _, child := range g.book.open() {
		switch {
		case child.parent != o || child.done():
		case o.filled == 0:
			g.cancelLocked(child, why)
		default:
			child.qty = math.Min(child.qty, o.filled)
			child.parts = partSize(child.qty, g.cfg.PartialFills)
			child.order = proto.CloneOf(child.order)
			child.order.TotalQuantity = new(formatFloat(child.qty))
			g.announce(child)
			g.tryFill(child)
		}
	}
}
