package server

import (
	"context"
	"net/http"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// AutostartBackend is the part of a [Backend] about starting at login.
type AutostartBackend interface {
	Autostart(ctx context.Context) (api.Autostart, error)
	// SetAutostart changes it, and may return a Conflict.
	SetAutostart(ctx context.Context, on bool) error
}

func (s *Server) autostart(w http.ResponseWriter, r *http.Request) {
	answer(w, r, askLimit, http.StatusInternalServerError, s.backend.Autostart)
}

func (s *Server) setAutostart(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		On *bool `json:"on"`
	}
	if !jsonhttp.Decode(w, r, &asked, func() bool { return asked.On != nil }, `{"on": true} or {"on": false}`) {
		return
	}
	if err := s.backend.SetAutostart(r.Context(), *asked.On); err != nil {
		ended(w, err)
		return
	}
	s.autostart(w, r)
}
