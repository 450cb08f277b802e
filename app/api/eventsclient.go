package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gatewatch/app/api/sse"
)

// Follow calls onStatus with the status as it is and after every change, onShow each time the user wants to see the
// window, which only a client that calls itself a window is asked, and onQuit when the program is about to end. All are
// called on the caller's goroutine. It returns when ctx ends, or with what ended the stream: [ErrNotRunning] if there
// is no such server, [ErrNotResponding] if it sends no heartbeat.
func (c *Client) Follow(ctx context.Context, window bool, onStatus func(Status), onShow, onQuit func()) error {
	path := "/events"
	if window {
		path += "?window=1"
	}
	return c.follow(ctx, path, func(event string, data []byte) error {
		switch event {
		case "status":
			var st Status
			if err := json.Unmarshal(data, &st); err != nil {
				return fmt.Errorf("status in the stream of events: %w", err)
			}
			onStatus(st)
		case "show":
			onShow()
		case "quit":
			onQuit()
		}
		return nil
	})
}

// follow reads a stream until ctx ends, or the stream, or onEvent returns an error.
func (c *Client) follow(ctx context.Context, path string, onEvent func(event string, data []byte) error) error {
	open := func(ctx context.Context) (*http.Response, error) {
		return c.open(ctx, c.waiting(0), http.MethodGet, path, nil)
	}
	return sse.Follow(ctx, open, c.notResponding(), onEvent)
}
