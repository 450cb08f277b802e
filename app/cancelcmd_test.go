package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatewatch/app/api"
	"gatewatch/engine"
)

// TestCancelState is what `gatewatch orders cancel` makes of the orders.
func TestCancelState(t *testing.T) {
	order := func(id int64, open bool, text string, failed bool) api.OrderView {
		return api.OrderView{ID: id, Open: open, Text: "BUY 1 AAPL", FateText: "cancelled", CancelText: text, CancelFailed: failed}
	}
	some := api.Orders{
		Cancelling: api.Cancelling{Asked: 4, Confirmed: 2, Failed: 1, Text: "Gateway has confirmed 2 of 4."},
		Orders:     []api.OrderView{order(1, false, "", false), order(2, true, "requested", false), order(3, true, "refused", true), order(4, true, "", false)},
	}
	for name, c := range map[string]struct {
		cmd     cancelOrderCmd
		list    api.Orders
		text    string
		waiting int
		left    string // numbers of the orders
	}{
		"some":         {cancelOrderCmd{All: true}, some, "Gateway has confirmed 2 of 4.", 1, "2 3"},
		"none":         {cancelOrderCmd{All: true}, api.Orders{}, "No order is open any more.", 0, ""},
		"one that is":  {cancelOrderCmd{ID: 1}, some, "Order 1: cancelled.", 0, ""},
		"one that may": {cancelOrderCmd{ID: 2}, some, "Gateway has confirmed 2 of 4.", 1, "2"},
		"one that not": {cancelOrderCmd{ID: 3}, some, "Gateway has confirmed 2 of 4.", 0, "3"},
	} {
		text, waiting, left := c.cmd.state(c.list)
		var numbers []string
		for _, l := range left {
			number, _, _ := strings.Cut(strings.TrimPrefix(l, "order "), ",")
			numbers = append(numbers, number)
			if !strings.Contains(l, "BUY 1 AAPL: re") {
				t.Errorf("%s: %q", name, l)
			}
		}
		if text != c.text || waiting != c.waiting || strings.Join(numbers, " ") != c.left {
			t.Errorf("%s: %q, %d, %q", name, text, waiting, left)
		}
	}
}

// TestCancelRefusals holds each reason for which an order is not cancelled to what the user is told.
func TestCancelRefusals(t *testing.T) {
	other := &engine.OtherClientError{Session: 7, Orders: []engine.Intent{{ID: 12, Client: 3}}}
	for want, err := range map[string]error{
		"connect with client id 3, or cancel it in TWS":                                           errors.Join(other, engine.ErrIDReused),
		"order 5: another order has the same client id and order id in Gateway; cancel it in TWS": fmt.Errorf("order 5: %w", engine.ErrIDReused),
	} {
		var conflict *api.Conflict
		if got := answered(err); !errors.As(got, &conflict) || !strings.HasSuffix(conflict.Reason, want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := answered(engine.ErrNotOpen); !errors.Is(got, api.ErrNoOrder) {
		t.Errorf("%v", got)
	}
}
