package ui

import (
	"math"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

// noon is when every scene plays.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// connected is a status in which all is well.
func connected() api.Status {
	return api.Status{
		State: conn.Connected, Connected: true, Since: noon.Add(-2*time.Hour - 29*time.Minute), Headline: "Connected",
		Layers: api.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
			"usfarm": conn.FarmOK, "ushmds": conn.FarmDormant, "secdefil": conn.FarmOK, "usfarm.nj": conn.FarmOK,
		}},
		LayersSince: api.LayerTimes{
			Socket: noon.Add(-149 * time.Minute), API: noon.Add(-149 * time.Minute),
			Upstream: noon.Add(-149 * time.Minute), Farms: noon.Add(-42 * time.Minute),
		},
		Session: 3, Lost: 2,
		Reset:   api.ResetWindow{NextAt: new(noon.Add(6 * time.Hour))},
		Gateway: api.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: "paper"},
		Guard:   api.Guard{Open: true, Text: "guard open"},
		Probe:   api.Probe{RoundTripMillis: 1.3},
		Today: api.Period{
			Name: "today", From: noon.Add(-12 * time.Hour), Until: noon, Seconds: 43200, ConnectedSeconds: 38392,
			DownSeconds:    308,
			PlannedSeconds: 900, UnobservedSeconds: 3600, UptimePercent: new(99.284),
			MarketUptimePercent: new(98.5), Outages: 2,
			LongestSeconds: 252, MeanSeconds: 154,
		},
		Version: "1.0", Seq: 42,
	}
}

func closedGuard(reason string, id ib.GuardReason) api.Guard {
	return api.Guard{Reason: reason, ReasonID: id, Text: wording.Orders(reason, "")}
}

func reconnecting() api.Status {
	st := connected()
	st.State, st.Connected, st.Since = conn.Reconnecting, false, noon.Add(-74*time.Second)
	st.Cause, st.CauseID = "Connection refused: nothing listens on 127.0.0.1:4002.", ib.CauseRefused
	st.Hint = "Start IB Gateway or TWS and log in. In its API settings enable “ActiveX and Socket Clients” and " +
		"compare the port " +
		"in settings.json (gateway.port). `gatewatch doctor` shows which ports are open."
	st.Headline = "Reconnecting, attempt 4 in 12 s"
	st.Layers = api.Layers{Farms: map[string]conn.FarmState{}}
	st.LayersSince = api.LayerTimes{Socket: st.Since, API: st.Since}
	st.Attempt = api.Attempt{Number: 4, NextAt: new(noon.Add(11500 * time.Millisecond))}
	st.Session, st.Lost = 0, 3
	st.Guard = closedGuard("not connected to Gateway", ib.GuardSocket)
	return st
}

// lookingForTheFirst is the status before the first connection ever.
func lookingForTheFirst() api.Status {
	s := &conn.Snapshot{
		State: conn.Connecting, Since: noon.Add(-time.Minute), GuardSince: noon.Add(-time.Minute), First: true,
		Cause: ib.CauseRefused, Guard: ib.GuardSocket, Gateway: ib.Gateway{Host: "127.0.0.1", Mode: ib.AnyMode},
		Attempt: conn.Attempt{Number: 4, NextAt: noon.Add(11500 * time.Millisecond)},
		Window:  calendar.Span{Next: noon.Add(6 * time.Hour)},
	}
	for _, port := range conn.DefaultPorts {
		s.Tried = append(s.Tried, ib.PortTry{Port: port, Cause: ib.CauseRefused})
	}
	return api.StatusOf(s, noon, "1.0", 17, noon.Add(-time.Minute))
}

