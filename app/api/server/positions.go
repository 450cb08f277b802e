package server

import (
	"context"
	"net/http"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// PositionBackend is the part of a [Backend] that is about positions.
type PositionBackend interface {
	// Positions returns the positions that Gateway reports. It asks Gateway where that was not done in this session.
	Positions(ctx context.Context) api.Positions
}

// positions answers GET /positions.
func (s *Server) positions(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := jsonhttp.Patient(w, r, askLimit)
	defer cancel()
	p := s.backend.Positions(ctx)
	p.Positions = present(p.Positions)
	jsonhttp.Answer(w, http.StatusOK, p)
}
