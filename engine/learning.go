package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"gatewatch/conn"
)

// This file is how a [Ledger] finds out what becomes of orders.

// completedTries is how often Gateway may leave the question about completed orders unanswered, in a row, before an order that only
// the answer could tell of is unknown. Some Gateways never answer it.
const completedTries = 5

// answerLimit is how long Gateway may say nothing about an order that it was sent before it is asked. It answers at once, unless it
// has thrown the order away: what comes too fast it refuses with an error that names no order (100).
const answerLimit = 10 * time.Second

// Learn takes in what Gateway says about an order. It returns the intent that it is about, if it is about one of ours and
// says something new.
func (l *Ledger) Learn(n conn.OrderNews) (Intent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.about(n)
	if i == nil {
		l.see(n)
		return Intent{}, false
	}
	if n.Kind != conn.OrderError && n.Session != 0 {
		l.metIn[i.Order.Ref] = n.Session
	}
	l.answered(i, n)
	if !i.learn(n, l.now()) {
		return Intent{}, false
	}
	l.save(i)
	return *i, true
}

// Follow takes in what a session says about orders, until it is over or ctx ends. About an order of which it says nothing it is
// asked.
func (l *Ledger) Follow(ctx context.Context, s *conn.Session) {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := make(chan struct{}, 1) // full while a question is under way
	clock := time.NewTicker(l.patience / 5)
	defer clock.Stop()
	cancelling := make(chan struct{}, 1) // full while requests to cancel are written
	retry := time.NewTicker(l.cancelRetry / 2)
	defer retry.Stop()
	for {
		l.hear(s)
		select {
		case <-s.Orders().Ready():
		case <-clock.C:
			if len(asked) > 0 || s.Guard() != nil || len(l.unanswered(s)) == 0 {
				continue
			}
			asked <- struct{}{}
			asking.Go(func() {
				l.search(ctx, s)
				<-asked
			})
		case <-retry.C:
			if len(cancelling) > 0 || len(l.dueCancels(s)) == 0 {
				continue
			}
			cancelling <- struct{}{}
			asking.Go(func() {
				l.sendCancels(s)
				<-cancelling
			})
		case <-s.Done():
			l.hear(s)
			return
		case <-ctx.Done():
			return
		}
	}
}

// hear takes in what a session has said. An order one of whose exits was refused is taken back, unless it is too late.
func (l *Ledger) hear(s *conn.Session) {
	for _, n := range s.Orders().Take() {
		if i, news := l.Learn(n); news && i.Fate == Rejected {
			l.bereave(s, i)
		}
	}
}

// bereave takes back the order to which one belongs that Gateway does not have, unless it is too late.
func (l *Ledger) bereave(s *conn.Session, exit Intent) {
	if exit.Order.Parent == 0 {
		return
	}
	l.mu.Lock()
	head := l.ids[orderKey{exit.Client, exit.Order.Parent}]
	early := head != nil && !head.Fate.Done() && head.Filled == 0
	l.mu.Unlock()
	if early {
		l.sending.Go(func() { l.takeBack(s, exit.Order.Parent) }) // it may have to wait for its turn
	}
}

// unanswered returns the references of the orders that a session was sent and has said nothing about for too long.
func (l *Ledger) unanswered(s *conn.Session) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	refs := map[string]bool{}
	for ref, number := range l.sentIn {
		i := l.intents[ref]
		if number == s.Number() && i.Fate == Sent && l.now().Sub(i.Changed).Abs() > l.patience { // or the clock was set
			refs[ref] = true
		}
	}
	for ref, i := range l.intents {
		if !i.doubt.IsZero() && i.Client == s.ClientID() {
			refs[ref] = true
		}
	}
	return refs
}

// search asks about the orders that a session says nothing about. What it has no trace of is unknown: it was sent before the
// question, and so was read before it.
func (l *Ledger) search(ctx context.Context, s *conn.Session) {
	refs := l.unanswered(s)
	lost, err := l.compare(ctx, s, func(ref string, i *Intent) bool {
		return refs[ref] && (i.Fate == Sent || !i.doubt.IsZero() && !i.Fate.Done())
	})
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, conn.ErrSessionOver) {
			l.log.Warn("Gateway says nothing about an order", "session", s.Number(), "err", err)
		}
		if one, ok := errors.AsType[*conn.UnansweredError](err); ok && one.Question != conn.QuestionCompletedOrders {
			s.Recheck()
		}
		return
	}
	l.mu.Lock()
	for ref := range refs {
		if i := l.intents[ref]; i != nil {
			i.doubt = time.Time{}
		}
	}
	l.mu.Unlock()
	for _, i := range lost {
		l.bereave(s, i)
	}
}

