package sim

import (
	"cmp"
	"math"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// placeOrder checks and books a new order, or changes an open one of the same client and id.
func (g *Gateway) placeOrder(c *conn, m *protobuf.PlaceOrderRequest) *requestError {
	id, po := m.GetOrderId(), m.GetOrder()
	if m.Order == nil || m.Contract == nil {
		return invalid("order or contract missing")
	}
	if m.GetContract().GetExchange() == "" {
		return invalid("Missing order exchange")
	}
	if m.GetContract().GetSecType() == contFut {
		return invalid("Please enter a valid security type")
	}
	q, e := g.find(m.GetContract())
	if e != nil {
		return e
	}
	qty, e := g.validateOrder(q, po)
	if e != nil {
		return e
	}
	until, e := g.goodTill(q, po)
	if e != nil {
		return e
	}
	if po.GetWhatIf() {
		g.previewOrder(c, id, q, m, qty)
		return nil
	}
	key, pid := orderKey{c.clientID, id}, po.GetParentId()
	parent := g.book.byID[orderKey{c.clientID, pid}]
	noParent := refused(135, "Can't find order with id =%d", pid)
	if old := g.book.byID[key]; old != nil {
		if pid != 0 && (parent == nil || parent.done()) {
			return noParent
		}
		return g.change(c, old, g.orderFault(q, old.order, true), func() *requestError {
			return g.modifyOrder(old, m, q, qty)
		})
	}
	switch {
	case id < 0 || id == math.MaxInt32:
		return invalid("order id must be 0 to 2147483646")
	case int64(id) < g.book.lowest[c.clientID] && !c.muted:
		return codeError(103)
	}
	if g.upstreamLost && g.cfg.RejectOrdersUpstreamLost {
		return refused(201, "Order rejected - reason:no connection to IBKR")
	}
	if pid == 0 {
		parent = nil
	} else if parent == nil || parent.done() && !parent.frees() {
		// one that was refused or is cancelled takes no children
		return noParent
	}
	f := g.orderFault(q, po, false)
	switch {
	case f.Refuse:
		return f.refusal()
	case f.CutBefore:
		c.cut()
		return nil
	}
	if text := g.overMargin(q, po, qty, parent); text != "" && f == (OrderFault{}) {
		f = OrderFault{Early: true, Turn: Turn{Code: 201, Text: text, Status: statusInactive, Ended: true}}
	}
	g.book.permSeq++
	o := &order{
		key: key, permID: firstPermID + g.book.permSeq, parent: parent, q: q, status: statusPreSubmitted, qty: qty,
		contract: orderContract(q, m.GetContract()), held: g.upstreamLost, until: until,
		parts: math.Max(partSize(qty, g.cfg.PartialFills), math.SmallestNonzeroFloat64),
	}
	o.order = g.filledOut(po)
	o.stop = startStop(o, q)
	o.auction, o.closing = g.auctionOf(o.order)
	g.book.add(o)
	g.book.use(key)
	g.book.orders = append(g.book.orders, o)
	g.counters.Orders++
	g.launch(c, o, f)
	return nil
}

// partSize divides a quantity into n executions, whole shares where it can.
func partSize(qty float64, n int) float64 {
	part := qty / float64(n)
	if qty == math.Trunc(qty) {
		part = math.Ceil(part)
	}
	return part
}

// orderContract is the contract as the gateway reports it back: the known one, routed as the client asked.
func orderContract(q *quote, asked *protobuf.Contract) *protobuf.Contract {
	c := proto.CloneOf(q.in.contract)
	c.PrimaryExch = nil // order messages do not carry it
	if asked.GetExchange() != "" {
		c.Exchange = asked.Exchange
	}
	return c
}

// filledOut adds what the gateway fills in where the client left it open.
func (g *Gateway) filledOut(po *protobuf.Order) *protobuf.Order {
	o := proto.CloneOf(po)
	if o.GetAccount() == "" {
		o.Account = &g.cfg.Accounts[0]
	}
	if o.GetTif() == "" {
		o.Tif = new("DAY")
	}
	if o.OcaType == nil || o.GetOcaType() == 0 {
		o.OcaType = proto.Int32(3)
	}
	if o.GetClearingIntent() == "" {
		o.ClearingIntent = new("IB")
	}
	o.OutsideRth = new(o.GetOutsideRth())
	return o
}

// startStop is the stop price an order begins with; 0 for orders without one.
func startStop(o *order, q *quote) float64 {
	switch o.order.GetOrderType() {
	case "STP", "STP LMT", "STP PRT", "MIT", "LIT":
		return o.order.GetAuxPrice()
	case "TRAIL", "TRAIL LIMIT":
		if o.order.TrailStopPrice != nil {
			return o.order.GetTrailStopPrice()
		}
		return trail(o, q)
	}
	return 0
}

// trail is where a trailing stop would stand if it were placed at the present market.
func trail(o *order, q *quote) float64 {
	distance := o.order.GetAuxPrice()
	if o.order.TrailingPercent != nil {
		distance = q.last * o.order.GetTrailingPercent() / 100
	}
	if o.order.GetAction() == "BUY" {
		return round(q.last + distance)
	}
	return round(q.last - distance)
}

// modifyOrder changes an open order in place, or says that its id is taken.
func (g *Gateway) modifyOrder(o *order, m *protobuf.PlaceOrderRequest, q *quote, qty float64) *requestError {
	po := m.GetOrder()
	switch {
	case o.done():
		return codeError(103)
	case q != o.q || po.GetAction() != o.order.GetAction(),
		po.GetParentId() != 0 && po.GetParentId() != o.order.GetParentId():
		return codeError(105)
	case qty <= o.filled:
		return refused(201, "Order rejected - reason:the new size is not above what is filled already")
	case o.cancel:
		return refused(201, "Order rejected - reason:a cancellation is pending")
	case g.upstreamLost && g.cfg.RejectOrdersUpstreamLost:
		return refused(201, "Order rejected - reason:no connection to IBKR")
	}
	if !po.GetTransmit() && !o.kept() {
		return nil // the change is kept, and the next one brings all that it has
	}
	if text := g.overMargin(q, po, qty-o.filled, o.parent); text != "" {
		return refused(201, "%s", text)
	}
	keepRef, parent := o.order.OrderRef, o.order.ParentId
	o.order, o.qty = g.filledOut(po), qty
	o.order.ParentId = parent
	o.order.OrderRef = cmp.Or(o.order.OrderRef, keepRef)
	o.parts = partSize(qty-o.filled, max(o.fault.Parts, g.cfg.PartialFills))
	if !o.triggered {
		o.stop = startStop(o, q)
	}
	o.until, _ = g.goodTill(q, po) // it was checked
	o.auction, o.closing = g.auctionOf(o.order)
	o.held = g.upstreamLost
	g.start(o)
	return nil
}

// previewOrder answers a what-if order: margins and commission, nothing booked.
func (g *Gateway) previewOrder(c *conn, id int32, q *quote, m *protobuf.PlaceOrderRequest, qty float64) {
	account := cmp.Or(m.GetOrder().GetAccount(), g.cfg.Accounts[0])
	before, after, equity := g.marginWith(account, q, m.GetOrder().GetAction(), qty)
	change := round(after - before)
	po := g.filledOut(m.GetOrder())
	po.ClientId, po.OrderId, po.PermId = &c.clientID, &id, proto.Int64(0)
	zero, fee := 0.0, commissionFor(q, qty)
	c.sendLocked(&protobuf.OpenOrder{
		OrderId: &id, Contract: orderContract(q, m.GetContract()), Order: po,
		OrderState: &protobuf.OrderState{
			Status:           new(statusPreSubmitted),
			InitMarginBefore: &before, MaintMarginBefore: &before, EquityWithLoanBefore: &equity,
			InitMarginChange: &change, MaintMarginChange: &change, EquityWithLoanChange: &zero,
			InitMarginAfter: &after, MaintMarginAfter: &after, EquityWithLoanAfter: &equity,
			CommissionAndFees: &fee, CommissionAndFeesCurrency: q.in.contract.Currency,
		},
	})
}
