//go:build !windows && !darwin

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/tray/sessionbus"
	"gatewatch/app/tray/sessionbus/bustest"
)

// desktop is one of the test's own with a stand-in for the window, which says how it was called and stays.
type desktop struct {
	t        *testing.T
	dir      string
	home     home.Home
	programs map[string]string // by version
}

func newDesktop(t *testing.T, versions ...string) *desktop {
	t.Helper()
	bustest.Start(t)
	dir := t.TempDir()
	d := &desktop{t: t, dir: dir, home: home.At(filepath.Join(dir, "home")), programs: map[string]string{}}
	// A window that was opened ends with the test, by the file that it waits for.
	window := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>'%[1]s/windows'\nwhile [ -e '%[1]s/stay' ]; do sleep 0.1; done\n",
		dir)
	for name, text := range map[string]string{"gatewatch-window": window, "stay": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Remove(filepath.Join(dir, "stay")) })
	for _, v := range versions {
		program := filepath.Join(dir, "gatewatch-"+v)
		build := exec.Command("go", "build", "-race=false", "-buildvcs=false", "-ldflags", "-X main.version="+v, "-o",
			program, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		d.programs[v] = program
	}
	settings := `{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": 1}}`
	if err := d.home.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.home.Settings(), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// instance is a process and what it says.
type instance struct {
	cmd   *exec.Cmd
	said  *lockedText
	ended chan struct{}
}

func (d *desktop) start(version string, args ...string) *instance {
	d.t.Helper()
	r := &instance{
		cmd: exec.Command(d.programs[version], append(args, "--home", d.home.State)...), said: &lockedText{},
		ended: make(chan struct{}),
	}
	r.cmd.Stdout, r.cmd.Stderr = r.said, r.said
	if err := r.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait()
	}()
	d.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
		if d.t.Failed() {
			d.t.Logf("%v said:\n%s", r.cmd.Args, r.said)
		}
	})
	return r
}

// code waits for the end of a process and returns its exit code.
func (d *desktop) code(r *instance) int {
	d.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		d.t.Fatalf("%v does not end", r.cmd.Args)
	}
	return r.cmd.ProcessState.ExitCode()
}

// await waits until a version answers, and returns its status.
func (d *desktop) await(version string) api.Status {
	d.t.Helper()
	var st api.Status
	if !eventually(func() bool {
		var err error
		_, st, err = d.home.Running(context.Background())
		return err == nil && st.Version == version
	}) {
		d.t.Fatalf("%s does not answer", version)
	}
	return st
}

func (d *desktop) windows() int {
	text, _ := os.ReadFile(filepath.Join(d.dir, "windows"))
	return strings.Count(string(text), "\n")
}

// TestOneProgramInAHome starts real programs of several versions, in one home.
func TestOneProgramInAHome(t *testing.T) {
	d := newDesktop(t, "v1.2.3", "v1.10.0", "dev")
	for name, test := range map[string]func(*testing.T, *desktop){
		"ten starts at once": tenStarts, "after a crash": startAfterKill, "upgrade": upgradeInPlace,
	} {
		t.Run(name, func(t *testing.T) {
			mine := *d
			mine.t = t
			test(t, &mine)
		})
	}
}

