package notice

import (
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"
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
	ClosedEvery    time.Duration // likewise that Gateway takes no orders, for one reason

	Weekly time.Duration // so long before the weekly login ends it is reminded of; 0: not at all

	Gather time.Duration // reports that follow one of their kind within this time are told as one

	Remote bool // the reader is elsewhere: the words say which Gateway, and in which zone
}

// DefaultPolicy returns the policy that people get.
func DefaultPolicy() Policy {
	return Policy{
		After: 5 * time.Second, Stable: 10 * time.Second, Grace: 30 * time.Second, AfterWindow: 2 * time.Minute,
		Drops: 4, Within: 10 * time.Minute, Every: 30 * time.Minute, Quiet: 10 * time.Minute, Enough: 5 * time.Minute,
		CompetingEvery: 24 * time.Hour, ClosedEvery: time.Hour, Gather: 30 * time.Second,
	}
}

// Input is what a step goes by.
type Input struct {
	Event   conn.Event    // the zero Event is none: a tick of the clock
	Report  engine.Report // likewise
	Ending  bool          // no one will call again: of reports, what waits to be gathered is told
	Gateway conn.Gateway  // whom the words are about
	// Unsupported is what Gateway says about the end of support for its version.
	Unsupported conn.Unsupported
	ClientID    int       // likewise
	Computer    string    // likewise: where it was seen; for readers elsewhere
	Muted       time.Time // nothing is shown before then, and no outage that began after the mute and is over by then
	Quiet       Quiet     // of outages nothing is shown in them; the end of what was shown before is told afterwards
}

// State is what a policy remembers. The zero State is the beginning. It is a value: Step does not change its argument.
type State struct {
	last    time.Time // of the last step
	over    bool      // the program ends
	paused  bool
	window  bool // the reset window is active
	known   bool // up says something
	looking bool // for the first Gateway ever
	up      bool
	lastUp  time.Time // when it was last known to be up; zero: never in this run
	since   time.Time // since when it is up or down
	grace   time.Time // quiet until then
	problem problem   // why it is down
	waits   time.Time // since when Gateway waits for a person to log in; zero if it does not

	incident  int // number of the present incident, or of the last one
	open      bool
	begun     time.Time // when the present incident began
	first     bool      // there had been no connection before it
	told      bool      // Lost was shown
	signIn    bool      // it said that a person has to log in
	held      time.Time // it could have ended with this rise, but for the reset window or quiet hours
	afterRest time.Time // not to be told before: a reset window lay in it
	drops     []drop    // of the last minutes, oldest first
	storm     storm     // zero if the connection is not unstable
	ended     ended     // an incident that was told and that a pause has ended; zero if its end is told

	support  Told      // of the end of support
	reminded time.Time // the end of the weekly login that was reminded of last

	competing   bool      // happened in this step
	competingAt time.Time // when it was last shown

	closed   problem    // why Gateway takes no orders, while that is to be told
	closedBy conn.Cause // what was told last,
	closedAt time.Time  // and when

	bursts []burst // of reports
	burst  int     // number of the last one

	blocked int         // orders that the guard refused in the present incident
	before  int         // how many of them before the present outage
	shut    []time.Time // when it refused others, just now: whether they belong to an outage shows afterwards
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

type ended struct {
	incident int
	begun    time.Time
	at       time.Time // of the pause
	unstable bool
}

type storm struct {
	since  time.Time // first drop; zero if there is no storm
	drops  int
	down   time.Duration // but for the present drop
	digest time.Time     // when the next one is due
	told   bool          // Unstable or a digest was shown
}

const (
	// longestWait bounds the time to the next step while something is open, so that a clock that was set is noticed.
	longestWait = time.Minute
	// longestRest does so while nothing is, so that new settings and a timer that slept are noticed.
	longestRest = time.Hour
	// aheadOfQuiet is how long before quiet hours a reminder is told that could not be told in them.
	aheadOfQuiet = 10 * time.Minute
)

// Step takes in an input at now and returns what to tell, in order, and when to be called again at the latest. That is
// after now; it is zero if only an event can change anything.
func (p Policy) Step(st State, in Input, now time.Time) (State, []Notice, time.Time) {
	now = now.Round(0) // people are told the wall clock's times, so it decides, too
	st.drops, st.bursts, st.shut = slices.Clone(st.drops), slices.Clone(st.bursts), slices.Clone(st.shut)
	st.clock(p, now)
	st.competing = false
	if in.Event.Kind != "" {
		st.take(p, in.Event, now)
	}
	if in.Report.Kind != "" {
		st.takeReport(p, in.Report, now)
	}
	t := telling{p: p, st: &st, in: in, now: now, quietUntil: in.Quiet.Until(now)}
	if !in.Ending {
		t.decide()
	}
	t.report()
	return st, t.said, sooner(t.next(), t.reportNext())
}

// clock copes with a clock that was set and with a sleep that no one has told yet.
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
	move(&st.lastUp, &st.since, &st.grace, &st.waits, &st.begun, &st.held, &st.afterRest, &st.storm.since,
		&st.storm.digest, &st.ended.begun, &st.ended.at, &st.competingAt,
		&st.closedAt)
	for i := range st.drops {
		move(&st.drops[i].at)
	}
	for i := range st.bursts {
		move(&st.bursts[i].since, &st.bursts[i].due)
	}
	for i := range st.shut {
		move(&st.shut[i])
	}
}

