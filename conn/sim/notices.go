package sim

import (
	"cmp"
	"fmt"
	"net"
	"time"
)

// Notice sends a code to all ready sessions and does what the code means: 1100 and 2110 lose upstream (ticks stop,
// orders are held), 1101 brings it back without the subscriptions to market and account data, 1102 with them, 10197
// stops market data until Clear. An empty text is replaced by the usual one. Other codes are only sent.
func (g *Gateway) Notice(code int, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case text != "":
	case code == 1102:
		text = g.restoredTextLocked()
	default:
		text = noticeText(code)
	}
	switch code {
	case 1100, 2110:
		g.upstreamLost = true
		g.fillLostLocked()
	case 1101:
		for c := range g.conns {
			clear(c.subs)
			clear(c.streams)
			clear(c.posMulti)
			clear(c.acctMulti)
			clear(c.summaries)
			c.positions, c.account = false, nil
		}
	case 10197:
		g.faults.competing = true
		for c := range g.conns {
			for id := range c.subs {
				c.sendLocked(g.errorMessage(id, code, text))
			}
		}
		return
	}
	g.broadcastLocked(-1, code, text)
	if code == 1101 || code == 1102 {
		g.upstreamLost = false
		g.releaseHeldLocked()
	}
}

// EndCompeting ends what 10197 began: market data flows again.
func (g *Gateway) EndCompeting() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults.competing = false
	for _, q := range g.quotes {
		q.competing = false
	}
}

// NoticeFor sends an error with a request or order id to all ready sessions, for codes that concern one request. It has
// no effect on the simulation.
func (g *Gateway) NoticeFor(id int32, code int, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broadcastLocked(id, code, cmp.Or(text, noticeText(code)))
}

func (g *Gateway) broadcastLocked(id int32, code int, text string) {
	for c := range g.conns {
		if c.ready {
			c.sendLocked(g.errorMessage(id, code, text))
		}
	}
}

// MovePort changes the API port as a reconfigured gateway does: notice 1300 with the new port, after grace the old
// port and all connections close and the new port opens. A port of 0 takes any free one. It returns the new port;
// Addr and Port tell it after grace.
func (g *Gateway) MovePort(port int, grace time.Duration) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.down {
		return 0, errNotRunning
	}
	ln, err := listen(&net.TCPAddr{IP: g.addr.IP, Port: port})
	if err != nil {
		return 0, fmt.Errorf("move to port %d: %w", port, err)
	}
	addr := ln.Addr().(*net.TCPAddr)
	g.broadcastLocked(-1, 1300, fmt.Sprintf(
		"TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - %d",
		addr.Port,
	))
	g.restarts++
	mine := g.restarts
	g.wg.Go(func() {
		select {
		case <-g.ctx.Done():
		case <-g.clock.after(grace):
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.closed || g.restarts != mine {
			_ = ln.Close()
			return
		}
		g.stopListeningLocked()
		g.eachLocked((*conn).finish)
		g.addr, g.listener = addr, ln
		if g.faults.refusing {
			g.stopListeningLocked()
			return
		}
		g.serveLocked()
	})
	return addr.Port, nil
}
