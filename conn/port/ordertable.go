package port

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Record keeps the orders of programs on disk. [Journal] is one. Its methods may be called from any goroutine.
type Record interface {
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

// orderTable knows the orders of programs. Each Order in it is replaced, never changed, so that it can be handed out.
type orderTable struct {
	record Record

	mu     sync.Mutex
	number uint64
	byID   map[orderKey]*Order // the last order with that id
	byPerm map[int64]*Order
	recent []*Order // ascending by number; those that left are done or in byID
}

func newOrderTable(r Record) *orderTable {
	b := &orderTable{record: r, byID: map[orderKey]*Order{}, byPerm: map[int64]*Order{}}
	for _, o := range r.Orders() {
		if o.State == Sent || o.State == Working || o.State == Inactive {
			o.State = Unknown // until Gateway mentions it
			r.Note(o)
		}
		b.number = max(b.number, o.Number)
		b.put(&o)
	}
	return b
}

// put makes an order the present one, in the place of what was known of it. The lock is held.
func (b *orderTable) put(o *Order) {
	key := orderKey{o.Client, o.ID}
	old := b.byID[key]
	if !o.aside && (old == nil || old.Number <= o.Number) {
		b.byID[key] = o
	}
	if o.PermID != 0 {
		b.byPerm[o.PermID] = o
	}
	at, found := slices.BinarySearchFunc(b.recent, o.Number, func(r *Order, n uint64) int {
		return cmp.Compare(r.Number, n)
	})
	if found {
		b.recent[at] = o
		return
	}
	b.recent = slices.Insert(b.recent, at, o)
	if len(b.recent) > 2*maxRecent {
		b.forget()
	}
}

// forget removes the oldest orders that are done.
func (b *orderTable) forget() {
	surplus := len(b.recent) - maxRecent
	b.recent = slices.DeleteFunc(b.recent, func(o *Order) bool {
		if surplus <= 0 || !o.State.Done() {
			return false
		}
		surplus--
		if key := (orderKey{o.Client, o.ID}); b.byID[key] == o {
			delete(b.byID, key)
		}
		delete(b.byPerm, o.PermID)
		return true
	})
}

// open reports whether Gateway has, or may have, the order that a connection means by an id; see prepare.
func (b *orderTable) open(client int64, connection uint64, first, id int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.byID[orderKey{client, id}]
	return o != nil && !o.State.Done() && !o.stale(connection, first)
}

// stale reports whether an order is not the one that a connection means by its id: no one knows what became of it, and
// Gateway, which may count from 1 again, has offered ids from first on to the connection as free; 0: it has not yet.
func (o *Order) stale(connection uint64, first int64) bool {
	return o.State == Unknown && o.connection != connection && first > 0 && o.ID >= first
}

// existed reports whether Gateway had an order with an id of this connection that is done by now: what comes with that
// id is a change that comes too late.
func (b *orderTable) existed(client int64, connection uint64, id int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.byID[orderKey{client, id}]
	return o != nil && o.connection == connection && (o.State == Filled || o.State == Cancelled)
}

// prepare returns an order as it is to be recorded before its bytes leave: a new one, or the open one as it is changed.
// The preview of a change leaves it as it is. Ids from first on were free when the connection began.
func (b *orderTable) prepare(
	client int64, connection uint64, first int64, who program, in *instruction,
) (o Order, change bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.byID[orderKey{client, in.id}]
	open := old != nil && !old.State.Done() && !old.stale(connection, first)
	switch {
	case open && in.preview:
		return *old, true
	case open && !in.exercise:
		o, change = *old, true
		o.Changes++
		pending := *old
		pending.change = &o
		defer b.put(&pending)
	default:
		b.number++
		o = Order{Number: b.number, At: time.Now().UTC(), Client: client, ID: in.id, State: Sent}
		if in.preview {
			o.State = Preview
		}
		if open {
			o.State, o.aside = Unknown, true
		}
	}
	o.connection, o.Program, o.PID = connection, who.name, who.pid
	o.Words, o.Quantity, o.Account, o.Ref = in.words, in.quantity, in.account, in.ref
	o.Parent, o.Held = in.parent, in.hold
	return o, change
}

// sent takes in an order that is on disk and whose bytes leave now. What Gateway has said of it since it was prepared
// stays.
func (b *orderTable) sent(o Order, attached [2]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.byID[orderKey{o.Client, o.ID}]; now != nil && now.Number == o.Number && now.Heard != o.Heard {
		o.PermID, o.State, o.Status, o.Filled = now.PermID, now.State, now.Status, now.Filled
		o.Code, o.Text, o.Heard = now.Code, now.Text, now.Heard
		b.record.Note(o)
	}
	b.put(&o)
	for _, id := range attached {
		if id == 0 || b.byID[orderKey{o.Client, id}] != nil && !b.byID[orderKey{o.Client, id}].State.Done() {
			continue
		}
		b.number++
		child := o
		child.Number, child.ID, child.Parent, child.PermID = b.number, id, o.ID, 0
		child.Words = "attached to " + strconv.FormatInt(o.ID, 10)
		b.put(&child)
		b.record.Note(child)
	}
}

// refused takes in an order that was not sent, and puts it on disk if onDisk is set. A change that was refused leaves
// the order as it was.
func (b *orderTable) refused(o Order, change bool, reason Reason, onDisk bool) *Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	if change {
		old := b.byID[orderKey{o.Client, o.ID}]
		if old == nil {
			return nil
		}
		o = *old
		o.change = nil
	} else {
		o.State = Refused
	}
	o.Reason = reason
	b.put(&o)
	if onDisk {
		b.record.Note(o)
	}
	return &o
}