// tenStarts starts the program ten times at once: one stays, and the others have its window opened.
func tenStarts(t *testing.T, d *desktop) {
	opened := d.windows()
	var all []*instance
	for range 10 {
		all = append(all, d.start("dev"))
	}
	d.await("dev")
	done := make(chan *instance, len(all))
	for _, r := range all {
		go func() {
			<-r.ended
			done <- r
		}()
	}
	for range len(all) - 1 {
		select {
		case r := <-done:
			if code := r.cmd.ProcessState.ExitCode(); code != 0 ||
				!strings.Contains(r.said.String(), "Gatewatch runs already (dev); opening its window.") {
				t.Errorf("exit code %d: %s", code, r.said)
			}
		case <-time.After(patience):
			t.Fatal("more than one stays")
		}
	}
	select {
	case r := <-done:
		t.Fatalf("none stays; the last said: %s", r.said)
	default:
	}
	if !eventually(func() bool { return d.windows() == opened+1 }) {
		t.Errorf("%d windows were started, want one", d.windows()-opened)
	}
	if code := d.code(d.start("dev", "--headless")); code != exit.Failed {
		t.Errorf("headless beside it: exit code %d", code)
	}
	quit := d.start("dev", "quit")
	if code := d.code(quit); code != 0 {
		t.Errorf("quit: exit code %d", code)
	}
	if r := <-done; r.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("the resident program ended with %d", r.cmd.ProcessState.ExitCode())
	}
}

// startAfterKill has what a killed program left behind be no obstacle.
func startAfterKill(t *testing.T, d *desktop) {
	for range 3 {
		r := d.start("dev")
		begin := time.Now()
		d.await("dev")
		took := time.Since(begin)
		t.Logf("answers after %v", took)
		// A second on a computer that has nothing else to do; that it waits for no one shows on any.
		if took > home.ExitLimit/2 {
			t.Errorf("the start took %v", took)
		}
		if err := r.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-r.ended
		if _, err := os.Stat(d.home.Card()); err != nil {
			t.Errorf("what should be in the way is not there: %v", err)
		}
	}
}

// upgradeInPlace starts versions over each other.
func upgradeInPlace(t *testing.T, d *desktop) {
	old := d.start("v1.2.3")
	d.await("v1.2.3")
	logged, _ := os.ReadFile(d.home.Log())

	// A newer version, started twice at once: one takes the place, the other has its window opened.
	var both [2]*instance
	for i := range both {
		both[i] = d.start("v1.10.0")
	}
	if code := d.code(old); code != 0 {
		t.Errorf("the older one ended with %d", code)
	}
	if log, err := os.ReadFile(d.home.Log()); err != nil || !strings.Contains(string(log[len(logged):]),
		"msg=stopped uptime") {
		t.Errorf("it did not end cleanly: %v\n%s", err, log)
	}
	d.await("v1.10.0")
	var other *instance
	select {
	case <-both[0].ended:
		other, both[0] = both[0], both[1]
	case <-both[1].ended:
		other = both[1]
	case <-time.After(patience):
		t.Fatal("both stay")
	}
	if code := d.code(other); code != 0 || !strings.Contains(other.said.String(), "opening its window") {
		t.Errorf("exit code %d: %s", code, other.said)
	}
	if !strings.Contains(both[0].said.String()+other.said.String(),
		"Gatewatch v1.2.3 runs; it makes way for v1.10.0.") {
		t.Errorf("nothing is said of it:\n%s", both[0].said)
	}

	// Older, equal and unknown ones leave it where it is.
	for _, v := range []string{"v1.2.3", "v1.10.0", "dev"} {
		r := d.start(v)
		if code := d.code(r); code != 0 ||
			!strings.Contains(r.said.String(), "Gatewatch runs already (v1.10.0); opening its window.") {
			t.Errorf("%s: exit code %d: %s", v, code, r.said)
		}
	}
	// Without a desktop no one takes a place.
	d.t.Setenv(sessionbus.Variable, "disabled:")
	if code := d.code(d.start("v1.2.3", "--headless")); code != exit.Failed {
		t.Errorf("headless: exit code %d", code)
	}
	d.await("v1.10.0")
	if code := d.code(d.start("dev", "quit")); code != 0 {
		t.Errorf("quit ended with %d", code)
	}
	if code := d.code(both[0]); code != 0 {
		t.Errorf("the newer one ended with %d", code)
	}
	if code := d.code(d.start("dev", "quit")); code != exit.NotThere {
		t.Errorf("quit with nobody there ended with %d", code)
	}
}
