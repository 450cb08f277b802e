package wording

import (
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

func TestExit(t *testing.T) {
	at := time.Date(2026, 12, 1, 23, 45, 0, 0, time.Local)
	restart, logOff := ib.PlannedExit{Kind: ib.ExitRestart, At: at}, ib.PlannedExit{Kind: ib.ExitLogOff, At: at}
	for _, c := range []struct {
		exit ib.PlannedExit
		left time.Duration
		want string
	}{
		{restart, 2*time.Hour + 5*time.Minute, "Gateway restarts at 23:45, in 2 h 5 min"},
		{restart, 61*time.Second + 900*time.Millisecond, "Gateway restarts at 23:45, in 1 min 1 s"},
		{logOff, 9 * time.Second, "Gateway logs off at 23:45, in 9 s"},
		{restart, 0, "Gateway has been restarting since 23:45"},
		{logOff, -time.Minute, "Gateway has been logged off since 23:45"},
		{ib.PlannedExit{}, time.Hour, ""},
	} {
		if got := Exit(c.exit, at.Add(-c.left)); got != c.want {
			t.Errorf("%s in %v: %q, not %q", c.exit.Kind, c.left, got, c.want)
		}
	}
	if hint := ExitHint(logOff); !strings.Contains(hint, "Auto restart") || !strings.Contains(hint, "23:45") {
		t.Errorf("a log-off: %q", hint)
	}
	if hint := ExitHint(restart) + ExitHint(ib.PlannedExit{}); hint != "" {
		t.Errorf("a restart: %q", hint)
	}
}

// TestExitResting holds what is said of an outage that Gateway has announced: with a log-off a person is needed.
func TestExitResting(t *testing.T) {
	at := time.Date(2026, 12, 1, 23, 45, 0, 0, time.Local)
	s := &conn.Snapshot{
		State: conn.Reconnecting, Cause: ib.CauseClosed, Window: calendar.Span{Active: true, Name: conn.ExitWindow},
		Exit: ib.PlannedExit{Kind: ib.ExitRestart, At: at},
	}
	const restarts = "Gateway restarts at 23:45 each day, as planned: it is usually back within two minutes."
	for _, cause := range []ib.Cause{ib.CauseClosed, ib.CauseRefused, ib.CauseNoAnswer} {
		if s.Cause = cause; Hint(s, 17) != restarts { // no word of starting it: there would be two
			t.Errorf("a restart, %s: %q", cause, Hint(s, 17))
		}
	}
	for _, cause := range []ib.Cause{ib.CauseClientIDInUse, ib.CauseDisclaimer} {
		if s.Cause = cause; Hint(s, 17) != restarts+" "+hint(s, 17) {
			t.Errorf("a restart, %s: %q", cause, Hint(s, 17))
		}
	}
	s.Cause = ib.CauseClosed
	s.Exit.Kind = ib.ExitLogOff
	if got := Hint(s, 17); !strings.HasPrefix(got, "Gateway logs off at 23:45 each day: log in again. ") {
		t.Errorf("a log-off: %q", got)
	}
}

func TestResubmit(t *testing.T) {
	for s, want := range map[ib.Switch]string{
		ib.SwitchOn: "kept, and sent when IBKR is connected again", ib.SwitchOff: "rejected",
		ib.SwitchUnknown: "",
	} {
		if got := Resubmit(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}

// TestReadOnlyNamesTheBox: texts about a read-only API name the box in Gateway's settings.
func TestReadOnlyNamesTheBox(t *testing.T) {
	s := &conn.Snapshot{State: conn.Degraded, Cause: ib.CauseReadOnly, Guard: ib.GuardReadOnly}
	for name, text := range map[string]string{
		"hint": Hint(s, 17), "hint of the guard": GuardHint(s), "in short": ReadOnlyBox,
	} {
		if !strings.Contains(text, "untick “Read-Only API”") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
