package rules

import (
	"context"
	"slices"
	"time"

	"gatewatch/engine"
)

// This file is what a rule would do, without doing it: a rule that someone is writing is watched for a while, and
// judged by what judges active rules. It is none of the rules of the set, so that it never triggers.

// Verdict is whether a rule would trigger. Its text is stable.
type Verdict string

// The verdicts. Without live prices it is unknown.
const (
	WouldTrigger Verdict = "yes"
	WouldNot     Verdict = "no"
	WouldUnknown Verdict = "unknown"
)

// Preview is what a rule would do now if it were active. Its Price is zero, with a zero PriceAt, unless it may be
// relied on; without conditions it is the last price, or else the middle of bid and ask.
type Preview struct {
	View
	Would Verdict
	Worth float64 // of its order, in the contract's currency; 0 if that is not known
}

// previewFor is how long a rule is watched after it was asked for.
const previewFor = 10 * time.Second

// Preview returns what a rule would do now, and watches its instruments for some seconds. A rule without conditions
// only has a price. The error is that of [Set.Activate].
func (s *Set) Preview(ctx context.Context, r Rule) (Preview, error) {
	sum, wanted := hash(&r), r.instruments()
	contracts := s.previewed(wanted)
	if contracts == nil {
		var err error
		if contracts, err = s.resolve(ctx, &r); err != nil {
			return Preview{}, err
		}
	}
	p, fresh := s.previewNow(r, sum, contracts)
	if fresh {
		s.cfg.Refresh()
	}
	return p, nil
}

// previewNow returns what a rule would do, and whether it was not watched before.
func (s *Set) previewNow(r Rule, sum string, contracts []*resolved) (p Preview, fresh bool) {
	now, wall := s.cfg.Clock(), time.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.preview
	if fresh = e == nil || e.Hash != sum; fresh {
		e = &entry{rule: r, record: record{Hash: sum, State: Draft, Contracts: contracts}}
		e.active = compile(e, s.cfg.MarketHours)
		s.preview = e
		s.lookAlready(e)
	}
	s.previewAt = now
	return e.preview(s, now, wall), fresh
}

// instruments are those that a rule names: its own, and those of its conditions, nil where that is its own.
func (r *Rule) instruments() []*Instrument {
	list := []*Instrument{&r.Instrument}
	for i := range r.Conditions {
		list = append(list, r.Conditions[i].Instrument)
	}
	return list
}

// previewed returns the contracts of instruments if the last preview had the same ones, so that Gateway is not asked at
// each change of a rule.
func (s *Set) previewed(wanted []*Instrument) []*resolved {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.preview == nil || !slices.EqualFunc(s.preview.rule.instruments(), wanted, func(a, b *Instrument) bool {
		return a == b || a != nil && b != nil && *a == *b
	}) {
		return nil
	}
	return s.preview.Contracts
}

// lookAlready gives a preview the prices that come already, until the engine asks for its instruments.
func (s *Set) lookAlready(e *entry) {
	var list []*watch
	for i := range e.Contracts {
		at := slices.IndexFunc(s.watches, func(w *watch) bool { return w.contract == e.contract(i).Contract })
		if at < 0 {
			return
		}
		list = append(list, s.watches[at])
	}
	e.active.own = list[0]
	for i := range e.active.conditions {
		e.active.conditions[i].watch = list[i+1]
	}
}

// previewOver ends a preview that was not asked for again, and reports whether it did so, and whether there is one.
func (s *Set) previewOver(now time.Duration) (over, watched bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if over = s.preview != nil && now-s.previewAt >= previewFor; over {
		s.preview = nil
	}
	return over, s.preview != nil
}

// preview returns what a rule would do. The caller has the lock.
func (e *entry) preview(s *Set, now time.Duration, wall time.Time) Preview {
	a, maxAge := e.active, s.cfg.MaxTickAge()
	p := Preview{View: e.view(now, maxAge, wall), Would: WouldUnknown}
	p.Price, p.PriceAt, p.Delayed, p.Waiting = 0, time.Time{}, false, WaitingNoPrice
	if a.own == nil {
		return p // the engine has not subscribed yet
	}
	shown := []price{last, mid}
	w := a.own
	if len(a.conditions) > 0 {
		w, shown = a.conditions[0].watch, []price{a.conditions[0].price}
	}
	for _, kind := range shown {
		if q, ok := w.trusted(kind, now, maxAge, true); ok {
			p.Price, p.Delayed, p.PriceAt = q.value, q.delayed, wall.Add(q.at-now)
			break
		}
	}
	if w.code != 0 {
		p.Waiting, p.Code, p.Detail = WaitingNoData, w.code, w.detail
	}
	if len(a.conditions) == 0 {
		return p
	}
	a.verdict = a.match(now, maxAge)
	a.explain(&p.View, now, maxAge, wall)
	switch open := a.hours == nil || a.hours(wall); {
	case a.verdict == met && open:
		p.Would, p.Waiting = WouldTrigger, WaitingNothing
	case a.verdict != unknown || !open:
		p.Would = WouldNot
	}
	if t, blocked := a.ticket(s.session, s.opened, now, maxAge); blocked == nil && t.Order.Side != "" {
		p.Worth = engine.Worth(&t.Order, t.Price, t.Multiplier)
	}
	return p
}
