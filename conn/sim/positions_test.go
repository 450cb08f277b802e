package sim_test

import (
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// TestPositions closes a position and looks at the profit.
func TestPositions(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	w.sendProto(61, &protobuf.PositionsRequest{})
	w.next(62)
	size := func() string {
		t.Helper()
		var p protobuf.Position
		if err := proto.Unmarshal(w.next(61).body, &p); err != nil {
			t.Fatal(err)
		}
		return p.GetPosition()
	}
	fees := func() *protobuf.CommissionAndFeesReport {
		t.Helper()
		var f protobuf.CommissionAndFeesReport
		if err := proto.Unmarshal(w.next(59).body, &f); err != nil {
			t.Fatal(err)
		}
		return &f
	}
	pin(t, g, 100)
	w.place(1, "BUY", "MKT", 10, 0, "")
	if f := fees(); f.RealizedPNL != nil || f.YieldRedemptionDate != nil {
		t.Errorf("opening trade: %v", f)
	}
	if s := size(); s != "10" {
		t.Errorf("position %s", s)
	}
	pin(t, g, 105)
	w.place(2, "SELL", "MKT", 10, 0, "")
	if f := fees(); f.GetRealizedPNL() != 47.9 {
		t.Errorf("profit %v, want 10 times 105.00-100.01 less two commissions", f.GetRealizedPNL())
	}
	if s := size(); s != "0" {
		t.Errorf("position %s", s)
	}
	w.sendProto(61, &protobuf.PositionsRequest{})
	b, err := w.frame(patience)
	if err != nil || w.parse(b).id != 62 {
		t.Errorf("a closed position is listed")
	}
}

func TestOpenOrdersOnConnect(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, OpenOrdersOnConnect: true})
	w := ready(t, g, 225, 1)
	w.next(53)
	w.place(1, "BUY", "LMT", 1, 1, "mine")
	w.status(1, "Submitted")
	g.Drop()
	_ = w.end()
	w = ready(t, g, 225, 1)
	var open protobuf.OpenOrder
	if err := proto.Unmarshal(w.next(5).body, &open); err != nil || open.GetOrder().GetOrderRef() != "mine" {
		t.Errorf("%v", &open)
	}
	if w = ready(t, g, 225, 2); true {
		b, err := w.frame(patience)
		if err != nil || w.parse(b).id != 53 {
			t.Errorf("client 2 was sent message %d, want the end of its own open orders", w.parse(b).id)
		}
	}
}

// TestNulInText checks that a NUL brought in by protobuf does not shift the fields of text sessions.
func TestNulInText(t *testing.T) {
	g := bare(t)
	ready(t, g, 225, 1).place(1, "BUY", "LMT", 1, 1, "a\x00b")
	waitFor(t, func() bool { return len(g.State().Orders) == 1 })
	w := ready(t, g, 178, 2)
	w.send(16, 1)
	if m := w.next(5); m.fields[22] != "ab" {
		t.Errorf("order reference %q in %q", m.fields[22], m.fields)
	}
}

func newYork(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("no time zone data on this machine")
	}
	return zone
}
