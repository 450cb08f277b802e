package engine

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"

	"gatewatch/conn"
)

// This file is how a [Ledger] sends orders, and changes of them.

// Batch is what is sent together, in order and in one session: a single order, or one with those that close its position.
type Batch struct {
	// Orders are sent in this order. Those behind the first are held by Gateway until the first is filled, and all of them
	// until the last has arrived: what comes apart on the way does nothing. The ledger chooses their parents and references.
	Orders     []conn.Order
	Multiplier float64 // of their contract; 0 stands for 1
	Rule       string  // name of the rule that wants them, empty if none does
	// Notes, if set, is called once while the first order is on its way, for what is written down together with the intents, or not
	// at all; see [Ledger.Notes].
	Notes func() map[string][]byte
	// Allowed, if set, is asked at the moment when an order's bytes are about to leave; its error holds the order back. It must
	// not block.
	Allowed func() error
}

// Place sends the orders of a batch through a session, each once. It returns what is known of them when their bytes have left,
// or are known not to. An error is about the first order that was not surely sent, and none behind it were; it means that it
// was not sent, unless its intent's fate is [Unknown]. Without intents nothing was even written down.
func (l *Ledger) Place(s *conn.Session, b Batch) ([]Intent, error) {
	if len(b.Orders) == 0 {
		return nil, errors.New("a batch without orders")
	}
	if err := s.Guard(); err != nil {
		return nil, err
	}
	list, err := l.plan(s, b)
	if err != nil {
		return nil, err
	}
	written := false
	fates, failed := make([]Fate, len(list)), error(nil)
	for n, i := range list {
		if failed != nil {
			fates[n] = NotSent
			continue
		}
		c := conn.Conditions{Allowed: b.Allowed}
		if n == 0 {
			c.Prepare = func() (err error) {
				written, err = l.writeDown(s, list, b.Notes)
				return err
			}
		}
		failed = s.PlaceIf(i.ID, i.Order, c) // nobody changes the order before Gateway has it
		fates[n] = fateAfter(failed)
	}
	if !written {
		return nil, failed
	}
	if failed != nil && fates[0] == Sent {
		l.takeBack(s, list[0].ID)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	known := make([]Intent, len(list))
	for n, i := range list {
		delete(l.leaving, i.Order.Ref)
		// Gateway may have told of it already; or a newer session knew nothing of what has surely not left.
		if i.Fate == Planned || i.Fate == Unknown && fates[n] == NotSent {
			if i.Fate = fates[n]; i.Fate != Sent {
				i.Detail = failed.Error()
			}
			i.Changed = l.now()
		}
		known[n] = *i
	}
	l.save(list...)
	l.protect(list[0], false)
	return known, failed
}

// takeBack cancels the first order of a batch that has not arrived as a whole, and with it those that have.
func (l *Ledger) takeBack(s *conn.Session, id int64) {
	if err := l.Cancel(s, id); err != nil {
		l.log.Warn("an order without its exits stays in Gateway", "session", s.Number(), "order", id, "err", err)
	}
}

// plan makes the intents of a batch.
func (l *Ledger) plan(s *conn.Session, b Batch) (list []*Intent, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	ids, err := l.takeIDs(s.ClientID(), s.FirstOrderID(), len(b.Orders))
	if err != nil {
		return nil, err
	}
	for n, o := range b.Orders {
		o.Ref, o.Parent, o.Hold = "gw-"+rand.Text(), 0, n < len(b.Orders)-1
		if n > 0 {
			o.Parent = list[0].ID
		}
		list = append(list, &Intent{ID: ids[n], Client: s.ClientID(), Rule: b.Rule, Multiplier: b.Multiplier, At: now, Changed: now, Order: o, Fate: Planned})
	}
	return list, nil
}

// writeDown writes the intents of a batch to disk, and waits until they are there. It reports whether the ledger knows of
// them, which it may with an error, too.
func (l *Ledger) writeDown(s *conn.Session, list []*Intent, notes func() map[string][]byte) (known bool, err error) {
	var also map[string][]byte
	if notes != nil {
		also = notes()
	}
	if err = l.enter(s, list, also); err == nil {
		known, err = true, l.sync()
	}
	if err != nil {
		err = notWritten("order", err)
	}
	return known, err
}

// enter takes the intents of a batch into the ledger, unless they cannot be written.
func (l *Ledger) enter(s *conn.Session, list []*Intent, notes map[string][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, odd := notes[""]; odd {
		return errors.New("a note without a key")
	}
	if l.broken != nil {
		return l.broken
	}
	if err := l.inPlace(); err != nil {
		return err
	}
	now := l.now()
	l.forget(now)
	if err := l.journal.write(entry{Intents: list, Notes: notes}); err != nil {
		return err
	}
	for _, i := range list {
		ref := i.Order.Ref
		l.intents[ref], l.ids[i.key()], l.sentIn[ref] = i, i, s.Number()
		l.top = max(l.top, i.ID)
		l.leaving[ref], l.dirty[ref] = true, true
		l.sentAt(now)
	}
	maps.Copy(l.notes, notes)
	return nil
}

// errAlike means that an order is already as it is asked to become. Nothing is sent then: its next status would confirm the change
// before Gateway refused it, and the refusal would be taken for the order's end.
var errAlike = errors.New("the order is so already")

// Change changes an order that works. It is not an error that Gateway may refuse it later: then the order stays as it was. The
// intent tells what was asked for. An order of which Gateway has told nothing cannot be changed, since it would be placed anew.
func (l *Ledger) Change(s *conn.Session, id int64, change func(*conn.Order), allowed func() error) (Intent, error) {
	i, sent, err := l.begin(s, id, change)
	if errors.Is(err, errAlike) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return *i, nil
	}
	if err != nil {
		return Intent{}, err
	}
	if l.over(orderKey{s.ClientID(), sent.Parent}) {
		sent.Parent = 0 // Gateway refuses a parent that it does not have any more (135)
	}
	err = s.PlaceIf(id, sent, conn.Conditions{Allowed: allowed})
	l.mu.Lock()
	defer l.mu.Unlock()
	i.Changed, i.asking, i.changing = l.now(), l.now(), false
	if err != nil && !errors.Is(err, conn.ErrFateUnknown) {
		i.Asked = nil // it has not left
	}
	l.save(i)
	if err != nil {
		return Intent{}, err
	}
	return *i, nil
}

// over reports whether nothing more is expected of an order.
func (l *Ledger) over(key orderKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.ids[key]
	return i != nil && i.Done()
}

// begin finds an order that can be changed, and writes down what it is about to become.
func (l *Ledger) begin(s *conn.Session, id int64, change func(*conn.Order)) (*Intent, conn.Order, error) {
	i, order, err := l.alter(s, id, change)
	if err != nil {
		return i, conn.Order{}, err
	}
	if err := l.sync(); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		i.Asked, i.changing = nil, false
		return nil, conn.Order{}, notWritten("change", err)
	}
	return i, order, nil
}

