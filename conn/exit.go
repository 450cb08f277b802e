package conn

import (
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// This file is how the supervisor deals with the daily exit of Gateway that Gateway has announced.

// ExitWindow is the name of the quiet time around an exit, as in [calendar.Span.Name].
const ExitWindow = "gateway_exit"

const (
	// exitEarly is how long before an announced exit it may begin: clocks differ.
	exitEarly = 10 * time.Second
	// exitLate is how late it may begin. A session that is still up then survives.
	exitLate = time.Minute
	// skewMatters is from which difference on Gateway's clock counts instead of ours.
	skewMatters = 2 * time.Second
)

type exits struct {
	announced   ib.Exit
	announcedIn uint64        // number of the session in which Gateway said so
	at          time.Time     // the next one, or the one that is going on, by our clock; zero if none is known
	skew        time.Duration // Gateway's clock minus ours, as at goes by
	near        bool          // it is about to come, or going on
	quiet       bool          // outages are expected
	last        uint64        // number of the last session that an exit can end
	closed      bool          // orders are blocked because of it
}

// announce notes the daily exit that Gateway reports.
func (x *exits) announce(e ib.Exit, session uint64) {
	if x.announcedIn = session; x.announced != e {
		x.announced = e
		if !x.near {
			x.at = time.Time{}
		}
	}
}

// plan finds the next exit for a session that is up.
func (x *exits) plan(now time.Time, skew time.Duration) {
	if skew.Abs() < skewMatters {
		skew = 0
	}
	if (x.skew-skew).Abs() < skewMatters && !x.at.IsZero() && x.at.After(now) && x.at.Sub(now) < 25*time.Hour {
		return
	}
	x.at, x.skew = x.announced.Next(now.Add(skew)).At.Add(-skew), skew
}

// lookAtExit notices the beginning and the end of an exit.
func (s *step) lookAtExit() {
	m, x, now := &s.m, &s.m.exits, s.now.Wall
	closes := -s.cfg.CloseBeforeExit - ib.UpBeat // the clocks may be looked at so much later
	begins, ends := min(-exitEarly, closes), max(s.cfg.ExitQuiet, exitLate)
	if since := now.Sub(x.at); x.near && (since < begins || since >= ends) {
		x.near, x.at = false, time.Time{}
	}
	if !x.near {
		if m.phase != up || x.announcedIn != m.session || x.announced.Kind == "" {
			x.at = time.Time{}
		} else {
			x.plan(now, m.skew)
			x.near = !x.at.IsZero() && now.Sub(x.at) >= begins
		}
	}
	since := now.Sub(x.at)
	if x.near && since < 0 {
		x.last = m.session
	}
	x.quiet = x.near && s.cfg.ExitQuiet > 0 && since >= -exitEarly && since < s.cfg.ExitQuiet
	s.exitCloses(x.near && s.cfg.CloseBeforeExit > 0 && m.phase == up && m.session == x.last &&
		since >= closes && since < exitLate)
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
func (m *model) planned() ib.PlannedExit {
	x := &m.exits
	switch {
	case x.at.IsZero():
		return ib.PlannedExit{}
	case x.at.After(m.last.Wall) || m.phase != up:
		return ib.PlannedExit{Kind: x.announced.Kind, At: x.at}
	case x.announcedIn == m.session && x.announced.Kind != "": // it is over
		return ib.PlannedExit{Kind: x.announced.Kind, At: x.announced.Next(m.last.Wall.Add(x.skew)).At.Add(-x.skew)}
	}
	return ib.PlannedExit{}
}

// spanNow joins the reset window with the quiet time around an exit.
func (m *model) spanNow(cfg *Config) calendar.Span {
	span := m.window
	if end := m.exits.at.Add(cfg.ExitQuiet); m.exits.quiet && (!span.Active || end.After(span.Ends)) {
		span.Active, span.Name, span.Ends = true, ExitWindow, end
	}
	return span
}

func (s *step) settings(in ib.Reported) {
	m := &s.m
	if in.Session != m.session || m.phase == idle {
		return
	}
	before, was := m.blocked(), m.settingsReadOnly
	m.exits.announce(in.Settings.Exit, in.Session)
	m.settingsReadOnly, m.resubmit = in.Settings.ReadOnly == ib.SwitchOn, in.Settings.Resubmit
	s.lookAtWindows()
	if m.phase != up {
		return
	}
	switch {
	case !was && m.settingsReadOnly:
		s.reconcile(readOnlyLook)
	case was && !m.settingsReadOnly, m.readOnly && in.Settings.ReadOnly == ib.SwitchOff:
		s.reconcile(0)
	}
	s.emitBlocked(before)
}
