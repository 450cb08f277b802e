package notice

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/conn"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestQuietUntil(t *testing.T) {
	berlin, sydney, newYork, beirut := zone(t, "Europe/Berlin"), zone(t, "Australia/Sydney"),
		zone(t, "America/New_York"), zone(t, "Asia/Beirut")
	for _, c := range []struct {
		name string
		q    Quiet
		now  string
		want string // empty: not in quiet hours
	}{
		{"none", Quiet{}, "2026-06-10T00:00:00Z", ""},
		{"from is until", Quiet{22, 0, 22, 0, time.UTC}, "2026-06-10T22:00:00Z", ""},
		{"no time of day", Quiet{25, 0, 7, 0, time.UTC}, "2026-06-10T02:00:00Z", ""},
		{"no minute", Quiet{22, 0, 7, -1, time.UTC}, "2026-06-10T02:00:00Z", ""},

		{"before", Quiet{9, 30, 16, 15, time.UTC}, "2026-06-10T09:29:59.999Z", ""},
		{"from the first moment", Quiet{9, 30, 16, 15, time.UTC}, "2026-06-10T09:30:00Z", "2026-06-10T16:15:00Z"},
		{"to the last", Quiet{9, 30, 16, 15, time.UTC}, "2026-06-10T16:14:59.999Z", "2026-06-10T16:15:00Z"},
		{"not at the end", Quiet{9, 30, 16, 15, time.UTC}, "2026-06-10T16:15:00Z", ""},
		{"overnight, before midnight", Quiet{22, 0, 7, 0, time.UTC}, "2026-06-10T23:00:00Z", "2026-06-11T07:00:00Z"},
		{"overnight, after midnight", Quiet{22, 0, 7, 0, time.UTC}, "2026-06-11T03:00:00Z", "2026-06-11T07:00:00Z"},
		{"overnight, by day", Quiet{22, 0, 7, 0, time.UTC}, "2026-06-11T12:00:00Z", ""},
		{"until midnight", Quiet{22, 0, 0, 0, time.UTC}, "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"},
		{"all day but a minute", Quiet{7, 0, 6, 59, time.UTC}, "2026-06-11T06:58:00Z", "2026-06-11T06:59:00Z"},
		{"in another zone", Quiet{22, 0, 7, 0, sydney}, "2026-06-10T12:00:00Z", "2026-06-10T21:00:00Z"},

		{"the short night", Quiet{22, 0, 7, 0, berlin}, "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		{"the long night", Quiet{22, 0, 7, 0, berlin}, "2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"},
		{"the short night, Sydney", Quiet{22, 0, 7, 0, sydney}, "2026-10-03T13:00:00Z", "2026-10-03T20:00:00Z"},

		{"the end is skipped", Quiet{22, 0, 2, 30, newYork}, "2026-03-08T06:59:00Z", "2026-03-08T07:00:00Z"},
		{"the end is skipped, and over", Quiet{22, 0, 2, 30, newYork}, "2026-03-08T07:00:00Z", ""},
		{"the beginning is skipped, not yet", Quiet{2, 30, 5, 0, newYork}, "2026-03-08T06:59:00Z", ""},
		{"the beginning is skipped", Quiet{2, 30, 5, 0, newYork}, "2026-03-08T07:00:00Z", "2026-03-08T09:00:00Z"},
		{"both are skipped", Quiet{2, 15, 2, 45, newYork}, "2026-03-08T06:59:59Z", ""},
		{"both are skipped, after", Quiet{2, 15, 2, 45, newYork}, "2026-03-08T07:10:00Z", ""},
		{"all but what is skipped", Quiet{2, 45, 2, 15, newYork}, "2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z"},
		{
			"all but what is skipped, after",
			Quiet{2, 45, 2, 15, newYork},
			"2026-03-08T07:00:00Z",
			"2026-03-09T06:15:00Z",
		},
		{"midnight is skipped", Quiet{22, 0, 0, 30, beirut}, "2026-03-28T21:00:00Z", "2026-03-28T22:00:00Z"},

		{"the end comes twice", Quiet{22, 0, 1, 30, newYork}, "2026-11-01T05:29:00Z", "2026-11-01T05:30:00Z"},
		{"the end comes twice, and is over", Quiet{22, 0, 1, 30, newYork}, "2026-11-01T06:10:00Z", ""},
		{"the beginning comes twice", Quiet{1, 30, 2, 30, newYork}, "2026-11-01T05:30:00Z", "2026-11-01T07:30:00Z"},
		{
			"the beginning comes twice, second",
			Quiet{1, 30, 2, 30, newYork},
			"2026-11-01T06:10:00Z",
			"2026-11-01T07:30:00Z",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if until := c.q.Until(now); !until.IsZero() {
				got = until.UTC().Format(time.RFC3339)
			}
			if got != c.want {
				t.Errorf("at %s until %q, want %q", c.now, got, c.want)
			}
		})
	}
	if (Quiet{FromHour: 1, UntilHour: 2}).Until(time.Date(2026, 6, 10, 1, 30, 0, 0, time.Local)).IsZero() {
		t.Error("without a zone, it is not this computer's")
	}
}

