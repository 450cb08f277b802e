package wording

import (
	"fmt"
	"strings"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/history"
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
		return after("IBKR's servers back", " after %s") + code(r)
	case history.FarmChanged:
		name, state, _ := strings.Cut(r.Detail, " ")
		return strings.TrimSpace(NamedFarm(name) + " " + OneLine(state))
	case history.Competing:
		return "Another session took the market data" + code(r)
	case history.OrdersBlocked:
		return "Orders blocked" + why(r)
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
		return "Computer fell asleep"
	case history.Woke:
		return after("Computer woke", " after %s")
	}
	return OneLine(string(r.What))
}

// RecordCause says in a few words why what a record is about has happened; empty if that is not known.
func RecordCause(r *history.Record) string {
	return strings.TrimPrefix(strings.TrimSpace(why(r)), ": ")
}

// why says a record's cause in a few words.
func why(r *history.Record) string {
	text := shortCauses[r.Cause]
	if text == "" {
		text = OneLine(string(r.Cause))
	}
	if text == "" {
		return code(r)
	}
	return ": " + text + code(r)
}

func code(r *history.Record) string {
	if r.Code == 0 {
		return ""
	}
	return fmt.Sprintf(" (IB code %d)", r.Code)
}

// shortCauses are causes in a few words, for lists.
var shortCauses = map[conn.Cause]string{
	conn.CauseRefused:       "nothing listens",
	conn.CauseClosedEarly:   "closed before the version",
	conn.CauseNoAnswer:      "no answer",
	conn.CauseClientIDInUse: "client id in use",
	conn.CauseDisclaimer:    "paper disclaimer not accepted",
	conn.CauseUnreachable:   "unreachable",
	conn.CauseNotReady:      "login messages missing",
	conn.CauseClosedLogin:   "closed during the login",
	conn.CauseUnsupported:   "version not supported",
	conn.CauseGarbage:       "not the TWS protocol",
	conn.CauseClosed:        "closed by Gateway",
	conn.CauseBroken:        "the socket broke",
	conn.CauseSilent:        "Gateway stopped answering",
	conn.CauseUpstream:      "no connection to IBKR",
	conn.CauseFarm:          "data farm down",
	conn.CauseCompeting:     "competing session",
	conn.CauseReadOnly:      "the API is read-only",
	conn.CauseUnconfirmed:   "Gateway does not confirm open orders",
	conn.CausePortChanged:   "API port changed",
	conn.CauseWrongMode:     "wrong kind of account",
	conn.CauseClient:        "API connection reported broken",
	conn.CauseUser:          "by you",
	conn.CauseReconfigured:  "settings changed",
	conn.CauseStopping:      "the program ends",
}
