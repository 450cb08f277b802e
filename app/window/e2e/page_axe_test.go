package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"gatewatch/app/api"
	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim/npm"
)

// axe is the checker for accessibility, from npm.
const axe = "axe-core@4.14.1"

// axeScript returns the source of axe-core, and skips the test where it cannot be had.
func axeScript(t *testing.T) string {
	t.Helper()
	need(t, shell)
	dir, err := npm.Install(axe)
	if err != nil {
		t.Skipf("%s cannot be installed: %v", axe, err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

const violations = `axe.run(document, { resultTypes: ["violations"] }).then(r => r.passes.length + r.violations.map(v =>
	"\n" + v.id + " (" + v.help + "): " + v.nodes.map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")).join(""))`

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// passes runs axe-core on the page, on a desk and on a phone: one of them light, the other dark, and the reverse with
// the next state.
func (b *tab) passes(state, script string) {
	b.t.Helper()
	if b.text(`typeof axe`) == "undefined" {
		b.run(chromedp.Evaluate(script, nil))
	}
	b.passed++
	for n, width := range []int64{1280, 360} {
		scheme := []string{"light", "dark"}[(b.passed+n)%2]
		b.look(width, scheme)
		var found string
		b.run(chromedp.Evaluate(violations, &found, awaited))
		if number, more, _ := strings.Cut(found, "\n"); more != "" || len(number) < 2 {
			b.t.Errorf("%s, %d px, %s: %s rules pass\n%s", state, width, scheme, number, more)
		}
	}
}

// TestPageAccessible has axe-core look at the page in its states.
func TestPageAccessible(t *testing.T) {
	t.Parallel()
	script := axeScript(t)
	p := newDesk(noon(t))
	p.status.Alerts.Channels = 2
	b := visit(t, p, true, false)
	b.until(`document.querySelectorAll("#alerts-rows tr").length + `+ruleShown+`.length + `+orderShown+`.length`, "14")
	b.until(`[...document.querySelectorAll("[id]")].filter(e => document.querySelectorAll("#" + e.id).length > 1).length`, "0")
	b.until(`document.getElementById("unsent-shown").offsetHeight > 0`, "true")
	b.passes("trading is off", script)
	p.change(func() {
		p.status.Gateway.Mode = "live"
		p.status.Programs = api.ProgramState{Port: 4003, Connected: 2, Text: "2 connected, 1 order refused"}
	})
	b.until(`document.getElementById("badge").textContent`, "LIVE")
	b.until(`document.getElementById("details").textContent.includes("2 connected, 1 order refused")`, "true")
	b.passes("LIVE, with programs", script)
	b.press("Turn on LIVE trading…")
	b.until(asksShown, "true Turn on LIVE trading?")
	b.passes("a question", script)
	b.press("No")
	b.press("Change order 1038")
	b.press("Change the order")
	b.until(`document.getElementById("ask-wrong").textContent !== ""`, "true")
	b.passes("a refused change", script)
	b.press("No")
	b.press("Cancel all open orders")
	b.press("Cancel them all")
	p.change(func() {
		p.desk.orders.Cancelling = api.Cancelling{
			Asked: 3, Confirmed: 1,
			Text: "Gateway has confirmed 1 of 3 cancellations.",
		}
	})
	b.until(`document.getElementById("orders-cancelling").textContent !== ""`, "true")
	b.passes("cancelling", script)
	b.open("rules")
	b.open("settings")
	b.put("rules", strings.Replace(fileText("1"), "symbol", "symbl", 1))
	b.press("Save rules.json")
	b.until(wrongRules+` !== ""`, "true")
	b.put("settings", "{ }")
	p.change(func() { p.texts["settings.json"] = "{\"log\": {}}"; p.status.Session++ })
	b.until(in("settings", ".over")+`.hidden`, "false")
	b.passes("texts with errors, and changed elsewhere", script)
	for _, state := range []struct {
		name   string
		change func()
	}{
		{"reconnecting", func() {
			p.status.State, p.status.Connected, p.desk.rules.MayEdit = conn.Reconnecting, false, false
			p.status.Layers = api.Layers{Farms: map[string]conn.FarmState{}}
			p.status.Cause, p.status.Hint, p.status.Attempt.Number = "Nothing listens.", "Start Gateway.", 3
		}},
		{"upstream lost", func() { p.status.State = conn.UpstreamLost }},
		{"in the reset window", func() { p.status.State = conn.ResetWindow }},
		{"paused", func() { p.status.State, p.status.Gateway.Mode = conn.Paused, "paper" }},
		{"degraded", func() {
			p.status.State, p.status.Connected, p.status.Gateway.Unsupported = conn.Degraded, true,
				"IBKR ends its support."
			p.status.Failing = []api.Failing{{
				Step: "orders", Urgent: true, Text: "Orders cannot be written.",
				Hint: "Free some space.",
			}}
		}},
	} {
		p.change(state.change)
		b.until(`document.body.dataset.state`, string(p.Status().State))
		b.passes(state.name, script)
	}
	p.hangs.Store(true)
	b.until(`document.getElementById("headline").textContent`, "Gatewatch is not responding")
	b.passes("not responding", script)
	p.hangs.Store(false)
	b.until(`document.body.dataset.state`, string(p.Status().State))
	p.stop()
	b.until(`document.getElementById("headline").textContent`, "Gatewatch is not running")
	b.until(ruleShown+`[0].querySelector(".word").textContent`, "Was active")
	b.passes("not running", script)
}

// TestPageAccessibleAtFirst does the same without the token, and on a first start.
func TestPageAccessibleAtFirst(t *testing.T) {
	t.Parallel()
	script := axeScript(t)
	open := newPast(noon(t))
	open.status = api.StatusOf(&conn.Snapshot{State: conn.Paused, Cause: ib.CauseUser, Since: noon(t)}, noon(t),
		"test", 17, noon(t))
	b := visit(t, open, false, false)
	b.until(`document.getElementById("headline").textContent`, "Paused")
	b.passes("without the token", script)
	p := &firstStart{past: newPast(noon(t))}
	p.view = api.SettingsView{Settings: p.past.Settings().Settings, Defaults: p.past.Settings().Defaults}
	p.log.Records, p.uptime.ObservedSince, p.alerts.Channels = nil, nil, nil
	b = visitOf(t, p, p.past, true, false)
	b.until(`document.getElementById("first").hidden`, "false")
	b.passes("a port has answered", script)
	p.change(func() { p.status = api.StatusOf(noGatewayYet(noon(t)), noon(t), "test", 17, noon(t)) })
	b.until(`document.getElementById("cause").textContent`, "Welcome. Looking for IB Gateway or TWS…")
	b.passes("nothing has answered", script)
}
