// Package exit has the exit codes of gatewatch and the errors that carry them.
package exit

import "errors"

// Exit codes. Others are not used.
const (
	Failed   = 1 // it was tried and did not work
	Usage    = 2 // flags or settings make no sense
	NotThere = 3 // Gatewatch does not run, or Gateway is not connected
)

// coded is an error with an exit code.
type coded struct {
	error
	code int
}

func (c *coded) Unwrap() error { return c.error }

// With returns err with an exit code.
func With(code int, err error) error { return &coded{err, code} }

// Code returns the exit code of an error: 0 for nil, Failed for an error without a code.
func Code(err error) int {
	if err == nil {
		return 0
	}
	if c, ok := errors.AsType[*coded](err); ok {
		return c.code
	}
	return Failed
}
