package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gatewatch/engine/store"
)

// TestDamagedFile opens ledgers that something has damaged: each is refused with a word on what to do, and none ends
// the program.
func TestDamagedFile(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "orders.db")
	log := slog.New(slog.DiscardHandler)
	l, err := Open(whole, log)
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
		l, err := Open(path, log)
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
	if l, err = Open(whole, log); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Open(t.TempDir(), log); err == nil {
		t.Error("a folder was opened")
	}
}

// TestDamagedJournal opens what a program that was killed has left, with a record in it that cannot be read: it is
// refused and kept. A record that was not written to its end is none.
func TestDamagedJournal(t *testing.T) {
	l := openAlone(t, filepath.Join(t.TempDir(), "orders.db"))
	defer l.Close()
	ends := []int{0}
	for id := range int64(3) {
		if err := l.journal.write(written(id+1, Planned)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(l.journal.used[0]))
	}
	change := func(damage func(data []byte)) func([]byte) []byte {
		return func(data []byte) []byte {
			damage(data)
			return data
		}
	}
	of := func(text string, size int) func([]byte) []byte {
		return func([]byte) []byte { return bytes.Repeat([]byte(text), size/len(text)) }
	}
	for name, c := range map[string]struct {
		damage func(data []byte) []byte
		ids    string // of the orders that are known; empty: it is refused
	}{
		"whole":                   {change(func([]byte) {}), "[1 2 3]"},
		"torn":                    {change(func(b []byte) { clear(b[ends[3]-9:]) }), "[1 2]"},
		"a bit of the first":      {change(func(b []byte) { b[ends[0]+40] ^= 1 }), ""},
		"a bit of the second":     {change(func(b []byte) { b[ends[1]+40] ^= 1 }), ""},
		"a bit of the last":       {change(func(b []byte) { b[ends[2]+40] ^= 1 }), ""},
		"a length":                {change(func(b []byte) { b[ends[1]+2] ^= 1 }), ""},
		"a sector":                {change(func(b []byte) { clear(b[:512]) }), ""},
		"the middle of the first": {change(func(b []byte) { clear(b[ends[0]+20 : ends[0]+60]) }), ""},
		"too long":                {func(b []byte) []byte { return append(b, 0) }, ""},
		"a text":                  {of("{}\n", 5000), ""},
		"no text":                 {of("\xff", 5000), ""},
		"a long text":             {of("{}\n", 8<<20), ""},
	} {
		path := leave(t, l.places[0].path)
		data, err := os.ReadFile(path + ".journal")
		if err != nil {
			t.Fatal(err)
		}
		data = c.damage(data)
		if err := os.WriteFile(path+".journal", data, 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		again, err := Open(path, slog.New(slog.DiscardHandler))
		runtime.ReadMemStats(&after)
		if size := after.TotalAlloc - before.TotalAlloc; size > 8<<20 {
			t.Errorf("%s: %d KB were allocated", name, size>>10)
		}
		if err == nil {
			ids := []int64{}
			for _, i := range again.Intents() {
				ids = append(ids, i.ID)
			}
			again.Close()
			if fmt.Sprint(ids) != c.ids {
				t.Errorf("%s: the orders %v are known", name, ids)
			}
			continue
		}
		if text := err.Error(); c.ids != "" || !errors.Is(err, store.ErrDamaged) ||
			!strings.Contains(text, path+".journal") || !strings.Contains(text, "move it elsewhere") {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(path + ".journal"); err != nil || !bytes.Equal(left, data) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
		if err := os.Rename(path+".journal", path+".kept"); err != nil {
			t.Fatal(err)
		}
		openAlone(t, path).Close()
	}
}
