//go:build !windows && !darwin

package main

import (
	"slices"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// TestDesktopTrading: notifications say what becomes of rules and orders; the tray turns trading on and off and
// cancels.
func TestDesktopTrading(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	host, board := startDesktop(t)
	r := prepareRig(t, "DU1234567", "", rulesOf(ruleText("tell", tell), ruleText("off", buyOff),
		ruleText("low", buyLow)))
	r.program = []string{buildProgram(t, t.TempDir())}
	r.start()
	host.Adopt()
	r.awaitOpen()
	entry := func(title string, there bool) {
		t.Helper()
		r.until(title, func() bool {
			_, ids := host.Entries()
			_, ok := ids[title]
			return ok == there
		})
	}
	told := func(title string) {
		t.Helper()
		r.until("told: "+title, func() bool { return slices.Contains(board.all(), title) })
	}

	entry("Turn on trading", true)
	entry("Turn off trading", false)
	r.activate("tell")
	r.cross("tell")
	told("Rule triggered: tell")

	host.Click("Turn on trading")
	r.await("armed", func(st api.Status) bool { return st.Trading.Armed })
	entry("Turn off trading", true)
	entry("Turn on trading", false)
	r.activate("off")
	r.cross("off")
	r.awaitStates(ledger.Rejected)
	told("Order rejected")
	told("Rule stopped: off")

	entry("Cancel 1 open order…", false)
	r.activate("low")
	r.cross("low")
	r.awaitStates(ledger.Working, ledger.Rejected)
	entry("Cancel 1 open order…", true)
	host.Click("Cancel 1 open order…")
	entry("Confirm: cancel 1 open order", true)
	time.Sleep(600 * time.Millisecond) // a second click within half a second is the same one
	if n := len(r.orders().Orders); n == 0 || !r.orders().Orders[0].Open {
		t.Error("cancelled by one click")
	}
	host.Click("Confirm: cancel 1 open order")
	r.awaitStates(ledger.Cancelled, ledger.Rejected)
	entry("Cancel 1 open order…", false)
	if slices.Contains(board.all(), "Order blocked") {
		t.Errorf("told: %q", board.all())
	}

	host.Click("Turn off trading")
	r.await("disarmed", func(st api.Status) bool { return !st.Trading.Armed })
	entry("Turn on trading", true)
	r.awaitRule("low", rules.Active)
	r.cross("low")
	r.blockedBy(1, engine.BlockedDisarmed)
	told("Order blocked")
	if n := len(r.gateway.State().Orders); n != 1 { // the one that was rejected is none
		t.Errorf("%d orders have reached Gateway", n)
	}
}
