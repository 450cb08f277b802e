package sim

import (
	"time"

	"github.com/scmhub/ibapi/protobuf"
)

// Lag has every message leave a time after it was made, in order. 0 ends it: what lags leaves at once.
func (g *Gateway) Lag(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.faults.lag = max(d, 0); g.faults.lag == 0 {
		g.eachLocked(func(c *conn) { c.release(true) })
	}
}

// TicksOnly has clients get market data and nothing else, or ends that: what they ask for is done, and never answered.
func (g *Gateway) TicksOnly(on bool) { g.locked(func() { g.faults.ticksOnly = on }) }

// lateFrame is a message that lags, or several.
type lateFrame struct {
	due   time.Time // on the machine's clock
	frame []byte
}

// queueLate keeps a frame back; outMu is held.
func (c *conn) queueLate(frame []byte, lag time.Duration) {
	due := time.Now().Add(c.g.clock.real(lag))
	if n := len(c.late); n > 0 && due.Before(c.late[n-1].due) {
		due = c.late[n-1].due
	}
	c.late = append(c.late, lateFrame{due, frame})
	c.lateSize += len(frame)
	time.AfterFunc(time.Until(due), func() { c.release(false) })
}

// release sends what has lagged for long enough, or everything.
func (c *conn) release(all bool) {
	c.outMu.Lock()
	n := 0
	for now := time.Now(); n < len(c.late) && (all || !now.Before(c.late[n].due)); n++ {
		c.out = append(c.out, c.late[n].frame...)
		c.lateSize -= len(c.late[n].frame)
	}
	c.late = append(c.late[:0], c.late[n:]...)
	c.outMu.Unlock()
	c.flush()
}

// currentTime answers a time request. The second within a second gateways leave unanswered since 10.19.
func (g *Gateway) currentTime(c *conn, _ *protobuf.CurrentTimeRequest) *requestError {
	now := g.clock.now()
	if g.cfg.AnswerEveryTime || c.timeAsked.IsZero() || now.Sub(c.timeAsked) >= time.Second {
		c.timeAsked = now
		c.sendLocked(&protobuf.CurrentTime{CurrentTime: new(g.nowLocked().Unix())})
	}
	return nil
}
