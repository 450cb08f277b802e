package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// This file is how an [Engine] subscribes to market data, and keeps at it: what Gateway refuses today it may grant
// tomorrow.

// feed is the market data of one instrument.
type feed struct {
	request int64         // number of its present subscription; 0 for none
	heard   bool          // data has come from that
	refused int           // how often it was, since data came last
	due     time.Duration // when it is subscribed again; 0: not at all
	last    lastPrice
	under   ib.Contract // has the data instead, since Gateway has none of the instrument itself; mostly nothing
}

// A refused subscription is made again after firstRetry, then after twice that, and so on; one after the other.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// marketNews is what Gateway said about market data.
type marketNews struct {
	session uint64
	request int64
	code    int
	detail  string
}

// The codes that are about the data of several subscriptions.
const (
	codeLost      = 1101  // restored, all subscriptions are gone
	codeKept      = 1102  // restored
	codeCompeting = 10197 // another session has taken it
	codeBroken    = 2103  // one farm is; Gateway does not say which subscriptions those are
	codeFarmOK    = 2104
	codeDelayed   = 10167 // data comes delayed, which the ticks say themselves
)

// dead are the codes after which nothing comes from a subscription, so that there is none to end: no such contract, no
// permission for its data, live or delayed, too many of them. Source: IBKR's API reference, "Message codes".
var dead = []int{101, 200, 321, 354, 504, 10168, 10186}

// watch hands on what concerns subscriptions, until ctx ends.
func watch(ctx context.Context, events *conn.EventStream, to chan<- marketNews) {
	for {
		ev, ok := events.Next(ctx)
		if !ok {
			return
		}
		n := marketNews{ev.Session, ev.Request, ev.Code, ev.Detail}
		switch ev.Kind {
		case conn.EventUpstreamRestored, conn.EventCompeting, conn.EventMarketFarmOK:
		case conn.EventFarm:
			if ev.Farm != conn.FarmBroken {
				continue
			}
			n.code = codeBroken
		case conn.EventNotice:
			if ev.Request <= 0 && ev.Code != codeLost && ev.Code != codeKept {
				continue
			}
		default:
			continue
		}
		select {
		case to <- n:
		case <-ctx.Done():
			return
		}
	}
}

// hear takes in what Gateway says about market data: subscriptions are gone, their data stops, or it may be had again.
func (e *Engine) hear(n marketNews) {
	if e.session == nil || e.session.Number() != n.session {
		return
	}
	now := e.clock()
	switch n.code {
	case codeLost:
		e.gap = true
		for _, f := range e.feeds {
			if f.request != 0 && !f.heard {
				_ = e.session.Unsubscribe(f.request) // it may have been on its way, and be there
			}
		}
		e.forget()
		e.subscribe()
		return
	case codeKept, codeFarmOK:
		e.hasten(now)
		return
	case codeBroken:
		e.gap = true
		return
	case codeCompeting:
		e.gap, e.competing = true, true
	case codeDelayed:
		return
	}
	if i, ok := e.instrument(n.request); ok && !(n.code >= 2100 && n.code < 2200) { // those are warnings
		e.refuse(i, n.code, now)
		e.cfg.Strategy.OnFailure(i, n.code, n.detail)
	}
}

// refuse plans when an instrument is subscribed again. Until then its subscription is kept, should it live.
func (e *Engine) refuse(i, code int, now time.Duration) {
	f := &e.feeds[i]
	f.refused++
	f.due = now + retryAfter(f.refused)
	if slices.Contains(dead, code) {
		e.requests[f.request] = -1
		f.request = 0
	}
}

func retryAfter(refused int) time.Duration {
	return min(lastRetry, firstRetry<<min(refused-1, 16))
}

// hasten has everything that was refused be subscribed again now.
func (e *Engine) hasten(now time.Duration) {
	for i := range e.feeds {
		if f := &e.feeds[i]; f.due != 0 {
			f.due = now
		}
	}
}

