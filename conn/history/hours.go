package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatewatch/conn/calendar"
)

// Hours are the hours in which a market is open, on the wall clock of its zone. Holidays are not known to it. A nil
// Hours is a market that never opens.
type Hours struct {
	Days                   []time.Weekday // on which it opens; none: never
	OpenHour, OpenMinute   int
	CloseHour, CloseMinute int            // not after the opening: on the next day
	Location               *time.Location // nil: UTC
}

// stretch is a time in milliseconds since 1970.
type stretch struct{ from, until int64 }

// between returns the times of open market between two moments, in order, without overlaps.
func (h *Hours) between(from, until int64) []stretch {
	if h == nil || len(h.Days) == 0 || from >= until {
		return nil
	}
	loc := cmp.Or(h.Location, time.UTC)
	closing := h.CloseHour*60 + h.CloseMinute // in minutes of the opening's day
	if closing <= h.OpenHour*60+h.OpenMinute {
		closing += 24 * 60
	}
	var list []stretch
	y, m, d := time.UnixMilli(from).In(loc).Date()
	for d--; ; d++ { // what opened the day before may still be open
		open := calendar.Date(y, m, d, h.OpenHour, h.OpenMinute, loc).UnixMilli()
		if open >= until {
			return list
		}
		if !slices.Contains(h.Days, time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday()) {
			continue
		}
		s := stretch{max(open, from), min(calendar.Date(y, m, d, 0, closing, loc).UnixMilli(), until)}
		if s.from < s.until {
			list = append(list, s)
		}
	}
}

var dayNames = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// String returns the hours in words, such as "Mon–Fri 09:30–16:00 America/New_York"; nothing if there are none.
func (h *Hours) String() string {
	if h == nil || len(h.Days) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %02d:%02d–%02d:%02d %s", dayWords(h.Days), h.OpenHour, h.OpenMinute, h.CloseHour,
		h.CloseMinute, h.Location)
}

// dayWords lists days from Monday on, three or more in a row as a range.
func dayWords(days []time.Weekday) string {
	var words []string
	for i := 1; i <= 7; {
		if !slices.Contains(days, time.Weekday(i%7)) {
			i++
			continue
		}
		end := i
		for end < 7 && slices.Contains(days, time.Weekday((end+1)%7)) {
			end++
		}
		switch name, last := dayNames[i%7], dayNames[end%7]; end - i {
		case 0:
			words = append(words, name)
		case 1:
			words = append(words, name, last)
		default:
			words = append(words, name+"–"+last)
		}
		i = end + 1
	}
	return strings.Join(words, ", ")
}

// Open reports whether the market is open at t.
func (h *Hours) Open(t time.Time) bool {
	ms := t.UnixMilli()
	return len(h.between(ms, ms+1)) > 0
}
