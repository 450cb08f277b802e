package notice

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Moments at which the weekly login ends, the first on the day on which New York's clocks go forward, after begin.
var (
	end1 = wording.WeeklyEnd(begin).Sub(begin)
	end2 = wording.WeeklyEnd(begin.Add(end1)).Sub(begin)
)

const day = 24 * h

// reminders plays events and returns when a reminder was reported, before (-) or after the first end.
func reminders(w *world, events []happening, end time.Duration) (got []string) {
	for _, n := range w.play(events, end) {
		if n.n.Kind == Reminder {
			got = append(got, (n.at - end1).String())
		}
	}
	return got
}

func TestReminder(t *testing.T) {
	running := []happening{{0, started}, {2 * s, connected}}
	// quietAround returns quiet hours from and until so long after the first end.
	quietAround := func(from, until time.Duration) Quiet {
		a, b := begin.Add(end1+from).UTC(), begin.Add(end1+until).UTC()
		return Quiet{a.Hour(), a.Minute(), b.Hour(), b.Minute(), time.UTC}
	}
	muted := func(from, until time.Duration) func(time.Duration) time.Duration {
		return func(at time.Duration) time.Duration {
			if at < end1+from {
				return 0
			}
			return end1 + until
		}
	}
	for _, c := range []struct {
		name   string
		before time.Duration // 12 h if zero
		events []happening
		muted  func(at time.Duration) time.Duration
		quiet  Quiet
		end    time.Duration // after the first end; 2 days if zero
		want   []string
	}{
		{name: "once", events: running, want: []string{"-12h0m0s"}},
		{name: "every week", events: running, end: end2 - end1 + day, want: []string{
			"-12h0m0s", (end2 - end1 - 12*h).String(),
		}},
		{name: "not asked for", before: -1, events: running},
		{name: "three days ahead", before: 72 * h, events: running, end: end2 - end1 + day, want: []string{
			"-72h0m0s", (end2 - end1 - 72*h).String(),
		}},
		{name: "never connected", events: []happening{{0, started}, {s, failed}}, want: []string{"-12h0m0s"}},
		{name: "while lost", events: append(slices.Clone(running), happening{end1 - day, lostNow}), want: []string{
			"-12h0m0s",
		}},
		{name: "while unstable", events: append(slices.Clone(running), flaps(end1-13*h, 90, 2*s, m)...), want: []string{
			"-12h0m0s",
		}},
		{
			name: "in the reset window", events: append(slices.Clone(running), happening{end1 - 13*h, windowOpens}),
			want: []string{"-12h0m0s"},
		},
		{name: "paused", events: append(slices.Clone(running), happening{end1 - day, paused})},
		{name: "paused, and something happens", events: append(slices.Clone(running), happening{end1 - day, paused},
			happening{end1 - h, ev(conn.EventWindowStarted, conn.Paused)})},
		{
			name: "paused, and resumed in time", events: append(slices.Clone(running), happening{end1 - day, paused},
				happening{end1 - 5*h, resumed}, happening{end1 - 4*h, connected}),
			want: []string{"-4h59m30s"},
		},
		{name: "paused, and resumed too late", events: append(slices.Clone(running), happening{end1 - day, paused},
			happening{end1 + s, resumed})},
		{name: "started after it", events: []happening{{end1, started}, {end1 + 2*s, connected}}},
		{name: "started before it, connected at once", events: []happening{
			{end1 - h, started}, {end1 - h + 2*s, connected},
		}, want: []string{"-59m58s"}},
		{
			name: "started before it, not connected", events: []happening{
				{end1 - h, started}, {end1 - h + 2*s, failed},
			},
			want: []string{"-59m30s"},
		},
		{
			name: "woken before it", events: append(slices.Clone(running), happening{end1 - 12*h - s, woke}),
			want: []string{"-11h59m31s"},
		},

		{name: "muted until before it", events: running, muted: muted(-13*h, -2*h), want: []string{"-2h0m0s"}},
		{name: "muted beyond it", events: running, muted: muted(-13*h, 2*h)},

		{name: "quiet hours until before it", events: running, quiet: quietAround(-14*h, -6*h), want: []string{
			"-6h0m0s",
		}},
		{name: "quiet hours beyond it begin later", events: running, quiet: quietAround(-3*h, 5*h), want: []string{
			"-12h0m0s",
		}},
		{
			name: "quiet hours would swallow it", before: 2 * h, events: running, quiet: quietAround(-3*h, 5*h),
			want: []string{"-3h10m0s"},
		},
		{
			name: "quiet hours until it would, too", before: 2 * h, events: running, quiet: quietAround(-3*h, 0),
			want: []string{"-3h10m0s"},
		},
		{name: "started between the reminder and quiet hours", before: 2 * h, events: []happening{
			{end1 - 3*h - 5*m, started},
		}, quiet: quietAround(-3*h, 5*h), want: []string{"-3h4m30s"}},
		{
			name: "started in quiet hours beyond it", before: 2 * h, events: []happening{{end1 - h, started}},
			quiet: quietAround(-3*h, 5*h),
		},
		{
			name: "ahead of quiet hours means after others", before: 2 * h, events: running,
			quiet: quietAround(-3*h, -3*h-5*m), want: []string{"-3h5m0s"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy(), muted: c.muted, quiet: c.quiet}
			w.p.Weekly = max(0, c.before)
			if c.before == 0 {
				w.p.Weekly = 12 * h
			}
			if c.end == 0 {
				c.end = 2 * day
			}
			if got := reminders(w, c.events, end1+c.end); !slices.Equal(got, c.want) {
				t.Errorf("reminded at %v, want %v", got, c.want)
			}
		})
	}
}

