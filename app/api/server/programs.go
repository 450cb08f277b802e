package server

import (
	"context"
	"net/http"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// ProgramBackend is the part of a [Backend] that is about programs at the guarded port.
type ProgramBackend interface {
	Programs() api.Programs
	ProgramOrders() api.ProgramOrders
	// StopTrading turns trading off and refuses all orders of programs, also after a restart of Gatewatch.
	StopTrading(ctx context.Context) error
	// AllowPrograms lets programs trade again. It returns Unconfirmed if the account is not known to be a paper account
	// and live is false.
	AllowPrograms(ctx context.Context, live bool) error
	// SetReadOnly refuses the orders of programs with a client id, or no longer does. It writes settings.json.
	SetReadOnly(ctx context.Context, clientID int, on bool) error
}

// programs returns what GET /clients answers.
func (s *Server) programs() api.Programs {
	p := s.backend.Programs()
	p.Programs = present(p.Programs)
	return p
}

// programOrders returns what GET /clients/orders answers.
func (s *Server) programOrders() api.ProgramOrders {
	return api.ProgramOrders{Orders: present(s.backend.ProgramOrders().Orders)}
}

func (s *Server) setReadOnly(w http.ResponseWriter, r *http.Request) {
	asked := api.ReadOnlyRequest{ClientID: -1}
	if jsonhttp.Decode(w, r, &asked, func() bool {
		return asked.ClientID >= 0
	}, `{"client_id": NUMBER, "read_only": true or false}`) {
		ended(w, s.backend.SetReadOnly(r.Context(), asked.ClientID, asked.ReadOnly))
	}
}
