package api

import (
	"errors"
	"fmt"
	"net/http"

	"gatewatch/app/settings"
)

// Conflict means that something cannot be done as things stand, and says why.
type Conflict struct{ Reason string }

func (c *Conflict) Error() string { return c.Reason }

// Remark means that what was asked for goes on, and that there is something to say about it.
type Remark struct{ Text string }

func (r *Remark) Error() string { return r.Text }

// Unconfirmed means that someone has to confirm something first, and says what.
type Unconfirmed struct{ Reason string }

func (u *Unconfirmed) Error() string { return u.Reason }

// Unanswered means that Gateway left a question unanswered that had to be asked; the reason says which, for people.
type Unanswered struct{ Reason string }

func (u *Unanswered) Error() string { return u.Reason }

var (
	// ErrNoRule means that there is no rule with that name.
	ErrNoRule = errors.New("no such rule; GET /rules lists them")
	// ErrNoOrder means that there is no order with that id.
	ErrNoOrder = errors.New("no such order of Gatewatch; GET /orders lists them")
	// ErrNoContract means that an instrument means no contract that IBKR knows.
	ErrNoContract = errors.New("no contract matches; look at symbol, type, exchange and currency")
	// ErrNoChannel means that no channel for alerts has that name.
	ErrNoChannel = errors.New("no such channel; GET /alerts lists them")
	// ErrNoChannels means that there is nothing to test.
	ErrNoChannels = errors.New("no channel for alerts is set up; see the keys email, slack, webhook, alerts and " +
		"heartbeat in settings.json")
	// ErrNoSecret means that there is no secret to remove.
	ErrNoSecret = errors.New("there is no such secret")
	// ErrChanged means that a file is not what it was when the text that is to replace it was begun.
	ErrChanged = errors.New("the file has been changed since this text was begun; nothing was overwritten")
)

// Refusal is the answer to settings, or to a rule, at fault; problems are in the order of the text.
type Refusal struct {
	Error    string             `json:"error"`
	Problems []settings.Problem `json:"problems"`
}

// failure is an answer that is no success.
type failure struct {
	request, status string
	code            int
	said            Refusal
}

func (f *failure) Error() string { return fmt.Sprintf("%s: %s: %s", f.request, f.status, f.said.Error) }

// Reason returns the text of an error for people who know of no requests: of an answer that is no success only what it
// says.
func Reason(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.said.Error
	}
	return err.Error()
}

// meaning returns the error that the answer stands for: problems are those of the named file, and missing is for what
// is not found.
func (f *failure) meaning(file string, missing error) error {
	switch said := f.said; {
	case f.code == http.StatusConflict:
		return &Conflict{said.Error}
	case f.code == http.StatusPreconditionRequired:
		return &Unconfirmed{said.Error}
	case f.code == http.StatusGatewayTimeout:
		return &Unanswered{said.Error}
	case f.code == http.StatusPreconditionFailed:
		return ErrChanged
	case f.code == http.StatusNotFound && missing != nil:
		return missing
	case f.code == http.StatusUnprocessableEntity && len(said.Problems) > 0:
		for i := range said.Problems {
			said.Problems[i].File = file
		}
		return settings.Problems(said.Problems)
	case f.code == http.StatusUnprocessableEntity && said.Error == ErrNoContract.Error():
		return ErrNoContract
	case f.code == http.StatusUnprocessableEntity:
		return errors.New(said.Error)
	}
	return f
}
