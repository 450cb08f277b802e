package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
)

// past is a backend with a history that is made up: the page is tested with it alone, without the resident program.
type past struct {
	server.SecretsBackend // the page stores none
	nudge.Subscribers

	mu                    sync.Mutex
	status                api.Status
	uptime                api.Uptime
	log                   api.Log
	alerts                api.Alerts
	said                  api.Messages
	latency               api.Latency
	desk                  desk
	server.ProgramBackend                   // nothing asks for it
	texts                 map[string]string // of settings.json and rules.json
	fails                 error             // of what the history is asked for
	tested                []string
	asked                 int // for uptime
	hangs                 atomic.Bool
	stop                  func() // ends the server
}

func (p *past) locked(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// change changes what is answered, and nudges the page.
func (p *past) change(f func()) {
	p.locked(func() {
		f()
		p.status.Seq++
		p.Nudge()
	})
}

func (p *past) Status() (st api.Status) {
	p.locked(func() { st = p.status })
	return st
}

// Answers hangs while the supervisor does.
func (p *past) Answers(ctx context.Context) error {
	if p.hangs.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (p *past) Connect(context.Context) error { return nil }

func (p *past) Disconnect(context.Context) error { return nil }

func (p *past) Show(context.Context) error { return nil }

func (p *past) Quit() {}

func (p *past) Mute(time.Time) {}

func (p *past) Autostart(context.Context) (a api.Autostart, err error) { return a, nil }

func (p *past) SetAutostart(context.Context, bool) error { return nil }

func (p *past) Diagnostics(context.Context, bool) (string, error) { return "", nil }

func (p *past) Panicked(what any, stack []byte) { panic(fmt.Sprintf("%v\n%s", what, stack)) }

func (p *past) Metrics() http.Handler { return http.NotFoundHandler() }

func (p *past) Settings() api.SettingsView {
	return api.SettingsView{Settings: settings.Default(), Defaults: settings.Default(), Found: true}
}

func (p *past) Uptime(_ context.Context, days int) (u api.Uptime, err error) {
	p.locked(func() {
		p.asked++
		u, err = p.uptime, p.fails
		u.Days = u.Days[max(0, len(u.Days)-days):]
	})
	return u, err
}

func (p *past) Log(_ context.Context, q api.LogQuery) (l api.Log, err error) {
	p.locked(func() {
		l, err = p.log, p.fails
		if n := len(l.Records); n > q.Limit {
			l.Records, l.More = l.Records[n-q.Limit:], true
		}
	})
	return l, err
}

func (p *past) Latency() (l api.Latency) { p.locked(func() { l = p.latency }); return l }

func (p *past) Messages() (m api.Messages) { p.locked(func() { m = p.said }); return m }

func (p *past) Alerts() (a api.Alerts) { p.locked(func() { a = p.alerts }); return a }

func (p *past) TestAlerts(_ context.Context, channel string) (api.AlertTest, error) {
	p.locked(func() { p.tested = append(p.tested, channel) })
	return api.AlertTest{Results: []api.AlertResult{
		{Channel: channel, OK: channel == "email", Error: "the server says no"},
	}}, nil
}

const hostile = "<img src=x onerror=alert(1)>\u202e<b>bold</b>"

// newPast makes up a history that ends at the given moment: of the last 24 hours five were planned, down or asleep, and
// each fifth day had an outage.
func newPast(at time.Time) *past {
	line := history.NewTimeline()
	seq := uint64(0)
	p := &past{texts: map[string]string{
		"settings.json": "{}\n",
		"rules.json":    "{\n  \"rules\": []\n}\n",
	}}
	add := func(when time.Time, what history.What, kind history.Kind, r history.Record) {
		seq++
		r.Seq, r.Time, r.Local, r.What, r.Counts, r.Run = seq, when.UTC(), when, what, kind, 1
		line.Add(r)
		p.log.Records = append(p.log.Records, r)
	}
	add(at.AddDate(0, 0, -80), history.Started, history.Unobserved, history.Record{})
	for d := 79; d > 1; d-- {
		day := at.AddDate(0, 0, -d)
		add(day, history.Recovered, history.Connected, history.Record{Session: 1})
		if d%5 == 0 {
			add(day.Add(2*time.Hour), history.Lost, history.Down, history.Record{
				Cause:   ib.CauseClosed,
				Seconds: 7200,
			})
			add(day.Add(time.Duration(3+d/20)*time.Hour), history.Recovered, history.Connected, history.Record{
				Seconds: float64((1 + d/20) * 3600),
			})
		}
		if d%7 < 2 {
			add(day.Add(10*time.Hour), history.FellAsleep, history.Asleep, history.Record{})
			add(day.Add(16*time.Hour), history.Woke, history.Connected, history.Record{Seconds: 6 * 3600})
		}
		if d%11 == 0 {
			add(day.Add(18*time.Hour), history.UserPaused, history.Paused, history.Record{})
			add(day.Add(20*time.Hour), history.UserResumed, history.Unobserved, history.Record{Seconds: 2 * 3600})
		}
		add(day.Add(22*time.Hour), history.WindowStarted, history.Planned, history.Record{
			Detail: "daily", Seconds: 900,
		})
		add(day.Add(22*time.Hour+15*time.Minute), history.WindowEnded, history.Connected, history.Record{})
	}
	ago := func(d time.Duration) time.Time { return at.Add(-d) }
	add(ago(25*time.Hour), history.Recovered, history.Connected, history.Record{Session: 80})
	add(ago(20*time.Hour), history.WindowStarted, history.Planned, history.Record{Detail: "daily", Seconds: 900})
	add(ago(19*time.Hour+45*time.Minute), history.WindowEnded, history.Connected, history.Record{})
	add(ago(12*time.Hour), history.FellAsleep, history.Asleep, history.Record{})
	add(ago(9*time.Hour), history.Woke, history.Connected, history.Record{Seconds: 3 * 3600})
	add(ago(5*time.Hour), history.Lost, history.Down, history.Record{
		Cause: ib.CauseUpstream, Code: 1100,
		Seconds: 4 * 3600, Detail: hostile,
	})
	add(ago(5*time.Hour-20*time.Second), history.Recovered, history.Connected, history.Record{Session: 81, Seconds: 20})
	add(ago(3*time.Hour), history.UserPaused, history.Paused, history.Record{})
	add(ago(2*time.Hour), history.UserResumed, history.Unobserved, history.Record{Seconds: 3600})
	add(ago(90*time.Minute), history.AttemptFailed, history.Down, history.Record{
		Cause:  ib.CauseRefused,
		Detail: "dial 127.0.0.1:4002",
	})
	add(ago(30*time.Minute), history.Recovered, history.Connected, history.Record{Session: 82, Seconds: 3600})

	hours := &history.Hours{
		Days:     []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
		OpenHour: 9, OpenMinute: 30, CloseHour: 16, Location: at.Location(),
	}
	since := line.Since()
	p.uptime = api.Uptime{At: at, Zone: at.Location().String(), ObservedSince: &since, MarketHours: hours.String()}
	for _, n := range []int{1, 7, 30, 90} {
		name := fmt.Sprintf("%dd", n)
		if n == 1 {
			name = "24h"
		}
		p.uptime.Periods = append(p.uptime.Periods,
			api.PeriodOf(name, line.Account(at.Add(-time.Duration(n)*24*time.Hour), at, hours)))
	}
	for _, a := range line.Days(90, at, at.Location(), hours) {
		p.uptime.Days = append(p.uptime.Days, api.PeriodOf(a.From.In(at.Location()).Format(time.DateOnly), a))
	}
	for _, s := range line.Spans(at.Add(-24*time.Hour), at) {
		p.uptime.Spans = append(p.uptime.Spans, api.Span{From: s.From, Until: s.Until, Kind: s.Kind})
	}
	sent := at.Add(-10 * time.Minute)
	p.alerts.Channels = []api.Channel{
		{Name: "email", Service: "Email by smtp.example.com", Sent: 3, LastSentAt: &sent},
		{Name: "webhook", Service: "Webhook", Queued: 2, OldestAt: &sent, LastError: hostile, LastErrorAt: &sent},
	}
	p.status = api.Status{
		State: conn.Connected, Connected: true, Since: at.Add(-30 * time.Minute), Headline: "Connected", Session: 82,
		Layers: api.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
			"usfarm": "ok",
		}},
		FarmNames: map[string]string{"usfarm": wording.NamedFarm("usfarm")},
		Gateway:   api.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: "paper", Accounts: 1},
		Guard:     api.Guard{Open: true, Text: "guard open"}, Today: p.uptime.Days[len(p.uptime.Days)-1],
		Alerts: api.AlertState{Channels: 2, Failing: []string{}},
	}
	return p
}
