//go:build !windows && !darwin

package tray

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/app/tray/sessionbus"
	"gatewatch/app/tray/sessionbus/bustest"
	"gatewatch/app/wording"
	"gatewatch/assets"
	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// stateCase is a state, and how the desktop has to show it.
type stateCase struct {
	name    string
	order   order
	icon    assets.Icon
	tooltip string
	status  string
	connect bool
}

// states are the cases of every state now.
func states(now time.Time) []stateCase {
	up := conn.Layers{Socket: true, API: true, Upstream: true}
	half := conn.Layers{Socket: true, API: true}
	paper := ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Paper}
	ago := now.Add(-2 * time.Hour)
	hm := wording.Clock(ago, now)
	soon := wording.Clock(now.Add(time.Hour), now)
	s := func(s conn.Snapshot) order { return order{Snapshot: &s} }
	return []stateCase{
		{
			"connected", s(conn.Snapshot{State: conn.Connected, Since: ago, Layers: up, Gateway: paper}),
			assets.Connected, "Connected · PAPER 4002 · since " + hm, "(Connected · PAPER 4002)", false,
		},
		{
			"farm", s(conn.Snapshot{
				State: conn.Degraded, Cause: ib.CauseFarm, Detail: "us_farm", Since: ago,
				Layers: up, Gateway: paper,
			}),
			assets.Degraded, "Connected, data farm us_farm down · PAPER 4002 · since " + hm,
			"(Connected, data farm us__farm down · PAPER 4002)", false,
		},
		{
			"upstream", s(conn.Snapshot{
				State: conn.UpstreamLost, Cause: ib.CauseUpstream, Since: ago, Layers: half,
				Gateway: paper,
			}),
			assets.Disconnected, "IBKR unreachable since " + hm + " · PAPER 4002",
			"(IBKR unreachable since " + hm + " · PAPER 4002)", false,
		},
		{
			"reconnecting", s(conn.Snapshot{State: conn.Reconnecting, Since: now, Gateway: paper, Attempt: conn.Attempt{
				Number: 4, Running: true,
			}}),
			assets.Connecting, "Reconnecting, attempt 4 · PAPER 4002", "(Reconnecting, attempt 4 · PAPER 4002)", true,
		},
		{
			"no connection", s(conn.Snapshot{
				State: conn.Reconnecting, Since: ago, Gateway: paper,
				Attempt: conn.Attempt{Number: 9, Running: true},
			}),
			assets.Disconnected, "No connection since " + hm + ", attempt 9 · PAPER 4002",
			"(No connection since " + hm + " · PAPER 4002)", true,
		},
		{
			"reset window", s(conn.Snapshot{State: conn.ResetWindow, Since: now, Gateway: paper, Window: calendar.Span{
				Active: true, Ends: now.Add(time.Hour),
			}}),
			assets.ResetWindow, "Gateway reset until " + wording.Clock(now.Add(time.Hour), now),
			"(Gateway reset until " + wording.Clock(now.Add(time.Hour), now) + " · PAPER 4002)", true,
		},
		{
			"paused", s(conn.Snapshot{State: conn.Paused, Since: ago, Cause: ib.CauseUser, Gateway: paper}),
			assets.Paused, "Paused · PAPER 4002 · since " + hm, "(Paused · PAPER 4002)", true,
		},
		{
			"connecting", s(conn.Snapshot{State: conn.Connecting, Since: now, Attempt: conn.Attempt{
				Number: 1, Running: true,
			}}),
			assets.Connecting, "Connecting, attempt 1", "(Connecting, attempt 1)", true,
		},
		{
			"muted",
			order{
				Snapshot: &conn.Snapshot{State: conn.Connected, Since: ago, Layers: up, Gateway: paper},
				Extra:    Extra{Muted: now.Add(time.Hour)},
			},
			assets.Connected, "Connected · PAPER 4002 · since " + hm + " · notifications muted",
			"Notifications muted until " + soon, false,
		},
		{
			"armed",
			order{
				Snapshot: &conn.Snapshot{State: conn.Connected, Since: ago, Layers: up, Gateway: paper},
				Extra: Extra{
					Muted: now.Add(time.Hour), Trading: Trading{Armed: true, Open: 2, Unknown: 1},
					AtLogin: AtLogin{Known: true, On: true},
				},
			},
			assets.Connected, "Connected · PAPER 4002 · trading on · since " + hm,
			"(1 order unknown, look in TWS · Connected · PAPER 4002)", false,
		},
	}
}

