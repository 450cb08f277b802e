package ib

import (
	"cmp"
	"testing"
	"time"
)

// TestAnswersBelongToTheirQuestions has time requests be lost and be answered late. Gateway's clock may be another one.
func TestAnswersBelongToTheirQuestions(t *testing.T) {
	type answer struct {
		at      time.Duration // when it is read
		gateway time.Duration // when Gateway wrote it
		asked   time.Duration // of the question that it is taken to answer, 0: of none
		rtt     time.Duration // how long that took at most, 0: since then
	}
	for name, c := range map[string]struct {
		remote  bool
		asked   []time.Duration
		answers []answer
	}{
		"in time":   {false, []time.Duration{1 * sec}, []answer{{1*sec + ms, 1 * sec, 1 * sec, 0}}},
		"late":      {false, []time.Duration{1 * sec}, []answer{{9 * sec, 1 * sec, 1 * sec, 0}}},
		"not asked": {false, nil, []answer{{1 * sec, 1 * sec, 0, 0}}},
		"the first is lost, or is answered late": {
			false,
			[]time.Duration{1 * sec, 3 * sec},
			[]answer{{3*sec + ms, 3 * sec, 3 * sec, 2*sec + ms}},
		},
		"both are late": {false, []time.Duration{1 * sec, 3 * sec}, []answer{
			{4 * sec, 1 * sec, 1 * sec, 0},
			{6 * sec, 3 * sec, 3 * sec, 0},
		}},
		"both after a stop": {false, []time.Duration{1 * sec, 3 * sec}, []answer{
			{4 * sec, 4 * sec, 3 * sec, 3 * sec},
			{4 * sec, 4 * sec, 0, 0},
		}},
		"each written late": {false, []time.Duration{1 * sec, 3 * sec}, []answer{
			{4 * sec, 4 * sec, 3 * sec, 3 * sec},
			{6 * sec, 6 * sec, 3 * sec, 0},
		}},
		"lost at a far gateway, or late": {
			true,
			[]time.Duration{2 * sec, 6 * sec},
			[]answer{{6*sec + ms, 6 * sec, 6 * sec, 4*sec + ms}},
		},
		"late from a far gateway": {true, []time.Duration{2 * sec, 6 * sec}, []answer{
			{7 * sec, 2 * sec, 2 * sec, 0},
			{11 * sec, 6 * sec, 6 * sec, 0},
		}},
	} {
		for _, fraction := range []time.Duration{0, 300 * ms, 700 * ms, 999 * ms} {
			for _, off := range []time.Duration{0, 500 * ms, -90*time.Minute - 250*ms} {
				if !c.remote && off != 0 {
					continue
				}
				q := newTimeRequests()
				q.ours = !c.remote
				unix := func(at time.Duration) int64 { return int64((at + fraction + 1000*sec) / sec) }
				if c.remote { // one answer that came at once
					q.leaves(1*sec, unix(1*sec))
					q.answer(1*sec+5*ms, unix(1*sec+5*ms), unix(1*sec+off))
				}
				for _, at := range c.asked {
					q.leaves(at, unix(at))
				}
				for _, a := range c.answers {
					asked, rtt, ok := q.answer(a.at, unix(a.at), unix(a.gateway+off))
					if asked != a.asked || ok != (a.asked != 0) || ok && rtt != cmp.Or(a.rtt, a.at-a.asked) {
						t.Errorf("%s, seconds begin at %v, clocks differ by %v: read at %v, it answers %v, after %v",
							name, fraction, off, a.at, asked, rtt)
					}
				}
				if len(q.open) != 0 {
					t.Errorf("%s: %d questions stay open", name, len(q.open))
				}
			}
		}
	}
}

// TestLostTimeRequestIsForgotten has Gateway answer the first of two time requests late and the second one never, while
// its clock says nothing: the third one's answer is taken for its own.
func TestLostTimeRequestIsForgotten(t *testing.T) {
	for name, unix := range map[string]func(time.Duration) int64{
		"another clock":     func(at time.Duration) int64 { return int64(at/sec) + 8*3600 },
		"the clock was set": func(at time.Duration) int64 { return int64(at/sec) + 3600*int64(min(1, at/(5*sec))) },
	} {
		q := newTimeRequests()
		q.ours = true
		gateway := func(at time.Duration) int64 { return int64(at / sec) }
		q.leaves(2*sec, unix(2*sec))
		q.leaves(4*sec, unix(4*sec))
		if asked, _, _ := q.answer(5*sec, unix(5*sec), gateway(5*sec)); asked != 2*sec {
			t.Errorf("%s: the late answer is that of %v", name, asked)
		}
		if wait, ok := q.due(5 * sec); wait != 4500*ms || !ok {
			t.Errorf("%s: the next one is due in %v, %v", name, wait, ok)
		}
		q.leaves(9500*ms, unix(9500*ms))
		asked, rtt, ok := q.answer(9501*ms, unix(9501*ms), gateway(9501*ms))
		if asked != 9500*ms || rtt != ms || !ok || len(q.open) != 0 {
			t.Errorf("%s: the answer is that of %v, after %v; open: %v", name, asked, rtt, q.open)
		}
	}
}

