package ui

import (
	"slices"
	"strings"

	"gatewatch/app/api"
)

// orderFilter says which orders and positions are listed, and in which order.
type orderFilter struct {
	words string // all of them have to occur in what is shown of it
	part  string // one of orderParts
	sort  string // one of orderSorts
}

// orderParts are the parts of the list; the first stands for all of them.
var orderParts = []string{"Everything", "Open orders", "Recent orders", "Blocked orders", "Positions"}

// orderSorts are the orders in which orders can be listed within their part.
var orderSorts = []string{"Newest first", "By instrument", "By state"}

// shows reports whether a part is listed.
func (f orderFilter) shows(part string) bool { return f.part == orderParts[0] || f.part == part }

// finds reports whether all words occur in what is shown.
func (f orderFilter) finds(shown ...string) bool { return matches(strings.Join(shown, " "), f.words) }

// orders returns the orders that are listed; what keep says of stays.
func (f orderFilter) orders(all []api.OrderView, keep func(id int64) bool) []api.OrderView {
	var list []api.OrderView
	for _, o := range all {
		if keep(o.ID) || f.finds(o.Text, o.Symbol, o.Rule, o.StateText, string(o.State), orderKey(o.ID)) {
			list = append(list, o)
		}
	}
	switch f.sort {
	case orderSorts[1]:
		slices.SortStableFunc(list, func(a, b api.OrderView) int { return strings.Compare(a.Symbol, b.Symbol) })
	case orderSorts[2]:
		slices.SortStableFunc(list, func(a, b api.OrderView) int {
			return strings.Compare(stateWord(&a), stateWord(&b))
		})
	}
	return list
}
