package api

import (
	"context"
	"net/http"

	"gatewatch/app/api/jsonhttp"
)

// OrderID is the body of POST /orders/cancel.
type OrderID struct {
	ID int64 `json:"id"`
}

// ArmRequest is the body of POST /trading/arm. An empty body means {}.
type ArmRequest struct {
	// turn trading on although the account is a LIVE account, or not known to be a paper account
	Live bool `json:"live"`
}

// All is the body of POST /orders/cancel_all: an empty object, so that no one means one order and cancels all.
type All struct{}

// orders returns what GET /orders answers.
func (s *Server) orders() Orders {
	o := s.backend.Orders()
	return Orders{Orders: present(o.Orders), Cancelling: o.Cancelling, Blocked: present(o.Blocked)}
}

func (s *Server) cancelOrder(w http.ResponseWriter, r *http.Request) {
	var asked OrderID
	if jsonhttp.Decode(w, r, &asked, func() bool { return asked.ID > 0 }, `{"id": NUMBER}, the id of an order`) {
		ended(w, s.backend.CancelOrder(r.Context(), asked.ID))
	}
}

// confirmed answers a request that a person has to confirm for an account that is not known to be a paper account.
func (s *Server) confirmed(do func(ctx context.Context, live bool) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked ArmRequest
		if jsonhttp.DecodeOptional(w, r, &asked, `{"live": true} or {}`) {
			ended(w, do(r.Context(), asked.Live))
		}
	}
}

func (s *Server) cancelOrders(w http.ResponseWriter, r *http.Request) {
	if jsonhttp.Decode(w, r, &All{}, func() bool { return true }, "{}; to cancel one order, use POST /orders/cancel") {
		ended(w, s.backend.CancelOrders(r.Context()))
	}
}

func (s *Server) changeOrder(w http.ResponseWriter, r *http.Request) {
	var asked OrderChange
	right := func() bool {
		some := asked.Quantity != nil || asked.LimitPrice != nil || asked.StopPrice != nil
		return asked.ID > 0 && some && (asked.Quantity == nil || *asked.Quantity > 0)
	}
	if jsonhttp.Decode(w, r, &asked, right,
		`{"id": NUMBER} with at least one of "quantity" (above 0), "limit_price" and "stop_price"`) {
		ended(w, s.backend.ChangeOrder(r.Context(), asked))
	}
}

// Orders asks for the orders that were meant to be sent, and those that were blocked.
func (c *Client) Orders(ctx context.Context) (Orders, error) { return get[Orders](ctx, c, "/orders") }

// CancelOrder asks for one order to be cancelled. The error is [ErrNoOrder] or a [*Conflict].
func (c *Client) CancelOrder(ctx context.Context, id int64) (Answer, error) {
	return request[Answer](ctx, c, "/orders/cancel", OrderID{id}, ErrNoOrder)
}

// CancelOrders asks for all our orders to be cancelled. The error may be a [*Conflict].
func (c *Client) CancelOrders(ctx context.Context) (Answer, error) {
	return request[Answer](ctx, c, "/orders/cancel_all", All{}, nil)
}

// ChangeOrder asks for a working order to be changed. The error is [ErrNoOrder] or a [*Conflict].
func (c *Client) ChangeOrder(ctx context.Context, change OrderChange) (Answer, error) {
	return request[Answer](ctx, c, "/orders/change", change, ErrNoOrder)
}

// Arm lets orders leave; live says that a person has confirmed it for an account that is not known to be a paper
// account. The error may be a [*Conflict] or [*Unconfirmed].
func (c *Client) Arm(ctx context.Context, live bool) (Answer, error) {
	return request[Answer](ctx, c, "/trading/arm", ArmRequest{live}, nil)
}

// Disarm ends that, at once.
func (c *Client) Disarm(ctx context.Context) (Answer, error) {
	return request[Answer](ctx, c, "/trading/disarm", nil, nil)
}
