package record

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Keeper keeps the orders of programs on disk. [Journal] is one. Its methods may be called from any goroutine.
type Keeper interface {
	// Orders returns what the record has of orders when it is opened, oldest first: those that are not done, and some
	// that are.
	Orders() []Order
	// Write returns when an order is on disk, whatever happens to the computer then. With an error its bytes must not
	// leave.
	Write(ctx context.Context, o Order) error
	// Note puts what became known of an order on disk soon. It must not block.
	Note(o Order)
}

// maxRecent bounds the orders that are done and still shown.
const maxRecent = 1000

// maxAdopted is how many orders may be known for more of those that were not sent through the port to be taken in:
// Gateway may report them without end.
const maxAdopted = 5 * maxRecent

// orderKey names an order for as long as it is not done: ids count per client id.
type orderKey struct{ client, id int64 }

// Table knows the orders of programs. Each Order in it is replaced, never changed, so that it can be handed out.
type Table struct {
	record Keeper

	mu     sync.Mutex
	number uint64
	byID   map[orderKey]*Order // the last order with that id
	byPerm map[int64]*Order
	recent []*Order // ascending by number; those that left are done or in byID
}

// NewTable returns the table of the orders that a record has. What becomes known of them goes to the record.
func NewTable(r Keeper) *Table {
	t := &Table{record: r, byID: map[orderKey]*Order{}, byPerm: map[int64]*Order{}}
	for _, o := range r.Orders() {
		if o.State == Sent || o.State == Working || o.State == Inactive {
			o.State = Unknown // until Gateway mentions it
			r.Note(o)
		}
		t.number = max(t.number, o.Number)
		t.put(&o)
	}
	return t
}

// put makes an order the present one, in the place of what was known of it. The lock is held.
func (t *Table) put(o *Order) {
	key := orderKey{o.Client, o.ID}
	old := t.byID[key]
	if !o.aside && (old == nil || old.Number <= o.Number) {
		t.byID[key] = o
	}
	if o.PermID != 0 {
		t.byPerm[o.PermID] = o
	}
	at, found := slices.BinarySearchFunc(t.recent, o.Number, func(r *Order, n uint64) int {
		return cmp.Compare(r.Number, n)
	})
	if found {
		t.recent[at] = o
		return
	}
	t.recent = slices.Insert(t.recent, at, o)
	if len(t.recent) > 2*maxRecent {
		t.forget()
	}
}

// forget removes the oldest orders that are done.
func (t *Table) forget() {
	surplus := len(t.recent) - maxRecent
	t.recent = slices.DeleteFunc(t.recent, func(o *Order) bool {
		if surplus <= 0 || !o.State.Done() {
			return false
		}
		surplus--
		if key := (orderKey{o.Client, o.ID}); t.byID[key] == o {
			delete(t.byID, key)
		}
		delete(t.byPerm, o.PermID)
		return true
	})
}

// MayHave reports whether Gateway has, or may have, the order that a connection means by an id; see Prepare.
func (t *Table) MayHave(client int64, connection uint64, first, id int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.byID[orderKey{client, id}]
	return o != nil && !o.State.Done() && !o.stale(connection, first)
}

// stale reports whether an order is not the one that a connection means by its id: no one knows what became of it, and
// Gateway, which may count from 1 again, has offered ids from first on to the connection as free; 0: it has not yet.
func (o *Order) stale(connection uint64, first int64) bool {
	return o.State == Unknown && o.connection != connection && first > 0 && o.ID >= first
}

// Existed reports whether Gateway had an order with an id of this connection that is done by now: what comes with that
// id is a change that comes too late.
func (t *Table) Existed(client int64, connection uint64, id int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.byID[orderKey{client, id}]
	return o != nil && o.connection == connection && (o.State == Filled || o.State == Cancelled)
}

// Prepare returns an order, of which is known what its program sends, as it is to be recorded before its bytes leave: a
// new one, or the open one as it is changed. The preview of a change leaves it as it is, and the exercise of an option,
// whose id is that of a request, is always new. Ids from first on were free when the connection began.
func (t *Table) Prepare(o Order, connection uint64, first int64, exercise bool) (_ Order, change bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.byID[orderKey{o.Client, o.ID}]
	open := old != nil && !old.State.Done() && !old.stale(connection, first)
	o.connection = connection
	switch {
	case open && o.State == Preview:
		return *old, true
	case open && !exercise:
		sent := o
		o = *old
		o.Program, o.PID, o.connection = sent.Program, sent.PID, connection
		o.Words, o.Quantity, o.Account, o.Ref = sent.Words, sent.Quantity, sent.Account, sent.Ref
		o.Parent, o.Held = sent.Parent, sent.Held
		o.Changes++
		pending := *old
		pending.change = &o
		t.put(&pending)
		return o, true
	}
	t.number++
	o.Number, o.At = t.number, time.Now().UTC()
	if open {
		o.State, o.aside = Unknown, true
	}
	return o, false
}

// Sent takes in an order that is on disk and whose bytes leave now. What Gateway has said of it since it was prepared
// stays.
func (t *Table) Sent(o Order, attached [2]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.byID[orderKey{o.Client, o.ID}]; now != nil && now.Number == o.Number && now.Heard != o.Heard {
		o.PermID, o.State, o.Status, o.Filled = now.PermID, now.State, now.Status, now.Filled
		o.Code, o.Text, o.Heard = now.Code, now.Text, now.Heard
		t.record.Note(o)
	}
	t.put(&o)
	for _, id := range attached {
		if id == 0 || t.byID[orderKey{o.Client, id}] != nil && !t.byID[orderKey{o.Client, id}].State.Done() {
			continue
		}
		t.number++
		child := o
		child.Number, child.ID, child.Parent, child.PermID = t.number, id, o.ID, 0
		child.Words = "attached to " + strconv.FormatInt(o.ID, 10)
		t.put(&child)
		t.record.Note(child)
	}
}

