package conn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// relay stands between Gateway and the client library. Both sides are TCP sockets; whole frames pass, and only
// frames that were looked at. It outlives a failure of either side long enough that nothing gets lost or stuck:
// what Gateway sent before it went is still decoded, and what the library writes afterwards is drained.
type relay struct {
	gw      net.Conn
	gwIn    *bufio.Reader
	lib     net.Conn
	version int
	mono    func() time.Duration

	heard    atomic.Int64 // monotonic ns of the last byte from Gateway
	marketAt atomic.Int64 // monotonic ns of the last market data
	skipped  atomic.Uint64

	over     chan struct{} // closed when the session has ended, before anything is drained
	endOnce  sync.Once
	cause    Cause // valid after over
	detail   string
	readDone chan struct{} // closed when nothing more comes from Gateway
	out      chan []byte   // frames from the library on their way to Gateway
	passage  *passage      // what knows the orders among them
	probes   chan struct{}
}

const (
	writeLimit = 10 * time.Second // for one write to Gateway
	libLimit   = 5 * time.Second  // for one write to the library, which takes frames as fast as it decodes them

	// paceCount requests a second are let through; Gateway's own limit is 50 (IB code 100).
	paceCount = 45
)

// stamped notes the time of every byte that is read.
type stamped struct {
	r  io.Reader
	to *relay
}

func (s stamped) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.to.heard.Store(int64(s.to.mono()))
	}
	return n, err
}

func newRelay(gw net.Conn, mono func() time.Duration) *relay {
	r := &relay{
		gw: gw, mono: mono,
		over: make(chan struct{}), readDone: make(chan struct{}),
		out: make(chan []byte, 64), probes: make(chan struct{}, 1),
	}
	r.gwIn = bufio.NewReaderSize(stamped{gw, r}, 64<<10)
	return r
}

// end ends the session: Gateway's side is closed at once. Only the first call counts.
func (r *relay) end(cause Cause, detail string) {
	r.endOnce.Do(func() {
		r.cause, r.detail = cause, detail
		close(r.over)
		r.gw.Close()
	})
}

func (r *relay) alive() bool {
	select {
	case <-r.over:
		return false
	default:
		return true
	}
}

