package ib

import "fmt"

// GuardReason says why the guard is closed; empty means that it is open.
type GuardReason string

// The reasons for a closed guard, in the order in which they are checked.
const (
	GuardOpen        GuardReason = ""
	GuardSocket      GuardReason = "socket_down"
	GuardAPI         GuardReason = "api_down"
	GuardUpstream    GuardReason = "upstream_lost"
	GuardWoke        GuardReason = "woke" // the computer or this process was paused, and Gateway is asked again
	GuardProbe       GuardReason = "probe_overdue"
	GuardMode        GuardReason = "wrong_mode"
	GuardReadOnly    GuardReason = "read_only"
	GuardExit        GuardReason = "restart_soon"       // Gateway restarts or logs off in a moment, as it has announced
	GuardUnconfirmed GuardReason = "orders_unconfirmed" // reconciling has failed more than once, and is tried again
	GuardReconciling GuardReason = "reconciling"
)

// GuardError means that an order was not sent because the guard was closed.
type GuardError struct{ Reason GuardReason }

func (e *GuardError) Error() string {
	return fmt.Sprintf("order not sent, guard closed: %s", e.Reason)
}
