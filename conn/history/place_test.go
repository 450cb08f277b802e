//go:build !windows

package history

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKeepInPlace deletes, moves and replaces the log while it is written.
func TestKeepInPlace(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for name, remove := range map[string]func(dir string) error{
		"left alone": func(string) error { return nil },
		"deleted":    os.RemoveAll,
		"moved":      func(dir string) error { return os.Rename(dir, dir+".away") },
		"replaced": func(dir string) error {
			path := filepath.Join(dir, current)
			if err := os.Rename(path, path+".away"); err != nil {
				return err
			}
			return os.WriteFile(path, []byte(opening+closing), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			l, err := Open(Crash{}, dir, now, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			put := func(seconds int) {
				t.Helper()
				at := now.Add(time.Duration(seconds) * time.Second)
				if _, err := l.Append(Record{Time: at, What: Recovered, Counts: Connected}); err != nil {
					t.Fatal(err)
				}
				if err := l.Beat(at); err != nil {
					t.Fatal(err)
				}
			}
			put(1)
			if err := remove(dir); err != nil {
				t.Fatal(err)
			}
			put(2) // into the file that has gone
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			moved, err := l.keepInPlace()
			if gone := name == "deleted" || name == "moved"; moved != gone || (err != nil) != (name == "replaced") {
				t.Fatalf("moved %v, %v", moved, err)
			}
			if err != nil {
				return
			}
			put(3)
			if moved, err := l.keepInPlace(); moved || err != nil {
				t.Errorf("a second look: %v, %v", moved, err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			var seen []uint64
			if err := Read(dir, time.Time{}, func(r Record) bool {
				seen = append(seen, r.Seq)
				return true
			}); err != nil {
				t.Fatal(err)
			}
			if len(seen) != 3 || seen[0] != 1 || seen[2] != 3 {
				t.Errorf("records %v", seen)
			}
			if beat, err := LastBeat(dir); err != nil || !beat.Equal(now.Add(3*time.Second)) {
				t.Errorf("heartbeat of %v, %v", beat, err)
			}
		})
	}
}
