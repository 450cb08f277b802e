package conn

import (
	"slices"
	"time"
)

// flood bounds how many events pass when Gateway repeats itself: a message in a loop must not fill queues, logs and
// disks. Of each subject a few events pass at once; of those that follow, the newest of each kind passes when the
// subject's time is over, with the number of those left out. So a loss and a recovery are late at worst, and never
// lost.
// It is not safe for concurrent use.
type flood struct {
	subjects map[subject]*tally
	next     time.Duration // the earliest end of a subject's time; 0 = no subject
	state    State         // behind the last events
}

type subject struct {
	kind EventKind
	code int
	name string
}

// tally counts what has passed of a subject since its time began.
type tally struct {
	ends, lasts time.Duration
	passed      int
	kept        []Event // the newest of each kind that has not passed, in order
}

const (
	// floodTime is how long a subject's time is at first. It doubles, up to floodLonger, while more comes than passes.
	floodTime   = 10 * time.Second
	floodLonger = 10 * time.Minute
	floodFarm   = time.Minute // for farms, whose state must not be late
	// floodPassed is how many events of a subject pass in its time, and floodRequests how many about requests:
	// Gateway gives a login 100 lines of market data, and may refuse each of them.
	floodPassed   = 5
	floodRequests = 200
	// floodSubjects bounds the subjects; all codes beyond it are one.
	floodSubjects = 100
)

// subjectOf returns what an event is about, how many of those pass and how long its time becomes; ok is false for
// events that Gateway cannot repeat at will.
func subjectOf(e *Event) (s subject, limit int, longest time.Duration, ok bool) {
	switch e.Kind {
	case EventNotice:
		if e.Request > 0 {
			return subject{e.Kind, e.Code, "request"}, floodRequests, floodLonger, true
		}
		return subject{e.Kind, e.Code, ""}, floodPassed, floodLonger, true
	case EventFarm:
		return subject{e.Kind, 0, e.Detail}, floodPassed, floodFarm, true
	case EventUpstreamLost, EventUpstreamRestored:
		return subject{EventUpstreamLost, 0, ""}, 2 * floodPassed, floodTime, true
	case EventCompeting, EventMarketFarmOK:
		return subject{e.Kind, 0, ""}, floodPassed, floodFarm, true
	}
	return subject{}, 0, 0, false
}

// pass returns the events that pass now, with those kept before whose time is over. What passes late gets the time of
// now, and the state of before the events that follow it: the change of state is theirs.
func (f *flood) pass(now instant, state State, events []Event) []Event {
	if len(events) == 0 {
		f.state = state
	}
	list := f.due(now, f.state, false)
	f.state = state
	for i := range events {
		e := &events[i]
		if e.Kind == EventStopped {
			list = append(list, f.due(now, state, true)...)
		}
		if f.passes(now.Mono, e) {
			list = append(list, *e)
		}
	}
	return list
}

// passes reports whether an event passes at once, and keeps it if not.
func (f *flood) passes(now time.Duration, e *Event) bool {
	s, limit, longest, ok := subjectOf(e)
	if !ok {
		return true
	}
	t := f.subjects[s]
	if t == nil && s.kind == EventNotice && len(f.subjects) >= floodSubjects {
		s = subject{kind: EventNotice, name: "others"}
		t = f.subjects[s]
	}
	if t == nil {
		t = &tally{ends: now + floodTime, lasts: floodTime}
		if f.subjects == nil {
			f.subjects = map[subject]*tally{}
		}
		f.subjects[s] = t
		f.look(t.ends)
	}
	if t.passed < limit && len(t.kept) == 0 {
		t.passed++
		return true
	}
	if len(t.kept) == 0 {
		t.lasts = min(2*t.lasts, longest)
	}
	t.keep(e)
	return false
}

// keep keeps an event for later, in place of one like it.
func (t *tally) keep(e *Event) {
	one := *e
	like := func(k Event) bool { return k.Kind == e.Kind && k.Farm == e.Farm }
	if i := slices.IndexFunc(t.kept, like); i >= 0 {
		one.More = t.kept[i].More + 1
		t.kept = slices.Delete(t.kept, i, i+1)
	}
	t.kept = append(t.kept, one) // the newest is the last
}

func (f *flood) look(at time.Duration) {
	if f.next == 0 || at < f.next {
		f.next = at
	}
}

// due returns what was kept of the subjects whose time is over, or of all. Subjects of which nothing was kept are
// forgotten.
func (f *flood) due(now instant, state State, all bool) (list []Event) {
	if f.next == 0 || !all && now.Mono < f.next {
		return nil
	}
	f.next = 0
	for s, t := range f.subjects {
		switch {
		case !all && now.Mono < t.ends:
			f.look(t.ends)
		case len(t.kept) == 0:
			delete(f.subjects, s)
		default:
			for _, e := range t.kept {
				e.At, e.State = now.Wall, state
				list = append(list, e)
			}
			*t = tally{ends: now.Mono + t.lasts, lasts: t.lasts, passed: len(t.kept)}
			f.look(t.ends)
		}
	}
	return list
}
