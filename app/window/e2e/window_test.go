package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/settings"
	"gatewatch/conn"
)

func TestWindowConnectsAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	s := newStage(t, d.env)
	until(t, "the first attempt has failed", func() bool { return s.status().State == conn.Reconnecting })
	began := time.Now()
	w := d.open(s)
	until(t, "the window is painted", d.painted)
	first := time.Since(began)
	t.Logf("first painted after %v", first.Round(time.Millisecond))
	if first > 15*time.Second { // ten times what is asked for: this machine may be busy
		t.Errorf("first painted after %v", first)
	}
	d.untilTitle("Gatewatch: Reconnecting", "Gatewatch: No connection") // the latter after a minute
	d.keep("reconnecting")

	s.sim(s.port)
	d.press()
	st := s.untilConnected()
	d.untilTitle("Gatewatch: Connected")
	d.do("mousemove", "880", "980")
	time.Sleep(300 * time.Millisecond) // the picture alone needs it
	d.keep("connected")
	t.Logf("RSS %s", rss(w.cmd.Process.Pid))

	w.kill()
	time.Sleep(500 * time.Millisecond) // that nothing happens cannot be waited for
	if now := s.status(); now.Session != st.Session || !now.Connected || now.Lost != st.Lost {
		t.Errorf("after kill -9 of the window: session %d, lost %d, connected %v; before: session %d, lost %d",
			now.Session, now.Lost, now.Connected, st.Session, st.Lost)
	}

	// Opened again it is as well again, and Esc closes it.
	w = d.open(s)
	d.untilTitle("Gatewatch: Connected")
	d.do("key", "Escape")
	if code := w.ended(); code != 0 {
		t.Errorf("closed by Esc it ends with %d\n%s", code, w.out.String())
	}
	if body, err := os.ReadFile(filepath.Join(s.home, "window.json")); err != nil ||
		!strings.Contains(string(body), `"width":520`) {
		t.Errorf("window.json: %s, %v", body, err)
	}
	if now := s.status(); now.Session != st.Session {
		t.Errorf("session %d after the window was closed, %d before", now.Session, st.Session)
	}
}

func rss(pid int) string {
	body, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return err.Error()
	}
	for l := range strings.SplitSeq(string(body), "\n") {
		if v, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			return strings.TrimSpace(v)
		}
	}
	return "not known"
}

