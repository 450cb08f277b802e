package notice

import (
	"slices"
	"time"

	"gatewatch/conn"
)

// Policy says when there is something to tell. Its zero value is not useful; see [DefaultPolicy].
type Policy struct {
	After       time.Duration // an outage is told when it has lasted this long
	Stable      time.Duration // an incident is over when the connection has been up this long
	Grace       time.Duration // quiet after a start, a resume and a wake, until there is a connection
	AfterWindow time.Duration // an outage that outlasts the reset window is told this long after its end

	Drops  int           // so many drops …
	Within time.Duration // … in this time make the connection unstable
	Every  time.Duration // between digests while it is
	Quiet  time.Duration // up this long, it is stable again
	Enough time.Duration // down this long, it is not unstable but lost

	CompetingEvery time.Duration // a competing session is explained at most this often
}

// DefaultPolicy returns the policy that people get.
func DefaultPolicy() Policy {
	return Policy{
		After: 5 * time.Second, Stable: 10 * time.Second, Grace: 30 * time.Second, AfterWindow: 2 * time.Minute,
		Drops: 4, Within: 10 * time.Minute, Every: 30 * time.Minute, Quiet: 10 * time.Minute, Enough: 5 * time.Minute,
		CompetingEvery: 24 * time.Hour,
	}
}

// Input is what a step goes by.
type Input struct {
	Event    conn.Event   // the zero Event is a tick of the clock
	Gateway  conn.Gateway // whom the words are about
	ClientID int          // likewise
	Muted    time.Time    // nothing is shown before then
}

// State is what a policy remembers. The zero State is the beginning. It is a value: Step does not change its argument.
type State struct {
	last    time.Time // of the last step
	over    bool      // the program ends
	paused  bool
	window  bool // the reset window is active
	known   bool // up says something
	up      bool
	everUp  bool
	since   time.Time // since when it is up or down
	grace   time.Time // quiet until then
	problem problem   // why it is down

	incident  int // number of the present incident, or of the last one
	open      bool
	begun     time.Time // when the present incident began
	first     bool      // there had been no connection before it
	told      bool      // Lost was shown
	held      time.Time // it could have ended with this rise, but for the reset window
	afterRest time.Time // not to be told before: a reset window lay in it
	drops     []drop    // of the last minutes, oldest first
	storm     storm     // zero if the connection is not unstable

	competing   bool      // happened in this step
	competingAt time.Time // when it was last shown
}

type problem struct {
	cause  conn.Cause
	code   int
	detail string
	far    bool // the link beyond Gateway is what is down
}

type drop struct {
	at   time.Time
	down time.Duration // 0 while it lasts
}

type storm struct {
	since  time.Time // first drop; zero if there is no storm
	drops  int
	down   time.Duration // but for the present drop
	digest time.Time     // when the next one is due
	told   bool          // Unstable or a digest was shown
}

// longestWait bounds the time to the next step while something is open, so that a clock that was set is noticed.
const longestWait = time.Minute

// Step takes in an input at now and returns what to tell, in order, and when to be called again at the latest. That is
// after now; it is zero if nothing is open and only an event can change that.
func (p Policy) Step(st State, in Input, now time.Time) (State, []Notice, time.Time) {
	now = now.Round(0) // people are told the wall clock's times, so it decides, too
	st.drops = slices.Clone(st.drops)
	st.clock(p, now)
	st.competing = false
	if in.Event.Kind != "" {
		st.take(p, in.Event, now)
	}
	t := telling{p: p, st: &st, in: in, now: now}
	t.decide()
	return st, t.said, t.next()
}

// clock copes with a clock that was set and with a sleep that nobody has told yet.
func (st *State) clock(p Policy, now time.Time) {
	if !st.last.IsZero() {
		switch gap := now.Sub(st.last); {
		case gap < -time.Second:
			st.shift(gap)
		case st.open && gap > longestWait+5*time.Second:
			st.grace = later(st.grace, now.Add(p.Grace))
		}
	}
	st.last = now
}

// shift moves everything that is remembered along with a clock that was set back.
func (st *State) shift(by time.Duration) {
	move := func(ts ...*time.Time) {
		for _, t := range ts {
			if !t.IsZero() {
				*t = t.Add(by)
			}
		}
	}
	move(&st.since, &st.grace, &st.begun, &st.held, &st.afterRest, &st.storm.since, &st.storm.digest, &st.competingAt)
	for i := range st.drops {
		move(&st.drops[i].at)
	}
}

// take notes what happened. It goes by the state after the event; the kind only says whose doing it was.
func (st *State) take(p Policy, e conn.Event, now time.Time) {
	at := e.At.Round(0)
	if at.IsZero() || at.After(now) {
		at = now
	}
	switch e.Kind {
	case conn.EventStarted, conn.EventResumed, conn.EventWoke:
		st.grace = later(st.grace, at.Add(p.Grace))
	case conn.EventConnected: // what the grace was for is over
		st.grace = time.Time{}
	case conn.EventStopped:
		st.over = true
	case conn.EventWindowStarted:
		st.window = true
	case conn.EventWindowEnded:
		st.window = false
		if st.open {
			st.afterRest = at.Add(p.AfterWindow)
		}
	case conn.EventCompeting:
		st.competing = true
	case conn.EventLost, conn.EventUpstreamLost, conn.EventAttemptFailed, conn.EventDisconnected:
		st.problem = problem{e.Cause, e.Code, e.Detail, e.State == conn.UpstreamLost}
	}
	if st.paused = e.State == conn.Paused; st.paused || st.over {
		// The trader's own doing: whatever was going on is over, and not worth a word.
		st.open, st.known, st.storm, st.drops = false, false, storm{}, nil
		return
	}
	up := e.State == conn.Connected || e.State == conn.Degraded
	if st.known && up == st.up {
		return
	}
	unasked := st.known && (e.Kind == conn.EventLost || e.Kind == conn.EventUpstreamLost)
	switch {
	case up:
		st.rise(at)
	default:
		if !st.open {
			st.open, st.told, st.first = true, false, !st.everUp
			st.begun, st.held, st.afterRest = at, time.Time{}, time.Time{}
			st.incident++
		}
		if unasked && !st.window && !at.Before(st.grace) {
			st.drops = append(st.drops, drop{at: at})
			if !st.storm.since.IsZero() {
				st.storm.drops++
			}
		}
	}
	st.known, st.up, st.since = true, up, at
}

