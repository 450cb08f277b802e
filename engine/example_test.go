package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// dip buys a share, once, when the ask falls to a price.
type dip struct {
	contract ib.Contract
	price    float64
	desk     *engine.Desk

	session *ib.Session
	done    bool
	filled  chan ledger.Intent
}

func (d *dip) Instruments() []engine.Instrument { return []engine.Instrument{{Contract: d.contract}} }

func (d *dip) OnBegin(s *ib.Session) { d.session = s }

func (d *dip) OnTick(_ int, t ib.Tick) {
	if d.done || t.Field != ib.Ask || t.Old || t.Value == 0 || t.Value > d.price {
		return
	}
	d.done = true // whatever becomes of it: what could not be sent is not sent later
	_, err := d.desk.Place(engine.Ticket{
		Session: d.session, Price: t.Value,
		Order: ib.Order{Contract: d.contract, Side: ib.Buy, Type: ib.Limit, Quantity: 1, LimitPrice: d.price},
	})
	if err != nil {
		fmt.Println(err)
	}
}

func (d *dip) OnTime(time.Duration) bool { return false }

func (d *dip) OnFailure(_, code int, detail string) { fmt.Println("no market data:", code, detail) }

func (d *dip) OnOrder(i ledger.Intent) {
	if i.State == ledger.Filled {
		select {
		case d.filled <- i:
		default: // what is known of it has changed once more
		}
	}
}

// A strategy of one's own, run against the simulated gateway.
func ExampleStrategy() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	folder, err := os.MkdirTemp("", "strategy-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	gateway, err := sim.Start(ctx, sim.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gateway.Close()
	_ = gateway.SetPrice("AAPL", 200)

	orders, err := ledger.Open(filepath.Join(folder, "orders.db"), log)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer orders.Close()
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: gateway.Port(), ClientID: 1, Mode: ib.Paper, ConnectTimeout: 5 * time.Second,
		Poll: time.Second, Soft: 3 * time.Second, Hard: 15 * time.Second, Delays: []time.Duration{time.Second},
		Reconcile: orders.Reconcile, // the guard opens only when it is known what became of earlier orders
	}, log)
	if err != nil {
		fmt.Println(err)
		return
	}
	limits := engine.Limits{Mode: ib.Paper, PerMinute: 1, PerDay: 10, Quantity: 1, Notional: 1000}
	desk := engine.NewDesk(orders, limits, func(engine.Report) {}, log)
	desk.Arm() // a person's decision

	mine := &dip{
		contract: ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}, price: 150,
		desk:   desk,
		filled: make(chan ledger.Intent, 1),
	}
	eng := engine.New(engine.Config{Supervisor: sup, Desk: desk, Strategy: mine, Log: log})
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	running.Go(func() { sup.Run(ctx) })
	running.Go(func() { eng.Run(ctx) })

	for ctx.Err() == nil && eng.Counts().Evaluated == 0 { // until prices arrive
		time.Sleep(10 * time.Millisecond)
	}
	_ = gateway.SetPrice("AAPL", 149)
	select {
	case i := <-mine.filled:
		fmt.Println(i.State, engine.Describe(&i.Order))
	case <-ctx.Done():
		fmt.Println("nothing was filled")
	}
	// Output: filled BUY 1 AAPL LMT 150
}
