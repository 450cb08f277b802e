package conn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"slices"
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
	marked   int64        // heard as the library was told last
	marketAt atomic.Int64 // monotonic ns of the last market data
	skipped  atomic.Uint64

	over     chan struct{} // closed when the session has ended, before anything is drained
	endOnce  sync.Once
	cause    Cause // valid after over
	detail   string
	readDone chan struct{} // closed when nothing more comes from Gateway
	out      chan []byte   // frames from the library on their way to Gateway
	passage  *passage      // what knows the orders among them
	times    *timeRequests
}

const (
	writeLimit = 10 * time.Second // for one write to Gateway
	libLimit   = 5 * time.Second  // for one write to the library, which takes frames as fast as it decodes them
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
		out: make(chan []byte, 64), times: newTimeRequests(),
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
			err := r.mark(out, id)
			if err == nil {
				err = r.pass(out, withoutConditions(buf, id, r.version))
			}
			if err != nil {
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

// pass passes a frame on to the library, with others.
func (r *relay) pass(out *bufio.Writer, f []byte) error {
	if out.Available() < len(f) {
		_ = r.lib.SetWriteDeadline(time.Now().Add(libLimit))
	}
	_, err := out.Write(f)
	return err
}

// mark tells the library when the market data that follows was read, unless it knows: it may be decoded much later.
func (r *relay) mark(out *bufio.Writer, id int) error {
	heard := r.heard.Load()
	if heard == r.marked || !slices.Contains(timed, id) {
		return nil
	}
	r.marked = heard
	return r.pass(out, currentTimeFrame(r.version, firstMark+heard))
}

// timed are the messages that become a [Tick].
var timed = []int{msgTickPrice, msgTickSize, msgTickString, msgDataType}

// firstMark is the first of the times that Gateway cannot mean, and that tell when the market data that follows was read.
const firstMark = math.MinInt64

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