// TestReminderWhenClocksChange holds it on both Sundays of New York, one hour of which comes twice.
func TestReminderWhenClocksChange(t *testing.T) {
	for start, want := range map[string]string{
		"2026-03-07T00:00:00Z": "2026-03-08T05:00:00Z", // 01:00 EST, and the clocks go forward an hour later
		"2026-10-31T00:00:00Z": "2026-11-01T04:00:00Z", // an hour before the first 01:00
	} {
		now, err := time.Parse(time.RFC3339, start)
		if err != nil {
			t.Fatal(err)
		}
		p := defaultPolicy()
		p.Weekly = h
		var got []string
		var said []Notice
		var st State
		begin := now
		e := connected
		for now.Sub(begin) < 6*day {
			e.At = now
			var again time.Time
			st, said, again = p.Step(st, Input{Event: e}, now)
			for _, n := range said {
				got = append(got, n.At.UTC().Format(time.RFC3339))
			}
			e, now = conn.Event{}, again
		}
		if !slices.Equal(got, []string{want}) {
			t.Errorf("from %s: %v, want %s", start, got, want)
		}
	}
}

func TestReminderAndSettings(t *testing.T) {
	// Asked for while nothing happens, and for another time ahead, and after the clock was set back: once.
	w := &world{p: defaultPolicy()}
	if all := w.play([]happening{{0, started}, {2 * s, connected}}, end1-6*h); len(all) != 0 {
		t.Fatal(all)
	}
	_, again := w.step(end1-6*h, conn.Event{})
	if wait := again.Sub(begin.Add(end1 - 6*h)); wait <= 0 || wait > h {
		t.Errorf("new settings are noticed after %v", wait)
	}
	w.p.Weekly = 12 * h
	if said, _ := w.step(end1-5*h, conn.Event{}); len(said) != 1 || said[0].n.Kind != Reminder {
		t.Errorf("said %v", said)
	}
	w.p.Weekly = 3 * h
	for at := end1 - 9*h; at < end1; at += 20 * m {
		if said, _ := w.step(at, conn.Event{}); len(said) != 0 {
			t.Errorf("again: %v", said)
		}
	}
}

