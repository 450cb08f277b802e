package ui

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

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
			st.Guard = closedGuard("waiting for Gateway to confirm open orders", ib.GuardReconciling)
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
			st.CauseID, st.Cause = ib.CauseReadOnly, "Gateway's API is read-only: it takes no orders (IB code 321)."
			st.Hint = "In Gateway: Configure, Settings, API, Settings: untick “Read-Only API”. Gatewatch notices it " +
				"within 30 s."
			st.Guard = closedGuard("Gateway's API is read-only", ib.GuardReadOnly)
			st.Held = api.Held{Closed: true, Since: st.Since, Hint: st.Hint}
			st.Headline = "Orders blocked: " + st.Guard.Reason
			status(st)(v)
		},
		"tools": func(v *View) {
			st := connected()
			st.Muted = new(noon.Add(time.Hour))
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
			st.Cause, st.CauseID = "Gateway closed the connection.", ib.CauseClosed
			st.Hint = "This is the reset window, until 12:15: outages are expected and pass by themselves. " +
				"Gateway may be restarting, as it does every day: it is back in about a minute. If not, start it and " +
				"log in."
			st.Reset = api.ResetWindow{
				Active: true, EndsAt: new(noon.Add(15 * time.Minute)),
				NextAt: new(noon.Add(24 * time.Hour)),
			}
			st.Attempt = api.Attempt{Number: 1, NextAt: new(noon.Add(15 * time.Minute))}
			status(st)(v)
		},
		"degraded": func(v *View) {
			before, st := connected(), connected()
			st.State, st.Since, st.Headline = conn.Degraded, noon, "Connected, US stock data down"
			st.Cause, st.CauseID, st.Code = "US stock data [usfarm] is not available: IBKR's data farm is down.",
				ib.CauseFarm, 2103
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
			st.Guard = closedGuard("Gateway has lost IBKR's servers", ib.GuardUpstream)
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
				ib.GuardMode)
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
			v.Login(api.Autostart{On: true, Text: "Gatewatch starts at login, from /opt/gatewatch/gatewatch."}, nil)
		},
		"settings_login_off": func(v *View) {
			form(inForce(), func(*settingsPage) {})(v)
			v.Login(api.Autostart{Text: "Gatewatch does not start at login: it was switched off by the startup apps " +
				"of Task Manager and Settings " +
				"(HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Gatewatch). Switch it on to allow " +
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
	list["history_not_responding"] = func(v *View) {
		status(connected())(v)
		v.Lost(api.ErrNotResponding, noon)
		v.open(pageHistory)
		v.Uptime(api.Uptime{}, api.ErrNotResponding)
		v.Tick(noon.Add(3 * time.Second))
	}
	list["alerts"] = func(v *View) {
		status(connected())(v)
		v.open(pageAlerts)
		v.Alerts(api.Alerts{Channels: []api.Channel{
			{Name: "email", Service: "Email", Sent: 4, LastSentAt: new(noon.Add(-time.Hour))},
			{
				Name: "slack", Service: "Slack", Queued: 2, OldestAt: new(noon.Add(-8 * time.Minute)),
				LastErrorAt: new(noon.Add(-time.Minute)),
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
	maps.Copy(list, tradeScenes())
	return list
}
