package api

import (
	"context"
	"net/http"
	"time"

	"gatewatch/app/api/jsonhttp"
)

// MuteRequest is the body of POST /mute.
type MuteRequest struct {
	Until *time.Time `json:"until"` // desktop notifications are silent until then; null ends that
}

// mostMuted is for how long notifications can be muted at once.
const mostMuted = 48 * time.Hour

func (s *Server) mute(w http.ResponseWriter, r *http.Request) {
	var asked MuteRequest
	right := func() bool { return asked.Until == nil || time.Until(*asked.Until) <= mostMuted }
	if !jsonhttp.Decode(w, r, &asked, right,
		`{"until": TIME}, an RFC 3339 time at most 48 hours from now, or {"until": null}`) {
		return
	}
	until := time.Time{}
	if asked.Until != nil {
		until = *asked.Until
	}
	s.backend.Mute(until)
	ended(w, nil)
}

// Mute silences desktop notifications until the given time; the zero time ends that.
func (c *Client) Mute(ctx context.Context, until time.Time) (Answer, error) {
	asked := MuteRequest{Until: &until}
	if until.IsZero() {
		asked.Until = nil
	}
	return request[Answer](ctx, c, "/mute", asked, nil)
}
