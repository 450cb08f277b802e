package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatewatch/conn/ib"
)

// This file is how a [Ledger] has orders cancelled. A request is repeated until Gateway says that the order is done, or
// that it cannot cancel it: what comes too fast it throws away, with an error that names no order (100).

const (
	// cancelRetry is how long Gateway may say nothing about a request to cancel, once that was written, before it is
	// repeated.
	cancelRetry = 2 * time.Second
	// cancelLimit is how long an order may live on after it was to be cancelled before a person is notified.
	cancelLimit = 10 * time.Second
	// keepCancelled is how long it is remembered that all orders that were to be cancelled are done.
	keepCancelled = time.Minute
)

// OtherClientError means that orders cannot be cancelled through a session because another client id has placed them:
// Gateway would cancel the orders of the session's client id that have the same numbers.
type OtherClientError struct {
	Session int // client id of the session
	Orders  []Intent
}

func (e *OtherClientError) Error() string {
	first := e.Orders[0]
	if len(e.Orders) == 1 {
		return fmt.Sprintf("order %d belongs to client id %d, and the session has client id %d", first.ID, first.Client,
			e.Session)
	}
	return fmt.Sprintf("%d orders belong to other client ids than the session's %d; the first is order %d of "+
		"client id %d",
		len(e.Orders), e.Session, first.ID, first.Client)
}

// ErrIDReused means that an order cannot be cancelled or changed because Gateway has mentioned another one with its
// client id and order id.
var ErrIDReused = errors.New("another order has the same client id and order id in Gateway")

// Cancellation is an order that was to be cancelled and is not done.
type Cancellation struct {
	Order   Intent
	Refused bool   // Gateway says that it cannot cancel the order; else the request is repeated
	Code    int    // IB code of what it has said last, 0 if that is nothing
	Detail  string // and its text, which comes from outside
}

// Cancelling is how far the orders are that were to be cancelled.
type Cancelling struct {
	Asked     int // all of them
	Confirmed int // done, as Gateway has said
	Refused   int // Gateway says that it cannot cancel them
	Open      []Cancellation
}

// cancellation is what is known of a request to cancel an order.
type cancellation struct {
	order    *Intent
	asked    time.Duration // on the ledger's clock
	sent     time.Duration // when it was written last, if session is not 0
	session  uint64        // in which it was written last
	pending  bool          // Gateway has it, and works on it
	refused  bool
	again    bool // it was refused once, though Gateway has the order
	code     int
	detail   string
	reported bool // a person knows that the order lives on
}

// published returns what others may know of it.
func (c *cancellation) published() Cancellation {
	return Cancellation{Order: *c.order, Refused: c.refused, Code: c.code, Detail: c.detail}
}

func byOrder(a, b Cancellation) int { return cmp.Compare(a.Order.ID, b.Order.ID) }

// cannotCancel are the codes with which Gateway says that it will not cancel an order: not found (135, 10147), not in a
// state for it (136, 161, 10148), not permitted (321).
var cannotCancel = []int{135, notCancellable, notCancelling, 321, notFound, notCancelled}

// Cancel asks for one of our open orders to be cancelled. It needs neither an open guard nor armed trading. It returns
// nil when the request has been written or waits for its turn. It is repeated, in other sessions, too, until
// [Ledger.Cancelling] says what came of it. It returns [ErrNotOpen] if there is no such order, an *[OtherClientError],
// [ErrIDReused], or an error of the session; with an error nothing goes on.
func (l *Ledger) Cancel(s *ib.Session, id int64) error {
	l.mu.Lock()
	client := -1
	if s != nil {
		client = s.ClientID()
	}
	i := l.named(client, id)
	err := l.cancellable(s, i)
	if err != nil {
		l.mu.Unlock()
		return err
	}
	c, certain := l.want(i), l.met(i, s.Number())
	l.mu.Unlock()
	time.AfterFunc(l.cancelLimit, l.reportOverdue)
	if !certain {
		return nil
	}
	if err = l.send(s, c); errors.Is(err, ib.ErrNotSent) {
		return nil // it waits for its turn, or goes out once more
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.cancels, i.Order.Ref)
		i.CancelAsked = false
		l.toCancel(i, false)
	}
	return err
}

