package ib

import (
	"context"
	"errors"
	"fmt"

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

// Order is what to buy or sell. Prices are as Gateway quotes them; those that its type does not use are 0.
type Order = wire.Order

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

// ErrSessionOver means that the session is over.
var ErrSessionOver = errors.New("the session is over")

// Errors of orders. With every other error of [Session.Place] but ErrOrderUnknown, too, nothing has been sent.
var (
	// ErrOrderUnknown means that an order's bytes may have reached Gateway, or not: the session ended while they were
	// written. Look for its reference after the next connection; do not place it again.
	ErrOrderUnknown = errors.New("the order's state is unknown: the session ended while it was sent")
	// ErrNotSent means that an order's turn did not come in time.
	ErrNotSent = errors.New("the order was not sent")
	// ErrGatewaySilent means that Gateway was not heard within the proof of life, and did not answer a time request in
	// time.
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
	frame, err := wire.Frame(wire.CancelOrder(id))
	if err != nil {
		return err
	}
	q := &request{frame: frame, cancels: id, done: make(chan error, 1)}
	if err := s.socket.send(context.Background(), q); err != nil {
		return err
	}
	if err = s.written(q); errors.Is(err, ErrOrderUnknown) {
		err = ErrSessionOver
	}
	return err
}

// Orders returns the mailbox in which the session's order news arrives, in order and without a gap. A reader that is
// thousands behind holds up the session. It begins with the first call of [Session.Orders] or [Session.Place]: what no
// one wants to read is not kept.
func (s *Session) Orders() *Queue[OrderNews] {
	b := s.socket.pending
	b.wanted.Store(true)
	return b.news
}

// Recheck closes the guard until orders have been compared once more with what Gateway knows: it has left a question
// about them unanswered.
func (s *Session) Recheck() { s.doubt() }
