package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// tell takes events and returns their records, one a line: time of day, what, counts, and whatever else there is.
func tell(r *Recorder, l *Timeline, events ...conn.Event) (lines []string) {
	for _, e := range events {
		for _, rec := range r.Take(e) {
			l.Add(rec)
			line := fmt.Sprintf("%s %s %s", rec.Time.Format("15:04:05.000"), rec.What, rec.Counts)
			if rec.Cause != "" {
				line += " " + string(rec.Cause)
			}
			if rec.Code != 0 {
				line += fmt.Sprintf(" code %d", rec.Code)
			}
			if rec.Attempts != 0 {
				line += fmt.Sprintf(" %d attempts", rec.Attempts)
			}
			if rec.Seconds != 0 {
				line += fmt.Sprintf(" %gs", rec.Seconds)
			}
			if rec.Detail != "" {
				line += " " + rec.Detail
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func clock(text string) time.Time {
	at, err := time.Parse("15:04:05", text)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 23, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
}

// happened is an event at a time of day.
func happened(at string, kind conn.EventKind, state conn.State, change ...func(*conn.Event)) conn.Event {
	e := conn.Event{At: clock(at), Kind: kind, State: state}
	for _, c := range change {
		c(&e)
	}
	return e
}

func because(cause ib.Cause, code int) func(*conn.Event) {
	return func(e *conn.Event) { e.Cause, e.Code = cause, code }
}
func lasting(d time.Duration) func(*conn.Event) { return func(e *conn.Event) { e.Duration = d } }
func saying(detail string) func(*conn.Event)    { return func(e *conn.Event) { e.Detail = detail } }

// TestADay is a day with two losses, a reset window, a pause, a sleep and a crash.
func TestADay(t *testing.T) {
	farm := func(e *conn.Event) { e.Farm = conn.FarmBroken }
	l := NewTimeline()
	var first Recorder
	got := tell(
		&first, l,
		happened("06:00:00", conn.EventStarted, conn.Connecting),
		happened("06:00:01", conn.EventAttemptFailed, conn.Reconnecting, because(ib.CauseRefused, 0)),
		happened("06:00:03", conn.EventAttemptFailed, conn.Reconnecting, because(ib.CauseRefused, 0)),
		happened("06:00:07", conn.EventAttemptFailed, conn.Reconnecting, because(ib.CauseRefused, 0)),
		happened("06:00:10", conn.EventConnected, conn.Connected),
		happened("08:00:00", conn.EventFarm, conn.Degraded, saying("usfarm"), farm),
		happened("08:30:00", conn.EventSuspected, conn.Degraded, because(ib.CauseSilent, 0)),
		happened("08:30:01", conn.EventAnswered, conn.Degraded),
		happened("08:30:01", conn.EventNotice, conn.Degraded, because("", 2104)),
		// The first loss.
		happened("09:00:00", conn.EventLost, conn.Reconnecting, because(ib.CauseClosed, 0), lasting(3*time.Hour)),
		happened("09:00:02", conn.EventAttemptFailed, conn.Reconnecting, because(ib.CauseRefused, 0)),
		happened("09:00:04", conn.EventConnected, conn.Connected, lasting(4*time.Second)),
		// The second one is of upstream, then of the session, and a reset window begins in it.
		happened("10:00:00", conn.EventUpstreamLost, conn.UpstreamLost, because(ib.CauseUpstream, 1100)),
		happened("10:01:00", conn.EventLost, conn.Reconnecting, because(ib.CauseBroken, 0), lasting(time.Hour)),
		happened("10:01:01", conn.EventAttemptFailed, conn.Reconnecting, because(ib.CauseRefused, 0)),
		happened("10:01:09", conn.EventAttemptFailed, conn.Reconnecting, because(ib.CauseRefused, 0)),
		happened("10:02:00", conn.EventWindowStarted, conn.ResetWindow, saying("nightly"), lasting(8*time.Minute)),
		happened("10:10:00", conn.EventWindowEnded, conn.Reconnecting),
		happened("10:10:03", conn.EventConnected, conn.Connected, lasting(10*time.Minute+3*time.Second)),
		// A pause.
		happened("11:00:00", conn.EventDisconnected, conn.Paused, because(ib.CauseUser, 0), lasting(49*time.Minute)),
		happened("11:00:00", conn.EventPaused, conn.Paused),
		happened("11:30:00", conn.EventResumed, conn.Connecting),
		happened("11:30:02", conn.EventConnected, conn.Connected),
		// Sleep, in which a window begins.
		happened("15:00:00", conn.EventWindowStarted, conn.Degraded, lasting(time.Hour)),
		happened("15:00:00", conn.EventWoke, conn.Degraded, lasting(2*time.Hour)),
	)
	// Killed; last known to run at 15:20.
	crash := Record{Time: clock("15:20:00"), What: Crashed, Counts: Unobserved}
	l.Add(crash)
	var second Recorder
	got = append(got, tell(
		&second, l,
		happened("16:00:00", conn.EventStarted, conn.Connecting),
		happened("16:00:02", conn.EventConnected, conn.Connected),
		happened("18:00:00", conn.EventDisconnected, conn.Reconnecting, because(ib.CauseStopping, 0),
			lasting(2*time.Hour)),
		happened("18:00:00", conn.EventStopped, conn.Reconnecting),
	)...)
	same(t, got, []string{
		"06:00:00.000 started not_observed",
		"06:00:01.000 attempt_failed down refused",
		"06:00:10.000 attempts_ended down refused 3 attempts 6s",
		"06:00:10.000 connected connected",
		"08:00:00.000 farm connected usfarm broken",
		"09:00:00.000 lost down closed 10800s",
		"09:00:02.000 attempt_failed down refused",
		"09:00:04.000 connected connected 4s",
		"10:00:00.000 upstream_lost down upstream_lost code 1100",
		"10:01:00.000 lost down broken 3600s",
		"10:01:01.000 attempt_failed down refused",
		"10:02:00.000 attempts_ended down refused 2 attempts 8s",
		"10:02:00.000 window_started planned 480s nightly",
		"10:10:00.000 window_ended down",
		"10:10:03.000 connected connected 603s",
		"11:00:00.000 disconnected paused user 2940s",
		"11:00:00.000 paused paused",
		"11:30:00.000 resumed not_observed 1800s",
		"11:30:02.000 connected connected",
		"15:00:00.000 window_started connected 3600s",
		"13:00:00.000 asleep asleep",
		"15:00:00.000 woke connected 7200s",
		"16:00:00.000 started not_observed",
		"16:00:02.000 connected connected",
		"18:00:00.000 disconnected not_observed stopping 7200s",
		"18:00:00.000 stopped not_observed 7200s",
	})
	hours := &Hours{Days: []time.Weekday{time.Monday}, OpenHour: 10, CloseHour: 14, Location: time.UTC}
	a := l.Account(clock("00:00:00"), clock("00:00:00").AddDate(0, 0, 1), hours)
	sums(t, a)
	want := Account{
		From: a.From, Until: a.Until,
		Terms: [len(Kinds)]time.Duration{
			// 06:00:10–09:00, 09:00:04–10:00, 10:10:03–11:00, 11:30:02–13:00, 15:00–15:20, 16:00:02–18:00
			Connected: 3*time.Hour - 10*time.Second + time.Hour - 4*time.Second + 50*time.Minute - 3*time.Second +
				90*time.Minute - 2*time.Second + 20*time.Minute + 2*time.Hour - 2*time.Second,
			Down:    9*time.Second + 4*time.Second + 2*time.Minute + 3*time.Second,
			Planned: 8 * time.Minute,
			Paused:  30 * time.Minute,
			Asleep:  2 * time.Hour,
			// 00:00–06:00:01, 11:30:00–02, 15:20–16:00:02, 18:00–24:00
			Unobserved: 6*time.Hour + time.Second + 2*time.Second + 40*time.Minute + 2*time.Second + 6*time.Hour,
		},
		Market: [len(Kinds)]time.Duration{
			Connected: 50*time.Minute - 3*time.Second + 90*time.Minute - 2*time.Second,
			Down:      2*time.Minute + 3*time.Second, Planned: 8 * time.Minute, Paused: 30 * time.Minute,
			Asleep:     time.Hour,
			Unobserved: 2 * time.Second,
		},
		Outages: 3, // the first attempts, and the two losses: the window does not make two of the second
		Longest: 2*time.Minute + 3*time.Second,
	}
	if a != want {
		t.Errorf("got  %+v\nwant %+v", a, want)
	}
}

func TestCounts(t *testing.T) {
	up, down := conn.EventConnected, conn.EventLost
	for _, c := range []struct {
		kind   conn.EventKind
		state  conn.State
		cause  ib.Cause
		window bool
		want   Kind
	}{
		{kind: up, state: conn.Connected, want: Connected},
		{kind: up, state: conn.Degraded, want: Connected},
		{kind: up, state: conn.Connected, window: true, want: Connected},
		{kind: up, state: conn.UpstreamLost, want: Down},
		{kind: up, state: conn.UpstreamLost, window: true, want: Planned},
		{kind: down, state: conn.Reconnecting, want: Down},
		{kind: down, state: conn.Reconnecting, window: true, want: Planned},
		{kind: down, state: conn.ResetWindow, want: Planned},
		{kind: conn.EventResumed, state: conn.Connecting, want: Unobserved},
		{kind: conn.EventResumed, state: conn.Connecting, window: true, want: Unobserved},
		{kind: conn.EventPaused, state: conn.Paused, window: true, want: Paused},
		{kind: conn.EventStarted, state: conn.ResetWindow, want: Planned},
		{kind: conn.EventDisconnected, state: conn.Reconnecting, cause: ib.CauseReconfigured, want: Down},
		{kind: conn.EventDisconnected, state: conn.Reconnecting, cause: ib.CauseStopping, want: Unobserved},
		{kind: conn.EventStopped, state: conn.Paused, want: Unobserved},
		{kind: conn.EventStopped, state: conn.ResetWindow, window: true, want: Unobserved},
		// What has no record of its own gets one if it changes how time counts.
		{kind: conn.EventNotice, state: conn.Connected, want: Connected},
		{kind: conn.EventReconfigured, state: conn.Reconnecting, want: Down},
	} {
		t.Run(fmt.Sprintf("%s_%s_%s_%v", c.kind, c.state, c.cause, c.window), func(t *testing.T) {
			var r Recorder
			if c.window {
				r.Take(conn.Event{At: noon, Kind: conn.EventWindowStarted, State: conn.Connecting})
			}
			list := r.Take(conn.Event{At: noon, Kind: c.kind, State: c.state, Cause: c.cause})
			if len(list) != 1 || list[0].Counts != c.want {
				t.Errorf("got %+v, want one that counts %v", list, c.want)
			}
		})
	}
}

func TestSeriesOfAttempts(t *testing.T) {
	fail := func(at string, cause ib.Cause, code int) conn.Event {
		return happened(at, conn.EventAttemptFailed, conn.Reconnecting, because(cause, code))
	}
	two := []conn.Event{fail("12:00:00", ib.CauseRefused, 0), fail("12:00:05", ib.CauseRefused, 0)}
	const ended = " attempts_ended down refused 2 attempts 5s"
	for name, c := range map[string]struct {
		end  conn.Event
		want []string
	}{
		"another cause": {
			fail("12:00:09", ib.CauseNoAnswer, 0),
			[]string{"12:00:09.000" + ended, "12:00:09.000 attempt_failed down no_answer"},
		},
		"another code": {
			fail("12:00:09", ib.CauseRefused, 7),
			[]string{"12:00:09.000" + ended, "12:00:09.000 attempt_failed down refused code 7"},
		},
		"pause": {
			happened("12:00:09", conn.EventPaused, conn.Paused),
			[]string{"12:00:09.000" + ended, "12:00:09.000 paused paused"},
		},
		"stop": {
			happened("12:00:09", conn.EventStopped, conn.Reconnecting),
			[]string{"12:00:09.000" + ended, "12:00:09.000 stopped not_observed"},
		},
		"window": {
			happened("12:00:09", conn.EventWindowStarted, conn.ResetWindow),
			[]string{"12:00:09.000" + ended, "12:00:09.000 window_started planned"},
		},
		"connected": {
			happened("12:00:09", conn.EventConnected, conn.Connected),
			[]string{"12:00:09.000" + ended, "12:00:09.000 connected connected"},
		},
		"sleep": {
			happened("12:30:00", conn.EventWoke, conn.Reconnecting, lasting(20*time.Minute)),
			[]string{"12:10:00.000" + ended, "12:10:00.000 asleep asleep", "12:30:00.000 woke down 1200s"},
		},
		"nothing": {happened("12:00:09", conn.EventNotice, conn.Reconnecting), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var r Recorder
			same(t, tell(&r, NewTimeline(), two...), []string{"12:00:00.000 attempt_failed down refused"})
			same(t, tell(&r, NewTimeline(), c.end), c.want)
		})
	}
	t.Run("one is no series", func(t *testing.T) {
		var r Recorder
		same(t, tell(&r, NewTimeline(), two[0], happened("12:00:09", conn.EventConnected, conn.Connected)),
			[]string{"12:00:00.000 attempt_failed down refused", "12:00:09.000 connected connected"})
	})
	t.Run("three days", func(t *testing.T) {
		var r Recorder
		var list []Record
		for i := range 17_280 {
			e := two[0]
			e.At = e.At.Add(time.Duration(i) * 15 * time.Second)
			list = append(list, r.Take(e)...)
		}
		list = append(list, r.Take(conn.Event{
			At: noon.Add(72 * time.Hour), Kind: conn.EventConnected,
			State: conn.Connected,
		})...)
		if len(list) != 3 || list[1].Attempts != 17_280 || list[1].Seconds != 17_279*15 {
			t.Errorf("%d records, %+v", len(list), list[min(1, len(list)-1)])
		}
	})
}

func TestSleep(t *testing.T) {
	start := []conn.Event{
		happened("12:00:00", conn.EventStarted, conn.Connecting),
		happened("12:00:01", conn.EventConnected, conn.Connected),
	}
	for name, c := range map[string]struct {
		events []conn.Event
		want   []string
		asleep time.Duration
	}{
		"no longer than since the last record": {
			[]conn.Event{happened("12:00:11", conn.EventWoke, conn.Degraded, lasting(time.Minute))},
			[]string{"12:00:01.000 asleep asleep", "12:00:11.000 woke connected 60s"},
			10 * time.Second,
		},
		"a window's edge slept over does not shorten it": {
			[]conn.Event{
				happened("14:00:00", conn.EventWindowStarted, conn.Degraded, saying("w")),
				happened("14:00:00", conn.EventWoke, conn.Degraded, lasting(time.Hour)),
			},
			[]string{
				"14:00:00.000 window_started connected w", "13:00:00.000 asleep asleep",
				"14:00:00.000 woke connected 3600s",
			},
			time.Hour,
		},
		"nor one that changes how time counts": {
			[]conn.Event{
				happened("13:00:00", conn.EventWindowStarted, conn.Connected),
				happened("13:10:00", conn.EventLost, conn.ResetWindow),
				happened("15:00:00", conn.EventWindowEnded, conn.Reconnecting),
				happened("15:00:00", conn.EventWoke, conn.Reconnecting, lasting(time.Hour)),
			},
			[]string{
				"13:00:00.000 window_started connected", "13:10:00.000 lost planned", "15:00:00.000 window_ended down",
				"14:00:00.000 asleep asleep", "15:00:00.000 woke down 3600s",
			},
			time.Hour,
		},
		"found out about with the loss": {
			[]conn.Event{
				happened("14:00:00", conn.EventWoke, conn.Reconnecting, lasting(time.Hour)),
				happened("14:00:00", conn.EventLost, conn.Reconnecting),
			},
			[]string{"13:00:00.000 asleep asleep", "14:00:00.000 woke down 3600s", "14:00:00.000 lost down"},
			time.Hour,
		},
		"with the clock set back in it": {
			[]conn.Event{happened("11:00:00", conn.EventWoke, conn.Degraded, lasting(time.Hour))},
			[]string{"11:00:00.000 asleep asleep", "11:00:00.000 woke connected 3600s"},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r Recorder
			l := NewTimeline()
			tell(&r, l, start...)
			same(t, tell(&r, l, c.events...), c.want)
			if a := l.Account(clock("11:00:00"), clock("16:00:00"), nil); a.Terms[Asleep] != c.asleep {
				t.Errorf("asleep for %v, want %v", a.Terms[Asleep], c.asleep)
			}
		})
	}
}

func TestRecordTimesArePlain(t *testing.T) {
	var r Recorder
	now := time.Now() // which has a monotonic reading
	got := r.Take(conn.Event{At: now, Kind: conn.EventStarted, State: conn.Connecting})[0].Time
	if want := time.UnixMilli(now.UnixMilli()).UTC(); got != want { // a monotonic reading would make them differ
		t.Errorf("got %#v, want %#v", got, want)
	}
}