// armed returns an order with orders in it.
func armed(o order, x Trading) order {
	o.Extra.Trading = x
	return o
}

func TestDesktopShowsEveryState(t *testing.T) {
	bustest.Start(t)
	d := bustest.StartHost(t)
	cases := states(time.Now())
	p := startPuppet(t, cases[7].order)
	d.Adopt()
	var id, title string
	var isMenu bool
	d.Property("Id", &id)
	d.Property("Title", &title)
	d.Property("ItemIsMenu", &isMenu)
	if id != Name || title != Name || isMenu {
		t.Errorf("id %q, title %q, is menu %v", id, title, isMenu)
	}
	var now time.Time
	for i := range cases {
		now = time.Now() // the texts name times of day
		c := states(now)[i]
		t.Run(c.name, func(t *testing.T) {
			d.T = t
			p.order(c.order)
			d.AwaitTooltip(c.tooltip)
			// The menu is changed after the tooltip.
			var lines []string
			want := map[bool]string{true: "Connect now", false: "Disconnect"}
			for end := time.Now().Add(patient); ; time.Sleep(5 * time.Millisecond) {
				if lines, _ = d.Entries(); slices.Contains(lines, c.status) && slices.Contains(lines, want[c.connect]) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("menu without %q and %q:\n%s", c.status, want[c.connect], strings.Join(lines, "\n"))
				}
			}
			if got := d.Icon(); got != c.icon.String() {
				t.Errorf("icon %s, want %v", got, c.icon)
			}
			if slices.Contains(lines, want[!c.connect]) {
				t.Errorf("%s is offered, too", want[!c.connect])
			}
		})
	}
	d.T = t
	hour := wording.Clock(now.Add(time.Hour), now)
	want := []string{
		"(1 order unknown, look in TWS · Connected · PAPER 4002)", "Open window", "Disconnect", "Turn off trading",
		"Cancel 2 open orders…", "—", "(Today not observed yet)",
		"Notifications muted until " + hour, "  For 1 hour", "  Until tomorrow", "  Unmute", "Copy diagnostics",
		"Open log folder", "—", "Launch at login ✓", "Settings…", "Quit",
	}
	lines, before := d.Entries()
	for end := time.Now().Add(patient); !slices.Equal(lines, want) &&
		time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		lines, before = d.Entries() // its entries change one after the other
	}
	if !slices.Equal(lines, want) {
		t.Errorf("menu:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	// Nothing was rebuilt on the way: the ids are the first ones.
	if before["Quit"] != 23 {
		t.Errorf("Quit has id %d, want 23", before["Quit"])
	}
}

func TestIconFollowsWithin200Milliseconds(t *testing.T) {
	bustest.Start(t)
	d := bustest.StartHost(t)
	cases := states(time.Now())
	p := startPuppet(t, cases[0].order)
	d.Adopt()
	var worst time.Duration
	for i := range 12 {
		time.Sleep(20 * time.Millisecond) // until the signals of the change before are here: that no more come
		for len(d.Signals) > 0 {
			<-d.Signals
		}
		begin := time.Now()
		p.order(cases[[]int{1, 2, 0}[i%3]].order)
		for deadline := time.After(patient); ; {
			select {
			case s := <-d.Signals:
				if s.Name != "org.kde.StatusNotifierItem.NewIcon" {
					continue
				}
			case <-deadline:
				t.Fatal("the icon does not change")
			}
			break
		}
		worst = max(worst, time.Since(begin))
	}
	t.Logf("slowest of 12 changes: %v", worst)
	if worst > 5*time.Second { // a hundredth of it on a computer with nothing else to do
		t.Errorf("the icon followed after %v", worst)
	}
}

// await waits for a line of the menu.
func await(t *testing.T, d *bustest.Host, line string) {
	t.Helper()
	for end := time.Now().Add(patient); ; time.Sleep(5 * time.Millisecond) {
		lines, _ := d.Entries()
		if slices.Contains(lines, line) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no %q in the menu:\n%s", line, strings.Join(lines, "\n"))
		}
	}
}

