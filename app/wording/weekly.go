package wording

import (
	"time"
	_ "time/tzdata" // Windows has no time zone database

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// weekly is the moment at which IBKR's weekly login token ends: the next login needs a person with the second factor.
//
// Source: IBKR's guide to IB Gateway and TWS, "Auto restart": a restart keeps the login until Sunday 01:00 in New York.
var weekly = func() calendar.Window {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err) // the time zone database is part of the program
	}
	return calendar.Window{Days: []time.Weekday{time.Sunday}, Hour: 1, Location: loc}
}()

// WeeklyEnd returns when the weekly login ends next after t; on the Sunday that has 01:00 twice, at the first.
func WeeklyEnd(t time.Time) time.Time { return weekly.Next(t) }

const (
	// signInWithin is how long after the end of the weekly login a Gateway that was never connected to is thought to
	// wait for it.
	signInWithin = 48 * time.Hour
	// signInLag is how long after it a connection that it ends may still have been up: no one's clock is right to the
	// second.
	signInLag = 30 * time.Second
)

// SignInNeeded reports whether Gateway most likely waits for a person to log in: its port answers, the login does not,
// and the weekly login has ended since about lastUp, when the connection was up last; the zero time means not in this
// run.
func SignInNeeded(cause ib.Cause, lastUp, now time.Time) bool {
	switch cause {
	case ib.CauseNotReady, ib.CauseNoAnswer, ib.CauseClosedEarly, ib.CauseClosedLogin:
	default:
		return false
	}
	from := lastUp.Add(-signInLag)
	if lastUp.IsZero() {
		from = now.Add(-signInWithin)
	}
	return !WeeklyEnd(from).After(now)
}

// SignIn says what to do when SignInNeeded.
const SignIn = "Gateway's weekly login has ended (Sunday 01:00 in New York). Log in in the Gateway window and " +
	"confirm the second factor; " +
	"Gatewatch connects by itself afterwards."