// take notes what happened. It goes by the state after the event; the kind only says whose doing it was.
func (st *State) take(p Policy, e conn.Event, now time.Time) {
	at := e.At.Round(0)
	if at.IsZero() || at.After(now) {
		at = now
	}
	if st.known && st.up {
		st.lastUp = at
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
	case conn.EventOrdersBlocked:
		st.closed = problem{cause: e.Cause, detail: e.Detail}
	case conn.EventOrdersConfirmed:
		st.closed = problem{}
	case conn.EventLost, conn.EventUpstreamLost, conn.EventAttemptFailed, conn.EventDisconnected:
		st.problem = problem{e.Cause, e.Code, e.Detail, e.State == conn.UpstreamLost}
		switch {
		case !wording.SignInNeeded(e.Cause, st.lastUp, now):
			st.waits = time.Time{}
		case st.waits.IsZero():
			st.waits = at
		}
	}
	if st.paused = e.State == conn.Paused; st.paused || st.over {
		// The trader's own doing: whatever was going on is over, and worth a word only if it is on the screen.
		switch {
		case st.over || !st.open:
		case st.storm.told:
			st.ended = ended{st.incident, st.storm.since, at, true}
		case st.told:
			st.ended = ended{st.incident, st.begun, at, false}
		}
		st.open, st.known, st.waits, st.storm, st.drops = false, false, time.Time{}, storm{}, nil
		return
	}
	up := e.State == conn.Connected || e.State == conn.Degraded
	if st.looking = !up && (st.looking || e.Kind == conn.EventAttemptFailed && e.State == conn.Connecting); st.looking {
		// There was no connection ever: nothing was lost.
		st.open, st.known, st.waits = false, false, time.Time{}
		return
	}
	if !up {
		st.closed = problem{}
	}
	if st.known && up == st.up {
		return
	}
	unasked := st.known && (e.Kind == conn.EventLost || e.Kind == conn.EventUpstreamLost)
	switch {
	case up:
		st.rise(at)
	default:
		if !st.open {
			st.open, st.told, st.first = true, false, st.lastUp.IsZero()
			st.begun, st.held, st.afterRest = at, time.Time{}, time.Time{}
			st.incident++
			st.blocked = 0
		}
		st.fall(at)
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
	st.lastUp, st.waits = at, time.Time{}
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

// sooner returns the earlier of two moments; the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// telling carries one call of Step.
type telling struct {
	p          Policy
	st         *State
	in         Input
	now        time.Time
	quietUntil time.Time // zero if these are no quiet hours
	said       []Notice
}

func (t *telling) stormy() bool { return !t.st.storm.since.IsZero() }
func (t *telling) muted() bool  { return t.now.Before(t.awake()) }

// awake returns when things may be told again, if they may not now.
func (t *telling) awake() time.Time { return later(t.in.Muted.Round(0), t.quietUntil) }

// due reports whether a moment has come.
func (t *telling) due(at time.Time) bool { return !t.now.Before(at) }

func (t *telling) decide() {
	st := t.st
	if st.over {
		return
	}
	if st.ended.incident != 0 && !t.muted() {
		t.tell(t.stopped())
		st.ended = ended{}
	}
	if st.paused {
		return
	}
	if at := t.remindAt(); !at.IsZero() && t.due(at) {
		st.reminded = wording.WeeklyEnd(t.now)
		t.tell(t.reminder(st.reminded))
	}
	t.support()
	if st.window {
		t.rest()
		return
	}
	if st.competing && !t.muted() && t.due(st.grace) &&
		(st.competingAt.IsZero() || t.due(st.competingAt.Add(t.p.CompetingEvery))) {
		st.competingAt = t.now
		t.tell(t.competing())
	}
	if st.closed.cause != conn.CauseNone && !t.muted() {
		if st.closedBy != st.closed.cause || t.due(st.closedAt.Add(t.p.ClosedEvery)) {
			st.closedBy, st.closedAt = st.closed.cause, t.now
			t.tell(t.guardClosed())
		}
		st.closed = problem{}
	}
	st.drops = slices.DeleteFunc(st.drops, func(d drop) bool { return t.now.Sub(d.at) > t.p.Within })
	switch {
	case !st.open:
	case t.stormy():
		t.inStorm()
	case t.p.Drops > 0 && len(st.drops) >= t.p.Drops && !st.up:
		t.beginStorm()
	case st.up:
		if t.due(st.since.Add(t.p.Stable)) {
			t.settle()
		}
	case t.untold():
		if t.due(t.lostAt()) {
			if st.told { // that one is over, which no one was told
				st.incident++
				st.begun, st.first = st.since, false
				st.forget()
			}
			t.tellLost()
		}
	case t.explains() && t.due(t.explainAt()):
		t.tellLost()
	}
}

// remindAt returns when the weekly login is to be reminded of next; zero if that is not to be. The reset window does
// not matter to it. A reminder that quiet hours would hold back until the login has ended comes just ahead of them.
// Whoever starts the program within them is left in peace; what comes of it is told afterwards.
func (t *telling) remindAt() time.Time {
	if t.p.Weekly <= 0 {
		return time.Time{}
	}
	end := wording.WeeklyEnd(t.now)
	if t.st.reminded.Equal(end) {
		end = wording.WeeklyEnd(end)
	}
	at := end.Add(-t.p.Weekly)
	if until := t.in.Quiet.Until(at); !until.IsZero() && !until.Before(end) {
		at = t.in.Quiet.begun(at).Add(-aheadOfQuiet)
	}
	return later(later(at, t.st.grace), t.awake())
}

// untold reports whether the present outage has not been told: neither itself nor the incident it belongs to, or it
// came after a recovery that was held back.
func (t *telling) untold() bool { return !t.st.told || !t.st.held.IsZero() }

// explains reports whether the present outage was told in other words, and turned out to wait for a person to log in.
func (t *telling) explains() bool { return t.st.told && !t.st.signIn && !t.st.waits.IsZero() }

// explainAt returns when that is to be told: a Gateway that has just been started does not answer at once, either.
func (t *telling) explainAt() time.Time { return t.allowed(t.st.waits.Add(t.p.Grace)) }

func (t *telling) tellLost() {
	st := t.st
	st.told, st.signIn = true, wording.SignInNeeded(st.problem.cause, st.lastUp, t.now)
	t.tell(t.lost())
	st.held = time.Time{}
}

// settle ends the incident, or holds its end back until things may be told again if it is to be told.
func (t *telling) settle() {
	st := t.st
	if st.told && t.muted() {
		if st.held.IsZero() {
			st.held = st.since
		}
		return
	}
	if st.open = false; st.told {
		t.tell(t.back())
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

// allowed returns the given moment, or when what is down may be told after it.
func (t *telling) allowed(at time.Time) time.Time {
	return later(later(at, t.awake()), later(t.st.grace, t.st.afterRest))
}

// lostAt returns when the present outage is to be told, unless the connection is unstable.
func (t *telling) lostAt() time.Time { return t.allowed(t.st.since.Add(t.p.After)) }

// overAt returns when an outage within an unstable time is a plain outage.
func (t *telling) overAt() time.Time { return t.allowed(t.st.since.Add(t.p.Enough)) }

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
		st.begun, st.held, st.first = st.since, time.Time{}, false
		st.forget()
		t.tellLost()
	case st.up && t.due(st.since.Add(t.p.Quiet)):
		told := st.told || st.storm.told
		if told && t.muted() {
			return // held back until it may be told
		}
		if told {
			t.tell(t.calm())
		}
		st.open, st.storm, st.drops = false, storm{}, nil
	case !st.storm.told && !t.muted():
		st.storm.told, st.storm.digest = true, t.now.Add(t.p.Every)
		t.tell(t.unstable())
	case t.due(st.storm.digest):
		st.storm.digest = t.now.Add(t.p.Every)
		if !t.muted() {
			t.tell(t.digest())
		}
	}
}

// next returns when Step has to be called again at the latest.
func (t *telling) next() time.Time {
	st := t.st
	if st.over || st.paused && st.ended.incident == 0 {
		return time.Time{}
	}
	if st.paused {
		return t.awake()
	}
	at := t.now.Add(longestRest)
	if st.open {
		at = t.now.Add(longestWait)
	}
	earlier := func(c time.Time) {
		if c.After(t.now) && c.Before(at) {
			at = c
		}
	}
	earlier(t.remindAt())
	earlier(t.supportNext())
	if st.open || st.ended.incident != 0 || st.closed.cause != conn.CauseNone {
		earlier(t.awake())
	}
	if !st.open {
		return at
	}
	switch {
	case st.window: // its end is an event
		if st.up {
			earlier(st.since.Add(t.p.Stable))
		}
	case t.stormy():
		earlier(st.storm.digest)
		if st.up {
			earlier(st.since.Add(t.p.Quiet))
		} else {
			earlier(t.overAt())
		}
	case st.up:
		earlier(st.since.Add(t.p.Stable))
	case t.untold():
		earlier(t.lostAt())
	case t.explains():
		earlier(t.explainAt())
	}
	return at
}

func (t *telling) tell(n Notice) {
	n.At = t.now
	if t.p.Remote {
		n.Body = lines(n.Body, t.place())
	}
	t.said = append(t.said, n)
}
