// Package demo is what --demo adds: a simulated gateway that plays a short story of faults, and rules that trade on it.
package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gatewatch/conn/sim"
)

// story is played again and again.
const story = `
at 12s drop
at 24s 1100
at 30s 1102
at 40s freeze
at 44s thaw
at 52s restart for=6s
loop 75s
`

// Gateway is the simulated gateway of a demo.
type Gateway struct {
	Dir string // of the demo's rules and orders
	sim *sim.Gateway
}

// ruleFile has rules that trade on the simulated gateway, whose prices walk about where these begin.
const ruleFile = `{
  "$schema": "./rules.schema.json",
  "rules": [
    {
      "name": "Buy Apple",
      "instrument": { "symbol": "AAPL", "currency": "USD" },
      "conditions": [{ "price": "ask", "is": "at_or_below", "value": 250 }],
      "action": {
        "do": "order",
        "order": { "side": "BUY", "quantity": 10, "type": "LMT", "limit_offset": 0.05, "take_profit": { "offset": 1 }, "stop_loss": { "offset": -1 } }
      }
    },
    {
      "name": "Microsoft rises",
      "instrument": { "symbol": "MSFT", "currency": "USD" },
      "conditions": [{ "price": "last", "is": "crosses_up", "value": 430 }],
      "cooldown_seconds": 20,
      "action": { "do": "notify" }
    },
    {
      "name": "Sell SPY short",
      "instrument": { "symbol": "SPY", "currency": "USD" },
      "conditions": [{ "price": "mid", "is": "crosses_down", "value": 590 }],
      "cooldown_seconds": 30,
      "action": { "do": "order", "order": { "side": "SELL", "quantity": 5, "type": "MKT" } }
    }
  ]
}
`

// Start starts the simulated gateway. Close it after the program that connects to it has ended.
func Start() (*Gateway, error) {
	dir, err := os.MkdirTemp("", "gatewatch-demo-")
	if err != nil {
		return nil, err
	}
	err = os.WriteFile(filepath.Join(dir, "rules.json"), []byte(ruleFile), 0o600)
	g, errSim := sim.Start(context.Background(), sim.Config{Script: story})
	if err = errors.Join(err, errSim); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &Gateway{Dir: dir, sim: g}, nil
}

// Close ends the gateway and deletes the demo's folder.
func (g *Gateway) Close() {
	_ = g.sim.Close()
	_ = os.RemoveAll(g.Dir)
}

// Port returns the port of the gateway's API.
func (g *Gateway) Port() int { return g.sim.Port() }