// Refused takes in an order that was not sent, and puts it on disk if onDisk is set. A change that was refused leaves
// the order as it was.
func (t *Table) Refused(o Order, change bool, reason string, onDisk bool) *Order {
	t.mu.Lock()
	defer t.mu.Unlock()
	if change {
		old := t.byID[orderKey{o.Client, o.ID}]
		if old == nil {
			return nil
		}
		o = *old
		o.change = nil
	} else {
		o.State = Refused
	}
	o.Reason = reason
	t.put(&o)
	if onDisk {
		t.record.Note(o)
	}
	return &o
}

// Lost takes in that a connection has ended. Of orders that Gateway has not mentioned it is unknown what became of
// them, and of all others too if it was Gateway that was lost.
func (t *Table) Lost(client int64, connection uint64, gateway bool) (unknown []*Order) {
	return t.lose(func(o *Order) bool {
		inFlight := o.State == Sent && o.connection == connection
		worked := o.State == Working || o.State == Inactive
		return o.Client == client && (inFlight || gateway && worked)
	})
}

// lose makes orders unknown, and returns them, oldest first.
func (t *Table) lose(which func(*Order) bool) (unknown []*Order) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.byID {
		if which(o) {
			n := *o
			n.State = Unknown
			unknown = append(unknown, &n)
		}
	}
	slices.SortFunc(unknown, func(a, b *Order) int { return cmp.Compare(a.Number, b.Number) })
	for _, n := range unknown {
		t.put(n)
		t.record.Note(*n)
	}
	return unknown
}

// Awaited reports whether Gateway has still to say something of an order of a connection: that it has it, or after the
// cancellation of all orders of a client id that they are done.
func (t *Table) Awaited(client int64, connection uint64, cancelled bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.byID {
		if o.Client == client && (o.State == Sent && o.connection == connection || cancelled && !o.State.Done()) {
			return true
		}
	}
	return false
}

// Count returns how many orders of a client id Gateway has as far as is known, and of how many that is not known.
func (t *Table) Count(client int64) (working, unknown int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.recent {
		if o.Client != client || o.aside {
			continue
		}
		switch o.State {
		case Sent, Working, Inactive:
			working++
		case Unknown:
			unknown++
		}
	}
	return working, unknown
}

// Working returns the orders of a client id that Gateway has or may have, without those that a person placed in TWS and
// that Gateway shows to client id 0 with ids below 0.
func (t *Table) Working(client int64) (list []*Order) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.byID {
		if o.Client == client && o.ID >= 0 && !o.State.Done() {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *Order) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// All returns the orders that are known, newest first.
func (t *Table) All() []Order {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Order, 0, len(t.recent))
	for _, o := range slices.Backward(t.recent) {
		list = append(list, *o)
	}
	return list
}

// Heard takes in what Gateway says of an order. Of an order that is not a program's nothing is known, and nothing
// becomes known. It returns the number of the order, 0 if it is none of a program's.
func (t *Table) Heard(n News) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.find(n)
	if o == nil || o.State == Refused || o.State == Preview {
		return 0
	}
	next := *o
	next.apply(n)
	if next == *o {
		return o.Number
	}
	next.Heard = time.Now().UTC()
	t.put(&next)
	if c := next.change; c != nil { // it may be on disk already, and leave at any moment
		next.Changes, next.Words, next.Quantity = c.Changes, c.Words, c.Quantity
		next.Account, next.Ref = c.Account, c.Ref
	}
	t.record.Note(next)
	return o.Number
}

// Adopt takes in an order that was not sent through the port, unless it is done or there are too many.
func (t *Table) Adopt(o Order) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if stateOf(o.Status).Done() || len(t.recent) >= maxAdopted {
		return
	}
	t.number++
	o.State, o.Adopted, o.Held = Working, true, false
	o.Number, o.Heard = t.number, time.Now().UTC()
	o.At = o.Heard
	t.put(&o)
	t.record.Note(o)
}

// Unwatched reports whether there are orders that are not done, of client ids without a program that is connected.
func (t *Table) Unwatched(connected map[int64]bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.byID {
		if !o.State.Done() && !connected[o.Client] {
			return true
		}
	}
	return false
}

// Missing takes in that Gateway has answered, and mentioned only some of those orders: what became of the others is
// unknown. It returns those of which that was not said before.
func (t *Table) Missing(mentioned map[uint64]bool, connected map[int64]bool) (unknown []*Order) {
	return t.lose(func(o *Order) bool {
		return !o.State.Done() && o.State != Unknown && !connected[o.Client] && !mentioned[o.Number]
	})
}

// find returns the order that Gateway speaks of. Two permIds under one id are two orders.
func (t *Table) find(n News) *Order {
	if o := t.byPerm[n.PermID]; o != nil {
		return o
	}
	o := t.byID[orderKey{n.Client, n.ID}]
	if n.ID == NoID || o == nil || o.PermID != 0 && n.PermID != 0 {
		return nil
	}
	return o
}
