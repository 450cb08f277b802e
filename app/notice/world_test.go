package notice

import (
	"fmt"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

var begin = time.Date(2026, 3, 4, 9, 0, 0, 0, time.Local)

// happening is an event at a moment after begin.
type happening struct {
	at time.Duration
	e  conn.Event
}

// reported is a notice at a moment after begin.
type reported struct {
	at time.Duration
	n  Notice
}

func (t reported) String() string { return fmt.Sprintf("%v %s #%d", t.at, t.n.Kind, t.n.Incident) }

// world plays events against a policy, calling it when it wants to be called, and never otherwise.
type world struct {
	p     Policy
	st    State
	muted func(at time.Duration) time.Duration // until when, 0 if not
	quiet Quiet
	ends  conn.Unsupported
	check func(now, again time.Time, st State)
}

func (w *world) step(at time.Duration, e conn.Event) ([]reported, time.Time) {
	return w.input(at, Input{Event: e})
}

func (w *world) input(at time.Duration, in Input) ([]reported, time.Time) {
	now := begin.Add(at)
	if in.Event.Kind != "" {
		in.Event.At = now
	}
	in.Gateway, in.ClientID, in.Computer, in.Quiet = ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Paper}, 7,
		"desk", w.quiet
	in.Unsupported = w.ends
	if w.muted != nil {
		if until := w.muted(at); until > at {
			in.Muted = begin.Add(until)
		}
	}
	st, said, again := w.p.Step(w.st, in, now)
	w.st = st
	if w.check != nil {
		w.check(now, again, st)
	}
	var out []reported
	for _, n := range said {
		out = append(out, reported{at, n})
	}
	return out, again
}

func (w *world) play(events []happening, end time.Duration) []reported {
	var inputs []arrival
	for _, h := range events {
		inputs = append(inputs, arrival{h.at, Input{Event: h.e}})
	}
	return w.playAll(inputs, end)
}

// arrival is an input at a moment after begin.
type arrival struct {
	at time.Duration
	in Input
}

func (w *world) playAll(events []arrival, end time.Duration) []reported {
	var all []reported
	var again time.Time
	for {
		next, tick := end, true
		if len(events) > 0 && events[0].at <= end {
			next, tick = events[0].at, false
		}
		if !again.IsZero() && again.Sub(begin) < next {
			next, tick = again.Sub(begin), true
		}
		if tick && next >= end {
			return all
		}
		in := Input{}
		if !tick {
			in, events = events[0].in, events[1:]
		}
		var said []reported
		said, again = w.input(next, in)
		all = append(all, said...)
	}
}

func ev(kind conn.EventKind, state conn.State) conn.Event {
	return conn.Event{Kind: kind, State: state}
}

// The events as the supervisor tells them.
var (
	started   = ev(conn.EventStarted, conn.Connecting)
	connected = ev(conn.EventConnected, conn.Connected)
	lostNow   = conn.Event{Kind: conn.EventLost, State: conn.Reconnecting, Cause: ib.CauseClosed}
	failed    = conn.Event{Kind: conn.EventAttemptFailed, State: conn.Reconnecting, Cause: ib.CauseRefused}
	silent    = conn.Event{Kind: conn.EventSuspected, State: conn.Degraded, Cause: ib.CauseSilent}
	farAway   = conn.Event{
		Kind: conn.EventUpstreamLost, State: conn.UpstreamLost, Cause: ib.CauseUpstream,
		Code: 1100,
	}
	farBack     = ev(conn.EventUpstreamRestored, conn.Connected)
	windowOpens = ev(conn.EventWindowStarted, conn.Connected)
	lostWithin  = conn.Event{Kind: conn.EventLost, State: conn.ResetWindow, Cause: ib.CauseClosed}
	windowEnds  = ev(conn.EventWindowEnded, conn.Reconnecting)
	paused      = ev(conn.EventPaused, conn.Paused)
	resumed     = ev(conn.EventResumed, conn.Connecting)
	woke        = ev(conn.EventWoke, conn.Degraded)
	competing   = conn.Event{Kind: conn.EventCompeting, State: conn.Degraded, Cause: ib.CauseCompeting, Code: 10197}
	readOnly    = conn.Event{Kind: conn.EventOrdersBlocked, State: conn.Degraded, Cause: ib.CauseReadOnly}
	unconfirmed = conn.Event{
		Kind: conn.EventOrdersBlocked, State: conn.Degraded, Cause: ib.CauseUnconfirmed,
		Detail: "open_orders",
	}
	confirmed   = ev(conn.EventOrdersConfirmed, conn.Connected)
	farmDown    = conn.Event{Kind: conn.EventFarm, State: conn.Degraded, Detail: "usfarm", Farm: conn.FarmBroken}
	stopped     = ev(conn.EventStopped, conn.Reconnecting)
	reconfigure = conn.Event{Kind: conn.EventDisconnected, State: conn.Connecting, Cause: ib.CauseReconfigured}
)

const (
	s = time.Second
	m = time.Minute
	h = time.Hour
)

// flaps returns drops of one length with the connection up for another in between.
func flaps(at time.Duration, n int, down, up time.Duration) (list []happening) {
	for range n {
		list = append(list, happening{at, lostNow}, happening{at + down, connected})
		at += down + up
	}
	return list
}
