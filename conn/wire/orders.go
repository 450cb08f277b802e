package wire

import (
	"cmp"

	"github.com/scmhub/ibapi/protobuf"
)

// Side is the direction of an order. Its text is IBKR's.
type Side string

// OrderType is how an order finds its price. Its text is IBKR's.
type OrderType string

// OrderNewsKind says what a piece of [OrderNews] is about.
type OrderNewsKind uint8

// What Gateway says about orders.
const (
	OrderOpen       OrderNewsKind = iota + 1 // an order that is not done: what it is, and its Status
	OrderStatus                              // Status, Filled, Price: the average of its fills
	OrderFilled                              // one execution: Execution, Filled by it, Total so far, Price
	OrderCommission                          // of one Execution: Price is the amount; Realised, if it Closes a position
	// an order that is done, filled or not: Status, Filled, Detail; it has no ID
	OrderCompleted
	OrderError // Code and Detail, of an order with this ID
)

// OrderNews is one thing that Gateway has said about an order. What it did not say is zero.
type OrderNews struct {
	Kind    OrderNewsKind
	Session uint64 // number of the session that it came in, which is not known here
	// of the order, counted per client id; those of orders made by hand are 0, below it, or above all others
	ID int64
	// client id that placed it; of an error, that of the session, because Gateway sends it to the client concerned
	Client    int64
	PermID    int64  // of the order, never used twice, known once Gateway has it
	Ref       string // as it was placed
	Side      Side
	Type      OrderType
	Quantity  float64
	Limit     float64 // limit price, 0 if it has none; of an OrderOpen, like those below
	Aux       float64 // stop price, or trail amount; 0 if it has none
	Percent   float64 // trail percent; 0 if it has none
	TIF       string
	Account   string
	Outside   bool   // may also be filled outside regular trading hours
	Parent    int64  // id of the order that has to be filled first; of an OrderStatus, too
	Status    string // IBKR's: PendingSubmit, PreSubmitted, Submitted, Filled, Cancelled, ApiCancelled, Inactive, …
	WhyHeld   string // why Gateway holds it: child, trigger, locate, …; of an OrderStatus, and of what was asked for
	Filled    float64
	Total     float64
	Price     float64
	Currency  string // of a commission
	Realised  float64
	Closes    bool
	Execution string // id of the execution; the part behind its last dot counts corrections
	Code      int    // IB code
	Detail    string // Gateway's own text; for display only
}

// OrderNews decodes a [MsgOpenOrder], [MsgOrderStatus], [MsgExecution], [MsgCommission] or [MsgCompletedOrder]. Its
// kind is 0 if nothing was said: a preview orders nothing, and an execution without an id or a number of shares is
// none, like a commission without an amount.
func (m Message) OrderNews() (n OrderNews, err error) {
	switch m.Number {
	case MsgOpenOrder:
		var p protobuf.OpenOrder
		err = m.decode(&p)
		n = order(OrderOpen, p.GetOrder(), p.GetOrderState())
		if n.ID = int64(cmp.Or(p.GetOrderId(), p.GetOrder().GetOrderId())); p.GetOrder().GetWhatIf() {
			n.Kind = 0
		}
	case MsgCompletedOrder:
		var p protobuf.CompletedOrder
		err = m.decode(&p)
		n = order(OrderCompleted, p.GetOrder(), p.GetOrderState())
	case MsgOrderStatus:
		var p protobuf.OrderStatus
		err = m.decode(&p)
		n = OrderNews{
			Kind: OrderStatus, ID: int64(p.GetOrderId()), Client: int64(p.GetClientId()), PermID: p.GetPermId(),
			Parent: int64(p.GetParentId()), Status: text(p.GetStatus()), WhyHeld: text(p.GetWhyHeld()),
			Filled: number(p.GetFilled()), Price: Real(p.GetAvgFillPrice()),
		}
	case MsgExecution:
		var p protobuf.ExecutionDetails
		err = m.decode(&p)
		e := p.GetExecution()
		n = OrderNews{
			Kind: OrderFilled, ID: int64(e.GetOrderId()), Client: int64(e.GetClientId()), PermID: e.GetPermId(),
			Ref: text(e.GetOrderRef()), Execution: text(e.GetExecId()), Side: sides[e.GetSide()],
			Filled: number(e.GetShares()), Total: number(e.GetCumQty()), Price: Real(e.GetPrice()),
		}
		if n.Execution == "" || said(new(decimal(e.GetShares()))) == nil { // with a number of 0 it is taken back
			n.Kind = 0
		}
	case MsgCommission:
		var p protobuf.CommissionAndFeesReport
		err = m.decode(&p)
		n = OrderNews{
			Kind: OrderCommission, Execution: text(p.GetExecId()), Price: Real(p.GetCommissionAndFees()),
			Realised: Real(p.GetRealizedPNL()), Closes: said(p.RealizedPNL) != nil,
			Currency: text(p.GetCurrency()),
		}
		if said(p.CommissionAndFees) == nil {
			n.Kind = 0
		}
	}
	return n, err
}

var sides = map[string]Side{"BOT": "BUY", "SLD": "SELL"}

func order(kind OrderNewsKind, o *protobuf.Order, state *protobuf.OrderState) OrderNews {
	n := OrderNews{
		Kind: kind, Client: int64(o.GetClientId()), PermID: o.GetPermId(), Parent: int64(o.GetParentId()),
		Ref: text(o.GetOrderRef()), Side: Side(text(o.GetAction())), Type: OrderType(text(o.GetOrderType())),
		Quantity: number(o.GetTotalQuantity()), Filled: number(o.GetFilledQuantity()),
		Limit: Real(o.GetLmtPrice()), Aux: Real(o.GetAuxPrice()), Percent: Real(o.GetTrailingPercent()),
		TIF: text(o.GetTif()), Account: text(o.GetAccount()), Outside: o.GetOutsideRth(),
		Status: text(state.GetStatus()),
		Detail: cmp.Or(text(state.GetCompletedStatus()), text(state.GetRejectReason())),
	}
	if o.GetDeactivate() { // listed among the open orders since 10.48
		n.Status = "Inactive"
	}
	return n
}

// number reads a number in text, 0 if it is not set.
func number(s string) float64 { return Real(decimal(s)) }
