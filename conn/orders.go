package conn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatewatch/conn/wire"
)

// Side is the direction of an order. Its text is IBKR's.
type Side = wire.Side

// The sides.
const (
	Buy  Side = "BUY"
	Sell Side = "SELL"
)

// OrderType is how an order finds its price. Its text is IBKR's.
type OrderType = wire.OrderType

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
	// the caller's own name for it, at most 40 bytes; comes back with everything Gateway says about it
	Ref          string
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

// OrderNews is one thing that Gateway has said about an order. What it did not say is zero.
type (
	OrderNews     = wire.OrderNews
	OrderNewsKind = wire.OrderNewsKind
)

// What Gateway says about orders.
const (
	OrderOpen       = wire.OrderOpen
	OrderStatus     = wire.OrderStatus
	OrderFilled     = wire.OrderFilled
	OrderCommission = wire.OrderCommission
	OrderCompleted  = wire.OrderCompleted
	OrderError      = wire.OrderError
)

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

// Cancel asks for an order of the same client id to be cancelled. It needs no open guard: it can only make a position
// smaller than it would become. It returns nil when the request has been given to the network, [ErrSessionOver] after
// the end of the session, and [ErrNotSent] if neither happens in time. The outcome arrives at Orders; none arrives if
// the request came too fast for Gateway, which throws it away then and names no order (code 100).
func (s *Session) Cancel(id int64) error {
	if !(id >= 1 && id <= MaxOrderID) {
		return fmt.Errorf("order id %d: 1 to %d are possible", id, MaxOrderID)
	}
	frame, err := wire.Append(nil, wire.CancelOrder{ID: id})
	if err != nil {
		return err
	}
	q := &request{frame: frame, cancels: id, done: make(chan error, 1)}
	if err := s.link.send(context.Background(), q); err != nil {
		return err
	}
	limit := time.NewTimer(placeLimit)
	defer limit.Stop()
	select {
	case err := <-q.done:
		if err != nil {
			err = ErrSessionOver
		}
		return err
	case <-s.link.over():
		return ErrSessionOver
	case <-limit.C:
		return ErrNotSent
	}
}

// Orders is the mailbox in which a session's order news arrives, in order and without a gap, however slow the reader
// is. One reader; writing never blocks. It begins with the first call of [Session.Orders] or [Session.Place]: what
// no one wants to read is not kept.
type Orders struct{ queue *Queue[OrderNews] }

// Ready returns a channel that yields a value when there may be something to take.
func (o *Orders) Ready() <-chan struct{} { return o.queue.Ready() }

// Take returns what is waiting, and empties the mailbox.
func (o *Orders) Take() []OrderNews { return o.queue.Take(nil) }

// Orders returns the mailbox in which the session's order news arrives.
func (s *Session) Orders() *Orders {
	b := s.link.waiting()
	b.wanted.Store(true)
	return &b.news
}

// Recheck closes the guard until orders have been compared once more with what Gateway knows: it has left a question
// about them unanswered.
func (s *Session) Recheck() { s.doubt() }
