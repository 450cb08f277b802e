package sim

import (
	"context"
	"time"
)

// timeQuantum is how often the gateway looks at its clock for what time alone brings.
const timeQuantum = 100 * time.Millisecond

// every calls do again and again until ctx ends, with so much of the gateway's time in between.
func (g *Gateway) every(ctx context.Context, d time.Duration, do func()) {
	ticker := time.Tick(max(marketQuantum, g.clock.real(d)))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker:
			do()
		}
	}
}

// passTime does what time alone brings.
func (g *Gateway) passTime() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.nowLocked(); g.frozen == nil && !g.down && !g.upstreamLost {
		g.timeLocked(now)
		g.tellAccounts(now)
	}
}
