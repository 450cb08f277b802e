package server

import (
	"context"
	"net/http"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// Trader is the part of a [Backend] that is about rules and orders.
type Trader interface {
	// Arm lets orders leave. It returns a Conflict, or Unconfirmed if the account is not known to be a paper account
	// and live is false. Disarm ends that, and waits for nothing: an order whose bytes have not left by then is
	// blocked.
	Arm(ctx context.Context, live bool) error
	Disarm(ctx context.Context) error
}

// confirmed answers a request that a person has to confirm for an account that is not known to be a paper account.
func (s *Server) confirmed(do func(ctx context.Context, live bool) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked api.ArmRequest
		if jsonhttp.DecodeOptional(w, r, &asked, `{"live": true} or {}`) {
			ended(w, do(r.Context(), asked.Live))
		}
	}
}
