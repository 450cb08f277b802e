package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// start sends an order upstream, or holds it until that is back. One that is kept does not leave.
func (g *Gateway) start(o *order) {
	switch {
	case o.kept():
	case o.held:
		for _, p := range g.transmit(o) {
			p.status = statusPendingSubmit
			g.announce(p)
		}
	default:
		g.activate(o)
	}
}

// activate says that upstream has an order and what its family kept for it, and lets them go to work. An order that
// is kept is not sent at all.
func (g *Gateway) activate(o *order) {
	if o.kept() {
		return
	}
	family := slices.DeleteFunc(g.transmit(o), func(p *order) bool { return p.held || p.cancel })
	for _, p := range family {
		g.acknowledge(p)
	}
	for _, p := range family {
		if !p.done() { // one may have ended another meanwhile
			g.tryFill(p)
		}
		p.untold = p.untold && p.fault.ExecutionFirst
	}
}

// transmit returns an order with what its family kept until now: parent, siblings and children, in order of placement.
func (g *Gateway) transmit(o *order) (family []*order) {
	for _, p := range g.book.open() {
		if p != o && (!p.kept() || p.head() != o.head()) {
			continue
		}
		if p.kept() {
			p.order = proto.CloneOf(p.order)
			p.order.Transmit = new(true)
		}
		family = append(family, p)
	}
	return family
}

// acknowledge sends the first status of an order: PreSubmitted, whatever comes then, unless it works already and
// was changed.
func (g *Gateway) acknowledge(o *order) {
	o.locating = g.mustLocate(o)
	switch {
	case o.fixed || o.status == statusSubmitted && g.working(o):
	case o.locating:
		o.status = statusInactive
		g.sendOwner(o, g.errorMessage(o.key.id, 404, noticeText(404)))
	default:
		o.status = statusPreSubmitted
	}
	g.announce(o)
}

// working reports whether the order is at the exchange, as opposed to waiting for a trigger, its parent or transmit.
func (g *Gateway) working(o *order) bool {
	if o.fixed || o.kept() || o.held || o.cancel || o.locating || !o.auction.IsZero() || o.parent != nil &&
		!o.parent.frees() {
		return false
	}
	if !orderTypes[o.order.GetOrderType()] {
		return false
	}
	if len(o.order.GetConditions()) > 0 && !o.order.GetConditionsCancelOrder() { // conditions are kept, not watched
		return false
	}
	return o.stop == 0 || o.triggered
}

// matchLocked fills the open orders of one market that have become marketable.
func (g *Gateway) matchLocked(q *quote) {
	for _, o := range g.book.orders {
		if o.q == q && !o.done() && !o.held && !o.cancel {
			g.tryFill(o)
		}
	}
}

// tryFill triggers and fills an order as far as the market allows.
func (g *Gateway) tryFill(o *order) {
	if g.upstreamLost || o.done() {
		return
	}
	if o.stop != 0 && !o.triggered && g.trigger(o) && g.working(o) {
		o.status = statusSubmitted
		g.announce(o)
	}
	if !g.working(o) {
		return
	}
	tif := o.order.GetTif()
	for !o.done() {
		price, ok := marketable(o)
		if !ok || !g.mayFill(o) {
			break
		}
		g.fill(o, price)
		if g.cfg.SpreadFills && tif != "FOK" {
			break
		}
		g.pause(o)
	}
	switch {
	case o.done():
	case tif == "FOK":
		g.end(o, statusInactive, bySystem)
	case tif == "IOC":
		o.status = statusPendingCancel
		g.sendOwner(o, o.statusMessage())
		g.end(o, statusCancelled, bySystem)
	case o.status == statusPreSubmitted:
		o.status = statusSubmitted
		g.announce(o)
	}
}

// trigger moves a trailing stop and reports whether the order's stop or touch price has been reached.
func (g *Gateway) trigger(o *order) bool {
	q, buy := o.q, o.order.GetAction() == "BUY"
	kind := o.order.GetOrderType()
	if strings.HasPrefix(kind, "TRAIL") {
		if at := trail(o, q); buy && at < o.stop || !buy && at > o.stop {
			o.stop = at
		}
	}
	if q.halted != 0 || q.last <= 0 {
		return o.triggered
	}
	up := buy // a stop to buy waits for the market to rise, a touch order to buy for it to fall
	if kind == "MIT" || kind == "LIT" {
		up = !buy
	}
	if up && q.last >= o.stop || !up && q.last <= o.stop {
		o.triggered = true
	}
	return o.triggered
}

