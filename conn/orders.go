package conn

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"

	"gatewatch/conn/wire"
)

// Side is the direction of an order. Its text is IBKR's.
type Side string

// The sides.
const (
	Buy  Side = "BUY"
	Sell Side = "SELL"
)

// OrderType is how an order finds its price. Its text is IBKR's.
type OrderType string

// The order types that can be placed.
const (
	Market    OrderType = "MKT"
	Limit     OrderType = "LMT"
	Stop      OrderType = "STP"
	StopLimit OrderType = "STP LMT"
	Trail     OrderType = "TRAIL"
)

// maxRef bounds an order's reference, in bytes.
const maxRef = 40

// MaxOrderID is the highest order id. The request numbers of market data lie above: an error has a number alone.
const MaxOrderID = marketBase - 1

// Order is what to buy or sell. Prices are in the contract's currency; those that its type does not use are 0.
type Order struct {
	Ref          string // the caller's own name for it, at most 40 bytes; comes back with everything Gateway says about it
	Contract     Contract
	Side         Side
	Type         OrderType
	Quantity     float64 // shares or contracts, above 0, to at most 7 decimal places
	LimitPrice   float64 // Limit, StopLimit
	StopPrice    float64 // Stop, StopLimit
	TrailAmount  float64 // Trail: distance to the best price; or
	TrailPercent float64 // the same in percent
	TIF          string  // time in force: DAY, GTC, IOC, …; empty: DAY
	OutsideHours bool    // may also be filled outside regular trading hours
	Account      string  // needed only where the login has several
	Parent       int64   // id of the order that has to be filled first; 0 for none
	Hold         bool    // stays in Gateway until an order that belongs to it comes without Hold; for brackets
}

// check says what is wrong with an order. Gateway checks more, and says so itself.
func (o *Order) check() error {
	price := func(name string, v float64, used bool) error {
		switch {
		case math.IsNaN(v) || math.Abs(v) >= 1e300: // the greatest number there is stands for none
			return fmt.Errorf("%s is no number", name)
		case used && v == 0:
			return fmt.Errorf("a %s order needs a %s", o.Type, name)
		case !used && v != 0:
			return fmt.Errorf("a %s order has no %s", o.Type, name)
		}
		return nil
	}
	var kind error
	switch o.Type {
	case Market, Limit, Stop, StopLimit:
	case Trail:
		if (o.TrailAmount > 0) == (o.TrailPercent > 0) {
			kind = errors.New("a TRAIL order needs either a trail amount or a trail percent")
		}
	default:
		kind = fmt.Errorf("unknown order type %q", o.Type)
	}
	var ref, side, quantity error
	if o.Ref == "" || len(o.Ref) > maxRef || strings.ContainsFunc(o.Ref, func(r rune) bool { return r < ' ' || r > '~' }) {
		ref = fmt.Errorf("order reference %.50q: 1 to %d printable ASCII characters are needed", o.Ref, maxRef)
	}
	if o.Side != Buy && o.Side != Sell {
		side = fmt.Errorf("unknown side %q", o.Side)
	}
	if !(o.Quantity > 0) || o.Quantity > 99_999_999_999 {
		quantity = fmt.Errorf("quantity %v: a number above 0 is needed", o.Quantity)
	}
	return errors.Join(
		ref, side, kind, quantity,
		price("limit price", o.LimitPrice, o.Type == Limit || o.Type == StopLimit),
		price("stop price", o.StopPrice, o.Type == Stop || o.Type == StopLimit),
		price("trail amount", o.TrailAmount, o.Type == Trail && o.TrailPercent == 0),
		price("trail percent", o.TrailPercent, o.Type == Trail && o.TrailAmount == 0),
	)
}

