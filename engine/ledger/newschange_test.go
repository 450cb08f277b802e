package ledger

import (
	"testing"
	"time"

	"gatewatch/conn/ib"
)

// TestLearnChange has a change of an order be confirmed, refused, or left without an answer. What is shown is what
// Gateway has.
func TestLearnChange(t *testing.T) {
	for name, c := range map[string]struct {
		news    []ib.OrderNews
		want    OrderState
		limit   float64 // of the order
		asked   bool    // for a change that is not settled
		refused bool
	}{
		"nothing":           {nil, Working, 90, true, false},
		"told as it was":    {[]ib.OrderNews{open("Submitted", 10, 90)}, Working, 90, true, false},
		"confirmed":         {[]ib.OrderNews{open("Submitted", 12, 91)}, Working, 91, false, false},
		"confirmed in part": {[]ib.OrderNews{open("Submitted", 10, 91)}, Working, 91, true, false},
		"refused":           {[]ib.OrderNews{says(110)}, Working, 90, false, true},
		"refused with 201": {
			[]ib.OrderNews{says(201), open("Submitted", 10, 90)},
			Working, 90, false,
			true,
		},
		"too late":  {[]ib.OrderNews{says(104)}, Working, 90, false, true},
		"not found": {[]ib.OrderNews{says(10147)}, Working, 90, false, true},
		"the order itself was": {
			[]ib.OrderNews{says(201), status("Inactive", 0)},
			Rejected, 90, false,
			true,
		},
		"it was over": {
			[]ib.OrderNews{says(103), status("Inactive", 0), completed("Inactive")}, Inactive, 90, false, true,
		},
		"it was over, and why": {
			[]ib.OrderNews{says(135), status("Inactive", 0), says(203)}, Rejected, 90, false, true,
		},
		"it went with its entry": {
			[]ib.OrderNews{says(110), status("Cancelled", 0), completed("Cancelled")},
			Cancelled, 90, false, true,
		},
		"and Gateway says so by a code": {[]ib.OrderNews{says(110), says(202)}, Cancelled, 90, false, true},
		"an error of an unknown code":   {[]ib.OrderNews{says(99999)}, Working, 90, true, false},
		"a notice":                      {[]ib.OrderNews{says(399)}, Working, 90, true, false},
		"confirmed, then rejected": {
			[]ib.OrderNews{open("Submitted", 12, 91), says(203), status("Cancelled", 0)}, Rejected, 91, false, false,
		},
		"confirmed, then filled": {
			[]ib.OrderNews{open("Submitted", 12, 91), fill("a.01", 12, 12)},
			Filled,
			91, false, false,
		},
		"filled, or not": {[]ib.OrderNews{fill("a.01", 10, 10)}, Working, 90, true, false},
		"filled as Gateway says": {
			[]ib.OrderNews{fill("a.01", 10, 10), status("Filled", 10)},
			Filled, 90,
			false, false,
		},
		"filled as it was asked for": {[]ib.OrderNews{fill("a.01", 12, 12)}, Filled, 90, false, false},
		"too late, and over": {
			[]ib.OrderNews{status("Cancelled", 0), says(103), completed("Cancelled")},
			Cancelled, 90, false, true,
		},
		"without its order, and over": {[]ib.OrderNews{
			status("Cancelled", 0), says(202), says(135),
			completed("Cancelled"),
		}, Cancelled, 90, false, true},
		"cancelled while it is asked": {[]ib.OrderNews{status("Cancelled", 0)}, Cancelled, 90, true, false},
		"cancelled when it may be filled": {[]ib.OrderNews{
			fill("a.01", 10, 10), status("Cancelled", 10),
			completed("Cancelled"),
		}, Cancelled, 90, true, false},
	} {
		asked := ib.Order{Ref: "gw-x", Type: ib.Limit, Quantity: 12, LimitPrice: 91}
		now := time.Now()
		i := &Intent{ID: 5, Client: clientID, Order: ib.Order{
			Ref: "gw-x", Type: ib.Limit, Quantity: 10,
			LimitPrice: 90,
		}, State: Working, Asked: &asked, asking: now}
		for _, n := range c.news {
			i.learn(n, now)
		}
		if i.State != c.want || i.Order.LimitPrice != c.limit || (i.Asked != nil) != c.asked ||
			(i.Refused != nil) != c.refused {
			t.Errorf("%s: %+v", name, i)
		}
		// An answer that lists the order as it was says that the change is not in effect, unless it was asked for
		// before.
		if i.settle(true, now, now); (i.Asked != nil) != c.asked {
			t.Errorf("%s, and an older answer: %+v", name, i)
		}
		if i.settle(true, now.Add(1), now.Add(2)); !i.Done() &&
			(i.Asked != nil || (i.Refused != nil) != (c.asked || c.refused)) || i.Order.LimitPrice != c.limit {
			t.Errorf("%s, and an answer: %+v", name, i)
		}
	}
}

