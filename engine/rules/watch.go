package rules

import (
	"errors"
	"slices"
	"time"

	"gatewatch/conn"
	"gatewatch/engine"
)

// The methods below make a Set an [engine.Strategy]. The engine calls them, from one goroutine.

// Instruments returns what the rules watch. What is known of an instrument that was watched before stays known.
func (s *Set) Instruments() []engine.Instrument {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.watches
	s.watches = nil
	var list []engine.Instrument
	for _, e := range s.entries {
		if !e.watches() {
			e.active = nil
			continue
		}
		own := s.watch(e.contract(0).Contract, before, &list, e.rule.AllowDelayed)
		a := e.active
		if a == nil {
			a = compile(e, s.cfg.MarketHours)
			e.active = a
		}
		a.own = own
		for i := range a.conditions {
			c := &a.conditions[i]
			c.watch = s.watch(e.contract(i+1).Contract, before, &list, e.rule.AllowDelayed)
			for p := range c.watch.rules {
				if (c.price == price(p) || c.price == mid && price(p) != last) && !slices.Contains(c.watch.rules[p], a) {
					c.watch.rules[p] = append(c.watch.rules[p], a)
				}
			}
		}
	}
	return list
}

// watches reports whether a rule looks at prices: also while its cooldown lasts, so that a condition that stays met does not
// fire it again at the end of that.
func (e *entry) watches() bool {
	return len(e.Contracts) == 1+len(e.rule.Conditions) && e.contract(0) != nil &&
		(e.State == Active || e.State == Triggered && e.rule.CooldownSeconds > 0)
}

// contract returns the contract of the rule, or with i > 0 that of its i-th condition.
func (e *entry) contract(i int) *resolved {
	if e.Contracts[i] == nil {
		return e.Contracts[0]
	}
	return e.Contracts[i]
}

// watch returns the watch of a contract, and has it among the instruments.
func (s *Set) watch(c conn.Contract, before []*watch, list *[]engine.Instrument, delayed bool) *watch {
	is := func(w *watch) bool { return w.contract == c }
	at := slices.IndexFunc(s.watches, is)
	if at < 0 {
		w := &watch{contract: c}
		if old := slices.IndexFunc(before, is); old >= 0 {
			w = before[old]
			w.rules = [3][]*active{}
		}
		at = len(s.watches)
		s.watches = append(s.watches, w)
		*list = append(*list, engine.Instrument{Contract: c})
	}
	(*list)[at].Delayed = (*list)[at].Delayed || delayed
	return s.watches[at]
}

// compile makes of a rule what is evaluated.
func compile(e *entry, market func(time.Time) bool) *active {
	r := &e.rule
	a := &active{entry: e, any: r.Match == "any", delayedToo: r.AllowDelayed, hours: hoursOf(r.Only, market), conditions: make([]condition, len(r.Conditions))}
	a.timed = a.hours != nil
	a.spent = e.Fired > 0 // before a restart: who was not there has not seen it unmet since
	for i := range r.Conditions {
		c := &r.Conditions[i]
		a.conditions[i] = condition{
			price: prices[c.Price], is: operators[c.Is], value: c.Value, hold: seconds(c.ForSeconds),
		}
		a.timed = a.timed || c.ForSeconds > 0
	}
	return a
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// OnBegin forgets what was seen: a gap is no evidence.
func (s *Set) OnBegin(session *conn.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.opened = session, 0
	if session != nil {
		s.opened = session.GuardSince()
	}
	s.ready = s.ready[:0] // what was left when a panic cut a firing short is not taken up again
	for _, w := range s.watches {
		w.forget()
	}
	for _, e := range s.entries {
		if e.active != nil {
			e.active.forget()
		}
	}
}

// OnTick evaluates the rules that a price concerns, and fires those that are met.
func (s *Set) OnTick(instrument int, t conn.Tick) {
	s.evaluate(instrument, t)
	s.fireReady()
}

// evaluate puts those that are met among the ready. Here and below a lock is given back by a panic, too: the engine is started
// anew after one, and what people are shown has to go on.
func (s *Set) evaluate(instrument int, t conn.Tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, maxAge := s.watches[instrument], s.cfg.MaxTickAge()
	if maxAge > 0 && t.At-w.heard > maxAge {
		w.interrupt() // nobody may have looked at the rules while it was silent
	}
	if p, ok := w.take(t); ok {
		for _, a := range w.rules[p] {
			if a.judge(t.At, maxAge, time.Now) {
				s.ready = append(s.ready, a)
			}
		}
	}
}

// OnTime evaluates the rules that time alone can fire, and ends cooldowns.
func (s *Set) OnTime(now time.Duration) {
	wall := time.Now()
	for _, e := range s.timed(now, wall) {
		s.wake(e, now, wall)
	}
	s.fireReady()
}

// timed puts those that time has met among the ready, and returns those whose cooldown has ended.
func (s *Set) timed(now time.Duration, wall time.Time) (rested []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if a := e.active; a != nil && a.timed && a.judge(now, s.cfg.MaxTickAge(), func() time.Time { return wall }) {
			s.ready = append(s.ready, a)
		}
		if e.rested(now, wall) {
			rested = append(rested, e)
		}
	}
	return rested
}

// rested reports whether a rule that has fired may do so again.
func (e *entry) rested(now time.Duration, wall time.Time) bool {
	return e.State == Triggered && e.Settled && e.rule.CooldownSeconds > 0 && e.sinceFired(now, wall) >= seconds(e.rule.CooldownSeconds)
}

