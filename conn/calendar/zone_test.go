package calendar

import (
	"fmt"
	"testing"
	"time"
)

// TestZoneOf reads Gateway's zone off its greeting.
func TestZoneOf(t *testing.T) {
	now := time.Date(2026, 12, 1, 15, 0, 20, 0, time.UTC)
	for _, c := range []struct {
		greeting string
		local    bool
		hours    string // ahead of UTC now and half a year later
	}{
		{"20261201 10:00:00 EST", false, "-5 -4"},
		{"20261201 10:00:00 US/Eastern", false, "-5 -4"},
		{"20261201 10:04:00 EST", false, "-5 -4"}, // our clock, or Gateway's, is wrong
		{"20261201 23:00:00 CST", false, "8 8"},
		{"20261201 09:00:00 CST", false, "-6 -5"},
		{"20261201 08:00:00 MST", false, "-7 -6"},
		{"20261201 15:00:00 GMT", false, "0 1"},
		{"20261201 20:30:00 IST", false, "5.5 5.5"},
		{"20261201 17:00:00 IST", false, "2 3"},
		{"20261201 23:00:00 中国标准时间", false, "8 8"},
		{"20261201 16:00:00 MEZ", false, "1 2"},
		{"20261201 10:00:00", false, "-5 -5"},
		{"20261201 10:07:31 ?", false, "unknown"},
		{"20260601 10:00:00 ../../etc/passwd", false, "unknown"},
		{"yesterday", false, "unknown"},
		{"", false, "unknown"},
	} {
		got := "unknown"
		if zone := ZoneOf(c.greeting, now, c.local); zone != nil {
			_, winter := now.In(zone).Zone()
			_, summer := now.AddDate(0, 6, 0).In(zone).Zone()
			got = fmt.Sprint(float64(winter)/3600, " ", float64(summer)/3600)
		}
		if got != c.hours {
			t.Errorf("%q: %s hours, want %s", c.greeting, got, c.hours)
		}
	}
	ours := now.In(time.Local).Format("20060102 15:04:05")
	for _, greeting := range []string{"yesterday", ours, ours + " GMT", ours + " UTC", ours + " EST"} {
		if zone := ZoneOf(greeting, now, true); zone != time.Local {
			t.Errorf("%q on this computer: %v", greeting, zone)
		}
	}
}