// TestChangeOfVanishedOrder changes an order of which Gateway has no trace then: it is not asked about it without end.
func TestChangeOfVanishedOrder(t *testing.T) {
	for is, becomes := range map[OrderState]OrderState{Working: Unknown, Inactive: Inactive} {
		now := time.Now()
		order, asked := ib.Order{Quantity: 10}, ib.Order{Quantity: 12}
		i := &Intent{State: is, Status: "Submitted", Order: order, Asked: &asked, asking: now}
		if i.settle(false, now.Add(1), now.Add(2)); i.State != becomes || !i.doubtful().IsZero() {
			t.Errorf("%s: in doubt since %v: %+v", is, i.doubtful(), i)
		}
		if i.learn(fill("a.01", 10, 10), now); is == Working && !i.doubtful().IsZero() {
			t.Errorf("%s, filled: in doubt since %v: %+v", is, i.doubtful(), i)
		}
		if i.settle(true, now.Add(3), now.Add(4)); i.Asked != nil {
			t.Errorf("%s, and listed as it was: %+v", is, i)
		}
	}
}

// TestLearnPrices has every kind of order be told with other prices than it was sent with.
func TestLearnPrices(t *testing.T) {
	news := ib.OrderNews{
		Kind: ib.OrderOpen, Ref: "gw-x", Status: "Submitted", Quantity: 3, Limit: 4, Aux: 5,
		Percent: 6,
	}
	for _, c := range [][2]ib.Order{
		{{Quantity: 1}, {Quantity: 3}},
		{{Quantity: 1, LimitPrice: 1}, {Quantity: 3, LimitPrice: 4}},
		{{Quantity: 1, StopPrice: 1}, {Quantity: 3, StopPrice: 5}},
		{{Quantity: 1, StopPrice: 1, LimitPrice: 1}, {Quantity: 3, StopPrice: 5, LimitPrice: 4}},
		{{Quantity: 1, TrailAmount: 1}, {Quantity: 3, TrailAmount: 5}},
		{{Quantity: 1, TrailPercent: 1}, {Quantity: 3, TrailPercent: 6}},
	} {
		i := &Intent{Order: c[0], State: Sent}
		if i.learn(news, time.Now()); i.Order != c[1] {
			t.Errorf("%+v, want %+v", i.Order, c[1])
		}
		if i.learn(ib.OrderNews{Kind: ib.OrderOpen, Ref: "gw-x", Status: "Submitted"},
			time.Now()); i.Order != c[1] {
			t.Errorf("told nothing: %+v, want %+v", i.Order, c[1])
		}
	}
}

