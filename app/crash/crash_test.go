package crash

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const trace = "runtime: out of luck\n\npanic: account DU1234567 [recovered]\n\ngoroutine 1 [running]:\nmain.main()\n"

func hide(s string) string { return strings.ReplaceAll(s, "DU1234567", "•••") }

func TestTake(t *testing.T) {
	dir := t.TempDir()
	if r, err := Take(dir, hide); r != nil || err != nil {
		t.Fatalf("of nothing: %+v, %v", r, err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Take(dir, hide); r != nil || err != nil {
		t.Fatalf("of an orderly end: %+v, %v", r, err)
	}
	at := time.Date(2026, 3, 10, 14, 2, 5, 0, time.Local)
	for n, gap := range []time.Duration{
		0, 59 * time.Minute, 2 * time.Hour, 24 * time.Hour, time.Second, time.Second,
		time.Second,
	} {
		at = at.Add(gap)
		if err := os.WriteFile(path, []byte(trace), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		r, err := Take(dir, hide)
		if err != nil {
			t.Fatal(err)
		}
		if !r.At.Equal(at) || r.What != "panic: account ••• [recovered]" || r.Again != (n > 0 && gap < time.Hour) {
			t.Errorf("crash %d: %+v", n, r)
		}
		if r.Path != filepath.Join(dir, "crash-"+at.Format(stamp)+".log") {
			t.Errorf("kept at %s", r.Path)
		}
		if b, err := os.ReadFile(r.Path); err != nil || string(b) != hide(trace) {
			t.Errorf("kept %q, %v", b, err)
		}
		if info, err := os.Stat(r.Path); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if r, err := Take(dir, hide); r != nil || err != nil {
			t.Errorf("twice: %+v, %v", r, err)
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(kept) != keep || kept[keep-1] != filepath.Join(dir, "crash-"+at.Format(stamp)+".log") {
		t.Errorf("kept %q, %v", kept, err)
	}
}

func TestFirstLine(t *testing.T) {
	for text, want := range map[string]string{
		trace:                        "panic: account DU1234567 [recovered]",
		"fatal error: concurrent\nx": "fatal error: concurrent",
		"\nSIGQUIT: quit\nPC=0x1\n":  "SIGQUIT: quit",
		"":                           "",
		"goroutine 9 [running]:\ninternal/sync.fatal({0x1, 0x2})\n\t/x.go:1\n" +
			"internal/sync.(*Mutex).unlockSlow(0xc0)\n": "fatal error in internal/sync.(*Mutex).unlockSlow",
		"runtime: x\r\nfatal error: oh\r": "fatal error: oh",
	} {
		if got := firstLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestCatchEnds: an orderly end leaves no file, and a file that cannot be written is reported.
func TestCatchEnds(t *testing.T) {
	dir := t.TempDir()
	end, err := Catch(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Error(err)
	}
	end()
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		t.Error("the file is still there")
	}
	if _, err := Catch(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}
