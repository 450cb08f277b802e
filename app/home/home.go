// Package home knows the folders of Gatewatch, the files in them, and which process runs there.
package home

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
)

// lockName is the file beside api.json that the running program holds locked.
const lockName = "gatewatch.lock"

// Home is where the files of a user are.
type Home struct {
	Flag   string // what --home says, empty for the usual folders
	Config string // folder of settings.json
	State  string // folder of api.json, logs, lock and waiting alerts
	Rules  string // path of rules.json
	Orders string // path of orders.db
}

// At returns the files in dir, or in the user's usual folders if dir is empty.
func At(dir string) Home {
	h := Home{Flag: dir, Config: dir, State: dir}
	if dir == "" {
		h.Config, h.State = filepath.Join(xdg.ConfigHome, "gatewatch"), filepath.Join(xdg.StateHome, "gatewatch")
	}
	return h.WithTrading(h.Config, h.State)
}

// WithTrading returns a home with rules and orders in other folders.
func (h Home) WithTrading(rules, orders string) Home {
	h.Rules, h.Orders = filepath.Join(rules, "rules.json"), filepath.Join(orders, "orders.db")
	return h
}

// Settings returns the path of settings.json.
func (h Home) Settings() string { return filepath.Join(h.Config, "settings.json") }

// Secrets returns the path of the secrets that are kept where there is no keyring.
func (h Home) Secrets() string { return filepath.Join(h.Config, "secrets.json") }

// LastGood returns the path of the settings that were in effect last.
func (h Home) LastGood() string { return filepath.Join(h.State, "settings.last-good.json") }

// Card returns the path of api.json.
func (h Home) Card() string { return filepath.Join(h.State, "api.json") }

// Log returns the path of the program's log.
func (h Home) Log() string { return filepath.Join(h.State, "gatewatch.log") }

// Alerts returns the path of the waiting alerts.
func (h Home) Alerts() string { return filepath.Join(h.State, "alerts.db") }

// Reminders returns the path of the reminders that were shown.
func (h Home) Reminders() string { return filepath.Join(h.State, "reminders.json") }

// Muted returns the path of the time until which notifications are muted.
func (h Home) Muted() string { return filepath.Join(h.State, "muted_until") }

// LockFile returns the path of the file that the running program locks.
func (h Home) LockFile() string { return filepath.Join(h.State, lockName) }

// Make creates the folders. Other users cannot read them.
func (h Home) Make() error {
	for _, dir := range []string{h.Config, h.State} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make folder: %w; choose another with --home", err)
		}
	}
	return nil
}

// Sweep renames what has the name of a file of Gatewatch in the state folder and is no file: a folder, or a pipe, for
// which the program would wait. It returns the new names.
func (h Home) Sweep() (moved []string) {
	entries, err := os.ReadDir(h.State)
	if err != nil {
		return nil // nothing can be moved in it either
	}
	for _, e := range entries {
		path := filepath.Join(h.State, e.Name())
		if e.Type().IsRegular() || !ours(e.Name()) {
			continue
		}
		if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() {
			continue
		}
		aside := path + ".aside-" + time.Now().UTC().Format("20060102T150405")
		if os.Rename(path, aside) == nil {
			moved = append(moved, aside)
		}
	}
	return moved
}

// ours reports whether a file of the state folder is one that the program keeps and can do without. In the place of
// orders.db a person has to look.
func ours(name string) bool {
	if strings.Contains(name, ".aside-") {
		return false
	}
	switch name {
	case "api.json", "alerts.db", "orders.db.journal", "crash.log", "settings.last-good.json", "muted_until", lockName:
		return true
	}
	return strings.HasPrefix(name, "connection_log") || strings.HasPrefix(name, "gatewatch") &&
		strings.HasSuffix(name, ".log")
}
