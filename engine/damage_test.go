package engine

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedFile opens ledgers that something has damaged: each is refused with a word on what to do, and none ends the program.
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
	page := os.Getpagesize()
	fill := func(b []byte, with func() byte) []byte {
		for i := range b {
			b[i] = with()
		}
		return b
	}
	random := func() byte { return byte(rand.Uint32()) }
	for name, content := range map[string][]byte{
		"text":        []byte("This is no ledger."),
		"long text":   bytes.Repeat([]byte("This is no ledger. "), 10000),
		"zeros":       make([]byte, len(good)),
		"half":        good[:len(good)/2/page*page],
		"two pages":   good[:2*page],
		"zero pages":  append(bytes.Clone(good[:2*page]), make([]byte, len(good)-2*page)...),
		"random":      append(bytes.Clone(good[:2*page]), fill(make([]byte, len(good)-2*page), random)...),
		"one of each": append(bytes.Clone(good[:3*page]), fill(make([]byte, len(good)-3*page), func() byte { return 0xff })...),
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
		if text := err.Error(); !strings.Contains(text, path) || !strings.Contains(text, "move it away to begin anew") {
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
