package engine

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedFile opens ledgers that something has damaged: each is refused with a word on what to do, and none ends
// the program.
func TestDamagedFile(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "orders.db")
	log := slog.New(slog.DiscardHandler)
	l, err := OpenLedger(whole, log)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := l.Note(map[string][]byte{strings.Repeat("n", i+1): bytes.Repeat([]byte("text "), 200)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[3*os.Getpagesize()+15] ^= 1 // bbolt never returns from this one
	for name, content := range map[string][]byte{
		"text": []byte("This is no ledger."), "half": good[:len(good)/2], "a flipped bit": flipped,
	} {
		path := filepath.Join(t.TempDir(), "orders.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenLedger(path, log)
		if err == nil {
			t.Errorf("%s: no error", name)
			l.Close()
			continue
		}
		t.Logf("%s: %v", name, err)
		if text := err.Error(); !strings.Contains(text, path) ||
			!strings.Contains(text, "move it elsewhere to start with an empty one") {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, content) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
	if l, err = OpenLedger(whole, log); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := OpenLedger(t.TempDir(), log); err == nil {
		t.Error("a folder was opened")
	}
}
