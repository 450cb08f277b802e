package api

import (
	"testing"
	"time"

	"gatewatch/conn/history"
)

func TestPeriodOf(t *testing.T) {
	of := func(connected, down time.Duration, outages int) Period {
		now := time.Date(2026, 3, 9, 9, 31, 12, 0, time.UTC)
		a := history.Account{From: now, Until: now.Add(connected + down), Outages: outages, Longest: down}
		a.Terms[history.Connected], a.Terms[history.Down] = connected, down
		return PeriodOf("x", a)
	}
	nothing := of(0, 0, 0)
	if nothing.UptimePercent != nil || nothing.MarketUptimePercent != nil || nothing.MeanBetweenSeconds != nil {
		t.Errorf("nothing to say, and yet %+v", nothing)
	}
	for _, c := range []struct {
		connected, down time.Duration
		outages         int
		percent         float64
	}{
		{24 * time.Hour, 0, 0, 100},
		{90*24*time.Hour - time.Millisecond, time.Millisecond, 1, 99.999}, // cut, not rounded
		{2 * time.Hour, time.Hour, 1, 66.666},
		{0, time.Hour, 1, 0},
	} {
		p := of(c.connected, c.down, c.outages)
		if p.UptimePercent == nil || *p.UptimePercent != c.percent {
			t.Errorf("%v connected, %v down: %v", c.connected, c.down, p.UptimePercent)
		}
		if (p.MeanBetweenSeconds == nil) != (c.outages == 0) || p.ConnectedSeconds != c.connected.Seconds() ||
			p.Seconds != (c.connected+c.down).Seconds() {
			t.Errorf("%v connected, %v down: %+v", c.connected, c.down, p)
		}
	}
}