// TestQuietAround walks in steps of five minutes over the weeks in which clocks change, by another way of thinking:
// what the clock on the wall shows.
func TestQuietAround(t *testing.T) {
	weeks := []struct {
		zone  string
		begin time.Time
	}{
		{"America/New_York", time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2026, 10, 29, 0, 0, 0, 0, time.UTC)},
		{"Europe/Berlin", time.Date(2026, 3, 26, 0, 0, 0, 0, time.UTC)},
		{"Australia/Lord_Howe", time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)}, // by half an hour
		{"Asia/Beirut", time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC)},       // at midnight
	}
	rapid.Check(t, func(t *rapid.T) {
		week := rapid.SampledFrom(weeks).Draw(t, "week")
		loc := zone(t, week.zone)
		clock := rapid.IntRange(0, 24*12-1)
		from, until := 5*clock.Draw(t, "from"), 5*clock.Draw(t, "until")
		q := Quiet{from / 60, from % 60, until / 60, until % 60, loc}
		var last time.Time
		for now := week.begin; now.Sub(week.begin) < 7*24*h; now = now.Add(5 * m) {
			end := q.Until(now)
			shows := now.In(loc).Hour()*60 + now.In(loc).Minute()
			// Far from a change the wall's clock decides.
			start, stop := now.In(loc).ZoneBounds()
			if now.Sub(start) > 26*h && stop.Sub(now) > 26*h {
				in := from < until && from <= shows && shows < until || from > until && (shows >= from || shows < until)
				if in != !end.IsZero() {
					t.Fatalf("%+v at %v: until %v", q, now.In(loc), end)
				}
			}
			if end.IsZero() {
				continue
			}
			if !end.After(now) || end.Sub(now) > 25*h {
				t.Fatalf("%+v at %v: until %v", q, now.In(loc), end)
			}
			// It shows the right time there, or the clocks jump over it right there.
			at, before := end.In(loc), end.Add(-time.Nanosecond).In(loc)
			_, offset := at.Zone()
			_, was := before.Zone()
			jumps := time.Duration(offset-was) * time.Second
			ahead := time.Duration((at.Hour()*60+at.Minute()-until+24*60)%(24*60)) * m
			if ahead != 0 && !(jumps > 0 && ahead <= jumps) {
				t.Fatalf("%+v at %v: until %v, which shows another time", q, now.In(loc), at)
			}
			if end.Equal(last) {
				continue
			}
			last = end
			// The answer is the same all the while, and the beginning is where it begins.
			if mid := now.Add(end.Sub(now) / 2); !q.Until(mid).Equal(end) {
				t.Fatalf("%+v at %v: until %v, but at %v until %v", q, now.In(loc), end, mid, q.Until(mid))
			}
			begun := q.begun(now)
			if begun.After(now) || !q.Until(begun).Equal(end) || q.Until(begun.Add(-time.Nanosecond)).After(begun) {
				t.Fatalf("%+v at %v: begun %v", q, now.In(loc), begun)
			}
		}
	})
}

