// Package login starts Gatewatch at login, or not, as the API and the tray ask.
package login

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/autostart"
	"gatewatch/app/tray"
)

// every is the time between two looks at what the system starts at login: users change that elsewhere, too.
const every = 30 * time.Second

// Login is whether Gatewatch starts at login. The tray shows it, and asks too often to read it each time.
type Login struct {
	home    string
	demo    bool
	changed func()
	log     *slog.Logger

	mu    sync.Mutex
	state autostart.State
}

// New returns it for a program with a home of its own, if that is not empty. It calls changed when there is something
// new to show.
func New(home string, demo bool, changed func(), log *slog.Logger) *Login {
	return &Login{home: home, demo: demo, changed: changed, log: log}
}

// Watch keeps that up to date until ctx ends. First it mends the path of a program that was moved; a demo, and a
// program with a home of its own, leave it as it is.
func (l *Login) Watch(ctx context.Context) {
	if !l.demo && l.home == "" {
		s, mended, err := autostart.Repair()
		switch {
		case err != nil:
			l.log.Warn("starting at login", "err", err)
		case mended:
			l.log.Info("starting at login: the path is mended", "exe", s.Exe)
		}
	}
	warned := false
	looks := time.Tick(every)
	for {
		if _, err := l.look(); err != nil && !warned {
			warned = true
			l.log.Warn("starting at login", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-looks:
		}
	}
}

// look reads what the system will do.
func (l *Login) look() (autostart.State, error) {
	s, err := autostart.Status()
	l.mu.Lock()
	changed := !reflect.DeepEqual(s, l.state)
	l.state = s
	l.mu.Unlock()
	if changed {
		l.changed()
	}
	return s, err
}

// Autostart returns what GET /autostart answers.
func (l *Login) Autostart(context.Context) (api.Autostart, error) {
	s, err := l.look()
	return api.AutostartOf(s), err
}

// SetAutostart turns the start at login of this program, with its present home, on or off.
func (l *Login) SetAutostart(_ context.Context, on bool) error {
	if l.demo {
		return &api.Conflict{Reason: "this is a demo, which is not for starting at login; start Gatewatch " +
			"without --demo"}
	}
	err := autostart.Set(on, l.home)
	if _, look := l.look(); err == nil {
		err = look
	}
	return err
}

// Toggle does what a click in the tray asks for.
func (l *Login) Toggle(ctx context.Context) error {
	s, err := l.look()
	if err != nil {
		return err
	}
	return l.SetAutostart(ctx, s.Kind != autostart.On)
}

// Tray is what the tray shows of starting at login.
func (l *Login) Tray() tray.AtLogin {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.demo || l.state.Kind == "" {
		return tray.AtLogin{}
	}
	return tray.AtLogin{Known: true, On: l.state.Kind == autostart.On, Other: l.state.Kind == autostart.Other}
}
