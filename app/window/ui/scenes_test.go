package ui

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/history"
)

// noon is when every scene plays.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func at(t time.Time) *time.Time { return &t }

func percent(p float64) *float64 { return &p }

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
		Reset:   api.ResetWindow{NextAt: at(noon.Add(6 * time.Hour))},
		Gateway: api.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: "paper"},
		Guard:   api.Guard{Open: true, Text: "guard open"},
		Probe:   api.Probe{RoundTripMillis: 1.3},
		Today: api.Period{
			Name: "today", From: noon.Add(-12 * time.Hour), Until: noon, Seconds: 43200, ConnectedSeconds: 38392,
			DownSeconds:    308,
			PlannedSeconds: 900, UnobservedSeconds: 3600, UptimePercent: percent(99.284),
			MarketUptimePercent: percent(98.5), Outages: 2,
			LongestSeconds: 252, MeanSeconds: 154,
		},
		Version: "1.0", Seq: 42,
	}
}

func closedGuard(reason string, id conn.GuardReason) api.Guard {
	return api.Guard{Reason: reason, ReasonID: id, Text: wording.Orders(reason, true)}
}

func reconnecting() api.Status {
	st := connected()
	st.State, st.Connected, st.Since = conn.Reconnecting, false, noon.Add(-74*time.Second)
	st.Cause, st.CauseID = "Connection refused: nothing listens on 127.0.0.1:4002.", conn.CauseRefused
	st.Hint = "Start IB Gateway or TWS and log in. In its API settings enable “ActiveX and Socket Clients” and " +
		"compare the port " +
		"in settings.json (gateway.port). `gatewatch doctor` shows which ports are open."
	st.Headline = "Reconnecting, attempt 4 in 12 s"
	st.Layers = api.Layers{Farms: map[string]conn.FarmState{}}
	st.LayersSince = api.LayerTimes{Socket: st.Since, API: st.Since}
	st.Attempt = api.Attempt{Number: 4, NextAt: at(noon.Add(11500 * time.Millisecond))}
	st.Session, st.Lost = 0, 3
	st.Guard = closedGuard("not connected to Gateway", conn.GuardSocket)
	return st
}

// lookingForTheFirst is the status before the first connection ever.
func lookingForTheFirst() api.Status {
	s := &conn.Snapshot{
		State: conn.Connecting, Since: noon.Add(-time.Minute), GuardSince: noon.Add(-time.Minute), First: true,
		Cause: conn.CauseRefused, Guard: conn.GuardSocket, Gateway: conn.Gateway{Host: "127.0.0.1", Mode: conn.AnyMode},
		Attempt: conn.Attempt{Number: 4, NextAt: noon.Add(11500 * time.Millisecond)},
		Window:  conn.Span{Next: noon.Add(6 * time.Hour)},
	}
	for _, port := range conn.DefaultPorts {
		s.Tried = append(s.Tried, conn.PortTry{Port: port, Cause: conn.CauseRefused})
	}
	return api.StatusOf(s, noon, "1.0", 17, noon.Add(-time.Minute))
}

// form opens the page of settings, in which a person does something.
func form(in api.SettingsView, do func(*settingsPage)) func(*View) {
	return func(v *View) {
		v.Settings(in)
		v.Status(connected(), noon)
		v.open(pageSettings)
		do(v.form)
	}
}

// opened opens sections of the form, all if none is named.
func opened(p *settingsPage, titles ...string) {
	for _, s := range p.sections {
		s.open = len(titles) == 0 || slices.Contains(titles, s.title)
	}
	p.arrange()
}

