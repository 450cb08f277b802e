package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"gatewatch/app/api"
)

// home says where everything lies.
type home struct {
	config string // settings.json
	state  string // api.json, logs, lock, alerts that wait
	rules  string // rules.json
	orders string // orders.db
}

// homeAt returns the folders below dir, or the user's usual ones if dir is empty.
func homeAt(dir string) home {
	h := home{config: dir, state: dir}
	if dir == "" {
		h = home{config: filepath.Join(xdg.ConfigHome, "gatewatch"), state: filepath.Join(xdg.StateHome, "gatewatch")}
	}
	return h.trading(h.config, h.state)
}

// trading has rules and orders lie in other folders.
func (h home) trading(rules, orders string) home {
	h.rules, h.orders = filepath.Join(rules, "rules.json"), filepath.Join(orders, "orders.db")
	return h
}

func (h home) settings() string  { return filepath.Join(h.config, "settings.json") }
func (h home) lastGood() string  { return filepath.Join(h.state, "settings.last-good.json") }
func (h home) card() string      { return filepath.Join(h.state, "api.json") }
func (h home) log() string       { return filepath.Join(h.state, "gatewatch.log") }
func (h home) alerts() string    { return filepath.Join(h.state, "alerts.db") }
func (h home) reminders() string { return filepath.Join(h.state, "reminders.json") }
func (h home) lock() string      { return filepath.Join(h.state, api.LockFile) }

// make creates the folders, for the user alone.
func (h home) make() error {
	for _, dir := range []string{h.config, h.state} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make folder: %w; choose another with --home", err)
		}
	}
	return nil
}
