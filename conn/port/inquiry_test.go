package port_test

import (
	"testing"

	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi"
)

func openJournal(t *testing.T, dir string) *record.Journal {
	t.Helper()
	j, err := record.OpenJournal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// TestInquiry asks Gateway about orders whose program has left: what has been filled, what has been cancelled, and what
// Gateway does not know.
func TestInquiry(t *testing.T) {
	dir := t.TempDir()
	g := startSim(t, sim.Config{TickRate: 50})
	j := openJournal(t, dir)
	for _, o := range []record.Order{{Number: 1, Client: 7, ID: 99, State: record.Working, Words: "BUY"}} {
		if err := j.Write(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	r := newRig(t, g.Port(), func(c *port.Config) {
		c.Record, c.Settings.AskAs = openJournal(t, dir), 4711
	})
	if o := r.order(99); o.State != record.Unknown {
		t.Errorf("%+v", o)
	}
	p := connectProgram(t, r.number, 7)
	for id := range int64(4) {
		p.PlaceOrder(10+id, stock("AAPL"), limitOrder("BUY", "5", 1))
		p.status(10+id, "Submitted")
	}
	p.leave()
	until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	other := connectProgram(t, g.Port(), 7) // directly
	defer other.leave()
	other.CancelOrder(10, ibapi.NewOrderCancel())
	other.status(10, "Cancelled")
	other.PlaceOrder(11, stock("AAPL"), limitOrder("BUY", "5", 10_000))
	other.status(11, "Filled")
	if o := r.order(10); o.State != record.Working {
		t.Errorf("%+v", o)
	}
	until(t, "Gateway has said what became of them", func() bool {
		return r.order(10).State == record.Cancelled && r.order(11).State == record.Filled &&
			r.order(12).State == record.Working
	})
	if o := r.order(99); o.State != record.Unknown {
		t.Errorf("%+v", o)
	}
	if n := len(g.Requests("placeOrder")); n != 5 {
		t.Errorf("%d orders", n)
	}
}
