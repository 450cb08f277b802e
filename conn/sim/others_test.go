package sim_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// TestByHand has orders made by hand: client id 0 gets them, under ids that the API never gives, and no client
// can cancel them.
func TestByHand(t *testing.T) {
	g := bare(t)
	pin(t, g, 100)
	w, other := ready(t, g, 225, 0), ready(t, g, 225, 1)
	for _, id := range []int32{0, -3, math.MaxInt32} {
		perm, err := g.PlaceByHand(sim.ManualOrder{Symbol: "AAPL", Action: "BUY", Limit: 90, ID: id, Ref: "copy"})
		if err != nil {
			t.Fatal(err)
		}
		if s := w.status(id, "Submitted"); s.GetPermId() != perm || s.GetClientId() != 0 {
			t.Errorf("%v, want permId %d", s, perm)
		}
		w.cancel(id)
		w.errorCode(10147)
	}
	if _, err := g.PlaceByHand(sim.ManualOrder{Symbol: "AAPL", Action: "SELL", ID: math.MaxInt32}); err != nil {
		t.Fatal(err)
	}
	var x protobuf.ExecutionDetails
	if err := proto.Unmarshal(w.next(11).body, &x); err != nil || x.GetExecution().GetOrderId() != math.MaxInt32 ||
		x.GetExecution().GetClientId() != 0 {
		t.Errorf("%v, %v", x.GetExecution(), err)
	}
	other.quiet()
	for _, wrong := range []sim.ManualOrder{{Symbol: "NONE", Action: "BUY"}, {Symbol: "AAPL", Action: "HOLD"}} {
		if _, err := g.PlaceByHand(wrong); err == nil {
			t.Errorf("%+v was placed", wrong)
		}
	}
}

// TestReplaceByHand has an order replaced by one with its ids and another permId.
func TestReplaceByHand(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(5, "BUY", "LMT", 1, 90, "ours")
	first := w.status(5, "Submitted").GetPermId()
	perm, err := g.ReplaceByHand(1, 5)
	if err != nil || perm == first {
		t.Fatal(perm, err)
	}
	if s := w.status(5, "Cancelled"); s.GetPermId() != first {
		t.Errorf("%v", s)
	}
	if s := w.status(5, "Submitted"); s.GetPermId() != perm {
		t.Errorf("%v", s)
	}
	w.cancel(5) // that which works
	if s := w.status(5, "Cancelled"); s.GetPermId() != perm {
		t.Errorf("%v", s)
	}
	if _, err := g.ReplaceByHand(1, 5); err == nil {
		t.Error("an order that is done was replaced")
	}
}

// TestZeroSeesAll sends the master client id the orders of others, and of none of their errors.
func TestZeroSeesAll(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, ZeroSeesAll: true})
	w, other := ready(t, g, 225, 0), ready(t, g, 225, 7)
	pin(t, g, 100)
	other.place(5, "BUY", "LMT", 1, 90, "theirs")
	if s := w.status(5, "Submitted"); s.GetClientId() != 7 {
		t.Errorf("%v", s)
	}
	w.sendProto(5, &protobuf.OpenOrdersRequest{})
	w.status(5, "Submitted")
	w.next(53)
	other.cancel(5)
	w.status(5, "Cancelled")
	other.errorCode(202)
	w.quiet()
}

// TestDiscardCancels has requests to cancel thrown away: the client gets that of no order.
func TestDiscardCancels(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(5, "BUY", "LMT", 1, 90, "ours")
	w.status(5, "Submitted")
	g.DiscardCancels(2)
	for range 2 {
		w.cancel(5)
		if e := w.errorCode(100); e.GetId() != -1 {
			t.Errorf("%v", e)
		}
	}
	w.cancel(5)
	w.status(5, "Cancelled")
	if g.DiscardCancels(-1); !slices.Equal(g.State().Faults, []string{"discard-cancels"}) {
		t.Errorf("%v", g.State().Faults)
	}
}

// TestResetIDs has ids counted from the first one again, while an order is open that has it.
func TestResetIDs(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "LMT", 1, 90, "ours")
	w.status(1, "Submitted")
	g.ResetIDs()
	if n := g.State().NextOrderID; n != 1 {
		t.Errorf("the next id is %d", n)
	}
	w.place(1, "BUY", "LMT", 2, 91, "ours") // is a change
	w.status(1, "Submitted")
	if s := g.State(); len(s.Orders) != 1 || s.Orders[0].Quantity != 2 {
		t.Errorf("%+v", s.Orders)
	}
}

// TestHeldOrdersGoOutAfterARestart has the gateway come back early from a restart in which it had lost IBKR.
func TestHeldOrdersGoOutAfterARestart(t *testing.T) {
	g := bare(t)
	g.Notice(1100, "")
	if _, err := g.PlaceByHand(sim.ManualOrder{ID: 5, Symbol: "AAPL", Action: "BUY", Limit: 1}); err != nil {
		t.Fatal(err)
	}
	if o := g.State().Orders[0]; !o.Held {
		t.Fatalf("%+v", o)
	}
	g.Restart(time.Hour)
	if err := g.Accept(); err != nil {
		t.Fatal(err)
	}
	if o := g.State().Orders[0]; o.Held || o.Status != "Submitted" {
		t.Errorf("%+v", o)
	}
}