// connectNow starts the simulator and has the program connect to it.
func (s *stage) connectNow() api.Status {
	s.t.Helper()
	s.sim(s.port)
	if _, err := s.client().Connect(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	return s.untilConnected()
}

func TestWindowSavesSettings(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	s := newStage(t, d.env)
	before := s.connectNow()
	d.open(s)
	d.untilTitle("Gatewatch: Connected")
	d.do("key", "ctrl+comma")
	d.still()
	// Status, History, Rules, Orders, Alerts, Settings, search; then what is found: its field, and its default.
	d.keys("Tab", 7)
	d.write("client id placed")
	d.keys("Tab", 1)
	d.do("key", "--delay", "40", "ctrl+a")
	d.write("18")
	d.until("it can be saved", d.blue)
	d.keep("settings-changed")
	d.keys("Tab", 1)
	d.keys("Return", 1)
	d.until("it is the default again", func() bool { return !d.blue() })
	d.do("key", "--delay", "40", "ctrl+a") // the field has the focus
	d.write("2147483648")
	d.until("it can be saved", d.blue)
	d.do("key", "--delay", "40", "ctrl+f", "ctrl+a")
	d.write("quiet")
	d.still()
	d.press() // and it jumps to what is wrong, which the search has hidden
	d.still()
	d.keep("settings-error")
	if !d.warns() {
		t.Error("nothing is said of what is wrong")
	}
	d.do("key", "--delay", "40", "ctrl+a")
	d.write("23")
	d.press()
	until(t, "the setting is in force", func() bool {
		v, err := s.client().Settings(context.Background())
		return err == nil && v.Settings.Gateway.ClientID == 23
	})
	if onDisk, found, err := settings.Load(filepath.Join(s.home, "settings.json")); err != nil || !found ||
		onDisk.Gateway.ClientID != 23 {
		t.Errorf("on disk: client id %d, found %v, %v", onDisk.Gateway.ClientID, found, err)
	}
	// Another client id needs another session: it is live.
	until(t, "a new session is up", func() bool {
		st := s.status()
		return st.Connected && st.Session > before.Session
	})
	until(t, "there is nothing to save", func() bool { _, _, blue := d.button(); return !blue })
	d.keep("settings-saved")
}

// TestWindowAsksByTheKeyboard saves a wrong setting, corrects it, and closes the window with what is not saved, without
// the mouse.
func TestWindowAsksByTheKeyboard(t *testing.T) {
	t.Parallel()
	if look() != "light" {
		t.Skip("words are looked for in the light window")
	}
	d := newDisplay(t)
	s := newStage(t, d.env)
	s.connectNow()
	d.open(s)
	d.untilTitle("Gatewatch: Connected")
	d.keys("ctrl+comma", 1)
	d.see("Settings", bold)
	d.still()
	d.keys("ctrl+f", 1)
	d.write("client id placed")
	d.keys("Tab", 1)
	d.keys("ctrl+a", 1)
	d.write("2147483648")
	d.until("it can be saved", d.blue)
	// Its default, Reset to defaults, Discard, Save.
	d.keys("Tab", 4)
	d.keys("Return", 1)
	d.see("One value needs attention.", fine)
	// The focus is at what is wrong.
	d.keys("ctrl+a", 1)
	d.write("18")
	d.see("Saving reconnects to Gateway", fine)
	gone := func(answer string, keys ...string) {
		t.Helper()
		d.keys("Escape", 1)
		d.see("Keep editing", bold)
		for _, key := range keys {
			d.keys(key, 1)
		}
		d.until("the question is gone after "+answer, func() bool {
			_, there := d.find("Keep editing", bold)
			return !there
		})
	}
	gone("another Escape", "Escape")
	gone("Keep editing", "Return")
	d.keep("settings-unsaved")
	d.keys("Escape", 1)
	d.see("Close without saving", bold)
	d.keys("Tab", 1)
	d.keys("Return", 1)
	until(t, "it is closed", func() bool { return len(d.windows()) == 0 })
	if v, err := s.client().Settings(context.Background()); err != nil || v.Settings.Gateway.ClientID != 17 {
		t.Errorf("client id %d, %v", v.Settings.Gateway.ClientID, err)
	}
}

func TestShowRaisesTheOneWindow(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	s := newStage(t, d.env)
	ask := func() {
		t.Helper()
		if _, err := s.client().Show(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	d.untilTitle("Gatewatch: Reconnecting", "Gatewatch: No connection") // the latter after a minute
	id := d.windows()[0]
	time.Sleep(500 * time.Millisecond) // until its stream is known to the resident program
	// Something else has the focus.
	other := start(t, d.env, filepath.Join(bin, "gatewatch-window"), "--card", filepath.Join(t.TempDir(), "api.json"))
	until(t, "the other window is there", func() bool { return len(d.windows()) == 2 })
	for _, w := range d.windows() {
		if w != id {
			d.do("windowraise", w, "windowfocus", "--sync", w)
		}
	}
	ask()
	until(t, "the window has the focus", func() bool {
		focus, _ := d.output("xdotool", "getwindowfocus")
		return focus == id
	})
	other.kill()
	time.Sleep(500 * time.Millisecond) // that no other window opens cannot be waited for
	if list := d.windows(); len(list) != 1 || list[0] != id {
		t.Errorf("windows %v, want %s alone", list, id)
	}
	d.do("key", "ctrl+w")
	until(t, "it is closed", func() bool { return len(d.windows()) == 0 })
	// Closed it is opened again, when the resident program has seen that it is closed.
	until(t, "it is open again", func() bool {
		ask()
		time.Sleep(300 * time.Millisecond)
		return len(d.windows()) > 0
	})
	d.untilTitle("Gatewatch: Reconnecting", "Gatewatch: No connection") // the latter after a minute
	text, err := d.output("xdotool", "getwindowpid", d.windows()[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(text)
	window, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	d.do("key", "Escape")
	until(t, "it is closed", func() bool { return len(d.windows()) == 0 })
	until(t, "it has written what it keeps", func() bool { return window.Signal(syscall.Signal(0)) != nil })
}

func TestWindowSurvivesARestart(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	s := newStage(t, d.env)
	w := d.open(s)
	d.untilTitle("Gatewatch: Reconnecting", "Gatewatch: No connection") // the latter after a minute
	s.resident.kill()
	d.untilTitle("Gatewatch is not running")
	d.keep("not-running")
	s.sim(s.port)
	s.startResident()
	d.untilTitle("Gatewatch: Connected")
	d.do("key", "Escape")
	if code := w.ended(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
}

// TestWindowOfAFrozenProgram stops the resident program and lets it go on, kills it, and starts and restarts it by the
// button.
func TestWindowOfAFrozenProgram(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	s := newStage(t, d.env)
	s.connectNow()
	d.open(s)
	d.untilTitle("Gatewatch: Connected")
	stop := func(pid int) {
		t.Helper()
		send(t, pid, sigStop)
		began := time.Now()
		d.untilTitle("Gatewatch is not responding")
		took := time.Since(began)
		t.Logf("noticed after %v", took)
		if took > 30*time.Second { // ten times what is asked for: this machine may be busy
			t.Errorf("noticed after %v", took)
		}
	}
	stop(s.resident.cmd.Process.Pid)
	d.keep("not-responding")
	if err := s.resident.cmd.Process.Signal(sigCont); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	d.untilTitle("Gatewatch: Connected")
	t.Logf("recovered after %v", time.Since(began))

	s.resident.kill()
	d.untilTitle("Gatewatch is not running")
	d.press()
	first := s.untilStarted(s.resident.cmd.Process.Pid)
	d.untilTitle("Gatewatch: Connected")
	stop(first)
	d.press()
	second := s.untilStarted(first)
	d.untilTitle("Gatewatch: Connected")
	if first == second {
		t.Error("it is the same process")
	}
}

// TestWindowAfterSleep stops the window for longer than the toolkit keeps what is not painted, as a computer that
// sleeps does. That is a minute, but here two seconds; and the toolkit looks every ten.
func TestWindowAfterSleep(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	d.env = append(d.env, "FYNE_CACHE=2s")
	s := newStage(t, d.env)
	s.connect()
	w := d.open(s)
	d.see("Turn on trading", bold)
	for range 2 {
		send(t, w.cmd.Process.Pid, sigStop)
		time.Sleep(11 * time.Second)
		send(t, w.cmd.Process.Pid, sigCont)
	}
	s.resident.kill()
	d.see("Start Gatewatch", bold)
	d.press()
	s.untilStarted(s.resident.cmd.Process.Pid)
	d.see("Turn on trading", bold)
}

func TestWindowWithoutADisplay(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only here a display can be missing")
	}
	blind := newDisplay(t, "-extension", "GLX")
	build(t)
	run := func(env ...string) (code int, said string, took time.Duration) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "gatewatch-window"), "--card", "/nowhere/api.json")
		cmd.Env = append([]string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
			"DBUS_SESSION_BUS_ADDRESS=disabled:",
		}, env...)
		began := time.Now()
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out), time.Since(began)
	}
	for name, env := range map[string][]string{
		"no display": nil, "an unreachable display": {"DISPLAY=:9999"},
		"no OpenGL": blind.env,
	} {
		if code, said, took := run(env...); code != 1 || took > 15*time.Second ||
			!strings.Contains(said, "no window can be opened here") {
			t.Errorf("%s: exit code %d after %v:\n%s", name, code, took, said)
		}
	}
}

// untilStarted waits until the window has started the resident program, and returns its process id.
func (s *stage) untilStarted(before int) (pid int) {
	s.t.Helper()
	until(s.t, "the window has started the program", func() bool {
		card, err := home.FindCard(s.card())
		if err == nil {
			pid = card.PID
		}
		_, asked := s.ask()
		return err == nil && asked == nil && pid != before
	})
	s.t.Cleanup(func() { send(s.t, pid, syscall.SIGKILL) })
	return pid
}

// send sends a signal to a program that the window may have started.
func send(t *testing.T, pid int, s os.Signal) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(s)
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}
