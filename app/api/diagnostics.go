package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"gatewatch/app/api/jsonhttp"
)

// diagnosticsLimit bounds an answer that may have to wait for a keyring.
const diagnosticsLimit = 20 * time.Second

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
	ctx, cancel := jsonhttp.Patient(w, r, diagnosticsLimit)
	defer cancel()
	text, err := s.backend.Diagnostics(ctx, stacks == 1)
	if err != nil {
		jsonhttp.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // the client went away
}

// Diagnostics asks for diagnostics, with the stacks of all goroutines if they are wanted.
func (c *Client) Diagnostics(ctx context.Context, goroutines bool) (string, error) {
	path := "/diagnostics"
	if goroutines {
		path += "?goroutines=1"
	}
	text, err := c.exchange(ctx, c.waiting(diagnosticsLimit+5*time.Second), http.MethodGet, path, nil)
	return string(text), err
}
