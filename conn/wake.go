package conn

import (
	"time"

	"gatewatch/conn/ib"
)

// clocks notices sleep, gaps in which this process did not run, and the edges of the reset window.
func (s *step) clocks() {
	m := &s.m
	started := !m.last.Wall.IsZero()
	late := time.Duration(0)
	if started {
		late = s.now.Late(m.last.Moment, m.beat())
		s.followWall()
	}
	s.lookAtWindows()
	if late <= ib.GapLimit {
		return
	}
	// What is read from now on may have waited in a buffer: only the answer to a question asked from now on counts.
	m.gap, m.proven, m.heard = s.now.Mono, false, s.now.Mono
	m.woke = m.woke || !m.suspect
	if m.asking != 0 {
		m.asking = s.now.Mono
	}
	if late <= wakeJump {
		return
	}
	s.emit(Event{Kind: EventWoke, Duration: max(s.now.Wall.Sub(m.last.Wall), s.now.Mono-m.last.Mono)})
	switch {
	case m.phase == up:
		m.suspect = true
	case m.phase == idle && !m.paused && !m.resting():
		m.waits = 0
		s.due(s.now.Mono)
	}
}

// beat returns within which time the clocks are looked at again.
func (m *model) beat() time.Duration {
	if m.phase == up {
		return ib.UpBeat
	}
	return heartbeat
}

// followWall keeps what is shown by the wall clock right when that was set. Clocks drift, and what people are shown
// shall not flicker: less than a second is left as it is.
func (s *step) followWall() {
	m := &s.m
	if due := s.now.Wall.Add(m.due - s.now.Mono); due.Sub(m.dueWall).Abs() >= time.Second {
		m.dueWall = due
	}
	for _, t := range []*ib.Moment{&m.since, &m.downSince, &m.upstreamDownAt} {
		*t = follow(*t, s.now.Moment)
	}
}

// follow returns a moment of the past by a wall clock that may have been set back since: it lies back at least as far
// as the monotonic clock says, or an outage would not last for as long as the clock was set back. It does not follow a
// clock that was set ahead, which cannot be told from one that went on while the computer slept.
func follow(t, now ib.Moment) ib.Moment {
	if latest := now.Wall.Add(t.Mono - now.Mono); !t.Wall.IsZero() && t.Wall.Sub(latest) >= time.Second {
		t.Wall = latest
	}
	return t
}

// lookAtWindows notices the edges of the reset window, of an exit of Gateway, and of the time that is quiet because of
// either: that is one stretch, whichever of them begins it and whichever ends it.
func (s *step) lookAtWindows() {
	was := s.m.spanNow(s.cfg).Active
	s.lookAtResetWindow()
	s.lookAtExit()
	switch span := s.m.spanNow(s.cfg); {
	case span.Active == was:
	case span.Active:
		s.emit(Event{Kind: EventWindowStarted, Detail: span.Name, Duration: span.Ends.Sub(s.now.Wall)})
	default:
		s.emit(Event{Kind: EventWindowEnded})
	}
}

func (s *step) lookAtResetWindow() {
	m := &s.m
	if until := m.window.Until(); !m.windowFrom.IsZero() && !s.now.Wall.Before(m.windowFrom) &&
		(until.IsZero() || s.now.Wall.Before(until)) {
		return
	}
	was := m.window.Active
	m.window = s.cfg.Calendar.At(s.now.Wall)
	m.windowFrom = s.now.Wall
	if was && !m.window.Active && m.phase == idle && !m.paused { // still down means reconnect at once
		m.waits = 0
		s.due(s.now.Mono)
	}
}

// evidence takes over what the session's own counters say.
func (s *step) evidence(in ib.Evidence) {
	m := &s.m
	if in.Session != m.session || m.phase != up {
		return
	}
	m.heard = max(m.heard, in.Heard)
	if m.asking == 0 && in.Asked != 0 { // asked for an order's sake
		m.asked, m.asking = in.Asked, max(in.Asked, m.gap)
	}
	if m.competing && in.MarketAt > m.competingAt {
		m.competing = false
	}
	if !m.upstream && !m.window.Active && in.IBKRAt >= m.upstreamLost+contradictedAfter {
		s.drop(ib.CauseUpstream, m.code, "data of IBKR arrives, but Gateway has not said that IBKR is back")
		s.due(s.now.Mono)
	}
}

