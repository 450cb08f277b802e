package rules

import (
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// The methods below make a Set an [engine.Strategy]. The engine calls them, from one goroutine.

// OnBegin forgets what was seen: a gap is no evidence.
func (s *Set) OnBegin(session *ib.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.opened = session, 0
	if session != nil {
		s.opened = session.GuardSince()
	}
	s.ready = s.ready[:0] // what a panic left behind is not taken up again
	for _, w := range s.watches {
		w.forget()
	}
	for _, e := range s.entries {
		if e.active != nil {
			e.active.forget()
		}
	}
	if s.preview != nil {
		s.preview.active.forget()
	}
}

// OnTime evaluates the rules that time alone can trigger, and ends cooldowns. It returns whether there are such rules.
func (s *Set) OnTime(now time.Duration) bool {
	wall := time.Now()
	rested, waits := s.timed(now, wall)
	for _, e := range rested {
		s.wake(e, now, wall)
	}
	s.triggerReady()
	over, watched := s.previewOver(now)
	if over {
		s.cfg.Refresh()
	}
	return waits || watched
}

// timed puts those that time has met among the ready, and returns those whose cooldown has ended, and whether time may
// change anything for any rule.
func (s *Set) timed(now time.Duration, wall time.Time) (rested []*entry, waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		a := e.active
		timed := a != nil && a.timed
		waits = waits || timed || e.State == Triggered && e.rule.CooldownSeconds > 0
		if timed && a.judge(now, s.cfg.MaxTickAge(), func() time.Time { return wall }) {
			s.ready = append(s.ready, a)
		}
		if e.rested(now, wall) {
			rested = append(rested, e)
		}
	}
	return rested, waits
}

// rested reports whether a rule that has triggered may do so again.
func (e *entry) rested(now time.Duration, wall time.Time) bool {
	return e.State == Triggered && e.Settled && e.rule.CooldownSeconds > 0 &&
		e.sinceTriggered(now, wall) >= seconds(e.rule.CooldownSeconds)
}

// sinceTriggered returns how long ago the rule triggered. The wall clock may have been set back since, and the other
// one stands still while the computer sleeps.
func (e *entry) sinceTriggered(now time.Duration, wall time.Time) time.Duration {
	return max(now-e.triggered, wall.Round(0).Sub(e.TriggeredAt))
}

func (s *Set) wake(e *entry, mono time.Duration, now time.Time) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	next, ok := e.record, s.find(e.rule.Name) == e && e.rested(mono, now)
	s.mu.Unlock()
	if ok {
		next.State, next.Since = Active, now.UTC()
		_ = s.set(e, next) // logged; it is active either way
	}
}

// OnFailure notes why an instrument has no prices, and forgets those it had.
func (s *Set) OnFailure(instrument, code int, detail string) {
	s.mu.Lock()
	if instrument < len(s.watches) {
		w := s.watches[instrument]
		w.code, w.detail = code, detail
		w.forget()
		w.interrupt()
	}
	s.mu.Unlock()
	s.cfg.Changed()
}

// OnOrder takes in what became of an order of a rule.
func (s *Set) OnOrder(i ledger.Intent) {
	if i.Rule == "" {
		return
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	e, next, changed := s.learned(i)
	if e == nil {
		return
	}
	if changed {
		s.setSoon(e, next.record)
		if next.State == Failed {
			s.report(engine.ReportFailed, &e.rule, next.Reason, next.Code, next.Detail)
		}
	}
	s.cfg.Changed()
}

// learned returns the rule that an order is of, nil if it is gone, and its state after what became of the order.
func (s *Set) learned(i ledger.Intent) (e *entry, next entry, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e = s.find(i.Rule); e == nil {
		return nil, entry{}, false
	}
	next = *e
	changed = next.learn(i)
	return e, next, changed
}

// learn takes in what became of an order, and reports whether that changes the state of the rule. Only the order of
// the last trigger counts, and not those that close its position.
func (e *entry) learn(i ledger.Intent) bool {
	if e.State != Triggered || e.Settled || i.Order.Parent != 0 || !e.placed(i) {
		return false
	}
	switch i.State {
	case ledger.Filled, ledger.Cancelled:
		e.settle(i.Changed)
	case ledger.Rejected:
		e.fail(i.Changed, FailedRejected, i.Code, i.Detail)
	case ledger.Inactive:
		if !i.Done() { // it may work again
			return false
		}
		e.fail(i.Changed, FailedInactive, i.Code, i.Detail)
	case ledger.NotSent:
		e.fail(i.Changed, FailedNotSent, 0, i.Detail)
	default:
		return false
	}
	return true
}

// placed reports whether an order is of the last trigger. Its time alone does not tell that once the clock has been set
// back.
func (e *entry) placed(i ledger.Intent) bool {
	return (e.order == "" || i.Order.Ref == e.order) && !i.At.Before(e.TriggeredAt)
}

// settle notes that what the rule had to do is done.
func (e *entry) settle(now time.Time) {
	e.Settled = true
	if e.rule.CooldownSeconds == 0 {
		e.State, e.Since = Done, now
	}
}

func (r *record) fail(now time.Time, reason string, code int, detail string) {
	r.State, r.Since, r.Reason, r.Code, r.Detail = Failed, now, reason, code, detail
}

// text says what has triggered a rule, in words; it may be asked when its order has left.
func (s *Set) text(a *active) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.text()
}

func (s *Set) report(kind engine.ReportKind, r *Rule, reason string, code int, detail string) {
	s.cfg.Report(engine.Report{
		Kind: kind, At: time.Now().UTC(), Rule: r.Name, Reason: reason, Code: code,
		Detail: detail,
	})
}

const (
	unknown verdict = iota // there is no price to judge by
	unmet
	met
)

const (
	bid price = iota
	ask
	last
	mid
)

const (
	atOrAbove operator = iota
	atOrBelow
	crossesUp
	crossesDown
)
