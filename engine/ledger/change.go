package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"gatewatch/conn/ib"
)

// This file is how a [Ledger] changes orders that work.

// errAlike means that an order is already as it is asked to become. Nothing is sent then: its next status would confirm
// the change before Gateway refused it, and the refusal would be taken for the order's end.
var errAlike = errors.New("the order is so already")

// Change changes an order that works. It is not an error that Gateway may refuse it later: then the order stays as it
// was. The intent says what was asked for. An order of which Gateway has said nothing cannot be changed, since it
// would be placed again.
func (l *Ledger) Change(s *ib.Session, id int64, change func(*ib.Order), allowed func() error) (Intent, error) {
	i, sent, err := l.alter(s, id, change)
	if errors.Is(err, errAlike) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return *i, nil
	}
	if err != nil {
		return Intent{}, err
	}
	if err = l.sync(); err != nil {
		err = notWritten("change", err)
	} else {
		err = s.Place(id, sent, ib.Conditions{Allowed: allowed})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i.Changed, i.asking, i.changing = l.now(), l.now(), false
	if err != nil && !errors.Is(err, ib.ErrOrderUnknown) {
		i.Asked = nil // it has not left
	}
	l.save(i)
	if err != nil {
		return Intent{}, err
	}
	return *i, nil
}

// alter writes down what an order is asked to become, if it can be changed. It begins with what Gateway has confirmed:
// what was refused must not be asked for again by the way.
func (l *Ledger) alter(s *ib.Session, id int64, change func(*ib.Order)) (*Intent, ib.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.named(s.ClientID(), id)
	if err := l.changeable(s, i); err != nil {
		return nil, ib.Order{}, err
	}
	order := i.Order
	change(&order)
	order.Hold = false
	if head := l.ids[orderKey{i.Client, order.Parent}]; head != nil && head.Done() {
		order.Parent = 0 // Gateway refuses a parent that it does not have any more (135)
	}
	if alike(&i.Order, &order) {
		return i, order, errAlike
	}
	if err := cmp.Or(l.broken, l.inPlace()); err != nil {
		return nil, ib.Order{}, notWritten("change", err)
	}
	i.Asked, i.Refused, i.changing = &order, nil, true
	if err := l.record(entry{Intents: []*Intent{i}}); err != nil {
		i.Asked, i.changing = nil, false
		return nil, ib.Order{}, notWritten("change", err)
	}
	return i, order, nil
}

// sendable are the types of which all is known that it takes to send an order again.
var sendable = []ib.OrderType{ib.Market, ib.Limit, ib.Stop, ib.StopLimit, ib.Trail}

// changeable says why an order, nil if there is none, cannot be changed.
func (l *Ledger) changeable(s *ib.Session, i *Intent) error {
	why := ""
	switch {
	case i == nil || i.Done():
		return ErrNotOpen
	case i.Client != s.ClientID():
		why = fmt.Sprintf("it belongs to client id %d; change it in TWS, or connect with that id", i.Client)
	case l.used[i.key()]:
		return fmt.Errorf("%w: %w; change it in TWS", ErrNotChanged, ErrIDReused)
	case i.Found:
		why = "what it was in full was lost when the computer went down; change it in TWS, or cancel it"
	case !slices.Contains(sendable, i.Order.Type):
		why = fmt.Sprintf("its type is now %s; change it in TWS", i.Order.Type)
	case i.State != Working || l.leaving[i.Order.Ref]:
		why = "Gateway has not confirmed it; look for it in TWS"
	case l.cancelling(i): // if Gateway counts ids again meanwhile, it would be placed again
		why = "it is being cancelled"
	case i.Asked != nil:
		why = "Gateway has not confirmed the change before this one; try again in some seconds"
	case !l.whole(i):
		why = "Gateway holds it, because its exits did not arrive; cancel it"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNotChanged, why)
}

// whole reports whether the last of the orders that were sent together with one has arrived. Until then Gateway holds
// them, and to send one of them again without Hold would let go those that are there.
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
	arrived := end.Status != "" || end.State == Working || end.State == Filled || end.State == Cancelled
	return arrived || first != nil && first.Filled > 0
}

// ErrNotWritten means that an order or a change was not sent, because the disk does not have it.
var ErrNotWritten = errors.New("it could not be written down")

func notWritten(what string, err error) error {
	return fmt.Errorf("the %s was not sent: %w: %w; is the disk full?", what, ErrNotWritten, err)
}

// ErrNotOpen means that an order is not one of ours, or that nothing is expected of it any more.
var ErrNotOpen = errors.New("no such open order")

// ErrNotChanged means that an open order cannot be changed as it stands; the error's text says why, and what to do.
var ErrNotChanged = errors.New("the order cannot be changed")

// stateAfter says what has become of an order whose placing has ended with err.
func stateAfter(err error) OrderState {
	switch {
	case err == nil:
		return Sent
	case errors.Is(err, ib.ErrOrderUnknown):
		return Unknown
	}
	return NotSent
}
