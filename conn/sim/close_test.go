package sim_test

import (
	"context"
	"net"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

// TestCloseEndsEverything closes gateways in awkward states; TestMain's leak check sees what is left behind.
func TestCloseEndsEverything(t *testing.T) {
	for name, disturb := range map[string]func(*sim.Gateway){
		"frozen":     (*sim.Gateway).Freeze,
		"silent":     (*sim.Gateway).AcceptSilent,
		"slow":       func(g *sim.Gateway) { g.Slow(sim.Slowness{PerMessage: time.Hour}) },
		"restarting": func(g *sim.Gateway) { g.Restart(time.Hour) },
		"moving":     func(g *sim.Gateway) { _, _ = g.MovePort(0, time.Hour) },
		"script":     func(g *sim.Gateway) { _, _ = g.Do("drop", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			g, err := sim.Start(ctx, sim.Config{Control: "127.0.0.1:0", Script: "at 1h drop\nevery 1h reset\nloop"})
			if err != nil {
				t.Fatal(err)
			}
			w := ready(t, g, 225, 1)
			w.subscribe(1, "AAPL")
			disturb(g)
			if c, err := net.Dial("tcp", g.Addr()); err == nil {
				defer c.Close()
			}
			start := time.Now()
			if name == "slow" { // the end of the context is a Close, too
				cancel()
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d > time.Second {
				t.Errorf("close took %v", d)
			}
			_ = w.end()
			if err := g.Close(); err != nil {
				t.Errorf("second close: %v", err)
			}
		})
	}
}
