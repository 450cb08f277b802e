package ledger

import (
	"errors"

	"gatewatch/conn/ib"
)

// This file is how a [Ledger] knows its own orders among all that Gateway mentions, and which ids it may give to new
// ones.
//
// Order ids are counted per client id, users can have them counted from 1 again, and with client id 0 orders appear
// that were made by hand, with ids such as 0, -3 or 2147483647. So an id alone says nothing: an order is ours if its
// client id, its id, its reference and IBKR's own number, the permId, all agree with an intent, as far as Gateway
// reports them.

func keyOf(n ib.OrderNews) orderKey { return orderKey{int(n.Client), n.ID} }

// about returns the intent that a piece of news is about; nil if it is not certain that it is about one. Everything but
// statuses and errors comes with the reference.
func (l *Ledger) about(n ib.OrderNews) *Intent {
	i := l.intents[n.Ref]
	if n.Ref == "" {
		i = l.ids[keyOf(n)]
	}
	if i == nil || !i.is(n) {
		return nil
	}
	switch {
	case n.Ref != "", n.PermID != 0 && n.PermID == i.PermID:
		return i
	case n.Kind == ib.OrderStatus, n.Kind == ib.OrderError:
		if l.met(i, n.Session) {
			return i
		}
	}
	return nil
}

// met reports whether it is certain that the intent's id is that of the intent's order in a session: it was sent there,
// or Gateway has mentioned it. 0 means any session.
func (l *Ledger) met(i *Intent, session uint64) bool {
	ref := i.Order.Ref
	return session == 0 || l.sentIn[ref] == session || l.metIn[ref] == session
}

// named returns the intent that people name by an id: that of a client id, or else of another one.
func (l *Ledger) named(client int, id int64) *Intent {
	if i := l.ids[orderKey{client, id}]; i != nil {
		return i
	}
	for _, i := range l.intents {
		if i.ID == id {
			return i
		}
	}
	return nil
}

// is reports whether nothing that a piece of news says about the identity of an order contradicts the intent.
// References are compared by the caller.
func (i *Intent) is(n ib.OrderNews) bool {
	same := n.PermID != 0 && n.PermID == i.PermID
	switch {
	case n.PermID != 0 && i.PermID != 0 && !same: // two orders, even under one id
		return false
	case n.Kind == ib.OrderCompleted: // has no id, and its client id only in some versions
		return n.Client == 0 || n.Client == int64(i.Client)
	}
	return n.Client == int64(i.Client) && (n.ID == i.ID || same)
}

// see takes in news that is not certainly about an order of ours. None of ours may get an id that Gateway has
// mentioned, since that would change or replace the other order. What resembles one of ours, and is not that one, is
// reported; what may be about one of ours is a reason to ask.
func (l *Ledger) see(n ib.OrderNews) {
	i := l.resembling(n)
	if n.Kind == ib.OrderError {
		l.suspect(i)
		return
	}
	live, ours := openStatus(n), i != nil && n.Ref == "" && i.is(n) // as far as is known
	if !ours && inRange(n.ID) {
		l.use(keyOf(n), live, n.Kind)
	}
	if i == nil || l.twins[twinOf(i, n)] || len(l.twins) >= maxTwins {
		return
	}
	l.twins[twinOf(i, n)] = true
	l.suspect(i)
	traded := live || n.Kind == ib.OrderFilled
	if ours || !traded || i.Done() && n.Ref != i.Order.Ref {
		return
	}
	l.log.Warn("Gateway has an order that resembles one of ours", "session", n.Session, "order", i.ID, "client",
		n.Client, "id", n.ID, "perm_id", n.PermID)
	if l.resembled != nil {
		l.resembled(*i, n)
	}
}

// suspect has Gateway asked about an order, if there is one of which something is expected.
func (l *Ledger) suspect(i *Intent) {
	if i != nil {
		i.wonder(l.now(), !i.Done())
	}
}

// Bounds of what is remembered of orders of others, which Gateway may tell without end.
const (
	maxUsed  = 10_000
	maxTwins = 1000
)

// use notes that an order of others has an id, and whether that order is open. Beyond the bound only the highest id is
// known.
func (l *Ledger) use(key orderKey, live bool, kind ib.OrderNewsKind) {
	_, known := l.used[key]
	full := !known && len(l.used) >= maxUsed
	if !full && (!known || kind != ib.OrderFilled) {
		l.used[key] = live
	}
	if _, counted := l.highest[key.client]; (live || full) && (counted || len(l.highest) < maxUsed) {
		l.highest[key.client] = max(l.highest[key.client], key.id)
	}
}

// twin is an order of others that has the reference or the id of one of ours.
type twin struct {
	ref    string // of ours
	key    orderKey
	permID int64
}

func twinOf(i *Intent, n ib.OrderNews) twin { return twin{i.Order.Ref, keyOf(n), n.PermID} }

// resembling returns the intent with the reference or, where there is none, with the client id and the id of an order.
func (l *Ledger) resembling(n ib.OrderNews) *Intent {
	if i := l.intents[n.Ref]; i != nil {
		return i
	}
	return l.ids[keyOf(n)]
}

// openStatus reports whether news says that an order is open.
func openStatus(n ib.OrderNews) bool {
	if n.Kind != ib.OrderOpen && n.Kind != ib.OrderStatus {
		return false
	}
	switch n.Status {
	case "Filled", "Cancelled", "ApiCancelled":
		return false
	}
	return true
}

// orderKey names an order for as long as Gateway does not count ids from 1 again.
type orderKey struct {
	client int
	id     int64
}

// ErrNoOrderID means that the order ids of a client id are used up, as far as Gatewatch and Gateway have counted.
var ErrNoOrderID = errors.New("there are no order ids left for this client id")
