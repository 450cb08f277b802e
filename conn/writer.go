package conn

import (
	"slices"
	"time"
)

const (
	// paceCount requests a second are let through; Gateway's own limit is 50 (IB code 100).
	paceCount = 45
	// maxQueued bounds the requests that wait for their turn outside the client library.
	maxQueued = 1024
)

// writer writes a session's requests to Gateway, one after the other and paced. An order that has to wait holds back what
// comes behind it, but not the cancellation of another order.
type writer struct {
	*relay
	sent  [paceCount]time.Duration // ring of the moments of the last writes
	i     int
	queue []*outgoing

	// What an order waits for, as of the last call of next.
	ready <-chan struct{}
	wait  time.Duration // 0: nothing that takes a certain time
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

// toGateway writes requests and probes to Gateway until the session ends.
func (r *relay) toGateway() {
	w := writer{relay: r}
	for {
		if !w.flush() {
			return
		}
		var turn <-chan time.Time
		if w.wait > 0 {
			turn = time.After(w.wait)
		}
		out := r.out
		if len(w.queue) >= maxQueued {
			out = nil
		}
		select {
		case <-r.over:
			return
		case <-r.times.news:
		case f := <-out:
			w.queue = append(w.queue, r.outgoing(f))
		case <-w.ready:
		case <-turn:
		}
	}
}

// flush writes what may be written now. It returns false if the session is over.
func (w *writer) flush() bool {
	for {
		if q := w.next(); q != nil {
			if !w.letOut(q, w.write) {
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
		if !w.write(probeFrame(w.version)) {
			return false
		}
	}
}

func (w *writer) write(f []byte) bool {
	_ = w.gw.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := w.gw.Write(f); err != nil {
		w.writeFailed(err)
		return false
	}
	w.sent[w.i] = max(1, w.mono())
	w.i = (w.i + 1) % paceCount
	return true
}

// lookIn has the writer look again after a time at the latest.
func (w *writer) lookIn(d time.Duration) {
	if w.wait == 0 || d < w.wait {
		w.wait = d
	}
}

// next takes the request out of the queue whose turn it is. It returns nil while there is none.
func (w *writer) next() *outgoing {
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
		case held && (q.cancel == 0 || w.holds(q.cancel, i)):
			continue
		case !q.places || q.order == nil:
		default:
			waits, err := w.waits(q, now)
			if waits {
				held = true
				continue
			}
			if err != nil {
				q.order.settle(err)
				q.order = nil
			}
		}
		w.queue = slices.Delete(w.queue, i, i+1)
		return q
	}
	return nil
}

// holds reports whether an order with an id waits among the first n requests.
func (w *writer) holds(id int64, n int) bool {
	return slices.ContainsFunc(w.queue[:n], func(q *outgoing) bool { return q.order != nil && q.order.id == id })
}

// waits reports whether an order has to wait, and why it must not leave any more.
func (w *writer) waits(q *outgoing, now time.Duration) (bool, error) {
	if ready := q.order.waits(); ready != nil {
		left := q.came + passLimit - now
		if left <= 0 {
			return false, ErrNotSent // what is behind it must not wait for a disk that stands still
		}
		w.ready = ready
		w.lookIn(left)
		return true, nil
	}
	if err := w.passage.guard(); err != nil {
		return false, err
	}
	wait, silent := w.times.proof(now, time.Duration(w.heard.Load()), w.passage.within())
	switch {
	case silent:
		return false, ErrGatewaySilent
	case wait > 0:
		w.lookIn(wait)
		return true, nil
	}
	return false, nil
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