// sinceFired returns how long ago the rule fired. The wall clock may have been set back since, and the other one stands still while
// the computer sleeps.
func (e *entry) sinceFired(now time.Duration, wall time.Time) time.Duration {
	return max(now-e.fired, wall.Round(0).Sub(e.FiredAt))
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
func (s *Set) OnOrder(i engine.Intent) {
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

// learned returns the rule that an order is of, nil if it is gone, and how it stands after what became of the order.
func (s *Set) learned(i engine.Intent) (e *entry, next entry, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e = s.find(i.Rule); e == nil {
		return nil, entry{}, false
	}
	next = *e
	changed = next.learn(i)
	return e, next, changed
}

// learn takes in what became of an order, and reports whether that changes how the rule stands. Only the order that was fired last
// counts, and not those that close its position.
func (e *entry) learn(i engine.Intent) bool {
	if e.State != Triggered || e.Settled || i.Order.Parent != 0 || !e.placed(i) {
		return false
	}
	switch i.Fate {
	case engine.Filled, engine.Cancelled:
		e.settle(i.Changed)
	case engine.Rejected:
		e.fail(i.Changed, FailedRejected, i.Code, i.Detail)
	case engine.Inactive:
		if !i.Done() { // it may work again
			return false
		}
		e.fail(i.Changed, FailedInactive, i.Code, i.Detail)
	case engine.NotSent:
		e.fail(i.Changed, FailedNotSent, 0, i.Detail)
	default:
		return false
	}
	return true
}

// placed reports whether an order is of the last firing. Its time alone does not tell that once the clock has been set back.
func (e *entry) placed(i engine.Intent) bool {
	return (e.order == "" || i.Order.Ref == e.order) && !i.At.Before(e.FiredAt)
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

// fireReady fires what is ready.
func (s *Set) fireReady() {
	if len(s.ready) == 0 { // only this goroutine fills it
		return
	}
	defer func() {
		clear(s.ready)
		s.ready = s.ready[:0]
	}()
	for _, a := range s.ready {
		s.fire(a)
	}
}

// fire does what a rule is for.
func (s *Set) fire(a *active) {
	s.turn.Lock()
	defer s.turn.Unlock()
	now, e := time.Now().Round(0).UTC(), a.entry
	next, ticket, blocked, ok := s.fired(a, now)
	if !ok {
		return
	}
	if e.rule.Action.Order == nil {
		next.settle(now)
		_ = s.set(e, next.record) // logged
		s.cfg.Report(engine.Report{Kind: engine.ReportFired, At: now, Rule: e.rule.Name, Text: s.text(a)})
		return
	}
	s.order(a, next, ticket, blocked)
}

// text says what has fired a rule, in words; it may be asked when its order has left.
func (s *Set) text(a *active) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.text()
}

// fired returns how a rule stands when it has fired, and the order that it wants, or why that cannot be made; ok is false if it was
// removed, deactivated or changed meanwhile.
func (s *Set) fired(a *active, now time.Time) (next entry, ticket engine.Ticket, blocked *engine.BlockedError, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := a.entry
	if !slices.Contains(s.entries, e) || e.active != a || e.State != Active {
		return next, ticket, nil, false
	}
	a.spent, e.fired, e.order = true, s.cfg.Clock(), ""
	next = *e
	next.Fired++
	next.FiredAt, next.State, next.Since, next.Settled = now, Triggered, now, false
	ticket, blocked = a.ticket(s.session, s.opened, s.cfg.Clock(), s.cfg.MaxTickAge())
	return next, ticket, blocked, true
}

// order places the order of a rule that fires, unless it cannot be made; next is how the rule stands if that works.
func (s *Set) order(a *active, next entry, ticket engine.Ticket, blocked *engine.BlockedError) {
	e := a.entry
	var notes map[string][]byte
	ticket.Notes = func() map[string][]byte {
		notes = map[string][]byte{notePrefix + e.rule.Name: next.note()}
		return notes
	}
	if blocked != nil {
		s.cfg.Desk.Refuse(ticket, blocked)
	} else {
		sent, err := s.cfg.Desk.Place(ticket)
		if len(sent) > 0 {
			s.remember(notes)
			s.mu.Lock()
			e.order = sent[0].Order.Ref
			s.mu.Unlock()
		}
		errors.As(err, &blocked)
	}
	if blocked != nil { // it may fire again when it has been unmet
		s.mu.Lock()
		e.blocked, e.blockedAt = blocked, next.FiredAt
		again := e.record
		s.mu.Unlock()
		_ = s.set(e, again) // logged
		return
	}
	// It was sent, or nobody knows; what becomes of it comes to OnOrder.
	s.mu.Lock()
	e.record, e.blocked = next.record, nil
	s.mu.Unlock()
	s.cfg.Report(engine.Report{Kind: engine.ReportFired, At: next.FiredAt, Rule: e.rule.Name, Text: s.text(a) + ": " + engine.Describe(&ticket.Order)})
	s.cfg.Changed()
}

func (s *Set) report(kind engine.ReportKind, r *Rule, reason string, code int, detail string) {
	s.cfg.Report(engine.Report{Kind: kind, At: time.Now().UTC(), Rule: r.Name, Reason: reason, Code: code, Detail: detail})
}
