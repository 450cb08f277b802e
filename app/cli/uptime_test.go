package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
)

// TestUptimeFits writes the history of a computer that sleeps at night, at which nothing was paused, for a terminal of
// 100 columns.
func TestUptimeFits(t *testing.T) {
	share, market, between := 99.998, 100.0, 40*3600.0
	since := time.Date(2026, 9, 4, 8, 0, 0, 0, time.UTC)
	u := api.Uptime{
		ObservedSince: &since, Zone: "Europe/London",
		MarketHours: "Monday to Friday 09:30–16:00 America/New_York",
	}
	period := func(name string, days float64, outages int) api.Period {
		p := api.Period{
			Name: name, From: since, UptimePercent: &share, MarketUptimePercent: &market,
			ConnectedSeconds: days * (15*3600 + 44*60), DownSeconds: days * 72, PlannedSeconds: days * 15 * 60,
			AsleepSeconds: days * (7*3600 + 50*60), UnobservedSeconds: days * (11*60 + 12), Outages: outages,
		}
		if outages > 0 {
			p.LongestSeconds, p.MeanSeconds, p.MeanBetweenSeconds = 59*60+12, 42, &between
		}
		return p
	}
	for i := range 7 {
		u.Days = append(u.Days, period(fmt.Sprintf("day %d", i), 1, i%2))
	}
	u.Periods = []api.Period{period("24h", 1, 1), period("90d", 90, 40)}
	var b strings.Builder
	if err := writeUptime(&b, u); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for line := range strings.Lines(out) {
		if n := cells.StringWidth(line); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if n := strings.Count(out, "Fri 2026-09-04"); n != 7+3 {
		t.Errorf("%d rows of days, want 7 and one for each with outages", n)
	}
	for word, want := range map[string]bool{
		"Paused": false, "Asleep": true, "99.998 %": true, "15 h 44 min": true, "59 min 12 s": true, "last 90d": true,
		"Mean between": true, "1 d 16 h": false, "40 h": true,
	} {
		if strings.Contains(out, word) != want {
			t.Errorf("%q is there: %v", word, !want)
		}
	}
	if t.Failed() {
		t.Log("\n" + out)
	}
}
