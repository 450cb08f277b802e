package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// stateWord returns what has become of an order, in words.
func stateWord(o *api.OrderView) string {
	return upper(cmp.Or(plain(o.StateText), strings.ReplaceAll(plain(string(o.State)), "_", " "), none))
}

// shortState is stateWord without what follows the state itself, which would take the room of the order.
func shortState(o *api.OrderView) string {
	word := stateWord(o)
	if end := strings.IndexAny(word, ",;:("); end > 0 {
		word = strings.TrimSpace(word[:end])
	}
	return word
}

// orderFacts returns what else is known of an order, and in a line of its own what it has cost.
func orderFacts(o *api.OrderView, now time.Time) string {
	list := []string{fmt.Sprintf("%s of %s filled", number(o.Filled), number(o.Quantity)), clock(o.At, now)}
	if !o.Changed.IsZero() && o.Changed.Sub(o.At) >= time.Second {
		list[1] += ", changed " + clock(o.Changed, now)
	}
	if rule := plain(o.Rule); rule != "" {
		list = append(list, "rule "+rule)
	}
	if o.Parent != 0 {
		list = append(list, fmt.Sprintf("closes order %d", o.Parent))
	}
	list = append(list, fmt.Sprintf("order %d", o.ID))
	return strings.TrimSpace(strings.Join(list, " · ") + "\n" + upper(plain(o.CostText)))
}

// sorted returns the orders of which something is expected, or that a person has to look after, and the others. Both
// have the newest first.
func sorted(list []api.OrderView) (open, done []api.OrderView) {
	for _, o := range list {
		if o.Current() {
			open = append(open, o)
		} else {
			done = append(done, o)
		}
	}
	newest := func(a, b api.OrderView) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) }
	slices.SortStableFunc(open, newest)
	slices.SortStableFunc(done, newest)
	return open, done
}

// canAct says whether orders can be cancelled and changed, and why not.
func canAct(st *api.Status, lost absence) (yes bool, reason string) {
	switch {
	case lost.is():
		return false, "" // the view says it, where it is not veiled
	case st == nil:
		return false, wording.LookingForGatewatch
	case !st.Connected:
		return false, wording.OrdersOutOfDate
	}
	return true, ""
}

// readBack says in words what an order becomes by a change, with its value.
func readBack(o *api.OrderView, c *api.OrderChange) string {
	quantity, limit, stop := o.Quantity, o.LimitPrice, o.StopPrice
	for _, one := range []struct{ to, from *float64 }{
		{&quantity, c.Quantity},
		{&limit, c.LimitPrice},
		{&stop, c.StopPrice},
	} {
		if one.from != nil {
			*one.to = *one.from
		}
	}
	words := strings.TrimSpace(fmt.Sprintf("Becomes: %s %s %s", strings.ToLower(plain(o.Side)), number(quantity),
		plain(o.Symbol)))
	price := limit
	if limit != 0 {
		words += ", limit price " + number(limit)
	}
	if stop != 0 {
		words += ", stop price " + number(stop)
		price = max(price, stop)
	}
	if worth := quantity * price * o.Multiplier; worth != 0 {
		words += ", worth " + wording.Money(worth, o.Currency)
	} else if o.Multiplier == 0 {
		words += ", its value is not known"
	}
	return words + "."
}

// changeOf returns the change that the texts ask of an order, nil if none, or what is wrong with them.
func changeOf(o *api.OrderView, quantity, limit, stop string) (*api.OrderChange, error) {
	c, any := &api.OrderChange{ID: o.ID}, false
	for _, one := range []struct {
		name, text string
		before     float64
		to         **float64
	}{
		{"quantity", quantity, o.Quantity, &c.Quantity},
		{"limit price", limit, o.LimitPrice, &c.LimitPrice},
		{"stop price", stop, o.StopPrice, &c.StopPrice},
	} {
		if one.before == 0 {
			continue
		}
		v, err := parseFloat(one.text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", one.name, err)
		case one.to == &c.Quantity && v <= o.Filled:
			return nil, fmt.Errorf("quantity: has to be more than the %s that are filled; cancel the order instead",
				number(o.Filled))
		case v != one.before:
			*one.to, any = &v, true
		}
	}
	if !any {
		return nil, nil
	}
	return c, nil
}
