package server

import (
	"context"
	"net/http"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// testLimit bounds a test of alerts, which may have to wait for a server that says nothing.
const testLimit = 45 * time.Second

// AlertsBackend is the part of a [Backend] about alert channels.
type AlertsBackend interface {
	Alerts() api.Alerts
	// TestAlerts sends a message by one channel, or by all if it is empty. It returns ErrNoChannel or ErrNoChannels.
	TestAlerts(ctx context.Context, channel string) (api.AlertTest, error)
}

func (s *Server) testAlerts(w http.ResponseWriter, r *http.Request) {
	var asked api.AlertTestRequest
	if !jsonhttp.DecodeOptional(w, r, &asked, `{"channel": "NAME"}; an empty one means all channels`) {
		return
	}
	answer(w, r, testLimit, http.StatusServiceUnavailable, func(ctx context.Context) (api.AlertTest, error) {
		return s.backend.TestAlerts(ctx, asked.Channel)
	})
}
