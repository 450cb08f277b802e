package conn

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
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

// Orders is the mailbox in which a session's order news arrives, in order and without a gap, however slow the reader is.
// One reader; writing never blocks. It begins with the first call of [Session.Orders] or [Session.Place]: what nobody wants to
// read is not kept.
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
	// ErrNotSent means that the client library made nothing of an order in time.
	ErrNotSent = errors.New("the order was not sent")
	// ErrGatewaySilent means that Gateway was not heard within [Config.ProofOfLife], and did not answer a time request in time.
	ErrGatewaySilent = errors.New("the order was not sent: Gateway did not answer")
	// ErrOldGateway means that Gateway is too old for orders to be placed or followed, and for contracts to be asked for.
	ErrOldGateway = errors.New("this Gateway is too old for orders and contract details; protocol 176 or a newer one is needed")
)

// passLimit is how long an order may take from the library to Gateway's socket, pacing included, and how long it may be prepared
// when it has come that far.
const passLimit = 5 * time.Second

// passing is an order on its way from [Session.Place] to Gateway's socket.
type passing struct {
	id         int64
	conditions Conditions
	ready      chan struct{} // closed when it is prepared, or will never be; nil: there is nothing to prepare
	mu         sync.Mutex
	over       bool // what becomes of it is settled: it is being written, or will never be
	done       chan error
}

// prepare does what is to be done before the order may leave; with an error it never will.
func (p *passing) prepare() (err error) {
	if p.ready == nil {
		return nil
	}
	prepared := false
	defer func() {
		if !prepared {
			p.claim()
		}
		close(p.ready)
	}()
	err = p.conditions.Prepare()
	prepared = err == nil
	return err
}

// waits returns what to wait for before the order may leave, nil if that is nothing. There may be no order.
func (p *passing) waits() <-chan struct{} {
	if p == nil || p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
		return nil
	default:
		return p.ready
	}
}

// claim settles what becomes of the order; only the first caller may do anything with it.
func (p *passing) claim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.over
	p.over = true
	return first
}

// settle has the order never leave, unless something else was settled before.
func (p *passing) settle(err error) {
	if p.claim() {
		p.done <- err
	}
}

// passage knows the orders that are on their way, by id. The guard is asked once more when the bytes are about to leave.
type passage struct {
	guard  func() error
	within func() time.Duration // which Gateway must have been heard for an order to leave

	mu      sync.Mutex
	going   map[int64]*passing
	cancels map[int64]chan struct{} // by order id: closed when the next request to cancel it has been written
	stale   map[int64]int           // requests still to come of orders that nobody waits for any more
}

// follow has the passage ask a session.
func (p *passage) follow(s *Session) {
	p.guard = s.Guard
	p.within = func() time.Duration { return time.Duration(s.gate.proof.Load()) }
}

// permit says why an order may not leave, which is asked when its bytes are about to.
func (p *passage) permit(one *passing) error {
	if err := p.guard(); err != nil || one.conditions.Allowed == nil {
		return err
	}
	return one.conditions.Allowed()
}

// add has the next order with an id wait for the passage; false if one is on its way already.
func (p *passage) add(id int64, c Conditions) (*passing, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.going[id] != nil {
		return nil, false
	}
	if p.going == nil {
		p.going, p.stale = map[int64]*passing{}, map[int64]int{}
	}
	one := &passing{id: id, conditions: c, done: make(chan error, 1)}
	if c.Prepare != nil {
		one.ready = make(chan struct{})
	}
	p.going[id] = one
	return one, true
}

// cancelling returns a channel that is closed when the next request to cancel an order has been written.
func (p *passage) cancelling(id int64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancels == nil {
		p.cancels = map[int64]chan struct{}{}
	}
	if p.cancels[id] == nil {
		p.cancels[id] = make(chan struct{})
	}
	return p.cancels[id]
}

// cancelled says that a request to cancel an order has been written.
func (p *passage) cancelled(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if written := p.cancels[id]; written != nil {
		close(written)
		delete(p.cancels, id)
	}
}

// leave says that nobody waits for an order any more. Its request may still come, and must not be taken for that of a later
// order with its id.
func (p *passage) leave(one *passing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.going[one.id] == one {
		delete(p.going, one.id)
		p.stale[one.id]++
	}
}

// take returns the order whose request has come, nil if nobody waits for it, and forgets it.
func (p *passage) take(id int64) *passing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale[id] > 0 {
		if p.stale[id]--; p.stale[id] == 0 {
			delete(p.stale, id)
		}
		return nil
	}
	one := p.going[id]
	delete(p.going, id)
	return one
}

// drop ends the wait for an order that the library refuses to send.
func (p *passage) drop(id int64, err error) {
	if one := p.take(id); one != nil {
		one.settle(err)
	}
}