func TestReminderWords(t *testing.T) {
	was := time.Local
	defer func() { time.Local = was }()
	for _, c := range []struct {
		zone   string
		remote bool
		title  string
	}{
		{"America/New_York", false, "Gateway's weekly login ends Sunday 01:00 New York"},
		{"America/Toronto", true, "Gateway's weekly login ends Sunday 01:00 New York"},
		{"Australia/Sydney", false, "Gateway's weekly login ends Sunday 01:00 New York (17:00 here)"},
		{"Australia/Sydney", true, "Gateway's weekly login ends Sunday 01:00 New York (Sun 17:00 AEDT)"},
		{"America/Los_Angeles", false, "Gateway's weekly login ends Sunday 01:00 New York (Sat 22:00 here)"},
	} {
		time.Local = zone(t, c.zone)
		w := &world{p: defaultPolicy()}
		w.p.Weekly, w.p.Remote = 12*h, c.remote
		all := w.play([]happening{{0, started}, {2 * s, connected}}, end1)
		want := Notice{
			Kind: Reminder, Key: "weekly_login", Title: c.title, At: begin.Add(end1 - 12*h),
			Body: "Log in again after that time: restart Gateway and confirm the second factor on the phone. " +
				"Gatewatch reconnects by itself.",
		}
		if c.remote {
			want.Body += "\nGateway: 127.0.0.1:4002, PAPER, seen from desk."
		}
		if len(all) != 1 || !all[0].n.At.Equal(want.At) {
			t.Fatalf("%s: %v", c.zone, all)
		}
		if want.At = all[0].n.At; all[0].n != want {
			t.Errorf("%s: got\n%+v\nwant\n%+v", c.zone, all[0].n, want)
		}
	}
}

