package server

import (
	"io"
	"net/http"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// diagnostics answers with text for finding a fault.
func (s *Server) diagnostics(w http.ResponseWriter, r *http.Request) {
	q, err := jsonhttp.Query(r, "goroutines")
	stacks := 0
	if err == nil {
		stacks, err = jsonhttp.WholeNumber(q, "goroutines", 0, 0, 1)
	}
	if err != nil {
		jsonhttp.Fail(w, http.StatusBadRequest, err.Error())
		return
	}
	ctx, cancel := jsonhttp.Patient(w, r, api.DiagnosticsLimit)
	defer cancel()
	text, err := s.backend.Diagnostics(ctx, stacks == 1)
	if err != nil {
		jsonhttp.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // the client went away
}
