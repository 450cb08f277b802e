package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"gatewatch/conn/ib"
)

// This file is how a [Ledger] finds out what becomes of orders.

// completedTries is how often Gateway may leave the question about completed orders unanswered, in a row, before an
// order that only the answer could tell of is unknown. Some Gateways never answer it.
const completedTries = 5

// answerLimit is how long Gateway may say nothing about an order that it was sent before it is asked. It answers at
// once, unless it has thrown the order away: what comes too fast it refuses with an error that names no order (100).
const answerLimit = 10 * time.Second

// Learn takes in what Gateway says about an order. It returns the intent that it is about, if it is about one of ours
// and says something new.
func (l *Ledger) Learn(n ib.OrderNews) (Intent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.Kind == ib.OrderCommission {
		return l.charge(n)
	}
	i := l.about(n)
	if i == nil {
		l.missing(n)
		l.see(n)
		return Intent{}, false
	}
	l.meet(i, n)
	return l.take(i, n, false)
}

// meet notes in which session Gateway has mentioned an order.
func (l *Ledger) meet(i *Intent, n ib.OrderNews) {
	if n.Kind != ib.OrderError && n.Session != 0 {
		l.metIn[i.Order.Ref] = n.Session
	}
}

// take has an intent learn a piece of news, which may be from an answer to a question that was asked after all else was
// learned.
func (l *Ledger) take(i *Intent, n ib.OrderNews, answer bool) (Intent, bool) {
	state, filled := i.State, i.Filled
	l.answered(i, n)
	if !i.take(n, answer, l.now()) {
		return Intent{}, false
	}
	if n.Kind == ib.OrderFilled {
		l.charged(i, n.Execution)
	}
	l.save(i)
	if i.State != state || i.Filled != filled {
		l.protect(i, false)
	}
	return *i, true
}

// Follow takes in what a session says about orders, until it is over or ctx ends. About an order of which it says
// nothing it is asked.
func (l *Ledger) Follow(ctx context.Context, s *ib.Session) {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked, last := make(chan struct{}, 1), time.Time{} // full while a question is under way; when that was asked
	clock := time.NewTicker(l.patience / 5)
	defer clock.Stop()
	cancelling := make(chan struct{}, 1) // full while requests to cancel are written
	retry := time.NewTicker(l.cancelRetry / 2)
	defer retry.Stop()
	for {
		l.hear(ctx, s)
		select {
		case <-s.Orders().Ready():
		case <-clock.C:
			if len(asked) > 0 || s.Guard() != nil || time.Since(last) < l.patience/2 || len(l.doubtful(s)) == 0 {
				continue
			}
			asked <- struct{}{}
			last = time.Now()
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
			l.hear(ctx, s)
			return
		case <-ctx.Done():
			return
		}
	}
}

// hear takes in what a session has said, until ctx ends: the next start asks for the rest. An order one of whose exits
// is missing is taken back, unless it is too late.
func (l *Ledger) hear(ctx context.Context, s *ib.Session) {
	for _, n := range s.Orders().Take(nil) {
		if ctx.Err() != nil {
			return
		}
		if i, news := l.Learn(n); news {
			l.bereave(s, i)
		}
	}
}

// doubtful returns the references of the orders about which a session has to be asked: it was sent them and has said
// nothing for too long, or what it has said does not agree.
func (l *Ledger) doubtful(s *ib.Session) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	refs, now := map[string]bool{}, l.now()
	older := func(at time.Time, than time.Duration) bool { return now.Sub(at).Abs() > than } // or the clock was set
	for ref, i := range l.intents {
		silent := l.sentIn[ref] == s.Number() && i.State == Sent && i.Status == "" && older(i.Changed, l.patience)
		since := i.doubtful()
		if i.Client == s.ClientID() && (silent || !since.IsZero() && older(since, l.patience/5)) {
			refs[ref] = true
		}
	}
	return refs
}

// search asks about the orders that are doubtful. What Gateway has no trace of is unknown: it was sent before the
// question, and so was read before it.
func (l *Ledger) search(ctx context.Context, s *ib.Session) {
	refs := l.doubtful(s)
	settled, err := l.compare(ctx, s, func(ref string, _ *Intent) bool { return refs[ref] })
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, ib.ErrSessionOver) {
			l.log.Warn("Gateway says nothing about an order", "session", s.Number(), "err", err)
		}
		if one, ok := errors.AsType[*ib.UnansweredError](err); ok && one.Question != ib.QuestionCompletedOrders {
			s.Recheck()
		}
		return
	}
	for _, i := range settled {
		l.bereave(s, i)
	}
}

// Reconcile compares the ledger with what Gateway knows. It is made for [conn.Config]: the guard opens when it has
// returned nil. Gateway is asked for open orders even where every state is known: whether it answers shows whether
// orders are possible. Orders of another client id than the present one cannot be asked for; they stay as they are.
func (l *Ledger) Reconcile(ctx context.Context, s *ib.Session) error {
	client := s.ClientID()
	_, err := l.compare(ctx, s, func(ref string, i *Intent) bool {
		onItsWay := l.sentIn[ref] == s.Number() && i.Status == "" // Gateway may be about to tell of it
		return !i.Done() && i.State != Unknown && i.Client == client && !onItsWay
	})
	if err == nil {
		l.bereaveAll(s)
	}
	return err
}