func TestSignIn(t *testing.T) {
	running := []happening{{0, started}, {2 * s, connected}}
	after := func(h ...happening) []happening { return append(slices.Clone(running), h...) }
	silent := conn.Event{Kind: conn.EventAttemptFailed, State: conn.Reconnecting, Cause: ib.CauseNoAnswer}
	lostSilent := conn.Event{Kind: conn.EventLost, State: conn.Reconnecting, Cause: ib.CauseClosedLogin}
	beyond := begin.Add(end1 + 6*h).UTC()
	for _, c := range []struct {
		name   string
		events []happening
		after  time.Duration
		quiet  Quiet
		want   []string // after the first end
	}{
		{name: "closed by it", after: m, events: after(happening{end1 + 2*s, lostNow}, happening{end1 + 10*s, silent},
			happening{end1 + 2*h, connected}), want: []string{"1m2s Sign-in needed #2", "2h0m10s Reconnected #2"}},
		{
			name: "reported in other words first", events: after(happening{end1 + 2*s, lostNow},
				happening{end1 + 10*s, silent}, happening{end1 + 25*s, silent}, happening{end1 + 2*h, connected}),
			want: []string{"7s Connection #2", "40s Sign-in needed #2", "2h0m10s Reconnected #2"},
		},
		{name: "Gateway is only starting", events: after(happening{end1 + 2*s, lostNow}, happening{end1 + 10*s, silent},
			happening{end1 + 30*s, connected}), want: []string{"7s Connection #2", "40s Reconnected #2"}},
		{name: "nothing listens", events: after(happening{end1 + 2*s, lostNow}, happening{end1 + 10*s, silent},
			happening{end1 + 25*s, failed}), want: []string{"7s Connection #2"}},
		{name: "the outage began before", events: after(happening{end1 - h, lostNow}, happening{end1 - h + s, silent},
			happening{end1 + s, silent}), want: []string{"-59m55s Connection #2", "31s Sign-in needed #2"}},
		{name: "connected since", events: after(happening{end1 + h, lostSilent}), want: []string{
			"1h0m5s Connection #2",
		}},
		{name: "paused over it", events: after(happening{end1 - h, paused}, happening{end1 + h, resumed},
			happening{end1 + h + s, silent}), want: []string{"1h0m30s Sign-in needed #2"}},
		{
			name: "started a day after it", events: []happening{{end1 + day, started}, {end1 + day + s, silent}},
			want: []string{"24h0m30s Sign-in needed #1"},
		},
		{
			name: "started three days after it", events: []happening{
				{end1 + 3*day, started},
				{end1 + 3*day + s, silent},
			},
			want: []string{"72h0m30s No connection #1"},
		},
		{
			name: "down for good after drops",
			events: after(append(flaps(end1-6*m, 5, 2*s, m), happening{end1 - 2*s, lostNow},
				happening{end1 + s, silent})...), want: []string{"-2m54s The connection #5", "4m58s Sign-in needed #6"},
		},
		{
			name: "reported before quiet hours, explained after them", events: after(happening{end1 - h, lostNow},
				happening{end1 + s, silent}, happening{end1 + h, silent}),
			quiet: Quiet{begin.Add(end1 - 30*m).UTC().Hour(), 30, beyond.Hour(), 0, time.UTC}, want: []string{
				"-59m55s Connection #2", "6h0m0s Sign-in needed #2",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy(), quiet: c.quiet}
			if c.after != 0 {
				w.p.After = c.after
			}
			var got []string
			for _, n := range w.play(c.events, end1+4*day) {
				title := n.n.Title
				for _, short := range []string{
					"Sign-in needed", "Connection", "No connection", "The connection",
					"Reconnected",
				} {
					if strings.HasPrefix(title, short) {
						title = short
					}
				}
				if title == "Sign-in needed" && (!strings.HasPrefix(n.n.Body, "Since ") ||
					!strings.HasSuffix(n.n.Body, wording.SignIn) || !n.n.Urgent || !n.n.Connect || n.n.Kind != Lost) {
					t.Errorf("%+v", n.n)
				}
				got = append(got, (n.at-end1).String()+" "+title+n.String()[strings.LastIndex(n.String(), " #"):])
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestQuietWeeks plays random weeks with quiet hours: nothing is reported in them, each week's reminder comes once and
// in time, and the end of an outage that was reported is reported.
func TestQuietWeeks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := rapid.IntRange(0, 24*60-1)
		from, until := clock.Draw(t, "from"), clock.Draw(t, "until")
		w := &world{p: defaultPolicy(), quiet: Quiet{from / 60, from % 60, until / 60, until % 60, time.UTC}}
		w.p.Weekly = time.Duration(rapid.IntRange(30, 72*60).Draw(t, "ahead")) * m
		events := []happening{{0, started}, {2 * s, connected}}
		at := 2 * s
		for range rapid.IntRange(0, 15).Draw(t, "outages") {
			at += time.Duration(rapid.SampledFrom([]int{5, 20, 120, 3600, 5 * 3600, 20 * 3600}).Draw(t, "up")) * s
			events = append(events, happening{at, lostNow})
			at += time.Duration(rapid.SampledFrom([]int{2, 20, 120, 700, 3600}).Draw(t, "down")) * s
			events = append(events, happening{at, connected})
		}
		var open []int // incidents that were reported and not ended
		end := 15 * day
		reminded := map[time.Time]int{}
		for _, n := range w.play(events, end) {
			if !w.quiet.Until(n.n.At).IsZero() {
				t.Fatalf("%v in quiet hours %+v", n, w.quiet)
			}
			switch n.n.Kind {
			case Reminder:
				reminded[wording.WeeklyEnd(n.n.At).UTC()]++
			case Lost, Unstable:
				open = append(open, n.n.Incident)
			case Back, Calm:
				if len(open) == 0 || open[len(open)-1] != n.n.Incident {
					t.Fatalf("%v is the end of none of %v", n, open)
				}
				open = nil
			}
		}
		if len(open) != 0 {
			t.Fatalf("connected in the end, and no one was notified of %v", open)
		}
		for moment := wording.WeeklyEnd(begin); moment.Before(begin.Add(end)); moment = wording.WeeklyEnd(moment) {
			if reminded[moment.UTC()] != 1 {
				t.Fatalf("reported %d times of %v; quiet %+v, ahead %v", reminded[moment.UTC()], moment, w.quiet,
					w.p.Weekly)
			}
		}
	})
}
