package notice

import (
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// turn carries one call of Step.
type turn struct {
	p          Policy
	st         *State
	in         Input
	now        time.Time
	quietUntil time.Time // zero if these are no quiet hours
	said       []Notice
}

func (t *turn) stormy() bool { return !t.st.storm.since.IsZero() }

func (t *turn) muted() bool { return t.now.Before(t.awake()) }

// awake returns when things may be reported again, if they may not now.
func (t *turn) awake() time.Time { return later(t.in.Muted.Round(0), t.quietUntil) }

// due reports whether a moment has come.
func (t *turn) due(at time.Time) bool { return !t.now.Before(at) }

func (t *turn) decide() {
	st := t.st
	if st.over {
		return
	}
	if st.ended.incident != 0 && !t.muted() {
		t.notify(t.stopped())
		st.ended = ended{}
	}
	if st.paused {
		return
	}
	if at := t.remindAt(); !at.IsZero() && t.due(at) {
		st.reminded = wording.WeeklyEnd(t.now)
		t.notify(t.reminder(st.reminded))
	}
	t.support()
	if st.window {
		t.rest()
		return
	}
	if st.competing && !t.muted() && t.due(st.grace) &&
		(st.competingAt.IsZero() || t.due(st.competingAt.Add(t.p.CompetingEvery))) {
		st.competingAt = t.now
		t.notify(t.competing())
	}
	if st.closed.cause != ib.CauseNone && !t.muted() {
		if st.closedBy != st.closed.cause || t.due(st.closedAt.Add(t.p.ClosedEvery)) {
			st.closedBy, st.closedAt = st.closed.cause, t.now
			t.notify(t.guardClosed())
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
		if t.due(st.since.Add(t.p.Stable)) && !st.silent {
			t.settle()
		}
	case t.unreported():
		if t.due(t.lostAt()) {
			if st.reported { // that one is over, which was not reported
				st.incident++
				st.begun, st.first = st.since, false
				st.forget()
			}
			t.notifyLost()
		}
	case t.explains() && t.due(t.explainAt()):
		t.notifyLost()
	}
}

// remindAt returns when the weekly login is to be reminded of next; zero if that is not to be. The reset window does
// not matter to it. A reminder that quiet hours would hold back until the login has ended comes just ahead of them.
// Who starts the program within them is left in peace; what comes of it is reported afterwards.
func (t *turn) remindAt() time.Time {
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

// unreported reports whether neither the present outage nor the incident that it belongs to has been reported, or it
// came after a recovery that was held back.
func (t *turn) unreported() bool { return !t.st.reported || !t.st.held.IsZero() }

// explains reports whether the present outage was reported in other words, and turned out to wait for a person to log
// in.
func (t *turn) explains() bool { return t.st.reported && !t.st.signIn && !t.st.waits.IsZero() }

// explainAt returns when that is to be reported: a Gateway that has just been started does not answer at once, either.
func (t *turn) explainAt() time.Time { return t.allowed(t.st.waits.Add(t.p.Grace)) }

func (t *turn) notifyLost() {
	st := t.st
	st.reported, st.signIn = true, wording.SignInNeeded(st.problem.cause, st.lastUp, t.now)
	t.notify(t.lost())
	st.held = time.Time{}
}

// settle ends the incident, or holds its end back until things may be reported again if it is to be reported.
func (t *turn) settle() {
	st := t.st
	if st.reported && t.muted() {
		if st.held.IsZero() {
			st.held = st.since
		}
		return
	}
	if st.open = false; st.reported {
		t.notify(t.back())
	}
}

// rest is decide within the reset window: nothing is reported. What has been reported stays open, so that its end can
// be reported afterwards.
func (t *turn) rest() {
	st := t.st
	if !st.open || !st.up || t.stormy() || !t.due(st.since.Add(t.p.Stable)) {
		return
	}
	switch {
	case !st.reported:
		st.open = false
	case st.held.IsZero():
		st.held = st.since
	}
}

// allowed returns the given moment, or when what is down may be reported after it.
func (t *turn) allowed(at time.Time) time.Time {
	return later(later(at, t.awake()), later(t.st.grace, t.st.afterRest))
}

// lostAt returns when the present outage is to be reported, unless the connection is unstable.
func (t *turn) lostAt() time.Time { return t.allowed(t.st.since.Add(t.p.After)) }

// overAt returns when an outage within an unstable time is a plain outage.
func (t *turn) overAt() time.Time { return t.allowed(t.st.since.Add(t.p.Enough)) }

func (t *turn) beginStorm() {
	st := t.st
	st.storm = storm{since: st.drops[0].at, drops: len(st.drops), digest: t.now.Add(t.p.Every), reported: !t.muted()}
	for _, d := range st.drops {
		st.storm.down += d.down
	}
	if st.storm.reported {
		t.notify(t.unstable())
	}
}

func (t *turn) inStorm() {
	st := t.st
	switch {
	case !st.up && t.due(t.overAt()):
		// Down for good: that is an incident of its own.
		if st.reported || st.storm.reported {
			st.incident++
		}
		st.storm, st.drops = storm{}, nil
		st.begun, st.held, st.first = st.since, time.Time{}, false
		st.forget()
		t.notifyLost()
	case st.up && t.due(st.since.Add(t.p.Quiet)) && !st.silent:
		reported := st.reported || st.storm.reported
		if reported && t.muted() {
			return // held back until it may be reported
		}
		if reported {
			t.notify(t.calm())
		}
		st.open, st.storm, st.drops = false, storm{}, nil
	case !st.storm.reported && !t.muted():
		st.storm.reported, st.storm.digest = true, t.now.Add(t.p.Every)
		t.notify(t.unstable())
	case t.due(st.storm.digest):
		st.storm.digest = t.now.Add(t.p.Every)
		if !t.muted() {
			t.notify(t.digest())
		}
	}
}

// next returns by when Step has to be called again.
func (t *turn) next() time.Time {
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
	if st.open || st.ended.incident != 0 || st.closed.cause != ib.CauseNone {
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
	case t.unreported():
		earlier(t.lostAt())
	case t.explains():
		earlier(t.explainAt())
	}
	return at
}

func (t *turn) notify(n Notice) {
	n.At = t.now
	if t.p.Remote {
		n.Body = lines(n.Body, t.place())
	}
	t.said = append(t.said, n)
}
