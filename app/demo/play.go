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

// Play turns trading on and activates the demo's rules once the guard is open, and then says every few seconds what
// the engine does, until ctx ends.
func Play(ctx context.Context, p Program, log *slog.Logger, say func(label, text string)) {
	changed, end := p.Subscribe()
	defer end()
	for !p.Status().Guard.Open {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
	if err := p.Arm(ctx, false); err != nil {
		log.Warn("demo", "err", err)
	}
	for _, v := range p.Rules().Rules {
		if err := p.ActivateRule(ctx, v.Rule.Name); err != nil {
			log.Warn("demo", "rule", v.Rule.Name, "err", err)
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
