package api

import (
	"time"

	"gatewatch/conn/history"
)

// periods are those that an account of uptime is given for, beside the local days.
var periods = []struct {
	name string
	long time.Duration
}{
	{"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"90d", 90 * 24 * time.Hour},
}

// UptimeOf renders what a timeline knows of so many local days up to now.
func UptimeOf(line *history.Timeline, days int, now time.Time, hours *history.Hours) Uptime {
	zone, _ := now.Local().Zone()
	if name := time.Local.String(); name != "Local" {
		zone = name
	}
	u := Uptime{At: Stamp(now), Zone: zone, MarketHours: hours.String(), Spans: []Span{}}
	if first := line.Since(); !first.IsZero() {
		first = first.Local()
		u.ObservedSince = &first
	}
	for _, p := range periods {
		u.Periods = append(u.Periods, PeriodOf(p.name, line.Account(now.Add(-p.long), now, hours)))
	}
	for _, a := range line.Days(days, now, time.Local, hours) {
		u.Days = append(u.Days, PeriodOf(a.From.In(time.Local).Format(time.DateOnly), a))
	}
	for _, s := range line.Spans(now.Add(-24*time.Hour), now) {
		u.Spans = append(u.Spans, Span{From: s.From.Local(), Until: s.Until.Local(), Kind: s.Kind})
	}
	return u
}

// UptimeNeeds returns since when an account of so many days needs to know the past.
func UptimeNeeds(days int, now time.Time) time.Time { return now.AddDate(0, 0, -max(days, 91)-1) }
