package wording

import (
	"cmp"
	"fmt"

	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
)

// Program returns the name of a program at the guarded port with its client id, such as "bot.py (client id 7)".
func Program(name string, client int64) string {
	if name = OneLine(name); name == "" {
		return fmt.Sprintf("client id %d", client)
	}
	return fmt.Sprintf("%s (client id %d)", name, client)
}

// refusals are why orders and requests of programs are refused, beside the reasons of the guard.
var refusals = map[port.Reason]string{
	port.TradingStopped: "trading of programs is stopped",
	port.ReadOnly:       "this program may not place orders (guarded_port.programs in settings.json)",
	port.TooMany:        "more orders within a minute than guarded_port.programs in settings.json allows it",
	port.NoProof:        gatewaySilent,
	port.NotRecorded:    "it could not be written to disk; is the disk full?",
	port.NotStarted:     "the program had not sent its client id",
	port.ParentRefused:  "the order that it belongs to was refused",
	port.Withdrawn:      "the program cancelled it before it was sent",
	port.Unreadable:     "the message cannot be read",
	port.UnknownRequest: "the guard was closed, and Gatewatch does not know this request",
	port.NotAllowed:     "changing Gateway's settings is not allowed",
}

// Refusal says why an order or a request of a program was refused, or in observe mode would have been. It is empty for
// what was not.
func Refusal(r port.Reason) string { return cmp.Or(refusals[r], GuardReason(ib.GuardReason(r))) }

// programOrders are the states of orders of programs for which there is more to say than the state.
var programOrders = map[record.State]string{
	record.Sent:     "sent, not confirmed yet",
	record.Unknown:  unknownOrder,
	record.Refused:  "refused by Gatewatch; nothing was sent",
	record.Inactive: inactiveOrder,
	record.Preview:  "a preview; nothing was ordered",
}

// ProgramOrder says what is known of an order of a program.
func ProgramOrder(s record.State) string { return cmp.Or(programOrders[s], string(s)) }

// GuardedPort says how the guarded port is, and of how many orders there nothing is known; empty if there is none.
func GuardedPort(number int, listening, stopped bool, connected, unknown int) string {
	text := Count(connected, "program connected", "programs connected")
	switch {
	case number == 0:
		return ""
	case stopped:
		text = "Trading of programs stopped, " + text
	case !listening && connected == 0:
		text = fmt.Sprintf("Guarded port %d closed while Gateway cannot be used", number)
	}
	if unknown > 0 {
		text += ", " + UnknownOrders(unknown)
	}
	return text
}

// LivePrograms returns what it means to let programs trade on an account that is not known to be a paper account.
func LivePrograms(g ib.Gateway) string { return realMoney(g, "orders of programs") }
