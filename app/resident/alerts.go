package resident

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/api"
	"gatewatch/app/notice"
	"gatewatch/app/secrets"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// alertsRetry is the time between two attempts to open the file of waiting alerts.
const alertsRetry = 10 * time.Second

// alerts are messages to email, Slack and other channels, delivered from a file of waiting ones.
type alerts struct {
	path      string
	version   string
	connected func() bool
	secrets   *secrets.Secrets
	failures  *failures
	log       *slog.Logger

	opened chan struct{} // closed when box is set

	mu     sync.Mutex
	config alert.Config
	box    *alert.Outbox // nil until its file is open
}

// configure puts channels in effect, once the file is open.
func (a *alerts) configure(s settings.Settings) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.config = alertConfig(s)
	a.secrets.Configure(s.References())
	if a.box != nil {
		a.box.Configure(a.config)
	}
}

// open opens the file of waiting alerts, beside the connection, which matters more: a disk that is full or slow delays
// only alerts. It tries until that works or ctx ends.
func (a *alerts) open(ctx context.Context) {
	for ctx.Err() == nil {
		box, err := a.newOutbox()
		if a.failures.set(wording.FailingAlerts, err) && err != nil {
			a.log.Error("no alerts are sent; Gatewatch tries again", "err", err)
		}
		if err == nil {
			if lost := box.Damaged(); a.failures.set(wording.FailingWaiting, lost) {
				a.log.Error("the file of waiting alerts was damaged", "err", lost)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			box.Configure(a.config)
			a.box = box
			close(a.opened)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(alertsRetry):
		}
	}
}

func (a *alerts) newOutbox() (*alert.Outbox, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return alert.Open(alert.Options{
		Path: a.path, Version: a.version, Log: a.log, Child: []string{self, alert.ChildCommand}, Connected: a.connected,
		Secret: a.secrets.Get,
	})
}

// outbox returns nil until the file is open.
func (a *alerts) outbox() *alert.Outbox {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.box
}

// with does something with the outbox when that is open, unless ctx ends first.
func (a *alerts) with(ctx context.Context, do func(*alert.Outbox)) {
	select {
	case <-a.opened:
		do(a.outbox())
	case <-ctx.Done():
	}
}

func (a *alerts) close() {
	box := a.outbox()
	if box == nil {
		return
	}
	if err := box.Close(); err != nil {
		a.log.Warn("the file of waiting alerts could not be closed", "err", err)
	}
}

// alertConfig turns settings into what the outbox needs.
func alertConfig(s settings.Settings) alert.Config {
	c := alert.Config{Slack: s.Slack.WebhookURL, Services: s.Alerts.Services}
	if e := s.Email; e.Server != "" && len(e.To) > 0 {
		c.Email = &alert.Email{
			Server: e.Server, Port: e.Port, Encryption: e.Encryption, User: e.User, Password: e.Password, From: e.From,
			To: e.To,
		}
	}
	if w := s.Webhook; w.URL != "" {
		c.Webhook = &alert.Webhook{URL: w.URL, SigningKey: w.SigningKey}
	}
	if h := s.Heartbeat; h.URL != "" {
		c.Heartbeat = &alert.Heartbeat{URL: h.URL, Every: h.Every(), OnlyWhileConnected: h.OnlyWhileConnected}
	}
	return c
}

// retrying makes the outbox try again when something happened that may have brought the network back.
type retrying struct {
	events *conn.EventStream
	retry  func()
}

func (r retrying) Next(ctx context.Context) (conn.Event, bool) {
	e, ok := r.events.Next(ctx)
	switch e.Kind {
	case conn.EventWoke, conn.EventUpstreamRestored, conn.EventConnected:
		r.retry()
	}
	return e, ok
}

// remoteSender puts notices into the outbox.
type remoteSender struct{ box *alert.Outbox }

func (r remoteSender) Show(_ context.Context, n notice.Notice) error {
	body := n.Body + "\nSent at " + n.At.Local().Format("15:04:05 MST on Mon 2 Jan 2006") + "."
	return r.box.Put(alert.Alert{
		Kind: string(n.Kind), Incident: n.Incident, At: n.At, Title: n.Title, Body: body, Urgent: n.Urgent,
	})
}

func (remoteSender) Close() error { return nil }

// status returns the status of the channels. One whose secret is missing fails already before a delivery, and all do
// while alerts cannot be kept.
func (a *alerts) status() []alert.ChannelStatus {
	a.mu.Lock()
	box, config := a.box, a.config
	a.mu.Unlock()
	list := alert.Channels(config)
	if box != nil {
		list = box.Status()
	}
	for i := range list {
		list[i].LastError = cmp.Or(list[i].LastError, a.failures.text(wording.FailingAlerts))
	}
	for _, r := range a.secrets.References() {
		name, _, _ := strings.Cut(r.Key, ".") // such as "email" of "email.password"
		if name == "alerts" {
			name = r.Ref
		}
		i := slices.IndexFunc(list, func(c alert.ChannelStatus) bool { return c.Name == name })
		if i < 0 {
			continue
		}
		found := a.secrets.Of(r.Ref)
		if name == r.Ref && found.Service != "" {
			list[i].Service = found.Service
		}
		if found.Err != nil && list[i].LastError == "" {
			list[i].LastError = found.Err.Error()
		}
	}
	return list
}

// queued returns how many alerts wait, by channel.
func (a *alerts) queued() map[string]int {
	waiting := map[string]int{}
	for _, c := range a.status() {
		waiting[c.Name] = c.Queued
	}
	return waiting
}

// state returns the part of GET /status about alerts.
func (a *alerts) state() api.AlertState {
	state := api.AlertState{Failing: []string{}}
	for _, c := range a.status() {
		state.Channels++
		state.Queued += c.Queued
		if c.LastError != "" {
			state.Failing = append(state.Failing, c.Name)
		}
	}
	return state
}

// Alerts returns what GET /alerts answers.
func (a *alerts) Alerts() api.Alerts {
	list := api.Alerts{Channels: []api.Channel{}}
	for _, c := range a.status() {
		list.Channels = append(list.Channels, api.Channel{
			Name: c.Name, Service: c.Service, Queued: c.Queued, OldestAt: api.Moment(c.Oldest), Sent: c.Sent,
			LastSentAt: api.Moment(c.LastSent), LastError: c.LastError, LastErrorAt: api.Moment(c.LastErrorAt),
		})
	}
	return list
}

// TestAlerts sends a message by one channel, or by all.
func (a *alerts) TestAlerts(ctx context.Context, channel string) (api.AlertTest, error) {
	box := a.outbox()
	if box == nil {
		return api.AlertTest{}, fmt.Errorf("no alerts can be sent: %s cannot be opened; see the log", a.path)
	}
	names := a.status()
	if len(names) == 0 {
		return api.AlertTest{}, api.ErrNoChannels
	}
	if channel != "" && !slices.ContainsFunc(names, func(c alert.ChannelStatus) bool { return c.Name == channel }) {
		return api.AlertTest{}, fmt.Errorf("%w: %q", api.ErrNoChannel, channel)
	}
	results, err := box.Test(ctx, channel)
	if err != nil {
		return api.AlertTest{}, err
	}
	test := api.AlertTest{Results: []api.AlertResult{}}
	for _, one := range results {
		result := api.AlertResult{Channel: one.Channel, OK: one.Err == nil}
		if one.Err != nil {
			result.Error = one.Err.Error()
		}
		test.Results = append(test.Results, result)
	}
	return test, nil
}
