package resident

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"gatewatch/app/desktop"
	"gatewatch/app/home"
)

// TestDiagnosticsInAFile holds what “Copy diagnostics” does where nothing takes text: a file lies in the state folder,
// for the user alone, and is opened.
func TestDiagnosticsInAFile(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("these have a clipboard")
	}
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >"+opened+"\n"),
		0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("DISPLAY", ":7")
	r := &bugReport{home: home.At(dir), desktop: &desktop.Desktop{}, log: slog.New(slog.DiscardHandler)}
	if err := r.hand(t.Context(), "what is known"); err != nil {
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