// TestPolicyInQuietHours plays stories around quiet hours that begin an hour after the beginning and last for eight.
func TestPolicyInQuietHours(t *testing.T) {
	quiet := Quiet{FromHour: begin.Hour() + 1, UntilHour: begin.Hour() + 9}
	up := []happening{{0, started}, {2 * s, connected}}
	after := func(h ...happening) []happening { return append(slices.Clone(up), h...) }
	for _, c := range []struct {
		name   string
		events []happening
		muted  time.Duration // until then
		want   []string
	}{
		{"nothing happens", up, 0, nil},
		{"lost and back in them", after(happening{2 * h, lostNow}, happening{3 * h, connected}), 0, nil},
		{
			"lost in them, and still so", after(happening{2 * h, lostNow}, happening{10 * h, connected}), 0,
			[]string{"9h0m0s lost #2", "10h0m10s back #2"},
		},
		{"lost just before their end", after(happening{9*h - 2*s, lostNow}), 0, []string{"9h0m3s lost #2"}},
		{"lost just before them", after(happening{h - 2*s, lostNow}), 0, []string{"9h0m0s lost #2"}},
		{
			"reported before, back in them", after(happening{h - m, lostNow}, happening{2 * h, connected}), 0,
			[]string{"59m5s lost #2", "9h0m0s back #2"},
		},
		{
			"reported before, down throughout", after(happening{h - m, lostNow}, happening{10 * h, connected}), 0,
			[]string{"59m5s lost #2", "10h0m10s back #2"},
		},
		{
			"reported before, comes and goes in them", after(happening{h - m, lostNow}, happening{2 * h, connected},
				happening{3 * h, lostNow}, happening{4 * h, connected}), 0,
			[]string{"59m5s lost #2", "9h0m0s back #2"},
		},
		{
			"reported before, back in them, lost again", after(happening{h - m, lostNow}, happening{2 * h, connected},
				happening{3 * h, lostNow}, happening{10 * h, connected}), 0,
			[]string{"59m5s lost #2", "9h0m0s lost #3", "10h0m10s back #3"},
		},
		{
			"reported before, back in them, muted beyond them",
			after(happening{h - m, lostNow}, happening{2 * h, connected}),
			12 * h,
			[]string{"59m5s lost #2", "12h0m0s back #2"},
		},
		{"muted beyond them", after(happening{2 * h, lostNow}), 12 * h, []string{"12h0m0s lost #2"}},
		{"muted for less than them", after(happening{2 * h, lostNow}), 3 * h, []string{"9h0m0s lost #2"}},
		{"unstable in them", after(flaps(2*h, 10, 2*s, 60*s)...), 0, nil},
		{
			"unstable beyond them", after(flaps(9*h-5*m, 10, 2*s, 60*s)...), 0,
			[]string{"9h0m0s unstable #5", "9h14m20s calm #5"},
		},
		{
			"unstable before and in them", after(flaps(h-5*m, 10, 2*s, 60*s)...), 0,
			[]string{"58m6s unstable #5", "9h0m0s calm #5"},
		},
		{
			"unstable, then down beyond them", after(append(flaps(h-5*m, 10, 2*s, 60*s), happening{8 * h, lostNow})...),
			0,
			[]string{"58m6s unstable #5", "9h0m0s lost #6"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy(), quiet: quiet, muted: func(at time.Duration) time.Duration {
				if at < h { // by hand, in them
					return 0
				}
				return c.muted
			}}
			var got []string
			for _, n := range w.play(c.events, 20*h) {
				got = append(got, n.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestWordsAfterQuietHours(t *testing.T) {
	w := &world{p: defaultPolicy(), quiet: Quiet{FromHour: begin.Hour() + 1, UntilHour: begin.Hour() + 9}}
	all := w.play([]happening{
		{0, started},
		{2 * s, connected},
		{h - m, lostNow},
		{2 * h, connected},
		{3 * h, lostNow},
		{4 * h, connected},
		{5 * h, lostNow},
		{23 * h, connected},
		{25*h + m, ev(conn.EventLost, conn.Reconnecting)}, // in the next ones
		{26 * h, connected},
	}, 40*h)
	var got []string
	for _, n := range all {
		first, _, _ := strings.Cut(n.n.Body, "\n")
		got = append(got, n.n.Title+": "+first)
	}
	want := []string{
		"Connection to Gateway lost: Since 09:59:00.",
		"Connection to Gateway lost: It came back and was lost again. Since 14:00:00.",
		"Reconnected after 18 h (Wed 14:00:00–08:00:00): The connection has been stable since 08:00:00.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
