//go:build !windows && !darwin

package autostart

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"
)

// useFolders has the entry lie in folders of the test, for the user and for everybody, and returns its paths there.
func useFolders(t *testing.T) (own, everybody string) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("XDG_CONFIG_DIRS", filepath.Join(dir, "etc"))
	t.Setenv("XDG_CURRENT_DESKTOP", "GNOME")
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	return filepath.Join(dir, "config/autostart/gatewatch.desktop"),
		filepath.Join(dir, "etc/autostart/gatewatch.desktop")
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, want AtLogin) State {
	t.Helper()
	s, err := Status()
	if err != nil || s.Kind != want {
		t.Fatalf("%+v, %v; want %s", s, err, want)
	}
	return s
}

func self(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOnAndOff(t *testing.T) {
	own, _ := useFolders(t)
	if s := expect(t, Off); s.Place != own {
		t.Errorf("%+v", s)
	}
	if err := disable(); err != nil {
		t.Errorf("off while off: %v", err)
	}
	if err := enable(self(t), "--home", "/a b"); err != nil {
		t.Fatal(err)
	}
	if s := expect(t, On); s.Exe != self(t) || !slices.Equal(s.Args, []string{"--home", "/a b"}) || s.Place != own {
		t.Errorf("%+v", s)
	}
	if list, err := os.ReadDir(filepath.Dir(own)); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err) // nothing is left of writing it
	}
	if err := disable(); err != nil {
		t.Fatal(err)
	}
	expect(t, Off)
	if _, err := os.Stat(own); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}

func TestSwitchedOffByTheUser(t *testing.T) {
	own, _ := useFolders(t)
	put(t, own, byHand)
	if s := expect(t, Blocked); s.Why != "Hidden=true" || s.Exe != "/old/gatewatch" {
		t.Errorf("%+v", s)
	}
	// That the program is gone is no reason to bring it back.
	if s, changed, err := Repair(); err != nil || changed || s.Kind != Blocked {
		t.Errorf("%+v, %v, %v", s, changed, err)
	}
	if text, err := os.ReadFile(own); err != nil || string(text) != byHand {
		t.Errorf("%v\n%s", err, text)
	}
	if err := enable(self(t)); err != nil {
		t.Fatal(err)
	}
	expect(t, On)
	if err := disable(); err != nil {
		t.Fatal(err)
	}
	expect(t, Blocked)
	if text, err := os.ReadFile(own); err != nil || !strings.Contains(string(text), "X-GNOME-Autostart-Delay=20\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestRepair(t *testing.T) {
	own, _ := useFolders(t)
	if s, changed, err := Repair(); err != nil || changed || s.Kind != Off {
		t.Errorf("off: %+v, %v, %v", s, changed, err)
	}
	put(t, own, "[Desktop Entry]\nExec=/gone/gatewatch --headless\nX-Mine=1\n")
	expect(t, Moved)
	s, changed, err := Repair()
	if err != nil || !changed || s.Kind != On || !slices.Equal(s.Args, []string{"--headless"}) {
		t.Errorf("moved: %+v, %v, %v", s, changed, err)
	}
	if text, err := os.ReadFile(own); err != nil || !strings.Contains(string(text), "X-Mine=1\n") {
		t.Errorf("%v\n%s", err, text)
	}
	// Another copy that is there has its own right.
	other := filepath.Join(t.TempDir(), "gatewatch")
	put(t, other, "")
	if err := enable(other); err != nil {
		t.Fatal(err)
	}
	if s, changed, err := Repair(); err != nil || changed || s.Kind != Other || s.Exe != other {
		t.Errorf("another copy: %+v, %v, %v", s, changed, err)
	}
}

func TestEntryForEverybody(t *testing.T) {
	own, everybody := useFolders(t)
	text := enabled(t, "", []string{self(t)})
	put(t, everybody, text)
	if s := expect(t, On); s.Place != everybody {
		t.Errorf("%+v", s)
	}
	if err := disable(); err != nil {
		t.Fatal(err)
	}
	if s := expect(t, Blocked); s.Place != own {
		t.Errorf("%+v", s)
	}
	if left, err := os.ReadFile(everybody); err != nil || string(left) != text {
		t.Errorf("%v\n%s", err, left)
	}
	if err := enable(self(t)); err != nil {
		t.Fatal(err)
	}
	expect(t, On)
}

func TestUnreadableEntryIsNotOff(t *testing.T) {
	own, _ := useFolders(t)
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if s, err := Status(); err == nil || s.Place != own {
		t.Errorf("%+v, %v", s, err)
	}
	for what, f := range map[string]func() error{"on": func() error { return enable(self(t)) }, "off": disable} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestDesktopsReadWhatIsWritten has the desktops' own library start programs from nasty paths.
func TestDesktopsReadWhatIsWritten(t *testing.T) {
	gio, err := exec.LookPath("gio")
	if err != nil {
		t.Skip("no gio; Debian package libglib2.0-bin")
	}
	validate, _ := exec.LookPath("desktop-file-validate")
	for _, c := range nasty {
		own, _ := useFolders(t)
		dir := t.TempDir()
		program, said := filepath.Join(dir, c[0]), filepath.Join(dir, "said")
		put(t, program, "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\0' \"$a\"; done >"+said+".new && mv "+said+".new "+
			said+"\n")
		if err := os.Chmod(program, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := enable(program, c[1:]...); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(own)
		if validate != "" {
			if out, err := exec.Command(validate, own).CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s\n%s", c, err, out, text)
			}
		}
		if out, err := exec.Command(gio, "launch", own).CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s\n%s", c, err, out, text)
			continue
		}
		want := ""
		for _, word := range c[1:] {
			want += word + "\x00"
		}
		var got []byte
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if got, err = os.ReadFile(said); err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%q was not started:\n%s", program, text)
			}
		}
		if string(got) != want {
			t.Errorf("%q was started with %q by\n%s", c, got, text)
		}
	}
}
