// Package calendar says when stretches of time that recur on a wall clock begin and end, such as those in which IBKR
// resets its servers, and in which zone Gateway's clock is.
package calendar

import (
	"fmt"
	"slices"
	"time"
)

// Window is a recurring stretch of wall-clock time in its own zone.
type Window struct {
	Name     string
	Days     []time.Weekday // days on which it starts; empty means every day
	Hour     int            // 0–23
	Minute   int            // 0–59
	Length   time.Duration  // elapsed time from the start, at most a week
	Location *time.Location
}

// Calendar is a set of windows. They may overlap, cross midnight and lie in different zones.
type Calendar []Window

// Presets holds IBKR's published reset windows by name. They have changed before; they are data, not code.
//
// Source: IBKR's system status page ("Server reset times"): North America 00:15–01:45 New York, Europe 06:25–07:45
// Zurich, Asia 04:45–06:05 and 20:15–21:15 Hong Kong, each Sunday to Friday; all regions Friday 23:00 to Saturday
// 03:00 New York.
var Presets = map[string][]struct {
	Days   []time.Weekday
	Start  string
	Length time.Duration
	Zone   string
}{
	"ibkr-america": {{sundayToFriday, "00:15", 90 * time.Minute, "America/New_York"}},
	"ibkr-europe":  {{sundayToFriday, "06:25", 80 * time.Minute, "Europe/Zurich"}},
	"ibkr-asia": {
		{sundayToFriday, "04:45", 80 * time.Minute, "Asia/Hong_Kong"},
		{sundayToFriday, "20:15", 60 * time.Minute, "Asia/Hong_Kong"},
	},
	"ibkr-weekend": {{[]time.Weekday{time.Friday}, "23:00", 4 * time.Hour, "America/New_York"}},
}

var sundayToFriday = []time.Weekday{
	time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday,
}

// Preset returns the windows of the named entry of [Presets].
func Preset(name string) (Calendar, error) {
	rows, ok := Presets[name]
	if !ok {
		return nil, fmt.Errorf("unknown reset window preset %q", name)
	}
	var c Calendar
	for _, r := range rows {
		loc, err := time.LoadLocation(r.Zone)
		if err != nil {
			return nil, fmt.Errorf("reset window preset %s: %w", name, err)
		}
		at, err := time.Parse("15:04", r.Start)
		if err != nil {
			return nil, fmt.Errorf("reset window preset %s: %w", name, err)
		}
		c = append(c, Window{
			Name: name, Days: r.Days, Hour: at.Hour(), Minute: at.Minute(), Length: r.Length,
			Location: loc,
		})
	}
	return c, nil
}

// Date returns the first moment at which the clocks in a zone show a date and a time or, where the zone jumps over it,
// the moment of that jump: some dates have no midnight, some have two. [time.Date] may return a moment on either side.
func Date(year int, month time.Month, day, hour, minute int, loc *time.Location) time.Time {
	shown := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	for t := shown.Add(-24 * time.Hour).In(loc); ; { // when no clock on earth showed it yet
		_, offset := t.Zone()
		at := shown.Add(time.Duration(-offset) * time.Second).In(loc)
		_, change := t.ZoneBounds()
		switch {
		case at.Before(t):
			return t
		case change.IsZero() || at.Before(change):
			return at
		}
		t = change
	}
}

// around calls f with each start of the window from the given number of days before t's local date to after it.
func (w Window) around(t time.Time, before, after int, f func(start time.Time)) {
	local := t.In(w.Location)
	y, m, d := local.Date()
	for i := -before; i <= after; i++ {
		// Noon exists on every day, so this is a safe way to count days.
		noon := time.Date(y, m, d+i, 12, 0, 0, 0, w.Location)
		if len(w.Days) == 0 || slices.Contains(w.Days, noon.Weekday()) {
			f(Date(noon.Year(), noon.Month(), noon.Day(), w.Hour, w.Minute, w.Location))
		}
	}
}

// Next returns the first start of the window after t; zero if there is none. Its length does not matter.
func (w Window) Next(t time.Time) (next time.Time) {
	w.around(t, 1, 8, func(start time.Time) {
		if start.After(t) && (next.IsZero() || start.Before(next)) {
			next = start
		}
	})
	return next
}

// Span is what a [Calendar] says about one moment.
type Span struct {
	Active bool
	Name   string    // of the window that is active and ends last
	Ends   time.Time // end of the active stretch, overlapping windows joined; zero if not active
	Next   time.Time // start of the next window after that moment; zero if there is none
}

// foresight bounds how far ahead windows are joined. Only a calendar that hardly ever leaves a gap reaches it.
const foresight = 15 * 24 * time.Hour

// At returns what the calendar says about t. The answer stays the same until the earlier of Ends and Next, except that
// windows without a gap between them are joined no further than two weeks ahead.
func (c Calendar) At(t time.Time) Span {
	var s Span
	// Joining overlapping windows moves the end, which may reach another window: repeat until it rests.
	from := t
	for from.Sub(t) < foresight {
		end, name := c.endOf(from)
		if end.IsZero() {
			break
		}
		from = end
		s.Active, s.Ends, s.Name = true, end, name
	}
	for _, w := range c {
		if next := w.Next(from); w.Length > 0 && !next.IsZero() && (s.Next.IsZero() || next.Before(s.Next)) {
			s.Next = next
		}
	}
	return s
}

// endOf returns the latest end of the windows that t lies in, zero if there is none, and the name of the first with it.
func (c Calendar) endOf(t time.Time) (latest time.Time, name string) {
	for _, w := range c {
		w.around(t, w.days(), 0, func(start time.Time) {
			if end := start.Add(w.Length); !start.After(t) && end.After(t) && end.After(latest) {
				latest, name = end, w.Name
			}
		})
	}
	return latest, name
}

// days returns the number of days before a moment in which a window has to start to reach it.
func (w Window) days() int { return int(w.Length/(24*time.Hour)) + 1 }

// Validate says which window makes no sense.
func (c Calendar) Validate() error {
	for _, w := range c {
		switch {
		case w.Location == nil:
			return fmt.Errorf("reset window %q has no time zone", w.Name)
		case w.Hour < 0 || w.Hour > 23 || w.Minute < 0 || w.Minute > 59:
			return fmt.Errorf("reset window %q starts at %02d:%02d", w.Name, w.Hour, w.Minute)
		case w.Length < 0 || w.Length > 7*24*time.Hour:
			return fmt.Errorf("reset window %q is %v long", w.Name, w.Length)
		}
	}
	return nil
}

// Until returns the moment up to which s stays the right answer; zero for ever.
func (s Span) Until() time.Time {
	if s.Active {
		return s.Ends
	}
	return s.Next
}
