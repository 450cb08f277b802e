package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// StatusBackend is the part of a [Backend] about the status.
type StatusBackend interface {
	Status() api.Status
	// Answers returns nil once the supervisor of the connection has answered: what Status returns then is no older.
	Answers(ctx context.Context) error
	// Subscribe returns a channel that yields a value when Status has changed, and a function that ends it.
	Subscribe() (<-chan struct{}, func())
}

// status answers with all there is to those who have the token, and with what is open to all otherwise.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if !s.works(r.Context(), answerLimit) {
		jsonhttp.Fail(w, http.StatusGatewayTimeout, "Gatewatch is not responding: its connection supervisor has "+
			"not answered for 2 s; if this lasts, restart Gatewatch")
		return
	}
	jsonhttp.Answer(w, http.StatusOK, s.statusFor(s.knows(r)))
}

// works reports whether the supervisor answers within the limit, or has ended with the program. What the server shows
// without that could be of any age.
func (s *Server) works(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return !errors.Is(s.backend.Answers(ctx), context.DeadlineExceeded)
}

func (s *Server) statusFor(owner bool) api.Status {
	st := s.backend.Status()
	st.Trading.Text, st.Trading.Counts = wording.Trading(st.Trading.Armed, st.Trading.MayTrade), st.Trading.Lines()
	g := ib.Gateway{Mode: ib.Mode(st.Gateway.Mode), Port: st.Gateway.Port}
	if st.Connected && g.Mode != ib.Paper {
		st.Trading.Confirm = wording.LiveTrading(g)
	}
	if !owner {
		st = st.Open()
	}
	st.Show()
	return st
}
