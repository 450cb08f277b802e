package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// absence is since when the resident program is not there, or hangs; the zero value while it answers.
type absence struct {
	since time.Time
	hangs bool
}

func (a absence) is() bool { return !a.since.IsZero() }

// text says which of the two it is.
func (a absence) text() string {
	if a.hangs {
		return wording.NotResponding
	}
	return wording.NotRunning
}

// remedy is the command that ends it.
func (a absence) remedy() command {
	if a.hangs {
		return restartProgram
	}
	return startProgram
}

// banner says what that means and what to do. The head above it says what is wrong, and since when.
func (a absence) banner() *banner {
	b := &banner{shape: Down, cause: wording.NotRunningMeans, hint: wording.StartHint, button: a.remedy()}
	if a.hangs {
		b.cause, b.hint = wording.NotRespondingMeans, wording.RestartHint
	}
	return b
}

const (
	notSaved    = "There are changes that are not saved."
	keepEditing = "Keep editing"
	savingFails = "Not saved: " // and why
	cannotSave  = "Nothing can be saved until Gatewatch answers again."
)

// needAttention says how many values of a form, at least one, are wrong.
func needAttention(n int) string {
	if n == 1 {
		return "One value needs attention."
	}
	return fmt.Sprintf("%d values need attention.", n)
}

// cannotShow says what is not shown, and why. The head says that the resident program does not answer.
func cannotShow(what string, err error) string {
	switch {
	case errors.Is(err, api.ErrNotRunning):
		return what + " cannot be shown until Gatewatch runs again."
	case errors.Is(err, api.ErrNotResponding):
		return what + " cannot be shown until Gatewatch responds again."
	}
	return what + " cannot be shown: " + strings.TrimSuffix(reasonOf(err), ".") + "."
}

// didNotWork says that something did not work, and why.
func didNotWork(err error) string { return wording.DidNotWork + reasonOf(err) }

// reasonOf returns why something did not work, as a sentence.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, api.ErrNotRunning):
		return wording.NotRunning + "."
	case errors.Is(err, api.ErrNotResponding):
		return wording.NotResponding + "."
	}
	return plain(api.Reason(err))
}
