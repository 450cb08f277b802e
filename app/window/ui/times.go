package ui

import (
	"strconv"
	"time"

	"gatewatch/app/wording"
)

// length returns a number of seconds as people say it.
func length(seconds float64) string {
	return wording.Duration(time.Duration(seconds * float64(time.Second)))
}

// left returns how long something lasts yet: whole minutes above two, so that it does not flicker.
func left(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.Itoa(wording.Seconds(d)) + " s"
	}
	return wording.Duration((d + time.Minute - 1).Truncate(time.Minute))
}

// sinceFor returns when something began and how long it has lasted.
func sinceFor(at *time.Time, now time.Time) string {
	if at == nil {
		return ""
	}
	text := "since " + clock(*at, now)
	if d := now.Sub(*at); d >= time.Second {
		text += " · " + span(d)
	}
	return text
}

// span returns d in seconds below a minute and in minutes above, so that a window that stands open is seldom painted.
func span(d time.Duration) string {
	if d < time.Minute {
		return strconv.Itoa(int(d.Seconds())) + " s"
	}
	return wording.Duration(d.Truncate(time.Minute))
}

// clock is [wording.Clock], with seconds for the last hour of today.
func clock(at, now time.Time) string {
	text := wording.Clock(at, now)
	if d := now.Sub(at); d >= 0 && d < time.Hour && text == at.Local().Format("15:04") {
		return at.Local().Format("15:04:05")
	}
	return text
}
