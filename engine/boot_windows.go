package engine

import (
	"time"

	"golang.org/x/sys/windows"
)

// boot returns what tells this run of the computer from all others: when it was started, which counts on while it sleeps.
func boot() string { return time.Now().Add(-windows.DurationSinceBoot()).UTC().Format(time.RFC3339) }

// thisBoot reports whether a value of boot is from this run of the computer. The clock may have been set a little since; a computer
// takes longer to start.
func thisBoot(id string) bool {
	then, errThen := time.Parse(time.RFC3339, id)
	now, errNow := time.Parse(time.RFC3339, boot())
	return errThen == nil && errNow == nil && now.Sub(then).Abs() < 10*time.Second
}
