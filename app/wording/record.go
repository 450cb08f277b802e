package wording

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
)

// Record says in one line what a record of the connection log is about.
func Record(r *history.Record) string {
	long := time.Duration(r.Seconds * float64(time.Second))
	after := func(text, format string) string {
		if long <= 0 {
			return text
		}
		return text + fmt.Sprintf(format, Duration(long))
	}
	switch r.What {
	case history.Started:
		return "Gatewatch started"
	case history.Stopped:
		return after("Gatewatch stopped", ", it ran for %s")
	case history.Crashed:
		if r.Detail != "" {
			return "Gatewatch crashed: " + OneLine(r.Detail)
		}
		return "Gatewatch ended unexpectedly: a crash, a kill or a power cut"
	case history.Recovered:
		return after("Connected", " again after %s")
	case history.Lost:
		return after("Connection lost", " after %s") + why(r)
	case history.Disconnected:
		return after("Disconnected", " after %s") + why(r)
	case history.AttemptFailed:
		return "Attempt failed" + why(r)
	case history.AttemptsEnded:
		return after(fmt.Sprintf("%d attempts failed", r.Attempts), " in %s") + why(r)
	case history.UpstreamLost:
		return "IBKR's servers lost" + why(r)
	case history.UpstreamRestored:
		return after("IBKR's servers back", " after %s") + IBCode(r.Code, "")
	case history.FarmChanged:
		name, state, _ := strings.Cut(r.Detail, " ")
		return strings.TrimSpace(NamedFarm(name) + " " + OneLine(state))
	case history.Competing:
		return "Another session took the market data" + IBCode(r.Code, "")
	case history.OrdersBlocked:
		return OrdersBlockedTitle + why(r)
	case history.OrdersConfirmed:
		return "Orders possible again"
	case history.WindowStarted:
		return after("Reset window started", ", for %s")
	case history.WindowEnded:
		return "Reset window ended"
	case history.UserPaused:
		return "Paused by you"
	case history.UserResumed:
		return after("Resumed by you", " after %s")
	case history.FellAsleep:
		return "Gatewatch did not run: computer asleep or program stopped"
	case history.Woke:
		return after("Gatewatch ran again", " after %s")
	}
	return programRecord(r)
}

// programRecord is Record for what happens at the guarded port.
func programRecord(r *history.Record) string {
	who, programs, orders := OneLine(r.Program), "Programs", "Order"
	if who != "" {
		programs = "Program"
	}
	if r.Count > 1 {
		orders = fmt.Sprintf("%d orders", r.Count)
	}
	reason := ""
	if r.Reason != "" {
		reason = ": " + Refusal(port.Reason(r.Reason))
	}
	switch r.What {
	case history.PortOpened:
		return often(r, "Guarded port opened", "")
	case history.PortClosed:
		return often(r, "Guarded port closed", "") + ended(r)
	case history.ProgramConnected:
		return often(r, programs+" connected", who)
	case history.ProgramDisconnected:
		return often(r, programs+" disconnected", who) + ended(r)
	case history.ProgramRefused:
		return orders + of(who) + " refused" + reason
	case history.ProgramObserved:
		return orders + of(who) + " sent, would be refused without observe mode" + reason
	case history.ProgramUnknown:
		return orders + of(who) + " " + unknownOrder
	case history.ProgramsStopped:
		return "Trading of programs stopped by you"
	case history.ProgramsAllowed:
		return "Trading of programs allowed by you"
	}
	return OneLine(string(r.What))
}

func of(who string) string {
	if who == "" {
		return " of programs"
	}
	return " of " + who
}

// often says what happened to whom, and how often if that was more than once.
func often(r *history.Record, text, who string) string {
	if who != "" {
		text += ": " + who
	}
	if r.Count > 1 {
		text += fmt.Sprintf(", %d times", r.Count)
	}
	return text
}

// ended says why a connection to the guarded port ended, or why the port was closed.
func ended(r *history.Record) string {
	if r.Reason == "" {
		return ""
	}
	text := OneLine(r.Reason)
	switch port.EndCause(r.Reason) {
	case port.EndClientLeft:
		return ""
	case port.EndGatewayLost:
		text = "Gateway closed its connection"
	case port.EndNotUsable:
		text = "Gateway cannot be used"
	case port.EndTurnedOff:
		text = "turned off"
	case port.EndBadMessage:
		text = "it sent something that is not the TWS protocol"
	case port.EndSlowClient:
		text = "it did not read what Gateway sent"
	case port.EndFailed:
		text = "its relay failed"
	}
	return " (" + text + ")"
}

// RecordCause says in a few words why what a record is about has happened; empty if that is not known.
func RecordCause(r *history.Record) string {
	return strings.TrimPrefix(strings.TrimSpace(why(r)), ": ")
}

// why says a record's cause in a few words.
func why(r *history.Record) string {
	text := cmp.Or(shortCauses[r.Cause], OneLine(string(r.Cause)))
	if text == "" {
		return IBCode(r.Code, "")
	}
	return ": " + text + IBCode(r.Code, "")
}

// shortCauses are causes in a few words, for lists.
var shortCauses = map[ib.Cause]string{
	ib.CauseRefused:       "nothing listens",
	ib.CauseClosedEarly:   "closed before the version",
	ib.CauseNoAnswer:      "no answer",
	ib.CauseClientIDInUse: "client id in use",
	ib.CauseDisclaimer:    "paper disclaimer not accepted",
	ib.CauseUnreachable:   "unreachable",
	ib.CauseNotReady:      "login messages missing",
	ib.CauseClosedLogin:   "closed during the login",
	ib.CauseUnsupported:   "version not supported",
	ib.CauseTooNew:        "version newer than Gatewatch",
	ib.CauseGarbage:       "not the TWS protocol",
	ib.CauseClosed:        "closed by Gateway",
	ib.CauseBroken:        "the socket broke",
	ib.CauseSilent:        "Gateway stopped answering",
	ib.CauseUpstream:      "no connection to IBKR",
	ib.CauseFarm:          "data farm down",
	ib.CauseCompeting:     "competing session",
	ib.CauseReadOnly:      "the API is read-only",
	ib.CauseUnconfirmed:   notConfirmed,
	ib.CausePortChanged:   "API port changed",
	ib.CauseWrongMode:     "wrong kind of account",
	ib.CauseClient:        "API connection reported broken",
	ib.CauseUser:          "by you",
	ib.CauseReconfigured:  "settings changed",
	ib.CauseStopping:      "the program ends",
}