func scenes() map[string]func(*View) {
	status := func(st api.Status) func(*View) {
		return func(v *View) {
			v.Settings(inForce())
			v.Status(st, noon)
		}
	}
	list := map[string]func(*View){
		"looking": func(*View) {},
		"unsupported": func(v *View) {
			st := connected()
			st.Gateway.UnsupportedFrom = "2026-12-15"
			st.Gateway.Unsupported = "IBKR ends its support for this version of Gateway on 15 December 2026, in 15 " +
				"days. Update IB Gateway or TWS to 10.50 or newer, then check its API settings."
			status(st)(v)
		},
		"messages": func(v *View) {
			status(connected())(v)
			v.open(pageHistory)
			v.Messages(api.Messages{Messages: []api.Message{
				{Code: 2172, Text: "This version of IB Gateway will be desupported on 20261215. Please upgrade to " +
					"the latest version.", First: noon.Add(-time.Hour), Last: noon.Add(-time.Minute), Count: 3},
				{
					Code: 2104, Text: "Market data farm connection is OK:usfarm", First: noon.Add(-time.Hour),
					Last: noon.Add(-time.Hour), Count: 1,
				},
				{
					Code: 399, Text: "Order Message: a text that is\x1b[31m long and odd, in which nothing is " +
						"cut off " +
						"as long as it fits into two or three lines of this list", First: noon.Add(-2 * time.Hour),
					Last: noon.Add(-2 * time.Hour), Count: 120,
				},
			}}, nil)
			v.history.scroll.ScrollToBottom()
		},
		"connected": status(connected()),
		"live": func(v *View) {
			st := connected()
			st.Gateway.Mode, st.Gateway.Port, st.Trading.Confirm = "live", 4001, "This is a LIVE account"
			status(st)(v)
		},
		"guard_closed": func(v *View) {
			st := connected()
			st.Guard = closedGuard("waiting for Gateway to confirm open orders", conn.GuardReconciling)
			st.Headline = "Orders blocked: " + st.Guard.Reason
			st.Held = api.Held{
				Closed: true, Since: noon.Add(-7 * time.Second),
				Text: "Orders are blocked: waiting for Gateway to confirm open orders.",
				Hint: "Gatewatch asks again by itself. If this lasts for more than a minute, restart Gateway.",
			}
			status(st)(v)
		},
		"read_only": func(v *View) {
			st := connected()
			st.State, st.Since = conn.Degraded, noon.Add(-time.Minute)
			st.CauseID, st.Cause = conn.CauseReadOnly, "Gateway's API is read-only: it takes no orders (IB error 321)."
			st.Hint = "In Gateway: Configure, Settings, API, Settings: untick “Read-Only API”. Gatewatch notices it " +
				"within 30 s."
			st.Guard = closedGuard("Gateway's API is read-only", conn.GuardReadOnly)
			st.Held = api.Held{Closed: true, Since: st.Since, Hint: st.Hint}
			st.Headline = "Orders blocked: " + st.Guard.Reason
			status(st)(v)
		},
		"tools": func(v *View) {
			st := connected()
			st.Muted = at(noon.Add(time.Hour))
			status(st)(v)
			v.Diagnostics("a report", nil)
		},
		"reconnecting": status(reconnecting()),
		"trying": func(v *View) {
			st := reconnecting()
			st.Attempt = api.Attempt{Number: 4, Running: true}
			st.Layers.Socket = true
			status(st)(v)
		},
		"refused_command": func(v *View) {
			status(reconnecting())(v)
			v.Commanded(errors.New("Gatewatch is stopping"))
		},
		"reset_window": func(v *View) {
			st := reconnecting()
			st.State, st.Since, st.Headline = conn.ResetWindow, noon.Add(-4*time.Minute), "Gateway reset until 12:15"
			st.LayersSince = api.LayerTimes{Socket: st.Since, API: st.Since}
			st.Cause, st.CauseID = "Daily reset window: reconnecting rests.", conn.CauseNone
			st.Hint = "This is the reset window, until 12:15: outages are expected and pass by themselves. " +
				"Reconnecting resumes then; Connect tries once at once."
			st.Reset = api.ResetWindow{
				Active: true, EndsAt: at(noon.Add(15 * time.Minute)),
				NextAt: at(noon.Add(24 * time.Hour)),
			}
			st.Attempt = api.Attempt{Number: 1, NextAt: at(noon.Add(15 * time.Minute))}
			status(st)(v)
		},
		"degraded": func(v *View) {
			before, st := connected(), connected()
			st.State, st.Since, st.Headline = conn.Degraded, noon, "Connected, US stock data down"
			st.Cause, st.CauseID, st.Code = "US stock data [usfarm] is not available: IBKR's data farm is down.",
				conn.CauseFarm, 2103
			st.Hint = "IBKR restores data farms by itself; data that comes from this farm is missing until then."
			st.Layers.Farms["usfarm"] = conn.FarmBroken
			st.LayersSince.Farms = noon.Add(-20 * time.Second)
			v.Settings(inForce())
			v.Status(before, noon.Add(-time.Minute))
			v.Status(st, noon.Add(-20*time.Second))
			v.Tick(noon)
		},
		"upstream_lost": func(v *View) {
			st := connected()
			st.State, st.Connected, st.Since, st.Headline = conn.UpstreamLost, false, noon.Add(-20*time.Minute),
				"IBKR unreachable since 11:40"
			st.Cause, st.Code = "Gateway has lost its connection to IBKR's servers (IB code 1100).", 1100
			st.Hint = "Gateway restores this by itself. If it lasts, check the internet connection and IBKR's system " +
				"status page."
			st.Layers.Upstream, st.LayersSince.Upstream = false, st.Since
			st.Guard = closedGuard("Gateway has lost IBKR's servers", conn.GuardUpstream)
			status(st)(v)
		},
		"paused": func(v *View) {
			st := reconnecting()
			st.State, st.Headline, st.Attempt = conn.Paused, "Paused", api.Attempt{}
			st.Cause, st.Hint = "Disconnected by you.",
				"Choose Connect now in the window or the tray, or run `gatewatch connect`."
			status(st)(v)
		},
		"not_running": func(v *View) {
			status(connected())(v)
			v.Lost(api.ErrNotRunning, noon)
			v.Tick(noon.Add(3 * time.Second))
		},
		"not_responding": func(v *View) {
			v.Settings(inForce())
			v.Status(armed(), noon)
			v.Orders(someOrders(), nil)
			v.Lost(api.ErrNotResponding, noon)
			v.Tick(noon.Add(3 * time.Second))
		},
		"orders_not_responding": func(v *View) {
			status(armed())(v)
			v.open(pageOrders)
			v.Orders(someOrders(), nil)
			v.Lost(api.ErrNotResponding, noon)
		},
		"long_texts": func(v *View) {
			st := reconnecting()
			st.Cause = "What a-very-long-host-name.of-an-even-longer-domain.example.com:4002 sends is not the TWS " +
				"protocol (garbage) (" +
				strings.Repeat("unexpected ", 12) + "\u202eevil\x1b[31m)."
			st.Hint = strings.Repeat("Another program may own this port: check gateway.port in settings.json. ", 4)
			st.Gateway.Host = strings.Repeat("long-host.", 12) + "example.com"
			st.Guard = closedGuard("the account is not of the configured kind, and the reason for that is long",
				conn.GuardMode)
			status(st)(v)
		},
		"first_run": func(v *View) {
			s := inForce()
			s.Found = false
			s.Suggestion = &api.ResetSuggestion{
				Region: region.Europe, Settings: settings.For(region.Europe),
				Text: "Reset window for Europe: 05:25–06:45 (06:25–07:45 in Zurich), " +
					"because this computer's time zone is Europe/London.",
			}
			v.Settings(s)
			v.Status(connected(), noon)
		},
		"first_run_nothing": func(v *View) {
			s := inForce()
			s.Found = false
			v.Settings(s)
			v.Status(lookingForTheFirst(), noon)
		},
		"settings": form(inForce(), func(*settingsPage) {}),
		"settings_login": func(v *View) {
			form(inForce(), func(*settingsPage) {})(v)
			v.Login(api.Autostart{On: true, Text: "Gatewatch is started at login, from /opt/gatewatch/gatewatch."}, nil)
		},
		"settings_login_off": func(v *View) {
			form(inForce(), func(*settingsPage) {})(v)
			v.Login(api.Autostart{Text: "Gatewatch is not started at login: it was switched off by the startup apps " +
				"of Task Manager and Settings " +
				"(HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Gatewatch). Switch it on here to allow " +
				"it again."}, nil)
			v.Login(api.Autostart{}, errors.New("start at login: disk full"))
		},
		// Two are wrong and Save was pressed: the first of them has the focus.
		"settings_error": form(inForce(), func(p *settingsPage) {
			p.editors["gateway.port"].set("1.000")
			p.editors["gateway.connect_timeout_seconds"].set("soon")
			p.submit()
		}),
		"settings_conflict": func(v *View) {
			form(inForce(), func(p *settingsPage) { p.editors["gateway.client_id"].set("23") })(v)
			other := inForce()
			other.Settings.Log.Level, other.Settings.Gateway.ClientID = "debug", 18
			other.Problem = "settings.json:12:3: gateway.prot: unknown key; did you mean \"gateway.port\"?"
			v.Settings(other)
		},
		"settings_search": form(inForce(), func(p *settingsPage) {
			p.search.SetText("quiet")
			p.editors["notices.quiet_from"].set("22:00")
			p.editors["notices.quiet_until"].set("07:00")
		}),
		"settings_search_nothing": form(inForce(), func(p *settingsPage) { p.search.SetText("colour of the moon") }),
		"settings_zone": form(inForce(), func(p *settingsPage) {
			p.search.SetText("zone of the daily")
			e := p.editors["timezone"].focus().(*entry)
			e.SetText("york")
		}),
		"settings_trading": form(view(func(s *settings.Settings) {
			s.Trading.Instruments = []string{"AAPL", "QQQ"}
		}), func(p *settingsPage) {
			opened(p, "Trading limits")
			p.editors["trading.arm_at_start"].set("true")
			p.editors["trading.orders_per_minute"].set("20000")
			p.editors["trading.max_quantity"].set("a lot")
			p.editors["trading.instruments"].set("AAPL, QQQ, AAPL")
		}),
		"settings_alerts":   form(inForce(), func(p *settingsPage) { opened(p, "Alerts") }),
		"settings_advanced": form(inForce(), func(p *settingsPage) { opened(p, "Advanced") }),
		"settings_windows": form(view(func(s *settings.Settings) {
			s.ResetWindows = []settings.ResetWindow{
				{Preset: "ibkr-weekend"},
				{Days: []string{"mon", "fri"}, Start: "25:00", Minutes: 30, Timezone: "Europe/Zurich"},
			}
		}), func(p *settingsPage) { opened(p, "Reset windows") }),
	}
	history := func(days int, u api.Uptime, err error) func(*View) {
		return func(v *View) {
			status(connected())(v)
			v.open(pageHistory)
			v.Uptime(u, err)
			if len(u.Spans) > 0 {
				v.Log(records(), nil)
				v.Latency(latency(), nil)
				v.history.list.pick(noon.Add(-2 * time.Hour).String())
			}
			for i, r := range ranges {
				if r.days == days {
					v.history.open(i)
				}
			}
		}
	}
	list["history_24h"] = history(0, report(), nil)
	list["history_7"] = history(7, report(), nil)
	list["history_90"] = history(90, report(), nil)
	list["history_none"] = history(0, api.Uptime{At: noon}, nil)
	list["history_failed"] = func(v *View) {
		history(0, report(), nil)(v)
		v.Uptime(api.Uptime{}, errors.New("connection log: read-only"))
	}
	list["alerts"] = func(v *View) {
		status(connected())(v)
		v.open(pageAlerts)
		v.Alerts(api.Alerts{Channels: []api.Channel{
			{Name: "email", Service: "Email", Sent: 4, LastSentAt: at(noon.Add(-time.Hour))},
			{
				Name: "slack", Service: "Slack", Queued: 2, OldestAt: at(noon.Add(-8 * time.Minute)),
				LastErrorAt: at(noon.Add(-time.Minute)),
				LastError:   "the server's name cannot be resolved: there is no network, or the name is wrong",
			},
			{Name: "keyring:telegram-k2v7qa", Service: "Telegram"},
			{
				Name: "env:PAGER", Service: "Service",
				LastError: "the environment variable PAGER is not set for Gatewatch; set it where Gatewatch is started",
			},
		}}, nil)
		v.alerts.start("slack")
		v.Tested("slack", api.AlertTest{
			Results: []api.AlertResult{{Channel: "slack", Error: "the server did not answer in time"}},
		}, nil)
		v.alerts.start("email")
	}
	list["programs"] = func(v *View) {
		v.Status(withPrograms(), noon)
		v.open(pagePrograms)
		v.Programs(programsAtPort(), programOrders(), nil)
	}
	list["alert_add"] = func(v *View) {
		status(connected())(v)
		v.open(pageAlerts)
		v.Alerts(api.Alerts{}, nil)
		v.alerts.add.OnTapped()
		typeInto(v, "email.to", "me@example.com")
		typeInto(v, "email.password", "secret")
		typeInto(v, "email.server", "smtp.example.com:587")
	}
	list["alert_edit"] = func(v *View) {
		s := inForce()
		s.Settings.Webhook = settings.Webhook{URL: "keyring:webhook-k2v7qa"}
		status(connected())(v)
		v.Settings(s)
		v.open(pageAlerts)
		v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "webhook", Service: "Webhook"}}}, nil)
		v.alerts.rows[0].edit.OnTapped()
		v.AlertsChanged("", nil, errors.New("the disk is full"))
	}
	list["alert_edit_service"] = func(v *View) {
		status(connected())(v)
		v.open(pageAlerts)
		v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "keyring:ntfy", Service: "ntfy"}}}, nil)
		v.alerts.rows[0].edit.OnTapped()
		v.Address("keyring:ntfy", "ntfy://trader:_stored_@ntfy.example/alerts?scheme=https", nil)
	}
	list["alert_stored"] = func(v *View) {
		status(connected())(v)
		v.open(pageAlerts)
		v.alerts.add.OnTapped()
		v.AlertsChanged("email", []string{wording.SecretStored("/home/trader/.config/gatewatch/secrets.json",
			errors.New("the keyring of this computer cannot be used (no session bus)"))}, nil)
		v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "email", Service: "Email"}}}, nil)
		v.Tested("email", api.AlertTest{Results: []api.AlertResult{{Channel: "email", OK: true}}}, nil)
		v.alerts.rows[0].remove.OnTapped()
	}
	list["alerts_none"] = func(v *View) {
		status(connected())(v)
		v.open(pageAlerts)
		v.Alerts(api.Alerts{}, nil)
	}
	for name, play := range tradeScenes() {
		list[name] = play
	}
	return list
}

