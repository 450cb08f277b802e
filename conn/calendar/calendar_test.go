package calendar

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// inZone reads "2026-03-08 02:30" in the named zone; a repeated time is its first occurrence.
func inZone(t *testing.T, name, at string) time.Time {
	t.Helper()
	m, err := time.ParseInLocation("2006-01-02 15:04", at, zone(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func daily(t *testing.T, name string, hour, minute int, length time.Duration, days ...time.Weekday) Window {
	return Window{Name: "test", Days: days, Hour: hour, Minute: minute, Length: length, Location: zone(t, name)}
}

func preset(t *testing.T, names ...string) (c Calendar) {
	t.Helper()
	for _, n := range names {
		p, err := Preset(n)
		if err != nil {
			t.Fatal(err)
		}
		c = append(c, p...)
	}
	return c
}

// TestCalendar asks about single moments. Ends and next are in UTC; an empty ends means that no window is active.
func TestCalendar(t *testing.T) {
	const newYork, sydney, zurich, hongKong = "America/New_York", "Australia/Sydney", "Europe/Zurich", "Asia/Hong_Kong"
	short := 15 * time.Minute
	sydneyDefault := Calendar{daily(t, sydney, 18, 0, short)}
	overMidnight := Calendar{daily(t, "UTC", 23, 30, time.Hour)}
	skipped := Calendar{daily(t, newYork, 2, 30, time.Hour)}  // 2026-03-08 has no 02:30
	repeated := Calendar{daily(t, newYork, 1, 30, time.Hour)} // 2026-11-01 has two 01:30
	lordHowe := Calendar{daily(t, "Australia/Lord_Howe", 2, 10, short)}
	lordHoweTwice := Calendar{daily(t, "Australia/Lord_Howe", 1, 40, short)}
	santiago := Calendar{daily(t, "America/Santiago", 0, 15, time.Hour)} // the change is at midnight
	kathmandu := Calendar{daily(t, "Asia/Kathmandu", 0, 15, short)}
	wholeDay := Calendar{daily(t, newYork, 0, 0, 24*time.Hour)}
	weekend := Calendar{daily(t, "UTC", 22, 0, 50*time.Hour, time.Friday)}
	weekdays := Calendar{daily(t, "UTC", 0, 0, 24*time.Hour, time.Monday, time.Tuesday, time.Wednesday, time.Thursday,
		time.Friday)}
	joined := Calendar{
		daily(t, "UTC", 10, 0, time.Hour), daily(t, "UTC", 11, 0, time.Hour), // adjacent
		daily(t, "UTC", 11, 30, 2*time.Hour), daily(t, "UTC", 12, 0, short), // overlapping, contained
		daily(t, "UTC", 13, 31, short), // a minute apart
	}
	for _, c := range []struct {
		name       string
		calendar   Calendar
		zone, at   string
		ends, next string
	}{
		{"empty", nil, "UTC", "2026-01-01 00:00", "", ""},
		{"no length", Calendar{daily(t, "UTC", 10, 0, 0)}, "UTC", "2026-01-01 10:00", "", ""},

		{"over midnight, before", overMidnight, "UTC", "2026-01-01 23:29", "", "2026-01-01 23:30"},
		{"over midnight, start", overMidnight, "UTC", "2026-01-01 23:30", "2026-01-02 00:30", "2026-01-02 23:30"},
		{
			"over midnight, after midnight", overMidnight, "UTC", "2026-01-02 00:29", "2026-01-02 00:30",
			"2026-01-02 23:30",
		},
		{"over midnight, end", overMidnight, "UTC", "2026-01-02 00:30", "", "2026-01-02 23:30"},

		{"default, winter", sydneyDefault, sydney, "2026-06-02 18:14", "2026-06-02 08:15", "2026-06-03 08:00"},
		{"default, summer", sydneyDefault, sydney, "2026-01-02 18:14", "2026-01-02 07:15", "2026-01-03 07:00"},
		{"default, day before summer time", sydneyDefault, sydney, "2026-10-03 18:15", "", "2026-10-04 07:00"},
		{
			"default, first day of summer time", sydneyDefault, sydney, "2026-10-04 18:00", "2026-10-04 07:15",
			"2026-10-05 07:00",
		},
		{"default, day before winter time", sydneyDefault, sydney, "2026-04-04 18:15", "", "2026-04-05 08:00"},
		{
			"default, first day of winter time", sydneyDefault, sydney, "2026-04-05 18:00", "2026-04-05 08:15",
			"2026-04-06 08:00",
		},

		{"skipped start, before", skipped, newYork, "2026-03-08 01:59", "", "2026-03-08 07:00"},
		{"skipped start, at the change", skipped, newYork, "2026-03-08 03:00", "2026-03-08 08:00", "2026-03-09 06:30"},
		{"skipped start, end", skipped, newYork, "2026-03-08 04:00", "", "2026-03-09 06:30"},
		{"repeated start, first", repeated, newYork, "2026-11-01 01:30", "2026-11-01 06:30", "2026-11-02 06:30"},
		{"repeated start, second", repeated, "UTC", "2026-11-01 06:30", "", "2026-11-02 06:30"},
		{
			"half an hour skipped", lordHowe, "Australia/Lord_Howe", "2026-10-04 02:30", "2026-10-03 15:45",
			"2026-10-04 15:10",
		},
		{
			"half an hour repeated, first", lordHoweTwice, "UTC", "2026-04-04 14:40", "2026-04-04 14:55",
			"2026-04-05 15:10",
		},
		{"half an hour repeated, second", lordHoweTwice, "UTC", "2026-04-04 15:10", "", "2026-04-05 15:10"},
		{"midnight skipped", santiago, "America/Santiago", "2026-09-06 01:00", "2026-09-06 05:00", "2026-09-07 03:15"},
		{"quarter-hour zone", kathmandu, "Asia/Kathmandu", "2026-05-01 00:20", "2026-04-30 18:45", "2026-05-01 18:30"},
		{"day of 25 hours has a gap", wholeDay, newYork, "2026-11-01 23:30", "", "2026-11-02 05:00"},

		{"days, start", weekend, "UTC", "2026-06-05 22:00", "2026-06-08 00:00", "2026-06-12 22:00"},
		{"days, two days later", weekend, "UTC", "2026-06-07 23:59", "2026-06-08 00:00", "2026-06-12 22:00"},
		{"days, another day", weekend, "UTC", "2026-06-10 22:30", "", "2026-06-12 22:00"},
		{
			"once a week, just over",
			Calendar{daily(t, "UTC", 12, 0, short, time.Friday)},
			"UTC", "2026-06-05 12:15",
			"",
			"2026-06-12 12:00",
		},
		{"days joined", weekdays, "UTC", "2026-06-01 00:00", "2026-06-06 00:00", "2026-06-08 00:00"},

		{"joined, first", joined, "UTC", "2026-06-01 10:00", "2026-06-01 13:30", "2026-06-01 13:31"},
		{"joined, contained", joined, "UTC", "2026-06-01 12:05", "2026-06-01 13:30", "2026-06-01 13:31"},
		{"joined, gap", joined, "UTC", "2026-06-01 13:30", "", "2026-06-01 13:31"},

		{
			"America, January, from Sydney", preset(t, "ibkr-america"), sydney, "2026-01-13 16:15", "2026-01-13 06:45",
			"2026-01-14 05:15",
		},
		{
			"America, January, a minute before", preset(t, "ibkr-america"), sydney, "2026-01-13 16:14", "",
			"2026-01-13 05:15",
		},
		{
			"America, July, from Sydney", preset(t, "ibkr-america"), sydney, "2026-07-14 14:15", "2026-07-14 05:45",
			"2026-07-15 04:15",
		},
		{
			"America, July, a minute before", preset(t, "ibkr-america"), sydney, "2026-07-14 14:14", "",
			"2026-07-14 04:15",
		},
		{"America, no Saturday", preset(t, "ibkr-america"), newYork, "2026-07-18 00:30", "", "2026-07-19 04:15"},
		{
			"America, Sunday", preset(t, "ibkr-america"), newYork, "2026-07-19 00:30", "2026-07-19 05:45",
			"2026-07-20 04:15",
		},
		{
			"America, start of summer time", preset(t, "ibkr-america"), newYork, "2026-03-08 00:15", "2026-03-08 06:45",
			"2026-03-09 04:15",
		},
		{
			"America, end of summer time", preset(t, "ibkr-america"), newYork, "2026-11-01 00:15", "2026-11-01 05:45",
			"2026-11-02 05:15",
		},
		{
			"Europe, winter", preset(t, "ibkr-europe"), zurich, "2026-01-13 07:44", "2026-01-13 06:45",
			"2026-01-14 05:25",
		},
		{
			"Europe, summer", preset(t, "ibkr-europe"), zurich, "2026-07-14 07:44", "2026-07-14 05:45",
			"2026-07-15 04:25",
		},
		{"Asia, morning", preset(t, "ibkr-asia"), hongKong, "2026-01-13 06:04", "2026-01-12 22:05", "2026-01-13 12:15"},
		{"Asia, evening", preset(t, "ibkr-asia"), hongKong, "2026-01-13 21:14", "2026-01-13 13:15", "2026-01-13 20:45"},
		{"Asia, between", preset(t, "ibkr-asia"), hongKong, "2026-01-13 12:00", "", "2026-01-13 12:15"},
		{
			"weekend, Friday", preset(t, "ibkr-weekend"), newYork, "2026-01-16 23:00", "2026-01-17 08:00",
			"2026-01-24 04:00",
		},
		{
			"weekend, Saturday", preset(t, "ibkr-weekend"), newYork, "2026-01-17 02:59", "2026-01-17 08:00",
			"2026-01-24 04:00",
		},
		{"weekend, Thursday", preset(t, "ibkr-weekend"), newYork, "2026-01-15 23:30", "", "2026-01-17 04:00"},
	} {
		got := c.calendar.At(inZone(t, c.zone, c.at))
		want := Span{Active: c.ends != ""}
		if want.Active {
			want.Ends = inZone(t, "UTC", c.ends)
		}
		if c.next != "" {
			want.Next = inZone(t, "UTC", c.next)
		}
		if got.Active != want.Active || !got.Ends.Equal(want.Ends) || !got.Next.Equal(want.Next) ||
			(got.Name != "") != got.Active {
			t.Errorf("%s: active %v until %v, then %v; want %v until %v, then %v", c.name,
				got.Active, got.Ends.UTC(), got.Next.UTC(), want.Active, want.Ends, want.Next)
		}
	}
}

func TestEveryPresetLoads(t *testing.T) {
	for name := range Presets {
		if c := preset(t, name); c.Validate() != nil || len(c) == 0 {
			t.Errorf("%s: %v", name, c)
		}
	}
	if _, err := Preset("ibkr-moon"); err == nil {
		t.Error("a preset that does not exist was found")
	}
}

var testZones = []string{
	"UTC", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Hong_Kong",
	"Europe/Zurich",
	"America/Santiago", "Africa/Cairo", "Pacific/Chatham", "America/St_Johns",
}

func drawCalendar(r *rapid.T) (c Calendar) {
	for range rapid.IntRange(0, 4).Draw(r, "windows") {
		w := Window{
			Name:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "name"),
			Hour:     rapid.IntRange(0, 23).Draw(r, "hour"),
			Minute:   rapid.IntRange(0, 59).Draw(r, "minute"),
			Length:   time.Duration(rapid.IntRange(0, 30*60).Draw(r, "minutes")) * time.Minute,
			Location: zone(r, rapid.SampledFrom(testZones).Draw(r, "zone")),
			Days:     rapid.SliceOfNDistinct(rapid.SampledFrom(allDays), 0, 3, rapid.ID).Draw(r, "days"),
		}
		c = append(c, w)
	}
	return c
}

var allDays = []time.Weekday{0, 1, 2, 3, 4, 5, 6}

// drawMoment prefers the days on which clocks change.
func drawMoment(r *rapid.T) time.Time {
	day := rapid.SampledFrom([]string{
		"2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-03-29", "2026-10-25", "2026-09-06", "2026-04-24",
		"2026-07-15",
	}).Draw(r, "day")
	t, _ := time.Parse(time.DateOnly, day)
	return t.Add(time.Duration(rapid.IntRange(-3*24*60, 3*24*60).Draw(r, "minute")) * time.Minute)
}

// TestDate: no moment before shows the date and the time, or a later one.
func TestDate(t *testing.T) {
	zones := append(slices.Clone(testZones), "Atlantic/Azores", "America/Nuuk", "America/Havana", "Asia/Beirut")
	rapid.Check(t, func(r *rapid.T) {
		loc := zone(r, rapid.SampledFrom(zones).Draw(r, "zone"))
		y, m, d := drawMoment(r).Date()
		hour, minute := rapid.IntRange(0, 23).Draw(r, "hour"), rapid.IntRange(0, 59).Draw(r, "minute")
		const layout = "2006-01-02 15:04"
		want := time.Date(y, m, d, hour, minute, 0, 0, time.UTC).Format(layout)
		got := Date(y, m, d, hour, minute, loc)
		if shows := got.Format(layout); shows < want {
			r.Fatalf("%s in %v is %v", want, loc, got)
		}
		for ago := time.Minute; ago < 26*time.Hour; ago += time.Minute {
			if before := got.Add(-ago); before.Format(layout) >= want {
				r.Fatalf("%s in %v is %v, not %v", want, loc, got, before)
			}
		}
	})
}

// TestSpanStaysRight asks again at moments up to which an answer has to hold.
func TestSpanStaysRight(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c, at := drawCalendar(r), drawMoment(r)
		s := c.At(at)
		until := s.Until()
		if until.IsZero() || until.Sub(at) > foresight/2 {
			return // no window at all, or hardly a gap between them
		}
		if !until.After(at) {
			r.Fatalf("%+v at %v", s, at)
		}
		for _, share := range []float64{0, 0.001, 0.1, 0.5, 0.9, 0.999} {
			moment := at.Add(time.Duration(share * float64(until.Sub(at))))
			if got := c.At(moment); got.Active != s.Active || !got.Ends.Equal(s.Ends) || !got.Next.Equal(s.Next) ||
				got.Name != s.Name {
				r.Fatalf("%v says %+v, and %v says %+v", at, s, moment, got)
			}
		}
		if got := c.At(until.Add(-1)); got.Active != s.Active {
			r.Fatalf("%v says %+v, right before its end it is %+v", at, s, got)
		}
		if got := c.At(until); got.Active == s.Active {
			r.Fatalf("%v says %+v, and at that moment it is %+v", at, s, got)
		}
	})
}

// TestWindowsAgainstMinutes compares with a plain count of minutes since each window's start.
func TestWindowsAgainstMinutes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c, at := drawCalendar(r), drawMoment(r)
		for _, w := range c { // what is skipped or repeated has tests of its own
			for d := -4; d <= 1; d++ {
				local := at.In(w.Location).AddDate(0, 0, d)
				start := time.Date(local.Year(), local.Month(), local.Day(), w.Hour, w.Minute, 0, 0, w.Location)
				before, _ := start.ZoneBounds()
				_, after := start.ZoneBounds()
				if start.Sub(before).Abs() < 3*time.Hour || after.Sub(start).Abs() < 3*time.Hour {
					return
				}
			}
		}
		want := false
		for m := range 31 * 60 {
			start := at.Add(-time.Duration(m) * time.Minute)
			for _, w := range c {
				local := start.In(w.Location)
				want = want || local.Hour() == w.Hour && local.Minute() == w.Minute &&
					time.Duration(m)*time.Minute < w.Length &&
					(len(w.Days) == 0 || slices.Contains(w.Days, local.Weekday()))
			}
		}
		if got := c.At(at).Active; got != want {
			r.Fatalf("%v: active %v, want %v", at, got, want)
		}
	})
}
