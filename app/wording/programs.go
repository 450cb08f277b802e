package wording

import (
	"fmt"

	"gatewatch/conn"
	"gatewatch/conn/port"
)

// Program returns the name of a program at the guarded port with its client id, such as "bot.py (client id 7)".
func Program(name string, client int64) string {
	if name = OneLine(name); name == "" {
		return fmt.Sprintf("client id %d", client)
	}
	return fmt.Sprintf("%s (client id %d)", name, client)
}

// Refusal says why an order or a request of a program was refused, or in observe mode would have been. It is empty for
// what was not.
func Refusal(r port.Reason) string {
	switch r {
	case port.Allowed:
		return ""
	case port.TradingStopped:
		return "trading of programs is stopped"
	case port.ReadOnly:
		return "this program may not place orders (guarded_port.programs in settings.json)"
	case port.TooMany:
		return "more orders within a minute than guarded_port.programs in settings.json allows it"
	case port.NoProof:
		return "Gateway did not answer"
	case port.NotRecorded:
		return "it could not be written to disk; is the disk full?"
	case port.NotStarted:
		return "the program had not sent its client id"
	case port.ParentRefused:
		return "the order that it belongs to was refused"
	case port.Withdrawn:
		return "the program cancelled it before it was sent"
	case port.Unreadable:
		return "the message cannot be read"
	case port.UnknownRequest:
		return "the guard was closed, and Gatewatch does not know this request"
	case port.NotAllowed:
		return "changing Gateway's settings is not allowed"
	}
	if text := GuardReason(conn.GuardReason(r)); text != "" {
		return text
	}
	return OneLine(string(r))
}

// ProgramOrder says what is known of an order of a program.
func ProgramOrder(s port.State) string {
	switch s {
	case port.Sent:
		return "sent, not confirmed yet"
	case port.Unknown:
		return "unknown: look in TWS"
	case port.Refused:
		return "refused by Gatewatch; nothing was sent"
	case port.Inactive:
		return "inactive: it does not work"
	case port.Preview:
		return "a preview; nothing was ordered"
	}
	return string(s)
}

// GuardedPort says how the guarded port is; empty if there is none.
func GuardedPort(number int, listening, stopped bool, connected int) string {
	switch {
	case number == 0:
		return ""
	case stopped:
		return "Trading of programs stopped, " + Programs(connected)
	case !listening && connected == 0:
		return fmt.Sprintf("Guarded port %d closed while Gateway cannot be used", number)
	}
	return Programs(connected)
}

// LivePrograms returns what it means to let programs trade on an account that is not known to be a paper account.
func LivePrograms(g conn.Gateway) string { return realMoney(g, "orders of programs") }

// Programs says how many programs are connected, such as "3 programs connected".
func Programs(connected int) string {
	return Count(connected, "program connected", "programs connected")
}
