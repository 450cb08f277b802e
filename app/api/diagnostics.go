package api

import (
	"context"
	"net/http"
	"time"
)

// DiagnosticsLimit bounds an answer that may have to wait for a keyring.
const DiagnosticsLimit = 20 * time.Second

// Diagnostics asks for diagnostics, with the stacks of all goroutines if they are wanted.
func (c *Client) Diagnostics(ctx context.Context, goroutines bool) (string, error) {
	path := "/diagnostics"
	if goroutines {
		path += "?goroutines=1"
	}
	text, err := c.exchange(ctx, c.waiting(DiagnosticsLimit+5*time.Second), http.MethodGet, path, nil)
	return string(text), err
}
