package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Turn is what a gateway makes of an order by itself. What is not set does not happen.
type Turn struct {
	Code    int    // of an error that names the order
	Text    string // of that error, and why it is completed
	Late    bool   // the error comes behind the status, not before it
	Status  string // any word: Inactive, Cancelled, PendingSubmit, PendingCancel, …; with Submitted the market moves it again
	WhyHeld string // such as locate
	Ended   bool   // it is listed among completed orders from now on, as Cancelled ones always are
	Silent  bool   // the client is not told the status
}

// OrderFault is a turn that orders take when they are placed, or changed.
type OrderFault struct {
	Ref    string // of the order; empty: any
	Symbol string // the same
	Type   string // the same, such as STP
	After  int    // how many such orders pass before it
	Times  int    // how many orders take it; 0 stands for 1, below 0 for all
	Change bool   // changes of such orders take it, and not the orders

	Refuse bool // the order, or the change, is not taken: nothing follows but the error
	Early  bool // the turn comes before the first openOrder, not behind it
	Turn   Turn
	Mute   bool // no status of the order is told from then on unless it is asked for, only its executions are
	Hide   bool // no answer lists the order, and it cannot be cancelled
	Cut    bool // the connection ends when the order is taken: nothing is said of it, and nothing behind it is read
}

// FaultOrders adds a fault of orders to come, until it has happened or until Clear.
func (g *Gateway) FaultOrders(f OrderFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	g.faults.orders = append(g.faults.orders, &f)
}

// TurnOrder has the newest order with a reference take a turn now.
func (g *Gateway) TurnOrder(ref string, t Turn) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range slices.Backward(g.book.orders) {
		if o.order.GetOrderRef() == ref {
			g.turn(o, t)
			return nil
		}
	}
	return fmt.Errorf("no order has the reference %q", ref)
}

// orderFault returns the fault that an order takes, the zero value if none does.
func (g *Gateway) orderFault(q *quote, o *protobuf.Order, change bool) OrderFault {
	for _, f := range g.faults.orders {
		is := f.Change == change && (f.Ref == "" || f.Ref == o.GetOrderRef()) &&
			(f.Symbol == "" || strings.EqualFold(f.Symbol, q.in.label())) && (f.Type == "" || f.Type == o.GetOrderType())
		switch {
		case !is || f.Times == 0:
		case f.After > 0:
			f.After--
		default:
			f.Times--
			return *f
		}
	}
	return OrderFault{}
}

// refusal is the error of an order or change that is not taken.
func (f *OrderFault) refusal(id int32) *requestError {
	return &requestError{Code: int32(f.Turn.Code), ReqID: id, Reason: reasonInvalid, Text: f.Turn.Text}
}

// launch has an order that was booked take its fault, and go to work if that lets it.
func (g *Gateway) launch(c *conn, o *order, f OrderFault) {
	o.mute, o.hidden = f.Mute || f.Cut, f.Hide
	if f.Early {
		g.turn(o, f.Turn)
	}
	if !o.done() {
		g.start(o)
	}
	if !f.Early && f.Turn != (Turn{}) {
		g.turn(o, f.Turn)
	}
	if f.Cut {
		o.mute, c.refused = f.Mute, true
		c.drop()
	}
}

// turn has an order take a turn. What was filled stays filled.
func (g *Gateway) turn(o *order, t Turn) {
	failure := func() {
		if t.Code != 0 {
			g.sendOwner(o, g.errorMessage(o.key.id, t.Code, t.Text))
		}
	}
	if !t.Late {
		failure()
	}
	if t.Status != "" {
		moves := t.Status == statusSubmitted || t.Status == statusPreSubmitted
		o.status, o.whyHeld, o.fixed, o.ended, o.reason = t.Status, t.WhyHeld, !moves, t.Ended, t.Text
		if o.done() {
			o.completed = g.nowLocked()
		}
		if t.Status == statusFilled {
			o.filled = o.qty // in executions that nobody is told of
		}
		if !t.Silent {
			g.announce(o)
		}
	}
	if t.Late {
		failure()
	}
	for _, child := range g.book.open() {
		if o.done() && o.filled == 0 && child.parent == o && !child.done() {
			g.cancelLocked(child, "its order has ended")
		}
	}
	if !o.held && !o.done() {
		g.tryFill(o)
	}
}

// tells reports whether a message about an order may be sent without a question for it.
func (o *order) tells(m proto.Message) bool {
	switch m.(type) {
	case *protobuf.OpenOrder, *protobuf.OrderStatus:
		return !o.mute
	}
	return true
}

// heldBy says why an order is held, as Gateway does.
func (o *order) heldBy() string {
	if o.fixed || o.status != statusPreSubmitted && !o.locating {
		return o.whyHeld
	}
	var why []string
	if o.locating {
		why = append(why, "locate")
	}
	if o.parent != nil && !o.parent.frees() {
		why = append(why, "child")
	}
	if o.stop != 0 && !o.triggered {
		why = append(why, "trigger")
	}
	return strings.Join(why, ",")
}

// turnOf reads a turn from the parameters of a verb.
func turnOf(a *args) Turn {
	return Turn{
		Code: a.int("code", 0, 1, 1<<30), Text: a.text("text", ""), Late: a.bool("late"), Status: a.text("status", ""),
		WhyHeld: a.text("why", ""), Ended: a.bool("ended"), Silent: a.bool("silent"),
	}
}

const turnParams = " code= text= late=false status= why= ended=false silent=false"

func faultOrders(g *Gateway, a *args) error {
	f := OrderFault{
		Ref: a.text("ref", ""), Symbol: a.text("symbol", ""), Type: a.text("type", ""), After: a.int("after", 0, 0, 1<<30),
		Times: a.int("times", 1, -1, 1<<30), Change: a.bool("change"), Refuse: a.bool("refuse"), Early: a.bool("early"), Turn: turnOf(a),
		Mute: a.bool("mute"), Hide: a.bool("hide"), Cut: a.bool("cut"),
	}
	return a.do(func() error { g.FaultOrders(f); return nil })
}

func turnOrder(g *Gateway, a *args) error {
	t := turnOf(a)
	return a.do(func() error { return g.TurnOrder(a.text("ref", ""), t) })
}
