package sim_test

import (
	"strings"
	"testing"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// askWhatOf sends one request of each kind about orders, as the version has it, and a contract's.
func (w *wire) askWhatOf(version int) map[sim.Question]func() {
	sent := func(id int, m proto.Message, text ...any) func() {
		return func() {
			w.t.Helper()
			if version >= 213 {
				w.sendProto(id, m)
			} else {
				w.send(id, text...)
			}
		}
	}
	number := int32(7)
	return map[sim.Question]func(){
		sim.OpenOrders:      sent(5, &protobuf.OpenOrdersRequest{}, 1),
		sim.CompletedOrders: sent(99, &protobuf.CompletedOrdersRequest{ApiOnly: new(true)}, 1),
		sim.Executions: sent(7, &protobuf.ExecutionRequest{
			ReqId: &number, ExecutionFilter: &protobuf.ExecutionFilter{},
		}, 3, 7, 0, "", "", "", "", "", ""),
		sim.ContractDetails: sent(9, &protobuf.ContractDataRequest{ReqId: &number, Contract: wireStock("AAPL")},
			8, 7, 0, "AAPL", "STK", "", 0, "", "", "SMART", "", "USD", "", "", 0, "", "", ""),
	}
}

var questionEnds = map[sim.Question]int{
	sim.OpenOrders: 53, sim.CompletedOrders: 102, sim.Executions: 55,
	sim.ContractDetails: 52,
}

// TestUnanswered leaves questions without an answer, one by one and for good.
func TestUnanswered(t *testing.T) {
	for _, v := range []int{178, 225} {
		g := bare(t)
		w := ready(t, g, v, 1)
		for q, ask := range w.askWhatOf(v) {
			ask()
			w.next(questionEnds[q])
			if err := g.LeaveUnanswered(q, 2); err != nil {
				t.Fatal(err)
			}
			ask()
			ask()
			w.quiet()
			if f := g.State().Faults; len(f) != 0 {
				t.Errorf("faults %v", f)
			}
			ask()
			w.next(questionEnds[q])
			if err := g.LeaveUnanswered(q, -1); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				ask()
			}
			w.quiet()
			if f := g.State().Faults; len(f) != 1 || f[0] != "unanswered-"+string(q) {
				t.Errorf("faults %v", f)
			}
			if err := g.Clear(); err != nil {
				t.Fatal(err)
			}
			ask()
			w.next(questionEnds[q])
		}
	}
	if err := bare(t).LeaveUnanswered("weather", 1); err == nil {
		t.Error("an unknown question can be left unanswered")
	}
}

// TestReadOnly has the API refuse what a read-only one refuses, and nothing else.
func TestReadOnly(t *testing.T) {
	g := bare(t)
	for _, v := range []int{178, 225} {
		w := ready(t, g, v, int32(v))
		g.ReadOnly(true)
		for q, ask := range w.askWhatOf(v) {
			ask()
			if q == sim.Executions || q == sim.ContractDetails {
				w.next(questionEnds[q])
				continue
			}
			if e := w.errorCode(321); e.GetId() != -1 || !strings.Contains(e.GetErrorMsg(), "Read-Only") {
				t.Errorf("%s: %v", q, e)
			}
		}
		w.alive()
		g.ReadOnly(false)
		w.askWhatOf(v)[sim.OpenOrders]()
		w.next(53)
	}
	w := ready(t, g, 225, 1)
	w.place(3, "BUY", "LMT", 1, 1, "kept")
	w.status(3, "Submitted")
	g.ReadOnly(true)
	w.place(4, "BUY", "LMT", 1, 1, "refused")
	if e := w.errorCode(321); e.GetId() != 4 {
		t.Errorf("%v", e)
	}
	w.cancel(3)
	if e := w.errorCode(321); e.GetId() != 3 {
		t.Errorf("%v", e)
	}
	if s := g.State(); len(s.Orders) != 1 || s.Orders[0].Status != "Submitted" || s.Faults[0] != "read-only" {
		t.Errorf("%+v", s)
	}
}