// Reconcile compares the ledger with what Gateway knows. It is made for [conn.Config]: the guard opens when it has returned
// nil. Gateway is asked for open orders even where every fate is known: whether it answers shows whether orders are possible. Orders
// of another client id than the present one cannot be asked for; they stand as they stood.
func (l *Ledger) Reconcile(ctx context.Context, s *conn.Session) error {
	client := s.ClientID()
	_, err := l.compare(ctx, s, func(ref string, i *Intent) bool {
		// What was sent in this very session may still be on its way.
		return !i.Fate.Done() && i.Fate != Unknown && i.Client == client && l.sentIn[ref] != s.Number()
	})
	if errors.Is(err, conn.ErrOldGateway) && !l.awaits(client, nil) {
		return nil // it can neither answer nor take an order
	}
	return err
}

// compare asks a session for what it knows about orders: for the open ones; for executions, if something is expected of an order;
// and for completed ones, if that leaves something to be known. Those that it has no trace of and for which lost is true are unknown from now on, and returned. lost is
// called with the ledger locked.
func (l *Ledger) compare(ctx context.Context, s *conn.Session, lost func(ref string, i *Intent) bool) ([]Intent, error) {
	s.Orders() // has news kept from now on, for who follows a moment later
	list, err := s.OpenOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for open orders: %w", err)
	}
	open := l.takeIn(s, list)
	if !l.awaits(s.ClientID(), nil) {
		return nil, nil
	}
	if list, err = s.Executions(ctx); err != nil {
		return nil, fmt.Errorf("ask for executions: %w", err)
	}
	there := l.takeIn(s, list)
	maps.Copy(there, open)
	if l.awaits(s.ClientID(), open) {
		list, err = l.completed(ctx, s, l.any(func(ref string, i *Intent) bool { return !open[ref] && lost(ref, i) }))
		if err != nil {
			return nil, fmt.Errorf("ask for completed orders: %w", err)
		}
		maps.Copy(there, l.takeIn(s, list))
	}
	known := l.lose(s, func(ref string, i *Intent) bool { return !there[ref] && lost(ref, i) })
	if err := l.flush(nil); err != nil {
		return known, fmt.Errorf("write down orders: %w", err)
	}
	return known, nil
}

// completed asks for completed orders. Where an answer is not needed, because every order's fate is known or said to be unknown, it
// may be missing; and where it is, it may be missing in the end.
func (l *Ledger) completed(ctx context.Context, s *conn.Session, needed bool) ([]conn.OrderNews, error) {
	silent := int(l.silent.Load())
	if !needed && silent > 0 {
		return nil, nil
	}
	list, err := s.CompletedOrders(ctx)
	if _, unanswered := errors.AsType[*conn.UnansweredError](err); unanswered {
		l.silent.Add(1)
		if !needed || silent >= completedTries {
			l.log.Warn("Gateway does not tell completed orders", "session", s.Number(), "err", err)
			return nil, nil
		}
	} else if err == nil {
		l.silent.Store(0)
	}
	return list, err
}

// takeIn learns from an answer. It returns the references of our orders in it.
func (l *Ledger) takeIn(s *conn.Session, list []conn.OrderNews) map[string]bool {
	refs := map[string]bool{}
	for _, n := range list {
		l.Learn(l.number(s, n))
		l.mu.Lock()
		if i := l.about(n); i != nil {
			refs[i.Order.Ref] = true
		}
		l.mu.Unlock()
	}
	return refs
}

// awaits reports whether there are orders of a client id, beside those given, of which something may still be learned.
func (l *Ledger) awaits(client int, open map[string]bool) bool {
	l.mu.Lock()
	more := len(l.expected) > 0
	l.mu.Unlock()
	return more || l.any(func(ref string, i *Intent) bool { return !i.Fate.Done() && i.Client == client && !open[ref] })
}

// any reports whether ok is true of an order. It is called with the ledger locked.
func (l *Ledger) any(ok func(ref string, i *Intent) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ref, i := range l.intents {
		if ok(ref, i) {
			return true
		}
	}
	return false
}

// lose notes that the fates of the orders for which lost is true are unknown, and returns them.
func (l *Ledger) lose(s *conn.Session, lost func(ref string, i *Intent) bool) (known []Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ref, i := range l.intents {
		if !lost(ref, i) {
			continue
		}
		i.Fate, i.Changed = Unknown, l.now()
		known = append(known, *i)
		l.log.Warn("the fate of an order is unknown: Gateway has no trace of it", "session", s.Number(), "order", i.ID)
		l.save(i)
	}
	return known
}