func TestClicks(t *testing.T) {
	bustest.Start(t)
	d := bustest.StartHost(t)
	cases := states(time.Now())
	p := startPuppet(t, cases[0].order)
	d.Adopt()

	d.Click("Open window")
	p.expect("open")
	d.Click("Disconnect") // so that the click before is done with: another one meanwhile would be dropped
	p.expect("disconnect")
	if err := d.Activate(); err != nil {
		t.Fatal(err)
	}
	p.expect("open")
	p.order(cases[6].order)
	await(t, d, "Connect now")
	d.Click("Connect now")
	p.expect("connect")
	p.order(armed(cases[0].order, Trading{MayArm: true}))
	await(t, d, "Turn on trading")
	d.Click("Turn on trading")
	p.expect("arm")
	p.order(armed(cases[0].order, Trading{Armed: true, Open: 3}))
	await(t, d, "Turn off trading")
	d.Click("Turn off trading")
	p.expect("disarm")
	await(t, d, "Cancel 3 open orders…")
	d.Click("Cancel 3 open orders…")
	await(t, d, "Confirm: cancel 3 open orders")
	time.Sleep(doubleClick)
	d.Click("Confirm: cancel 3 open orders")
	p.expect("cancel all")
	await(t, d, "Cancel 3 open orders…")
	d.Click("Copy diagnostics")
	p.expect("diagnostics")
	d.Click("Open log folder")
	p.expect("logs")
	shown := cases[0].order
	shown.Extra.AtLogin.Known = true
	p.order(shown)
	await(t, d, "Launch at login")
	d.Click("Launch at login")
	p.expect("login")
	shown.Extra.AtLogin.On = true
	p.order(shown)
	await(t, d, "Launch at login ✓")
	d.Click("For 1 hour")
	until, err := time.Parse(time.RFC3339, strings.TrimPrefix(p.expect("mute "), "mute "))
	if err != nil || time.Until(until) > time.Hour || time.Until(until) < 59*time.Minute {
		t.Errorf("muted until %v, %v", until, err)
	}
	d.Click("Until tomorrow")
	until, err = time.Parse(time.RFC3339, strings.TrimPrefix(p.expect("mute "), "mute "))
	if err != nil || !until.Equal(wording.Tomorrow(time.Now())) {
		t.Errorf("muted until %v, %v", until, err)
	}
	p.order(cases[8].order)
	await(t, d, "  Unmute")
	d.Click("Unmute")
	if said := p.expect("mute "); said != "mute 0001-01-01T00:00:00Z" {
		t.Errorf("unmuting says %q", said)
	}

	// A function that panics or never ends takes nothing with it.
	trouble := cases[0].order
	trouble.Trouble, trouble.Extra.AtLogin.Known = true, true
	p.order(trouble)
	await(t, d, "Launch at login")
	d.Click("Open log folder")
	d.Click("Settings…")
	p.expect("settings")
	d.Click("Settings…") // dropped: the first still works
	d.Click("Disconnect")
	p.expect("disconnect")
	p.silent(100 * time.Millisecond)
	if log := p.log(); !strings.Contains(log, `"panic":"as planned"`) {
		t.Error("the panic was not logged")
	}
	d.Click("Quit")
	p.expect("quit")
	p.expect("ended")
	if err := <-p.ended; err != nil {
		t.Errorf("the process ended with %v", err)
	}
	var names []string
	if err := d.Bus.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, "org.kde.StatusNotifierItem-") {
			t.Errorf("%s is left on the bus", n)
		}
	}
}

