package ib

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// paired is a socket of which only the writer runs, in a bubble. The test plays Gateway.
type paired struct {
	*testing.T
	s       *Socket
	session *Session
	began   time.Time
	gateway net.Conn
}

func newPaired(t *testing.T) *paired {
	ours, theirs := net.Pipe()
	w := &paired{T: t, began: time.Now(), gateway: theirs}
	w.s = NewSocket(ours, 1, 17, func() time.Duration { return time.Second + time.Since(w.began) }, func(News) {})
	w.session = &Session{socket: w.s, gate: openGate(1), reason: func() GuardReason { return GuardUpstream }}
	w.session.gate.proof.Store(int64(250 * ms))
	w.s.parts.Store(1)
	go w.s.write()
	t.Cleanup(func() { w.s.End(CauseClosed); <-w.s.Gone() })
	return w
}

func (w *paired) send(q *request) {
	w.Helper()
	if err := w.s.send(w.Context(), q); err != nil {
		w.Error(err)
	}
}

// placeIf hands over an order under conditions.
func (w *paired) placeIf(id byte, c Conditions) *request {
	one := w.session.placing(int64(id), orderFrame(id), c)
	w.send(one)
	return one
}

func (w *paired) place(id byte) *request { return w.placeIf(id, Conditions{}) }
func (w *paired) cancel(id byte)         { w.send(&request{frame: cancelFrame(id), cancels: int64(id)}) }

// gets reads a frame that Gateway gets at a time since the beginning.
func (w *paired) gets(want []byte, at time.Duration) {
	w.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(w.gateway, got)
	if err != nil || !bytes.Equal(got, want) || time.Since(w.began) != at {
		w.Errorf("% x after %v, want % x after %v (%v)", got, time.Since(w.began), want, at, err)
	}
}

func (w *paired) answers() {
	now := w.s.mono()
	w.s.heard.Store(int64(now))
	w.s.times.answer(now, time.Now().Unix(), time.Now().Unix())
}

func orderFrame(id byte) []byte {
	return ibtest.Frame([]byte{0, 0, 0, wire.ReqPlaceOrder + wire.ProtoBase, 8, id})
}

func cancelFrame(id byte) []byte {
	return ibtest.Frame([]byte{0, 0, 0, wire.ReqCancelOrder + wire.ProtoBase, 8, id})
}

// TestOrdersWaitForAProofOfLife has orders come to the wire while Gateway says nothing: one time request goes first for
// all of them, and cancellations pass them.
func TestOrdersWaitForAProofOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPaired(t)
		first, second := w.place(1), w.place(2)
		w.cancel(2) // not before its order
		w.cancel(9)
		w.gets(askTime, 0)
		w.gets(cancelFrame(9), 0)
		time.Sleep(249 * ms)
		w.answers()
		w.gets(orderFrame(1), 249*ms)
		w.gets(orderFrame(2), 249*ms)
		w.gets(cancelFrame(2), 249*ms)
		if err := errors.Join(<-first.done, <-second.done); err != nil {
			t.Error(err)
		}
		// Not heard any more: the next request may go a second after the answer.
		time.Sleep(250 * ms)
		third := w.place(3)
		w.gets(askTime, 1249*ms)
		time.Sleep(10 * ms)
		w.answers()
		w.gets(orderFrame(3), 1259*ms)
		if err := <-third.done; err != nil {
			t.Error(err)
		}
	})
}

// TestGatewayIsSilent has a Gateway that does not answer, or later than it must.
func TestGatewayIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPaired(t)
		blocked := func(one *request, at time.Duration) {
			t.Helper()
			err := <-one.done
			if !errors.Is(err, ErrGatewaySilent) || time.Since(w.began) != at {
				t.Errorf("%v after %v, want it after %v", err, time.Since(w.began), at)
			}
		}
		one := w.place(1)
		w.gets(askTime, 0)
		blocked(one, 250*ms)
		w.s.heard.Store(int64(w.s.mono())) // ticks
		blocked(w.place(2), 250*ms)        // at once
		time.Sleep(1750 * ms)
		w.answers() // two seconds late
		one = w.place(3)
		w.gets(askTime, 3*sec)
		w.s.heard.Store(int64(w.s.mono()))
		blocked(one, 3250*ms)
	})
}

