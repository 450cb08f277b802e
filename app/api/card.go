package api

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

	"gatewatch/app/api/proof"
	"gatewatch/app/strict"
)

// LockFile is the file beside api.json that the running program holds locked.
const LockFile = "gatewatch.lock"

// Card is the content of api.json, by which other programs of the user find the server.
type Card struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"` // of the process that answers there; 0 if an older version wrote it
}

func secretOf(c Card) proof.Secret { return proof.Secret{URL: c.URL, Token: c.Token} }

// WriteCard writes api.json, readable by the user alone.
func WriteCard(path string, s *Server) error {
	body, err := json.MarshalIndent(Card{URL: s.URL(), Token: s.Token(), PID: os.Getpid()}, "", "  ")
	if err != nil {
		return err
	}
	if err := strict.WriteFile(path, append(body, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// RemoveCard removes api.json if it still tells of this server.
func RemoveCard(path string, s *Server) {
	if c, err := ReadCard(path); err == nil && c.Token == s.Token() {
		os.Remove(path)
	}
}

var cardFile = strict.Kind{Name: "api.json", MaxSize: 4 << 10}

// ReadCard reads api.json. It returns [ErrNotRunning] if there is none.
func ReadCard(path string) (Card, error) {
	var c Card
	body, err := cardFile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, ErrNotRunning
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

// FindCard reads api.json as [ReadCard] does, and returns [ErrNotRunning] if the lock beside it is there and no program
// holds it: a program that was killed has left both behind.
func FindCard(path string) (Card, error) {
	if held, known := lockOf(path); known && !held {
		return Card{}, ErrNotRunning
	}
	return ReadCard(path)
}

// Claimed reports whether a program holds the lock beside api.json.
func Claimed(path string) bool {
	held, _ := lockOf(path)
	return held
}

// lockOf reports whether the lock beside api.json is held, if that can be known.
func lockOf(path string) (held, known bool) {
	lock := filepath.Join(filepath.Dir(path), LockFile)
	if info, err := os.Stat(lock); err != nil || !info.Mode().IsRegular() {
		return false, false
	}
	l := flock.New(lock)
	free, err := l.TryRLock()
	if free {
		_ = l.Unlock()
	}
	return !free, err == nil
}
