package server

import (
	"net/http"

	"gatewatch/app/api"
)

// guard returns what GET /guard answers.
func (s *Server) guard() api.Guarded { return api.GuardedOf(s.backend.Status().Open()) }

// guardEvents answers with server-sent events: "guard" with the JSON of GET /guard at once and after every change of
// it.
func (s *Server) guardEvents(w http.ResponseWriter, r *http.Request) {
	var last *api.Guarded
	s.stream(w, r, false, "guard", func() (any, bool) {
		now := s.guard()
		if last != nil {
			if last.Seq = now.Seq; *last == now {
				return nil, false // something else has changed
			}
		}
		last = &now
		return now, true
	})
}