// lost takes in that a connection has ended. Of orders that Gateway has not mentioned it is unknown what became of
// them, and of all others too if it was Gateway that was lost.
func (b *orderTable) lost(client int64, connection uint64, gateway bool) (unknown []*Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.byID {
		inFlight := o.State == Sent && o.connection == connection
		worked := o.State == Working || o.State == Inactive
		if o.Client != client || !inFlight && !(gateway && worked) {
			continue
		}
		n := *o
		n.State = Unknown
		unknown = append(unknown, &n)
	}
	slices.SortFunc(unknown, func(a, b *Order) int { return cmp.Compare(a.Number, b.Number) })
	for _, n := range unknown {
		b.put(n)
		b.record.Note(*n)
	}
	return unknown
}

// awaited reports whether Gateway has still to say something of an order of a connection: that it has it, or after the
// cancellation of all orders of a client id that they are done.
func (b *orderTable) awaited(client int64, connection uint64, cancelled bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.byID {
		if o.Client == client && (o.State == Sent && o.connection == connection || cancelled && !o.State.Done()) {
			return true
		}
	}
	return false
}

// count returns how many orders of a client id Gateway has as far as is known, and of how many that is not known.
func (b *orderTable) count(client int64) (working, unknown int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.recent {
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

// working returns the orders of a client id that Gateway has or may have, without those that a person placed in TWS and
// that Gateway shows to client id 0 with ids below 0.
func (b *orderTable) working(client int64) (list []*Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.byID {
		if o.Client == client && o.ID >= 0 && !o.State.Done() {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *Order) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// all returns the orders that are known, newest first.
func (b *orderTable) all() []Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Order, 0, len(b.recent))
	for _, o := range slices.Backward(b.recent) {
		list = append(list, *o)
	}
	return list
}

// heard takes in what Gateway says of an order. Of an order that is not a program's nothing is known, and nothing
// becomes known. It returns the number of the order, 0 if it is none of a program's.
func (b *orderTable) heard(n news) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.find(n)
	if o == nil || o.State == Refused || o.State == Preview {
		return 0
	}
	next := *o
	next.apply(n)
	if next == *o {
		return o.Number
	}
	next.Heard = time.Now().UTC()
	b.put(&next)
	if c := next.change; c != nil { // it may be on disk already, and leave at any moment
		next.Changes, next.Words, next.Quantity = c.Changes, c.Words, c.Quantity
		next.Account, next.Ref = c.Account, c.Ref
	}
	b.record.Note(next)
	return o.Number
}

// adopt takes in an order that was not sent through the port, unless there are too many.
func (b *orderTable) adopt(o Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.recent) >= maxAdopted {
		return
	}
	b.number++
	o.Number, o.Heard = b.number, time.Now().UTC()
	o.At = o.Heard
	b.put(&o)
	b.record.Note(o)
}

// unwatched returns the orders that are not done, of client ids without a program that is connected.
func (b *orderTable) unwatched(connected map[int64]bool) (list []*Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.byID {
		if !o.State.Done() && !connected[o.Client] {
			list = append(list, o)
		}
	}
	return list
}

// missing takes in that Gateway has answered, and mentioned only some orders: what became of the others is unknown. It
// returns those of which that was not said before.
func (b *orderTable) missing(mentioned map[uint64]bool, connected map[int64]bool) (unknown []*Order) {
	list := b.unwatched(connected)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range list {
		if mentioned[o.Number] || o.State == Unknown || b.byID[orderKey{o.Client, o.ID}] != o {
			continue
		}
		n := *o
		n.State = Unknown
		b.put(&n)
		b.record.Note(n)
		unknown = append(unknown, &n)
	}
	return unknown
}

// find returns the order that Gateway speaks of. Two permIds under one id are two orders.
func (b *orderTable) find(n news) *Order {
	if o := b.byPerm[n.perm]; o != nil {
		return o
	}
	o := b.byID[orderKey{n.client, n.id}]
	if n.id == noID || o == nil || o.PermID != 0 && n.perm != 0 {
		return nil
	}
	return o
}
