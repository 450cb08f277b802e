package e2e

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// firstStart is a backend without a settings file.
type firstStart struct {
	*past
	view  api.SettingsView
	saved []byte
}

func (f *firstStart) Settings() (v api.SettingsView) { f.locked(func() { v = f.view }); return v }

func (f *firstStart) SaveSettings(_ context.Context, body []byte, _ string) error {
	f.locked(func() { f.saved, f.view.Found, f.view.Suggestion = body, true, nil })
	return nil
}

// open opens the page.
func (f *firstStart) open(t *testing.T) *tab {
	server, err := server.Listen(0, f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(context.WithoutCancel(t.Context())) })
	b := &tab{t: t, ctx: browser(t, false)}
	b.run(signedIn(server.Token()), chromedp.Navigate(server.URL()))
	return b
}

// TestPageFirstStart saves the reset window that fits, and the port that has answered, by one click. Then it looks at
// what Gateway says of its restart and its settings.
func TestPageFirstStart(t *testing.T) {
	t.Parallel()
	need(t, shell)
	now := time.Now()
	snapshot := &conn.Snapshot{
		At: now, State: conn.Connected, Since: now, Session: 1, GuardSince: now,
		Layers:  conn.Layers{Socket: true, API: true, Upstream: true},
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: ib.Paper, Accounts: 1},
	}
	f := &firstStart{past: newPast(now)}
	f.view = api.SettingsView{Settings: settings.Default(), Defaults: settings.Default()}
	status := func() { f.change(func() { f.status = api.StatusOf(snapshot, time.Now(), "test", 17, now) }) }
	status()
	in := settings.For(region.Europe)
	f.view = api.SettingsView{Settings: in, Defaults: settings.Default()}
	f.view.Suggestion = api.SuggestReset(in, region.Found{
		Zone: "Europe/Berlin", Computer: region.Europe, Gateway: region.America, Basis: region.BasisServer,
	}, now)
	b := f.open(t)
	b.until(`document.getElementById("found").textContent`,
		"Welcome. 127.0.0.1:4002 has answered with a PAPER account.")
	b.until(`document.getElementById("suggested").textContent`, f.view.Suggestion.Text)
	b.until(shown, "Disconnect,Save this port and reset window")
	b.keep("page-first-start-light")
	b.run(chromedp.Click("#saveport", chromedp.ByID))
	b.until(shown, "Disconnect")
	want := settings.For(region.America)
	want.Gateway.Port = 4002
	f.locked(func() {
		got, err := settings.Parse("", bytes.Clone(f.saved))
		if err != nil || len(settings.Diff(got, want)) > 0 {
			t.Errorf("saved %s: %v", f.saved, err)
		}
	})

	// Gateway logs off each day: a card says what to change, and the details count down.
	const support = `document.getElementById("support-text").textContent`
	const details = `document.getElementById("details").textContent`
	snapshot.Exit = ib.PlannedExit{Kind: ib.ExitLogOff, At: time.Now().Add(5 * time.Minute)}
	snapshot.Resubmit = ib.SwitchOn
	status()
	b.until(`!document.getElementById("support").hidden && `+support+`.includes("Auto restart")`, "true")
	b.until(details+`.includes("Gateway logs off") && `+details+`.includes("(in 5 min)")`, "true")
	b.until(details+`.includes("kept, and sent when IBKR is connected again")`, "true")
	b.keep("page-log-off-light")
	snapshot.Exit.Kind, snapshot.Resubmit = ib.ExitRestart, ib.SwitchOff
	status()
	b.until(`document.getElementById("support").hidden`, "true")
	b.until(details+`.includes("Gateway restarts") && `+details+`.includes("rejected")`, "true")
	snapshot.Exit.At = time.Now().Add(-time.Second)
	status()
	b.until(details+`.includes("now, since ")`, "true")
	snapshot.Exit = ib.PlannedExit{}
	status()
	b.until(details+`.includes("Gateway restarts")`, "false")

	// A file that is refused later is said to be so.
	f.change(func() { f.view.Problem = "settings.json:1:2: unknown key"; f.status.Session++ })
	b.until(`document.getElementById("settings-problems").textContent`,
		"The file is refused and not in effect.\nsettings.json:1:2: unknown key")

	// A read-only API closes the guard: the page says which box to clear.
	snapshot.State, snapshot.Cause = conn.Degraded, ib.CauseReadOnly
	snapshot.Guard, snapshot.GuardSince = ib.GuardReadOnly, now.Add(-time.Minute)
	status()
	b.until(`document.getElementById("hint").textContent.includes("Read-Only API")`, "true")
	if text := b.text(`document.getElementById("layers").textContent`); !strings.Contains(text, "read-only") {
		t.Errorf("layers: %s", text)
	}
	b.keep("page-read-only-light")
}

// noGatewayYet is what the supervisor knows on a first start when nothing listens on any port.
func noGatewayYet(now time.Time) *conn.Snapshot {
	s := &conn.Snapshot{
		At: now, State: conn.Connecting, Since: now, GuardSince: now, First: true, Cause: ib.CauseRefused,
		Guard: ib.GuardSocket, Gateway: ib.Gateway{Host: "127.0.0.1", Mode: ib.AnyMode},
		Attempt: conn.Attempt{Number: 2, NextAt: now.Add(time.Hour)},
	}
	for _, port := range conn.DefaultPorts {
		s.Tried = append(s.Tried, ib.PortTry{Port: port, Cause: ib.CauseRefused})
	}
	return s
}

// TestPageLooksForTheFirst shows what the ports have answered before the first connection ever, and no outage.
func TestPageLooksForTheFirst(t *testing.T) {
	t.Parallel()
	need(t, shell)
	now := time.Now()
	s := noGatewayYet(now)
	f := &firstStart{past: newPast(now)}
	f.view = api.SettingsView{Settings: settings.Default(), Defaults: settings.Default()}
	f.change(func() { f.status = api.StatusOf(s, now, "test", 17, now) })
	b := f.open(t)
	b.until(`document.getElementById("headline").textContent`, "Looking for IB Gateway or TWS…")
	b.until(`document.getElementById("cause").textContent`, "Welcome. Looking for IB Gateway or TWS…")
	const hint = `document.getElementById("hint").textContent`
	b.until(hint+`.startsWith("Port 4002 (usually PAPER): nothing listens\nPort 7497")`, "true")
	b.until(hint+`.includes("Configure, Settings, API, Settings")`, "true")
	b.until(`document.getElementById("since").textContent`, "")
	if text := b.text(`document.querySelector("#banner").textContent + document.title`); strings.Contains(text,
		"econnecting") {
		t.Errorf("before the first connection: %s", text)
	}
	b.keep("page-first-run-light")

	// What wants something is no Gateway that is missing.
	s.Cause, s.Tried[0].Cause = ib.CauseDisclaimer, ib.CauseDisclaimer
	f.change(func() { f.status = api.StatusOf(s, now, "test", 17, now) })
	b.until(`document.getElementById("cause").textContent.includes("disclaimer")`, "true")
	b.until(hint+`.includes("Accept the paper-trading disclaimer")`, "true")
}
