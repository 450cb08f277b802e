package conn

import "fmt"

// GuardReason says why the guard is shut; empty means that it is open.
type GuardReason string

// The reasons for a shut guard, in the order in which they are looked at.
const (
	GuardOpen        GuardReason = ""
	GuardSocket      GuardReason = "socket_down"
	GuardAPI         GuardReason = "api_down"
	GuardUpstream    GuardReason = "upstream_lost"
	GuardProbe       GuardReason = "probe_overdue"
	GuardMode        GuardReason = "wrong_mode"
	GuardReadOnly    GuardReason = "read_only"
	GuardExit        GuardReason = "restart_soon"       // Gateway restarts or logs off in a moment, as it has announced
	GuardUnconfirmed GuardReason = "orders_unconfirmed" // reconciling has failed more than once, and is tried again
	GuardReconciling GuardReason = "reconciling"
)

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

// GuardError is the refusal of an order: the guard was shut. Nothing has been sent.
type GuardError struct {
	Session uint64
	Reason  GuardReason
}

func (e *GuardError) Error() string {
	return fmt.Sprintf("order not sent, guard closed: %s", e.Reason)
}
