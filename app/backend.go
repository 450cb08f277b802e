package main

import (
	"context"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// The methods below make resident what the API shows and moves.

// Status returns what GET /status answers.
func (r *resident) Status() api.Status {
	now, s := time.Now(), r.sup.Snapshot()
	st := api.StatusOf(s, now, version, r.settings.Load().Gateway.ClientID, r.started)
	st.Today = api.TodayOf(r.hub.account(s, now))
	if until := r.hub.Muted(now); !until.IsZero() {
		st.Muted = &until
	}
	return st
}

// Subscribe nudges when Status has changed.
func (r *resident) Subscribe() (<-chan struct{}, func()) { return r.hub.Subscribe() }

// Connect asks the supervisor to connect now.
func (r *resident) Connect(ctx context.Context) error { return r.sup.Connect(ctx) }

// Disconnect asks the supervisor to disconnect and pause.
func (r *resident) Disconnect(ctx context.Context) error { return r.sup.Disconnect(ctx) }

// Settings returns what is in force.
func (r *resident) Settings() api.SettingsView {
	_, found, _ := settings.Load(r.home.settings())
	found = found || r.demo != nil // a demo has no first run to guide through
	r.mu.Lock()
	defer r.mu.Unlock()
	return api.SettingsView{
		Path: r.home.settings(), Found: found, Settings: *r.settings.Load(), Defaults: settings.Default(), Problem: r.problem,
	}
}

// SaveSettings checks a settings file, puts it in force and writes it. A file that cannot be written changes nothing.
func (r *resident) SaveSettings(ctx context.Context, body []byte) error {
	s, err := settings.Parse("settings.json", body)
	if err != nil {
		return err
	}
	if err := settings.Save(r.home.settings(), s); err != nil {
		return err
	}
	// The watcher would find it too; the caller wants to see it now.
	r.reconfigure(ctx, s)
	return nil
}
