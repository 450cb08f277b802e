package resident

import (
	"context"
	"reflect"
	"sync"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/autostart"
	"gatewatch/app/tray"
	"gatewatch/app/wording"
)

// loginLook is the time between two looks at what the system starts at login: users change that elsewhere, too.
const loginLook = 30 * time.Second

// login is what is known of starting at login. The tray shows it, and asks too often to read it each time.
type login struct {
	mu    sync.Mutex
	state autostart.State
}

// watchLogin keeps that up to date until ctx ends. First it mends the path of a program that was moved; a demo, and a
// program with a home of its own, leave it as it is.
func (r *resident) watchLogin(ctx context.Context) {
	if r.demo == nil && r.home.Flag == "" {
		s, mended, err := autostart.Repair()
		switch {
		case err != nil:
			r.log.Warn("starting at login", "err", err)
		case mended:
			r.log.Info("starting at login: the path is mended", "exe", s.Exe)
		}
	}
	told := false
	every := time.NewTicker(loginLook)
	defer every.Stop()
	for {
		if _, err := r.lookAtLogin(); err != nil && !told {
			told = true
			r.log.Warn("starting at login", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// lookAtLogin reads what the system will do.
func (r *resident) lookAtLogin() (autostart.State, error) {
	s, err := autostart.Status()
	r.login.mu.Lock()
	changed := !reflect.DeepEqual(s, r.login.state)
	r.login.state = s
	r.login.mu.Unlock()
	if changed {
		r.hub.nudge()
	}
	return s, err
}

// Autostart returns what GET /autostart answers.
func (r *resident) Autostart(context.Context) (api.Autostart, error) {
	s, err := r.lookAtLogin()
	return api.Autostart{
		On: s.Kind == autostart.On, State: s.Kind, Text: wording.AtLogin(s), Program: s.Exe, Place: s.Place,
	}, err
}

// SetAutostart has this program started at login, with its present home, or nothing.
func (r *resident) SetAutostart(_ context.Context, on bool) error {
	if r.demo != nil {
		return &api.Conflict{Reason: "this is a demo, which is not for starting at login; start Gatewatch without --demo"}
	}
	err := autostart.Set(on, r.home.Flag)
	if _, look := r.lookAtLogin(); err == nil {
		err = look
	}
	return err
}

// toggleLogin does what a click in the tray asks for.
func (r *resident) toggleLogin(ctx context.Context) error {
	s, err := r.lookAtLogin()
	if err != nil {
		return err
	}
	return r.SetAutostart(ctx, s.Kind != autostart.On)
}

// atLogin is what the tray shows of starting at login.
func (r *resident) atLogin() tray.AtLogin {
	r.login.mu.Lock()
	defer r.login.mu.Unlock()
	if r.demo != nil || r.login.state.Kind == "" {
		return tray.AtLogin{}
	}
	return tray.AtLogin{Known: true, On: r.login.state.Kind == autostart.On, Other: r.login.state.Kind == autostart.Other}
}
