package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Exit is the daily exit that a gateway's user sets, which the gateway announces to clients that ask for its
// configuration (reqConfig).
type Exit struct {
	// At is a time of day in New York such as 23:45, or +30s: the next full minute that is at least so far off.
	At string
	// LogOff leaves the gateway logged off until LogIn.
	LogOff bool
	// Takes is how long the gateway is not there. Default 40 s.
	Takes time.Duration
}

// exitPlan is an Exit in effect.
type exitPlan struct {
	hour, minute int
	logOff       bool
	takes        time.Duration
	due          time.Time
}

// plan reads what an Exit says, at the time now in the gateway's zone.
func (e Exit) plan(now time.Time) (*exitPlan, error) {
	at, err := time.Parse("15:04", e.At)
	if in, isIn := strings.CutPrefix(e.At, "+"); isIn {
		d, errIn := time.ParseDuration(in)
		if errIn == nil && (d < 0 || d >= 24*time.Hour) {
			errIn = errors.New("not within a day")
		}
		at, err = now.Add(d).Truncate(time.Minute).Add(time.Minute), errIn
	}
	if err != nil || e.Takes < 0 {
		return nil, fmt.Errorf("planned exit at %q: not a time of day such as 23:45, or +30s", e.At)
	}
	p := &exitPlan{hour: at.Hour(), minute: at.Minute(), logOff: e.LogOff, takes: cmp.Or(e.Takes, 40*time.Second)}
	p.due = p.next(now)
	return p, nil
}

// next is the first time after now at which the plan is due.
func (p *exitPlan) next(now time.Time) time.Time {
	for day := 0; ; day++ {
		at := time.Date(now.Year(), now.Month(), now.Day()+day, p.hour, p.minute, 0, 0, now.Location())
		if at.After(now) {
			return at
		}
	}
}

// PlanExit sets the gateway's daily exit. The zero Exit ends the plan.
func (g *Gateway) PlanExit(e Exit) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e == (Exit{}) {
		g.exits = nil
		return nil
	}
	p, err := e.plan(g.nowLocked().In(g.zone))
	if err != nil || g.closed {
		return err
	}
	g.exits = p
	g.wg.Go(func() { g.watchExit(p) })
	return nil
}

// watchExit waits for a plan's time on the gateway's clock, which may be shifted meanwhile, until another plan is
// made.
func (g *Gateway) watchExit(p *exitPlan) {
	tick := time.Tick(20 * time.Millisecond)
	for wait(g.ctx, tick) {
		g.mu.Lock()
		if g.exits != p {
			g.mu.Unlock()
			return
		}
		if now := g.nowLocked().In(g.zone); !now.Before(p.due) {
			p.due = p.next(now)
			g.exitLocked(p.logOff, p.takes)
		}
		g.mu.Unlock()
	}
}

// Restart plays a gateway process that exits and comes back after d: port closed, connections dropped, fills and
// market standing still. Orders, executions and, unless Config.ReuseIDs, the next order id survive. The farms and
// upstream are up afterwards. A gateway that is logged off stays so.
func (g *Gateway) Restart(d time.Duration) { g.locked(func() { g.exitLocked(false, d) }) }

// LogOff ends the session of the gateway with IBKR, as each week does: it exits as in Restart, and comes back with
// LogIn only.
func (g *Gateway) LogOff() { g.locked(func() { g.exitLocked(true, 0) }) }

// LogIn ends LogOff: the gateway is back at once.
func (g *Gateway) LogIn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.loggedOff && !g.closed {
		g.loggedOff = false
		g.comeBackLocked(0)
	}
}

// HoldSessions makes the gateway refuse the previous client ids with 326 for a time after a restart, like real ones
// that still see the old session. 0 ends it.
func (g *Gateway) HoldSessions(d time.Duration) { g.locked(func() { g.faults.oldSessions = d }) }

// exitLocked is the end of the gateway's process, and the start of the next one after d unless it logs off.
func (g *Gateway) exitLocked(logOff bool, d time.Duration) {
	if g.closed || g.loggedOff {
		return
	}
	g.oldIDs = map[int32]time.Time{}
	g.stopListeningLocked()
	g.eachLocked(func(c *conn) {
		if c.ready {
			g.oldIDs[c.clientID] = time.Time{}
		}
		c.refused = true // what is unread in the socket stays unread
		c.drop()
	})
	g.thawLocked()
	g.upstreamLost, g.faults.competing = false, false
	g.farms = slices.Clone(g.cfg.Farms)
	if g.cfg.ReuseIDs {
		g.book.forgetIDs(g.cfg.NextOrderID)
	}
	g.down, g.loggedOff = true, logOff
	g.restarts++
	if !logOff {
		g.comeBackLocked(d)
	}
}

// comeBackLocked starts the gateway's next process after d, unless another exit or Accept comes first.
func (g *Gateway) comeBackLocked(d time.Duration) {
	mine := g.restarts
	g.wg.Go(func() {
		for wait(g.ctx, g.clock.after(d)) {
			err := g.comeBack(mine)
			if err == nil {
				return
			}
			g.log.Error("restart", "err", err) // someone else has the port for the moment
			d = 100 * time.Millisecond
		}
	})
}

func (g *Gateway) comeBack(mine int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.restarts != mine {
		return nil
	}
	g.down = false
	for id := range g.oldIDs {
		g.oldIDs[id] = g.clock.now().Add(g.faults.oldSessions)
	}
	g.releaseHeldLocked()
	if g.faults.refusing {
		return nil
	}
	return g.listenLocked()
}

// oldSessionLocked reports whether a client id is still in use by a session of before a restart.
func (g *Gateway) oldSessionLocked(id int32) bool {
	until, ok := g.oldIDs[id]
	return ok && g.clock.now().Before(until)
}

func planExit(g *Gateway, a *args) error {
	e := Exit{At: a.text("at"), Takes: a.positive("for")}
	switch kind := a.text("type"); kind {
	case "restart":
	case "logoff":
		e.LogOff = true
	case "none":
		e = Exit{}
	default:
		a.fail("type", "restart, logoff or none")
	}
	if _, err := e.plan(time.Time{}); err != nil && e != (Exit{}) {
		a.fail("at", "a time of day such as 23:45, or +30s")
	}
	return a.do(func() error { return g.PlanExit(e) })
}
