package ib

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"gatewatch/conn/wire"
)

// This file is what an order asks before it is handed to the writer, and what it is asked for when its bytes leave.

// Clock returns the time; tests have their own.
type Clock struct {
	Wall func() time.Time
	Mono func() time.Duration // since the clock was made; does not follow changes of the wall clock
}

// NewClock returns the clock of this computer.
func NewClock() Clock {
	base := time.Now()
	return Clock{Wall: WallClock, Mono: func() time.Duration { return time.Since(base) }}
}

// WallClock returns the time without a monotonic reading: with one, the difference of two times leaves out every sleep.
func WallClock() time.Time { return time.Now().Round(0) }

// Now returns the present moment.
func (c *Clock) Now() Moment { return Moment{c.Wall(), c.Mono()} }

// Moment is one moment on both clocks.
type Moment struct {
	Wall time.Time
	Mono time.Duration
}

// Late returns how much later than after the given time the moment is, measured from an earlier one. While a computer
// sleeps, the monotonic clock stops on Linux and macOS, so that the wall clock runs ahead of it; on Windows it goes on,
// as it does everywhere while the process is stopped.
func (now Moment) Late(last Moment, beat time.Duration) time.Duration {
	wall, mono := now.Wall.Sub(last.Wall), now.Mono-last.Mono
	return max(wall-mono, mono-beat)
}

// UpBeat bounds the time between two looks at the clocks while a session is up.
const UpBeat = time.Second / 2

// GapLimit is how late such a look may be before what was received until then proves nothing about now.
const GapLimit = time.Second

// Gate holds the number of the session whose guard is open, or 0, and when it was opened last. The supervisor alone
// opens it, and what it says holds no longer than until the supervisor should have looked at the clocks again: after a
// sleep no one has decided anything yet.
type Gate struct {
	clock      *Clock
	open       atomic.Uint64
	since      atomic.Int64 // on the monotonic clock
	wall, mono atomic.Int64 // of the supervisor's last look at the clocks
	proof      atomic.Int64 // of life
}

// NewGate returns a gate that is shut.
func NewGate(c *Clock) *Gate { return &Gate{clock: c} }

// Looked notes when the supervisor last looked at the clocks. What it decided then is in the gate before.
func (g *Gate) Looked(now Moment) {
	g.wall.Store(now.Wall.UnixNano())
	g.mono.Store(int64(now.Mono))
}

// Late reports whether the supervisor should have looked at the clocks by now.
func (g *Gate) Late() bool {
	last := Moment{time.Unix(0, g.wall.Load()), time.Duration(g.mono.Load())}
	return g.clock.Now().Late(last, UpBeat) > GapLimit
}

// isOpen reports whether the gate is open for a session, and whether that cannot be known.
func (g *Gate) isOpen(session uint64) (open, late bool) {
	late = g.Late() // before the look at what was decided
	return g.open.Load() == session && !late, late
}

// Prove sets how recently Gateway must have been heard for an order to leave.
func (g *Gate) Prove(within time.Duration) { g.proof.Store(int64(within)) }

// ProofOfLife returns how recently that is.
func (g *Gate) ProofOfLife() time.Duration { return time.Duration(g.proof.Load()) }

// Shut shuts the gate.
func (g *Gate) Shut() { g.open.Store(0) }

// Open opens the gate for a session, if it is not open for it.
func (g *Gate) Open(session uint64, now time.Duration) {
	if g.open.Load() != session {
		g.since.Store(max(1, int64(now)))
		g.open.Store(session)
	}
}

// Over returns a channel that is closed at the end.
func (s *Socket) Over() <-chan struct{} { return s.closed }

