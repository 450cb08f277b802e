package api

import (
	"context"
	"io"
	"net/http"
	"runtime/debug"
	"time"
)

// diagnosticsLimit bounds an answer that may have to wait for a keyring.
const diagnosticsLimit = 20 * time.Second

// diagnostics answers with text for whoever is to find a fault.
func (s *Server) diagnostics(w http.ResponseWriter, r *http.Request) {
	q, err := parameters(r, "goroutines")
	stacks := 0
	if err == nil {
		stacks, err = wholeNumber(q, "goroutines", 0, 0, 1)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	ctx, cancel := patient(w, r, diagnosticsLimit)
	defer cancel()
	text, err := s.backend.Diagnostics(ctx, stacks == 1)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
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
	patient := *c.http
	patient.Timeout = diagnosticsLimit + 5*time.Second
	text, err := c.exchange(ctx, &patient, http.MethodGet, path, nil)
	return string(text), err
}

// isolated answers for a handler that panics. What has begun to answer is cut off.
func (s *Server) isolated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &reply{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.backend.Panicked(p, debug.Stack())
			if a.begun {
				panic(http.ErrAbortHandler)
			}
			fail(w, http.StatusInternalServerError, "this request failed inside Gatewatch; the log says more")
		}()
		next.ServeHTTP(a, r)
	})
}

// reply knows whether it has begun.
type reply struct {
	http.ResponseWriter
	begun bool
}

func (r *reply) WriteHeader(code int) {
	r.begun = true
	r.ResponseWriter.WriteHeader(code)
}

func (r *reply) Write(p []byte) (int, error) {
	r.begun = true
	return r.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (r *reply) Unwrap() http.ResponseWriter { return r.ResponseWriter }
