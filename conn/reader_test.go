package conn

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/wire"
)

// take takes in a frame from Gateway.
func (s *socket) take(framed []byte) error {
	m, err := wire.NewReader(bytes.NewReader(framed)).Message()
	if err != nil {
		return err
	}
	return s.receive(m)
}

// peerSays gives a socket that no one serves a frame from Gateway.
func (s *socket) peerSays(t testing.TB, framed []byte) {
	t.Helper()
	if err := s.take(framed); err != nil {
		t.Fatal(err)
	}
}

// online is a session with a gateway that only logs in; the test plays the rest of it.
type online struct {
	*peer
	s    *socket
	said chan string // texts of code 399
}

func newOnline(tb testing.TB) *online {
	tb.Helper()
	theirs, ours := tcpPair(tb)
	o := &online{peer: &peer{Conn: theirs, version: 225}, said: make(chan string, 100)}
	requests := make(chan struct{})
	go func() {
		defer close(requests)
		r := bufio.NewReader(theirs)
		_, _ = io.ReadFull(r, make([]byte, len(wire.Hello())))
		o.send(textFrame("225", "20261123"), o.loginFrames("DU1"))
		_, _ = io.Copy(io.Discard, r)
	}()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := newSocket(ours, 1, 17, func() time.Duration { return time.Since(begin) }, func(in news) {
		if c, ok := in.(inCode); ok && c.code == 399 {
			o.said <- c.text
		}
	})
	if err := s.open(ctx); err != nil {
		tb.Fatal(err)
	}
	o.s = s
	tb.Cleanup(func() {
		s.end(CauseStopping)
		<-s.gone()
		theirs.Close()
		<-requests
	})
	return o
}

func tcpPair(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	if b, err = net.Dial("tcp4", ln.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if a, err = ln.Accept(); err != nil {
		tb.Fatal(err)
	}
	return a, b
}

// TestUselessMessages counts what nothing here has a use for.
func TestUselessMessages(t *testing.T) {
	o := newOnline(t)
	want := o.oddities()
	o.code(399, "last")
	for <-o.said != "last" {
		continue
	}
	if n := o.s.seen().skipped; n != uint64(want) {
		t.Errorf("%d messages were skipped, not %d", n, want)
	}
}

// TestSlowHandover sends a lot while the supervisor takes nothing: nothing is lost, and no more of it is read than can
// be kept.
func TestSlowHandover(t *testing.T) {
	t.Parallel()
	const first, codes = 20_000, 40_000
	theirs, ours := tcpPair(t)
	defer theirs.Close()
	takes, got := make(chan struct{}), make(chan int, 1)
	last := 0
	s := newSocket(ours, 1, 17, func() time.Duration { return time.Second }, func(in news) {
		<-takes
		if in := in.(inCode); in.code != first+last {
			t.Errorf("code %d is number %d", in.code, last)
		}
		if last++; last == codes {
			got <- last
		}
	})
	s.parts.Store(1)
	go s.read()
	var sent atomic.Int64
	go func() {
		for i := range codes {
			if _, err := theirs.Write(protoMessage(4, -1, 1, first+i, strings.Repeat("x", 500))); err != nil {
				t.Error(err)
			}
			sent.Add(1)
		}
		theirs.Close()
	}()
	eventually(t, "Gateway has to wait", func() bool {
		before := sent.Load()
		time.Sleep(200 * time.Millisecond)
		return before > 0 && sent.Load() == before
	})
	if n := sent.Load(); n == codes {
		t.Errorf("all of %d codes were read", n)
	}
	close(takes)
	<-got
	<-s.gone()
	if cause, _, _ := s.outcome(); cause != CauseClosed {
		t.Errorf("the end is %s", cause)
	}
}

// TestExecutionsComeFromIBKR: an execution shows that Gateway is connected to IBKR, unless it was asked for: those it
// may have kept.
func TestExecutionsComeFromIBKR(t *testing.T) {
	theirs, ours := tcpPair(t)
	defer theirs.Close()
	s := newSocket(ours, 1, 17, func() time.Duration { return time.Minute }, func(news) {})
	defer s.end(CauseStopping)
	s.heard.Store(int64(5 * sec))
	inner := protoMessage(0, 5, "0001.01", "", "", "", "BOT", "1")[8:]
	executed := protoMessage(wire.MsgExecution, -1, "", string(inner))
	a := s.pending.begin(askExecutions)
	for _, want := range []time.Duration{0, 5 * sec} {
		if err := s.take(executed); err != nil || s.seen().ibkrAt != want || s.seen().marketAt != 0 {
			t.Errorf("%+v, %v, want %v", s.seen(), err, want)
		}
		s.pending.leave(askExecutions, a)
	}
}

// TestTicksKnowWhenTheyWereRead decodes market data long after it was read.
func TestTicksKnowWhenTheyWereRead(t *testing.T) {
	o := newOnline(t)
	heard := func() time.Duration { return o.s.seen().heard }
	before := heard()
	// the reader is busy
	o.s.ticks.mu.Lock()
	// read at once
	o.send(append(protoMessage(1, marketBase+1, 1, 1.5, "3", 0), protoMessage(1, marketBase+1, 2, 1.5, "3", 0)...))
	for heard() == before {
		time.Sleep(time.Millisecond)
	}
	first := heard()
	time.Sleep(50 * time.Millisecond)
	o.s.ticks.mu.Unlock()
	got := map[TickField]time.Duration{}
	for len(got) < 4 {
		<-o.s.ticks.Ready()
		for _, k := range o.s.ticks.Take(nil) {
			got[k.Field] = k.At
		}
	}
	if got[Bid] != first || got[BidSize] != first || got[Ask] != first || got[AskSize] != first {
		t.Errorf("ticks at %v, read at %v", got, first)
	}
}
