package wording

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// TestBeforeTheFirstConnection: nothing is said of an outage or of reconnecting before the first connection, not even
// in a reset window.
func TestBeforeTheFirstConnection(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.Local)
	s := &conn.Snapshot{
		State: conn.Connecting, First: true, Cause: ib.CauseRefused, Since: now.Add(-time.Hour),
		Gateway: ib.Gateway{Host: "127.0.0.1"}, Attempt: conn.Attempt{Number: 7, NextAt: now.Add(time.Second)},
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
	got := Tried([]ib.PortTry{{Port: 4002, Cause: ib.CauseRefused}, {Port: 7497, Cause: ib.CauseClientIDInUse}})
	if want := "4002 nothing listens, 7497 answered: the client id is in use"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	seen := []string{}
	for _, c := range []ib.Cause{
		ib.CauseRefused, ib.CauseUnreachable, ib.CauseClosedEarly, ib.CauseNoAnswer, ib.CauseClientIDInUse,
		ib.CauseDisclaimer, ib.CauseNotReady, ib.CauseUnsupported, ib.CauseTooNew, ib.CauseGarbage,
		"of tomorrow",
	} {
		text := PortAnswer(c)
		if text == "" || slices.Contains(seen, text) || strings.HasPrefix(text, "failed") != (c == "of tomorrow") {
			t.Errorf("%s: %q", c, text)
		}
		seen = append(seen, text)
	}
}