// marketable is the price at which an order would fill now.
func marketable(o *order) (float64, bool) {
	q, buy := o.q, o.order.GetAction() == "BUY"
	price := q.bid
	if buy {
		price = q.ask
	}
	if q.halted != 0 || price <= 0 {
		return 0, false
	}
	switch o.order.GetOrderType() {
	case "LMT", "STP LMT", "LIT", "LOC", "LOO":
		limit := o.order.GetLmtPrice()
		return price, buy && limit >= price || !buy && limit <= price
	}
	return price, true
}

// fill executes the next part of an order.
func (g *Gateway) fill(o *order, price float64) {
	size := math.Min(o.parts, o.qty-o.filled)
	if o.qty-o.filled-size < 1e-9 {
		size = o.qty - o.filled
	}
	size = round(size)
	o.avgPrice = round((o.avgPrice*o.filled + price*size) / (o.filled + size))
	o.filled, o.lastPrice = round(o.filled+size), price
	o.status = statusSubmitted
	if o.qty-o.filled < 1e-9 {
		o.status, o.completed = statusFilled, g.nowLocked()
	}
	x := g.execute(o, price, size)
	g.tellFill(o, x)
	g.tellPositions(o)
	if to := o.fault.Correct; to != nil && o.status == statusFilled {
		o.fault.Correct = nil
		_ = g.correctLocked(x, *to) // fails only for an id that is not ours
	}
	if o.status == statusFilled {
		g.afterFill(o)
	}
}

// execute books one fill: execution, position, commission.
func (g *Gateway) execute(o *order, price, size float64) execution {
	side, signed := "BOT", size
	if o.order.GetAction() != "BUY" {
		side, signed = "SLD", -size
	}
	g.book.execSeq++
	g.counters.Executions++
	now := g.nowLocked()
	if !o.lostAt.IsZero() {
		now = o.lostAt
	}
	account := o.order.GetAccount()
	id := fmt.Sprintf("0000e0d5.%08x.01.01", uint32(g.started.UnixMilli())+uint32(g.book.execSeq)) // IBKR's look
	stamp := now.In(g.zone).Format("20060102 15:04:05 ") + zoneName(g.zone, "US/Eastern")
	exchange := o.contract.GetExchange()
	if exchange == "SMART" {
		exchange = "ARCA"
	}
	fee := commissionFor(o.q, size)
	x := execution{
		of: o, at: now,
		details: &protobuf.ExecutionDetails{
			ReqId: proto.Int32(-1), Contract: o.contract,
			Execution: &protobuf.Execution{
				OrderId: &o.key.id, ExecId: &id, Time: &stamp, AcctNumber: &account, Exchange: &exchange, Side: &side,
				Shares: new(formatFloat(size)), Price: &price, PermId: &o.permID, ClientId: &o.key.client,
				IsLiquidation: new(false), CumQty: new(formatFloat(o.filled)),
				AvgPrice: new(o.avgPrice),
				OrderRef: o.order.OrderRef, LastLiquidity: proto.Int32(2), ModelCode: o.order.ModelCode,
			},
		},
		commission: &protobuf.CommissionAndFeesReport{
			ExecId: &id, CommissionAndFees: &fee,
			Currency: o.contract.Currency,
		},
	}
	if pnl, closing := g.book.trade(account, o.q, signed, price, fee); closing {
		x.commission.RealizedPNL = &pnl
	}
	g.book.executions = append(g.book.executions, x)
	return x
}

func commissionFor(q *quote, size float64) float64 {
	switch q.in.secType() {
	case "FUT":
		return round(2.25 * size)
	case "CASH":
		return 2
	}
	return math.Max(1, round(0.005*size))
}

// afterFill starts the children of a filled order and cancels what it excludes: its one-cancels-all group and the
// other children of its parent.
func (g *Gateway) afterFill(o *order) {
	for _, other := range g.book.open() {
		if other == o || other.done() || other.key.client != o.key.client {
			continue
		}
		group := o.order.GetOcaGroup() != "" && other.order.GetOcaGroup() == o.order.GetOcaGroup()
		sibling := o.parent != nil && other.parent == o.parent
		if group || sibling {
			g.cancelLocked(other, "Cancelled by OCA")
		} else if other.parent == o {
			g.tryFill(other)
		}
	}
}
