package wording

import (
	"fmt"
	"time"

	"gatewatch/conn"
)

// Exit returns when Gateway restarts or logs off, with a countdown; empty if that is not known.
func Exit(e conn.PlannedExit, now time.Time) string {
	verb := "restarts"
	switch {
	case e.Kind == "":
		return ""
	case e.Kind == conn.ExitLogOff:
		verb = "logs off"
	}
	left := e.At.Sub(now)
	if left <= 0 {
		return fmt.Sprintf("Gateway %s since %s", map[string]string{
			"restarts": "has been restarting", "logs off": "has been logged off",
		}[verb], e.At.Local().Format("15:04"))
	}
	return fmt.Sprintf("Gateway %s at %s, in %s", verb, e.At.Local().Format("15:04"), Duration(left.Truncate(time.Second)))
}

// ExitHint returns what to change if Gateway logs off each day; empty if it does not.
func ExitHint(e conn.PlannedExit) string {
	if e.Kind != conn.ExitLogOff {
		return ""
	}
	return fmt.Sprintf("Gateway logs off each day at %s and waits for you to log in. To keep it connected, choose "+
		"“Auto restart” in Gateway: Configure, Settings, Lock and Exit.", e.At.Local().Format("15:04"))
}

// Resubmit returns what Gateway does with orders while IBKR is not connected; empty if it does not say so.
func Resubmit(s conn.Switch) string {
	switch s {
	case conn.SwitchOn:
		return "kept, and sent when IBKR is connected again"
	case conn.SwitchOff:
		return "rejected"
	}
	return ""
}

// exitResting says that an outage is that of an exit that Gateway has announced.
func exitResting(s *conn.Snapshot) string {
	if s.Exit.Kind == conn.ExitLogOff {
		return fmt.Sprintf("Gateway logs off at %s each day: log in again. ", s.Exit.At.Local().Format("15:04"))
	}
	return fmt.Sprintf("Gateway restarts at %s each day, as planned: it is usually back within two minutes. ",
		s.Exit.At.Local().Format("15:04"))
}