// CancelAll asks for all our open orders to be cancelled, and returns how many that are. The requests are written
// behind, as fast as Gateway takes them; see [Ledger.Cancelling]. The error may be an *[OtherClientError] about those
// that cannot be cancelled in this session, or [ErrIDReused].
func (l *Ledger) CancelAll(s *ib.Session) (count int, err error) {
	var others []Intent
	l.mu.Lock()
	for _, i := range l.intents {
		if i.Done() {
			continue
		}
		switch failed := l.cancellable(s, i); {
		case errors.As(failed, new(*OtherClientError)):
			others = append(others, *i)
		case failed != nil:
			err = failed
		default:
			l.want(i)
			count++
		}
	}
	l.mu.Unlock()
	if count > 0 {
		time.AfterFunc(l.cancelLimit, l.reportOverdue)
		l.sending.Go(func() { l.sendCancels(s) })
	}
	if len(others) > 0 {
		slices.SortFunc(others, func(a, b Intent) int { return cmp.Compare(a.ID, b.ID) })
		err = errors.Join(&OtherClientError{Session: s.ClientID(), Orders: others}, err)
	}
	return count, err
}

// cancellable says why an order cannot be cancelled in a session. Order ids are counted per client id: with that of
// another one Gateway would cancel a stranger.
func (l *Ledger) cancellable(s *ib.Session, i *Intent) error {
	switch {
	case i == nil || i.Done():
		return ErrNotOpen
	case s == nil || ended(s):
		return ib.ErrSessionOver
	case i.Client != s.ClientID():
		return &OtherClientError{Session: s.ClientID(), Orders: []Intent{*i}}
	case l.used[i.key()]:
		return fmt.Errorf("order %d: %w", i.ID, ErrIDReused)
	}
	return nil
}

// cancelling reports whether Gateway is asked to cancel an order, or the one to which it belongs.
func (l *Ledger) cancelling(i *Intent) bool {
	for _, one := range []*Intent{i, l.ids[orderKey{i.Client, i.Order.Parent}]} {
		if one == nil {
			continue
		}
		if c := l.cancels[one.Order.Ref]; c != nil && !c.refused {
			return true
		}
	}
	return false
}

// want notes that an order is to be cancelled. What is over of former requests is forgotten.
func (l *Ledger) want(i *Intent) *cancellation {
	over := true
	for _, c := range l.cancels {
		over = over && (c.refused || c.order.Done())
	}
	if over {
		clear(l.cancels)
	}
	c := l.cancels[i.Order.Ref]
	if c == nil || c.refused || c.reported {
		c = &cancellation{order: i, asked: l.mono()}
		l.cancels[i.Order.Ref] = c
		i.CancelAsked = true
		l.record(entry{Intents: []*Intent{i}})
		l.toCancel(i, true)
	}
	return c
}

// resumeCancels goes on with the requests to cancel that an earlier start has begun.
func (l *Ledger) resumeCancels() {
	for ref, i := range l.intents {
		if i.CancelAsked && !i.Done() {
			l.cancels[ref] = &cancellation{order: i, asked: l.mono()}
		}
	}
	if len(l.cancels) > 0 {
		time.AfterFunc(l.cancelLimit, l.reportOverdue)
	}
}

// due reports whether a request is to be written in a session, for the first time or once more.
func (l *Ledger) due(s *ib.Session, c *cancellation) bool {
	switch {
	case c.refused || l.cancellable(s, c.order) != nil:
		return false
	case c.session == s.Number():
		return !c.pending && l.mono()-c.sent >= l.cancelRetry
	}
	return l.met(c.order, s.Number()) // else Gateway may cancel the order of another client id with that number
}

