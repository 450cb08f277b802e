package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"gatewatch/app/api/jsonhttp"
	"gatewatch/conn"
)

// Answer is what a command answers.
type Answer struct {
	Accepted bool   `json:"accepted"`
	Message  string `json:"message,omitempty"`
}

// MuteRequest is the body of POST /mute.
type MuteRequest struct {
	Until *time.Time `json:"until"` // desktop notifications are silent until then; null ends that
}

// mostMuted is for how long notifications can be muted at once.
const mostMuted = 48 * time.Hour

// command answers a request without a body.
func command(do func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := jsonhttp.Read(w, r); !ok {
			return
		}
		ended(w, do(r.Context()))
	}
}

// ended answers for a command that has ended with err.
func ended(w http.ResponseWriter, err error) {
	var remark *Remark
	switch {
	case errors.As(err, &remark):
		jsonhttp.Answer(w, http.StatusAccepted, Answer{Accepted: true, Message: remark.Text})
	case err == nil:
		jsonhttp.Answer(w, http.StatusAccepted, Answer{Accepted: true})
	case errors.Is(err, conn.ErrAlreadyConnected), errors.Is(err, conn.ErrAlreadyPaused):
		// What was asked for is already so: for a caller that is success.
		jsonhttp.Answer(w, http.StatusOK, Answer{Accepted: true, Message: err.Error()})
	default:
		failed(w, err, http.StatusServiceUnavailable)
	}
}

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

// Connect asks for an attempt now.
func (c *Client) Connect(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, http.MethodPost, "/connect_ib")
}

// Disconnect asks to disconnect and pause.
func (c *Client) Disconnect(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, http.MethodPost, "/disconnect_ib")
}

// Show asks the resident program to bring its window before the user.
func (c *Client) Show(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, http.MethodPost, "/show")
}

// Quit asks the resident program to end. It has only begun to when this returns.
func (c *Client) Quit(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, http.MethodPost, "/quit")
}

// Mute silences desktop notifications until the given time; the zero time ends that.
func (c *Client) Mute(ctx context.Context, until time.Time) (Answer, error) {
	asked := MuteRequest{Until: &until}
	if until.IsZero() {
		asked.Until = nil
	}
	return request[Answer](ctx, c, "/mute", asked, nil)
}
