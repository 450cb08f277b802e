package conn

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"gatewatch/conn/wire"
)

// gate holds the number of the session whose guard is open, or 0, and when it was opened last. The supervisor alone
// opens it, and what it says holds no longer than until the supervisor should have looked at the clocks again: after a
// sleep nobody has decided anything yet.
type gate struct {
	clock      func() instant
	open       atomic.Uint64
	since      atomic.Int64 // on the monotonic clock
	wall, mono atomic.Int64 // of the supervisor's last look at the clocks
	proof      atomic.Int64 // [Config.ProofOfLife]
}

// looked notes when the supervisor last looked at the clocks. What it decided then is in the gate before.
func (g *gate) looked(now instant) {
	g.wall.Store(now.wall.UnixNano())
	g.mono.Store(int64(now.mono))
}

// late reports whether the supervisor should have looked at the clocks by now.
func (g *gate) late() bool {
	now := g.clock()
	return now.late(instant{wall: time.Unix(0, g.wall.Load()), mono: time.Duration(g.mono.Load())}, upBeat) > gapLimit
}

// isOpen reports whether the gate is open for a session, and whether that cannot be known.
func (g *gate) isOpen(session uint64) (open, late bool) {
	late = g.late() // before the look at what was decided
	return g.open.Load() == session && !late, late
}

func (g *gate) proofOfLife() time.Duration { return time.Duration(g.proof.Load()) }

// let opens the gate for a session, if it is not open for it.
func (g *gate) let(session uint64, now time.Duration) {
	if g.open.Load() != session {
		g.since.Store(max(1, int64(now)))
		g.open.Store(session)
	}
}

// link is what the supervisor and a Session need from the connection below them; [socket] is the real one.
type link interface {
	seen() evidence
	probe()
	proof(within, heard time.Duration) (wait time.Duration, answer <-chan struct{}, err error)
	end(cause Cause)               // ends it now
	over() <-chan struct{}         // closed at the end
	gone() <-chan struct{}         // closed a moment later, when all that Gateway has sent before the end is taken in
	outcome() (Cause, int, string) // after gone
	// send hands a request over to be written behind those before it. With an error it never is.
	send(context.Context, *request) error
	books() *books
}

// Session is one connection to Gateway from READY to its loss. It is used once; whoever holds one after its end
// gets errors and can do no harm with it. Its methods may be called from any goroutine.
type Session struct {
	number  uint64
	client  int
	gateway Gateway
	link    link
	gate    *gate
	reason  func() GuardReason
	doubt   func()
	ticks   *Ticks
}

// Number returns the session's number, which no other session of this process has.
func (s *Session) Number() uint64 { return s.number }

// ClientID returns the client id that this session signed on with. Orders placed through it belong to that id.
func (s *Session) ClientID() int { return s.client }

// Gateway returns what is known about the other side.
func (s *Session) Gateway() Gateway { return s.gateway }

// Done returns a channel that is closed at the moment the session ends.
func (s *Session) Done() <-chan struct{} { return s.link.over() }

// Guard returns nil while orders may leave through this session, else a *[GuardError].
func (s *Session) Guard() error {
	select {
	case <-s.link.over():
		return &GuardError{Session: s.number, Reason: GuardSocket}
	default:
	}
	open, late := s.gate.isOpen(s.number)
	if open {
		return nil
	}
	r := s.reason()
	switch {
	case r != GuardOpen:
	case late:
		r = GuardProbe
	default: // it opened, or another session did, since the look at the gate
		r = GuardReconciling
	}
	return &GuardError{Session: s.number, Reason: r}
}

// GuardSince returns when the guard was opened last, on the clock of [Tick.At]. Another value than before means that it
// was shut in between, be it for less time than anybody needs to notice.
func (s *Session) GuardSince() time.Duration { return time.Duration(s.gate.since.Load()) }

// Contract names an instrument. Either ConID or Symbol, Type, Exchange and Currency are needed.
type Contract struct {
	ConID    int64
	Symbol   string
	Type     string // STK, CASH, FUT, …
	Exchange string // SMART, IDEALPRO, …
	Primary  string // primary exchange, where SMART is ambiguous
	Currency string
	Local    string // local symbol, for futures
}

// Subscribe asks for streaming market data; it arrives at Ticks under the given request number, which the caller
// chooses and which must be unused and from 1 to 16 million. It returns [ErrSessionOver] after the end of the session.
func (s *Session) Subscribe(request int64, c Contract) error {
	if request < 1 || request > maxRequest {
		return fmt.Errorf("request number %d: 1 to %d are possible", request, maxRequest)
	}
	return s.send(context.Background(), wire.Subscribe{Request: marketBase + request, Contract: wire.Contract(c)})
}

