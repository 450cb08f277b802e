package notice

import (
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// Policy says when there is something to report. Its zero value is not useful; see defaultPolicy.
type Policy struct {
	After       time.Duration // an outage is reported when it has lasted this long
	Stable      time.Duration // an incident is over when the connection has been up this long
	Grace       time.Duration // quiet after a start, a resume and a wake, until there is a connection
	AfterWindow time.Duration // an outage that outlasts the reset window is reported this long after its end

	Drops  int           // so many drops …
	Within time.Duration // … in this time make the connection unstable
	Every  time.Duration // between digests while it is
	Quiet  time.Duration // up this long, it is stable again
	Enough time.Duration // down this long, it is not unstable but lost

	CompetingEvery time.Duration // a competing session is explained at most this often
	ClosedEvery    time.Duration // likewise that Gateway takes no orders, for one reason

	Weekly time.Duration // so long before the weekly login ends it is reminded of; 0: not at all

	Gather time.Duration // reports that follow one of their kind within this time are reported as one

	Remote bool // the reader is elsewhere: the words say which Gateway, and in which zone
}

// defaultPolicy returns the policy that people get.
func defaultPolicy() Policy {
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
	Ending  bool          // no one will call again: of reports, what waits to be gathered is reported
	Gateway ib.Gateway    // whom the words are about
	// Unsupported is what Gateway says about the end of support for its version.
	Unsupported conn.Unsupported
	ClientID    int       // likewise
	Computer    string    // likewise: where it was seen; for readers elsewhere
	Muted       time.Time // nothing is shown before then, and no outage that began after the mute and is over by then
	Quiet       Quiet     // outages are not shown in them; the end of what was shown before is shown afterwards
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
	silent  bool      // it is up, and Gateway does not answer
	lastUp  time.Time // when it was last known to be up; zero: never in this run
	since   time.Time // since when it is up or down
	grace   time.Time // quiet until then
	problem problem   // why it is down
	waits   time.Time // since when Gateway waits for a person to log in; zero if it does not

	incident  int // number of the present incident, or of the last one
	open      bool
	begun     time.Time // when the present incident began
	first     bool      // there had been no connection before it
	reported  bool      // Lost was shown
	signIn    bool      // it said that a person has to log in
	held      time.Time // it could have ended with this rise, but for the reset window or quiet hours
	afterRest time.Time // not to be reported before: a reset window lay in it
	drops     []drop    // of the last minutes, oldest first
	storm     storm     // zero if the connection is not unstable
	ended     ended     // an incident that was reported and that a pause has ended; zero if its end is reported

	support  Reminded  // of the end of support
	reminded time.Time // the end of the weekly login that was reminded of last

	competing   bool      // happened in this step
	competingAt time.Time // when it was last shown

	closed   problem   // why Gateway takes no orders, while that is to be reported
	closedBy ib.Cause  // what was reported last,
	closedAt time.Time // and when

	bursts []burst // of reports
	burst  int     // number of the last one

	blocked int         // orders that the guard refused in the present incident
	before  int         // how many of them before the present outage
	shut    []time.Time // when it refused others, just now: whether they belong to an outage shows afterwards
}

type problem struct {
	cause  ib.Cause
	code   int
	detail string
	tried  []ib.PortTry // by the attempt that failed; not changed in place
	far    bool         // the link beyond Gateway is what is down
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
	since    time.Time // first drop; zero if there is no storm
	drops    int
	down     time.Duration // but for the present drop
	digest   time.Time     // when the next one is due
	reported bool          // Unstable or a digest was shown
}

const (
	// longestWait bounds the time to the next step while something is open, so that a clock that was set is noticed.
	longestWait = time.Minute
	// longestRest does so while nothing is, so that new settings and a timer that slept are noticed.
	longestRest = time.Hour
	// aheadOfQuiet is how long before quiet hours a reminder is reported that could not be reported in them.
	aheadOfQuiet = 10 * time.Minute
)

// Step takes in an input at now and returns what to report, in order, and by when to be called again. That
// is after now; it is zero if only an event can change anything.
func (p Policy) Step(st State, in Input, now time.Time) (State, []Notice, time.Time) {
	now = now.Round(0) // people are shown the wall clock's times, so it decides, too
	st.drops, st.bursts, st.shut = slices.Clone(st.drops), slices.Clone(st.bursts), slices.Clone(st.shut)
	st.clock(p, now)
	st.competing = false
	if in.Event.Kind != "" {
		st.take(p, in.Event, now)
	}
	if in.Report.Kind != "" {
		st.takeReport(in.Report, now)
	}
	t := turn{p: p, st: &st, in: in, now: now, quietUntil: in.Quiet.Until(now)}
	if !in.Ending {
		t.decide()
	}
	t.report()
	return st, t.said, sooner(t.next(), t.reportNext())
}

// clock copes with a clock that was set and with a sleep that no one has reported yet.
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
	st.note(p, e, at, now)
	if st.paused = e.State == conn.Paused; st.paused || st.over {
		st.endByTrader(at)
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
			st.open, st.reported, st.first = true, false, st.lastUp.IsZero()
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

// note takes over what the kind of an event says.
func (st *State) note(p Policy, e conn.Event, at, now time.Time) {
	switch e.Kind {
	case conn.EventStarted, conn.EventResumed, conn.EventWoke:
		st.grace = later(st.grace, at.Add(p.Grace))
	case conn.EventConnected: // what the grace was for is over
		st.grace, st.silent = time.Time{}, false
	case conn.EventSuspected, conn.EventAnswered:
		st.silent = e.Kind == conn.EventSuspected
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
		st.problem = problem{e.Cause, e.Code, e.Detail, e.Tried, e.State == conn.UpstreamLost}
		switch {
		case !wording.SignInNeeded(e.Cause, st.lastUp, now):
			st.waits = time.Time{}
		case st.waits.IsZero():
			st.waits = at
		}
	}
}

// endByTrader ends whatever was going on, which is the trader's own doing: it is worth a word only if it is on the
// screen.
func (st *State) endByTrader(at time.Time) {
	switch {
	case st.over || !st.open:
	case st.storm.reported:
		st.ended = ended{st.incident, st.storm.since, at, true}
	case st.reported:
		st.ended = ended{st.incident, st.begun, at, false}
	}
	st.open, st.known, st.waits, st.storm, st.drops = false, false, time.Time{}, storm{}, nil
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
