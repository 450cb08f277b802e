package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"gatewatch/conn"
	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/engine/ledger"
)

const clientID = 17

var (
	eventually   = ibtest.Eventually
	startGateway = conntest.Gateway
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
	sup, err := conn.New(conntest.Config(port, client, orders.Reconcile), log)
	if err != nil {
		return nil, errors.Join(err, orders.Close())
	}
	return runRig(orders, sup, follow), nil
}

func runRig(orders *ledger.Ledger, sup *conn.Supervisor, follow bool) *rig {
	var do func(context.Context, *ib.Session)
	if follow {
		do = orders.Follow
	}
	stop := conntest.Run(sup, do)
	return &rig{orders, sup, func() {
		stop()
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

// session waits for one whose guard is open.
func (r *rig) session(t *testing.T) *ib.Session {
	t.Helper()
	return conntest.Session(t, r.sup)
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

// order is a limit order to buy; the ask is 100.01.
func order(quantity, limit float64) ib.Order {
	return ib.Order{
		Contract: stocks[0].Contract, Side: ib.Buy, Type: ib.Limit, Quantity: quantity,
		LimitPrice: limit,
	}
}
