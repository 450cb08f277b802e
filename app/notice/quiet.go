package notice

import (
	"cmp"
	"time"

	"gatewatch/conn/calendar"
)

// Quiet is a daily time in which nothing is reported, on the wall clock of a zone. What still lasts at its end is
// reported then. The zero value is none, and so is one with an hour or minute that no clock shows.
//
// Where a change of the clocks skips a bound, the bound is the change; where it repeats one, the first of the two.
type Quiet struct {
	FromHour, FromMinute   int
	UntilHour, UntilMinute int            // the same as from: no quiet hours; earlier: on the next day
	Location               *time.Location // nil: the zone of this computer
}

// Until returns the end of the quiet hours that now lies in, the zero time if it lies in none.
func (q Quiet) Until(now time.Time) time.Time {
	if q.none() {
		return time.Time{}
	}
	end, begin := q.next(now, q.UntilHour, q.UntilMinute), q.next(now, q.FromHour, q.FromMinute)
	// Both are one moment on a day that skips both: what reaches to it over midnight ends there and begins again.
	if end.Before(begin) || end.Equal(begin) && q.overnight() {
		return end
	}
	return time.Time{}
}

// begun returns when the quiet hours that t lies in began.
func (q Quiet) begun(t time.Time) (begin time.Time) {
	for next := q.next(t.Add(-49*time.Hour), q.FromHour, q.FromMinute); !next.After(t); next = q.next(next, q.FromHour,
		q.FromMinute) {
		begin = next
	}
	return begin
}

// next returns the first moment after t at which it is that time of day.
func (q Quiet) next(t time.Time, hour, minute int) time.Time {
	loc := cmp.Or(q.Location, time.Local)
	return calendar.Window{Hour: hour, Minute: minute, Location: loc}.Next(t)
}

func (q Quiet) from() int       { return q.FromHour*60 + q.FromMinute }
func (q Quiet) until() int      { return q.UntilHour*60 + q.UntilMinute }
func (q Quiet) overnight() bool { return q.until() < q.from() }

func (q Quiet) none() bool {
	inDay := func(hour, minute int) bool { return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 }
	return q.from() == q.until() || !inDay(q.FromHour, q.FromMinute) || !inDay(q.UntilHour, q.UntilMinute)
}
