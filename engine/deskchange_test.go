package engine

import (
	"errors"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

// TestBracket places an order with its exits, and breaks such a family apart at each of its seams.
func TestBracket(t *testing.T) {
	exits := func(quantity float64) []ib.Order {
		profit := ib.Order{
			Contract: stocks[0].Contract, Side: ib.Sell, Type: ib.Limit, Quantity: quantity,
			LimitPrice: 110, TIF: "GTC",
		}
		loss := ib.Order{
			Contract: stocks[0].Contract, Side: ib.Sell, Type: ib.Stop, Quantity: quantity,
			StopPrice: 95, TIF: "GTC",
		}
		return []ib.Order{profit, loss}
	}
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(5, 101), Exits: exits(5), Rule: "dip"})
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for n, i := range list {
		if i.Rule != "dip" || i.ID != list[0].ID+int64(n) || (i.Order.Parent != 0) != (n > 0) || n > 0 &&
			i.Order.Parent != list[0].ID || i.Order.Hold != (n < 2) {
			t.Errorf("%+v", i)
		}
	}
	c.state(t, list[0].Order.Ref, ledger.Filled)
	c.state(t, list[1].Order.Ref, ledger.Working)
	c.state(t, list[2].Order.Ref, ledger.Working)
	if err := g.SetPrice("AAPL", 111); err != nil {
		t.Fatal(err)
	}
	c.state(t, list[1].Order.Ref, ledger.Filled)
	c.state(t, list[2].Order.Ref, ledger.Cancelled)

	// A part that cannot be sent takes back what was sent of the family, and nothing of it works.
	for broken := range 3 {
		orders := append([]ib.Order{order(5, 101)}, exits(5)...)
		orders[broken].Quantity = 1.00000000001 // which the session refuses
		orders[broken].Type = "NONE"
		list, err := c.orders.Place(s, ledger.Batch{Orders: orders})
		if broken == 0 { // of which nothing is even written down
			if err == nil || len(list) != 0 {
				t.Errorf("%+v, %v", list, err)
			}
			continue
		}
		if err == nil || len(list) != 3 {
			t.Fatalf("%+v, %v", list, err)
		}
		for n, i := range list {
			if n >= broken {
				if i.State != ledger.NotSent || i.Detail == "" {
					t.Errorf("broken at %d: %+v", broken, i)
				}
				continue
			}
			c.state(t, i.Order.Ref, ledger.Cancelled)
		}
	}

	// An exit that Gateway refuses takes back what has not been filled.
	for broken := range 2 {
		odd := exits(5)
		odd[broken].LimitPrice, odd[broken].StopPrice = odd[broken].LimitPrice*1.00001, odd[broken].StopPrice*1.00001
		list, err := c.Place(Ticket{Session: s, Order: order(5, 90), Exits: odd})
		if err != nil {
			t.Fatal(err)
		}
		c.state(t, list[1+broken].Order.Ref, ledger.Rejected)
		c.state(t, list[0].Order.Ref, ledger.Cancelled)
		var other ledger.Intent // refused, where it was still on its way when the order was taken back
		eventually(t, "the other exit is done", func() bool {
			for _, i := range c.orders.Intents() {
				if i.ID == list[2-broken].ID {
					other = i
				}
			}
			return other.State.Done()
		})
		if other.State != ledger.Cancelled && other.State != ledger.Rejected || other.Filled != 0 {
			t.Errorf("%+v", other)
		}
	}
	for _, o := range g.State().Orders[3:] {
		if o.Filled != 0 || o.Status != "Cancelled" && o.Status != "ApiCancelled" {
			t.Errorf("%+v", o)
		}
	}
}

