package wording

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
)

// TestBeforeTheFirstConnection: nothing is said of an outage or of reconnecting before the first connection, not even
// in a reset window.
func TestBeforeTheFirstConnection(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.Local)
	s := &conn.Snapshot{
		State: conn.Connecting, First: true, Cause: conn.CauseRefused, Since: now.Add(-time.Hour),
		Gateway: conn.Gateway{Host: "127.0.0.1"}, Attempt: conn.Attempt{Number: 7, NextAt: now.Add(time.Second)},
		Window: calendar.Span{Active: true, Name: "daily", Ends: now.Add(time.Hour)},
	}
	if got := Headline(s, now); got != "Looking for IB Gateway or TWS…" {
		t.Errorf("headline %q", got)
	}
	const cause = "No IB Gateway or TWS has answered yet: nothing listens on 127.0.0.1 (ports 4002, 7497, 4001, 7496)."
	if got := Cause(s); got != cause {
		t.Errorf("cause %q", got)
	}
	all := strings.ToLower(Headline(s, now) + Cause(s) + Hint(s, 17) + Checklist)
	for _, word := range []string{"reconnecting", "outage", "reset window", "lost"} {
		if strings.Contains(all, word) {
			t.Errorf("%q in %s", word, all)
		}
	}
	s.First = false
	if got := Headline(s, now); got != "Connecting, attempt 7 in 1 s" {
		t.Errorf("with an earlier connection: %q", got)
	}
}

func TestTried(t *testing.T) {
	got := Tried([]conn.PortTry{{Port: 4002, Cause: conn.CauseRefused}, {Port: 7497, Cause: conn.CauseClientIDInUse}})
	if want := "4002 nothing listens, 7497 answered: the client id is in use"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	seen := []string{}
	for _, c := range []conn.Cause{
		conn.CauseRefused, conn.CauseUnreachable, conn.CauseClosedEarly, conn.CauseNoAnswer, conn.CauseClientIDInUse,
		conn.CauseDisclaimer, conn.CauseNotReady, conn.CauseUnsupported, conn.CauseTooNew, conn.CauseGarbage,
		"of tomorrow",
	} {
		text := PortAnswer(c)
		if text == "" || slices.Contains(seen, text) || strings.HasPrefix(text, "failed") != (c == "of tomorrow") {
			t.Errorf("%s: %q", c, text)
		}
		seen = append(seen, text)
	}
}
