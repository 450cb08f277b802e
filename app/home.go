package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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

// sweep moves aside what lies under the name of a file of ours in the state folder and is none: a folder, or a pipe, for which the
// program would wait. It returns what was moved, by its new name.
func (h home) sweep() (moved []string) {
	entries, err := os.ReadDir(h.state)
	if err != nil {
		return nil // nothing can be moved in it either
	}
	for _, e := range entries {
		path := filepath.Join(h.state, e.Name())
		info, err := os.Stat(path)
		if err != nil || info.Mode().IsRegular() || !ours(e.Name()) {
			continue
		}
		aside := path + ".aside-" + time.Now().UTC().Format("20060102T150405")
		if os.Rename(path, aside) == nil {
			moved = append(moved, aside)
		}
	}
	return moved
}

// ours reports whether a file of the state folder is one that the program keeps and can do without. In the place of orders.db a
// person has to look.
func ours(name string) bool {
	if strings.Contains(name, ".aside-") {
		return false
	}
	switch name {
	case "api.json", "alerts.db", "orders.db.journal", "crash.log", "settings.last-good.json", api.LockFile:
		return true
	}
	return strings.HasPrefix(name, "connection_log") || strings.HasPrefix(name, "gatewatch") && strings.HasSuffix(name, ".log")
}
