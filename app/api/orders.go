package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
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
	if decode(w, r, &asked, func() bool { return asked.ID > 0 }, `{"id": NUMBER}, the id of an order`) {
		ended(w, s.backend.CancelOrder(r.Context(), asked.ID))
	}
}

// confirmed answers a request that a person has to confirm for an account that is not known to be a paper account.
func (s *Server) confirmed(do func(ctx context.Context, live bool) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := read(w, r)
		if !ok {
			return
		}
		var asked ArmRequest
		if len(bytes.TrimSpace(body)) > 0 && !strictly(body, &asked) {
			fail(w, http.StatusBadRequest, `the body is not {"live": true} or {}`)
			return
		}
		err := do(r.Context(), asked.Live)
		if open := (*Unconfirmed)(nil); errors.As(err, &open) {
			fail(w, http.StatusPreconditionRequired, open.Reason)
			return
		}
		ended(w, err)
	}
}

func (s *Server) cancelOrders(w http.ResponseWriter, r *http.Request) {
	if decode(w, r, &All{}, func() bool { return true }, "{}; to cancel one order, use POST /orders/cancel") {
		ended(w, s.backend.CancelOrders(r.Context()))
	}
}

func (s *Server) changeOrder(w http.ResponseWriter, r *http.Request) {
	var asked OrderChange
	right := func() bool {
		some := asked.Quantity != nil || asked.LimitPrice != nil || asked.StopPrice != nil
		return asked.ID > 0 && some && (asked.Quantity == nil || *asked.Quantity > 0)
	}
	if decode(w, r, &asked, right,
		`{"id": NUMBER} with at least one of "quantity" (above 0), "limit_price" and "stop_price"`) {
		ended(w, s.backend.ChangeOrder(r.Context(), asked))
	}
}

// Orders asks for the orders that were meant to be sent, and those that were blocked.
func (c *Client) Orders(ctx context.Context) (o Orders, err error) {
	raw, err := c.do(ctx, http.MethodGet, "/orders")
	if err == nil {
		err = json.Unmarshal(raw, &o)
	}
	return o, err
}

// CancelOrder asks for one order to be cancelled. The error is [ErrNoOrder] or a [*Conflict].
func (c *Client) CancelOrder(ctx context.Context, id int64) (a Answer, err error) {
	err = c.ask(ctx, "/orders/cancel", OrderID{id}, &a, ErrNoOrder)
	return a, err
}

// CancelOrders asks for all our orders to be cancelled. The error may be a [*Conflict].
func (c *Client) CancelOrders(ctx context.Context) (a Answer, err error) {
	err = c.ask(ctx, "/orders/cancel_all", All{}, &a, nil)
	return a, err
}

// ChangeOrder asks for a working order to be changed. The error is [ErrNoOrder] or a [*Conflict].
func (c *Client) ChangeOrder(ctx context.Context, change OrderChange) (a Answer, err error) {
	err = c.ask(ctx, "/orders/change", change, &a, ErrNoOrder)
	return a, err
}

// Arm lets orders leave; live says that a person has confirmed it for an account that is not known to be a paper
// account. The error may be a [*Conflict] or [*Unconfirmed].
func (c *Client) Arm(ctx context.Context, live bool) (a Answer, err error) {
	err = c.ask(ctx, "/trading/arm", ArmRequest{live}, &a, nil)
	return a, err
}

// Disarm ends that, at once.
func (c *Client) Disarm(ctx context.Context) (a Answer, err error) {
	err = c.ask(ctx, "/trading/disarm", nil, &a, nil)
	return a, err
}