// retry subscribes one instrument whose time has come. One at a time: orders must not wait behind a hundred of them.
// It returns whether it did, so that another one may be due.
func (e *Engine) retry(now time.Duration) bool {
	if e.session == nil || !e.cfg.Supervisor.Snapshot().Connected() {
		return false
	}
	for i := range e.feeds {
		f := &e.feeds[i]
		if f.due == 0 || now < f.due {
			continue
		}
		if f.request != 0 {
			if e.session.Unsubscribe(f.request) != nil {
				return false // the session is over
			}
			e.requests[f.request] = -1
		}
		f.due = now + retryAfter(f.refused+1) // if that is not answered either
		_ = e.open(i)
		return true
	}
	return false
}

// again begins again on a session that was known before a panic. Numbers of subscriptions are not used twice in a
// session.
func (e *Engine) again() {
	e.gap = true
	for n, i := range e.requests {
		if i >= 0 && e.session.Unsubscribe(int64(n)) != nil {
			break // the session is over
		}
	}
	e.forget()
}

// adopt goes over to a new session.
func (e *Engine) adopt(s *ib.Session) {
	e.count()
	e.session, e.replaced, e.delayed, e.competing = s, 0, false, false
	e.requests = append(e.requests[:0], -1) // request numbers begin at 1
	e.gap = true
	e.forget()
	e.subscribe()
}

// forget forgets all subscriptions. Their numbers are not used again in this session.
func (e *Engine) forget() {
	e.feeds = make([]feed, len(e.instruments))
	for n := range e.requests {
		e.requests[n] = -1
	}
}

// ask asks the strategy for its instruments, and subscribes what is new, or was refused.
func (e *Engine) ask() {
	old, feeds := e.instruments, e.feeds
	e.instruments = e.cfg.Strategy.Instruments()
	e.forget()
	if e.session == nil {
		return
	}
	keep := e.wantsDelayed() == e.delayed
	e.gap = e.gap || !keep
	kept := make([]bool, len(e.instruments))
	for n, in := range old {
		at := slices.IndexFunc(e.instruments, func(other Instrument) bool { return other.Contract == in.Contract })
		if keep && at >= 0 && !kept[at] {
			kept[at], e.feeds[at] = true, feeds[n]
			if feeds[n].request != 0 {
				e.requests[feeds[n].request] = at
			}
		} else if feeds[n].request != 0 && e.session.Unsubscribe(feeds[n].request) != nil {
			return // the session is over; the next one subscribes again
		}
	}
	e.hasten(e.clock())
	e.subscribe()
}

// subscribe asks for the market data of every instrument that has no subscription, unless it was refused.
func (e *Engine) subscribe() {
	if wanted := e.wantsDelayed(); wanted != e.delayed {
		if e.session.MarketDataType(wanted) != nil {
			return // the session is over; the next one subscribes again
		}
		e.delayed = wanted
	}
	for i := range e.instruments {
		if f := &e.feeds[i]; f.request == 0 && f.due == 0 && e.open(i) != nil {
			return
		}
	}
}

// open subscribes to an instrument under a number that no subscription of this session has had.
func (e *Engine) open(i int) error {
	f := &e.feeds[i]
	f.request, f.heard, f.last = int64(len(e.requests)), false, lastPrice{}
	e.requests = append(e.requests, i)
	return e.session.Subscribe(f.request, cmp.Or(f.under, e.instruments[i].Contract))
}

// reroute subscribes to the contract that Gateway has named: it has no data of a CFD on a stock, but of the stock. It
// does so once: what is rerouted again has no data.
func (e *Engine) reroute(i int) {
	f := &e.feeds[i]
	to := e.session.Ticks().Rerouted(f.request)
	e.requests[f.request] = -1 // nothing comes of it
	f.request = 0
	if to.ConID <= 0 || f.under != (ib.Contract{}) {
		return
	}
	f.under = to
	_ = e.open(i)
}

func (e *Engine) wantsDelayed() bool {
	return slices.ContainsFunc(e.instruments, func(in Instrument) bool { return in.Delayed })
}
