// Package bot shows how a Go test uses the simulator without a process of its own.
package bot

import (
	"gatewatch/conn/sim"
	"testing"
	"time"

	"github.com/scmhub/ibapi"
)

// bot is a client of the library that passes on how its orders are.
type bot struct {
	ibapi.Wrapper
	*ibapi.EClient
	ready  chan int64
	status chan string
}

func (b *bot) NextValidID(id int64) { b.ready <- id }

func (b *bot) OrderStatus(
	_ int64, status string, _, _ ibapi.Decimal, _ float64, _, _ int64, _ float64, _ int64, _ string, _ float64,
) {
	b.status <- status
}

// wait returns what comes within five seconds.
func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatalf("no %s", what)
		panic("not reached")
	}
}

func TestBuysOnce(t *testing.T) {
	g, err := sim.Start(t.Context(), sim.Config{Seed: 1, Farms: []sim.Farm{}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	b := &bot{ready: make(chan int64, 1), status: make(chan string, 100)}
	b.EClient = ibapi.NewEClient(b)
	if err := b.Connect("127.0.0.1", g.Port(), 7); err != nil {
		t.Fatal(err)
	}
	id := wait(t, "order id", b.ready)

	apple := ibapi.NewContract()
	apple.Symbol, apple.SecType, apple.Exchange, apple.Currency = "AAPL", "STK", "SMART", "USD"
	order := ibapi.NewOrder()
	order.Action, order.OrderType, order.TotalQuantity, order.TIF = "BUY", "MKT", ibapi.StringToDecimal("10"), "DAY"
	b.PlaceOrder(id, apple, order)
	for wait(t, "order status", b.status) != "Filled" {
	}
	if sent := g.Requests("placeOrder"); len(sent) != 1 {
		t.Errorf("%d orders were sent", len(sent))
	}
}
