package port_test

import (
	"slices"
	"testing"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
)

// TestOrdersOfOthers has a program use the order ids of another one, and cancel all orders: what the record says of the
// other's orders is what became of them.
func TestOrdersOfOthers(t *testing.T) {
	for _, version := range versions {
		g := startSim(t, sim.Config{ServerVersion: version, OwnCancelsOnly: true})
		r := newRig(t, g.Port(), nil)
		a, b := connectProgram(t, r.number, 7), connectProgram(t, r.number, 8)
		state := func(client, id int64) record.State {
			for _, o := range r.Orders() {
				if o.Client == client && o.ID == id {
					return o.State
				}
			}
			return ""
		}
		a.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 1))
		a.status(10, "Submitted")
		a.PlaceOrder(11, stock("AAPL"), limitOrder("BUY", "100", 1))
		a.status(11, "Submitted")
		b.PlaceOrder(10, stock("MSFT"), limitOrder("BUY", "7", 1))
		b.status(10, "Submitted")
		b.CancelOrder(11, ibapi.NewOrderCancel())
		b.error(11, 10147)
		b.CancelOrder(10, ibapi.NewOrderCancel())
		b.status(10, "Cancelled")
		until(t, "its order is cancelled", func() bool { return state(8, 10) == record.Cancelled })
		if state(7, 10) != record.Working || state(7, 11) != record.Working {
			t.Errorf("the orders of the other are %s and %s", state(7, 10), state(7, 11))
		}
		if slices.ContainsFunc(r.Orders(), func(o record.Order) bool { return o.Client == 8 && o.ID == 11 }) {
			t.Error("a cancellation has made an order")
		}
		b.ReqGlobalCancel(ibapi.NewOrderCancel())
		a.status(10, "Cancelled")
		a.status(11, "Cancelled")
		until(t, "all are cancelled", func() bool {
			return state(7, 10) == record.Cancelled && state(7, 11) == record.Cancelled
		})
		a.leave()
		b.leave()
	}
}
