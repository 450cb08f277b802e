package history

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func lineOf(records ...Record) *Timeline {
	l := NewTimeline()
	for _, r := range records {
		l.Add(r)
	}
	return l
}

// at is a record that many minutes after noon.
func at(minute int, what What, counts Kind) Record {
	return record(time.Duration(minute)*time.Minute, what, counts)
}

// drawn returns the spans of a time in minutes after noon: "connected 5, down 2".
func drawn(l *Timeline, from, until int) string {
	var words []string
	for _, s := range l.Spans(noon.Add(time.Duration(from)*time.Minute), noon.Add(time.Duration(until)*time.Minute)) {
		words = append(words, fmt.Sprintf("%s %g", s.Kind, s.Until.Sub(s.From).Minutes()))
	}
	return strings.Join(words, ", ")
}

func TestSpans(t *testing.T) {
	run := []Record{at(0, Started, Unobserved), at(1, Recovered, Connected)}
	for name, c := range map[string]struct {
		records []Record
		want    string // from ten minutes before noon to thirty after
	}{
		"nothing known":         {nil, "not_observed 40"},
		"the last kind goes on": {run, "not_observed 11, connected 29"},
		"one kind is one span": {
			append(run[:2:2], at(5, FarmChanged, Connected), at(6, WindowStarted, Connected)),
			"not_observed 11, connected 29",
		},
		"out and in at one time": {
			append(run[:2:2], at(5, Lost, Down), at(5, Recovered, Connected)),
			"not_observed 11, connected 29",
		},
		"clock set back": {
			append(run[:2:2], at(10, Lost, Down), at(20, Recovered, Connected), at(15, Lost, Down)),
			"not_observed 11, connected 9, down 20",
		},
		"clock set back, nothing changed since": {
			append(run[:2:2], at(10, FarmChanged, Connected), at(5, Lost, Down)),
			"not_observed 11, connected 4, down 25",
		},
		"clock set back far": {
			append(run[:2:2], at(10, Lost, Down), at(12, Recovered, Connected), at(-5, Lost, Down)),
			"not_observed 5, down 35",
		},
		"clock set back behind the run before": {
			append(run[:2:2], at(10, Stopped, Unobserved), at(20, Started, Unobserved), at(21, Recovered, Connected),
				at(5, Lost, Down)),
			"not_observed 11, connected 9, down 20",
		},
		"clock set back to between the runs": { // it was ahead when the program started
			append(run[:2:2], at(10, Stopped, Unobserved), at(20, Started, Unobserved), at(21, Recovered, Connected),
				at(15, Lost, Down)),
			"not_observed 11, connected 9, not_observed 5, down 15",
		},
		"clock set back into a run that was connecting": {
			[]Record{
				at(0, Started, Unobserved), at(10, Stopped, Unobserved), at(20, Started, Unobserved),
				at(5, Recovered, Connected),
			},
			"not_observed 20, connected 20",
		},
		"clock ahead in the run before": {
			append(run[:2:2], at(500, FarmChanged, Connected), at(900, Stopped, Unobserved),
				at(10, Started, Unobserved), at(12, Recovered, Connected), at(20, Lost, Down)),
			"not_observed 11, connected 9, not_observed 2, connected 8, down 10",
		},
		"clock ahead in two runs": {
			append(
				run[:2:2], at(5, Stopped, Unobserved), at(500, Started, Unobserved), at(501, Recovered, Connected),
				at(600, Crashed, Unobserved),
				at(700, Started, Unobserved), at(800, Stopped, Unobserved), at(10, Started, Unobserved),
				at(12, Recovered, Connected),
			),
			"not_observed 11, connected 4, not_observed 7, connected 18",
		},
		"clock not set": {
			append(run[:2:2], at(5, Stopped, Unobserved), Record{
				Time: time.Unix(0, 0), What: Started,
				Counts: Unobserved,
			}, at(12, Recovered, Connected)),
			"not_observed 11, connected 4, not_observed 7, connected 18",
		},
		"an end that is not told": {append(run[:2:2], at(5, FarmChanged, Connected), at(20, Started, Unobserved),
			at(21, Recovered, Connected)), "not_observed 11, connected 4, not_observed 16, connected 9"},
		"crashed": {
			append(run[:2:2], at(7, Crashed, Unobserved), at(20, Started, Planned)),
			"not_observed 11, connected 6, not_observed 13, planned 10",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := drawn(lineOf(c.records...), -10, 30); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	l := lineOf(run...)
	if got := drawn(l, 5, 5) + drawn(l, 6, 5); got != "" {
		t.Errorf("spans of no time: %s", got)
	}
}

// TestClockWasSetBack has a jump of the clock be taken for sleep. Once the clock is right again, time counts as before,
// without a record that says so.
func TestClockWasSetBack(t *testing.T) {
	l := lineOf(at(0, Started, Unobserved), at(1, Recovered, Connected), at(5, FellAsleep, Asleep),
		at(500_000, Woke, Connected))
	for _, minute := range []time.Duration{7, 8, 20} {
		l.Now(noon.Add(minute * time.Minute))
	}
	const want = "not_observed 1, connected 4, asleep 2, connected 23"
	if got := drawn(l, 0, 30); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	l.Add(at(21, Lost, Down))
	if got := drawn(l, 0, 30); got != "not_observed 1, connected 4, asleep 2, connected 14, down 9" {
		t.Errorf("after another record: %s", got)
	}
}

func TestOutages(t *testing.T) {
	lost := []Record{at(0, Recovered, Connected), at(10, Lost, Down)}
	for name, c := range map[string]struct {
		records     []Record
		from, until int
		outages     int
		longest     int // in minutes
	}{
		"none":                  {lost, 0, 10, 0, 0},
		"one that goes on":      {lost, 0, 30, 1, 20},
		"running when it began": {lost, 15, 20, 1, 5},
		"two": {
			append(lost[:2:2], at(12, Recovered, Connected), at(20, Lost, Down)), 0, 30, 2,
			10,
		},
		"two without a moment's gap": {
			append(lost[:2:2], at(20, Recovered, Connected), at(20, Lost, Down)), 0, 30, 2,
			10,
		},
		"a pause ends one": {append(lost[:2:2], at(12, UserPaused, Paused), at(13, UserResumed, Unobserved),
			at(14, AttemptFailed, Down)), 0, 30, 2, 16},
		"a window in it": {append(lost[:2:2], at(12, WindowStarted, Planned), at(20, WindowEnded, Down),
			at(21, Recovered, Connected)), 0, 30, 1, 3},
		"a sleep in it": {
			append(lost[:2:2], at(12, FellAsleep, Asleep), at(20, Woke, Down)), 0, 30, 1,
			12,
		},
		"a restart in it": {append(lost[:2:2], at(12, Stopped, Unobserved), at(20, Started, Unobserved),
			at(21, AttemptFailed, Down)), 0, 30, 1, 11},
		"a crash in it": {append(lost[:2:2], at(12, Crashed, Unobserved), at(20, Started, Unobserved),
			at(21, AttemptFailed, Down)), 0, 30, 1, 11},
		"none of it in the time": {
			append(lost[:2:2], at(12, WindowStarted, Planned), at(20, Recovered, Connected)), 12, 30, 0, 0,
		},
		"begins where the time ends": {lost, 5, 10, 0, 0},
		"ends where the time begins": {append(lost[:2:2], at(12, Recovered, Connected)), 12, 20, 0, 0},
		"of no length":               {append(lost[:2:2], at(10, Recovered, Connected)), 0, 30, 0, 0},
		"loss in a window lasts over": {append(lost[:1:1], at(5, Lost, Planned), at(15, WindowEnded, Down),
			at(17, Recovered, Connected)), 0, 30, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
			a := lineOf(c.records...).Account(m(c.from), m(c.until), nil)
			sums(t, a)
			if a.Outages != c.outages || a.Longest != time.Duration(c.longest)*time.Minute {
				t.Errorf("%d outages, longest %v; want %d, %dm", a.Outages, a.Longest, c.outages, c.longest)
			}
		})
	}
}

func TestEnd(t *testing.T) {
	run := []Record{at(0, Started, Unobserved), at(1, Recovered, Connected), at(5, FarmChanged, Connected)}
	for _, c := range []struct {
		end         int
		want, after string
	}{
		{8, "not_observed 11, connected 7, not_observed 22", "connected 6, down 22"},
		// a record is later than the last heartbeat
		{3, "not_observed 11, connected 4, not_observed 25", "connected 3, down 25"},
	} {
		l := lineOf(run...)
		l.End(noon.Add(time.Duration(c.end) * time.Minute))
		if got := drawn(l, -10, 30); got != c.want {
			t.Errorf("ended at %d: got %s, want %s", c.end, got, c.want)
		}
		l.Add(at(2, Lost, Down)) // what has ended stays as it is
		if got := drawn(l, 2, 30); got != c.after {
			t.Errorf("ended at %d: got %s, want %s", c.end, got, c.after)
		}
	}
	l := NewTimeline()
	l.End(noon)
	if got := drawn(l, -10, 30); got != "not_observed 40" || !l.Since().IsZero() {
		t.Errorf("got %s since %v", got, l.Since())
	}
}

func TestSince(t *testing.T) {
	l := NewTimeline()
	if !l.Since().IsZero() {
		t.Errorf("an empty timeline reaches back to %v", l.Since())
	}
	l.Add(at(5, Started, Unobserved))
	l.Add(at(6, Recovered, Connected))
	if want := noon.Add(5 * time.Minute); !l.Since().Equal(want) {
		t.Errorf("got %v, want %v", l.Since(), want)
	}
	l.Add(at(2, Lost, Down)) // the clock was set back
	if want := noon.Add(2 * time.Minute); !l.Since().Equal(want) {
		t.Errorf("got %v, want %v", l.Since(), want)
	}
}

func TestTimelineIsBounded(t *testing.T) {
	l := NewTimeline()
	const n = maxMarks + maxMarks/2
	for i := range n {
		l.Add(record(time.Duration(i)*time.Second, Lost, []Kind{Connected, Down}[i%2]))
	}
	if len(l.marks) > maxMarks || len(l.marks) < maxMarks/2 {
		t.Fatalf("%d marks are held", len(l.marks))
	}
	since, until := l.Since(), noon.Add(n*time.Second)
	if since.UnixMilli() != l.marks[0].at || !since.After(noon) {
		t.Errorf("since %v, first mark at %v", since, time.UnixMilli(l.marks[0].at))
	}
	a := l.Account(noon, until, nil)
	sums(t, a)
	if a.Terms[Unobserved] != since.Sub(noon) || a.Terms[Connected] != a.Terms[Down] || a.Outages != len(l.marks)/2 {
		t.Errorf("%v, %d outages of %d marks", a.Terms, a.Outages, len(l.marks))
	}
}

// TestDays looks at local days of other than 24 hours, some of which have no midnight and some two.
func TestDays(t *testing.T) {
	for _, c := range []struct {
		zone, day string
		hours     int
		start     string // in UTC
	}{
		{"America/New_York", "2026-03-08", 23, "05:00"},
		{"America/New_York", "2026-11-01", 25, "04:00"},
		{"Europe/Zurich", "2026-03-29", 23, "23:00"},
		{"Europe/Zurich", "2026-10-25", 25, "22:00"},
		{"America/Santiago", "2026-04-04", 25, "03:00"},
		{"America/Santiago", "2026-09-06", 23, "04:00"}, // begins at 01:00
		{"Asia/Beirut", "2026-03-29", 23, "22:00"},      // begins at 01:00
		{"Asia/Beirut", "2026-10-24", 25, "21:00"},
		{"America/Havana", "2026-03-08", 23, "05:00"}, // begins at 01:00
		{"America/Havana", "2026-11-01", 25, "04:00"}, // has two midnights
		{"Australia/Lord_Howe", "2026-11-24", 24, "13:00"},
		{"Pacific/Apia", "2011-12-30", 0, "10:00"}, // was left out
		{"Pacific/Kiritimati", "2026-11-24", 24, "10:00"},
		{"Etc/GMT+12", "2026-11-24", 24, "12:00"},
	} {
		t.Run(c.zone+"_"+c.day, func(t *testing.T) {
			loc := zone(t, c.zone)
			date, _ := time.Parse(time.DateOnly, c.day)
			now := time.Date(date.Year(), date.Month(), date.Day()+2, 15, 0, 0, 1, loc)
			days := NewTimeline().Days(5, now, loc, nil)
			if len(days) != 5 || !days[4].Until.Equal(now.Truncate(time.Millisecond)) {
				t.Fatalf("%d days", len(days))
			}
			for i, d := range days {
				sums(t, d)
				if i > 0 && !d.From.Equal(days[i-1].Until) {
					t.Errorf("%v – %v follows on %v", d.From, d.Until, days[i-1].Until)
				}
			}
			d := days[2]
			if got := d.From.UTC().Format("15:04"); got != c.start || d.Length() != time.Duration(c.hours)*time.Hour {
				t.Errorf("starts at %s, %v long; want %s, %d h", got, d.Length(), c.start, c.hours)
			}
			if c.hours > 0 {
				if got := d.From.In(loc).Format(time.DateOnly); got != c.day {
					t.Errorf("it is %s", got)
				}
				if got := d.From.Add(-time.Millisecond).In(loc).Format(time.DateOnly); got >= c.day {
					t.Errorf("the moment before is on %s", got)
				}
			}
		})
	}
	if days := NewTimeline().Days(-1, noon, time.UTC, nil); len(days) != 0 {
		t.Errorf("%d days", len(days))
	}
}

func TestTimelineIsSafeForConcurrentUse(t *testing.T) {
	l := NewTimeline()
	hours := &Hours{Days: workdays, OpenHour: 9, CloseHour: 16}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				a := l.Account(noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1), hours)
				for _, d := range a.Terms {
					a.From = a.From.Add(d)
				}
				if a.Length() != 0 {
					t.Errorf("the terms leave %v", a.Length())
				}
				l.Spans(noon, noon.AddDate(0, 0, 1))
				l.Since()
			}
		})
	}
	for i := range 5000 {
		l.Add(record(time.Duration(i)*time.Second, Lost, Kinds[i%len(Kinds)]))
	}
	l.End(noon.AddDate(0, 0, 1))
	readers.Wait()
}
