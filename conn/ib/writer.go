package ib

import (
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"gatewatch/conn/nudge"
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

var askTime, _ = wire.Frame(wire.CurrentTime())

// writer writes a session's requests to Gateway, one after the other and paced. An order that has to wait holds back
// what comes behind it, but not the cancellation of another order.
type writer struct {
	*Socket
	sent  [paceCount]time.Duration // ring of the moments of the last writes
	i     int
	queue []*request

	// What an order waits for, as of the last call of next.
	ready <-chan struct{}
	wait  time.Duration // 0: nothing that takes a certain time
}

// write writes requests and time requests to Gateway until the session ends.
func (s *Socket) write() {
	defer s.leave()
	w := writer{Socket: s}
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
			if !q.leave(w.put) {
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
func (s *Socket) writeFailed(err error) {
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
		case q.order != 0:
			waits, err := w.waits(q, now)
			if waits {
				held = true
				continue
			}
			if err != nil {
				q.refuse(err) // which claims it, so that it is not written
			}
		}
		w.queue = slices.Delete(w.queue, i, i+1)
		return q
	}
	return nil
}

// holds reports whether an order with an id waits among the first n requests.
func (w *writer) holds(id int64, n int) bool {
	return slices.ContainsFunc(w.queue[:n], func(q *request) bool { return q.order == id })
}

// waits reports whether an order has to wait, and why it must not leave any more.
func (w *writer) waits(q *request, now time.Duration) (bool, error) {
	if q.ready != nil && !isClosed(q.ready) {
		left := q.came + placeLimit - now
		if left <= 0 {
			return false, ErrNotSent // what is behind it must not wait for a disk that stands still
		}
		w.ready = q.ready
		w.lookIn(left)
		return true, nil
	}
	if err := q.guard(); err != nil {
		return false, err
	}
	wait, _, err := w.times.proof(now, time.Duration(w.heard.Load()), q.within())
	if wait > 0 {
		w.lookIn(wait)
	}
	return wait > 0, err
}

// leave writes a request, unless no one waits for it any more, or it places an order that must not leave. It returns
// false if the session is over.
func (q *request) leave(put func([]byte) bool) bool {
	if !q.claim() {
		return true
	}
	if q.order != 0 {
		if err := q.permit(); err != nil {
			q.done <- err
			return true
		}
	}
	written := put(q.frame)
	switch {
	case q.done == nil:
	case written:
		q.done <- nil
	default:
		q.done <- ErrOrderUnknown
	}
	return written
}

// timeRequests pairs a session's time requests with Gateway's answers. The next one leaves a second after the last
// answer was read: Gateway never sees two within a second. One that is not answered is repeated after some seconds, in
// case it got lost. Gateway's time, in whole seconds, then shows which of them it answered, unless it has written its
// time after all of them: a Gateway that was frozen answers the first of them alone, and one that is slow answers each.
type timeRequests struct {
	mu         sync.Mutex
	wanted     bool
	open       []timeRequest // those without an answer, oldest first
	doubtful   []timeRequest // older ones of which one was answered; the others may still be
	answered   time.Duration // when the last answer was read; 0: there was none yet
	rtt        time.Duration // of the last answer, the longest that it can have taken
	repeat     time.Duration // after how long a request is repeated that is not answered
	stuck      bool          // that is no less than what the answer before said, for want of knowing which it was
	reported   int64         // Gateway's time as it said it last, whether that was an answer or not
	reportedAt time.Duration // when that was read; 0: it has not said it yet
	ours       bool          // Gateway runs on this computer and has its clock, as far as is known
	skew       int64         // Gateway's clock minus ours in seconds, one more or less
	knows      bool          // the skew
	news       chan struct{} // gets a value when something has changed for the writer
	coming     chan struct{} // closed with the next answer; nil: nothing waits for it
}

type timeRequest struct {
	at   time.Duration
	unix int64 // by our wall clock
}

// steady reports whether our wall clock was not set since a request.
func (r timeRequest) steady(now time.Duration, unix int64) bool {
	return (time.Duration(unix-r.unix)*time.Second - (now - r.at)).Abs() < 2*time.Second
}

const (
	// maxOpen bounds the requests without an answer. A session ends long before.
	maxOpen = 16
	// maxRepeat is after how long a request is repeated at the latest. Most freezes of Gateway end before.
	maxRepeat = 5 * time.Second
)

func newTimeRequests() *timeRequests {
	return &timeRequests{news: make(chan struct{}, 1), repeat: maxRepeat}
}

// want asks for a time request. It never blocks; while one is unanswered, that is the one.
func (q *timeRequests) want() {
	q.mu.Lock()
	q.wanted = true
	q.mu.Unlock()
	q.nudge()
}

func (q *timeRequests) nudge() { nudge.Send(q.news) }

// due returns how long it takes until the next request may be written; ok is false if none is wanted.
func (q *timeRequests) due(now time.Duration) (wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch n := len(q.open); {
	case n > 0:
		return max(0, q.open[n-1].at+max(q.repeatAfter(), q.overdue(q.open[n-1]))-now), n < maxOpen
	case !q.wanted:
		return 0, false
	}
	return q.pause(now), true
}

// repeatAfter keeps requests so far apart that rounding to whole seconds, here and there, cannot mix them up.
func (q *timeRequests) repeatAfter() time.Duration {
	if q.ours {
		return max(q.repeat, 2*time.Second)
	}
	return max(q.repeat, 4*time.Second)
}

// overdue returns after how long a request counts as lost, 0 if that cannot be said: when later than half as long again
// as the last answer took. It was read after the request was written, so that Gateway answers as slowly as that by now.
func (q *timeRequests) overdue(r timeRequest) time.Duration {
	if r.at >= q.answered {
		return 0
	}
	return q.rtt + q.rtt/2 + time.Second
}

// settled returns from when on no answer to a doubtful request is expected any more.
func (q *timeRequests) settled(r timeRequest) time.Duration { return r.at + q.rtt + q.rtt/2 }

// follows reports whether Gateway is known to have written its time after a request, or within the second before.
func (q *timeRequests) follows(gateway int64, r timeRequest) bool {
	if q.ours {
		return gateway >= r.unix
	}
	return q.knows && gateway-q.skew >= r.unix-1
}

// pause returns how long to wait after Gateway has said its time until it may be asked again. If the answers leave open
// for how long Gateway takes, none to an older request may be on its way any more.
func (q *timeRequests) pause(now time.Duration) time.Duration {
	last, n := max(q.answered, q.reportedAt), len(q.doubtful)
	next := last + MinProbeGap
	if last == 0 {
		next = now
	}
	if n > 0 && q.stuck {
		next = max(next, q.settled(q.doubtful[n-1]))
	}
	return max(0, next-now)
}

func (q *timeRequests) leaves(now time.Duration, unix int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wanted = false
	q.open = slices.DeleteFunc(q.open, func(r timeRequest) bool {
		limit := q.overdue(r)
		return limit != 0 && now-r.at >= limit
	})
	q.doubtful = slices.DeleteFunc(q.doubtful, func(r timeRequest) bool { return now >= q.settled(r) })
	q.open = append(q.open, timeRequest{max(1, now), unix})
}

// answer takes in an answer with Gateway's time, and returns a request that it followed and how long it took; ok is
// false if it is the answer to none. Where it could be the answer to several, the request is the newest from whose time
// on Gateway has written it, as far as that is known, and it counts as having taken as long as since the oldest.
//
// Gateway answers no two requests within a second, so that a time that stands still is an answer that came before. A
// time that has advanced by less than went by until the request left, but for rounding and drift, was written before.
func (q *timeRequests) answer(now time.Duration, unix, gateway int64) (asked, rtt time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	advanced, before := gateway-q.reported, q.reportedAt
	q.reported, q.reportedAt = gateway, max(1, now)
	old, all := len(q.doubtful), slices.Concat(q.doubtful, q.open)
	switch {
	case len(all) == 0:
		return 0, 0, false
	case before == 0:
	case advanced < 0: // its clock was set back: the next answer shows whether it goes on
		q.open, q.doubtful, q.wanted = q.open[:0], nil, true
		q.nudge()
		return 0, 0, false
	case advanced <= max(0, int64((all[0].at-before)/time.Second)-2):
		return 0, 0, false
	}
	i := 0
	for steady := all[0].steady(now, unix); steady && i+1 < len(all) && q.follows(gateway, all[i+1]); {
		i++
	}
	asked = all[i].at
	rtt = now - all[0].at
	if len(all) == 1 && rtt < MinProbeGap {
		q.skew, q.knows = gateway-unix, true
		q.ours = q.ours && (q.skew == 0 || q.skew == -1)
	}
	q.stuck = old > 0 && rtt > q.rtt-MinProbeGap/2
	q.doubtful, q.open = all[1:max(i+1, old)], all[max(i+1, old):]
	q.wanted, q.answered, q.rtt = false, max(1, now), rtt
	if q.coming != nil {
		close(q.coming)
		q.coming = nil
	}
	q.nudge()
	return asked, rtt, true
}

// unanswered returns when the oldest request without an answer was written, 0 if there is none.
func (q *timeRequests) unanswered() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) == 0 {
		return 0
	}
	return q.open[0].at
}

// proof says whether an order may leave: Gateway was heard within the given time, its last answer did not take longer,
// and none is missing for longer. If not, it says for how long to wait for an answer at most, and asks for one unless
// that is under way; the channel is closed with the answer. It returns [ErrGatewaySilent] if there is nothing to wait
// for: Gateway has not answered in time.
func (q *timeRequests) proof(now, heard, within time.Duration) (wait time.Duration, answer <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	open := len(q.open) > 0
	switch {
	case open && now-q.open[0].at >= within:
		return 0, nil, ErrGatewaySilent
	case q.answered != 0 && q.rtt < within && now-heard < within:
		return 0, nil, nil
	case open:
		wait = q.open[0].at + within - now
	default:
		q.wanted = true
		wait = q.pause(now) + within
	}
	if q.coming == nil {
		q.coming = make(chan struct{})
	}
	return wait, q.coming, nil
}

// MinProbeGap keeps time requests apart: from 10.19 on Gateway leaves the second within a second unanswered.
const MinProbeGap = time.Second
