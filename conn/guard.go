package conn

import "gatewatch/conn/ib"

// guard says whether orders may leave. It depends on the real state alone.
func (m *model) guard() ib.GuardReason {
	switch {
	case m.phase == idle || !m.socket:
		return ib.GuardSocket
	case m.phase != up:
		return ib.GuardAPI
	case !m.upstream:
		return ib.GuardUpstream
	case m.unanswered() && m.woke:
		return ib.GuardWoke
	case m.unanswered():
		return ib.GuardProbe
	case m.wrongMode:
		return ib.GuardMode
	case m.blocked() == ib.CauseReadOnly:
		return ib.GuardReadOnly
	case m.exits.closed:
		return ib.GuardExit
	case m.blocked() == ib.CauseUnconfirmed:
		return ib.GuardUnconfirmed
	case !m.reconciled:
		return ib.GuardReconciling
	}
	return ib.GuardOpen
}

// unanswered reports whether Gateway, on a connection that is up, has yet to prove that it still answers.
func (m *model) unanswered() bool { return m.suspect || !m.proven }
