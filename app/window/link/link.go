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
	"gatewatch/conn/nudge"
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
		nudge.Send(l.fresh) // a status comes after each change of the settings, too
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

// Ask asks the resident program something. The error is [api.ErrNotResponding] if it hangs, and [api.ErrNotRunning] if
// it is not there.
func Ask[T any](ctx context.Context, l *Link, do func(*api.Client, context.Context) (T, error)) (v T, err error) {
	client, err := l.current()
	if err == nil {
		v, err = do(client, ctx)
	}
	return v, err
}

// Command sends a command. The error is that of [Ask], or says why the command was not accepted.
func (l *Link) Command(ctx context.Context, send func(*api.Client, context.Context) (api.Answer, error)) error {
	answer, err := Ask(ctx, l, send)
	if err == nil && !answer.Accepted {
		err = errors.New(answer.Message)
	}
	return err
}

// Rules asks something whose answer is the rules with their states then, and calls done with it. No older answer
// overtakes it.
func (l *Link) Rules(ctx context.Context, ask func(*api.Client, context.Context) (api.Rules, error),
	done func(api.Rules, error),
) {
	l.ruling.Lock()
	defer l.ruling.Unlock()
	done(Ask(ctx, l, ask))
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
