package sim

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"gatewatch/conn/nudge"
)

const (
	// writeTimeout is how long a client may leave the gateway's bytes unread before the connection is closed.
	writeTimeout = 20 * time.Second
	// sendBuffer is how many bytes the kernel keeps for a client. Where it has more, a client that does not keep up
	// with the market reads old prices.
	sendBuffer = 256 << 10
	// maxQueue is how many bytes may wait for a client, beyond what the kernel buffers.
	maxQueue = 32 << 20
	// drainTime is how long a closed connection still reads, so that the peer sees FIN and not RST.
	drainTime = 200 * time.Millisecond
)

// conn is one client connection. Its reader goroutine owns version and clientID until ready; what says "guarded by
// Gateway.mu" is.
type conn struct {
	g   *Gateway
	tcp *net.TCPConn
	br  *bufio.Reader
	id  int64

	done      chan struct{} // closed by close
	closeOnce sync.Once
	kickable  bool // reader goroutine only: a kicked read returns errKicked

	// Guarded by Gateway.mu.
	version   int // 0 before the handshake
	clientID  int32
	ready     bool // startApi seen and accepted
	subs      map[int32]*subscription
	delayed   bool // reqMarketDataType 3 or 4
	positions bool
	account   *accountFeed // of reqAccountUpdates; nil: none
	posMulti  map[int32]string
	acctMulti map[int32]*accountFeed
	summaries map[int32]*accountFeed
	streams   map[streamKey]*stream
	groups    map[int32]int32 // display groups, by request
	scans     map[int32]bool
	paced     bool        // requests wait if there are too many of them
	recent    []time.Time // arrival of the requests of the last second
	muted     bool        // a stalled, truncated frame was sent: nothing more leaves
	refused   bool        // about to be closed: requests are no longer looked at

	timeAsked time.Time // arrival of the last time request that was answered

	outMu     sync.Mutex
	out       []byte
	late      []lateFrame // behind out
	lateSize  int         // bytes in late
	finishing bool        // close with FIN once out is written
	wake      chan struct{}
	received  atomic.Int64
	requests  atomic.Int64
}

var (
	errKicked = errors.New("read interrupted by a change of faults")
	errClosed = errors.New("connection closed by the simulator")
)

func newConn(g *Gateway, tcp *net.TCPConn, id int64) *conn {
	c := &conn{
		g: g, tcp: tcp, id: id, done: make(chan struct{}), wake: make(chan struct{}, 1),
		subs: map[int32]*subscription{}, posMulti: map[int32]string{}, acctMulti: map[int32]*accountFeed{},
		summaries: map[int32]*accountFeed{},
		streams:   map[streamKey]*stream{}, groups: map[int32]int32{}, scans: map[int32]bool{},
	}
	_ = tcp.SetWriteBuffer(sendBuffer)
	c.br = bufio.NewReaderSize(gated{c}, 64<<10)
	return c
}

// kick interrupts a blocked read so that it looks at the faults again.
func (c *conn) kick() { _ = c.tcp.SetReadDeadline(time.Unix(1, 0)) }

// gated reads from the socket, but stands still while the gateway is frozen.
type gated struct{ c *conn }

func (r gated) Read(p []byte) (int, error) {
	for {
		if !r.c.waitThaw() {
			return 0, errClosed
		}
		n, err := r.c.tcp.Read(p)
		r.c.received.Add(int64(n))
		if n > 0 {
			if !r.c.waitThaw() { // what came in just before the freeze is not looked at during it
				return 0, errClosed
			}
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		// Reset first, look at the faults after: a kick that comes in between is then either seen or repeated.
		_ = r.c.tcp.SetReadDeadline(time.Time{})
		if r.c.kickable {
			return 0, errKicked
		}
	}
}

// waitThaw returns at once unless the gateway is frozen, and false when the connection is closed.
func (c *conn) waitThaw() bool {
	for {
		c.g.mu.Lock()
		frozen := c.g.frozen
		c.g.mu.Unlock()
		if frozen == nil {
			return !c.closed()
		}
		select {
		case <-frozen:
		case <-c.done:
			return false
		}
	}
}

// queueLocked appends a message without waking the writer; Gateway.mu is held.
func (c *conn) queueLocked(m proto.Message) {
	if c.muted || c.g.faults.ticksOnly {
		return
	}
	lag := c.g.faults.lag
	c.outMu.Lock()
	if lag == 0 && len(c.late) == 0 {
		c.out = appendFrame(c.out, c.version, m)
	} else {
		c.queueLate(appendFrame(nil, c.version, m), lag)
	}
	full := len(c.out)+c.lateSize > maxQueue
	c.outMu.Unlock()
	if full && !c.refused {
		c.g.refuseLocked(c, &requestError{
			Reason: reasonSlowClient, Text: "the client leaves too much unread",
			Fatal: true,
		})
		c.drop()
	}
}

// queueFrames appends market data that is framed already; Gateway.mu is held.
func (c *conn) queueFrames(b []byte) {
	if !c.muted {
		c.outMu.Lock()
		c.out = c.later(c.out, b, c.g.faults.lag)
		c.outMu.Unlock()
	}
}

// later appends market data to what leaves now, unless messages lag; of what lags too long already there is no more.
// outMu is held.
func (c *conn) later(now, frames []byte, lag time.Duration) []byte {
	if lag == 0 && len(c.late) == 0 {
		return append(now, frames...)
	}
	if c.lateSize < maxQueue/2 {
		c.queueLate(frames, lag)
	}
	return now
}

// flush wakes the writer.
func (c *conn) flush() {
	nudge.Send(c.wake)
}

// sendLocked queues messages and wakes the writer; Gateway.mu is held.
func (c *conn) sendLocked(ms ...proto.Message) {
	for _, m := range ms {
		c.queueLocked(m)
	}
	c.flush()
}

// raw queues bytes outside the framing of the protocol.
func (c *conn) raw(b []byte) {
	c.outMu.Lock()
	c.out = append(c.out, b...)
	c.outMu.Unlock()
	c.flush()
}

// finish closes the connection with FIN after everything queued so far has been written.
func (c *conn) finish() {
	c.outMu.Lock()
	c.finishing = true
	c.outMu.Unlock()
	c.flush()
}

// drop closes with FIN at once; what is still queued is lost, as it is when a process exits.
func (c *conn) drop() {
	c.closeOnce.Do(func() {
		close(c.done)
		_ = c.tcp.CloseWrite()
		c.kick()
	})
}

// reset closes with RST.
func (c *conn) reset() {
	c.closeOnce.Do(func() {
		close(c.done)
		_ = c.tcp.SetLinger(0)
		_ = c.tcp.Close()
	})
}

// write is the writer goroutine: it moves the queue and the ticks that are due to the socket until the connection
// closes. It holds no lock while it writes, so that a client that does not read delays no other.
func (c *conn) write() {
	var b batch
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		if !c.waitThaw() {
			return
		}
		c.collect(&b)
		if err := c.writeBatch(b.bytes); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.g.refuse(c, &requestError{Reason: reasonSlowClient, Text: "the client does not read"})
			}
			c.reset()
			return
		}
		if b.last {
			c.drop()
			return
		}
	}
}

