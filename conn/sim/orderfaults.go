package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Turn is what a gateway makes of an order by itself. What is not set does not happen.
type Turn struct {
	Code    int    // of an error that names the order
	Text    string // of that error, and why it is completed; empty: the usual one of the code
	Late    bool   // the error comes behind the status, not before it
	Status  string // any word: Inactive, Cancelled, PendingSubmit, …; with Submitted the market moves it again
	Fixed   bool   // the market does not move it, whatever its status: PreSubmitted, Submitted
	WhyHeld string // such as locate
	Ended   bool   // it is listed among completed orders from now on, as Cancelled ones always are
	Silent  bool   // the client does not get the status
}

// OrderFault is what happens to orders when they are placed, changed, filled or cancelled.
type OrderFault struct {
	Ref    string  // of the order; empty: any
	Symbol string  // the same
	Type   string  // the same, such as STP
	Share  float64 // of such orders are affected, by chance; 0 means all of them
	After  int     // how many such orders pass before it
	Times  int     // how many orders take it; 0 means 1, below 0 for all
	Change bool    // changes of such orders take it, and not the orders

	// When it is placed or changed.
	Refuse         bool // the order, or the change, is not taken: nothing follows but the error
	Early          bool // the turn comes before the first openOrder, not behind it
	Turn           Turn
	Unacknowledged bool // what is sent first of it is lost, and what comes then is not
	Mute           bool // no status of the order is sent from then on unless it is asked for, only its executions are
	Hide           bool // no answer lists the order, and it cannot be cancelled
	Cut            bool // the connection ends when the order is taken; nothing is said of it, nothing behind it is read
	CutBefore      bool // the same, and the order is not taken

	// When it fills.
	Parts          int           // in so many executions; 0: as the gateway is configured
	Pace           time.Duration // between them
	Away           bool          // only while its client is not connected
	Lost           bool          // only while upstream is lost, which is said when it is back
	ExecutionFirst bool          // the first execution overtakes what is sent of the order when it is placed
	StatusFirst    bool          // executions come behind the status that they lead to
	Twice          bool          // each execution is reported twice
	Correct        *float64      // shares that the last execution is corrected to at once; with 0 it is busted

	// When it is cancelled.
	CancelLate time.Duration // how long that takes
	CancelLost bool          // it is cancelled, and nothing says so but an answer
}

// FaultOrders adds a fault of orders to come, until it has happened or until Clear.
func (g *Gateway) FaultOrders(f OrderFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.Times = cmp.Or(f.Times, 1)
	g.faults.orders = append(g.faults.orders, &f)
}

// TurnOrder applies a turn to the newest order with a reference, now.
func (g *Gateway) TurnOrder(ref string, t Turn) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range slices.Backward(g.book.orders) {
		if o.order.GetOrderRef() == ref {
			g.turn(o, t)
			g.goOn(o)
			return nil
		}
	}
	return fmt.Errorf("no order has the reference %q", ref)
}

// orderFault returns the fault that an order takes, the zero value if none does.
func (g *Gateway) orderFault(q *quote, o *protobuf.Order, change bool) OrderFault {
	for _, f := range g.faults.orders {
		is := f.Change == change && (f.Ref == "" || f.Ref == o.GetOrderRef()) &&
			(f.Symbol == "" || strings.EqualFold(f.Symbol, q.in.label())) &&
			(f.Type == "" || f.Type == o.GetOrderType())
		switch {
		case !is || f.Times == 0:
		case f.Share > 0 && g.chance.Float64() >= f.Share:
		case f.After > 0:
			f.After--
		default:
			f.Times--
			g.counters.Faulted++
			return *f
		}
	}
	return OrderFault{}
}

// refusal is the error of an order or change that is not taken.
func (f *OrderFault) refusal() *requestError { return refused(int32(f.Turn.Code), "%s", f.Turn.text()) }

func (t *Turn) text() string {
	if t.Text == "" && t.Code != 0 {
		return noticeText(t.Code)
	}
	return t.Text
}

// launch applies the fault of an order that was booked, and puts the order to work if the fault allows it.
func (g *Gateway) launch(c *conn, o *order, f OrderFault) {
	o.fault, o.mute, o.hidden, o.untold = f, f.Mute || f.Cut, f.Hide, f.Unacknowledged || f.ExecutionFirst
	if f.Parts > 0 {
		o.parts = partSize(o.qty, f.Parts)
	}
	if f.Early {
		g.turn(o, f.Turn)
	}
	if !o.done() {
		g.start(o)
	}
	if !f.Early && f.Turn != (Turn{}) {
		g.turn(o, f.Turn)
		g.goOn(o)
	}
	if f.Cut {
		o.mute = f.Mute
		c.cut()
	}
}

// change applies a change to an open order, and the fault of the change.
func (g *Gateway) change(c *conn, o *order, f OrderFault, apply func() *requestError) *requestError {
	switch {
	case f.Refuse:
		return f.refusal()
	case f.CutBefore:
		c.cut()
		return nil
	}
	mute := o.mute || f.Mute
	o.mute = mute || f.Cut || f.Unacknowledged
	e := apply()
	o.mute = mute
	if f.Cut {
		c.cut()
	}
	if e == nil && f.Turn != (Turn{}) {
		g.turn(o, f.Turn)
		g.goOn(o)
	}
	return e
}

// cut ends a connection: what it has not read yet, no one reads.
func (c *conn) cut() {
	c.refused = true
	c.drop()
}

// turn applies a turn to an order. What was filled stays filled.
func (g *Gateway) turn(o *order, t Turn) {
	failure := func() {
		if t.Code != 0 {
			g.sendOwner(o, g.errorMessage(o.key.id, t.Code, t.text()))
		}
	}
	if !t.Late {
		failure()
	}
	if t.Status != "" {
		moves := !t.Fixed && (t.Status == statusSubmitted || t.Status == statusPreSubmitted)
		o.status, o.whyHeld, o.fixed, o.ended, o.reason = t.Status, t.WhyHeld, !moves, t.Ended, t.text()
		if o.done() {
			o.completed = g.nowLocked()
		}
		if t.Status == statusFilled {
			o.filled = o.qty // in executions that no one hears of
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
}

// goOn lets an order work as far as its turn allows.
func (g *Gateway) goOn(o *order) {
	if !o.held && !o.done() {
		g.tryFill(o)
	}
}

// tells reports whether a message about an order may be sent without a question for it.
func (o *order) tells(m proto.Message) bool {
	switch m.(type) {
	case *protobuf.OpenOrder, *protobuf.OrderStatus:
		return !o.mute && !o.untold && !o.silent
	}
	return !o.silent
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
