package conn

import (
	"time"
)

// clocks notices sleep and the edges of the reset window.
func (s *step) clocks() {
	m := &s.m
	started := !m.last.wall.IsZero()
	woke := time.Duration(0)
	if started {
		wall, mono := s.now.wall.Sub(m.last.wall), s.now.mono-m.last.mono
		if wall-mono > wakeJump || mono > heartbeat+wakeJump {
			woke = max(wall, mono)
		}
	}
	if started && m.phase == idle {
		m.dueWall = s.follow(m.dueWall)
	}
	s.lookAtWindow(started)
	if woke == 0 {
		return
	}
	s.tell(Event{Kind: EventWoke, Duration: woke})
	switch {
	case m.phase == up:
		// Nothing was read while nobody looked: that proves nothing. Ask, and trust only the answer.
		m.suspect, m.heard = true, s.now.mono
		s.probe()
		m.unanswered = s.now.mono
	case m.phase == idle && !m.paused && !m.resting():
		m.waits = 0
		s.due(s.now.mono)
	}
}

// follow moves a wall time that stands for a moment of the monotonic clock along when the wall clock was set.
func (s *step) follow(t time.Time) time.Time {
	jump := s.now.wall.Sub(s.m.last.wall) - (s.now.mono - s.m.last.mono)
	if jump.Abs() < time.Second {
		return t // clocks drift; what people are shown shall not flicker
	}
	return t.Add(jump)
}

func (s *step) lookAtWindow(started bool) {
	m := &s.m
	if m.windowFresh && !s.now.wall.Before(m.windowFrom) && (m.windowUntil.IsZero() || s.now.wall.Before(m.windowUntil)) {
		return
	}
	was := m.window.Active
	m.window = s.cfg.Calendar.At(s.now.wall)
	m.windowFrom, m.windowUntil, m.windowFresh = s.now.wall, m.window.until(), true
	switch {
	case m.window.Active && !was:
		s.tell(Event{Kind: EventWindowStarted, Detail: m.window.Name, Duration: m.window.Ends.Sub(s.now.wall)})
	case !m.window.Active && was:
		s.tell(Event{Kind: EventWindowEnded})
		if started && m.phase == idle && !m.paused {
			// Decided from the state, not from the edge: still down means reconnect at once.
			m.waits = 0
			s.due(s.now.mono)
		}
	}
}

// evidence takes over what the session's own counters say.
func (s *step) evidence(in evidence) {
	m := &s.m
	if in.session != m.session || m.phase != up {
		return
	}
	m.rtt, m.skew = in.rtt, in.skew
	if in.heard > m.heard {
		m.heard = in.heard
		// What was read before the probe went out proves nothing about now.
		if m.unanswered != 0 && in.heard >= m.unanswered {
			m.unanswered = 0
			if m.suspect {
				m.suspect = false
				s.tell(Event{Kind: EventAnswered, Duration: s.now.mono - m.probed})
			}
		}
	}
	if m.competing && in.marketAt > m.competingAt {
		m.competing = false
	}
}

func (s *step) probe() {
	s.m.probed = s.now.mono
	s.do(doProbe{s.m.session})
}

// timers does whatever has become due.
func (s *step) timers() {
	m, now := &s.m, s.now.mono
	if m.phase == up {
		silence := now - m.heard
		if silence >= s.cfg.Poll && now-m.probed >= max(minProbeGap, min(s.cfg.Poll, s.cfg.Soft)) {
			s.probe()
			if m.unanswered == 0 {
				m.unanswered = now
			}
		}
		if m.unanswered != 0 && now-m.unanswered >= s.cfg.Soft {
			if !m.suspect {
				m.suspect = true
				s.tell(Event{Kind: EventSuspected, Cause: CauseSilent, Duration: silence})
			}
			if silence >= s.cfg.Hard {
				s.do(doClose{m.session})
				s.sessionLost(m.session, CauseSilent, 0, "")
			}
		}
	}
	if m.phase == idle && !m.stopped && !m.paused && !m.resting() && now >= m.due {
		s.dial(nil, 0)
	}
}

// deadline returns the moment at which next has to be asked again at the latest.
func (m *model) deadline(cfg *Config) time.Duration {
	at := m.last.mono + heartbeat
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
		sooner(max(m.heard+cfg.Poll, m.probed+max(minProbeGap, min(cfg.Poll, cfg.Soft))))
		if m.unanswered != 0 {
			sooner(m.last.mono + answerLook)
			if !m.suspect {
				sooner(m.unanswered + cfg.Soft)
			} else {
				sooner(m.heard + cfg.Hard)
			}
		}
	}
	if !m.windowUntil.IsZero() {
		sooner(m.last.mono + m.windowUntil.Sub(m.last.wall))
	}
	return max(at, m.last.mono+time.Millisecond)
}
