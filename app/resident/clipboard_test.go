package resident

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"gatewatch/app/home"
	"gatewatch/app/settings"
)

func TestClipboards(t *testing.T) {
	names := func(goos string, vars ...string) (list []string) {
		for _, program := range clipboards(goos, func(name string) string {
			for _, v := range vars {
				if v == name {
					return "set"
				}
			}
			return ""
		}) {
			list = append(list, program[0])
		}
		return list
	}
	for _, c := range []struct{ got, want []string }{
		{names("windows"), []string{"clip.exe"}},
		{names("darwin"), []string{"pbcopy"}},
		{names("linux"), nil},
		{names("linux", "DISPLAY"), []string{"xclip", "xsel"}},
		{names("freebsd", "DISPLAY", "WAYLAND_DISPLAY"), []string{"wl-copy", "xclip", "xsel"}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if got, want := wide("ä\n€"), []byte{0xFF, 0xFE, 0xE4, 0, '\r', 0, '\n', 0, 0xAC, 0x20}; !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
}

// TestCopyText has programs stand in for those of a desktop: the first fails, the second takes the text.
func TestCopyText(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("no place for others than the system's own")
	}
	dir := t.TempDir()
	program := func(name, script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	t.Setenv("DISPLAY", ":7")
	t.Setenv("WAYLAND_DISPLAY", "")
	program("xclip", "exit 1")
	program("xsel", `cat >"`+filepath.Join(dir, "copied")+`"; echo "$@" >"`+filepath.Join(dir, "called")+`"`)
	if err := copyText(t.Context(), "so ist es\n", os.Environ()); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "copied")); err != nil || string(b) != "so ist es\n" {
		t.Errorf("copied %q, %v", b, err)
	}
	program("xsel", "exit 1")
	if err := copyText(t.Context(), "x", os.Environ()); err == nil {
		t.Error("nothing took it, and that is no error")
	}
	t.Setenv("DISPLAY", "")
	if err := copyText(t.Context(), "x", os.Environ()); err != errNoClipboard {
		t.Errorf("without a display: %v", err)
	}
}

// TestDiagnosticsInAFile holds what “Copy diagnostics” does where nothing takes text: a file lies in the state folder, for the user
// alone, and is opened.
func TestDiagnosticsInAFile(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("these have a clipboard")
	}
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >"+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("DISPLAY", ":7")
	r := newResident(home.At(dir), nil, io.Discard)
	r.log = slog.New(slog.DiscardHandler)
	s := settings.Default()
	r.settings.Store(&s)
	if err := r.bringDiagnostics(t.Context(), "what is known"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "diagnostics.txt")
	if b, err := os.ReadFile(path); err != nil || string(b) != "what is known" {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if b, err := os.ReadFile(opened); err != nil || string(b) != path+"\n" {
		t.Errorf("opened %q, %v", b, err)
	}
}
