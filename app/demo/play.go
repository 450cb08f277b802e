package demo

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/engine"
)

// Program is what a demo needs of the running program.
type Program interface {
	Subscribe() (<-chan struct{}, func())
	Status() api.Status
	Arm(ctx context.Context, live bool) error
	Rules() api.Rules
	ActivateRule(ctx context.Context, name string) error
	Counts() engine.Counts
}

// trades is how long after the first connection the demo turns trading on.
const trades = 6 * time.Second

// Play plays the trader: some seconds after the guard has opened it turns trading on and activates the demo's rules.
// Then it says every few seconds what the engine does, until ctx ends.
func Play(ctx context.Context, p Program, log *slog.Logger, say func(label, text string)) {
	changed, end := p.Subscribe()
	defer end()
	if !opened(ctx, p, changed) {
		return
	}
	if !p.Status().Trading.Armed {
		say("demo", fmt.Sprintf("Trading is off: rules place no orders. The demo turns it on in %d s.",
			trades/time.Second))
		select {
		case <-ctx.Done():
			return
		case <-time.After(trades):
		}
		if !opened(ctx, p, changed) {
			return
		}
		if err := p.Arm(ctx, false); err != nil {
			log.Warn("demo", "err", err)
		} else {
			say("demo", "Trading is on: active rules place orders on the simulated gateway.")
		}
	}
	for _, v := range p.Rules().Rules {
		if err := p.ActivateRule(ctx, v.Rule.Name); err != nil {
			log.Warn("demo", "rule", v.Rule.Name, "err", err)
		}
	}
	sayTicks(ctx, p, say)
}

// opened waits until the guard is open, and reports whether ctx did not end before.
func opened(ctx context.Context, p Program, changed <-chan struct{}) bool {
	for !p.Status().Guard.Open {
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
	return true
}

// sayTicks says what the engine does, while that is something.
func sayTicks(ctx context.Context, p Program, say func(label, text string)) {
	every := time.Tick(5 * time.Second)
	var before uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-every:
		}
		n := p.Counts()
		if n.Evaluated == before {
			continue
		}
		before = n.Evaluated
		var prices []string
		for _, v := range p.Rules().Rules {
			if v.Price != nil {
				prices = append(prices, fmt.Sprintf("%s %.2f", v.Rule.Instrument.Symbol, *v.Price))
			}
		}
		say("ticks", fmt.Sprintf("%s · %d evaluated, %d skipped", strings.Join(prices, " · "), n.Evaluated, n.Skipped))
	}
}
