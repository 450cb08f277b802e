package conn

import (
	"time"
)

// This file is how the supervisor deals with the daily exit of Gateway that Gateway has announced.

// ExitKind says what Gateway does at its daily exit. Its text is stable.
type ExitKind string

// The kinds of exit.
const (
	ExitUnknown ExitKind = ""        // Gateway does not say that there is one
	ExitRestart ExitKind = "restart" // it comes back by itself
	ExitLogOff  ExitKind = "logoff"  // a person has to log in again
)

// Exit is the daily exit that Gateway's user has set.
type Exit struct {
	Kind         ExitKind
	Hour, Minute int
	Location     *time.Location
}

// PlannedExit is the next exit of Gateway, or the one that is going on.
type PlannedExit struct {
	Kind ExitKind
	At   time.Time
}

// ExitWindow is the name of the quiet time around an exit, as in [Span.Name].
const ExitWindow = "gateway_exit"

const (
	// exitEarly is how long before an announced exit it may begin: clocks differ.
	exitEarly = 10 * time.Second
	// exitLate is how late it may begin. A session that is still up then survives.
	exitLate = time.Minute
	// skewMatters is from which difference on Gateway's clock counts instead of ours.
	skewMatters = 2 * time.Second
)

// next returns the first time after t at which the exit is due.
func (e Exit) next(t time.Time) time.Time {
	return Calendar{{Hour: e.Hour, Minute: e.Minute, Length: time.Nanosecond, Location: e.Location}}.At(t).Next
}

// Next returns the first exit after t.
func (e Exit) Next(t time.Time) PlannedExit { return PlannedExit{Kind: e.Kind, At: e.next(t)} }

// exits is what is known of Gateway's exits.
type exits struct {
	told   Exit
	toldIn uint64        // number of the session in which Gateway said so
	at     time.Time     // the next one, or the one that is going on, by our clock; zero if none is known
	skew   time.Duration // Gateway's clock minus ours, as at goes by
	near   bool          // it is about to come, or going on
	quiet  bool          // outages are expected
	last   uint64        // number of the last session that an exit can end
	closed bool          // orders are blocked because of it
	edge   time.Time     // when it has to be looked at again
}

// tell takes in what Gateway says.
func (x *exits) tell(e Exit, session uint64) {
	if x.toldIn = session; x.told != e {
		x.told = e
		if !x.near {
			x.at = time.Time{}
		}
	}
}

// closes returns when the guard closes.
func (x *exits) closes(cfg *Config) time.Time { return x.at.Add(-cfg.CloseBeforeExit - upBeat) }

// begins returns when there is something to do about the exit, ends until when, and quietEnds until when outages are
// expected.
func (x *exits) begins(cfg *Config) time.Time {
	if cfg.CloseBeforeExit == 0 {
		return x.at.Add(-exitEarly)
	}
	return earlier(x.at.Add(-exitEarly), x.closes(cfg))
}

func (x *exits) ends(cfg *Config) time.Time { return x.at.Add(max(cfg.ExitQuiet, exitLate)) }

func (x *exits) quietEnds(cfg *Config) time.Time { return x.at.Add(cfg.ExitQuiet) }

// plan finds the next exit for a session that is up.
func (x *exits) plan(now time.Time, skew time.Duration) {
	if skew.Abs() < skewMatters {
		skew = 0
	}
	if (x.skew-skew).Abs() < skewMatters && !x.at.IsZero() && x.at.After(now) && x.at.Sub(now) < 25*time.Hour {
		return
	}
	x.at, x.skew = x.told.next(now.Add(skew)).Add(-skew), skew
}

