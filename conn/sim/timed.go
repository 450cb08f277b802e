package sim

import (
	"context"
	"time"
)

// timeQuantum is how often the gateway looks at its clock for what time alone brings.
const timeQuantum = 100 * time.Millisecond

// runTime does what time alone brings until ctx ends.
func (g *Gateway) runTime(ctx context.Context) {
	ticker := time.NewTicker(max(marketQuantum, g.clock.real(timeQuantum)))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			g.mu.Lock()
			if now := g.nowLocked(); g.frozen == nil && !g.down && !g.upstreamLost {
				g.timeLocked(now)
				g.tellAccounts(now)
			}
			g.mu.Unlock()
		}
	}
}
