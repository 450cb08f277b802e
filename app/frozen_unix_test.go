//go:build unix

package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/exit"
	"gatewatch/app/wording"
)

// TestFrozenProgramInWords stops the running program: the command line says so within seconds, and what to do. A
// watcher of the guard says that it is closed, and goes on when the program does.
func TestFrozenProgramInWords(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", rulesOf())
	r.awaitOpen()
	watch := exec.Command(r.program[0], "guard", "--watch", "--home", r.dir)
	watch.Env = r.cmd.Env
	var said lockedText
	watch.Stdout, watch.Stderr = &said, &said
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = watch.Process.Kill()
		_ = watch.Wait()
	}()
	r.until("the watcher sees an open guard", func() bool { return strings.Contains(said.String(), "open: ") })
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	r.until("the watcher sees it closed", func() bool {
		return strings.Contains(said.String(), "closed: "+wording.NotResponding)
	})
	took := time.Since(stopped)
	t.Logf("guard --watch noticed after %v", took)
	if took > 30*time.Second {
		t.Errorf("guard --watch took %v", took)
	}
	for _, command := range []string{"status", "guard", "orders", "uptime", "quit"} {
		began := time.Now()
		out, code := r.command(command)
		took := time.Since(began)
		t.Logf("%s answered after %v: %s", command, took, out)
		if code != exit.NotThere || took > 50*time.Second ||
			!strings.Contains(out, "Gatewatch is not responding (process ") ||
			!strings.Contains(out, wording.NotRespondingDo) || strings.Contains(out, "deadline") {
			t.Errorf("%s: code %d after %v: %s", command, code, took, out)
		}
	}
	out, code := r.command("wait", "--timeout", "7s")
	if code != exit.NotThere || !strings.Contains(out, "Gatewatch is not responding (process ") {
		t.Errorf("wait: code %d, %s", code, out)
	}
	out, code = r.command("run", "--headless")
	if code == 0 || !strings.Contains(out, "not responding") {
		t.Errorf("a second program: code %d, %s", code, out)
	}
	before := strings.Count(said.String(), "open: ")
	if err := r.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r.until("the watcher sees it open again", func() bool { return strings.Count(said.String(), "open: ") > before })
	r.awaitOpen()
}
