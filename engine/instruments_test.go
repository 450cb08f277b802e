package engine

import (
	"log/slog"
	"slices"
	"testing"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// TestInstrumentsChange has the strategy change its mind: only what is new is subscribed, what is not wanted any more
// ends, and data of what stays goes on without a gap.
func TestInstrumentsChange(t *testing.T) {
	b := start(t)
	b.flows()
	want := func(list ...Instrument) {
		t.Helper()
		b.mu.Lock()
		b.wants = list
		b.mu.Unlock()
		b.engine.Refresh()
		b.eventually("subscriptions follow", func() bool { return b.subscriptions() == len(list) })
		b.mu.Lock()
		clear(b.seen)
		b.mu.Unlock()
		b.eventually("ticks of every instrument", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.seen) == len(list)
		})
	}
	before, begun := b.number(), b.beginnings()
	want(all[0], all[2])
	want(all[0])
	if b.number() != before || b.beginnings() != begun {
		t.Errorf("request %d became %d, data began %d times", before, b.number(), b.beginnings()-begun)
	}
	want(all[2], all[1], all[0])
	want()
	want(all[1])
}

// TestDelayedIsWanted has the strategy want delayed data, and want it no more. Everything is subscribed again, and the
// strategy told.
func TestDelayedIsWanted(t *testing.T) {
	b := start(t)
	b.flows()
	for _, delayed := range []bool{true, false, true} {
		before, begun := b.number(), b.beginnings()
		b.mu.Lock()
		b.wants = []Instrument{all[0], all[1]}
		b.wants[1].Delayed = delayed
		b.mu.Unlock()
		times := 0 // there are live data, which come first
		if delayed {
			times = -1
		}
		b.refuse("", 10167, times)
		b.engine.Refresh()
		b.eventually("data of the other kind", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.request != before && b.delayed == delayed
		})
		b.flows()
		if n := b.subscriptions(); n != 2 {
			t.Errorf("delayed %v: %d subscriptions", delayed, n)
		}
		if n := b.beginnings(); n != begun+1 {
			t.Errorf("delayed %v: data began %d times", delayed, n-begun)
		}
	}
	// So it is in the next session.
	number := b.sup.Session().Number()
	b.gateway.Drop()
	b.eventually("delayed data in the next session", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.begun) > 0 && b.begun[len(b.begun)-1] > number && b.delayed
	})
}

// TestTwice has two instruments with one contract.
func TestTwice(t *testing.T) {
	b := start(t)
	b.flows()
	b.mu.Lock()
	b.wants = []Instrument{all[0], all[0]}
	b.mu.Unlock()
	for range 3 {
		b.engine.Refresh()
		b.flows()
		b.eventually("two subscriptions", func() bool { return b.subscriptions() == 2 })
	}
}

// TestAdopt goes over from a session whose ticks were not all looked at.
func TestAdopt(t *testing.T) {
	b := start(t)
	b.flows()
	first := b.sup.Session()
	b.during(func() {
		b.eventually("ticks are replaced", func() bool { _, n := first.Ticks().Counts(); return n > 0 })
	})
	b.eventually("replaced ticks are counted", func() bool { return b.engine.Counts().Conflated > 0 })
	b.gateway.Drop()
	<-first.Done()
	b.eventually("the next session", func() bool {
		s := b.sup.Session()
		return s != nil && s != first && s.Guard() == nil
	})
	_, replaced := first.Ticks().Counts()
	e := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	e.session, e.requests, e.delayed, e.replaced = first, []int{-1, 0}, true, 1
	e.adopt(b.sup.Session())
	if e.session == first || !e.gap || e.delayed || e.replaced != 0 || len(e.requests) != 1 ||
		e.Counts().Conflated != replaced-1 {
		t.Errorf("%+v, %d ticks were replaced", e, replaced)
	}
	// What has no subscription needs none to be ended.
	e.instruments, e.feeds = []Instrument{all[0]}, make([]feed, 1)
	b.mu.Lock()
	b.wants = []Instrument{all[0]}
	b.mu.Unlock()
	e.ask()
	if e.requests[0] != -1 || e.feeds[0].request != 1 || !e.gap {
		t.Errorf("requests %v, feeds %v, gap %v", e.requests, e.feeds, e.gap)
	}
	// On a session that is over nothing is asked for, and nothing sticks.
	over := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	over.session, over.instruments, over.feeds, over.requests = first, []Instrument{all[1]}, []feed{{request: 1}},
		[]int{-1, 0}
	over.ask()
	if len(over.requests) != 2 || over.feeds[0].request != 0 {
		t.Errorf("requests %v, feeds %v", over.requests, over.feeds)
	}
	over.instruments = []Instrument{{Contract: all[0].Contract, Delayed: true}}
	over.subscribe()
	if over.delayed || len(over.requests) != 2 {
		t.Errorf("requests %v, delayed %v", over.requests, over.delayed)
	}
}

