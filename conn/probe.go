package conn

import (
	"slices"
	"sync"
	"time"
)

// timeRequests pairs a session's time requests with Gateway's answers. The next one leaves a second after the last answer
// was read: Gateway never sees two within a second. One that is not answered is repeated after some seconds, in case it got
// lost. Gateway's time, in whole seconds, then shows which of them it answered.
type timeRequests struct {
	mu       sync.Mutex
	wanted   bool
	open     []timeRequest // those without an answer, oldest first
	answered time.Duration // when the last answer was read; 0: there was none yet
	rtt      time.Duration // of the last answer
	ours     bool          // Gateway runs on this computer and has its clock, as far as is known
	skew     int64         // Gateway's clock minus ours in seconds, one more or less
	knows    bool          // the skew
	news     chan struct{} // gets a value when something has changed for the writer
	coming   chan struct{} // closed with the next answer; nil: nothing waits for it
}

// timeRequest is a request that has been written.
type timeRequest struct {
	at   time.Duration
	unix int64 // by our wall clock
}

// steady reports whether our wall clock was not set since a request.
func (r timeRequest) steady(now time.Duration, unix int64) bool {
	return (time.Duration(unix-r.unix)*time.Second - (now - r.at)).Abs() < 2*time.Second
}

// maxOpen bounds the requests without an answer. A session ends long before.
const maxOpen = 16

func newTimeRequests() *timeRequests { return &timeRequests{news: make(chan struct{}, 1)} }

// want asks for a time request. It never blocks; while one is unanswered, that is the one.
func (q *timeRequests) want() {
	q.mu.Lock()
	q.wanted = true
	q.mu.Unlock()
	q.tell()
}

func (q *timeRequests) tell() {
	select {
	case q.news <- struct{}{}:
	default:
	}
}

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
		return 2 * time.Second
	}
	return 4 * time.Second
}

// overdue returns after how long a request counts as lost, 0 if that cannot be said: when later than half as long again as
// the last answer took. It was read after the request was written, so that Gateway answers as slowly as that by now.
func (q *timeRequests) overdue(r timeRequest) time.Duration {
	if r.at >= q.answered {
		return 0
	}
	return q.rtt + q.rtt/2 + time.Second
}

// follows reports whether Gateway is known to have written its time after a request, or within the second before.
func (q *timeRequests) follows(gateway int64, r timeRequest) bool {
	if q.ours {
		return gateway >= r.unix
	}
	return q.knows && gateway-q.skew >= r.unix-1
}

// pause returns how long Gateway has to be left alone after its last answer.
func (q *timeRequests) pause(now time.Duration) time.Duration {
	if q.answered == 0 {
		return 0
	}
	return max(0, q.answered+minProbeGap-now)
}

// leaves notes that a request is about to be written.
func (q *timeRequests) leaves(now time.Duration, unix int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wanted = false
	q.open = slices.DeleteFunc(q.open, func(r timeRequest) bool {
		limit := q.overdue(r)
		return limit != 0 && now-r.at >= limit
	})
	q.open = append(q.open, timeRequest{max(1, now), unix})
}

// answer takes in an answer with Gateway's time, and returns when its request was written and how long it took; ok is false
// if there was none. Where it could be the answer to several, it is that to the newest from whose time on Gateway has
// written it, as far as that is known.
func (q *timeRequests) answer(now time.Duration, unix, gateway int64) (asked, rtt time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) == 0 {
		return 0, 0, false
	}
	i := 0
	for steady := q.open[0].steady(now, unix); steady && i+1 < len(q.open) && q.follows(gateway, q.open[i+1]); {
		i++
	}
	asked = q.open[i].at
	rtt = now - asked
	if len(q.open) == 1 && rtt < minProbeGap {
		q.skew, q.knows = gateway-unix, true
		q.ours = q.ours && (q.skew == 0 || q.skew == -1)
	}
	q.open = append(q.open[:0], q.open[i+1:]...)
	q.wanted, q.answered, q.rtt = false, max(1, now), rtt
	if q.coming != nil {
		close(q.coming)
		q.coming = nil
	}
	q.tell()
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

// proof says whether an order may leave: Gateway was heard within the given time, its last answer did not take longer, and
// none is missing for longer. If not, it says for how long to wait for an answer at most, and asks for one unless that is
// under way. Silent means that there is nothing to wait for: Gateway has not answered in time.
func (q *timeRequests) proof(now, heard, within time.Duration) (wait time.Duration, silent bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	open := len(q.open) > 0
	switch {
	case open && now-q.open[0].at >= within:
		return 0, true
	case q.answered != 0 && q.rtt < within && now-heard < within:
		return 0, false
	case open:
		return q.open[0].at + within - now, false
	}
	q.wanted = true
	return q.pause(now) + within, false
}
