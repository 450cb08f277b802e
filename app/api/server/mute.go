package server

import (
	"net/http"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

func (s *Server) mute(w http.ResponseWriter, r *http.Request) {
	var asked api.MuteRequest
	right := func() bool { return asked.Until == nil || time.Until(*asked.Until) <= api.MostMuted }
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
