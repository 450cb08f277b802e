package history

import (
	"testing"
	"time"
)

func zone(t interface {
	Helper()
	Fatal(args ...any)
}, name string,
) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

var workdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}

func TestHours(t *testing.T) {
	ny := zone(t, "America/New_York")
	stocks := &Hours{Days: workdays, OpenHour: 9, OpenMinute: 30, CloseHour: 16, Location: ny}
	globex := &Hours{Days: []time.Weekday{0, 1, 2, 3, 4}, OpenHour: 18, CloseHour: 17, Location: ny}
	always := &Hours{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Location: ny} // 00:00–00:00
	gap := &Hours{Days: []time.Weekday{0}, OpenHour: 2, OpenMinute: 30, CloseHour: 4, Location: ny}
	twice := &Hours{Days: []time.Weekday{0}, OpenHour: 1, OpenMinute: 30, CloseHour: 4, Location: ny}
	for name, c := range map[string]struct {
		hours       *Hours
		from, until string
		want        []string // pairs, in UTC
	}{
		"a day": {
			stocks, "2026-11-23T00:00Z", "2026-11-24T00:00Z",
			[]string{"2026-11-23T14:30Z", "2026-11-23T21:00Z"},
		},
		"cut at both ends": {
			stocks, "2026-11-23T15:00Z", "2026-11-23T16:00Z",
			[]string{"2026-11-23T15:00Z", "2026-11-23T16:00Z"},
		},
		"ends when it opens":   {stocks, "2026-11-23T10:00Z", "2026-11-23T14:30Z", nil},
		"begins when it shuts": {stocks, "2026-11-23T21:00Z", "2026-11-24T10:00Z", nil},
		"weekend":              {stocks, "2026-11-20T21:00Z", "2026-11-23T14:30Z", nil},
		"nothing":              {stocks, "2026-11-23T16:00Z", "2026-11-23T16:00Z", nil},
		"summer time begins": {
			stocks, "2026-03-06T00:00Z", "2026-03-10T00:00Z",
			[]string{"2026-03-06T14:30Z", "2026-03-06T21:00Z", "2026-03-09T13:30Z", "2026-03-09T20:00Z"},
		},
		"summer time ends": {
			stocks, "2026-10-30T00:00Z", "2026-11-03T00:00Z",
			[]string{"2026-10-30T13:30Z", "2026-10-30T20:00Z", "2026-11-02T14:30Z", "2026-11-02T21:00Z"},
		},
		"over midnight": {
			globex, "2026-11-24T00:00Z", "2026-11-25T00:00Z",
			[]string{"2026-11-24T00:00Z", "2026-11-24T22:00Z", "2026-11-24T23:00Z", "2026-11-25T00:00Z"},
		},
		"still open on Friday": {
			globex, "2026-11-27T06:00Z", "2026-11-29T00:00Z",
			[]string{"2026-11-27T06:00Z", "2026-11-27T22:00Z"},
		},
		"opened the day before": {
			globex, "2026-11-24T05:30Z", "2026-11-24T06:00Z",
			[]string{"2026-11-24T05:30Z", "2026-11-24T06:00Z"},
		},
		"over the short night": {
			globex, "2026-03-08T20:00Z", "2026-03-09T22:00Z",
			[]string{"2026-03-08T22:00Z", "2026-03-09T21:00Z"},
		},
		"all day of 23 hours": {
			always, "2026-03-08T05:00Z", "2026-03-09T04:00Z",
			[]string{"2026-03-08T05:00Z", "2026-03-09T04:00Z"},
		},
		"all day of 25 hours": {
			always, "2026-11-01T04:00Z", "2026-11-02T05:00Z",
			[]string{"2026-11-01T04:00Z", "2026-11-02T05:00Z"},
		},
		"opens at a skipped time": {
			gap, "2026-03-08T00:00Z", "2026-03-09T00:00Z",
			[]string{"2026-03-08T07:00Z", "2026-03-08T08:00Z"},
		},
		"opens at a double time": {
			twice, "2026-11-01T00:00Z", "2026-11-02T00:00Z",
			[]string{"2026-11-01T05:30Z", "2026-11-01T09:00Z"},
		},
		"no hours": {nil, "2026-11-23T00:00Z", "2026-11-24T00:00Z", nil},
		"no days": {
			&Hours{OpenHour: 9, CloseHour: 16, Location: ny}, "2026-11-23T00:00Z",
			"2026-11-24T00:00Z", nil,
		},
		"no zone": {
			&Hours{Days: workdays, OpenHour: 9, CloseHour: 16}, "2026-11-23T00:00Z",
			"2026-11-24T00:00Z",
			[]string{"2026-11-23T09:00Z", "2026-11-23T16:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ms := func(text string) int64 {
				at, err := time.Parse("2006-01-02T15:04Z", text)
				if err != nil {
					t.Fatal(err)
				}
				return at.UnixMilli()
			}
			// Days around the clock join where they meet; here only the sum of what meets matters.
			var got []stretch
			for _, s := range c.hours.between(ms(c.from), ms(c.until)) {
				if n := len(got); n > 0 && got[n-1].until == s.from {
					got[n-1].until = s.until
					continue
				}
				got = append(got, s)
			}
			ok := 2*len(got) == len(c.want)
			for i := 0; ok && i < len(got); i++ {
				ok = got[i] == stretch{ms(c.want[2*i]), ms(c.want[2*i+1])}
			}
			if !ok {
				for _, s := range got {
					t.Logf("got %s – %s", time.UnixMilli(s.from).UTC(), time.UnixMilli(s.until).UTC())
				}
				t.Errorf("want %v", c.want)
			}
		})
	}
}

func TestHoursInWords(t *testing.T) {
	ny := zone(t, "America/New_York")
	for want, h := range map[string]*Hours{
		"Mon–Fri 09:30–16:00 America/New_York": {
			Days: workdays, OpenHour: 9, OpenMinute: 30, CloseHour: 16,
			Location: ny,
		},
		"Mon–Thu, Sun 18:00–17:00 America/New_York": {
			Days: []time.Weekday{0, 1, 2, 3, 4}, OpenHour: 18, CloseHour: 17,
			Location: ny,
		},
		"Mon, Tue, Sat 00:00–00:00 UTC": {Days: []time.Weekday{6, 2, 1, 1}},
		"Mon–Sun 00:05–23:59 UTC": {
			Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, OpenMinute: 5,
			CloseHour: 23, CloseMinute: 59,
		},
	} {
		if got := h.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (*Hours)(nil).String() + (&Hours{Location: ny}).String(); got != "" {
		t.Errorf("no hours are %q", got)
	}
}
