// Package conntest runs supervisors on simulated gateways, for tests of what uses them.
package conntest

import (
	"context"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// Gateway starts a gateway without data farms, where AAPL is at 100.
func Gateway(t testing.TB, cfg sim.Config) *sim.Gateway {
	t.Helper()
	cfg.Farms = []sim.Farm{}
	g := simtest.Start(t, cfg)
	if err := g.SetPrice("AAPL", 100); err != nil {
		t.Fatal(err)
	}
	return g
}

// Config has limits that a busy computer does not reach: package conn tests what follows when they are reached.
func Config(port, client int, reconcile func(context.Context, *ib.Session) error) conn.Config {
	return conn.Config{
		Host: "127.0.0.1", Port: port, ClientID: client, Mode: ib.AnyMode, ConnectTimeout: time.Minute,
		Poll: time.Second, Soft: time.Minute, Hard: 5 * time.Minute, ProofOfLife: time.Minute,
		Delays: []time.Duration{5 * time.Millisecond}, Stable: 10 * time.Second, WatchLocalPort: true,
		Reconcile: reconcile,
	}
}

// Run runs a supervisor, and follow with each of its sessions unless it is nil. What it returns ends them all.
func Run(sup *conn.Supervisor, follow func(context.Context, *ib.Session)) (stop func()) {
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
			if s := sup.Session(); follow != nil && s != nil && s != last {
				last = s
				running.Go(func() { follow(ctx, s) })
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// Session waits for a session whose guard is open.
func Session(t testing.TB, sup *conn.Supervisor) (s *ib.Session) {
	t.Helper()
	ibtest.Eventually(t, "the guard is open", func() bool {
		s = sup.Session()
		return s != nil && s.Guard() == nil
	})
	return s
}