// hungUp reports whether Gateway has closed the connection, which may be before the library has started. Nobody else reads
// at that time.
func (r *relay) hungUp() bool {
	_ = r.gw.SetReadDeadline(time.Now().Add(tellLimit))
	_, err := r.gwIn.Peek(1)
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// causeOf says what a failed read or write of Gateway's side means.
func causeOf(err error) (Cause, string) {
	switch {
	case errors.Is(err, errProtocol):
		return CauseGarbage, err.Error()
	case errors.Is(err, io.EOF):
		return CauseClosed, ""
	case errors.Is(err, io.ErrUnexpectedEOF):
		return CauseBroken, "the stream ended inside a message"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return CauseSilent, "gateway takes no more data"
	}
	return CauseBroken, err.Error()
}

// fromGateway pumps frames to the library until either side ends.
func (r *relay) fromGateway() {
	defer close(r.readDone)
	out := bufio.NewWriterSize(r.lib, 64<<10)
	var buf []byte
	for {
		var err error
		buf, err = readFrame(r.gwIn, buf, maxFrame)
		if err != nil {
			r.end(causeOf(err))
			break
		}
		id, v, err := checkFrame(buf[4:], r.version)
		if err != nil {
			r.end(causeOf(err))
			break
		}
		if v == skip {
			r.skipped.Add(1)
		} else {
			if id == msgTickPrice || id == msgTickSize {
				r.marketAt.Store(int64(r.mono()))
			}
			passed := withoutConditions(buf, id, r.version)
			if out.Available() < len(passed) {
				_ = r.lib.SetWriteDeadline(time.Now().Add(libLimit))
			}
			if _, err := out.Write(passed); err != nil {
				r.end(CauseClient, err.Error())
				return
			}
		}
		if !r.wholeFrameWaits() {
			_ = r.lib.SetWriteDeadline(time.Now().Add(libLimit))
			if err := out.Flush(); err != nil {
				r.end(CauseClient, err.Error())
				return
			}
		}
		if cap(buf) > 1<<20 {
			buf = nil
		}
	}
	_ = r.lib.SetWriteDeadline(time.Now().Add(libLimit))
	_ = out.Flush()
}

// wholeFrameWaits reports whether the next frame has been read in full, so that passing on can wait for it. Behind half a
// frame nothing waits: the rest may never come.
func (r *relay) wholeFrameWaits() bool {
	n := r.gwIn.Buffered()
	if n < 4 {
		return false
	}
	head, err := r.gwIn.Peek(4)
	return err == nil && uint64(n) >= 4+uint64(binary.BigEndian.Uint32(head))
}

// fromLibrary reads the library's requests and hands them to toGateway; after the end it drains them, so that no
// caller inside the library sticks. It returns when the library's side is closed.
func (r *relay) fromLibrary() {
	in := bufio.NewReader(r.lib)
	for {
		f, err := readFrame(in, nil, maxFrame)
		if err != nil {
			r.end(CauseClient, "the client library closed its side")
			return
		}
		select {
		case r.out <- f:
		case <-r.over:
		}
	}
}

// toGateway writes requests and probes to Gateway. Requests are paced; probes go between them.
func (r *relay) toGateway() {
	var sent [paceCount]time.Duration // ring of the moments of the last writes
	i := 0
	write := func(f []byte) bool {
		_ = r.gw.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := r.gw.Write(f); err != nil {
			r.writeFailed(err)
			return false
		}
		sent[i] = max(1, r.mono())
		i = (i + 1) % paceCount
		return true
	}
	pause := func() time.Duration { // until the next request may be written
		if sent[i] == 0 {
			return 0
		}
		return sent[i] + time.Second - r.mono()
	}
	var held *outgoing // the request whose turn is next
	for {
		out := r.out
		var ready <-chan struct{}
		var turn <-chan time.Time
		if held != nil {
			out, ready = nil, held.order.waits()
			wait := pause()
			if ready != nil {
				wait = held.came + passLimit - r.mono()
			}
			switch {
			case wait > 0:
				turn = time.After(wait)
			case ready != nil:
				held.order.settle(ErrNotSent) // what is behind it must not wait for a disk that stands still
				held = nil
				continue
			default:
				if !r.letOut(held, write) {
					return
				}
				held = nil
				continue
			}
		}
		select {
		case <-r.over:
			return
		case <-r.probes:
			if !write(probeFrame(r.version)) {
				return
			}
		case f := <-out:
			held = r.outgoing(f)
		case <-ready:
		case <-turn:
		}
	}
}

// outgoing is a frame from the library on its way to Gateway.
type outgoing struct {
	frame  []byte
	came   time.Duration
	places bool
	order  *passing // that it places; nil if nobody waits for that any more
	cancel int64    // id of the order that it cancels, 0 for none
}

func (r *relay) outgoing(f []byte) *outgoing {
	q := &outgoing{frame: f, came: r.mono()}
	switch request, id := orderRequest(f[4:], r.version); request {
	case reqPlaceOrder:
		q.places, q.order = true, r.passage.take(id)
	case reqCancelOrder:
		q.cancel = id
	}
	return q
}

// letOut writes a request, unless it places an order that must not leave, or that nobody waits for any more. It returns
// false if the session is over.
func (r *relay) letOut(q *outgoing, write func([]byte) bool) bool {
	if !q.places {
		written := write(q.frame)
		if written && q.cancel != 0 {
			r.passage.cancelled(q.cancel)
		}
		return written
	}
	if q.order == nil || !q.order.claim() {
		return true
	}
	if err := r.passage.permit(q.order); err != nil {
		q.order.done <- err
		return true
	}
	if !write(q.frame) {
		q.order.done <- ErrFateUnknown
		return false
	}
	q.order.done <- nil
	return true
}

// writeFailed ends the session because Gateway could not be written to.
func (r *relay) writeFailed(err error) {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) {
		// Gateway closed first; what it sent before is still to be read and tells more.
		select {
		case <-r.readDone:
		case <-time.After(time.Second):
		}
	}
	r.end(causeOf(err))
}

// probe asks Gateway for its time. It never blocks; a probe that cannot be sent is one that is not answered.
func (r *relay) probe() {
	select {
	case r.probes <- struct{}{}:
	default:
	}
}
