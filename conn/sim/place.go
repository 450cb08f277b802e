package sim

import (
	"fmt"
	"math"
	"strconv"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// orderTypes are the types placeOrder takes; those set to false rest for ever, their rules are not simulated.
var orderTypes = map[string]bool{
	"MKT": true, "LMT": true, "STP": true, "STP LMT": true, "MIT": true, "LIT": true, "TRAIL": true, "MTL": true,
	"STP PRT": true, "MKT PRT": true,
	"TRAIL LIMIT": false,
	"MOC":         false, "LOC": false, "MOO": false, "LOO": false, "REL": false, "VOL": false, "MIDPRICE": false,
	"PEG MKT": false, "PEG MID": false, "PEG BEST": false, "PEG BENCH": false, "PEG STK": false, "PEG PRIM": false,
	"PASSV REL": false, "SNAP MKT": false, "SNAP MID": false, "SNAP PRIM": false, "BOX TOP": false, "QUOTE": false,
	"PRELIM": false, "IBALGO": false,
}

// placeOrder checks and books a new order, or changes an open one of the same client and id.
func (g *Gateway) placeOrder(c *conn, req *request, m *protobuf.PlaceOrderRequest) *requestError {
	id, po := m.GetOrderId(), m.GetOrder()
	if m.Order == nil || m.Contract == nil {
		return invalid(id, req, "order or contract missing")
	}
	q, e := g.find(id, req, m.GetContract())
	if e != nil {
		return e
	}
	qty, e := g.validateOrder(req, id, q, po)
	if e != nil {
		return e
	}
	if po.GetWhatIf() {
		g.previewOrder(c, id, q, m, qty)
		return nil
	}
	key, pid := orderKey{c.clientID, id}, po.GetParentId()
	parent := g.book.byID[orderKey{c.clientID, pid}]
	noParent := &requestError{Code: 135, ReqID: id, Reason: reasonInvalid, Text: fmt.Sprintf("Can't find order with id =%d", pid)}
	if old := g.book.byID[key]; old != nil {
		if pid != 0 && (parent == nil || parent.done()) {
			return noParent
		}
		f := g.orderFault(q, old.order, true)
		if f.Refuse {
			return f.refusal(id)
		}
		if e := g.modifyOrder(old, m, q, qty, f.Mute); e != nil {
			return e
		}
		if f.Turn != (Turn{}) {
			g.turn(old, f.Turn)
		}
		return nil
	}
	if id < 0 || id == math.MaxInt32 {
		return invalid(id, req, "order id must be 0 to 2147483646")
	}
	if g.upstreamLost && g.cfg.RejectOrdersUpstreamLost {
		return rejected(id, "no connection to IBKR")
	}
	if pid == 0 {
		parent = nil
	} else if parent == nil || parent.done() && !parent.frees() { // one that was refused or is cancelled takes no children
		return noParent
	}
	f := g.orderFault(q, po, false)
	if f.Refuse {
		return f.refusal(id)
	}
	g.book.permSeq++
	o := &order{
		key: key, permID: firstPermID + g.book.permSeq, parent: parent, q: q, status: statusPreSubmitted, qty: qty,
		contract: orderContract(q, m.GetContract()), held: g.upstreamLost,
		parts: math.Max(partSize(qty, g.cfg.PartialFills), math.SmallestNonzeroFloat64),
	}
	o.order = g.filledOut(po)
	o.stop = startStop(o, q)
	g.book.add(o)
	g.book.orders = append(g.book.orders, o)
	g.book.next = max(g.book.next, int64(id)+1)
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

func rejected(id int32, why string) *requestError {
	return &requestError{Code: 201, ReqID: id, Reason: reasonInvalid, Text: "Order rejected - reason:" + why}
}

// validateOrder returns the quantity, or why the order is refused.
func (g *Gateway) validateOrder(req *request, id int32, q *quote, o *protobuf.Order) (float64, *requestError) {
	qty, err := strconv.ParseFloat(o.GetTotalQuantity(), 64)
	if o.GetTotalQuantity() == "" && o.GetCashQty() > 0 {
		qty, err = math.Max(round(math.Floor(o.GetCashQty()/q.ask)), 1), nil
	}
	fail := func(code int32, text string) (float64, *requestError) {
		return 0, &requestError{Code: code, ReqID: id, Reason: reasonInvalid, Text: text}
	}
	if err != nil || math.IsNaN(qty) || math.IsInf(qty, 0) || qty < 0 {
		return 0, invalid(id, req, "invalid quantity")
	}
	if qty == 0 {
		return fail(434, "The order size cannot be zero.")
	}
	switch o.GetAction() {
	case "BUY", "SELL", "SSHORT":
	default:
		return 0, invalid(id, req, fmt.Sprintf("invalid action %q", o.GetAction()))
	}
	if _, ok := orderTypes[o.GetOrderType()]; !ok {
		return fail(387, "Unsupported order type for this exchange and security type.")
	}
	switch o.GetTif() {
	case "", "DAY", "GTC", "IOC", "FOK", "GTD", "OPG", "DTC", "AUC":
	default:
		return 0, invalid(id, req, fmt.Sprintf("invalid time in force %q", o.GetTif()))
	}
	if account := o.GetAccount(); account == "" && len(g.cfg.Accounts) > 1 {
		return fail(435, "You must specify an account.")
	} else if account != "" && !g.managed(account) {
		return fail(321, fmt.Sprintf("Error validating request.-'%s' : cause - invalid account code %q", req.kind.name, account))
	}
	needLimit, needAux := false, false
	switch o.GetOrderType() {
	case "LMT":
		needLimit = true
	case "STP LMT", "LIT":
		needLimit, needAux = true, true
	case "STP", "MIT", "STP PRT":
		needAux = true
	case "TRAIL":
		if o.AuxPrice == nil && o.TrailingPercent == nil {
			return 0, invalid(id, req, "trailing amount or percent missing")
		}
	}
	if needLimit && o.LmtPrice == nil || needAux && o.AuxPrice == nil {
		return 0, invalid(id, req, o.GetOrderType()+" order without its price")
	}
	for _, p := range []struct {
		need  bool
		price float64
	}{{needLimit, o.GetLmtPrice()}, {needAux, o.GetAuxPrice()}} {
		if p.need && !onTick(p.price, q.in.step(p.price)) {
			return fail(110, "The price does not conform to the minimum price variation for this contract.")
		}
	}
	return qty, nil
}

func (g *Gateway) managed(account string) bool {
	for _, a := range g.cfg.Accounts {
		if a == account {
			return true
		}
	}
	return false
}

// onTick reports whether price is a positive multiple of tick.
func onTick(price, tick float64) bool {
	n := price / tick
	return price > 0 && n < 1e12 && math.Abs(n-math.Round(n)) < 1e-4
}

// orderContract is the contract as the gateway reports it back: the known one, routed as the client asked.
func orderContract(q *quote, asked *protobuf.Contract) *protobuf.Contract {
	c := proto.CloneOf(&q.in.contract)
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
		o.Tif = proto.String("DAY")
	}
	if o.OcaType == nil || o.GetOcaType() == 0 {
		o.OcaType = proto.Int32(3)
	}
	if o.GetClearingIntent() == "" {
		o.ClearingIntent = proto.String("IB")
	}
	o.OutsideRth = proto.Bool(o.GetOutsideRth())
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
func (g *Gateway) modifyOrder(o *order, m *protobuf.PlaceOrderRequest, q *quote, qty float64, mute bool) *requestError {
	id := m.GetOrderId()
	po := m.GetOrder()
	switch {
	case o.done():
		return &requestError{Code: 103, ReqID: id, Reason: reasonInvalid, Text: "Duplicate order id"}
	case q != o.q || po.GetAction() != o.order.GetAction():
		return &requestError{Code: 105, ReqID: id, Reason: reasonInvalid, Text: "Order being modified does not match original order"}
	case po.GetParentId() != 0 && po.GetParentId() != o.order.GetParentId():
		return &requestError{Code: 105, ReqID: id, Reason: reasonInvalid, Text: "Order being modified does not match original order"}
	case qty <= o.filled:
		return rejected(id, "the new size is not above what is filled already")
	case o.cancel:
		return rejected(id, "a cancellation is pending")
	case g.upstreamLost && g.cfg.RejectOrdersUpstreamLost:
		return rejected(id, "no connection to IBKR")
	}
	o.mute = o.mute || mute
	keepRef, parent := o.order.OrderRef, o.order.ParentId
	o.order, o.qty = g.filledOut(po), qty
	o.order.ParentId = parent
	if o.order.OrderRef == nil {
		o.order.OrderRef = keepRef
	}
	o.parts = partSize(qty-o.filled, g.cfg.PartialFills)
	if !o.triggered {
		o.stop = startStop(o, q)
	}
	if o.held = g.upstreamLost; o.held {
		o.status = statusPendingSubmit
		g.announce(o)
		return nil
	}
	g.activate(o)
	return nil
}

// previewOrder answers a what-if order: margins and commission, nothing booked.
func (g *Gateway) previewOrder(c *conn, id int32, q *quote, m *protobuf.PlaceOrderRequest, qty float64) {
	account := m.GetOrder().GetAccount()
	if account == "" {
		account = g.cfg.Accounts[0]
	}
	before, after, equity := g.marginWith(account, q, m.GetOrder().GetAction(), qty)
	change := round(after - before)
	po := g.filledOut(m.GetOrder())
	po.ClientId, po.OrderId, po.PermId = &c.clientID, &id, proto.Int64(0)
	zero, fee := 0.0, commissionFor(q, qty)
	c.sendLocked(&protobuf.OpenOrder{OrderId: &id, Contract: orderContract(q, m.GetContract()), Order: po, OrderState: &protobuf.OrderState{
		Status:           proto.String(statusPreSubmitted),
		InitMarginBefore: &before, MaintMarginBefore: &before, EquityWithLoanBefore: &equity,
		InitMarginChange: &change, MaintMarginChange: &change, EquityWithLoanChange: &zero,
		InitMarginAfter: &after, MaintMarginAfter: &after, EquityWithLoanAfter: &equity,
		CommissionAndFees: &fee, CommissionAndFeesCurrency: q.in.contract.Currency,
	}})
}
