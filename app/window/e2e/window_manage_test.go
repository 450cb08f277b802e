package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// TestWindowManages searches, duplicates, activates and deletes rules, and cancels orders, by the mouse and then by the
// keyboard alone, with which it starts the resident program again, too.
func TestWindowManages(t *testing.T) {
	t.Parallel()
	if look() != "light" {
		t.Skip("words are looked for in the light window")
	}
	d := newDisplay(t)
	s := newStage(t, d.env)
	g := simtest.Start(t, sim.Config{Listen: "127.0.0.1:" + s.port})
	// Of the orders that rest, two are cancelled at once and the others when the test says so.
	g.FaultOrders(sim.OrderFault{Type: "LMT", After: 2, Times: -1, CancelLate: time.Hour})
	ctx := context.Background()
	if _, err := s.client().Connect(ctx); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
	names := []string{"Buy now", "Rest one", "Rest two", "Rest three"}
	for _, name := range names {
		o := rules.Order{Side: "BUY", Quantity: 3, Type: "MKT"}
		if strings.HasPrefix(name, "Rest") {
			limit := 1.0
			o.Type, o.LimitPrice = "LMT", &limit
		}
		rule := rules.Rule{
			Name: name, Instrument: rules.Instrument{Symbol: "MSFT", Currency: "USD"},
			Conditions: []rules.Condition{{Price: "last", Is: "at_or_above", Value: 1}},
			Action:     rules.Action{Do: "order", Order: &o},
		}
		if _, err := s.client().SaveRule(ctx, "", rule); err != nil {
			t.Fatal(err)
		}
	}
	const double = "Rest one copy"
	untilDeleted := func() {
		t.Helper()
		until(t, "the rule is deleted", func() bool { _, there := s.rule(double); return !there })
	}
	d.open(s)
	d.untilTitle("Gatewatch: Connected")

	d.click("Rules", bold)
	d.click("Turn on trading", bold)
	until(t, "trading is on", func() bool { return s.status().Trading.Armed })
	d.click("Search", plain)
	d.write("one")
	d.see("Rules: 1 of 4", bold)
	d.click("Draft", plain)
	d.click("Duplicate", bold)
	d.click("Save", bold)
	s.untilRule(double, rules.Draft)
	d.click("Activate", bold)
	d.see("Not now", bold) // it is read back first
	d.click("Activate", bold)
	s.untilRule(double, rules.Triggered) // its order rests
	d.click("Delete…", bold)
	d.click("Delete the rule", bold)
	untilDeleted()

	// The same by the keyboard: the search, New rule, the filter, the sort, the list.
	d.keys("ctrl+f", 1)
	d.see("Rules: 1 of 4", bold)
	d.keys("Tab", 4)
	d.keys("space", 1)
	// Activate, Edit, Duplicate.
	d.see("Duplicate", bold)
	d.keys("Tab", 3)
	d.keys("Return", 1)
	d.see("Save", bold)
	d.keys("shift+Tab", 7) // from the first field over the six tabs to the last button, which is Save
	d.keys("Return", 1)
	s.untilRule(double, rules.Draft)
	// The focus is at Edit, then come Duplicate and Delete; of the question Keep it has the focus.
	d.see("Duplicate", bold)
	d.keys("Tab", 2)
	d.keys("Return", 1)
	d.see("Delete the rule", bold)
	d.keys("Tab", 1)
	d.keys("Return", 1)
	untilDeleted()
	d.keys("ctrl+f", 1)
	d.keys("ctrl+a", 1)
	d.keys("BackSpace", 1)

	d.click("Activate 4", bold)
	d.click("Activate them", bold)
	s.untilRule(names[0], rules.Done)
	for _, name := range names[1:] {
		s.untilRule(name, rules.Triggered)
	}
	d.click("Orders", bold)
	d.see("Positions", bold)
	for _, o := range s.orders() {
		if o.State == ledger.Filled {
			d.click("3 at "+wording.Price(o.AveragePrice), plain)
			d.see("A"+strings.TrimPrefix(o.CostText, "a"), fine) // average and commission
			if !strings.Contains(o.CostText, "commission") {
				t.Errorf("cost %q", o.CostText)
			}
			d.keep("order-filled")
		}
	}
	d.click("Cancel all…", bold)
	d.see("Keep them", bold)
	d.click("Cancel all", bold)
	d.see("Gateway has confirmed 2 of 4 cancellations.", plain)
	d.keep("orders-cancelling")
	confirm := func() {
		t.Helper()
		for _, o := range g.State().Orders {
			if o.Type != "LMT" || o.Status == "Cancelled" {
				continue
			}
			if err := g.TurnOrder(o.Ref, sim.Turn{Status: "Cancelled", Ended: true}); err != nil {
				t.Error(err)
			}
		}
	}
	confirm()
	d.see("Gateway has confirmed all 4 cancellations.", plain)

	// One more, by the keyboard: the search, the filter, the sort, Cancel all.
	until(t, "the rule is over", func() bool { v, _ := s.rule("Rest two"); return v.State != rules.Triggered })
	if _, err := s.client().ChangeRule(ctx, api.ActivateRule, "Rest two"); err != nil {
		t.Fatal(err)
	}
	d.see("Open orders: 1", bold)
	d.keys("ctrl+f", 1)
	d.keys("Tab", 3)
	d.keys("Return", 1)
	d.see("Keep them", bold)
	d.keys("Tab", 1)
	d.keys("Return", 1)
	d.see("Gateway has confirmed 0 of 1 cancellation.", plain)
	confirm()
	d.see("Gateway has confirmed the cancellation.", plain)

	// From the search over the tabs to Status; then the other tabs, Copy, Start Gatewatch.
	before := s.resident.cmd.Process.Pid
	s.resident.kill()
	d.untilTitle("Gatewatch is not running")
	d.keys("ctrl+f", 1)
	d.keys("shift+Tab", 6)
	d.keys("Return", 1)
	d.see("Start Gatewatch", bold)
	d.keys("Tab", 7)
	d.keys("Return", 1)
	s.untilStarted(before)
	d.untilTitle("Gatewatch: Connected")
}
