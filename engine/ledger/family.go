package ledger

import (
	"strings"

	"gatewatch/conn/ib"
)

// This file is about an order and its exits: what follows for the others when Gateway does not have one of them.

// family returns the order that one belongs to, nil if that was forgotten, and all of its exits.
func (l *Ledger) family(i *Intent) (head *Intent, exits []*Intent) {
	if i.Order.Parent == 0 && !i.Order.Hold {
		return i, nil
	}
	id := i.ID
	if i.Order.Parent != 0 {
		id = i.Order.Parent
	}
	for _, other := range l.intents {
		if other.Order.Parent == id && other.Client == i.Client {
			exits = append(exits, other)
		}
	}
	return l.ids[orderKey{i.Client, id}], exits
}

// stops reports whether the intent is an exit that limits a loss.
func (i *Intent) stops() bool {
	typ := string(i.Order.Type) // others may have made it another one, such as STP PRT or TRAIL LIMIT
	return i.Order.Parent != 0 && (strings.HasPrefix(typ, "STP") || strings.HasPrefix(typ, "TRAIL"))
}

// missing reports whether it is certain that Gateway does not have an exit, or that no one knows whether it has, and
// that this was not wanted.
func (i *Intent) missing() bool {
	switch i.State {
	case Rejected, Unknown, NotSent:
		return true
	case Inactive: // it may be held for a moment, and a word that no one knows may mean anything
		return i.doubt.IsZero() && i.WhyHeld == "" && i.Status == "Inactive"
	case Cancelled:
		return i.doubt.IsZero() && i.stops() && !i.ToCancel
	}
	return false
}

// bereave takes back the order to which one belongs that Gateway does not have, unless it is too late.
func (l *Ledger) bereave(s *ib.Session, exit Intent) {
	if exit.Order.Parent == 0 || !exit.missing() {
		return
	}
	l.mu.Lock()
	head := l.ids[orderKey{exit.Client, exit.Order.Parent}]
	early := head != nil && !head.Done() && head.Filled == 0 && l.cancels[head.Order.Ref] == nil
	l.mu.Unlock()
	if early {
		l.sending.Go(func() { l.takeBack(s, exit.Order.Parent) }) // it may have to wait for its turn
	}
}

// toCancel notes whether an order is to be cancelled. If nothing of it was filled, Gateway cancels its exits with it.
func (l *Ledger) toCancel(i *Intent, wanted bool) {
	_, exits := l.family(i)
	for _, one := range append(exits, i) {
		if one.ToCancel != wanted && !one.Done() && (one == i || i.Order.Parent == 0 && i.Filled == 0) {
			one.ToCancel = wanted
			l.record(entry{Intents: []*Intent{one}})
		}
	}
}

// bereaveAll takes back the orders that a lost connection has left without their exits.
func (l *Ledger) bereaveAll(s *ib.Session) {
	for _, i := range l.list(func(i *Intent) bool { return i.Order.Parent != 0 && i.Client == s.ClientID() }) {
		l.bereave(s, i)
	}
}

// protect finds out whether a position of an order and its exits has lost its stop, after something was learned of one
// of them. asked says that Gateway was asked about it: that a stop was cancelled may be because another exit has closed
// the position, which Gateway reports a moment later.
func (l *Ledger) protect(i *Intent, asked bool) {
	head, exits := l.family(i)
	if head == nil {
		return
	}
	open, protected := head.Filled, false
	if head.State == Filled && !head.tookBack() {
		open = max(open, head.Order.Quantity)
	}
	for _, exit := range exits {
		open -= exit.Filled
		protected = protected || exit.stops() && exit.protects()
	}
	for _, stop := range exits {
		if !stop.stops() {
			continue
		}
		lost := open > 1e-7 && !protected && !stop.protects() && !stop.ToCancel
		if lost && stop.State == Cancelled && !stop.Unprotected && !asked {
			stop.wonder(l.now(), true)
			continue
		}
		if stop.Unprotected != lost {
			stop.Unprotected, stop.Changed = lost, l.now()
			l.save(stop)
		}
	}
}

// protects reports whether an exit works, or may be expected to in a moment.
func (i *Intent) protects() bool {
	return i.State == Working || i.State == Sent || i.State == Planned || i.State == Filled
}

// takeBack cancels the first order of a batch that has not arrived as a whole, and with it those that have.
func (l *Ledger) takeBack(s *ib.Session, id int64) {
	if err := l.Cancel(s, id); err != nil {
		l.log.Warn("an order without its exits stays in Gateway", "session", s.Number(), "order", id, "err", err)
	}
}
