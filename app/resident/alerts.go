package resident

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/api"
	"gatewatch/app/notice"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/engine"
)

// alertsRetry is the time between two attempts to open the file of waiting alerts.
const alertsRetry = 10 * time.Second

// openAlerts opens the file of waiting alerts, beside the connection, which matters more: a disk that is full or slow delays
// alerts alone. It tries until that works or ctx ends.
func (r *resident) openAlerts(ctx context.Context) {
	for ctx.Err() == nil {
		box, err := r.newOutbox()
		if r.alertsFail(err) && err != nil {
			r.log.Error("no alerts are sent; Gatewatch tries again", "err", err)
		}
		if err == nil {
			r.changing.Lock()
			defer r.changing.Unlock()
			box.Configure(alertConfig(*r.settings.Load()))
			r.alerts.Store(box)
			close(r.alertsOpen)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(alertsRetry):
		}
	}
}

func (r *resident) newOutbox() (*alert.Outbox, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return alert.Open(alert.Options{
		Path: r.home.Alerts(), Version: r.version, Log: r.log, Child: []string{self, alert.ChildCommand},
		Connected: func() bool { return r.sup.Snapshot().Connected() },
	})
}

// withAlerts does something with the outbox when that is open, unless ctx ends first.
func (r *resident) withAlerts(ctx context.Context, do func(*alert.Outbox)) {
	select {
	case <-r.alertsOpen:
		do(r.alerts.Load())
	case <-ctx.Done():
	}
}

func (r *resident) closeAlerts() {
	box := r.alerts.Load()
	if box == nil {
		return
	}
	if err := box.Close(); err != nil {
		r.log.Warn("the file of waiting alerts could not be closed", "err", err)
	}
}

// alertConfig turns settings into what the outbox needs.
func alertConfig(s settings.Settings) alert.Config {
	c := alert.Config{Slack: s.Slack.WebhookURL, Services: s.Alerts.Services}
	if e := s.Email; e.Server != "" && len(e.To) > 0 {
		c.Email = &alert.Email{
			Server: e.Server, Port: e.Port, Encryption: e.Encryption, User: e.User, Password: e.Password, From: e.From, To: e.To,
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

// sendAlerts puts into the outbox what people elsewhere should know, until ctx ends.
func (r *resident) sendAlerts(ctx context.Context, box *alert.Outbox, events *conn.EventStream, reports *engine.ReportStream) {
	notice.Run(ctx, notice.Config{
		Events: nudging{events, box.Retry}, Reports: reports, Snapshot: r.sup.Snapshot,
		After:    func() time.Duration { return r.settings.Load().Alerts.After() },
		Quiet:    func() notice.Quiet { a := r.settings.Load().Alerts; return quietOf(a.QuietFrom, a.QuietUntil) },
		Weekly:   r.weekly,
		Told:     r.told(byAlerts),
		Remember: r.remember(byAlerts),
		ClientID: func() int { return r.settings.Load().Gateway.ClientID },
		Sender:   mailbag{box}, Keep: true, Log: r.log,
	})
}

func (r *resident) weekly() time.Duration { return r.settings.Load().Notices.WeeklyReminder() }

// quietOf returns the quiet hours that settings name by times of day, which have been checked.
func quietOf(from, until string) notice.Quiet {
	var q notice.Quiet
	var err, err2 error
	q.FromHour, q.FromMinute, err = settings.ParseClock(from)
	q.UntilHour, q.UntilMinute, err2 = settings.ParseClock(until)
	if err != nil || err2 != nil {
		return notice.Quiet{}
	}
	return q
}

// nudging has the outbox try again when something happened that may have brought the network back.
type nudging struct {
	events *conn.EventStream
	retry  func()
}

func (n nudging) Next(ctx context.Context) (conn.Event, bool) {
	e, ok := n.events.Next(ctx)
	switch e.Kind {
	case conn.EventWoke, conn.EventUpstreamRestored, conn.EventConnected:
		n.retry()
	}
	return e, ok
}

// mailbag is the desktop that a remote reader has.
type mailbag struct{ box *alert.Outbox }

func (m mailbag) Show(_ context.Context, n notice.Notice) error {
	body := n.Body + "\nSent at " + n.At.Local().Format("15:04:05 MST on Mon 2 Jan 2006") + "."
	return m.box.Put(alert.Alert{
		Kind: string(n.Kind), Incident: n.Incident, At: n.At, Title: n.Title, Body: body, Urgent: n.Urgent,
	})
}

func (mailbag) Close() error { return nil }

// alertStatus returns how the channels fare.
func (r *resident) alertStatus() []alert.ChannelStatus {
	box := r.alerts.Load()
	if box == nil {
		return nil
	}
	return box.Status()
}

// queued returns how many alerts wait, by channel.
func (r *resident) queued() map[string]int {
	waiting := map[string]int{}
	for _, c := range r.alertStatus() {
		waiting[c.Name] = c.Queued
	}
	return waiting
}

func (r *resident) alertState() api.AlertState {
	state := api.AlertState{Failing: []string{}}
	for _, c := range r.alertStatus() {
		state.Channels++
		state.Queued += c.Queued
		if c.LastError != "" {
			state.Failing = append(state.Failing, c.Name)
		}
	}
	return state
}

// Alerts returns what GET /alerts answers.
func (r *resident) Alerts() api.Alerts {
	list := api.Alerts{Channels: []api.Channel{}}
	for _, c := range r.alertStatus() {
		list.Channels = append(list.Channels, api.Channel{
			Name: c.Name, Service: c.Service, Queued: c.Queued, OldestAt: moment(c.Oldest), Sent: c.Sent,
			LastSentAt: moment(c.LastSent), LastError: c.LastError, LastErrorAt: moment(c.LastErrorAt),
		})
	}
	return list
}

// moment returns nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.Local().Round(time.Millisecond)
	return &t
}

// TestAlerts sends a message by one channel, or by all.
func (r *resident) TestAlerts(ctx context.Context, channel string) (api.AlertTest, error) {
	box := r.alerts.Load()
	if box == nil {
		return api.AlertTest{}, fmt.Errorf("no alerts can be sent: %s cannot be opened; see the log", r.home.Alerts())
	}
	names := r.alertStatus()
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
