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
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/conn"
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

// TestPageFirstStart saves the reset window that fits, and the port that has answered, by one click. Then it looks at
// what Gateway says of its restart and its settings.
func TestPageFirstStart(t *testing.T) {
	need(t, "chromium")
	now := time.Now()
	snapshot := &conn.Snapshot{
		At: now, State: conn.Connected, Since: now, Session: 1, GuardSince: now,
		Layers:  conn.Layers{Socket: true, API: true, Upstream: true},
		Gateway: conn.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: conn.Paper, Accounts: 1},
	}
	f := &firstStart{past: newPast(now)}
	status := func() { f.change(func() { f.status = api.StatusOf(snapshot, now, "test", 17, now) }) }
	status()
	in := settings.For(region.Europe)
	f.view = api.SettingsView{Settings: in, Defaults: settings.Default()}
	f.view.Suggestion = api.SuggestReset(in, region.Found{
		Zone: "Europe/Berlin", Computer: region.Europe, Gateway: region.America, Basis: region.BasisServer,
	}, now)
	server, err := api.Listen(0, f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.WithoutCancel(t.Context()))
	b := &tab{t, browser(t, false)}
	b.run(signedIn(server.Token()), chromedp.Navigate(server.URL()))
	b.until(`document.getElementById("found").textContent`, "Welcome. 127.0.0.1:4002 has answered with a PAPER account.")
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
	snapshot.Exit = conn.PlannedExit{Kind: conn.ExitLogOff, At: time.Now().Add(5 * time.Minute)}
	snapshot.Resubmit = conn.SwitchOn
	status()
	b.until(`!document.getElementById("support").hidden && `+support+`.includes("Auto restart")`, "true")
	b.until(details+`.includes("Gateway logs off") && `+details+`.includes("(in 5 m)")`, "true")
	b.until(details+`.includes("kept, and sent when IBKR is connected again")`, "true")
	b.keep("page-log-off-light")
	snapshot.Exit.Kind, snapshot.Resubmit = conn.ExitRestart, conn.SwitchOff
	status()
	b.until(`document.getElementById("support").hidden`, "true")
	b.until(details+`.includes("Gateway restarts") && `+details+`.includes("rejected")`, "true")
	snapshot.Exit.At = time.Now().Add(-time.Second)
	status()
	b.until(details+`.includes("now, since ")`, "true")
	snapshot.Exit = conn.PlannedExit{}
	status()
	b.until(details+`.includes("Gateway restarts")`, "false")

	// A read-only API closes the guard: the page says which box to clear.
	snapshot.State, snapshot.Cause = conn.Degraded, conn.CauseReadOnly
	snapshot.Guard, snapshot.GuardSince = conn.GuardReadOnly, now.Add(-time.Minute)
	status()
	b.until(`document.getElementById("hint").textContent.includes("Read-Only API")`, "true")
	if text := b.text(`document.getElementById("layers").textContent`); !strings.Contains(text, "read-only") {
		t.Errorf("layers: %s", text)
	}
	b.keep("page-read-only-light")
}