// records are those of the outages in the report.
func records() api.Log {
	at := func(ago time.Duration, what history.What, counts history.Kind, cause ib.Cause) history.Record {
		return history.Record{Time: noon.Add(-ago), What: what, Counts: counts, Cause: cause}
	}
	return api.Log{Records: []history.Record{
		at(40*24*time.Hour, history.Lost, history.Down, ib.CauseSilent),
		at(40*24*time.Hour-time.Hour, history.Recovered, history.Connected, ""),
		at(12*time.Hour+45*time.Minute, history.Lost, history.Down, ib.CauseClosed),
		at(12*time.Hour+44*time.Minute+30*time.Second, history.Recovered, history.Connected, ""),
		at(11*time.Hour+44*time.Minute+30*time.Second, history.FellAsleep, history.Asleep, ""),
		at(5*time.Hour+44*time.Minute+30*time.Second, history.UpstreamLost, history.Down, ib.CauseUpstream),
		at(5*time.Hour+40*time.Minute, history.AttemptFailed, history.Down, ib.CauseRefused),
		at(5*time.Hour+24*time.Minute+30*time.Second, history.Recovered, history.Connected, ""),
		at(2*time.Hour, history.OrdersBlocked, history.Connected, ib.CauseReadOnly),
		at(110*time.Minute, history.OrdersConfirmed, history.Connected, ""),
	}}
}

// report is what there was until noon: some of everything.
func report() api.Uptime {
	u := api.Uptime{
		At: noon, Zone: "UTC", ObservedSince: new(noon.Add(-80 * 24 * time.Hour)),
		MarketHours: "Mon–Fri 09:30–16:00 America/New_York",
	}
	from := noon.Add(-24 * time.Hour)
	for _, s := range []struct {
		long time.Duration
		kind history.Kind
	}{
		{2 * time.Hour, history.Unobserved},
		{6 * time.Hour, history.Connected},
		{15 * time.Minute, history.Planned},
		{3 * time.Hour, history.Connected},
		{30 * time.Second, history.Down},
		{time.Hour, history.Connected},
		{6 * time.Hour, history.Asleep},
		{20 * time.Minute, history.Down},
		{2 * time.Hour, history.Connected},
		{40 * time.Minute, history.Paused},
	} {
		u.Spans = append(u.Spans, api.Span{From: from, Until: from.Add(s.long), Kind: s.kind})
		from = from.Add(s.long)
	}
	u.Spans = append(u.Spans, api.Span{From: from, Until: noon, Kind: history.Connected})
	for i := range 90 {
		day := api.Period{
			From: noon.AddDate(0, 0, i-89).Add(-12 * time.Hour), Seconds: 86400, ConnectedSeconds: 85000,
			PlannedSeconds: 900, DownSeconds: 500, Outages: 2, LongestSeconds: 400, UptimePercent: new(99.415),
		}
		switch {
		case i < 10:
			day = api.Period{From: day.From, Seconds: 86400, UnobservedSeconds: 86400}
		case i%7 == 3:
			day.ConnectedSeconds, day.AsleepSeconds, day.PausedSeconds = 45000, 30000, 10000
		case i%11 == 5:
			day.ConnectedSeconds, day.DownSeconds, day.Outages, day.UptimePercent = 60000, 25500, 1, new(70.175)
		}
		u.Days = append(u.Days, day)
	}
	for _, name := range []string{"24h", "7d", "30d", "90d"} {
		between := 40000.0
		u.Periods = append(u.Periods, api.Period{
			Name: name, Seconds: 86400, ConnectedSeconds: 74970, DownSeconds: 1230, PlannedSeconds: 900,
			PausedSeconds: 2400,
			AsleepSeconds: 4500, UnobservedSeconds: 2400, UptimePercent: new(98.385),
			MarketUptimePercent: new(97.1), Outages: 2,
			LongestSeconds: 1200, MeanSeconds: 615, MeanBetweenSeconds: &between,
		})
	}
	return u
}

func inForce() api.SettingsView {
	return api.SettingsView{
		Path: "/home/trader/.config/gatewatch/settings.json", Found: true,
		Settings: settings.Default(), Defaults: settings.Default(),
	}
}

// latency is of a day in which Gateway was slow in the evening and away for half an hour in the night.
func latency() (l api.Latency) {
	for m := range 24 * 60 {
		one := api.LatencyMinute{
			At: noon.Add(time.Duration(m)*time.Minute - 24*time.Hour), MedianMillis: 1.2 + 0.4*math.Sin(float64(m)/40),
		}
		one.MaxMillis = one.MedianMillis * float64(2+m%7)
		switch {
		case m > 1080 && m < 1110:
			continue
		case m > 420 && m < 450:
			one.MedianMillis, one.MaxMillis = 40, float64(100+50*(m-420))
		}
		l.Minutes = append(l.Minutes, one)
	}
	return l
}