// batch is what the writer sends at once. Its slices are used again.
type batch struct {
	bytes []byte
	feeds []feed
	last  bool // close with FIN behind it
}

// collect takes the queue and appends the ticks that are due.
func (c *conn) collect(b *batch) {
	g := c.g
	g.mu.Lock()
	c.outMu.Lock()
	b.bytes, c.out = c.out, b.bytes[:0]
	b.last = c.finishing
	lagging := g.faults.lag != 0 || len(c.late) > 0
	c.outMu.Unlock()
	b.feeds = b.feeds[:0]
	if !b.last {
		b.feeds = g.feedsLocked(c, b.feeds)
	}
	version, step, now, lag := c.version, g.step, g.nowLocked(), g.faults.lag
	most := maxTicks
	if g.faults.slow != (Slowness{}) { // what is sent slowly is the present
		most = 1
	}
	g.mu.Unlock()
	switch {
	case len(b.feeds) == 0:
	case lagging:
		ticks := g.appendTicks(nil, version, b.feeds, most, step, now)
		c.outMu.Lock()
		c.out = c.later(c.out, ticks, lag)
		c.outMu.Unlock()
	default:
		b.bytes = g.appendTicks(b.bytes, version, b.feeds, most, step, now)
	}
}

// closed reports whether drop or reset was called.
func (c *conn) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// writeBatch writes queued bytes, frame by frame and piece by piece if the slow fault is on.
func (c *conn) writeBatch(b []byte) error {
	for len(b) > 0 {
		slow := c.g.slowness()
		if slow == (Slowness{}) {
			return c.writeNow(b)
		}
		n := firstFrame(b)
		if err := c.pause(slow.PerMessage); err != nil {
			return err
		}
		if err := c.writeSlowly(b[:n], slow.BytesPerSecond); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// writeSlowly writes about 20 pieces a second.
func (c *conn) writeSlowly(b []byte, perSecond int) error {
	if perSecond <= 0 {
		return c.writeNow(b)
	}
	for len(b) > 0 {
		n := min(len(b), max(1, perSecond/20))
		if err := c.pause(time.Duration(n) * time.Second / time.Duration(perSecond)); err != nil {
			return err
		}
		if err := c.writeNow(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// writeNow writes in pieces, each of which has its time: a client that reads slowly does read.
func (c *conn) writeNow(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), sendBuffer/4)
		_ = c.tcp.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.tcp.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// pause waits for d, and for a freeze to end.
func (c *conn) pause(d time.Duration) error {
	if d > 0 {
		select {
		case <-time.After(c.g.clock.real(d)):
		case <-c.done:
			return errClosed
		}
	}
	if !c.waitThaw() {
		return errClosed
	}
	return nil
}

// firstFrame is the length of the frame b starts with, or all of b if it starts with none.
func firstFrame(b []byte) int {
	if len(b) < 4 {
		return len(b)
	}
	if n := uint64(binary.BigEndian.Uint32(b)) + 4; n <= uint64(len(b)) {
		return int(n)
	}
	return len(b)
}

// drain reads what the peer still sends after a FIN of ours, for a moment only.
func (c *conn) drain() {
	_ = c.tcp.SetReadDeadline(time.Now().Add(drainTime))
	c.g.mu.Lock()
	closing := c.g.closed
	c.g.mu.Unlock()
	if !closing { // Close should not take longer than it must
		_, _ = io.Copy(io.Discard, c.tcp)
	}
	_ = c.tcp.Close()
}