// alter notes what an order is asked to become, if it can be changed. It begins with what Gateway has confirmed: what was refused
// must not be asked for again by the way.
func (l *Ledger) alter(s *conn.Session, id int64, change func(*conn.Order)) (*Intent, conn.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.named(s.ClientID(), id)
	switch {
	case i == nil || i.Done():
		return nil, conn.Order{}, ErrNotOpen
	case i.Client != s.ClientID():
		return nil, conn.Order{}, fmt.Errorf("%w: it belongs to client id %d; change it in TWS, or connect with that id", ErrNotChanged, i.Client)
	case l.used[i.key()]:
		return nil, conn.Order{}, fmt.Errorf("%w: %w; change it in TWS", ErrNotChanged, ErrIDReused)
	case i.Found:
		return nil, conn.Order{}, fmt.Errorf("%w: what it was in full was lost when the computer went down; change it in TWS, or cancel it", ErrNotChanged)
	case i.Fate != Working || l.leaving[i.Order.Ref]:
		return nil, conn.Order{}, fmt.Errorf("%w: Gateway has not confirmed it; look for it in TWS", ErrNotChanged)
	case l.cancelling(i): // if Gateway counts ids anew meanwhile, it would be placed anew
		return nil, conn.Order{}, fmt.Errorf("%w: it is being cancelled", ErrNotChanged)
	case i.Asked != nil:
		return nil, conn.Order{}, fmt.Errorf("%w: Gateway has not confirmed the change before this one; try again in some seconds", ErrNotChanged)
	case !l.whole(i):
		return nil, conn.Order{}, fmt.Errorf("%w: Gateway holds it, because its exits did not arrive; cancel it", ErrNotChanged)
	}
	order := i.Order
	change(&order)
	order.Hold = false
	if alike(&i.Order, &order) {
		return i, order, errAlike
	}
	if err := cmp.Or(l.broken, l.inPlace()); err != nil {
		return nil, conn.Order{}, notWritten("change", err)
	}
	i.Asked, i.Refused, i.changing = &order, nil, true
	if err := l.record(entry{Intents: []*Intent{i}}); err != nil {
		i.Asked, i.changing = nil, false
		return nil, conn.Order{}, notWritten("change", err)
	}
	return i, order, nil
}

// whole reports whether the last of the orders that were sent together with one has arrived. Until then Gateway holds them, and
// to send one of them again without Hold would let go those that are there.
func (l *Ledger) whole(i *Intent) bool {
	head := i.ID
	if i.Order.Parent != 0 {
		head = i.Order.Parent
	}
	end := i
	for _, other := range l.intents {
		if other.Order.Parent == head && other.Client == i.Client && other.ID > end.ID {
			end = other
		}
	}
	first := l.ids[orderKey{i.Client, head}]
	arrived := end.Status != "" || end.Fate == Working || end.Fate == Filled || end.Fate == Cancelled
	return arrived || first != nil && first.Filled > 0
}

var errNotWritten = errors.New("it could not be written down")

func notWritten(what string, err error) error {
	return fmt.Errorf("the %s was not sent: %w: %w; is the disk full?", what, errNotWritten, err)
}

// ErrNotOpen means that an order is not one of ours, or that nothing is expected of it any more.
var ErrNotOpen = errors.New("no such open order")

// ErrNotChanged means that an open order cannot be changed as it stands; the error's text says why, and what to do.
var ErrNotChanged = errors.New("the order cannot be changed")

// fateAfter says what has become of an order whose placing has ended with err.
func fateAfter(err error) Fate {
	switch {
	case err == nil:
		return Sent
	case errors.Is(err, conn.ErrFateUnknown):
		return Unknown
	}
	return NotSent
}