// isClosed reports whether a channel on which nothing is sent is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// send hands a request over to be written behind those before it. With an error it never is.
func (s *Socket) send(ctx context.Context, q *request) error {
	switch { // of several cases that are ready any may be chosen
	case isClosed(s.closed):
		return ErrSessionOver
	case ctx.Err() != nil:
		return ctx.Err()
	}
	select {
	case s.requests <- q:
		return nil
	case <-s.closed:
		return ErrSessionOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Session is one connection to Gateway from READY to its loss. After its end, its methods return errors and change
// nothing. Its methods may be called from any goroutine.
type Session struct {
	socket  *Socket
	gateway Gateway
	gate    *Gate
	reason  func() GuardReason
	doubt   func()
}

// Number returns the session's number, which no other session of this process has.
func (s *Session) Number() uint64 { return s.socket.number }

// ClientID returns the client id that this session signed on with. Orders placed through it belong to that id.
func (s *Session) ClientID() int { return int(s.socket.client) }

// Gateway returns what is known about the other side.
func (s *Session) Gateway() Gateway { return s.gateway }

// Ticks returns the mailbox in which the session's market data arrives.
func (s *Session) Ticks() *Ticks { return s.socket.ticks }

// Done returns a channel that is closed at the moment the session ends.
func (s *Session) Done() <-chan struct{} { return s.socket.closed }

// FirstOrderID returns the lowest order id that Gateway has offered at READY. A restarted Gateway may offer ids that
// were used before: keep a floor.
func (s *Session) FirstOrderID() int64 { return s.socket.pending.first.Load() }

// Guard returns nil while orders may leave through this session, else a *[GuardError].
func (s *Session) Guard() error {
	if isClosed(s.socket.closed) {
		return &GuardError{GuardSocket}
	}
	open, late := s.gate.isOpen(s.socket.number)
	if open {
		return nil
	}
	r := s.reason()
	switch {
	case r != GuardOpen:
	case late:
		r = GuardWoke
	default: // it opened, or another session did, since the look at the gate
		r = GuardReconciling
	}
	return &GuardError{r}
}

// GuardSince returns when the guard was opened last, on the clock of [Tick.At]. Another value than before means that it
// was closed in between, however briefly.
func (s *Session) GuardSince() time.Duration { return time.Duration(s.gate.since.Load()) }

type request struct {
	frame   []byte
	came    time.Duration // when the writer got it
	cancels int64         // id of the order that it cancels, 0 for other requests
	done    chan error    // yields what has become of it; nil if nothing waits for that

	settled atomic.Bool // it is being written, or will never be

	order   int64                // id of the order that it places, 0 for other requests; what follows is about those
	guard   func() error         // says why no order may leave
	within  func() time.Duration // how recently Gateway must have been heard
	allowed func() error         // [Conditions.Allowed], may be nil
	ready   chan struct{}        // closed when it is prepared, or will never be; nil: there is nothing to prepare
}

// placeLimit is how long an order may take from [Session.Place] to Gateway's socket, pacing included, and how long it
// may be prepared when its turn has come.
const placeLimit = 5 * time.Second

func (s *Session) placing(id int64, frame []byte, c Conditions) *request {
	q := &request{
		frame: frame, order: id, done: make(chan error, 1), guard: s.Guard, within: s.gate.ProofOfLife,
		allowed: c.Allowed,
	}
	if c.Prepare != nil {
		q.ready = make(chan struct{})
	}
	return q
}

// prepare prepares an order. With an error, or a panic, it never leaves.
func (q *request) prepare(f func() error) (err error) {
	prepared := false
	defer func() {
		if !prepared {
			q.claim()
		}
		close(q.ready)
	}()
	err = f()
	prepared = err == nil
	return err
}

// permit says why the order may not leave. It is asked when its bytes are about to.
func (q *request) permit() error {
	if err := q.guard(); err != nil || q.allowed == nil {
		return err
	}
	return q.allowed()
}

// claim settles what becomes of a request. Only the caller that gets true may write it, or report that it never leaves.
func (q *request) claim() bool { return !q.settled.Swap(true) }

// refuse reports that the order never leaves, unless something else was settled before.
func (q *request) refuse(err error) {
	if q.claim() {
		q.done <- err
	}
}

// Conditions are what an order's bytes wait for, beside the guard. If one of them returns an error, nothing is sent and
// Place returns that error.
type Conditions struct {
	// Prepare, if set, is called once while the order waits for its turn, by the goroutine that places it. The order,
	// and every request behind it but cancellations of other orders, waits for its return, but not for longer than five
	// seconds.
	Prepare func() error
	// Allowed, if set, is asked at the moment when the bytes are about to leave, behind the guard: a permission may be
	// withdrawn while an order waits for its turn. It must not block.
	Allowed func() error
}

// Place sends an order with an id that the caller chooses, above all ids used before; with the id of an open order it
// changes that one. It returns nil when the order's bytes have been given to the network, a *[GuardError] if the guard
// was closed, also when they were about to leave, [ErrGatewaySilent] if Gateway did not prove then that it is there,
// [ErrSessionOver] after the end of the session, [ErrOrderUnknown] if the session ended in the middle, and the error of
// a condition. What becomes of the order arrives at Orders.
func (s *Session) Place(id int64, o Order, c Conditions) error {
	if id < 1 || id > MaxOrderID {
		return fmt.Errorf("order id %d: 1 to %d are possible", id, MaxOrderID)
	}
	if err := check(&o); err != nil {
		return err
	}
	frame, err := wire.Frame(wire.PlaceOrder(id, &o))
	if err != nil {
		return err
	}
	if err := s.Guard(); err != nil {
		return err
	}
	b, q := s.socket.pending, s.placing(id, frame, c)
	if _, another := b.placing.LoadOrStore(id, true); another {
		return fmt.Errorf("order id %d is being sent already", id)
	}
	defer b.placing.Delete(id)
	b.wanted.Store(true)
	if err := s.socket.send(context.Background(), q); err != nil {
		return err
	}
	if q.ready != nil {
		if err := q.prepare(c.Prepare); err != nil {
			return err
		}
	}
	return s.written(q)
}

// written waits until a request has been written, or never will be.
func (s *Session) written(q *request) error {
	limit := time.NewTimer(placeLimit)
	defer limit.Stop()
	select {
	case err := <-q.done:
		return err
	case <-s.socket.closed:
		if q.claim() {
			return ErrSessionOver
		}
	case <-limit.C:
		if q.claim() {
			return ErrNotSent
		}
	}
	return <-q.done // it is being written
}

// check says what is wrong with an order. Gateway checks more, and says so itself.
func check(o *Order) error {
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
	var ref, side error
	if o.Ref == "" || len(o.Ref) > maxRef || strings.ContainsFunc(o.Ref, func(r rune) bool {
		return r < ' ' || r > '~'
	}) {
		ref = fmt.Errorf("order reference %.50q: 1 to %d printable ASCII characters are needed", o.Ref, maxRef)
	}
	if o.Side != Buy && o.Side != Sell {
		side = fmt.Errorf("unknown side %q", o.Side)
	}
	return errors.Join(
		ref, side, kind,
		price("limit price", o.LimitPrice, o.Type == Limit || o.Type == StopLimit),
		price("stop price", o.StopPrice, o.Type == Stop || o.Type == StopLimit),
		price("trail amount", o.TrailAmount, o.Type == Trail && o.TrailPercent == 0),
		price("trail percent", o.TrailPercent, o.Type == Trail && o.TrailAmount == 0),
	)
}
