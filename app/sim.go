package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

// demoStory is played again and again.
const demoStory = `
at 12s drop
at 24s 1100
at 30s 1102
at 40s freeze
at 44s thaw
at 52s restart for=6s
loop 75s
`

// demo is the simulated gateway of --demo.
type demo struct {
	dir     string // of its rules and orders, which are nobody's
	gateway *sim.Gateway
}

// demoRules trade on the simulated gateway, whose prices walk about where these begin.
const demoRules = `{
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

// newDemo starts the simulated gateway, which is there until close is called: at the end of the program Gatewatch goes first.
func newDemo() (*demo, error) {
	dir, err := tempHome()
	if err != nil {
		return nil, err
	}
	err = os.WriteFile(filepath.Join(dir, "rules.json"), []byte(demoRules), 0o600)
	g, errSim := sim.Start(context.Background(), sim.Config{Script: demoStory})
	if err = errors.Join(err, errSim); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &demo{dir: dir, gateway: g}, nil
}

func (d *demo) close() {
	_ = d.gateway.Close()
	_ = os.RemoveAll(d.dir)
}

// playDemo arms trading and activates the rules of the demo, where nothing can come of it, and shows every few seconds what
// the engine does.
func (r *resident) playDemo(ctx context.Context) {
	changed, end := r.hub.Subscribe()
	defer end()
	for r.sup.Snapshot().Guard != conn.GuardOpen {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
	if err := r.Arm(ctx, false); err != nil {
		r.log.Warn("demo", "err", err)
	}
	for _, rule := range r.trade.set.Rules() {
		if err := r.ActivateRule(ctx, rule.Name); err != nil {
			r.log.Warn("demo", "rule", rule.Name, "err", err)
		}
	}
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	var before uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		n := r.trade.engine.Counts()
		if n.Evaluated == before {
			continue
		}
		before = n.Evaluated
		var prices []string
		for _, v := range r.trade.set.Views() {
			if !v.PriceAt.IsZero() {
				prices = append(prices, fmt.Sprintf("%s %.2f", v.Contract.Symbol, v.Price))
			}
		}
		r.screen.say("ticks", fmt.Sprintf("%s · %d evaluated, %d skipped", strings.Join(prices, " · "), n.Evaluated, n.Skipped))
	}
}

var errNothingFound = errors.New("no Gateway or TWS is ready")