// TestOldAnswerProvesNothing has Gateway's time arrive that is no answer to the last request: a repeated one, and a
// late one to a request that is forgotten. A clock of Gateway's that was set back costs one answer.
func TestOldAnswerProvesNothing(t *testing.T) {
	for _, far := range []bool{false, true} {
		q := newTimeRequests()
		q.ours = !far
		clock := int64(0) // Gateway's, minus ours
		if far {
			clock = -5400
		}
		answer := func(now, written, want time.Duration) {
			t.Helper()
			open := q.unanswered()
			asked, rtt, ok := q.answer(now, int64(now/sec), int64(written/sec)+clock)
			if asked != want || ok != (want != 0) || ok && rtt != now-want || !ok && q.unanswered() != open {
				t.Errorf("far %v: what is read at %v, from %v, answers what was asked at %v (%v), want %v", far, now,
					written, asked, rtt, want)
			}
		}
		q.leaves(1*sec, 1)
		answer(1*sec+ms, 1*sec, 1*sec)
		q.leaves(2*sec+ms, 2)
		answer(2*sec+2*ms, 1*sec, 0) // the same again
		answer(3*sec, 1*sec, 0)
		answer(3*sec+ms, 3*sec, 2*sec+ms)
		q.leaves(13*sec, 13)
		answer(13*sec+ms, 5*sec, 0) // to a request of which nothing is known any more
		answer(13*sec+2*ms, 13*sec, 13*sec)
		clock -= 3600
		q.leaves(15*sec, 15)
		if _, _, ok := q.answer(15*sec+ms, 15, 15+clock); ok {
			t.Errorf("far %v: a time that went back is an answer", far)
		}
		if wait, ok := q.due(15*sec + ms); !ok || wait != MinProbeGap {
			t.Errorf("far %v: the next request is due in %v, %v", far, wait, ok)
		}
		q.leaves(16*sec+ms, 16)
		answer(16*sec+2*ms, 16*sec, 16*sec+ms)
	}
}

// TestTimeRequestsKeepApart asks for time requests all the time: the next one leaves a second after the answer to the
// last.
func TestTimeRequestsKeepApart(t *testing.T) {
	q := newTimeRequests()
	q.ours = true
	wait := func(now, want time.Duration, wanted bool) {
		t.Helper()
		if got, ok := q.due(now); got != want || ok != wanted {
			t.Errorf("at %v: in %v, %v; want %v, %v", now, got, ok, want, wanted)
		}
	}
	wait(0, 0, false)
	q.want()
	wait(0, 0, true)
	q.leaves(100*ms, 0)
	q.want()
	wait(600*ms, maxRepeat-500*ms, true) // nothing but the repetition
	q.answer(900*ms, 0, 0)
	wait(900*ms, 0, false) // it was wanted before the answer
	q.want()
	wait(900*ms, 1*sec, true)
	wait(1900*ms, 0, true)
	q.leaves(1900*ms, 1)
	wait(1900*ms+maxRepeat, 0, true)
}

// TestProof is about a single order: when it may leave, how long it waits, and when it is blocked.
func TestProof(t *testing.T) {
	const within = 250 * ms
	for name, c := range map[string]struct {
		heard    time.Duration // ago
		asked    time.Duration // ago, unanswered; 0: none is
		answered time.Duration // ago; 0: never
		rtt      time.Duration
		wait     time.Duration
		silent   bool
	}{
		"heard":                       {heard: 249 * ms, answered: 9 * sec, rtt: ms},
		"not heard":                   {heard: 250 * ms, answered: 9 * sec, rtt: ms, wait: within},
		"not heard, just asked":       {heard: 300 * ms, answered: 300 * ms, rtt: ms, wait: 700*ms + within},
		"heard, never asked":          {heard: ms, wait: within},
		"heard, a slow answer":        {heard: ms, answered: 9 * sec, rtt: 250 * ms, wait: within},
		"heard, a slow answer by now": {heard: ms, answered: ms, rtt: 3 * sec, wait: 999*ms + within},
		"heard, asked":                {heard: ms, asked: 249 * ms, answered: 9 * sec, rtt: ms},
		"not heard, asked":            {heard: 300 * ms, asked: 100 * ms, answered: 9 * sec, rtt: ms, wait: 150 * ms},
		"heard, not answered":         {heard: ms, asked: 250 * ms, answered: 9 * sec, rtt: ms, silent: true},
		"neither":                     {heard: 3 * sec, asked: 2 * sec, answered: 9 * sec, rtt: ms, silent: true},
	} {
		q, now := newTimeRequests(), time.Minute
		if c.answered != 0 {
			q.answered, q.rtt = now-c.answered, c.rtt
		}
		if c.asked != 0 {
			q.leaves(now-c.asked, 0)
		}
		wait, answer, err := q.proof(now, now-c.heard, within)
		silent := err == ErrGatewaySilent
		if wait != c.wait || (answer != nil) != (wait != 0) || silent != c.silent || err != nil && !silent ||
			q.wanted != (c.wait != 0 && c.asked == 0) {
			t.Errorf("%s: wait %v, silent %v, a request is wanted: %v", name, wait, silent, q.wanted)
		}
	}
}
