package conn

import (
	"maps"
)

// enter is the one place that enters a state.
func (s *step) enter() {
	m := &s.m
	state := m.judge()
	if state != m.state {
		m.state, m.since = state, s.now.wall
	}
	for i := range s.events {
		s.events[i].State = state
		if s.events[i].Session == 0 && m.phase == up {
			s.events[i].Session = m.session
		}
	}
}

func (m *model) judge() State {
	switch {
	case m.paused && m.phase == idle:
		return Paused
	case m.phase == up && !m.upstream:
		return UpstreamLost
	case m.phase == up:
		if cause, _ := m.trouble(); cause != CauseNone {
			return Degraded
		}
		return Connected
	case m.phase == idle && m.resting():
		return ResetWindow
	case m.failed:
		return Reconnecting
	}
	return Connecting
}

// trouble returns what degrades a connection that is up, and a detail of it.
func (m *model) trouble() (Cause, string) {
	switch {
	case m.suspect:
		return CauseSilent, ""
	case m.wrongMode:
		return CauseWrongMode, ""
	case m.blocked() != CauseNone:
		return m.blocked(), m.doubt
	case m.competing:
		return CauseCompeting, ""
	}
	worst := ""
	for name, st := range m.farms {
		if st == FarmBroken && (worst == "" || name < worst) {
			worst = name
		}
	}
	if worst != "" {
		return CauseFarm, worst
	}
	return CauseNone, ""
}

// guard says whether orders may leave; it looks at the real state and at nothing else.
func (m *model) guard() GuardReason {
	switch {
	case m.phase == idle || !m.socket:
		return GuardSocket
	case m.phase != up:
		return GuardAPI
	case !m.upstream:
		return GuardUpstream
	case m.suspect || !m.proven:
		return GuardProbe
	case m.wrongMode:
		return GuardMode
	case m.blocked() == CauseReadOnly:
		return GuardReadOnly
	case m.exits.closed:
		return GuardExit
	case m.blocked() == CauseUnconfirmed:
		return GuardUnconfirmed
	case !m.reconciled:
		return GuardReconciling
	}
	return GuardOpen
}

// snapshot renders the model. The result shares nothing that is ever changed.
func (m *model) snapshot(cfg *Config) *Snapshot {
	s := &Snapshot{
		At: m.last.wall, State: m.state, Since: m.since,
		Cause: m.cause, Code: m.code, Detail: m.detail,
		Layers: Layers{
			Socket: m.phase != idle && m.socket, API: m.phase == up, Upstream: m.phase == up && m.upstream,
			Farms: maps.Clone(m.farms),
		},
		Window: m.spanNow(cfg), Exit: m.planned(), Resubmit: m.resubmit, Gateway: m.gateway, Unsupported: m.unsupported, Guard: m.guard(), Probe: m.rtt, Skew: m.skew, Lost: m.lost,
	}
	if s.Gateway.Host == "" {
		s.Gateway = Gateway{Host: cfg.Host, Port: cfg.Port, Mode: AnyMode}
	}
	if m.phase == up {
		s.Session = m.session
		if m.upstream {
			s.Cause, s.Detail = m.trouble()
			s.Code = 0
		}
	}
	switch {
	case m.phase == trying:
		s.Attempt = Attempt{Number: m.attempt, Running: true}
	case m.phase == idle && !m.paused && !m.stopped:
		s.Attempt = Attempt{Number: m.attempt + 1}
		if s.Attempt.NextAt = m.dueWall; m.resting() {
			s.Attempt.NextAt = m.window.Ends
		}
	}
	return s
}
