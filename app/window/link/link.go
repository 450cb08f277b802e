// Package link keeps the window in touch with the resident program: it finds it, follows it, finds it again after a
// restart, and carries the window's wishes to it.
package link

import (
	"context"
	"errors"
	"sync"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
)

// retry is the time between two looks for the resident program.
const retry = 500 * time.Millisecond

// Face is what a link calls with news. Calls come from goroutines of the link, one at a time for each method.
type Face struct {
	Status   func(api.Status)
	Settings func(api.SettingsView)
	// Lost is called with [api.ErrNotResponding] when the resident program hangs and with [api.ErrNotRunning] or
	// another error when it is not there, once for each, also at the start.
	Lost func(error)
	Show func() // the user wants to see the window
	Quit func() // the resident program ends, and the window with it
}

// Link is one window's connection to the resident program.
type Link struct {
	card  string // path of api.json
	face  Face
	fresh chan struct{} // settings may have changed

	reading sync.Mutex // held from asking for settings until they are passed on, so that none overtakes another
	ruling  sync.Mutex // the same for rules

	mu     sync.Mutex
	client *api.Client // nil while the resident program is not there
	hangs  bool        // it is there and does not respond
}

// New returns a link that finds the resident program by the file at card.
func New(card string, face Face) *Link {
	return &Link{card: card, face: face, fresh: make(chan struct{}, 1)}
}

// Run works until ctx ends and all that it started has ended.
func (l *Link) Run(ctx context.Context) {
	var settings sync.WaitGroup
	defer settings.Wait()
	settings.Go(func() { l.followSettings(ctx) })
	lost, hung := false, false
	for ctx.Err() == nil {
		err := l.follow(ctx, func() { lost = false })
		l.use(nil, err)
		if ctx.Err() != nil {
			return
		}
		if hangs := errors.Is(err, api.ErrNotResponding); !lost || hangs != hung {
			lost, hung = true, hangs
			l.face.Lost(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}

// follow follows one life of the resident program; found is called when it has answered.
func (l *Link) follow(ctx context.Context, found func()) error {
	card, err := home.FindCard(l.card)
	if err != nil {
		return err
	}
	client := api.NewClient(card)
	defer client.Close()
	return client.Follow(ctx, true, func(st api.Status) {
		found()
		l.use(client, nil)
		l.face.Status(st)
		select { // a status comes after each change of the settings, too
		case l.fresh <- struct{}{}:
		default:
		}
	}, l.face.Show, l.face.Quit)
}

func (l *Link) use(c *api.Client, err error) {
	l.mu.Lock()
	l.client, l.hangs = c, errors.Is(err, api.ErrNotResponding)
	l.mu.Unlock()
}

func (l *Link) current() (*api.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.hangs:
		return nil, api.ErrNotResponding
	case l.client == nil:
		return nil, api.ErrNotRunning
	}
	return l.client, nil
}

// ask asks the resident program something, if it is there.
func ask[T any](l *Link, do func(*api.Client) (T, error)) (v T, err error) {
	client, err := l.current()
	if err == nil {
		v, err = do(client)
	}
	return v, err
}

func (l *Link) followSettings(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.fresh:
		}
		l.readSettings(ctx)
	}
}

func (l *Link) readSettings(ctx context.Context) {
	l.reading.Lock()
	defer l.reading.Unlock()
	client, err := l.current()
	if err != nil {
		return
	}
	if view, err := client.Settings(ctx); err == nil {
		l.face.Settings(view)
	}
}

// Connect asks for an attempt now.
func (l *Link) Connect(ctx context.Context) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.Connect(ctx) })
}

// Disconnect asks to disconnect and pause.
func (l *Link) Disconnect(ctx context.Context) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.Disconnect(ctx) })
}

func (l *Link) command(send func(*api.Client) (api.Answer, error)) error {
	answer, err := ask(l, send)
	if err == nil && !answer.Accepted {
		err = errors.New(answer.Message)
	}
	return err
}

