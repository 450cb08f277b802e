package conn

import (
	"errors"
	"time"

	"gatewatch/conn/ib"
)

// This file is how the supervisor decides what a failed comparison of orders means. The guard stays closed meanwhile.

const (
	// unconfirmedAfter is how many attempts to reconcile have to fail before the session is degraded,
	unconfirmedAfter = 2
	// replacedAfter how many before it is given up for another one,
	replacedAfter = 5
	// askAgain how long after a failure orders are asked about again,
	askAgain = time.Second
	// and readOnlyLook how long after a refusal Gateway is asked again. It keeps the session when its API stops being
	// read-only.
	readOnlyLook = 30 * time.Second
)

// blocked returns why Gateway's answers about orders, or their absence, degrade a session that is up.
func (m *model) blocked() ib.Cause {
	switch {
	case m.readOnly || m.settingsReadOnly:
		return ib.CauseReadOnly
	case m.tries >= unconfirmedAfter:
		return ib.CauseUnconfirmed
	}
	return ib.CauseNone
}

// reconcile closes the guard until orders have been compared.
func (s *step) reconcile(after time.Duration) {
	s.m.reconciled = s.cfg.Reconcile == nil
	s.compare(after)
}

// compare asks for orders to be compared, and leaves the guard as it is meanwhile.
func (s *step) compare(after time.Duration) {
	if s.cfg.Reconcile == nil {
		return
	}
	s.m.run++
	s.m.checking = true
	s.do(doReconcile{session: s.m.session, run: s.m.run, after: after, ask: s.m.settingsReadOnly})
}

func (s *step) reconciled(in inReconciled) {
	m := &s.m
	if in.session != m.session || in.run != m.run || m.phase != up || !m.upstream {
		return
	}
	m.checking = false
	before := m.blocked()
	switch {
	case in.err == nil:
		m.reconciled, m.readOnly, m.tries, m.doubt = true, false, 0, ""
	case m.readOnly || ib.ReadOnly(in.err): // until one of the questions is answered
		m.readOnly, m.tries, m.doubt = true, 0, ""
		s.reconcile(readOnlyLook)
	default:
		s.unconfirmed(in.err)
	}
	if m.settingsReadOnly && !m.checking { // it answers questions about orders: its settings may have changed
		s.reconcile(readOnlyLook)
	}
	s.emitBlocked(before)
}

// emitBlocked reports a change in whether Gateway takes orders.
func (s *step) emitBlocked(before ib.Cause) {
	m := &s.m
	if m.phase != up || m.blocked() == before {
		return
	}
	if cause := m.blocked(); cause != ib.CauseNone {
		s.emit(Event{Kind: EventOrdersBlocked, Cause: cause, Detail: m.doubt})
	} else {
		s.emit(Event{Kind: EventOrdersConfirmed})
	}
}

// unconfirmed tries again, with another session in the end.
func (s *step) unconfirmed(err error) {
	m := &s.m
	m.tries++
	m.doubt = err.Error()
	unanswered, ok := errors.AsType[*ib.UnansweredError](err)
	if ok {
		m.doubt = string(unanswered.Question)
	}
	if ok && m.tries >= replacedAfter {
		s.drop(ib.CauseUnconfirmed, 0, m.doubt)
		return
	}
	s.reconcile(askAgain)
}

// doubted closes the guard until Gateway has answered about orders.
func (s *step) doubted(in inDoubt) {
	if m := &s.m; in.session == m.session && m.phase == up && m.upstream && m.reconciled {
		s.reconcile(0)
	}
}

// invalid looks whether Gateway's API has become read-only, when it has refused an order, or a request without a
// number.
func (s *step) invalid(in ib.Said) {
	if m := &s.m; in.Request <= 0 && m.phase == up && m.upstream && m.reconciled && !m.checking {
		s.compare(0)
	}
}
