package conn

import (
	"errors"
)

// Errors that commands answer with.
var (
	ErrAlreadyConnected = errors.New("already connected")
	ErrAlreadyPaused    = errors.New("already disconnected")
	ErrNoSession        = errors.New("not connected")
	ErrNotRunning       = errors.New("the supervisor is not running")
)
