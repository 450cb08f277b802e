package sim

import (
	"time"
)

// paceOption is the connect option with which a client asks the gateway to let requests wait rather than to refuse
// those that are too many.
const paceOption = "+PACEAPI"

// pace waits until a client that asked for it may send its next request.
func (g *Gateway) pace(c *conn) {
	g.mu.Lock()
	var wait time.Duration
	if c.paced && g.cfg.MaxMessageRate > 0 && len(c.recent) >= g.cfg.MaxMessageRate {
		wait = time.Second - g.clock.now().Sub(c.recent[0])
	}
	g.mu.Unlock()
	if wait > 0 {
		select {
		case <-g.clock.after(wait):
		case <-c.done:
		}
	}
}

// overPaceLocked counts the requests of the last second; ok is false if this one is too many.
func (g *Gateway) overPaceLocked(c *conn) (n int, ok bool) {
	if g.cfg.MaxMessageRate < 0 {
		return 0, true
	}
	now := g.clock.now()
	for len(c.recent) > 0 && now.Sub(c.recent[0]) >= time.Second {
		c.recent = c.recent[1:]
	}
	if len(c.recent) >= g.cfg.MaxMessageRate {
		return len(c.recent) + 1, false
	}
	c.recent = append(c.recent, now)
	return len(c.recent), true
}
