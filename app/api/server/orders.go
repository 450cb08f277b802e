package server

import (
	"context"
	"net/http"
	"slices"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// OrdersBackend is the part of a [Backend] about orders of Gatewatch.
type OrdersBackend interface {
	Orders() api.Orders
	// CancelOrder asks for one of our orders to be cancelled, CancelOrders for all of them. They return ErrNoOrder or a
	// Conflict, or a Remark when not all of them can be cancelled. Orders shows what comes of it.
	CancelOrder(ctx context.Context, id int64) error
	CancelOrders(ctx context.Context) error
	// ChangeOrder changes quantity or price of a working order.
	ChangeOrder(ctx context.Context, c api.OrderChange) error
}

// orders returns what GET /orders answers.
func (s *Server) orders() api.Orders {
	o := s.backend.Orders()
	o.Orders = slices.Clone(o.Orders)
	for i := range o.Orders {
		v := &o.Orders[i]
		v.Fate, v.Shape, v.Alarm, v.Note = v.State, api.OrderShape(v.State), v.Alarming(), api.OrderNote(v)
	}
	o.Orders, o.Blocked = present(o.Orders), present(o.Blocked)
	return o
}

func (s *Server) cancelOrder(w http.ResponseWriter, r *http.Request) {
	var asked api.OrderID
	if jsonhttp.Decode(w, r, &asked, func() bool { return asked.ID > 0 }, `{"id": NUMBER}, the id of an order`) {
		ended(w, s.backend.CancelOrder(r.Context(), asked.ID))
	}
}

func (s *Server) cancelOrders(w http.ResponseWriter, r *http.Request) {
	const hint = "{}; to cancel one order, use POST /orders/cancel"
	if jsonhttp.Decode(w, r, &api.All{}, func() bool { return true }, hint) {
		ended(w, s.backend.CancelOrders(r.Context()))
	}
}

func (s *Server) changeOrder(w http.ResponseWriter, r *http.Request) {
	var asked api.OrderChange
	right := func() bool {
		some := asked.Quantity != nil || asked.LimitPrice != nil || asked.StopPrice != nil
		return asked.ID > 0 && some && (asked.Quantity == nil || *asked.Quantity > 0)
	}
	if jsonhttp.Decode(w, r, &asked, right,
		`{"id": NUMBER} with at least one of "quantity" (above 0), "limit_price" and "stop_price"`) {
		ended(w, s.backend.ChangeOrder(r.Context(), asked))
	}
}
