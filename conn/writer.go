package conn

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"time"

	"gatewatch/conn/wire"
)

const (
	// paceCount requests a second leave; Gateway's own limit is 50 (IB code 100).
	paceCount = 45
	// maxQueued bounds the requests that wait for their turn.
	maxQueued = 1024
	// writeLimit is how long one write to Gateway may take.
	writeLimit = 10 * time.Second
)

// askTime is the frame that asks Gateway for its time.
var askTime, _ = wire.Append(nil, wire.CurrentTime{})

// request is a frame on its way to Gateway.
type request struct {
	frame   []byte
	came    time.Duration
	order   *placement    // that it places, nil for other requests
	cancels int64         // id of the order that it cancels, 0 for other requests
	written chan struct{} // closed when it is; may be nil
}

// send hands a request to the writer. With an error it never leaves.
func (s *socket) send(ctx context.Context, q *request) error {
	if !s.alive() {
		return ErrSessionOver
	}
	select {
	case s.requests <- q:
		return nil
	case <-s.closed:
		return ErrSessionOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writer writes a session's requests to Gateway, one after the other and paced. An order that has to wait holds back
// what comes behind it, but not the cancellation of another order.
type writer struct {
	*socket
	sent  [paceCount]time.Duration // ring of the moments of the last writes
	i     int
	queue []*request

	// What an order waits for, as of the last call of next.
	ready <-chan struct{}
	wait  time.Duration // 0: nothing that takes a certain time
}

// write writes requests and time requests to Gateway until the session ends.
func (s *socket) write() {
	defer s.leave()
	w := writer{socket: s}
	for w.flush() {
		var turn <-chan time.Time
		if w.wait > 0 {
			turn = time.After(w.wait)
		}
		more := s.requests
		if len(w.queue) >= maxQueued {
			more = nil
		}
		select {
		case <-s.closed:
			return
		case <-s.times.news:
		case q := <-more:
			q.came = s.mono()
			w.queue = append(w.queue, q)
		case <-w.ready:
		case <-turn:
		}
	}
}

// flush writes what may be written now. It returns false if the session is over.
func (w *writer) flush() bool {
	for {
		if q := w.next(); q != nil {
			if !w.leaves(q, w.put) {
				return false
			}
			continue
		}
		now := w.mono()
		wait, wanted := w.times.due(now)
		if !wanted {
			return true
		}
		if wait > 0 {
			w.lookIn(wait)
			return true
		}
		w.times.leaves(now, time.Now().Unix())
		if !w.put(askTime) {
			return false
		}
	}
}

// put writes a frame. The moment that pacing counts is the one after it: a process that is stopped meanwhile only
// leaves later.
func (w *writer) put(frame []byte) bool {
	_ = w.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := w.conn.Write(frame); err != nil {
		w.writeFailed(err)
		return false
	}
	w.sent[w.i] = max(1, w.mono())
	w.i = (w.i + 1) % paceCount
	return true
}

// writeFailed ends the session because Gateway could not be written to.
func (s *socket) writeFailed(err error) {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) {
		// Gateway closed first; what it sent before is still to be read and says more.
		select {
		case <-s.readDone:
		case <-time.After(time.Second):
		}
	}
	s.close(causeOf(err))
}

// lookIn makes the writer look again after a time at the latest.
func (w *writer) lookIn(d time.Duration) {
	if w.wait == 0 || d < w.wait {
		w.wait = d
	}
}

// next takes the request out of the queue whose turn it is. It returns nil while there is none.
func (w *writer) next() *request {
	w.ready, w.wait = nil, 0
	if len(w.queue) == 0 {
		return nil
	}
	now := w.mono()
	if oldest := w.sent[w.i]; oldest != 0 && oldest+time.Second > now {
		w.lookIn(oldest + time.Second - now)
		return nil
	}
	held := false
	for i := 0; i < len(w.queue); i++ {
		q := w.queue[i]
		switch {
		case held && (q.cancels == 0 || w.holds(q.cancels, i)):
			continue
		case q.order != nil:
			waits, err := w.waits(q, now)
			if waits {
				held = true
				continue
			}
			if err != nil {
				q.order.refuse(err) // and written it is not, since somebody has claimed it
			}
		}
		w.queue = slices.Delete(w.queue, i, i+1)
		return q
	}
	return nil
}

// holds reports whether an order with an id waits among the first n requests.
func (w *writer) holds(id int64, n int) bool {
	return slices.ContainsFunc(w.queue[:n], func(q *request) bool { return q.order != nil && q.order.id == id })
}

// waits reports whether an order has to wait, and why it must not leave any more.
func (w *writer) waits(q *request, now time.Duration) (bool, error) {
	if ready := q.order.unready(); ready != nil {
		left := q.came + placeLimit - now
		if left <= 0 {
			return false, ErrNotSent // what is behind it must not wait for a disk that stands still
		}
		w.ready = ready
		w.lookIn(left)
		return true, nil
	}
	if err := q.order.guard(); err != nil {
		return false, err
	}
	wait, silent := w.times.proof(now, time.Duration(w.heard.Load()), q.order.within())
	switch {
	case silent:
		return false, ErrGatewaySilent
	case wait > 0:
		w.lookIn(wait)
		return true, nil
	}
	return false, nil
}

// leaves writes a request, unless it places an order that must not leave, or that nobody waits for any more. It returns
// false if the session is over.
func (s *socket) leaves(q *request, put func([]byte) bool) bool {
	if q.order == nil {
		written := put(q.frame)
		if written && q.written != nil {
			close(q.written)
		}
		return written
	}
	if !q.order.claim() {
		return true
	}
	if err := q.order.permit(); err != nil {
		q.order.done <- err
		return true
	}
	if !put(q.frame) {
		q.order.done <- ErrFateUnknown
		return false
	}
	q.order.done <- nil
	return true
}