// contradictedAfter is how long after Gateway has said that it has lost IBKR something that comes from there all the
// same is a reason to ask again, by another login: the code of the restore may have been missed. In a reset window
// market data may go on while orders cannot be placed.
const contradictedAfter = time.Minute

// answered takes in that Gateway answered a time request. An answer that came late, or to a question from before a gap,
// proves nothing about now.
func (s *step) answered(in ib.Answered) {
	m := &s.m
	if in.Session != m.session || m.phase != up {
		return
	}
	m.rtt, m.skew = in.RTT, in.Skew
	m.asking, m.answered = 0, s.now.Mono
	if m.proven || in.Asked < m.gap || in.RTT >= s.cfg.Soft {
		return
	}
	m.proven = true
	if m.suspect {
		m.suspect = false
		s.emit(Event{Kind: EventAnswered, Duration: in.RTT})
	}
}

// probeDue returns when Gateway is to be asked for its time, provided that all earlier questions are answered. That
// other things come from it does not prove that it takes orders.
func (m *model) probeDue(cfg *Config) time.Duration {
	due := min(m.heard+cfg.Poll, m.asked+min(max(cfg.Poll, probeAtLeast), probeAtMost))
	if !m.proven {
		due = m.last.Mono
	}
	if m.answered != 0 {
		due = max(due, m.answered+ib.MinProbeGap)
	}
	return due
}

// competingFor is how long it is believed that another session has the market data, when Gateway does not say so again.
// It does with each subscription; without any, nothing shows when that session ends.
const competingFor = 10 * time.Minute

// timers does whatever has become due.
func (s *step) timers() {
	m, now := &s.m, s.now.Mono
	if m.competing && now >= m.competingAt+competingFor {
		m.competing = false
	}
	if m.phase == up {
		if m.asking == 0 && now >= m.probeDue(s.cfg) {
			m.asked, m.asking = now, now
			s.do(doProbe{m.session})
		}
		s.silence()
	}
	if m.phase == idle && !m.stopped && !m.paused && !m.resting() && now >= m.due {
		s.dial(nil, 0)
	}
}

// silence acts on a question that is not answered.
func (s *step) silence() {
	m := &s.m
	if m.asking == 0 {
		return
	}
	unanswered, unheard := s.now.Mono-m.asking, s.now.Mono-m.heard
	if unanswered < s.cfg.Soft {
		return
	}
	m.woke = false
	if m.proven = false; !m.suspect {
		m.suspect = true
		s.emit(Event{Kind: EventSuspected, Cause: ib.CauseSilent, Duration: max(unanswered, unheard)})
	}
	if max(unanswered, unheard) < s.cfg.Hard {
		return
	}
	detail := ""
	if unheard < s.cfg.Hard {
		detail = "a time request was not answered, though other data arrived"
	}
	s.drop(ib.CauseSilent, 0, detail)
}

// deadline returns the moment by which next has to be asked again.
func (m *model) deadline(cfg *Config) time.Duration {
	at := m.last.Mono + m.beat()
	sooner := func(t time.Duration) {
		if t < at {
			at = t
		}
	}
	switch m.phase {
	case idle:
		if !m.paused && !m.resting() {
			sooner(m.due)
		}
	case up:
		switch {
		case m.asking == 0:
			sooner(m.probeDue(cfg))
		case !m.suspect:
			sooner(m.asking + cfg.Soft)
		default:
			sooner(min(m.heard, m.asking) + cfg.Hard)
		}
	}
	if until := m.window.Until(); !until.IsZero() {
		sooner(m.last.Mono + until.Sub(m.last.Wall))
	}
	return max(at, m.last.Mono+time.Millisecond)
}
