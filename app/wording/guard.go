package wording

import (
	"cmp"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// guardPatience is how long the guard may be closed on a connection that is up before that is what people are shown
// first. Each new connection has it closed for a moment.
const guardPatience = time.Second

// IsHeld reports whether the guard is closed although the connection is up, and has been for more than a moment.
func IsHeld(s *conn.Snapshot, now time.Time) bool {
	return s.Connected() && !s.GuardOpen() && now.Sub(s.GuardSince) >= guardPatience
}

// OrdersAreBlocked is what a closed guard means.
const OrdersAreBlocked = "Orders are blocked"

// Held says in one sentence that orders are blocked on a connection that is up, for more than a moment. It is empty
// where the connection's own cause says so.
func Held(s *conn.Snapshot, now time.Time) string {
	switch {
	case !IsHeld(s, now):
		return ""
	case s.Cause == ib.CauseSilent, s.Cause == ib.CauseWrongMode, s.Cause == ib.CauseReadOnly,
		s.Cause == ib.CauseUnconfirmed:
		return ""
	}
	return OrdersAreBlocked + ": " + Guard(s) + "."
}

// counted is how old an outage is at most when the account of the day has it.
const counted = time.Second

// ChangesIn returns in how long the clock alone changes what people are shown first: a closed guard becomes that, or
// that there is no connection, or the account of the day has what has just begun. It is 0 if nothing does.
func ChangesIn(s *conn.Snapshot, now time.Time) time.Duration {
	age := now.Sub(s.Since)
	switch {
	case s.Connected() && !s.GuardOpen() && now.Sub(s.GuardSince) < guardPatience:
		return guardPatience - now.Sub(s.GuardSince)
	case !s.Connected() && age < counted:
		return counted - age
	case s.State == conn.Reconnecting && age < patience:
		return patience - age
	}
	return 0
}

// Guard returns why orders are blocked, in one clause; empty if they are not.
func Guard(s *conn.Snapshot) string { return GuardReason(s.Guard) }

// guardReasons are why the guard is closed.
var guardReasons = map[ib.GuardReason]string{
	ib.GuardSocket:      "not connected to Gateway",
	ib.GuardAPI:         "Gateway's login is not complete",
	ib.GuardUpstream:    "Gateway has lost IBKR's servers",
	ib.GuardWoke:        "the computer was asleep or Gatewatch was stopped; it asks Gateway again",
	ib.GuardProbe:       "Gateway does not answer",
	ib.GuardMode:        "the account is not of the configured kind",
	ib.GuardReadOnly:    "Gateway's API is read-only",
	ib.GuardExit:        "Gateway is about to restart or log off",
	ib.GuardUnconfirmed: notConfirmed,
	ib.GuardReconciling: "waiting for Gateway to confirm open orders",
}

// GuardReason returns why the guard is closed, in one clause; empty if it is open.
func GuardReason(r ib.GuardReason) string { return cmp.Or(guardReasons[r], OneLine(string(r))) }

// GuardHint returns what to do about a closed guard; empty if the connection's own hint says it.
func GuardHint(s *conn.Snapshot) string {
	switch s.Guard {
	case ib.GuardReadOnly:
		return ReadOnlyHint
	case ib.GuardUnconfirmed:
		return unconfirmedHint(s.Detail)
	case ib.GuardExit:
		return "Nothing to do: the order guard opens when Gateway is back."
	case ib.GuardReconciling:
		return "Gatewatch asks again by itself. If this lasts for more than a minute, restart Gateway."
	}
	return ""
}

// ReadOnlyBox says in short what to do about a read-only API.
const ReadOnlyBox = "untick “Read-Only API” in Gateway"

// ReadOnlyHint says what to do about a read-only API.
const ReadOnlyHint = "In Gateway: Configure, Settings, API, Settings: untick “Read-Only API”. Gatewatch notices it " +
	"within 30 s."

// questions are what Gateway is asked, in words.
var questions = map[ib.Question]string{
	ib.QuestionOpenOrders:      "open orders",
	ib.QuestionCompletedOrders: "completed orders",
	ib.QuestionExecutions:      "executions",
	ib.QuestionDetails:         "contracts",
	ib.QuestionPositions:       "positions",
}

// unconfirmed says that no one knows what has become of orders. The detail is a [ib.Question] or technical text.
func unconfirmed(detail string) string {
	if q := questions[ib.Question(detail)]; q != "" {
		return "Gateway does not answer the question about " + q + ", so orders cannot be confirmed."
	}
	return "Orders cannot be confirmed" + inBrackets(detail) + "."
}

func unconfirmedHint(detail string) string {
	if questions[ib.Question(detail)] != "" {
		return "Gatewatch asks again, then reconnects by itself. If this lasts, restart Gateway and check your " +
			"orders in TWS."
	}
	return "Gatewatch tries again by itself. If the error is about a file, free some disk space; otherwise check " +
		"your orders in TWS."
}

// Unanswered says that Gateway left a question unanswered, in one clause.
func Unanswered(e *ib.UnansweredError) string {
	about := questions[e.Question]
	if e.About != "" {
		about = OneLine(e.About)
	}
	return "Gateway did not answer about " + about + " within " + Duration(e.After)
}
