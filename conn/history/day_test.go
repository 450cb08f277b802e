package history

import (
	"testing"
	"time"
)

func at(t *testing.T, zone, s string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	v, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDayAddsUp(t *testing.T) {
	type turn struct {
		at   string
		kind Kind
	}
	for _, c := range []struct {
		name            string
		zone            string
		turns           []turn
		connected, down time.Duration
		planned, paused time.Duration
		outages         int
		longest         time.Duration
	}{
		{
			name: "two outages, a reset and a pause", zone: "UTC",
			turns: []turn{
				{"2026-03-02 08:00:00", Down},
				{"2026-03-02 08:00:10", Connected},
				{"2026-03-02 09:00:10", Down},
				{"2026-03-02 09:04:10", Connected},
				{"2026-03-02 10:04:10", Planned},
				{"2026-03-02 10:14:10", Connected},
				{"2026-03-02 10:24:10", Paused},
				{"2026-03-02 10:54:10", Connected},
				{"2026-03-02 11:54:10", Connected},
			},
			connected: 3*time.Hour + 10*time.Minute, down: 4*time.Minute + 10*time.Second,
			planned: 10 * time.Minute, paused: 30 * time.Minute, outages: 2, longest: 4 * time.Minute,
		},
		{
			name: "an outage over midnight counts in both days", zone: "UTC",
			turns:     []turn{{"2026-03-02 23:00:00", Down}, {"2026-03-03 00:30:00", Connected}, {"2026-03-03 01:30:00", Connected}},
			connected: time.Hour, down: 30 * time.Minute, outages: 1, longest: 30 * time.Minute,
		},
		{
			name: "days of sleep leave only the last", zone: "UTC",
			turns:     []turn{{"2026-03-02 23:00:00", Connected}, {"2026-03-05 02:00:00", Connected}},
			connected: 2 * time.Hour,
		},
		{
			name: "a day of 25 hours", zone: "America/New_York",
			turns:     []turn{{"2026-10-31 22:00:00", Connected}, {"2026-11-01 23:00:00", Connected}},
			connected: 24 * time.Hour,
		},
		{
			name: "a day of 23 hours", zone: "America/New_York",
			turns:     []turn{{"2026-03-07 22:00:00", Connected}, {"2026-03-08 23:00:00", Connected}},
			connected: 22 * time.Hour,
		},
		{
			name: "a clock set back", zone: "UTC",
			turns:     []turn{{"2026-03-02 08:00:00", Connected}, {"2026-03-02 07:00:00", Connected}, {"2026-03-02 07:10:00", Down}},
			connected: 10 * time.Minute, outages: 1,
		},
	} {
		d := Begin(at(t, c.zone, c.turns[0].at), c.turns[0].kind)
		for _, turn := range c.turns[1:] {
			d = d.Add(at(t, c.zone, turn.at), turn.kind)
		}
		if d.Connected != c.connected || d.Down != c.down || d.Planned != c.planned || d.Paused != c.paused {
			t.Errorf("%s: connected %v down %v planned %v paused %v", c.name, d.Connected, d.Down, d.Planned, d.Paused)
		}
		if d.Outages != c.outages || d.Longest != c.longest {
			t.Errorf("%s: %d outages, longest %v", c.name, d.Outages, d.Longest)
		}
	}
}

func TestUptimeLeavesOutWhatIsNotItsBusiness(t *testing.T) {
	begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	d := Begin(begin, Paused).Add(begin.Add(time.Hour), Planned).Add(begin.Add(2*time.Hour), Planned)
	if _, ok := d.Uptime(); ok {
		t.Error("uptime without anything to divide")
	}
	d = d.Add(begin.Add(2*time.Hour), Connected).Add(begin.Add(5*time.Hour), Down).Add(begin.Add(6*time.Hour), Connected)
	if share, ok := d.Uptime(); !ok || share != 0.75 {
		t.Errorf("uptime %v %v, want 0.75", share, ok)
	}
	if d.MeanDown() != time.Hour {
		t.Errorf("mean %v", d.MeanDown())
	}
}