// send encodes a request and hands it over to be written. With an error it never leaves.
func (s *Session) send(ctx context.Context, r wire.Request) error {
	frame, err := wire.Append(nil, r)
	if err != nil {
		return err
	}
	return s.link.send(ctx, &request{frame: frame})
}

// Unsubscribe ends the subscription with the given request number.
func (s *Session) Unsubscribe(request int64) error {
	return s.send(context.Background(), wire.Unsubscribe{Request: marketBase + request})
}

// MarketDataType says whether Gateway may answer subscriptions with delayed data where the login has no live data of a
// contract. It holds for those made afterwards; without it, they are live or refused.
func (s *Session) MarketDataType(delayed bool) error {
	typ := 1 // live
	if delayed {
		typ = 3
	}
	return s.send(context.Background(), wire.MarketDataTypes{Type: typ})
}

// FirstOrderID returns the lowest order id that Gateway has offered at READY. A restarted Gateway may offer ids that
// were used before: keep a floor.
func (s *Session) FirstOrderID() int64 { return s.link.books().first.Load() }

// Place sends an order with an id that the caller chooses, above all ids used before; with the id of an open order it
// changes that one. It returns nil when the order's bytes have been given to the network, a *[GuardError] if the guard
// was shut, at the latest at the moment when they were about to leave, [ErrGatewaySilent] if Gateway did not prove then
// that it is there, [ErrSessionOver] after the end of the session, and [ErrFateUnknown] if the session ended in the
// middle. What becomes of the order arrives at Orders.
func (s *Session) Place(id int64, o Order) error { return s.PlaceIf(id, o, Conditions{}) }

// Conditions are what an order's bytes wait for, beside the guard. With an error of theirs, which is that of the
// placing then, nothing has been sent.
type Conditions struct {
	// Prepare, if set, is called once while the order waits for its turn, by the goroutine that places it. The order,
	// and every request behind it but cancellations of other orders, waits for its return, but not for longer than five
	// seconds.
	Prepare func() error
	// Allowed, if set, is asked at the moment when the bytes are about to leave, behind the guard: a permission may be
	// withdrawn while an order waits for its turn. It must not block.
	Allowed func() error
}

// PlaceIf is Place for an order whose bytes may leave only under further conditions.
func (s *Session) PlaceIf(id int64, o Order, c Conditions) error {
	if id < 1 || id > MaxOrderID {
		return fmt.Errorf("order id %d: 1 to %d are possible", id, MaxOrderID)
	}
	if err := o.check(); err != nil {
		return err
	}
	frame, err := wire.Append(nil, o.request(id))
	if err != nil {
		return err
	}
	if err := s.Guard(); err != nil {
		return err
	}
	b, one := s.link.books(), newPlacement(s, id, c)
	if !b.placements.add(one) {
		return fmt.Errorf("order id %d is being sent already", id)
	}
	defer b.placements.remove(one)
	b.news.want()
	b.settle()
	if err := s.link.send(context.Background(), &request{frame: frame, order: one}); err != nil {
		return err
	}
	if err := one.getReady(); err != nil {
		return err
	}
	limit := time.NewTimer(placeLimit)
	defer limit.Stop()
	select {
	case err := <-one.done:
		return err
	case <-s.link.over():
		if one.claim() {
			return ErrSessionOver
		}
	case <-limit.C:
		if one.claim() {
			return ErrNotSent
		}
	}
	return <-one.done // it is being written
}

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
	q := &request{frame: frame, cancels: id, written: make(chan struct{})}
	if err := s.link.send(context.Background(), q); err != nil {
		return err
	}
	limit := time.NewTimer(placeLimit)
	defer limit.Stop()
	select {
	case <-q.written:
		return nil
	case <-s.link.over():
		return ErrSessionOver
	case <-limit.C:
		return ErrNotSent
	}
}

// Orders returns the mailbox in which the session's order news arrives.
func (s *Session) Orders() *Orders { return s.link.books().news.want() }

// Recheck closes the guard until orders have been compared once more with what Gateway knows: it has left a question
// about them unanswered.
func (s *Session) Recheck() { s.doubt() }

// Ticks returns the mailbox in which the session's market data arrives.
func (s *Session) Ticks() *Ticks { return s.ticks }