// records are those of the outages in the report.
func records() api.Log {
	at := func(ago time.Duration, what history.What, counts history.Kind, cause conn.Cause) history.Record {
		return history.Record{Time: noon.Add(-ago), What: what, Counts: counts, Cause: cause}
	}
	return api.Log{Records: []history.Record{
		at(40*24*time.Hour, history.Lost, history.Down, conn.CauseSilent),
		at(40*24*time.Hour-time.Hour, history.Recovered, history.Connected, ""),
		at(12*time.Hour+45*time.Minute, history.Lost, history.Down, conn.CauseClosed),
		at(12*time.Hour+44*time.Minute+30*time.Second, history.Recovered, history.Connected, ""),
		at(11*time.Hour+44*time.Minute+30*time.Second, history.FellAsleep, history.Asleep, ""),
		at(5*time.Hour+44*time.Minute+30*time.Second, history.UpstreamLost, history.Down, conn.CauseUpstream),
		at(5*time.Hour+40*time.Minute, history.AttemptFailed, history.Down, conn.CauseRefused),
		at(5*time.Hour+24*time.Minute+30*time.Second, history.Recovered, history.Connected, ""),
		at(2*time.Hour, history.OrdersBlocked, history.Connected, conn.CauseReadOnly),
		at(110*time.Minute, history.OrdersConfirmed, history.Connected, ""),
	}}
}