// TestChange changes orders, with the limits of new ones.
func TestChange(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(5, 90), Multiplier: 2})
	if err != nil {
		t.Fatal(err)
	}
	id := list[0].ID
	c.state(t, list[0].Order.Ref, ledger.Working)
	price := func(v float64) *float64 { return &v }
	there := func() float64 { return g.State().Orders[0].Quantity }
	if i, err := c.Change(s, id, Change{LimitPrice: price(91), Quantity: price(7)}); err != nil ||
		wanted(i).LimitPrice != 91 || wanted(i).Quantity != 7 || i.State != ledger.Working {
		t.Errorf("%+v, %v", i, err)
	}
	eventually(t, "it is changed", func() bool { return there() == 7 })
	eventually(t, "Gateway has confirmed it", func() bool {
		i := c.orders.Intents()[0]
		return i.Asked == nil && i.Order.Quantity == 7 && i.Order.LimitPrice == 91
	})
	if _, err := c.Change(s, id+1, Change{}); !errors.Is(err, ledger.ErrNotOpen) {
		t.Error(err)
	}
	for _, one := range []struct {
		limits func(*Limits)
		change Change
		armed  bool
		want   string
	}{
		{func(l *Limits) {}, Change{LimitPrice: price(92)}, false, BlockedDisarmed},
		{func(l *Limits) { l.Quantity = 7 }, Change{Quantity: price(8)}, true, BlockedQuantity},
		{func(l *Limits) { l.Notional = 2 * 7 * 91 }, Change{LimitPrice: price(91.01)}, true, BlockedNotional},
		{func(l *Limits) { l.Mode = ib.Live }, Change{LimitPrice: price(92)}, true, BlockedWrongMode},
		{func(l *Limits) { l.Notional = 1 }, Change{LimitPrice: price(92)}, false, BlockedDisarmed},
		{func(l *Limits) { l.Quantity = 1 }, Change{LimitPrice: price(92)}, false, BlockedDisarmed},
		{func(l *Limits) { l.Notional = 1 }, Change{StopPrice: price(9)}, true, BlockedNotional},
		{func(*Limits) {}, Change{StopPrice: price(9)}, true, BlockedNotSent}, // it has none
	} {
		l := generous
		one.limits(&l)
		c.Configure(l)
		c.Arm()
		if !one.armed {
			c.Disarm()
		}
		_, before := c.Blocked()
		if _, err := c.Change(s, id, one.change); reason(err) != one.want {
			t.Errorf("%s: %v", one.want, err)
		}
		if _, after := c.Blocked(); after[one.want] != before[one.want]+1 {
			t.Errorf("%s: %v, then %v", one.want, before, after)
		}
	}
	if there() != 7 {
		t.Error(there())
	}
	// As much as the limits allow.
	l := generous
	l.Quantity, l.Notional = 8, 2*8*91
	c.Configure(l)
	c.Arm()
	if _, err := c.Change(s, id, Change{Quantity: price(8)}); err != nil {
		t.Error(err)
	}
	eventually(t, "it is changed again", func() bool { return there() == 8 })
	// Every kind of order whose price says what it is worth is held to that, one without may only become smaller; an
	// exit is not held to it.
	for n, one := range []ib.Order{
		{Type: ib.Stop, StopPrice: 130},
		{Type: ib.StopLimit, StopPrice: 130, LimitPrice: 131},
		{Type: ib.Trail, TrailAmount: 5},
	} {
		one.Contract, one.Side, one.Quantity = stocks[0].Contract, ib.Buy, 1
		c.Configure(generous)
		list, err := c.Place(Ticket{Session: s, Order: one, Price: 100})
		if err != nil {
			t.Fatal(err)
		}
		c.state(t, list[0].Order.Ref, ledger.Working)
		l := generous
		l.Notional = 200
		c.Configure(l)
		want := BlockedNotional
		if one.Type == ib.Trail {
			want = BlockedNoPrice
			if _, err := c.Change(s, list[0].ID, Change{Quantity: price(0.5)}); err != nil {
				t.Errorf("%s: %v", one.Type, err)
			}
		}
		if _, err := c.Change(s, list[0].ID, Change{Quantity: price(2)}); reason(err) != want {
			t.Errorf("%s: %v", one.Type, err)
		}
		if one.Type == ib.Stop {
			if i, err := c.Change(s, list[0].ID, Change{StopPrice: price(140)}); err != nil ||
				wanted(i).StopPrice != 140 || wanted(i).Quantity != 1 {
				t.Errorf("%+v, %v", i, err)
			}
		}
		if q := g.State().Orders[1+n].Quantity; one.Type != ib.Trail && q != 1 {
			t.Errorf("%s: quantity %v", one.Type, q)
		}
	}
	exit := ib.Order{Contract: stocks[0].Contract, Side: ib.Sell, Type: ib.Limit, Quantity: 1, LimitPrice: 200}
	family, err := c.Place(Ticket{Session: s, Order: order(1, 90), Exits: []ib.Order{exit}})
	if err != nil {
		t.Fatal(err)
	}
	c.state(t, family[1].Order.Ref, ledger.Working)
	if _, err := c.Change(s, family[1].ID, Change{LimitPrice: price(500)}); err != nil {
		t.Errorf("an exit: %v", err)
	}
	// An order that is being cancelled is not open for this; it is no order that was blocked.
	g.DiscardCancels(-1)
	if err := c.orders.Cancel(s, family[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Change(s, family[0].ID, Change{LimitPrice: price(91)}); !errors.Is(err, ledger.ErrNotChanged) ||
		reason(err) != "" {
		t.Error(err)
	}
	g.DiscardCancels(0)
	// A change that Gateway refuses leaves the order as it is.
	c.Configure(generous)
	c.Arm()
	if _, err := c.Change(s, id, Change{LimitPrice: price(91.001)}); err != nil {
		t.Fatal(err)
	}
	if err := c.orders.Cancel(s, id); err != nil {
		t.Fatal(err)
	}
	c.state(t, list[0].Order.Ref, ledger.Cancelled)
	if err := c.orders.Cancel(s, id); !errors.Is(err, ledger.ErrNotOpen) {
		t.Error(err)
	}
	if _, err := c.Change(s, id, Change{LimitPrice: price(92)}); !errors.Is(err, ledger.ErrNotOpen) {
		t.Error(err)
	}
}

// TestChangeKeepsTheLimits changes orders of every type. What may not be placed is not to be had by a change, either;
// what makes an order smaller is.
func TestChangeKeepsTheLimits(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	price := func(v float64) *float64 { return &v }
	trail := ib.Order{Contract: stocks[0].Contract, Side: ib.Sell, Type: ib.Trail, Quantity: 5, TrailAmount: 5}
	stop := ib.Order{Contract: stocks[0].Contract, Side: ib.Sell, Type: ib.Stop, Quantity: 5, StopPrice: 80}
	few := func(change func(*Limits)) Limits {
		l := generous
		change(&l)
		return l
	}
	for _, one := range []struct {
		order  ib.Order
		limits Limits
		change Change
		want   string
	}{
		{trail, generous, Change{Quantity: price(6)}, BlockedNoPrice},
		{trail, few(func(l *Limits) { l.Notional = 1 }), Change{Quantity: price(4)}, ""},
		{stop, few(func(l *Limits) { l.Notional = 400 }), Change{Quantity: price(6)}, BlockedNotional},
		{stop, few(func(l *Limits) { l.Symbols = []string{"MSFT"} }), Change{Quantity: price(4)}, BlockedInstrument},
		{stop, few(func(l *Limits) { l.Symbols = []string{"MSFT", "aapl"} }), Change{Quantity: price(4)}, ""},
	} {
		c.Configure(generous)
		list, err := c.Place(Ticket{Session: s, Order: one.order, Price: 100})
		if err != nil {
			t.Fatal(err)
		}
		c.state(t, list[0].Order.Ref, ledger.Working)
		c.Configure(one.limits)
		if _, err := c.Change(s, list[0].ID, one.change); reason(err) != one.want || one.want == "" && err != nil {
			t.Errorf("%s, %+v: %v, want %q", one.order.Type, one.limits, err, one.want)
		}
	}
}

// TestCancelAll cancels what is open, also while trading is not armed and the guard is shut.
func TestCancelAll(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	if n, err := c.orders.CancelAll(nil); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	c.Arm()
	var refs []string
	for range 3 {
		list, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, list[0].Order.Ref)
		c.state(t, list[0].Order.Ref, ledger.Working)
	}
	c.Disarm()
	if _, err := c.orders.CancelAll(nil); !errors.Is(err, ib.ErrSessionOver) {
		t.Error(err)
	}
	if err := c.orders.Cancel(nil, c.orders.Intents()[0].ID); !errors.Is(err, ib.ErrSessionOver) {
		t.Error(err)
	}
	if n, err := c.orders.CancelAll(s); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, ref := range refs {
		c.state(t, ref, ledger.Cancelled)
	}
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
	if err != nil {
		t.Fatal(err)
	}
	c.state(t, list[0].Order.Ref, ledger.Working)
	g.Drop()
	<-s.Done()
	if n, err := c.orders.CancelAll(s); n != 0 || !errors.Is(err, ib.ErrSessionOver) {
		t.Errorf("%d, %v", n, err)
	}
}