// request returns the request that places a checked order: a price that its type does not use is 0.
func (o *Order) request(id int64) wire.PlaceOrder {
	return wire.PlaceOrder{
		ID: id, Contract: wire.Contract(o.Contract), Ref: o.Ref, Account: o.Account, Action: string(o.Side),
		Type: string(o.Type), Quantity: o.Quantity, Limit: o.LimitPrice, Aux: cmp.Or(o.StopPrice, o.TrailAmount), Percent: o.TrailPercent,
		TIF: o.TIF, OutsideHours: o.OutsideHours, Parent: o.Parent, Hold: o.Hold,
	}
}

// OrderNewsKind says what a piece of [OrderNews] is about.
type OrderNewsKind uint8

// What Gateway says about orders.
const (
	OrderOpen       OrderNewsKind = iota + 1 // an order that is not done: what it is, and its Status
	OrderStatus                              // Status, Filled, Remaining, Price: the average of its fills
	OrderFilled                              // one execution: Execution, Filled by it, Total so far, Price, At
	OrderCommission                          // of one Execution: Price is the amount
	OrderCompleted                           // an order that is done, filled or not: Status, Filled, Detail; it has no ID
	OrderError                               // Code and Detail, of an order with this ID
)

// OrderNews is one thing that Gateway has said about an order. What it did not say is zero.
type OrderNews struct {
	Kind      OrderNewsKind
	Session   uint64 // number of the session that was told
	ID        int64  // of the order, counted per client id; those of orders made by hand are 0, below it, or above [MaxOrderID]
	Client    int64  // client id that placed it; of an error, that of the session, since it is told to the client that it is for
	PermID    int64  // of the order, never used twice, known once Gateway has it
	Ref       string // as it was placed
	Symbol    string
	Side      Side
	Type      OrderType
	Quantity  float64
	Limit     float64 // limit price, 0 if it has none; of an OrderOpen, like those below
	Aux       float64 // stop price, or trail amount; 0 if it has none
	Percent   float64 // trail percent; 0 if it has none
	Parent    int64   // id of the order that has to be filled first; of an OrderStatus, too
	Status    string  // IBKR's: PendingSubmit, PreSubmitted, Submitted, Filled, Cancelled, ApiCancelled, Inactive, …
	WhyHeld   string  // why Gateway holds it: child, trigger, locate, …; of an OrderStatus, and of what was asked for
	Filled    float64
	Remaining float64
	Total     float64
	Price     float64
	Currency  string // of a commission
	Execution string // id of the execution; the part behind its last dot counts corrections
	At        string // time of the execution as Gateway writes it, in its zone
	Code      int    // IB code
	Detail    string // Gateway's own text; for display only
}

// Orders is the mailbox in which a session's order news arrives, in order and without a gap, however slow the reader
// is. One reader; writing never blocks. It begins with the first call of [Session.Orders] or [Session.Place]: what
// nobody wants to read is not kept.
type Orders struct {
	wanted atomic.Bool
	queue  *Queue[OrderNews]
}

func newOrders() *Orders { return &Orders{queue: NewQueue[OrderNews]()} }

// want has news kept from now on.
func (o *Orders) want() *Orders {
	o.wanted.Store(true)
	return o
}

func (o *Orders) put(n OrderNews) {
	if o.wanted.Load() {
		o.queue.Put(n)
	}
}

// Ready returns a channel that yields a value when there may be something to take.
func (o *Orders) Ready() <-chan struct{} { return o.queue.Ready() }

// Take returns what is waiting, and empties the mailbox.
func (o *Orders) Take() []OrderNews { return o.queue.Take(nil) }

// Errors of orders. With every other error of [Session.Place] but ErrFateUnknown, too, nothing has been sent.
var (
	// ErrFateUnknown means that an order's bytes may have reached Gateway, or not: the session ended while they were
	// written. Look for its reference after the next connection; do not place it again.
	ErrFateUnknown = errors.New("the order's state is unknown: the session ended while it was sent")
	// ErrNotSent means that an order's turn did not come in time.
	ErrNotSent = errors.New("the order was not sent")
	// ErrGatewaySilent means that Gateway was not heard within [Config.ProofOfLife], and did not answer a time request
	// in time.
	ErrGatewaySilent = errors.New("the order was not sent: Gateway did not answer")
)
