package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine/ledger"
)

const (
	clientID = 17
	patience = 2 * time.Minute
)

// rig is a ledger on a supervisor.
type rig struct {
	orders *ledger.Ledger
	sup    *conn.Supervisor
	stop   func()
}

// newRig runs a supervisor whose guard waits for the ledger at a path.
func newRig(path string, port, client int, follow bool) (*rig, error) {
	log := slog.New(slog.DiscardHandler)
	orders, err := ledger.Open(path, log)
	if err != nil {
		return nil, err
	}
	sup, err := conn.New(rigConfig(orders, port, client), log)
	if err != nil {
		return nil, errors.Join(err, orders.Close())
	}
	return runRig(orders, sup, follow), nil
}

// rigConfig has limits that a busy computer does not reach: package conn tests what follows when they are reached.
func rigConfig(orders *ledger.Ledger, port, client int) conn.Config {
	return conn.Config{
		Host: "127.0.0.1", Port: port, ClientID: client, Mode: ib.AnyMode, ConnectTimeout: time.Minute,
		Poll: time.Second, Soft: time.Minute, Hard: 5 * time.Minute, ProofOfLife: time.Minute,
		Delays: []time.Duration{5 * time.Millisecond}, Stable: 10 * time.Second, WatchLocalPort: true,
		Reconcile: orders.Reconcile,
	}
}

func runRig(orders *ledger.Ledger, sup *conn.Supervisor, follow bool) *rig {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sup.Run(ctx) })
	running.Go(func() {
		news, end := sup.Subscribe()
		defer end()
		var last *ib.Session
		for {
			select {
			case <-ctx.Done():
				return
			case <-news:
			}
			if s := sup.Session(); follow && s != nil && s != last {
				last = s
				running.Go(func() { orders.Follow(ctx, s) })
			}
		}
	})
	return &rig{orders, sup, func() {
		cancel()
		running.Wait()
		orders.Close()
	}}
}

func startRig(t *testing.T, path string, port int, follow bool) *rig {
	t.Helper()
	r, err := newRig(path, port, clientID, follow)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// session waits for one whose guard is open.
func (r *rig) session(t *testing.T) (s *ib.Session) {
	t.Helper()
	eventually(t, "the guard is open", func() bool {
		s = r.sup.Session()
		return s != nil && s.Guard() == nil
	})
	return s
}

// state waits until an order has a state.
func (r *rig) state(t *testing.T, ref string, want ledger.OrderState) (found ledger.Intent) {
	t.Helper()
	defer func() {
		if found.State != want {
			t.Logf("%+v", found)
		}
	}()
	eventually(t, fmt.Sprintf("%s is %s", ref, want), func() bool {
		for _, i := range r.orders.Intents() {
			if i.Order.Ref == ref {
				found = i
			}
		}
		return found.State == want
	})
	return found
}

func startGateway(t *testing.T, cfg sim.Config) *sim.Gateway {
	t.Helper()
	cfg.Farms = []sim.Farm{}
	g := simtest.Start(t, cfg)
	if err := g.SetPrice("AAPL", 100); err != nil {
		t.Fatal(err)
	}
	return g
}

// order is a limit order to buy; the ask is 100.01.
func order(quantity, limit float64) ib.Order {
	return ib.Order{
		Contract: stocks[0].Contract, Side: ib.Buy, Type: ib.Limit, Quantity: quantity,
		LimitPrice: limit,
	}
}
