//go:build unix

package link

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hanging starts a program that holds the lock of a new home and answers nothing at the address in its card.
func hanging(t *testing.T, pid func(own int) int) (card string, p *exec.Cmd) {
	t.Helper()
	dir := t.TempDir()
	p = exec.Command(os.Args[0])
	p.Env = append(os.Environ(), "LINK_TEST_HANG="+dir)
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	card = filepath.Join(dir, "api.json")
	silent := silentServer(t)
	if err := os.WriteFile(card, fmt.Appendf(nil, `{"url": %q, "token": "T", "pid": %d}`, silent, pid(p.Process.Pid)),
		0o600); err != nil {
		t.Fatal(err)
	}
	return card, p
}

// TestRestartEndsWhatHangs restarts a program that does not answer: its process is ended, and the program started with
// its flags.
func TestRestartEndsWhatHangs(t *testing.T) {
	card, old := hanging(t, func(own int) int { return own })
	note := filepath.Join(t.TempDir(), "args")
	program := Program{Card: card, Args: []string{"--home", "x y"}, path: script(t, fmt.Sprintf(`echo "$@" >%q`, note))}
	if err := program.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := old.Wait(); err == nil || old.ProcessState.Exited() {
		t.Errorf("the old process ended with %v", old.ProcessState)
	}
	if args, err := os.ReadFile(note); err != nil || strings.TrimSpace(string(args)) != "--home x y" {
		t.Errorf("started with %q, %v", args, err)
	}
}

// TestRestartEndsNothingUnknown leaves a program alone whose card, written by an older version, names no process, or
// this one.
func TestRestartEndsNothingUnknown(t *testing.T) {
	for _, pid := range []int{0, 1, os.Getpid()} {
		card, old := hanging(t, func(int) int { return pid })
		program := Program{Card: card, path: script(t, "exit 0")}
		if err := program.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), "end it yourself") {
			t.Errorf("process id %d: %v", pid, err)
		}
		if err := old.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("process id %d: the old process is gone: %v", pid, err)
		}
	}
}

func TestStartThatFails(t *testing.T) {
	card := filepath.Join(t.TempDir(), "api.json")
	err := Program{Card: card, path: script(t, "echo settings.json:3: odd >&2; exit 2")}.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "settings.json:3: odd") {
		t.Errorf("it says %v", err)
	}
	if err := (Program{Card: card}).Start(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "from your applications") {
		t.Errorf("nothing to start: %v", err)
	}
	if err := (Program{Card: card, path: "/nowhere/gatewatch"}).Start(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gatewatch")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