// Save saves the content of a settings file and calls done with the outcome, before anything newer about the
// settings. The error is settings.Problems if the content is at fault.
func (l *Link) Save(ctx context.Context, body []byte, done func(api.SettingsView, error)) {
	l.reading.Lock()
	defer l.reading.Unlock()
	client, err := l.current()
	if err != nil {
		done(api.SettingsView{}, err)
		return
	}
	done(client.SaveSettings(ctx, body, ""))
}

// daysShown is how many days the history of the window goes back.
const daysShown = 90

// Uptime asks how time was spent.
func (l *Link) Uptime(ctx context.Context) (api.Uptime, error) {
	return ask(l, func(c *api.Client) (api.Uptime, error) {
		u, _, err := c.Uptime(ctx, daysShown)
		return u, err
	})
}

// Log asks for the records of the connection log of the days that are shown, the newest of them.
func (l *Link) Log(ctx context.Context) (api.Log, error) {
	return ask(l, func(c *api.Client) (api.Log, error) {
		return c.Log(ctx, api.LogQuery{Since: time.Now().AddDate(0, 0, -daysShown), Limit: api.MaxRecords})
	})
}

// Messages asks what Gateway has said.
func (l *Link) Messages(ctx context.Context) (api.Messages, error) {
	return ask(l, func(c *api.Client) (api.Messages, error) { return c.Messages(ctx) })
}

// Latency asks how long Gateway took to answer.
func (l *Link) Latency(ctx context.Context) (api.Latency, error) {
	return ask(l, func(c *api.Client) (api.Latency, error) { return c.Latency(ctx) })
}

// Alerts asks for the status of alert channels.
func (l *Link) Alerts(ctx context.Context) (api.Alerts, error) {
	return ask(l, func(c *api.Client) (api.Alerts, error) { return c.Alerts(ctx) })
}

// SecretAddress asks for the address of a service without its secrets.
func (l *Link) SecretAddress(ctx context.Context, ref string) (string, error) {
	return ask(l, func(c *api.Client) (string, error) { return c.SecretAddress(ctx, ref) })
}

// TestAlerts has a message sent by one channel.
func (l *Link) TestAlerts(ctx context.Context, channel string) (api.AlertTest, error) {
	return ask(l, func(c *api.Client) (api.AlertTest, error) { return c.TestAlerts(ctx, channel) })
}

// Programs asks for the programs at the guarded port, and for their orders.
func (l *Link) Programs(ctx context.Context) (p api.Programs, o api.ProgramOrders, err error) {
	client, err := l.current()
	if err == nil {
		p, err = client.Programs(ctx)
	}
	if err == nil {
		o, err = client.ProgramOrders(ctx)
	}
	return p, o, err
}

// StopTrading turns trading off and refuses all orders of programs.
func (l *Link) StopTrading(ctx context.Context) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.StopTrading(ctx) })
}

// AllowPrograms lets programs trade again; live says that the user has confirmed it for a live account.
func (l *Link) AllowPrograms(ctx context.Context, live bool) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.AllowPrograms(ctx, live) })
}

// SetReadOnly refuses the orders of programs with a client id, or no longer does.
func (l *Link) SetReadOnly(ctx context.Context, client int, on bool) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.SetReadOnly(ctx, client, on) })
}

// Mute silences desktop notifications until the given time; the zero time ends that.
func (l *Link) Mute(ctx context.Context, until time.Time) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.Mute(ctx, until) })
}

// Diagnostics asks for diagnostics, which hold no personal data.
func (l *Link) Diagnostics(ctx context.Context) (string, error) {
	return ask(l, func(c *api.Client) (string, error) { return c.Diagnostics(ctx, false) })
}

// Autostart asks whether the program is started at login.
func (l *Link) Autostart(ctx context.Context) (api.Autostart, error) {
	return ask(l, func(c *api.Client) (api.Autostart, error) { return c.Autostart(ctx) })
}

// SetAutostart changes that.
func (l *Link) SetAutostart(ctx context.Context, on bool) (api.Autostart, error) {
	return ask(l, func(c *api.Client) (api.Autostart, error) { return c.SetAutostart(ctx, on) })
}