// TestSlowPreparation prepares an order for too long: what is behind it passes after a while, and it never does.
func TestSlowPreparation(t *testing.T) {
	other := ibtest.Frame([]byte{0, 0, 0, 201, 8, 9})
	for _, slow := range []time.Duration{placeLimit - time.Second, placeLimit + time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newPaired(t)
			w.session.gate.proof.Store(int64(time.Hour))
			w.s.times.answered = 1
			slowly := func() error { time.Sleep(slow); return nil }
			one := w.placeIf(7, Conditions{Prepare: slowly})
			w.send(&request{frame: other})
			go one.prepare(slowly)
			if slow < placeLimit {
				w.gets(orderFrame(7), slow)
				w.gets(other, slow)
				if err := <-one.done; err != nil {
					t.Errorf("prepared for %v: %v", slow, err)
				}
				return
			}
			w.gets(other, placeLimit)
			if err := <-one.done; !errors.Is(err, ErrNotSent) {
				t.Errorf("prepared for %v: %v", slow, err)
			}
			time.Sleep(slow)
		})
	}
}

// TestAtTheLastMoment closes the guard, takes the permission back or breaks the socket at the moment when a request's
// bytes are about to leave.
func TestAtTheLastMoment(t *testing.T) {
	no := errors.New("no")
	refuses, yes := func() error { return no }, func() error { return nil }
	for name, c := range map[string]struct {
		request *request
		claimed bool
		broken  bool // the socket
		written bool
		want    []error // what the order's placing ends with
	}{
		"no order":                  {request: &request{}, written: true},
		"no order, the write fails": {request: &request{}, broken: true, written: true},
		"an order":                  {request: &request{order: 1, guard: yes}, written: true, want: []error{nil}},
		"an order that is allowed": {
			request: &request{order: 1, guard: yes, allowed: yes}, written: true,
			want: []error{nil},
		},
		"an order that is not": {request: &request{order: 1, guard: yes, allowed: refuses}, want: []error{no}},
		"the guard is shut":    {request: &request{order: 1, guard: refuses, allowed: yes}, want: []error{no}},
		"an order, the write fails": {
			request: &request{order: 1, guard: yes}, broken: true, written: true,
			want: []error{ErrOrderUnknown},
		},
		"nobody waits for it anymore": {request: &request{order: 1, guard: yes}, claimed: true},
	} {
		if c.request.order != 0 {
			c.request.done = make(chan error, 1)
			if c.claimed {
				c.request.claim()
			}
		}
		written := false
		put := func([]byte) bool { written = true; return !c.broken }
		alive := c.request.leave(put)
		var got []error
		if len(c.request.done) > 0 {
			got = append(got, <-c.request.done)
		}
		if written != c.written || alive == c.broken || !slices.Equal(got, c.want) {
			t.Errorf("%s: written %v, alive %v, placed %v", name, written, alive, got)
		}
	}
}

// TestNoBurstAfterAStop stops the writer for a while, at moments that it does not choose: no second sees more than the
// pace.
func TestNoBurstAfterAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		began := time.Now()
		var looks atomic.Int64
		s := NewSocket(ours, 1, 17, func() time.Duration {
			at := time.Second + time.Since(began)
			if looks.Add(1)%389 == 0 { // stopped right behind a look at the clock, be it before or after a write
				time.Sleep(3 * time.Second)
			}
			return at
		}, func(News) {})
		s.parts.Store(1)
		go s.write()
		var at []time.Duration
		read := make(chan struct{})
		go func() {
			defer close(read)
			for in := wire.NewReader(theirs); len(at) < 900; {
				if _, err := in.Next(); err != nil {
					t.Error(err)
					return
				}
				at = append(at, time.Since(began))
			}
		}()
		for range 900 {
			if err := s.send(t.Context(), &request{frame: askTime}); err != nil {
				t.Fatal(err)
			}
		}
		<-read
		s.End(CauseStopping)
		<-s.Gone()
		for i := paceCount; i < len(at); i++ {
			if gap := at[i] - at[i-paceCount]; gap < time.Second {
				t.Fatalf("%d requests within %v", paceCount+1, gap)
			}
		}
	})
}
