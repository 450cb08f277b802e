package ib

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// take takes in a frame from Gateway.
func (s *Socket) take(framed []byte) error {
	m, err := wire.NewReader(bytes.NewReader(framed)).Message()
	if err != nil {
		return err
	}
	return s.receive(m)
}

// peerSays gives a socket that no one serves a frame from Gateway.
func (s *Socket) peerSays(t testing.TB, framed []byte) {
	t.Helper()
	if err := s.take(framed); err != nil {
		t.Fatal(err)
	}
}

// online is a session with a gateway that only logs in; the test plays the rest of it.
type online struct {
	*ibtest.Peer
	s    *Socket
	said chan string // texts of code 399
}

func newOnline(tb testing.TB) *online {
	tb.Helper()
	theirs, ours := ibtest.TCPPair(tb)
	o := &online{Peer: &ibtest.Peer{Conn: theirs, Version: 225}, said: make(chan string, 100)}
	requests := make(chan struct{})
	go func() {
		defer close(requests)
		r := bufio.NewReader(theirs)
		_, _ = io.ReadFull(r, make([]byte, len(wire.Hello())))
		o.Send(ibtest.TextFrame("225", "20261123"), o.LoginFrames("DU1"))
		_, _ = io.Copy(io.Discard, r)
	}()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := NewSocket(ours, 1, 17, func() time.Duration { return time.Since(begin) }, func(in News) {
		if c, ok := in.(Said); ok && c.Code == 399 {
			o.said <- c.Text
		}
	})
	if err := s.Open(ctx); err != nil {
		tb.Fatal(err)
	}
	o.s = s
	tb.Cleanup(func() {
		s.End(CauseStopping)
		<-s.Gone()
		theirs.Close()
		<-requests
	})
	return o
}

// TestUselessMessages counts what nothing here has a use for.
func TestUselessMessages(t *testing.T) {
	o := newOnline(t)
	want := o.Oddities()
	o.Code(399, "last")
	for <-o.said != "last" {
		continue
	}
	if n := o.s.Seen().Skipped; n != uint64(want) {
		t.Errorf("%d messages were skipped, not %d", n, want)
	}
}

// TestSlowHandover sends a lot while the supervisor takes nothing: nothing is lost, and no more of it is read than can
// be kept.
func TestSlowHandover(t *testing.T) {
	t.Parallel()
	const first, codes = 20_000, 40_000
	theirs, ours := ibtest.TCPPair(t)
	defer theirs.Close()
	takes, got := make(chan struct{}), make(chan int, 1)
	last := 0
	s := NewSocket(ours, 1, 17, func() time.Duration { return time.Second }, func(in News) {
		<-takes
		if in := in.(Said); in.Code != first+last {
			t.Errorf("code %d is number %d", in.Code, last)
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
			if _, err := theirs.Write(ibtest.ProtoMessage(4, -1, 1, first+i, strings.Repeat("x", 500))); err != nil {
				t.Error(err)
			}
			sent.Add(1)
		}
		theirs.Close()
	}()
	ibtest.Eventually(t, "Gateway has to wait", func() bool {
		before := sent.Load()
		time.Sleep(200 * time.Millisecond)
		return before > 0 && sent.Load() == before
	})
	if n := sent.Load(); n == codes {
		t.Errorf("all of %d codes were read", n)
	}
	close(takes)
	<-got
	<-s.Gone()
	if cause, _, _ := s.Outcome(); cause != CauseClosed {
		t.Errorf("the end is %s", cause)
	}
}

// TestExecutionsComeFromIBKR: an execution shows that Gateway is connected to IBKR, unless it was asked for: those it
// may have kept.
func TestExecutionsComeFromIBKR(t *testing.T) {
	theirs, ours := ibtest.TCPPair(t)
	defer theirs.Close()
	s := NewSocket(ours, 1, 17, func() time.Duration { return time.Minute }, func(News) {})
	defer s.End(CauseStopping)
	s.heard.Store(int64(5 * sec))
	inner := ibtest.ProtoMessage(0, 5, "0001.01", "", "", "", "BOT", "1")[8:]
	executed := ibtest.ProtoMessage(wire.MsgExecution, -1, "", string(inner))
	a := s.pending.begin(QuestionExecutions)
	for _, want := range []time.Duration{0, 5 * sec} {
		if err := s.take(executed); err != nil || s.Seen().IBKRAt != want || s.Seen().MarketAt != 0 {
			t.Errorf("%+v, %v, want %v", s.Seen(), err, want)
		}
		s.pending.leave(a)
	}
}

// TestTicksKnowWhenTheyWereRead decodes market data long after it was read.
func TestTicksKnowWhenTheyWereRead(t *testing.T) {
	o := newOnline(t)
	heard := func() time.Duration { return o.s.Seen().Heard }
	before := heard()
	// the reader is busy
	o.s.ticks.mu.Lock()
	// read at once
	o.Send(slices.Concat(
		ibtest.ProtoMessage(1, marketBase+1, 1, 1.5, "3", 0), ibtest.ProtoMessage(1, marketBase+1, 2, 1.5, "3", 0),
	))
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
