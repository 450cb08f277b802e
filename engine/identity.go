package engine

import (
	"errors"

	"gatewatch/conn"
)

// This file is how a [Ledger] knows its own orders among all that Gateway tells of, and which ids it may give to new ones.
//
// Order ids are counted per client id, users can have them counted from 1 again, and with client id 0 orders appear that were
// made by hand, with ids such as 0, -3 or 2147483647. So an id alone says nothing: an order is ours if its client id, its id, its
// reference and IBKR's own number, the permId, all agree with an intent, as far as they were told.

// orderKey names an order for as long as Gateway does not count ids from 1 again.
type orderKey struct {
	client int
	id     int64
}

func (i *Intent) key() orderKey { return orderKey{i.Client, i.ID} }

func keyOf(n conn.OrderNews) orderKey { return orderKey{int(n.Client), n.ID} }

// inRange reports whether an order of ours can have an id.
func inRange(id int64) bool { return id >= 1 && id <= conn.MaxOrderID }

// about returns the intent that a piece of news is about; nil if it is not certain that it is about one. Everything but statuses
// and errors comes with the reference.
func (l *Ledger) about(n conn.OrderNews) *Intent {
	i := l.intents[n.Ref]
	if n.Ref != "" && i == nil {
		return l.adopt(n)
	}
	if n.Ref == "" {
		i = l.ids[keyOf(n)]
	}
	if i == nil || !i.is(n) {
		return nil
	}
	switch {
	case n.Ref != "", n.PermID != 0 && n.PermID == i.PermID:
		return i
	case n.Kind == conn.OrderStatus, n.Kind == conn.OrderError:
		if l.met(i, n.Session) {
			return i
		}
	}
	return nil
}

// met reports whether it is certain that the intent's id is that of the intent's order in a session: it was sent there, or Gateway
// has told of it. 0 stands for any session.
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

// is reports whether nothing that a piece of news tells about the identity of an order contradicts the intent. References are
// compared by the caller.
func (i *Intent) is(n conn.OrderNews) bool {
	same := n.PermID != 0 && n.PermID == i.PermID
	switch {
	case n.PermID != 0 && i.PermID != 0 && !same: // two orders, even under one id
		return false
	case n.Kind == conn.OrderCompleted: // has no id, and its client id only in some versions
		return n.Client == 0 || n.Client == int64(i.Client)
	}
	return n.Client == int64(i.Client) && (n.ID == i.ID || same)
}

// see notes that Gateway has used an id, whoever the order belongs to: none of ours may have it, since that would replace the other.
func (l *Ledger) see(n conn.OrderNews) {
	if n.Kind == conn.OrderError || !inRange(n.ID) {
		return
	}
	key := keyOf(n)
	l.used[key] = true
	if open := n.Kind == conn.OrderOpen || n.Kind == conn.OrderStatus; open {
		l.highest[key.client] = max(l.highest[key.client], n.ID)
	}
}

// ErrNoOrderID means that the order ids of a client id are used up, as far as Gatewatch and Gateway have counted.
var ErrNoOrderID = errors.New("there are no order ids left for this client id")

// takeIDs chooses ids for orders that are to be sent together, above all that were used and from the first that Gateway offers on.
// When there are none left and Gateway counts from 1 again, they are the first that no known order has.
func (l *Ledger) takeIDs(client int, first int64, count int) ([]int64, error) {
	if !inRange(first) {
		first = 0 // it has counted orders that were made by hand
	}
	for _, from := range []int64{max(l.floor+1, l.highest[client]+1, first), max(l.floor+1, first), first} {
		if ids := l.free(client, from, count); ids != nil {
			l.floor = ids[count-1]
			return ids, nil
		}
	}
	return nil, ErrNoOrderID
}

// free returns ids from one on that no known order has, nil if there are not that many.
func (l *Ledger) free(client int, from int64, count int) (ids []int64) {
	if from < 1 {
		return nil
	}
	var known map[int64]bool // of all client ids: for people an order of ours is named by its id alone
	if from <= l.top {
		known = map[int64]bool{}
		for _, i := range l.intents {
			known[i.ID] = true
		}
	}
	for id := from; id <= conn.MaxOrderID && len(ids) < count; id++ {
		if !known[id] && !l.used[orderKey{client, id}] {
			ids = append(ids, id)
		}
	}
	if len(ids) < count {
		return nil
	}
	return ids
}
