package cli

import (
	"strings"
	"testing"

	"gatewatch/app/api"
)

// TestCancelState is what `gatewatch orders cancel` makes of the orders.
func TestCancelState(t *testing.T) {
	order := func(id int64, open bool, text string, failed bool) api.OrderView {
		return api.OrderView{
			ID: id, Open: open, Text: "BUY 1 AAPL", StateText: "cancelled", CancelText: text,
			CancelFailed: failed,
		}
	}
	some := api.Orders{
		Cancelling: api.Cancelling{Asked: 4, Confirmed: 2, Failed: 1, Text: "Gateway has confirmed 2 of 4."},
		Orders: []api.OrderView{
			order(1, false, "", false), order(2, true, "requested", false),
			order(3, true, "refused", true), order(4, true, "", false),
		},
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
