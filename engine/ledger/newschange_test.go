package ledger

import (
	"testing"
	"time"

	"gatewatch/conn"
)

// TestLearnChange has a change of an order be confirmed, refused, or left without an answer. What is shown is what
// Gateway has.
func TestLearnChange(t *testing.T) {
	for name, c := range map[string]struct {
		news    []conn.OrderNews
		want    OrderState
		limit   float64 // of the order
		asked   bool    // for a change that is not settled
		refused bool
	}{
		"nothing":           {nil, Working, 90, true, false},
		"told as it was":    {[]conn.OrderNews{open("Submitted", 10, 90)}, Working, 90, true, false},
		"confirmed":         {[]conn.OrderNews{open("Submitted", 12, 91)}, Working, 91, false, false},
		"confirmed in part": {[]conn.OrderNews{open("Submitted", 10, 91)}, Working, 91, true, false},
		"refused":           {[]conn.OrderNews{says(110)}, Working, 90, false, true},
		"refused with 201": {
			[]conn.OrderNews{says(201), open("Submitted", 10, 90)},
			Working, 90, false,
			true,
		},
		"too late":  {[]conn.OrderNews{says(104)}, Working, 90, false, true},
		"not found": {[]conn.OrderNews{says(10147)}, Working, 90, false, true},
		"the order itself was": {
			[]conn.OrderNews{says(201), status("Inactive", 0)},
			Rejected, 90, false,
			true,
		},
		"it was over": {
			[]conn.OrderNews{says(103), status("Inactive", 0), completed("Inactive")}, Inactive, 90, false, true,
		},
		"it was over, and why": {
			[]conn.OrderNews{says(135), status("Inactive", 0), says(203)}, Rejected, 90, false, true,
		},
		"it went with its entry": {
			[]conn.OrderNews{says(110), status("Cancelled", 0), completed("Cancelled")},
			Cancelled, 90, false, true,
		},
		"and Gateway says so by a code": {[]conn.OrderNews{says(110), says(202)}, Cancelled, 90, false, true},
		"an error of an unknown code":   {[]conn.OrderNews{says(99999)}, Working, 90, true, false},
		"a notice":                      {[]conn.OrderNews{says(399)}, Working, 90, true, false},
		"confirmed, then rejected": {
			[]conn.OrderNews{open("Submitted", 12, 91), says(203), status("Cancelled", 0)}, Rejected, 91, false, false,
		},
		"confirmed, then filled": {
			[]conn.OrderNews{open("Submitted", 12, 91), fill("a.01", 12, 12)},
			Filled,
			91, false, false,
		},
		"filled, or not": {[]conn.OrderNews{fill("a.01", 10, 10)}, Working, 90, true, false},
		"filled as Gateway says": {
			[]conn.OrderNews{fill("a.01", 10, 10), status("Filled", 10)},
			Filled, 90,
			false, false,
		},
		"filled as it was asked for": {[]conn.OrderNews{fill("a.01", 12, 12)}, Filled, 90, false, false},
		"too late, and over": {
			[]conn.OrderNews{status("Cancelled", 0), says(103), completed("Cancelled")},
			Cancelled, 90, false, true,
		},
		"without its order, and over": {[]conn.OrderNews{
			status("Cancelled", 0), says(202), says(135),
			completed("Cancelled"),
		}, Cancelled, 90, false, true},
		"cancelled while it is asked": {[]conn.OrderNews{status("Cancelled", 0)}, Cancelled, 90, true, false},
		"cancelled when it may be filled": {[]conn.OrderNews{
			fill("a.01", 10, 10), status("Cancelled", 10),
			completed("Cancelled"),
		}, Cancelled, 90, true, false},
	} {
		asked := conn.Order{Ref: "gw-x", Type: conn.Limit, Quantity: 12, LimitPrice: 91}
		now := time.Now()
		i := &Intent{ID: 5, Client: clientID, Order: conn.Order{
			Ref: "gw-x", Type: conn.Limit, Quantity: 10,
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

// TestLearnPrices has every kind of order be told with other prices than it was sent with.
func TestLearnPrices(t *testing.T) {
	news := conn.OrderNews{
		Kind: conn.OrderOpen, Ref: "gw-x", Status: "Submitted", Quantity: 3, Limit: 4, Aux: 5,
		Percent: 6,
	}
	for _, c := range [][2]conn.Order{
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
		if i.learn(conn.OrderNews{Kind: conn.OrderOpen, Ref: "gw-x", Status: "Submitted"},
			time.Now()); i.Order != c[1] {
			t.Errorf("told nothing: %+v, want %+v", i.Order, c[1])
		}
	}
}

// TestChangedInTWS changes orders where Gatewatch did not ask for it: they are shown as Gateway has them, and as
// changed.
func TestChangedInTWS(t *testing.T) {
	limit := conn.Order{Ref: "gw-x", Type: conn.Limit, Quantity: 10, LimitPrice: 90}
	trail := conn.Order{Ref: "gw-x", Type: conn.Trail, Quantity: 10, TrailAmount: 2, TIF: "GTC"}
	exit := conn.Order{Ref: "gw-x", Type: conn.Stop, Quantity: 10, StopPrice: 80, TIF: "GTC", Parent: 4}
	with := func(o conn.Order, change func(*conn.Order)) conn.Order {
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		sent, want conn.Order
		news       conn.OrderNews
		altered    bool
	}{
		"as it was sent": {limit, limit, conn.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, TIF: "DAY"}, false},
		"price": {
			limit, with(limit, func(o *conn.Order) { o.LimitPrice = 91 }),
			conn.OrderNews{Type: "LMT", Quantity: 10, Limit: 91},
			true,
		},
		"quantity": {
			limit, with(limit, func(o *conn.Order) { o.Quantity = 6 }),
			conn.OrderNews{Type: "LMT", Quantity: 6, Limit: 90},
			true,
		},
		"a market order now": {
			limit, with(limit, func(o *conn.Order) { o.Type, o.LimitPrice = conn.Market, 0 }),
			conn.OrderNews{Type: "MKT", Quantity: 10},
			true,
		},
		"a stop now": {
			limit, with(limit, func(o *conn.Order) { o.Type, o.LimitPrice, o.StopPrice = conn.Stop, 0, 88 }),
			conn.OrderNews{Type: "STP", Quantity: 10, Aux: 88},
			true,
		},
		"a trailing stop now": {
			exit, with(exit, func(o *conn.Order) { o.Type, o.StopPrice, o.TrailPercent = conn.Trail, 0, 5 }),
			conn.OrderNews{Type: "TRAIL", Quantity: 10, Percent: 5, TIF: "GTC"},
			true,
		},
		"in percent now": {
			trail, with(trail, func(o *conn.Order) { o.TrailAmount, o.TrailPercent = 0, 3 }),
			conn.OrderNews{Type: "TRAIL", Quantity: 10, Percent: 3, TIF: "GTC"},
			true,
		},
		"time in force": {
			limit, with(limit, func(o *conn.Order) { o.TIF = "GTC" }),
			conn.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, TIF: "GTC"},
			true,
		},
		"outside regular hours": {
			limit, with(limit, func(o *conn.Order) { o.OutsideHours = true }),
			conn.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, Outside: true},
			false,
		},
		"the account, which was not named": {
			limit, limit, conn.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, Account: "DU1"}, false,
		},
		"the account": {
			with(limit, func(o *conn.Order) { o.Account = "DU1" }),
			with(limit, func(o *conn.Order) { o.Account = "DU2" }),
			conn.OrderNews{Type: "LMT", Quantity: 10, Limit: 90, Account: "DU2"},
			true,
		},
		"an exit, smaller by what the other one has filled": {
			exit, with(exit, func(o *conn.Order) { o.Quantity = 4 }),
			conn.OrderNews{Type: "STP", Quantity: 4, Aux: 80, TIF: "GTC"},
			false,
		},
		"a stop, as a futures exchange has it": {
			exit, with(exit, func(o *conn.Order) { o.Type = "STP PRT" }),
			conn.OrderNews{Type: "STP PRT", Quantity: 10, Aux: 80, TIF: "GTC"},
			true,
		},
		"an exit": {
			exit, with(exit, func(o *conn.Order) { o.StopPrice = 70 }),
			conn.OrderNews{Type: "STP", Quantity: 10, Aux: 70, TIF: "GTC"},
			true,
		},
	} {
		i := &Intent{Order: c.sent, State: Sent}
		c.news.Kind, c.news.Status = conn.OrderOpen, "Submitted"
		if i.learn(c.news, time.Now()); i.Order != c.want || i.Altered != c.altered {
			t.Errorf("%s: %+v, altered %v; want %+v", name, i.Order, i.Altered, c.want)
		}
		if c.sent.Type == conn.Stop && !i.stops() {
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
