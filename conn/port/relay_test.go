package port_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
)

// versions are those of the programs that are in use most.
var versions = []int{176, 193, 200, 202, 225}

// TestProgram has an unmodified program do what programs do.
func TestProgram(t *testing.T) {
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			g := startSim(t, sim.Config{ServerVersion: version, TickRate: 50})
			r := newRig(t, g.Port(), nil)
			p := connectProgram(t, r.number, 7)
			p.ReqMktData(1, stock("AAPL"), "", false, false, nil)
			p.named("tick", 0)
			p.ReqContractDetails(2, stock("AAPL"))
			p.named("detailsEnd", 0)
			p.ReqHistoricalData(3, stock("AAPL"), "", "1 D", "1 hour", "TRADES", true, 1, false, nil)
			p.named("historyEnd", 0)
			p.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 1))
			p.status(10, "Submitted")
			p.PlaceOrder(11, stock("AAPL"), marketOrder("BUY", "5"))
			p.status(11, "Filled")
			p.await("the execution", 0, func(h happening) bool { return h.name == "execution" && h.id == 11 })
			p.CancelOrder(10, ibapi.NewOrderCancel())
			p.status(10, "Cancelled")
			p.ReqExecutions(4, ibapi.NewExecutionFilter())
			p.named("executionsEnd", 0)
			until(t, "the record has what became of the orders", func() bool {
				return r.order(10).State == record.Cancelled && r.order(11).State == record.Filled
			})
			o := r.order(11)
			if o.Client != 7 || o.PermID == 0 || o.Filled != "5" || o.Words != "BUY 5 AAPL STK MKT DAY" {
				t.Errorf("%+v", o)
			}
			if o := r.order(10); o.Words != "BUY 100 AAPL STK LMT 1 GTC" && o.Words != "BUY 100 AAPL STK LMT 1.0 GTC" {
				t.Errorf("%+v", o)
			}
			c := r.Clients()
			if len(c) != 1 || c[0].ClientID != 7 || c[0].Version != version || c[0].Sent != 2 || c[0].Refused != 0 {
				t.Errorf("%+v", c)
			}
			p.leave()
			until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
		})
	}
}

// TestGuardClosed refuses orders and lets everything else pass, and each refusal is said in the program's own protocol.
func TestGuardClosed(t *testing.T) {
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			g := startSim(t, sim.Config{ServerVersion: version, TickRate: 50})
			r := newRig(t, g.Port(), nil)
			p := connectProgram(t, r.number, 7)
			p.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 1))
			p.status(10, "Submitted")
			r.conn.close(ib.GuardUpstream)
			before := len(g.Requests("placeOrder"))
			p.PlaceOrder(11, stock("AAPL"), marketOrder("BUY", "5"))
			if e := p.error(11, 201); !strings.HasPrefix(e.text, "Order rejected - reason: Gatewatch: ") ||
				!strings.HasSuffix(e.text, "; nothing was sent") {
				t.Errorf("%q", e.text)
			}
			p.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 2))
			p.error(10, 2102)
			p.ExerciseOptions(12, stock("AAPL"), 1, 1, "DU1234567", 0, "", "", false)
			p.error(12, 201)
			p.ReplaceFA(13, 1, "<ListOfGroups/>")
			p.error(13, 322)
			p.ReqContractDetails(2, stock("AAPL"))
			p.named("detailsEnd", 0)
			p.CancelOrder(10, ibapi.NewOrderCancel())
			p.status(10, "Cancelled")
			p.CancelOrder(11, ibapi.NewOrderCancel())
			p.error(11, 10147)
			for _, name := range []string{"exerciseOptions", "replaceFA"} {
				if n := len(g.Requests(name)); n != 0 {
					t.Errorf("%d of %s reached Gateway", n, name)
				}
			}
			if n := len(g.Requests("placeOrder")) - before; n != 0 {
				t.Errorf("%d orders reached Gateway", n)
			}
			if n := len(g.Requests("cancelOrder")); n != 1 {
				t.Errorf("%d cancellations reached Gateway, not 1", n)
			}
			if n := len(r.saw(port.OrderRefused)); n != 3 {
				t.Errorf("%d refusals of orders were reported", n)
			}
			if o := r.order(11); o.State != record.Refused || o.Reason != string(ib.GuardUpstream) {
				t.Errorf("%+v", o)
			}
			r.conn.close(ib.GuardOpen)
			p.PlaceOrder(14, stock("AAPL"), marketOrder("BUY", "5"))
			p.status(14, "Filled")
			p.leave()
			until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
		})
	}
}

// TestAdopted changes an order that was not sent through the port while the guard is closed: the program must not take
// it for rejected. With the guard open it is changed, and with the option it is cancelled when the program leaves.
func TestAdopted(t *testing.T) {
	for _, version := range versions {
		g := startSim(t, sim.Config{ServerVersion: version})
		before := connectProgram(t, g.Port(), 7) // directly
		before.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 1))
		before.status(10, "Submitted")
		before.leave()
		r := newRig(t, g.Port(), func(c *port.Config) {
			c.Settings.Clients = map[int]port.ClientOptions{7: {CancelOnDisconnect: true}}
		})
		until(t, "Gateway has let the client id go", func() bool { return g.Conns() == 0 })
		p := connectProgram(t, r.number, 7)
		p.ReqOpenOrders()
		p.named("openOrdersEnd", 0)
		o := r.order(10)
		if !o.Adopted || o.State != record.Working || o.PermID == 0 || o.Quantity != "100" ||
			!strings.HasPrefix(o.Words, "BUY 100 AAPL STK LMT 1") {
			t.Errorf("version %d: %+v", version, o)
		}
		r.conn.close(ib.GuardUpstream)
		p.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 2))
		p.error(10, 2102)
		r.conn.close(ib.GuardOpen)
		p.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 3))
		until(t, "it is changed", func() bool { return len(g.Requests("placeOrder")) == 2 && r.order(10).Changes == 1 })
		p.leave()
		until(t, "it is cancelled", func() bool { return r.order(10).State == record.Cancelled })
		until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	}
}
