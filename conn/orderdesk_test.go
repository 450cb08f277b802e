package conn_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// versions are server versions that are spoken.
var versions = []int{213, 219, 225}

const orderPatience = 60 * time.Second

// desk is a supervisor on a simulated gateway, with what its sessions say about orders.
type desk struct {
	t   *testing.T
	gw  *sim.Gateway
	sup *conn.Supervisor

	unread map[*ib.Session][]ib.OrderNews // taken from a session and not looked at yet
}

func newDesk(t *testing.T, cfg sim.Config, change func(*conn.Config)) *desk {
	t.Helper()
	if cfg.Farms == nil {
		cfg.Farms = []sim.Farm{}
	}
	gw := simtest.Start(t, cfg)
	return (&desk{t: t, gw: gw}).run(17, change)
}

// another returns a desk with another client id at the same gateway.
func (d *desk) another(client int) *desk { return (&desk{t: d.t, gw: d.gw}).run(client, nil) }

// usualLimits are close to those of the program. A busy computer may miss them.
func usualLimits(c *conn.Config) {
	c.Soft, c.Hard, c.ProofOfLife = 1500*time.Millisecond, 10*time.Second, 250*time.Millisecond
}

// run runs the desk's supervisor until the test ends.
func (d *desk) run(client int, change func(*conn.Config)) *desk {
	d.t.Helper()
	c := conn.Config{
		Host: "127.0.0.1", Port: d.gw.Port(), ClientID: client, Mode: ib.AnyMode, ConnectTimeout: 20 * time.Second,
		Poll: time.Second, Soft: 20 * time.Second, Hard: time.Minute, ProofOfLife: 20 * time.Second,
		Delays: []time.Duration{20 * time.Millisecond}, Stable: 10 * time.Second, WatchLocalPort: true,
	}
	if change != nil {
		change(&c)
	}
	sup, err := conn.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	var run sync.WaitGroup
	run.Go(func() { sup.Run(ctx) })
	d.t.Cleanup(func() {
		cancel()
		run.Wait()
	})
	d.sup = sup
	return d
}

func (d *desk) until(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(orderPatience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("waited in vain until %s; %+v", what, d.sup.Snapshot())
		}
	}
}

// session waits for one whose guard is open.
func (d *desk) session() *ib.Session {
	d.t.Helper()
	var s *ib.Session
	d.until("the guard is open", func() bool {
		s = d.sup.Session()
		return s != nil && s.Guard() == nil
	})
	return s
}

func (d *desk) do(verb string) {
	d.t.Helper()
	if _, err := d.gw.Do(verb, nil); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) price(p float64) {
	d.t.Helper()
	if err := d.gw.SetPrice("AAPL", p); err != nil {
		d.t.Fatal(err)
	}
}

// news takes order news until ok is true of one piece, which it returns.
func (d *desk) news(s *ib.Session, what string, ok func(ib.OrderNews) bool) ib.OrderNews {
	d.t.Helper()
	limit := time.After(orderPatience)
	var seen []ib.OrderNews
	if d.unread == nil {
		d.unread = map[*ib.Session][]ib.OrderNews{}
	}
	for {
		list := append(d.unread[s], s.Orders().Take(nil)...)
		for i, n := range list {
			seen = append(seen, n)
			if ok(n) {
				d.unread[s] = list[i+1:]
				return n
			}
		}
		d.unread[s] = nil
		select {
		case <-s.Orders().Ready():
		case <-limit:
			d.t.Fatalf("waited in vain for %s; %+v", what, seen)
		}
	}
}

func (d *desk) status(s *ib.Session, id int64, status string) ib.OrderNews {
	d.t.Helper()
	return d.news(s, fmt.Sprintf("order %d to be %s", id, status), func(n ib.OrderNews) bool {
		return n.Kind == ib.OrderStatus && n.ID == id && n.Status == status
	})
}

var apple = ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}

func buy(ref string, quantity, limit float64) ib.Order {
	o := ib.Order{Ref: ref, Contract: apple, Side: ib.Buy, Type: ib.Market, Quantity: quantity}
	if limit != 0 {
		o.Type, o.LimitPrice = ib.Limit, limit
	}
	return o
}

// exit returns an order that closes what another has bought.
func exit(ref string, quantity, limit, stop float64, parent int64, hold bool) ib.Order {
	o := ib.Order{
		Ref: ref, Contract: apple, Side: ib.Sell, Type: ib.Limit, Quantity: quantity, LimitPrice: limit,
		Parent: parent, Hold: hold,
	}
	if stop != 0 {
		o.Type, o.LimitPrice, o.StopPrice = ib.Stop, 0, stop
	}
	return o
}

func nan() float64 { var zero float64; return zero / zero }
