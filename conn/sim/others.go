package sim

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"github.com/scmhub/ibapi/protobuf"
)

// ManualOrder is an order that someone makes by hand in TWS, or with another program.
type ManualOrder struct {
	Symbol   string
	Action   string  // BUY or SELL
	Quantity float64 // default 1
	Limit    float64 // 0: a market order
	ID       int32   // as clients see it: real ones show 0, negative ids or 2147483647
	Ref      string  // as in a copy of an order from the API
	Client   int32   // client id that it belongs to; 0 if it is made by hand
}

// PlaceByHand makes an order by hand, which no client can change or cancel, or one of another client id, which that
// can. It returns the order's permId.
func (g *Gateway) PlaceByHand(m ManualOrder) (permID int64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q, err := g.quoteOf(m.Symbol)
	if err != nil {
		return 0, err
	}
	if m.Action != "BUY" && m.Action != "SELL" {
		return 0, fmt.Errorf("unknown action %q", m.Action)
	}
	m.Quantity = cmp.Or(m.Quantity, 1)
	typ, limit := "LMT", &m.Limit
	if m.Limit == 0 {
		typ, limit = "MKT", nil
	}
	g.book.permSeq++
	o := &order{
		key: orderKey{m.Client, m.ID}, permID: firstPermID + g.book.permSeq, q: q, status: statusPreSubmitted,
		qty:      m.Quantity,
		contract: orderContract(q, q.in.contract), held: g.upstreamLost,
		parts: math.Max(m.Quantity, math.SmallestNonzeroFloat64),
		order: g.filledOut(&protobuf.Order{
			Action: &m.Action, TotalQuantity: new(formatFloat(m.Quantity)), OrderType: &typ, LmtPrice: limit,
			OrderRef: &m.Ref, Transmit: new(true),
		}),
	}
	if m.Client != 0 {
		if old := g.book.byID[o.key]; old != nil && !old.done() {
			return 0, fmt.Errorf("client id %d has an open order %d", m.Client, m.ID)
		}
		g.book.add(o)
	}
	g.book.orders = append(g.book.orders, o)
	g.counters.Orders++
	g.activate(o)
	return o.permID, nil
}

// ReplaceByHand replaces an open order as a person does: it is cancelled, and another one works with its client id, its
// order id and its reference, and a permId of its own, which is returned.
func (g *Gateway) ReplaceByHand(client, id int32) (permID int64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.book.byID[orderKey{client, id}]
	if old == nil || old.done() {
		return 0, fmt.Errorf("no open order %d of client id %d", id, client)
	}
	g.book.permSeq++
	other := *old
	other.permID = firstPermID + g.book.permSeq
	g.book.byID[old.key] = &other
	g.book.orders = append(g.book.orders, &other)
	for _, child := range g.book.open() {
		if child.parent == old {
			child.parent = &other
		}
	}
	old.status, old.reason, old.completed = statusCancelled, byTrader, g.nowLocked()
	g.sendOwner(old, old.statusMessage())
	g.announce(&other)
	return other.permID, nil
}

// ResetIDs makes the gateway count order ids from NextOrderID again, as "Reset API order ID sequence" does. Open orders
// keep theirs; those of orders that are done can be used again.
func (g *Gateway) ResetIDs() { g.locked(func() { g.book.forgetIDs(g.cfg.NextOrderID) }) }

// DiscardCancels throws the next n requests to cancel an order away, as if they came too fast: with error 100, which
// names none. Below 0, all of them.
func (g *Gateway) DiscardCancels(n int) { g.locked(func() { g.faults.discard = n }) }

// discardLocked reports whether a request to cancel is to be thrown away, and counts it.
func (g *Gateway) discardLocked() bool {
	n := g.faults.discard
	if n > 0 {
		g.faults.discard--
	}
	return n != 0
}

// placeByHand is the verb of [Gateway.PlaceByHand].
func placeByHand(g *Gateway, a *args) error {
	m := ManualOrder{
		Symbol: a.text("symbol"), Action: a.text("action"),
		Quantity: float64(a.int("quantity", 1, 1<<30)),
		ID:       int32(a.int("id", math.MinInt32, math.MaxInt32)), Ref: a.text("ref"),
	}
	limit, err := strconv.ParseFloat(a.text("limit"), 64)
	if m.Limit = limit; err != nil || !(limit >= 0 && limit < 1e9) {
		a.fail("limit", "a price")
	}
	return a.do(func() (err error) {
		a.result["perm_id"], err = g.PlaceByHand(m)
		return err
	})
}
