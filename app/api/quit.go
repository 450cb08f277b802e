package api

import (
	"context"
	"net/http"

	"gatewatch/app/api/jsonhttp"
)

// quitting answers, and has the program end after that.
func (s *Server) quitting(w http.ResponseWriter, r *http.Request) {
	if _, ok := jsonhttp.Read(w, r); !ok {
		return
	}
	jsonhttp.Answer(w, http.StatusAccepted, Answer{Accepted: true})
	_ = http.NewResponseController(w).Flush() // the client went away
	s.backend.Quit()
}

// End stops the server as [Server.Close] does, because the program ends: those who follow GET /events learn of it.
func (s *Server) End(ctx context.Context) {
	s.ends.Store(true)
	s.Close(ctx)
}

// Quit asks the resident program to end. It has only begun to when this returns.
func (c *Client) Quit(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, http.MethodPost, "/quit")
}
