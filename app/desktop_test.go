//go:build !windows && !darwin

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/settings"
	"gatewatch/app/tray/sessionbus/bustest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// notes is an org.freedesktop.Notifications that keeps what it was asked to show.
type notes struct {
	mu    sync.Mutex
	shown []string
	next  uint32
}

func (n *notes) Notify(_ string, replaces uint32, _, summary, _ string, _ []string, _ map[string]dbus.Variant,
	_ int32,
) (uint32, *dbus.Error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shown = append(n.shown, summary)
	if replaces != 0 {
		return replaces, nil
	}
	n.next++
	return n.next, nil
}

func (n *notes) GetCapabilities() ([]string, *dbus.Error) { return []string{"actions", "body"}, nil }

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.shown...)
}

// take returns what was shown since the last take.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.shown
	n.shown = nil
	return s
}

// buildProgram builds the program as people get it, without the race detector, into dir.
func buildProgram(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "gatewatch")
	build := exec.Command("go", "build", "-race=false", "-buildvcs=false", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// startDesktop starts a session bus with a tray and a notification server on it.
func startDesktop(t *testing.T) (*bustest.Host, *notes) {
	t.Helper()
	bustest.Start(t)
	host, board := bustest.StartHost(t), &notes{}
	bus := bustest.Connect(t)
	if err := bus.Export(board, "/org/freedesktop/Notifications", "org.freedesktop.Notifications"); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.RequestName("org.freedesktop.Notifications", 0); err != nil {
		t.Fatal(err)
	}
	return host, board
}

// TestDesktop runs the program on a session bus of its own, with a tray and a notification server on it, against the
// simulated gateway, and uses it as a trader does. The race detector would find a race of the tray library's own.
func TestDesktop(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: a recovery is reported only after ten stable seconds")
	}
	host, board := startDesktop(t)
	gateway := simtest.Start(t, sim.Config{})

	dir := t.TempDir()
	program := buildProgram(t, dir)
	// What stands in for the window says how it was called, and stays.
	called := filepath.Join(dir, "called")
	window := "#!/bin/sh\necho \"$@\" >>" + called + "\nexec sleep 60\n"
	if err := os.WriteFile(filepath.Join(dir, "gatewatch-window"), []byte(window), 0o700); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	s := settings.Default()
	s.Gateway.Port, s.API.Port, s.ResetMinutes = gateway.Port(), 0, 0
	s.Reconnect.DelaysSeconds, s.Notices.DesktopAfterSeconds = []float64{0.2}, 1
	save := func() {
		t.Helper()
		if err := settings.Save(filepath.Join(home, "settings.json"), s); err != nil {
			t.Fatal(err)
		}
	}
	save()
	var said lockedText
	run := exec.Command(program, "--home", home)
	run.Stdout, run.Stderr = &said, &said
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the stand-in for the window ends with it
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("notices %q, the program said:\n%s", board.all(), said.String())
		}
	})
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not within %v: %s; icon %s, tooltip %q", patience, what, host.Icon(), host.Tooltip())
			}
		}
	}
	icon := func(name string) {
		t.Helper()
		until("icon "+name, func() bool { return host.Icon() == name })
	}

	host.Adopt()
	icon("connected")
	host.AwaitTooltip("Connected · PAPER")

	// The icon follows what the gateway says.
	var slowest time.Duration
	for _, c := range []struct {
		do   func()
		icon string
	}{
		{func() { gateway.Notice(1100, "") }, "disconnected"},
		{func() { gateway.Notice(1102, "") }, "connected"},
		{func() { gateway.Farm(2103, "usfarm") }, "degraded"},
		{func() { gateway.Farm(2104, "usfarm") }, "connected"},
	} {
		begin := time.Now()
		c.do()
		icon(c.icon)
		slowest = max(slowest, time.Since(begin))
	}
	t.Logf("slowest change of the icon, gateway to bus: %v", slowest)
	if slowest > 5*time.Second { // a hundredth of it on a computer with nothing else to do
		t.Errorf("the icon follows after %v", slowest)
	}

	// Clicks do what they say.
	host.Click("Disconnect")
	icon("paused")
	host.Click("Connect now")
	icon("connected")
	host.Click("Open window")
	until("the window is started", func() bool { b, _ := os.ReadFile(called); return len(b) > 0 })
	if b, _ := os.ReadFile(called); strings.TrimSpace(string(b)) != "--card "+filepath.Join(home, "api.json") {
		t.Errorf("the window is called with %q", b)
	}
	if got := board.take(); len(got) != 0 {
		t.Errorf("notices before any outage: %q", got)
	}

	// One outage, one lost and one back.
	gateway.Refuse()
	gateway.Drop()
	icon("connecting")
	until("lost is told", func() bool { return len(board.all()) == 1 })
	if err := gateway.Accept(); err != nil {
		t.Fatal(err)
	}
	icon("connected")
	until("back is told", func() bool { return len(board.all()) == 2 })
	if got := board.take(); !strings.HasPrefix(got[1], "Reconnected after") {
		t.Errorf("notices of an outage: %q", got)
	}

	// In the reset window the same is quiet.
	now := time.Now().UTC()
	s.Timezone, s.ResetTime, s.ResetMinutes = "UTC", now.Format("15:04"), 10
	save()
	until("the window is in force", func() bool { return status(t, home).Reset.Active })
	gateway.Drop()
	icon("reset_window")
	host.AwaitTooltip("Gateway reset until ")
	time.Sleep(3 * time.Second) // three times as long as an outage has to last
	if got := board.take(); len(got) != 0 {
		t.Errorf("notices in the reset window: %q", got)
	}
	s.ResetMinutes = 0
	s.Notices.DesktopAfterSeconds = 60 // none of the outages that follow lasts as long, on a busy computer either
	save()
	icon("connected")

	// A connection that comes and goes is reported once.
	for range 4 {
		session := status(t, home).Session
		gateway.Drop()
		until("the next session", func() bool { st := status(t, home); return st.Connected && st.Session != session })
	}
	until("unstable is told", func() bool { return len(board.all()) > 0 })
	time.Sleep(2 * time.Second) // that no other notification comes cannot be waited for
	if got := board.take(); len(got) != 1 || !strings.Contains(strings.ToLower(got[0]), "unstable") {
		t.Errorf("notices of a flapping connection: %q", got)
	}

	host.Click("Quit")
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the program ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("the program does not end")
	}
	if _, err := os.Stat(filepath.Join(home, "api.json")); err == nil {
		t.Error("api.json is left behind")
	}
}

func status(t *testing.T, dir string) api.Status {
	t.Helper()
	card, err := home.ReadCard(home.At(dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	st, _, err := api.NewClient(card).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}