// report is what there was until noon: some of everything.
func report() api.Uptime {
	u := api.Uptime{
		At: noon, Zone: "UTC", ObservedSince: at(noon.Add(-80 * 24 * time.Hour)),
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
			PlannedSeconds: 900, DownSeconds: 500, Outages: 2, LongestSeconds: 400, UptimePercent: percent(99.415),
		}
		switch {
		case i < 10:
			day = api.Period{From: day.From, Seconds: 86400, UnobservedSeconds: 86400}
		case i%7 == 3:
			day.ConnectedSeconds, day.AsleepSeconds, day.PausedSeconds = 45000, 30000, 10000
		case i%11 == 5:
			day.ConnectedSeconds, day.DownSeconds, day.Outages, day.UptimePercent = 60000, 25500, 1, percent(70.175)
		}
		u.Days = append(u.Days, day)
	}
	for _, name := range []string{"24h", "7d", "30d", "90d"} {
		between := 40000.0
		u.Periods = append(u.Periods, api.Period{
			Name: name, Seconds: 86400, ConnectedSeconds: 74970, DownSeconds: 1230, PlannedSeconds: 900,
			PausedSeconds: 2400,
			AsleepSeconds: 4500, UnobservedSeconds: 2400, UptimePercent: percent(98.385),
			MarketUptimePercent: percent(97.1), Outages: 2,
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