// lookAtExit notices the beginning and the end of an exit.
func (s *step) lookAtExit() {
	m, x, now := &s.m, &s.m.exits, s.now.wall
	if x.near && (now.Before(x.begins(s.cfg)) || !now.Before(x.ends(s.cfg))) {
		x.near, x.at = false, time.Time{}
	}
	if !x.near {
		if m.phase != up || x.toldIn != m.session || x.told.Kind == "" {
			x.at = time.Time{}
		} else {
			x.plan(now, m.skew)
			x.near = !x.at.IsZero() && !now.Before(x.begins(s.cfg))
		}
	}
	if x.near && now.Before(x.at) {
		x.last = m.session
	}
	s.exitQuiet(x.near && s.cfg.ExitQuiet > 0 && !now.Before(x.at.Add(-exitEarly)) && now.Before(x.quietEnds(s.cfg)))
	s.exitCloses(x.near && s.cfg.CloseBeforeExit > 0 && m.phase == up && m.session == x.last &&
		!now.Before(x.closes(s.cfg)) && now.Before(x.at.Add(exitLate)))
	x.edge = x.nextEdge(s.cfg, now)
}

// nextEdge returns when something changes next, zero if nothing is known to.
func (x *exits) nextEdge(cfg *Config, now time.Time) (edge time.Time) {
	if x.at.IsZero() {
		return edge
	}
	for _, t := range []time.Time{
		x.begins(cfg), x.closes(cfg), x.at.Add(-exitEarly), x.at, x.at.Add(exitLate), x.quietEnds(cfg), x.ends(cfg),
	} {
		if t.After(now) && (edge.IsZero() || t.Before(edge)) {
			edge = t
		}
	}
	return edge
}

// exitQuiet begins or ends the quiet time, unless a reset window is active anyway.
func (s *step) exitQuiet(quiet bool) {
	x := &s.m.exits
	was := x.quiet
	x.quiet = quiet
	switch {
	case s.m.window.Active || was == quiet:
	case quiet:
		s.tell(Event{Kind: EventWindowStarted, Detail: ExitWindow, Duration: x.quietEnds(s.cfg).Sub(s.now.wall)})
	default:
		s.tell(Event{Kind: EventWindowEnded})
	}
}

// exitCloses closes the guard before an exit. If the exit does not come, orders are compared before it opens.
func (s *step) exitCloses(closed bool) {
	was := s.m.exits.closed
	s.m.exits.closed = closed
	if was && !closed && s.m.phase == up && s.m.upstream {
		s.reconcile(0)
	}
}

// planned returns the next exit, or the one that is going on.
func (m *model) planned() PlannedExit {
	x := &m.exits
	switch {
	case x.at.IsZero():
		return PlannedExit{}
	case x.at.After(m.last.wall) || m.phase != up:
		return PlannedExit{Kind: x.told.Kind, At: x.at}
	case x.toldIn == m.session && x.told.Kind != "": // it is over
		return PlannedExit{Kind: x.told.Kind, At: x.told.next(m.last.wall.Add(x.skew)).Add(-x.skew)}
	}
	return PlannedExit{}
}

// spanNow joins the reset window with the quiet time around an exit.
func (m *model) spanNow(cfg *Config) Span {
	span := m.window
	if end := m.exits.quietEnds(cfg); m.exits.quiet && (!span.Active || end.After(span.Ends)) {
		span.Active, span.Name, span.Ends = true, ExitWindow, end
	}
	return span
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// toldSettings takes in what Gateway says of its settings.
func (s *step) toldSettings(in inConfig) {
	m := &s.m
	if in.session != m.session || m.phase == idle {
		return
	}
	before, was := m.blocked(), m.toldReadOnly
	m.exits.tell(in.told.Exit, in.session)
	m.toldReadOnly, m.resubmit = in.told.ReadOnly == SwitchOn, in.told.Resubmit
	s.lookAtExit()
	if m.phase != up {
		return
	}
	switch {
	case !was && m.toldReadOnly:
		s.reconcile(readOnlyLook)
	case was && !m.toldReadOnly, m.readOnly && in.told.ReadOnly == SwitchOff:
		s.reconcile(0)
	}
	s.tellBlocked(before)
}
