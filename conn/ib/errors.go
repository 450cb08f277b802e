package ib

import (
	"errors"
	"fmt"
)

// AttemptError says how an attempt to connect failed.
type AttemptError struct {
	Cause Cause
	Addr  string // host and port, or host alone if every port was tried
	Port  int    // 0 if every port was tried
	Code  int    // IB code, or 0
	Text  string // Gateway's own text, in its language; for display only
	Err   error  // nil where Gateway itself said no

	Tried []PortTry // in this order
}

// PortTry is what became of an attempt at one port.
type PortTry struct {
	Port  int
	Cause Cause
}

func (e *AttemptError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("connect to gateway %s: %s: %v", e.Addr, e.Cause, e.Err)
	case e.Code != 0:
		return fmt.Sprintf("connect to gateway %s: %s: code %d", e.Addr, e.Cause, e.Code)
	}
	return fmt.Sprintf("connect to gateway %s: %s", e.Addr, e.Cause)
}

// Unwrap returns the underlying network error, if there is one.
func (e *AttemptError) Unwrap() error { return e.Err }

// Detail returns the technical text for a log or a tooltip.
func (e *AttemptError) Detail() string {
	switch {
	case e.Text != "":
		return e.Text
	case e.Err != nil:
		return e.Err.Error()
	}
	return ""
}

// RequestError is Gateway's refusal of one request, such as one for a contract that it does not know.
type RequestError struct {
	Question Question
	Code     int    // IB code: 200 for no such contract, 321 for a request that makes no sense, …
	Text     string // Gateway's own text, in its language; for display only
}

func (e *RequestError) Error() string {
	return fmt.Sprintf("gateway refuses: code %d: %s", e.Code, e.Text)
}

// ReadOnly reports whether an error says that Gateway's API is read-only. Only about orders does it refuse questions
// then; other requests get the same code when they make no sense.
func ReadOnly(err error) bool {
	refused, ok := errors.AsType[*RequestError](err)
	return ok && refused.Code == CodeInvalid && (refused.Question == QuestionOpenOrders ||
		refused.Question == QuestionCompletedOrders)
}