// TestChangedInTWS changes orders where Gatewatch did not ask for it: they are shown as Gateway has them, and as
// changed.
func TestChangedInTWS(t *testing.T) {
	limit := ib.Order{Ref: "gw-x", Type: ib.Limit, Quantity: 10, LimitPrice: 90}
	trail := ib.Order{Ref: "gw-x", Type: ib.Trail, Quantity: 10, TrailAmount: 2, TIF: "GTC"}
	exit := ib.Order{Ref: "gw-x", Type: ib.Stop, Quantity: 10, StopPrice: 80, TIF: "GTC", Parent: 4}
	with := func(o ib.Order, change func(*ib.Order)) ib.Order {
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		sent, want ib.Order
		news       ib.OrderNews
		altered    bool
	}{
		"as it was sent": {limit, limit, ib.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, TIF: "DAY"}, false},
		"price": {
			limit, with(limit, func(o *ib.Order) { o.LimitPrice = 91 }),
			ib.OrderNews{Type: "LMT", Quantity: 10, Limit: 91},
			true,
		},
		"quantity": {
			limit, with(limit, func(o *ib.Order) { o.Quantity = 6 }),
			ib.OrderNews{Type: "LMT", Quantity: 6, Limit: 90},
			true,
		},
		"a market order now": {
			limit, with(limit, func(o *ib.Order) { o.Type, o.LimitPrice = ib.Market, 0 }),
			ib.OrderNews{Type: "MKT", Quantity: 10},
			true,
		},
		"a stop now": {
			limit, with(limit, func(o *ib.Order) { o.Type, o.LimitPrice, o.StopPrice = ib.Stop, 0, 88 }),
			ib.OrderNews{Type: "STP", Quantity: 10, Aux: 88},
			true,
		},
		"a trailing stop now": {
			exit, with(exit, func(o *ib.Order) { o.Type, o.StopPrice, o.TrailPercent = ib.Trail, 0, 5 }),
			ib.OrderNews{Type: "TRAIL", Quantity: 10, Percent: 5, TIF: "GTC"},
			true,
		},
		"in percent now": {
			trail, with(trail, func(o *ib.Order) { o.TrailAmount, o.TrailPercent = 0, 3 }),
			ib.OrderNews{Type: "TRAIL", Quantity: 10, Percent: 3, TIF: "GTC"},
			true,
		},
		"time in force": {
			limit, with(limit, func(o *ib.Order) { o.TIF = "GTC" }),
			ib.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, TIF: "GTC"},
			true,
		},
		"outside regular hours": {
			limit, with(limit, func(o *ib.Order) { o.OutsideHours = true }),
			ib.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, Outside: true},
			false,
		},
		"the account, which was not named": {
			limit, limit, ib.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, Account: "DU1"}, false,
		},
		"the account": {
			with(limit, func(o *ib.Order) { o.Account = "DU1" }),
			with(limit, func(o *ib.Order) { o.Account = "DU2" }),
			ib.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, Account: "DU2"},
			true,
		},
		"an exit, smaller by what the other one has filled": {
			exit, with(exit, func(o *ib.Order) { o.Quantity = 4 }),
			ib.OrderNews{Type: "STP", Quantity: 4, Aux: 80, TIF: "GTC"},
			false,
		},
		"a stop, as a futures exchange has it": {
			exit, with(exit, func(o *ib.Order) { o.Type = "STP PRT" }),
			ib.OrderNews{Type: "STP PRT", Quantity: 10, Aux: 80, TIF: "GTC"},
			true,
		},
		"an exit": {
			exit, with(exit, func(o *ib.Order) { o.StopPrice = 70 }),
			ib.OrderNews{Type: "STP", Quantity: 10, Aux: 70, TIF: "GTC"},
			true,
		},
	} {
		i := &Intent{Order: c.sent, State: Sent}
		c.news.Kind, c.news.Status = ib.OrderOpen, "Submitted"
		if i.learn(c.news, time.Now()); i.Order != c.want || i.Altered != c.altered {
			t.Errorf("%s: %+v, altered %v; want %+v", name, i.Order, i.Altered, c.want)
		}
		if c.sent.Type == ib.Stop && !i.stops() {
			t.Errorf("%s: it does not limit a loss any more", name)
		}
		if i.learn(c.news, time.Now()) {
			t.Errorf("%s, and the same again is news: %+v", name, i)
		}
	}

	asked, now := limit, time.Now()
	asked.Quantity, asked.LimitPrice = 12, 91
	i := &Intent{Order: limit, State: Working, Asked: &asked}
	if i.learn(open("Submitted", 10, 91), now); i.Altered || i.Asked == nil {
		t.Errorf("as it was asked for, in part: %+v", i)
	}
	if i.learn(open("Submitted", 12, 91), now); i.Altered || i.Asked != nil {
		t.Errorf("as it was asked for: %+v", i)
	}
	i = &Intent{Order: limit, State: Working, Refused: &asked}
	if i.learn(open("Submitted", 12, 91), now); i.Altered || i.Refused != nil {
		t.Errorf("as it was asked for, though a refusal was concluded: %+v", i)
	}
}
