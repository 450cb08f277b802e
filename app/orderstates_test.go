package main

import (
	"testing"

	"gatewatch/app/api"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

// TestOrderStates has an order be held, de-activated and work again, and a change of it be refused: the program says so
// in IBKR's words.
func TestOrderStates(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", rulesOf(ruleText("low", buyLow)))
	r.awaitOpen()
	r.arm()
	r.activate("low")
	r.cross("low")
	r.awaitStates(ledger.Working)
	turn := func(to sim.Turn) {
		t.Helper()
		if err := r.gateway.TurnOrder(r.gateway.State().Orders[0].Ref, to); err != nil {
			t.Fatal(err)
		}
	}
	turn(sim.Turn{Code: 404, Text: "locating shares", Status: "Inactive", WhyHeld: "locate"})
	r.awaitStates(ledger.Inactive)
	if !eventually(func() bool { return r.orders().Orders[0].WhyHeld == "locate" }) {
		t.Error("it is not held")
	}
	if o := r.orders().Orders[0]; o.Status != "Inactive" || !o.Open || o.Code != 404 ||
		o.Fate != ledger.Inactive {
		t.Errorf("%+v", o)
	}
	r.says(0, `low +BUY \d+ AAPL LMT 200 +0 of \d+ +inactive: it does not work \(held: locate\) \(IB code 404: locating shares\)`, "orders")
	turn(sim.Turn{Status: "Submitted"})
	r.awaitStates(ledger.Working)

	r.gateway.FaultOrders(sim.OrderFault{Change: true, Refuse: true, Turn: sim.Turn{Code: 201, Text: "no margin"}})
	before := r.orders().Orders[0]
	quantity := before.Quantity + 1
	if _, err := r.client.ChangeOrder(t.Context(), api.OrderChange{ID: before.ID, Quantity: &quantity}); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { o := r.orders().Orders[0]; return o.Code == 201 && o.AskedQuantity == nil }) {
		t.Error("the change is not refused")
	}
	if o := r.orders().Orders[0]; o.Quantity != before.Quantity || o.State != ledger.Working {
		t.Errorf("%+v", o)
	}
	r.says(0, `working \(IB code 201: no margin\); Gateway refused the change to `, "orders")
}
