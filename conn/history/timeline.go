package history

import (
	"slices"
	"sort"
	"sync"
	"time"

	"gatewatch/conn/calendar"
)

// maxMarks bounds what a timeline holds: at 16 bytes each, 3.2 MB.
const maxMarks = 200_000

// mark is the moment from which time counts as a kind.
type mark struct {
	at   int64 // milliseconds since 1970
	kind Kind
}

// Timeline is what a series of records says about every moment. It holds the newest 200,000 changes. Its methods may be
// called from any goroutine.
type Timeline struct {
	mu    sync.RWMutex
	marks []mark    // by time; two at one moment keep their order, and a span of no length still ends an outage
	floor int64     // where the runs before the present one end; what they have counted stays
	since time.Time // of the first record, or of the oldest mark held
	seen  int64     // of the last record, as it was counted
	unset bool      // the present run has begun before oldestStart, and its clock has not been set since
}

// oldestStart lies before the first version: a program that starts earlier has a clock that is not set, as of a
// computer whose battery is empty, and what the runs before it have counted stays.
var oldestStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// NewTimeline returns a timeline that knows nothing.
func NewTimeline() *Timeline { return &Timeline{} }

// Add takes in the next record. One that is earlier than the one before, because the clock was set back, takes back
// what the present run has counted ahead of it, but nothing of what the runs before it have counted. A run that starts
// earlier than the one before has ended takes back what that has counted ahead of it; a run whose clock was not set
// does so when it is.
func (t *Timeline) Add(r Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := r.Time.UnixMilli()
	if t.since.IsZero() {
		t.since = time.UnixMilli(at)
	}
	begins, set := t.unset || r.What == Started, r.Time.After(oldestStart)
	t.unset = begins && !set
	if begins && set && at < t.seen {
		// The clock was ahead in the runs before: what they have counted from here on lies in a time that no one has
		// seen yet.
		t.floor, t.seen = min(t.floor, at), at
		if at < t.since.UnixMilli() {
			t.since = time.UnixMilli(at)
		}
	}
	if r.What == Started {
		// Where the log does not say how the run before ended, nothing is known from its last record on.
		t.put(t.seen, Unobserved)
		t.floor = t.seen
	}
	t.put(at, r.Counts)
	t.seen = max(at, t.floor)
}

func (t *Timeline) put(at int64, kind Kind) {
	at = max(at, t.floor)
	for len(t.marks) > 0 && t.marks[len(t.marks)-1].at > at {
		t.marks = t.marks[:len(t.marks)-1]
	}
	n := len(t.marks)
	if n == 0 && kind == Unobserved || n > 0 && t.marks[n-1].kind == kind {
		return
	}
	if n >= maxMarks {
		t.marks = slices.Clone(t.marks[maxMarks/10:])
		t.since = time.UnixMilli(t.marks[0].at)
	}
	t.marks = append(t.marks, mark{at, kind})
	if n == 0 && at < t.since.UnixMilli() { // the clock was set back before there was anything to hold
		t.since = time.UnixMilli(at)
	}
}

// Now says what time it is. If the last record lies in the future, the clock was ahead and has been set back since:
// what that record counts as counts from now on, not only once that future has come.
func (t *Timeline) Now(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now.UnixMilli()
	if n := len(t.marks); n > 0 && at < t.marks[n-1].at-time.Second.Milliseconds() {
		t.put(at, t.marks[n-1].kind)
		t.seen = max(at, t.floor)
	}
}

// End says that no one has written the log since the given moment, or since its last record if that is later: what
// comes after it is not observed.
func (t *Timeline) End(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.floor = max(at.UnixMilli(), t.seen)
	t.put(t.floor, Unobserved)
}

// Since returns from when on the timeline knows something: the time of the first record, or of the oldest change that
// is still held. It is zero if there was no record.
func (t *Timeline) Since() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.since
}

// walk calls f with each span between two moments, in order and without gaps, those of no length included.
func (t *Timeline) walk(from, until int64, f func(from, until int64, kind Kind)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].at > from })
	kind, at := Unobserved, from
	if i > 0 {
		kind = t.marks[i-1].kind
	}
	for ; i < len(t.marks) && t.marks[i].at < until; i++ {
		f(at, t.marks[i].at, kind)
		at, kind = t.marks[i].at, t.marks[i].kind
	}
	if at < until {
		f(at, until, kind)
	}
}

// Spans returns what there was between two moments, in order and without gaps. Moments are cut to the millisecond.
func (t *Timeline) Spans(from, until time.Time) []Span {
	var list []Span
	t.walk(from.UnixMilli(), until.UnixMilli(), func(a, b int64, kind Kind) {
		n := len(list)
		switch {
		case a == b:
		case n > 0 && list[n-1].Kind == kind:
			list[n-1].Until = time.UnixMilli(b)
		default:
			list = append(list, Span{time.UnixMilli(a), time.UnixMilli(b), kind})
		}
	})
	return list
}

// Account returns how the time between two moments was spent. They are cut to the millisecond. hours may be nil.
func (t *Timeline) Account(from, until time.Time, hours *Hours) Account {
	return t.account(from.UnixMilli(), until.UnixMilli(), hours)
}

func (t *Timeline) account(from, until int64, hours *Hours) Account {
	until = max(from, until)
	a := Account{From: time.UnixMilli(from), Until: time.UnixMilli(until)}
	open := hours.between(from, until)
	outage := int64(0) // time down in the present one
	t.walk(from, until, func(from, until int64, kind Kind) {
		long := until - from
		a.Terms[kind] += time.Duration(long) * time.Millisecond
		switch kind {
		case Connected, Paused:
			outage = 0
		case Down:
			if outage == 0 && long > 0 {
				a.Outages++
			}
			outage += long
			a.Longest = max(a.Longest, time.Duration(outage)*time.Millisecond)
		}
		for len(open) > 0 && open[0].until <= from {
			open = open[1:]
		}
		for _, o := range open {
			if o.from >= until {
				break
			}
			a.Market[kind] += time.Duration(min(until, o.until)-max(from, o.from)) * time.Millisecond
		}
	})
	return a
}

// Days returns the accounts of the last n local days, the oldest first. The last one is that of now's day, up to now.
func (t *Timeline) Days(n int, now time.Time, loc *time.Location, hours *Hours) []Account {
	y, m, d := now.In(loc).Date()
	list := make([]Account, 0, max(n, 0))
	from := calendar.Date(y, m, d-n+1, 0, 0, loc)
	for i := n - 1; i >= 0; i-- {
		until := now
		if i > 0 {
			until = calendar.Date(y, m, d-i+1, 0, 0, loc)
		}
		list = append(list, t.Account(from, until, hours))
		from = until
	}
	return list
}
