package home

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/exit"
)

func TestLock(t *testing.T) {
	h := At(filepath.Join(t.TempDir(), "home"))
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	lock, err := h.Lock()
	if err != nil || !lock.Held() {
		t.Fatalf("held %v, %v", err == nil && lock.Held(), err)
	}
	if _, err := h.Lock(); !errors.Is(err, errLocked) {
		t.Errorf("locked twice: %v", err)
	}
	lock.Release()
	again, err := h.Lock()
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

// TestSweep: what is no file gives way to a file of Gatewatch, except for the record of orders.
func TestSweep(t *testing.T) {
	h := At(t.TempDir())
	for _, name := range []string{"api.json", "gatewatch.log", "orders.db", "other"} {
		if err := os.Mkdir(filepath.Join(h.State, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.State, "alerts.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var moved []string
	for _, path := range h.Sweep() {
		name, _, _ := strings.Cut(filepath.Base(path), ".aside-")
		moved = append(moved, name)
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"api.json", "gatewatch.log"}; !slices.Equal(moved, want) {
		t.Errorf("moved %q, want %q", moved, want)
	}
}

func TestExplain(t *testing.T) {
	for _, err := range []error{api.ErrNotRunning, api.ErrNotResponding} {
		if got := Explain(err); exit.Code(got) != exit.NotThere || got.Error() == err.Error() {
			t.Errorf("%v: %v", err, got)
		}
	}
	if other := errors.New("other"); !errors.Is(Explain(other), other) {
		t.Error("another error is explained")
	}
}
