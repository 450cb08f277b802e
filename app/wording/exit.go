package wording

import (
	"fmt"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Exit returns when Gateway restarts or logs off, with a countdown; empty if that is not known.
func Exit(e ib.PlannedExit, now time.Time) string {
	left := e.At.Sub(now)
	switch {
	case e.Kind == "":
		return ""
	case left > 0:
		return fmt.Sprintf("%s, in %s", ExitAt(e, now), Duration(left.Truncate(time.Second)))
	case e.Kind == ib.ExitLogOff:
		return "Gateway has been logged off since " + e.At.Local().Format("15:04")
	}
	return "Gateway has been restarting since " + e.At.Local().Format("15:04")
}

// ExitAt returns when Gateway restarts or logs off, without a countdown; empty if that is not known or past.
func ExitAt(e ib.PlannedExit, now time.Time) string {
	if e.Kind == "" || !e.At.After(now) {
		return ""
	}
	return ExitVerb(e.Kind) + " at " + e.At.Local().Format("15:04")
}

// exitNear is how long before an exit of Gateway its countdown is worth a look.
const exitNear = time.Hour

// ExitIn counts down to the exit of Gateway in its last hour, in minutes and at last in seconds; empty otherwise.
func ExitIn(e ib.PlannedExit, now time.Time) string {
	left := e.At.Sub(now)
	switch {
	case e.Kind == "" || left <= 0 || left > exitNear:
		return ""
	case left <= 2*time.Minute:
		return fmt.Sprintf("%s in %d s", ExitVerb(e.Kind), Seconds(left))
	}
	return fmt.Sprintf("%s in %d min", ExitVerb(e.Kind), int((left+time.Minute-1)/time.Minute))
}

// ExitVerb says what Gateway does, without the time.
func ExitVerb(kind ib.ExitKind) string {
	if kind == ib.ExitLogOff {
		return "Gateway logs off"
	}
	return "Gateway restarts"
}

// ExitHint returns what to change if Gateway logs off each day; empty if it does not.
func ExitHint(e ib.PlannedExit) string {
	if e.Kind != ib.ExitLogOff {
		return ""
	}
	return fmt.Sprintf("Gateway logs off each day at %s and waits for you to log in. To keep it connected, choose "+
		"“Auto restart” in Gateway: Configure, Settings, Lock and Exit.", e.At.Local().Format("15:04"))
}

// resubmits are what Gateway does with orders while IBKR is not connected.
var resubmits = map[ib.Switch]string{
	ib.SwitchOn:  "kept, and sent when IBKR is connected again",
	ib.SwitchOff: "rejected",
}

// Resubmit returns what Gateway does with orders while IBKR is not connected; empty if it does not say so.
func Resubmit(s ib.Switch) string { return resubmits[s] }

// whileItRestarts are the causes that a Gateway gives which is about to be back by itself.
var whileItRestarts = []ib.Cause{
	ib.CauseRefused, ib.CauseClosed, ib.CauseBroken, ib.CauseClosedEarly, ib.CauseNoAnswer,
}

// exitResting says that an outage is that of an exit that Gateway has announced.
func exitResting(s *conn.Snapshot) string {
	if s.Exit.Kind == ib.ExitLogOff {
		return fmt.Sprintf("Gateway logs off at %s each day: log in again. ", s.Exit.At.Local().Format("15:04"))
	}
	return fmt.Sprintf("Gateway restarts at %s each day, as planned: it is usually back within two minutes. ",
		s.Exit.At.Local().Format("15:04"))
}
