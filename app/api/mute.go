package api

import (
	"context"
	"time"
)

// MostMuted is for how long notifications can be muted at once.
const MostMuted = 48 * time.Hour

// MuteRequest is the body of POST /mute.
type MuteRequest struct {
	Until *time.Time `json:"until"` // desktop notifications are silent until then; null ends that
}

// Mute silences desktop notifications until the given time; the zero time ends that.
func (c *Client) Mute(ctx context.Context, until time.Time) (Answer, error) {
	asked := MuteRequest{Until: &until}
	if until.IsZero() {
		asked.Until = nil
	}
	return request[Answer](ctx, c, "/mute", asked, nil)
}
