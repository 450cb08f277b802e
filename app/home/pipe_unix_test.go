//go:build unix

package home

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"gatewatch/app/strict"
)

// TestCardIsAPipe: no client waits for pipes in the place of api.json and of the lock.
func TestCardIsAPipe(t *testing.T) {
	card := filepath.Join(t.TempDir(), "api.json")
	lock := filepath.Join(filepath.Dir(card), lockName)
	if err := errors.Join(syscall.Mkfifo(card, 0o600), syscall.Mkfifo(lock, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := FindCard(card); !errors.Is(err, strict.ErrNoFile) {
		t.Errorf("%v", err)
	}
}