// compare asks a session for what it knows about orders, and settles those for which about is true, which are returned.
// What it has reported and does not list any more is asked about once more: its lists may lag behind each other. about
// is called with the ledger locked.
func (l *Ledger) compare(ctx context.Context, s *ib.Session, about func(ref string, i *Intent) bool) ([]Intent,
	error,
) {
	s.Orders() // has news kept from now on, for who follows a moment later
	begun := l.now()
	listed, err := l.ask(ctx, s, about)
	if err == nil && l.any(func(ref string, i *Intent) bool { return !listed[ref] && about(ref, i) && i.vanishes() }) {
		select {
		case <-time.After(l.patience / 10):
			listed, err = l.ask(ctx, s, about)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	known := l.settle(s, begun, listed, about)
	if err := l.flush(nil); err != nil {
		return known, fmt.Errorf("write down orders: %w", err)
	}
	return known, nil
}

// ask asks for the open orders; for executions, if something is expected of an order; and for completed orders, if that
// leaves something to be known. It learns from the answers, and returns the references of our orders among the open and
// the completed ones: an execution says nothing about the rest of its order.
func (l *Ledger) ask(ctx context.Context, s *ib.Session, about func(ref string, i *Intent) bool) (map[string]bool,
	error,
) {
	asked := l.now()
	list, err := s.OpenOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for open orders: %w", err)
	}
	listed := l.takeIn(list, asked)
	if !l.awaits(s.ClientID(), nil) && !l.any(about) {
		return listed, nil
	}
	asked = l.now()
	if list, err = s.Executions(ctx); err != nil {
		return nil, fmt.Errorf("ask for executions: %w", err)
	}
	l.takeIn(list, asked)
	if l.awaits(s.ClientID(), listed) {
		asked = l.now()
		list, err = l.completed(ctx, s, l.any(func(ref string, i *Intent) bool {
			return !listed[ref] && !i.Done() && about(ref, i)
		}))
		if err != nil {
			return nil, fmt.Errorf("ask for completed orders: %w", err)
		}
		maps.Copy(listed, l.takeIn(list, asked))
	}
	return listed, nil
}

// completed asks for completed orders. Where an answer is not needed, because every order's state is known or said to
// be unknown, it may be missing; and where it is, it may be missing in the end.
func (l *Ledger) completed(ctx context.Context, s *ib.Session, needed bool) ([]ib.OrderNews, error) {
	silent := int(l.silent.Load())
	if !needed && silent > 0 {
		return nil, nil
	}
	list, err := s.CompletedOrders(ctx)
	if _, unanswered := errors.AsType[*ib.UnansweredError](err); unanswered {
		l.silent.Add(1)
		if !needed || silent >= completedTries {
			l.log.Warn("Gateway does not list completed orders", "session", s.Number(), "err", err)
			return nil, nil
		}
	} else if err == nil {
		l.silent.Store(0)
	}
	return list, err
}

// takeIn learns from an answer to a question that was asked at a time. It returns the references of our orders in it.
// About an order of which something was learned since, the answer may be out of date: [Ledger.Follow] hears all that is
// said, answers too, in the order in which it is said.
func (l *Ledger) takeIn(list []ib.OrderNews, asked time.Time) map[string]bool {
	refs, current := map[string]bool{}, map[string]bool{}
	for _, n := range list {
		l.mu.Lock()
		if i := l.about(n); i == nil {
			l.see(n)
		} else {
			l.meet(i, n)
			ref := i.Order.Ref
			if !refs[ref] { // the clock may have been set back
				refs[ref], current[ref] = true, !i.Changed.After(asked) || i.Changed.After(l.now())
			}
			if current[ref] {
				l.take(i, n, true)
			}
		}
		l.mu.Unlock()
	}
	return refs
}

// awaits reports whether there are orders of a client id, beside those given, of which something may still be learned.
func (l *Ledger) awaits(client int, open map[string]bool) bool {
	return l.any(func(ref string, i *Intent) bool {
		return (!i.Done() || !i.doubt.IsZero()) && i.Client == client && !open[ref]
	})
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

// settle concludes what an answer says about the orders for which about is true, and returns them.
func (l *Ledger) settle(s *ib.Session, asked time.Time, listed map[string]bool,
	about func(ref string, i *Intent) bool,
) (settled []Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ref, i := range l.intents {
		if !about(ref, i) {
			continue
		}
		if i.settle(listed[ref], asked, l.now()) {
			if i.State == Unknown {
				l.log.Warn("an order is unknown: Gateway has no trace of it", "session", s.Number(), "order", i.ID)
			}
			l.save(i)
		}
		l.protect(i, true)
		settled = append(settled, *i)
	}
	return settled
}
