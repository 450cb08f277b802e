package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gatewatch/conn"
)

// This file is how a [Ledger] finds out what becomes of orders.

// reconcileLimit bounds the wait for Gateway's answers, which do not come where its API is set to read-only.
const reconcileLimit = 30 * time.Second

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
		l.takeBack(s, exit.Order.Parent)
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
	return refs
}

// search asks about the orders that a session says nothing about. What it has no trace of is unknown: it was sent before the
// question, and so was read before it.
func (l *Ledger) search(ctx context.Context, s *conn.Session) {
	refs := l.unanswered(s)
	lost, err := l.compare(ctx, s, func(ref string, i *Intent) bool { return refs[ref] && i.Fate == Sent })
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, conn.ErrSessionOver) {
			l.log.Warn("Gateway says nothing about an order", "session", s.Number(), "err", err)
		}
		return
	}
	for _, i := range lost {
		l.bereave(s, i)
	}
}

// Reconcile compares the ledger with what Gateway knows. It is made for [conn.Config]: the guard opens when it has returned
// nil. Where every fate is known there is nothing to compare, and Gateway is not asked. Orders of another client id than the
// present one cannot be asked for; they stand as they stood.
func (l *Ledger) Reconcile(ctx context.Context, s *conn.Session) error {
	l.mu.Lock()
	client, asks := s.ClientID(), len(l.expected) > 0
	for _, i := range l.intents {
		asks = asks || !i.Fate.Done() && i.Client == client
	}
	l.mu.Unlock()
	if !asks {
		return nil
	}
	_, err := l.compare(ctx, s, func(ref string, i *Intent) bool {
		// What was sent in this very session may still be on its way.
		return !i.Fate.Done() && i.Fate != Unknown && i.Client == client && l.sentIn[ref] != s.Number()
	})
	return err
}

// compare asks a session for everything that it knows about orders. Those that it has no trace of and for which lost is true
// are unknown from now on, and returned. lost is called with the ledger locked.
func (l *Ledger) compare(ctx context.Context, s *conn.Session, lost func(ref string, i *Intent) bool) ([]Intent, error) {
	s.Orders() // has news kept from now on, for who follows a moment later
	ctx, cancel := context.WithTimeout(ctx, reconcileLimit)
	defer cancel()
	open, err := s.OpenOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for open orders: %w", err)
	}
	completed, err := s.CompletedOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for completed orders: %w", err)
	}
	fills, err := s.Executions(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for executions: %w", err)
	}
	there := map[string]bool{}
	for _, n := range slices.Concat(open, fills, completed) {
		l.Learn(l.number(s, n))
		l.mu.Lock()
		if i := l.about(n); i != nil {
			there[i.Order.Ref] = true
		}
		l.mu.Unlock()
	}
	known := l.lose(s, func(ref string, i *Intent) bool { return !there[ref] && lost(ref, i) })
	if err := l.flush(nil); err != nil {
		return known, fmt.Errorf("write down orders: %w", err)
	}
	return known, nil
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
