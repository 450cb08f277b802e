package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"gatewatch/app/api"
	"gatewatch/app/strict"
)

// WriteCard writes api.json, readable by the user alone.
func WriteCard(path string, c api.Card) error {
	body, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := strict.WriteFile(path, append(body, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// RemoveCard removes api.json if it still names this server.
func RemoveCard(path string, c api.Card) {
	if now, err := ReadCard(path); err == nil && now == c {
		os.Remove(path)
	}
}

var cardFile = strict.Kind{Name: "api.json", MaxSize: 4 << 10}

// ReadCard reads api.json. It returns [api.ErrNotRunning] if there is none.
func ReadCard(path string) (api.Card, error) {
	var c api.Card
	body, err := cardFile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, api.ErrNotRunning
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" || !net.ParseIP(u.Hostname()).IsLoopback() {
		return c, fmt.Errorf("%s: %q is not an address on the loopback", path, c.URL)
	}
	return c, nil
}

// errHidden means that a program holds the lock and that nothing says how to reach it.
var errHidden = fmt.Errorf("%w where it can be reached", api.ErrNotRunning)

// FindCard reads api.json as [ReadCard] does, and returns [api.ErrNotRunning] if there is a lock and no program holds
// it: a program that was killed has left both behind.
func FindCard(path string) (api.Card, error) {
	held, known := lockOf(path)
	if known && !held {
		return api.Card{}, api.ErrNotRunning
	}
	c, err := ReadCard(path)
	if known && errors.Is(err, api.ErrNotRunning) {
		err = errHidden
	}
	return c, err
}

// Claimed reports whether a program holds the home that api.json is in.
func Claimed(path string) bool {
	held, _ := lockOf(path)
	return held
}

// lockOf reports whether the lock beside api.json is held, if that can be known: where it cannot be written, the one
// outside of the home is.
func lockOf(path string) (held, known bool) {
	state := filepath.Dir(path)
	for _, lock := range []string{filepath.Join(state, lockName), Home{State: state}.lockBeside()} {
		if info, err := os.Stat(lock); err != nil || !info.Mode().IsRegular() {
			continue
		}
		l := flock.New(lock)
		free, err := l.TryRLock()
		if free {
			_ = l.Unlock()
		}
		if err == nil && !free {
			return true, true
		}
		known = known || err == nil
	}
	return false, known
}