// dueCancels returns the requests that are to be written in a session, those of the oldest orders first: the exits of
// an order go with it.
func (l *Ledger) dueCancels(s *ib.Session) (list []*cancellation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.cancels {
		if l.due(s, c) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *cancellation) int { return cmp.Compare(a.order.ID, b.order.ID) })
	return list
}

// sendCancels writes the requests that are due, one after the other.
func (l *Ledger) sendCancels(s *ib.Session) {
	l.cancelTurn.Lock()
	defer l.cancelTurn.Unlock()
	for _, c := range l.dueCancels(s) {
		l.mu.Lock()
		due := l.due(s, c)
		l.mu.Unlock()
		if !due {
			continue
		}
		if err := l.send(s, c); err != nil {
			l.log.Warn("an order could not be cancelled", "session", s.Number(), "order", c.order.ID, "err", err)
		}
		select {
		case <-l.closing:
			return
		default:
		}
	}
}

// send writes one request.
func (l *Ledger) send(s *ib.Session, c *cancellation) error {
	l.mu.Lock()
	c.sent, c.session, c.pending = l.mono(), s.Number(), false
	l.mu.Unlock()
	err := s.Cancel(c.order.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.sent = l.mono()
	if err != nil {
		c.code, c.detail, c.refused = 0, err.Error(), false
	}
	return err
}

// answered takes in what a piece of news about an order says of the request to cancel it.
func (l *Ledger) answered(i *Intent, n ib.OrderNews) {
	c := l.cancels[i.Order.Ref]
	if c == nil {
		return
	}
	switch n.Kind {
	case ib.OrderOpen, ib.OrderStatus:
		if c.pending = n.Status == "PendingCancel"; c.refused && c.code == notFound && !c.again {
			c.refused, c.again, c.sent = false, true, l.mono() // Gateway has the order after all
		}
	case ib.OrderError:
		if slices.Contains(cannotCancel, n.Code) && !(n.Code == notCancelled && c.pending) {
			c.code, c.detail, c.refused = n.Code, n.Detail, true
			l.suspect(i) // what Gateway has says more than why it refuses
		}
	}
}

// missing takes in that Gateway has no order with an id that it was asked to cancel. That answers the request also
// about an order of which Gateway has said nothing in this session: another order with that id there cannot be.
func (l *Ledger) missing(n ib.OrderNews) {
	if n.Kind != ib.OrderError || n.Code != notFound {
		return
	}
	if i := l.ids[keyOf(n)]; i != nil {
		if c := l.cancels[i.Order.Ref]; c != nil && c.session == n.Session {
			c.code, c.detail, c.refused = n.Code, n.Detail, true
		}
	}
}

// Cancelling returns how far the orders are that were to be cancelled. When all of them are done, that is forgotten
// after a minute.
func (l *Ledger) Cancelling() (state Cancelling) {
	l.mu.Lock()
	defer l.mu.Unlock()
	recent := false
	for _, c := range l.cancels {
		state.Asked++
		recent = recent || l.now().Sub(c.order.Changed).Abs() < keepCancelled
		switch {
		case c.order.Done():
			state.Confirmed++
			continue
		case c.refused:
			state.Refused++
		}
		state.Open = append(state.Open, c.published())
	}
	if state.Confirmed == state.Asked && !recent {
		clear(l.cancels)
		return Cancelling{}
	}
	slices.SortFunc(state.Open, byOrder)
	return state
}

// reportOverdue reports the orders that live on though they were to be cancelled.
func (l *Ledger) reportOverdue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Cancellation
	for _, c := range l.cancels {
		if c.reported || c.order.Done() || l.mono()-c.asked < l.cancelLimit {
			continue
		}
		c.reported = true
		list = append(list, c.published())
	}
	if len(list) == 0 {
		return
	}
	slices.SortFunc(list, byOrder)
	l.log.Warn("orders that were to be cancelled are not done", "count", len(list), "first", list[0].Order.ID, "code",
		list[0].Code)
	if l.overdue != nil {
		l.overdue(list)
	}
}

// ended reports whether a session is over.
func ended(s *ib.Session) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}