func TestTrayThatComesLaterGetsTheIcon(t *testing.T) {
	bustest.Start(t)
	p := startPuppet(t, states(time.Now())[0].order)
	p.expect("no host")
	p.order(states(time.Now())[6].order) // what changes meanwhile is not lost
	time.Sleep(300 * time.Millisecond)   // nothing shows that the program has the change; later is fine as well
	d := bustest.StartHost(t)
	d.Adopt()
	d.AwaitTooltip("Paused")
	if got := d.Icon(); got != "paused" {
		t.Errorf("icon %s", got)
	}
	lines, _ := d.Entries()
	if !slices.Contains(lines, "Connect now") {
		t.Errorf("menu %v", lines)
	}

	// The tray restarts, as a panel does that crashed.
	d.Bus.Close()
	time.Sleep(50 * time.Millisecond) // nothing shows that the program has noticed; later is fine as well
	d = bustest.StartHost(t)
	d.Adopt()
	d.AwaitTooltip("Paused")
	p.silent(400 * time.Millisecond)
	log := p.log()
	if n := strings.Count(log, `"level":"WARN"`); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, log)
	}
	if !strings.Contains(log, "a tray has come") {
		t.Error("the tray that came is not logged")
	}
}

func TestBusInTheRuntimeDirectory(t *testing.T) {
	address := bustest.Start(t)
	socket, _, _ := strings.Cut(strings.TrimPrefix(address, "unix:path="), ",")
	for _, env := range []string{"", "autolaunch:"} {
		d := bustest.StartHost(t)
		p := startPuppet(t, states(time.Now())[0].order, sessionbus.Variable+"="+env,
			"XDG_RUNTIME_DIR="+filepath.Dir(socket))
		d.Adopt()
		if got := d.Icon(); got != "connected" {
			t.Errorf("icon %s", got)
		}
		p.silent(400 * time.Millisecond) // no word of a desktop without a tray
		p.in.Close()
		p.expect("ended")
		d.Bus.Close()
	}
}

func TestNoBus(t *testing.T) {
	dir := t.TempDir()
	launched := filepath.Join(dir, "launched")
	// A dbus-launch that must not be started.
	script := "#!/bin/sh\ntouch " + launched + "\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string]string{
		"none": "", "disabled": "disabled:", "autolaunch": "autolaunch:", "dead": "unix:path=" + filepath.Join(dir,
			"dead"),
	} {
		t.Run(name, func(t *testing.T) {
			p := startPuppet(t, states(time.Now())[0].order,
				sessionbus.Variable+"="+env, "XDG_RUNTIME_DIR="+dir, "PATH="+dir+":"+os.Getenv("PATH"))
			p.expect("no host")
			p.order(states(time.Now())[1].order)
			p.silent(100 * time.Millisecond)
			p.in.Close()
			p.expect("ended")
			if n := strings.Count(p.log(), `"level":"WARN"`); n != 1 {
				t.Errorf("%d warnings, want one:\n%s", n, p.log())
			}
			if _, err := os.Stat(launched); err == nil {
				t.Error("a bus was launched")
			}
		})
	}
}

func TestAvailable(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv(sessionbus.Variable, "disabled:")
	if ok, reason := Available(); ok || !strings.Contains(reason, "disabled") {
		t.Errorf("disabled: %v, %q", ok, reason)
	}
	t.Setenv(sessionbus.Variable, "unix:path="+dir+"/dead")
	if ok, reason := Available(); ok || reason == "" {
		t.Errorf("dead: %v, %q", ok, reason)
	}
	address := bustest.Start(t)
	if ok, reason := Available(); !ok {
		t.Errorf("running: %q", reason)
	}
	// The default place, as systemd sets it up.
	socket, _, _ := strings.Cut(strings.TrimPrefix(address, "unix:path="), ",")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Dir(socket))
	t.Setenv(sessionbus.Variable, "")
	if ok, reason := Available(); !ok {
		t.Errorf("in the runtime directory: %q", reason)
	}
	if got, want := os.Getenv(sessionbus.Variable), ""; got != want {
		t.Errorf("asking changed the environment to %q", got)
	}
}
