package desktop

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
)

func TestClipboards(t *testing.T) {
	names := func(goos string, vars ...string) (list []string) {
		for _, program := range clipboards(goos, func(name string) string {
			if slices.Contains(vars, name) {
				return "set"
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
	if err := new(Desktop).Copy(t.Context(), "so ist es\n"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "copied")); err != nil || string(b) != "so ist es\n" {
		t.Errorf("copied %q, %v", b, err)
	}
	program("xsel", "exit 1")
	if err := new(Desktop).Copy(t.Context(), "x"); err == nil {
		t.Error("nothing took it, and that is no error")
	}
	t.Setenv("DISPLAY", "")
	if err := new(Desktop).Copy(t.Context(), "x"); !errors.Is(err, errNoClipboard) {
		t.Errorf("without a display: %v", err)
	}
}