func TestSkip(t *testing.T) {
	b := start(t)
	b.flows()
	log := &logbook{}
	e := New(Config{Supervisor: &conn.Supervisor{}, Log: slog.New(slog.NewTextHandler(log, nil))})
	e.session = b.sup.Session()
	for range 2 {
		e.skip(&ib.GuardError{Reason: ib.GuardProbe})
	}
	if !e.gap || e.Counts().Skipped != 2 || log.count("reason=") != 1 ||
		log.count("reason="+string(ib.GuardProbe)+"\n") != 1 {
		t.Errorf("%+v, %s", e.Counts(), log.text.String())
	}
}

// TestFailures has Gateway say things about subscriptions that are not there any more.
func TestFailures(t *testing.T) {
	b := start(t)
	b.flows()
	e := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	told := func(n marketNews) int {
		b.mu.Lock()
		clear(b.failed)
		b.mu.Unlock()
		e.hear(n)
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.failed[0]
	}
	s := b.sup.Session()
	if code := told(marketNews{s.Number(), 1, 200, ""}); code != 0 {
		t.Errorf("without a session: %d", code)
	}
	begin := func() {
		e.gap, e.session, e.instruments, e.feeds, e.requests = false, s, []Instrument{all[0]}, []feed{{request: 2}},
			[]int{-1, -1, 0}
	}
	begin()
	for name, n := range map[string]marketNews{
		"of another session":      {s.Number() + 1, 2, 200, ""},
		"of a request that ended": {s.Number(), 1, 200, ""},
		"of an unknown request":   {s.Number(), 3, 200, ""},
		"of no request":           {s.Number(), 0, 200, ""},
		"of everything elsewhere": {s.Number() + 1, 0, 1101, ""},
		"a warning":               {s.Number(), 2, 2119, ""},
		"delayed data":            {s.Number(), 2, 10167, ""},
	} {
		if code := told(n); code != 0 || e.feeds[0] != (feed{request: 2}) || e.gap {
			t.Errorf("%s: %d, %+v", name, code, e)
		}
	}
	if code := told(marketNews{s.Number(), 3, 1101, ""}); code != 0 || !e.gap || e.feeds[0].request != 3 ||
		e.requests[2] != -1 {
		t.Errorf("everything is gone: %d, %+v", code, e)
	}
	for _, n := range dead {
		begin()
		if code := told(marketNews{s.Number(), 2, n, ""}); code != n || e.feeds[0].request != 0 ||
			e.feeds[0].due == 0 || e.requests[2] != -1 {
			t.Errorf("a refusal: %d, %+v", code, e)
		}
	}
	for _, n := range []int{322, 10090, 10197, 10999} { // its data may go on
		begin()
		if code := told(marketNews{s.Number(), 2, n, ""}); code != n || e.feeds[0].request != 2 ||
			e.feeds[0].due == 0 || e.requests[2] != 0 {
			t.Errorf("an error: %d, %+v", code, e)
		}
	}
}

// TestRefused has Gateway refuse market data, and subscribes it again when it is asked for again.
func TestRefused(t *testing.T) {
	b := start(t)
	b.flows()
	b.mu.Lock()
	b.wants = []Instrument{stocks[0], {Contract: ib.Contract{
		Symbol: "NONE", Type: "STK", Exchange: "SMART",
		Currency: "USD",
	}}}
	b.mu.Unlock()
	for range 2 {
		b.engine.Refresh()
		b.eventually("the refusal", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			code := b.failed[1]
			delete(b.failed, 1)
			return code == 200
		})
	}
}

// TestOrdersAreNoSubscriptions has Gateway refuse an order whose id is the number of a subscription, too.
func TestOrdersAreNoSubscriptions(t *testing.T) {
	b := start(t)
	b.flows()
	o := ib.Order{
		Ref: "x", Contract: stocks[0].Contract, Side: ib.Buy, Type: ib.Market, Quantity: 1,
		Account: "NOBODY",
	}
	if err := b.sup.Session().Place(b.number(), o, ib.Conditions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the order is refused", func() bool { // as with code 321
		return slices.ContainsFunc(b.sup.Session().Orders().Take(nil), func(n ib.OrderNews) bool {
			return n.Kind == ib.OrderError
		})
	})
	b.mu.Lock()
	b.wants = append(slices.Clone(stocks),
		Instrument{Contract: ib.Contract{Symbol: "NONE", Type: "STK", Exchange: "SMART", Currency: "USD"}})
	b.mu.Unlock()
	b.engine.Refresh()
	b.eventually("a refusal that comes later", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.failed[2] == 200
	})
	b.mu.Lock()
	code := b.failed[0]
	b.mu.Unlock()
	if code != 0 {
		t.Errorf("the market data is said to have failed with code %d", code)
	}
	b.flows()
}
