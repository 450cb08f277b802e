package conn

import "errors"

// Errors that commands answer with.
var (
	ErrAlreadyConnected = errors.New("already connected")
	ErrAlreadyPaused    = errors.New("already disconnected")
	ErrNotRunning       = errors.New("the supervisor is not running")
)
