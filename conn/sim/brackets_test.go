package sim_test

import (
	"slices"
	"testing"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

func TestBracket(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "MKT", 10, 0, "", leg(0, false))
	w.place(2, "SELL", "LMT", 10, 110, "", leg(1, false))
	w.quiet() // they are kept
	w.place(3, "SELL", "STP", 10, 90, "", leg(1, true))
	for id := range int32(3) {
		w.status(id+1, "PreSubmitted")
	}
	w.status(1, "Filled")
	w.status(2, "Submitted")
	pin(t, g, 110)
	w.status(2, "Filled")
	w.status(3, "Cancelled")
	if p := g.State().Orders; p[2].Status != "Cancelled" {
		t.Errorf("orders %+v", p)
	}
}

// leg makes an order one of a bracket.
func leg(parent int32, transmit bool) func(*protobuf.Order) {
	return func(o *protobuf.Order) { o.ParentId, o.Transmit = &parent, &transmit }
}

// statuses are those of all orders, in order of placement.
func statuses(g *sim.Gateway) (list []string) {
	for _, o := range g.State().Orders {
		list = append(list, o.Status)
	}
	return list
}

// TestBracketOfMany has a leg that fills at once cancel others that are being released.
func TestBracketOfMany(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "MKT", 10, 0, "", leg(0, false))
	w.place(2, "SELL", "LMT", 10, 90, "", leg(1, false)) // marketable
	w.place(3, "SELL", "LMT", 10, 110, "", leg(1, false))
	w.place(4, "SELL", "LMT", 10, 120, "", leg(3, false)) // a child of a child
	w.place(5, "SELL", "LMT", 10, 95, "", leg(1, true))
	w.status(2, "Filled")
	waitFor(t, func() bool {
		return slices.Equal(statuses(g), []string{"Filled", "Filled", "Cancelled", "Cancelled", "Cancelled"})
	})
	w.quietAbout(3, 4, 5)
}

// quietAbout reads on to a mark and fails if one of the orders has a state other than Cancelled after it was cancelled.
func (w *wire) quietAbout(ids ...int32) {
	w.t.Helper()
	w.place(99, "BUY", "LMT", 1, 1, "")
	ended := map[int32]bool{}
	for {
		var s protobuf.OrderStatus
		if err := proto.Unmarshal(w.next(3).body, &s); err != nil {
			w.t.Fatal(err)
		}
		id := s.GetOrderId()
		switch {
		case id == 99:
			return
		case slices.Contains(ids, id) && s.GetStatus() == "Cancelled":
			ended[id] = true
		case ended[id]:
			w.t.Errorf("order %d is %s after it was cancelled", id, s.GetStatus())
		}
	}
}

// TestBracketWithoutParent has parents that take no children.
func TestBracketWithoutParent(t *testing.T) {
	g := bare(t)
	w, other := ready(t, g, 225, 1), ready(t, g, 225, 2)
	pin(t, g, 100)
	w.place(1, "BUY", "LMT", 10, 90.001, "", leg(0, false))
	w.errorCode(110)
	w.place(2, "SELL", "LMT", 10, 110, "", leg(1, true))
	if e := w.errorCode(135); e.GetId() != 2 {
		t.Errorf("refused for order %d", e.GetId())
	}
	w.place(3, "BUY", "LMT", 10, 90, "")
	w.status(3, "Submitted")
	other.place(4, "SELL", "LMT", 10, 110, "", leg(3, true)) // another client's
	other.errorCode(135)
	w.place(5, "SELL", "LMT", 10, 110, "", leg(3, true))
	w.status(5, "PreSubmitted")
	w.place(6, "BUY", "LMT", 10, 80, "")
	w.status(6, "Submitted")
	w.place(5, "SELL", "LMT", 10, 111, "", leg(6, true)) // another parent
	w.errorCode(105)
	w.place(5, "SELL", "LMT", 10, 112, "")
	if s := w.status(5, "PreSubmitted"); s.GetParentId() != 3 {
		t.Errorf("after a change its parent is %d", s.GetParentId())
	}
	w.cancel(3)
	w.errorCode(202)
	w.errorCode(202)
	w.place(7, "SELL", "LMT", 10, 110, "", leg(3, true))
	w.errorCode(135)
	// One that is filled takes children, and is not named any more when they are changed.
	w.place(8, "BUY", "LMT", 10, 101, "")
	w.status(8, "Filled")
	w.place(9, "SELL", "LMT", 10, 110, "", leg(8, true))
	w.status(9, "Submitted")
	w.place(9, "SELL", "LMT", 10, 111, "", leg(8, true))
	w.errorCode(135)
	w.place(9, "SELL", "LMT", 10, 112, "")
	w.status(9, "Submitted")
	if got := statuses(g); !slices.Equal(got, []string{"Cancelled", "Cancelled", "Submitted", "Filled", "Submitted"}) {
		t.Errorf("orders are %v", got)
	}
}

// TestBracketInPart cancels a parent of which a part is filled: its children work for that part.
func TestBracketInPart(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, PartialFills: 2, SpreadFills: true, TickRate: 0.001})
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "LMT", 10, 101, "", leg(0, false))
	w.place(2, "SELL", "LMT", 10, 110, "", leg(1, false))
	w.place(3, "SELL", "STP", 10, 90, "", leg(1, true))
	w.status(3, "PreSubmitted")
	if s := w.status(1, "Submitted"); s.GetFilled() != "5" || s.GetRemaining() != "5" {
		t.Errorf("%v", s)
	}
	w.cancel(1)
	w.status(1, "Cancelled")
	if s := w.status(2, "Submitted"); s.GetRemaining() != "5" {
		t.Errorf("%v", s)
	}
	pin(t, g, 110)
	pin(t, g, 110)
	if s := w.status(2, "Filled"); s.GetFilled() != "5" {
		t.Errorf("%v", s)
	}
	w.status(3, "Cancelled")
	if p := g.State().Orders; p[2].Quantity != 5 {
		t.Errorf("orders %+v", p)
	}
}
