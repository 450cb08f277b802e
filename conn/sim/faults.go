package sim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"gatewatch/conn/wire"
)

// faults are the faults that stay until cleared. What happens once, such as Drop, leaves no trace here.
type faults struct {
	acceptSilent bool
	acceptClose  bool
	refusing     bool
	handshake    Stall
	refuse326    int
	refuse10141  int
	competing    bool
	refuseData   []dataRefusal
	skew         time.Duration
	slow         Slowness
	lag          time.Duration
	ticksOnly    bool
	orders       []*OrderFault
	readOnly     bool
	discard      int              // how many more requests to cancel; below 0: all
	unanswered   map[Question]int // how many more; below 0: all
	oldSessions  time.Duration    // how long the client ids of before a restart are in use after it
	noConfig     bool             // reqConfig is refused
	configParts  []string         // that reqConfig leaves out
}

// Stall is how far a handshake goes before it stops.
type Stall string

// The stalls of [Gateway.StallHandshake].
const (
	StallNone       Stall = ""
	StallOneField   Stall = "one-field"   // the version reply has one field instead of two
	StallHalfReply  Stall = "half-reply"  // half of the version reply, then nothing
	StallNoReady    Stall = "no-ready"    // no answer to startApi
	StallNoAccounts Stall = "no-accounts" // nextValidId without managedAccounts
)

// Slowness delays what the gateway sends.
type Slowness struct {
	PerMessage     time.Duration // before every message
	BytesPerSecond int           // 0: no limit
}

func errUnknownSymbol(symbol string) error {
	return fmt.Errorf("unknown symbol %q; known ones look like AAPL, EUR.USD or ESZ6", symbol)
}

// Drop closes all connections with FIN, as a gateway that exits does. What was queued is lost.
func (g *Gateway) Drop() { g.each((*conn).drop) }

// Reset closes all connections with RST.
func (g *Gateway) Reset() { g.each((*conn).reset) }

// locked does something that takes the lock.
func (g *Gateway) locked(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do()
}

func (g *Gateway) each(do func(*conn)) { g.locked(func() { g.eachLocked(do) }) }

func (g *Gateway) eachLocked(do func(*conn)) {
	for c := range g.conns {
		do(c)
	}
}

// Freeze makes the gateway a wedged process: sockets stay, the port accepts, nothing is read or written until Thaw.
func (g *Gateway) Freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen == nil && !g.closed {
		g.frozen = make(chan struct{})
		g.eachLocked((*conn).kick)
	}
}

// Thaw ends Freeze. What clients sent meanwhile is answered now.
func (g *Gateway) Thaw() { g.locked(g.thawLocked) }

func (g *Gateway) thawLocked() {
	if g.frozen != nil {
		close(g.frozen)
		g.frozen = nil
	}
}

// Refuse closes the listener, so that dials are refused. Open connections stay.
func (g *Gateway) Refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults.refusing = true
	g.stopListeningLocked()
}

// Accept undoes Refuse, AcceptSilent and AcceptClose: the port is open again, on the same number, and behaves. The
// error is that of opening the port.
func (g *Gateway) Accept() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults.refusing, g.faults.acceptClose, g.faults.acceptSilent = false, false, false
	g.eachLocked((*conn).kick)
	if g.loggedOff {
		return errLoggedOff
	}
	g.restarts++
	if g.down {
		g.down = false
		g.releaseHeldLocked()
	}
	return g.listenLocked()
}

// AcceptSilent accepts new connections but neither reads nor answers, as behind an unanswered dialog. Connections held
// that way go on with their handshake after Accept or Clear.
func (g *Gateway) AcceptSilent() {
	g.locked(func() { g.faults.acceptSilent, g.faults.acceptClose = true, false })
}

// AcceptClose accepts new connections and closes them before a word is said.
func (g *Gateway) AcceptClose() {
	g.locked(func() { g.faults.acceptClose, g.faults.acceptSilent = true, false })
}

// Slow delays what is sent, on all connections, from the next message on. The zero Slowness ends it.
func (g *Gateway) Slow(s Slowness) { g.locked(func() { g.faults.slow = s }) }

func (g *Gateway) slowness() Slowness {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.faults.slow
}

// Garbage sends n random bytes to every connection, outside any frame.
func (g *Gateway) Garbage(n int) {
	b := make([]byte, max(n, 0))
	_, _ = rand.Read(b) // never fails
	g.each(func(c *conn) { c.raw(b) })
}

// FramedGarbage sends every connection a well-formed frame of n bytes that is no message.
func (g *Gateway) FramedGarbage(n int) {
	frame, start := wire.BeginFrame(nil)
	junk := make([]byte, max(n, 1))
	_, _ = rand.Read(junk)
	frame = wire.EndFrame(append(frame, junk...), start)
	g.each(func(c *conn) { c.raw(frame) })
}

// Truncate sends every connection a frame that promises 1,000 bytes and brings 10, then closes it, or with stall
// leaves it open and says nothing more.
func (g *Gateway) Truncate(stall bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	frame := append([]byte{0, 0, 0x03, 0xE8}, "0123456789"...)
	g.eachLocked(func(c *conn) {
		c.raw(frame)
		if c.muted = true; !stall {
			c.finish()
		}
	})
}

// Oversize sends every connection the header of a frame of 2 GiB, and some bytes of it.
func (g *Gateway) Oversize() {
	g.each(func(c *conn) { c.raw(append([]byte{0x7F, 0xFF, 0xFF, 0xFF}, "oversized"...)) })
}

// Refuse326 answers the next n startApi with error 326, client id in use, and closes.
func (g *Gateway) Refuse326(n int) { g.locked(func() { g.faults.refuse326 = max(n, 0) }) }

// Refuse10141 answers the next n startApi with error 10141, paper trading disclaimer not accepted, and closes.
func (g *Gateway) Refuse10141(n int) { g.locked(func() { g.faults.refuse10141 = max(n, 0) }) }

// StallHandshake stops new handshakes half way: "one-field", "half-reply", "no-ready" or "no-accounts"; "" ends it.
func (g *Gateway) StallHandshake(s Stall) error {
	switch s {
	case StallNone, StallOneField, StallHalfReply, StallNoReady, StallNoAccounts:
	default:
		return fmt.Errorf("unknown stall %q: one of %s, %s, %s, %s", s, StallOneField, StallHalfReply, StallNoReady,
			StallNoAccounts)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults.handshake = s
	return nil
}

// ClockSkew shifts the gateway's clock, which currentTime and all time stamps follow, against the machine's.
func (g *Gateway) ClockSkew(d time.Duration) { g.locked(func() { g.faults.skew = d }) }

// Clear ends all lasting faults: the port accepts and behaves, frozen connections thaw, upstream is back (told to
// clients by 1102 if it was lost), the clock is right, the gateway is logged in and has no planned exit.
func (g *Gateway) Clear() error {
	g.mu.Lock()
	lost := g.upstreamLost
	g.faults = faults{}
	g.eachLocked(func(c *conn) { c.release(true) })
	for _, q := range g.quotes {
		q.borrow = false
	}
	g.locatedLocked()
	g.clearDataLocked()
	g.thawLocked()
	g.restoreFarmsLocked()
	g.exits, g.oldIDs, g.loggedOff = nil, nil, false
	g.mu.Unlock()
	if lost {
		g.Notice(1102, "")
	}
	return g.Accept()
}

var (
	errNotRunning = errors.New("the gateway is closed, restarting or logged off")
	errLoggedOff  = errors.New("the gateway is logged off; log it in")
)