// rise ends the time that the connection was down.
func (st *State) rise(at time.Time) {
	st.everUp = true
	if !st.known {
		return
	}
	down := max(0, at.Sub(st.since))
	if n := len(st.drops); n > 0 && st.drops[n-1].at.Equal(st.since) {
		st.drops[n-1].down = down
	}
	if !st.storm.since.IsZero() && !st.window {
		st.storm.down += down
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// telling carries one call of Step.
type telling struct {
	p    Policy
	st   *State
	in   Input
	now  time.Time
	said []Notice
}

func (t *telling) stormy() bool { return !t.st.storm.since.IsZero() }
func (t *telling) muted() bool  { return t.now.Before(t.in.Muted) }

// due reports whether a moment has come.
func (t *telling) due(at time.Time) bool { return !t.now.Before(at) }

func (t *telling) decide() {
	st := t.st
	if st.over || st.paused {
		return
	}
	if st.window {
		t.rest()
		return
	}
	if st.competing && !t.muted() && t.due(st.grace) &&
		(st.competingAt.IsZero() || t.due(st.competingAt.Add(t.p.CompetingEvery))) {
		st.competingAt = t.now
		t.tell(t.competing())
	}
	st.drops = slices.DeleteFunc(st.drops, func(d drop) bool { return t.now.Sub(d.at) > t.p.Within })
	switch {
	case !st.open:
	case t.stormy():
		t.inStorm()
	case t.p.Drops > 0 && len(st.drops) >= t.p.Drops && !st.up:
		t.beginStorm()
	case !st.up && !st.told:
		if t.due(t.lostAt()) {
			st.told = true
			t.tell(t.lost())
		}
	case st.up && t.due(st.since.Add(t.p.Stable)):
		if st.open = false; st.told && !t.muted() {
			t.tell(t.back())
		}
	}
}

// rest is decide within the reset window: nothing is told. What has been told stays open, so that its end can be told
// afterwards.
func (t *telling) rest() {
	st := t.st
	if !st.open || !st.up || t.stormy() || !t.due(st.since.Add(t.p.Stable)) {
		return
	}
	switch {
	case !st.told:
		st.open = false
	case st.held.IsZero():
		st.held = st.since
	}
}

// lostAt returns when the present outage is to be told, unless the connection is unstable.
func (t *telling) lostAt() time.Time {
	at := later(t.st.since.Add(t.p.After), later(t.st.grace, t.st.afterRest))
	return later(at, t.in.Muted.Round(0))
}

// overAt returns when an outage within an unstable time is a plain outage.
func (t *telling) overAt() time.Time {
	at := later(t.st.since.Add(t.p.Enough), later(t.st.grace, t.st.afterRest))
	return later(at, t.in.Muted.Round(0))
}

func (t *telling) beginStorm() {
	st := t.st
	st.storm = storm{since: st.drops[0].at, drops: len(st.drops), digest: t.now.Add(t.p.Every), told: !t.muted()}
	for _, d := range st.drops {
		st.storm.down += d.down
	}
	if st.storm.told {
		t.tell(t.unstable())
	}
}

func (t *telling) inStorm() {
	st := t.st
	switch {
	case !st.up && t.due(t.overAt()):
		// Down for good: that is an incident of its own.
		if st.told || st.storm.told {
			st.incident++
		}
		st.storm, st.drops = storm{}, nil
		st.begun, st.held, st.told, st.first = st.since, time.Time{}, true, false
		t.tell(t.lost())
	case st.up && t.due(st.since.Add(t.p.Quiet)):
		if (st.told || st.storm.told) && !t.muted() {
			t.tell(t.calm())
		}
		st.open, st.storm, st.drops = false, storm{}, nil
	case t.due(st.storm.digest):
		st.storm.digest = t.now.Add(t.p.Every)
		if !t.muted() {
			st.storm.told = true
			t.tell(t.digest())
		}
	}
}

// next returns when Step has to be called again at the latest.
func (t *telling) next() time.Time {
	st := t.st
	if !st.open || st.over {
		return time.Time{}
	}
	at := t.now.Add(longestWait)
	sooner := func(c time.Time) {
		if c.After(t.now) && c.Before(at) {
			at = c
		}
	}
	switch {
	case st.window: // its end is an event
		if st.up {
			sooner(st.since.Add(t.p.Stable))
		}
	case t.stormy():
		sooner(st.storm.digest)
		if st.up {
			sooner(st.since.Add(t.p.Quiet))
		} else {
			sooner(t.overAt())
		}
	case st.up:
		sooner(st.since.Add(t.p.Stable))
	case !st.told:
		sooner(t.lostAt())
	}
	return at
}

func (t *telling) tell(n Notice) {
	n.At = t.now
	t.said = append(t.said, n)
}
