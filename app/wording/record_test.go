package wording

import (
	"testing"
	"time"

	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

// TestEveryRecordHasWords: each record has a sentence, not an identifier.
func TestEveryRecordHasWords(t *testing.T) {
	seen := map[string]string{}
	for _, w := range constants(t, "What") {
		text := Record(&history.Record{What: history.What(w)})
		if text == w || text == "" {
			t.Errorf("%s has no words: %q", w, text)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s read the same: %q", w, other, text)
		}
		seen[text] = w
	}
	for _, c := range constants(t, "Cause") {
		if c != "" && shortCauses[ib.Cause(c)] == "" {
			t.Errorf("the cause %s has no words", c)
		}
	}
}

func TestRecord(t *testing.T) {
	for _, c := range []struct {
		r    history.Record
		want string
	}{
		{
			history.Record{What: history.Lost, Seconds: 3725, Cause: ib.CauseClosed},
			"Connection lost after 1 h 2 min: closed by Gateway",
		},
		{
			history.Record{What: history.AttemptFailed, Cause: ib.CauseClientIDInUse, Code: 326},
			"Attempt failed: client id in use (IB code 326)",
		},
		{
			history.Record{What: history.AttemptsEnded, Attempts: 40, Seconds: 600, Cause: ib.CauseRefused},
			"40 attempts failed in 10 min: nothing listens",
		},
		{history.Record{What: history.Crashed, Detail: "panic: oh\nno"}, "Gatewatch crashed: panic: oh no"},
		{history.Record{What: history.Recovered}, "Connected"},
		{
			history.Record{
				What: history.ProgramRefused, Program: "bot.py (client id 7)", Reason: "upstream_lost", Count: 3,
			},
			"3 orders of bot.py (client id 7) refused: " + Refusal("upstream_lost"),
		},
		{history.Record{What: history.ProgramRefused, Count: 400}, "400 orders of programs refused"},
		{
			history.Record{What: history.ProgramDisconnected, Program: "client id 7", Reason: "slow_client"},
			"Program disconnected: client id 7 (it did not read what Gateway sent)",
		},
		{
			history.Record{What: history.ProgramConnected, Program: "bot (client id 7)", Count: 12},
			"Program connected: bot (client id 7), 12 times",
		},
		{history.Record{What: history.Recovered, Seconds: 2}, "Connected again after 2 s"},
		{
			history.Record{What: history.UpstreamRestored, Seconds: 60, Code: 1101},
			"IBKR's servers back after 1 min (IB code 1101)",
		},
		{history.Record{What: history.FarmChanged, Detail: "usfarm broken\x1b"}, "US stock data [usfarm] broken"},
		{history.Record{What: "later\nversion"}, "later version"},
	} {
		if got := Record(&c.r); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestWeeklyEnd holds the moment on both Sundays on which the clocks change in New York, where in November it comes
// twice.
func TestWeeklyEnd(t *testing.T) {
	for _, c := range []struct{ now, want string }{
		{"2026-11-24T15:00:00Z", "2026-11-29T06:00:00Z"},
		{"2026-03-07T12:00:00Z", "2026-03-08T06:00:00Z"}, // the clocks go forward at 02:00
		{"2026-03-08T06:00:00Z", "2026-03-15T05:00:00Z"},
		{"2026-10-31T12:00:00Z", "2026-11-01T05:00:00Z"}, // the clocks go back at 02:00: the first of two
		{"2026-11-01T05:30:00Z", "2026-11-08T06:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := WeeklyEnd(now).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("after %s: %s, want %s", c.now, got, c.want)
		}
	}
}

func TestSignInNeeded(t *testing.T) {
	end := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		cause  ib.Cause
		lastUp time.Time
		now    time.Time
		want   bool
	}{
		{"lost before, silent after", ib.CauseNoAnswer, end.Add(-time.Minute), end.Add(time.Minute), true},
		{"login messages missing", ib.CauseNotReady, end.Add(-time.Minute), end.Add(time.Minute), true},
		{"not yet", ib.CauseNoAnswer, end.Add(-time.Hour), end.Add(-time.Minute), false},
		{"connected since", ib.CauseNoAnswer, end.Add(time.Minute), end.Add(time.Hour), false},
		{"lost just after, by it", ib.CauseNoAnswer, end.Add(3 * time.Second), end.Add(time.Minute), true},
		{"closed early", ib.CauseClosedEarly, end.Add(-time.Minute), end.Add(time.Minute), true},
		{"closed during the login", ib.CauseClosedLogin, end.Add(-time.Minute), end, true},
		{"weeks later", ib.CauseNotReady, end.Add(-time.Minute), end.AddDate(0, 0, 20), true},
		{"never connected, not yet", ib.CauseClosedEarly, time.Time{}, end.Add(-time.Second), false},
		{"IBKR away", ib.CauseUpstream, end.Add(-time.Minute), end.Add(time.Minute), false},
		{"no port", ib.CauseRefused, end.Add(-time.Minute), end.Add(time.Minute), false},
		{"never connected, a day after", ib.CauseClosedEarly, time.Time{}, end.Add(24 * time.Hour), true},
		{"never connected, three days after", ib.CauseClosedEarly, time.Time{}, end.Add(72 * time.Hour), false},
	} {
		if got := SignInNeeded(c.cause, c.lastUp, c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
