package main

import (
	"fmt"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/conn/history"
)

// periods are those that an account of uptime is given for, beside the local days.
var periods = []struct {
	name string
	long time.Duration
}{
	{"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"90d", 90 * 24 * time.Hour},
}

// uptimeOf renders what a timeline knows of so many local days up to now.
func uptimeOf(line *history.Timeline, days int, now time.Time, hours *history.Hours) api.Uptime {
	zone, _ := now.Local().Zone()
	if name := time.Local.String(); name != "Local" {
		zone = name
	}
	u := api.Uptime{At: now.Local().Round(time.Millisecond), Zone: zone, MarketHours: hours.String(), Spans: []api.Span{}}
	if first := line.Since(); !first.IsZero() {
		first = first.Local()
		u.ObservedSince = &first
	}
	for _, p := range periods {
		u.Periods = append(u.Periods, api.PeriodOf(p.name, line.Account(now.Add(-p.long), now, hours)))
	}
	for _, a := range line.Days(days, now, time.Local, hours) {
		u.Days = append(u.Days, api.PeriodOf(a.From.In(time.Local).Format(time.DateOnly), a))
	}
	for _, s := range line.Spans(now.Add(-24*time.Hour), now) {
		u.Spans = append(u.Spans, api.Span{From: s.From.Local(), Until: s.Until.Local(), Kind: s.Kind})
	}
	return u
}

// reach returns since when an answer of so many days needs to know the past.
func reach(days int, now time.Time) time.Time {
	return now.AddDate(0, 0, -max(days, 91)-1)
}

// hoursOf returns the market hours that settings name, nil if there are none.
func hoursOf(m settings.MarketHours) (*history.Hours, error) {
	if len(m.Days) == 0 {
		return nil, nil
	}
	h := &history.Hours{Days: m.Weekdays()}
	var err error
	if h.OpenHour, h.OpenMinute, err = settings.ParseClock(m.Open); err != nil {
		return nil, fmt.Errorf("market_hours.open: %w", err)
	}
	if h.CloseHour, h.CloseMinute, err = settings.ParseClock(m.Close); err != nil {
		return nil, fmt.Errorf("market_hours.close: %w", err)
	}
	if h.Location, err = time.LoadLocation(m.Timezone); err != nil {
		return nil, fmt.Errorf("market_hours.timezone: %w", err)
	}
	return h, nil
}
