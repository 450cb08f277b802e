package rules

import (
	"testing"

	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

var eventually = ibtest.Eventually

// trade has rules run on a simulated gateway, where AAPL is at 100.
func trade(t *testing.T, list ...Rule) (*stack, *sim.Gateway) {
	t.Helper()
	g := simtest.Start(t, sim.Config{TickRate: 50, MaxMessageRate: -1})
	move(t, g, 100)
	return start(t, g.Port(), list), g
}

func move(t *testing.T, g *sim.Gateway, price float64) {
	t.Helper()
	if err := g.SetPrice("AAPL", price); err != nil {
		t.Fatal(err)
	}
}

func (st *stack) view(t *testing.T, name string) View {
	t.Helper()
	for _, v := range st.set.Views() {
		if v.Rule.Name == name {
			return v
		}
	}
	t.Fatalf("no rule %s", name)
	return View{}
}

func (st *stack) state(t *testing.T, name string, want State) {
	t.Helper()
	eventually(t, name+" is "+string(want), func() bool { return st.view(t, name).State == want })
}

// TestRulesTrade has rules place orders that are filled, refused, and rest.
func TestRulesTrade(t *testing.T) {
	at := func(name, is string, value float64, o Order) Rule {
		r := order(name, o)
		r.Conditions[0] = Condition{Price: "bid", Is: is, Value: value}
		return r
	}
	bracket := Order{
		Side: "BUY", Quantity: 3, Type: "LMT", LimitOffset: new(0.053), TIF: "GTC",
		TakeProfit: &Exit{Offset: new(2.004)}, StopLoss: &Exit{Price: new(90.0)},
	}
	st, g := trade(
		t,
		at("bracket", "crosses_up", 101, bracket),
		at("refused", "crosses_up", 102, Order{Side: "SELL", Quantity: 1, Type: "LMT", LimitPrice: new(200.001)}),
		at("rests", "crosses_up", 103, Order{
			Side: "BUY", Quantity: 1, Type: "STP LMT", StopPrice: new(300.0),
			LimitOffset: new(200.0),
		}),
		with(at("often", "crosses_up", 104, Order{Side: "SELL", Quantity: 1, Type: "MKT"}), func(r *Rule) {
			r.CooldownSeconds = 0.5
		}),
		at("too much", "crosses_up", 105, Order{Side: "SELL", Quantity: 101, Type: "MKT"}),
		at("trails", "crosses_up", 106, Order{Side: "SELL", Quantity: 2, Type: "TRAIL", TrailPercent: new(5.0)}),
	)
	seen := func() bool { return st.eng.Counts().Evaluated > 10 }
	eventually(t, "prices come", seen)
	move(t, g, 101.5)
	st.state(t, "bracket", Done)
	orders := g.State().Orders
	if len(orders) != 3 || orders[0].Quantity != 3 || orders[0].Status != "Filled" || orders[1].Action != "SELL" ||
		orders[2].Type != "STP" {
		t.Fatalf("%+v", orders)
	}
	family := st.ledger.Intents()
	if o := family[0].Order; o.LimitPrice != 101.55 || o.TIF != "GTC" {
		t.Errorf("%+v", o) // 101.553 in the trader's favour
	}
	if o := family[1].Order; o.LimitPrice != 103.51 || o.Side != ib.Sell || o.TIF != "GTC" || o.Quantity != 3 {
		t.Errorf("%+v", o)
	}
	if o := family[2].Order; o.StopPrice != 90 || o.Type != ib.Stop {
		t.Errorf("%+v", o)
	}

	move(t, g, 102.5)
	st.state(t, "refused", Failed)
	if v := st.view(t, "refused"); v.Reason != FailedRejected || v.Code != 110 {
		t.Errorf("%+v", v)
	}
	move(t, g, 103.5)
	st.state(t, "rests", Triggered)
	if v := st.view(t, "rests"); v.Waiting != WaitingOrder || v.TriggerCount != 1 {
		t.Errorf("%+v", v)
	}
	move(t, g, 104.5)
	eventually(t, "it has traded and rested", func() bool {
		v := st.view(t, "often")
		return v.TriggerCount == 1 && v.State == Active
	})
	move(t, g, 103.5)
	eventually(t, "it is below again", func() bool { v := st.view(t, "often"); return v.Price == 103.5 })
	move(t, g, 104.5)
	eventually(t, "it has traded again", func() bool {
		v := st.view(t, "often")
		return v.TriggerCount == 2 && v.State == Active
	})

	move(t, g, 105.5)
	eventually(t, "it is blocked", func() bool { return st.view(t, "too much").Blocked != nil })
	if v := st.view(t, "too much"); v.State != Active || v.Blocked.Reason != engine.BlockedQuantity ||
		v.TriggerCount != 0 {
		t.Errorf("%+v", v)
	}
	move(t, g, 106.5)
	st.state(t, "trails", Triggered)
	// What rests is cancelled by hand, and its rule is done with it.
	if n, err := st.ledger.CancelAll(st.sup.Session()); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	st.state(t, "rests", Done)
	st.state(t, "trails", Done)
}

// TestPriceStepsOfOrders has a rule place orders on an exchange where the distance between two prices depends on the
// price. Gateway refuses others (110).
func TestPriceStepsOfOrders(t *testing.T) {
	for _, version := range []int{213, 226} {
		g := simtest.Start(t, sim.Config{TickRate: 50, MaxMessageRate: -1, ServerVersion: version})
		price := func(v float64) {
			t.Helper()
			if err := g.SetPrice("7203", v); err != nil {
				t.Fatal(err)
			}
		}
		price(2990)
		st := start(t, g.Port(), nil)
		conntest.Session(t, st.sup)
		r := Rule{
			Name: "toyota", Instrument: Instrument{Symbol: "7203", Exchange: "TSEJ", Currency: "JPY"},
			Conditions: []Condition{{Price: "bid", Is: "crosses_up", Value: 3001}},
			Action: Action{Do: "order", Order: &Order{
				Side: "BUY", Quantity: 100, Type: "LMT", LimitOffset: new(-0.3), TakeProfit: &Exit{Offset: new(8000.3)},
				StopLoss: &Exit{Offset: new(-3.3)},
			}},
		}
		if err := st.set.Put([]Rule{r}); err != nil {
			t.Fatal(err)
		}
		if err := st.set.Activate(t.Context(), r.Name); err != nil {
			t.Fatal(err)
		}
		eventually(t, "its price is known", func() bool { return st.view(t, r.Name).Price == 2990 })
		price(3002)
		eventually(t, "it has triggered", func() bool { return st.view(t, r.Name).TriggerCount == 1 })
		eventually(t, "the orders are there", func() bool { return len(g.State().Orders) == 3 })
		list := st.ledger.Intents()
		for n, want := range []float64{3001, 11005, 2998.5} { // 3001.7, 11002.3 and 2998.7
			if o := list[n].Order; o.LimitPrice+o.StopPrice != want {
				t.Errorf("version %d: %+v, want %v", version, o, want)
			}
		}
		for _, i := range list {
			if i.State == ledger.Rejected {
				t.Errorf("version %d: %+v", version, i)
			}
		}
	}
}

// TestTriggeredIsTriggered has the disk remember the order of a rule and not that the rule has triggered.
func TestTriggeredIsTriggered(t *testing.T) {
	rule := notify("r", "last", "at_or_above", 1e6)
	st, _ := trade(t, rule)
	conntest.Session(t, st.sup)
	_, err := st.desk.Place(engine.Ticket{
		Session: st.sup.Session(), Rule: "r", Price: 100,
		Order: ib.Order{Contract: aapl.Contract(), Side: ib.Buy, Type: ib.Market, Quantity: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is filled", func() bool { return st.ledger.Intents()[0].State == ledger.Filled })
	set, err := NewSet(st.set.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Put([]Rule{rule}); err != nil {
		t.Fatal(err)
	}
	if v := set.Views()[0]; v.State != Done || v.TriggerCount != 1 {
		t.Errorf("%+v", v)
	}
}

// TestCaughtUp begins again with what is on disk of orders that are known to be of a rule that triggered, and of one
// that came apart on the way.
func TestCaughtUp(t *testing.T) {
	often := with(order("often", Order{Side: "SELL", Quantity: 1, Type: "MKT"}), func(r *Rule) {
		r.CooldownSeconds, r.Conditions[0].Value = 0.5, 50 // it stays met
	})
	blocked := notify("blocked", "last", "at_or_above", 1e6)
	st, _ := trade(t, often, blocked)
	eventually(t, "it has traded and rested", func() bool {
		v := st.view(t, "often")
		return v.TriggerCount == 1 && v.State == Active
	})
	buy := ib.Order{Contract: aapl.Contract(), Side: ib.Buy, Type: ib.Market, Quantity: 1}
	// without a price it does not leave
	exit := ib.Order{Contract: aapl.Contract(), Side: ib.Sell, Type: ib.Limit, Quantity: 1}
	list, err := st.desk.Place(engine.Ticket{
		Session: st.sup.Session(), Rule: "blocked", Price: 100, Order: buy,
		Exits: []ib.Order{exit},
	})
	if err == nil || len(list) != 2 || list[1].State != ledger.NotSent {
		t.Fatalf("%+v, %v", list, err)
	}
	eventually(t, "it is taken back", func() bool { return st.ledger.Intents()[1].State == ledger.Cancelled })
	set, err := NewSet(st.set.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Put([]Rule{often, blocked}); err != nil {
		t.Fatal(err)
	}
	for i, triggered := range []int{1, 0} {
		if v := set.Views()[i]; v.State != Active || v.TriggerCount != triggered {
			t.Errorf("%+v", v)
		}
	}
}

// TestPence has a rule trade a share in London over a socket: prices, those of orders too, are in pence, and limits and
// costs are in pounds.
func TestPence(t *testing.T) {
	g := simtest.Start(t, sim.Config{TickRate: 50, MaxMessageRate: -1})
	move := func(price float64) {
		t.Helper()
		if err := g.SetPrice("GAW", price); err != nil {
			t.Fatal(err)
		}
	}
	rule := func(name string, crosses float64, o Order) Rule {
		o.Type, o.LimitOffset = "LMT", new(3.3)
		r := order(name, o)
		r.Instrument = Instrument{Symbol: "GAW", Type: "STK", Exchange: "SMART", Currency: "GBP"}
		r.Conditions[0] = Condition{Price: "bid", Is: "crosses_up", Value: crosses}
		return r
	}
	move(4300)
	list := []Rule{
		rule("enough", 4301, Order{Side: "BUY", Quantity: 10}),
		rule("too much", 4401, Order{Side: "BUY", Quantity: 30}),
		rule("closes", 4501, Order{Side: "SELL", Quantity: 10}),
	}
	st := start(t, g.Port(), nil)
	conntest.Session(t, st.sup)
	if err := st.set.Put(list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if err := st.set.Activate(t.Context(), r.Name); err != nil {
			t.Fatal(err)
		}
	}
	st.desk.Configure(engine.Limits{Mode: ib.Paper, PerMinute: 100, PerDay: 100, Quantity: 100, Notional: 1000})
	eventually(t, "prices come", func() bool { return st.view(t, "enough").Price == 4300 })
	move(-1)
	eventually(t, "there is no bid", func() bool { return st.view(t, "enough").Price == 0 })
	move(4300)
	eventually(t, "there is one again", func() bool { return st.view(t, "enough").Price == 4300 })
	move(4302)
	st.state(t, "enough", Done)
	move(4402)
	eventually(t, "it is blocked", func() bool { return st.view(t, "too much").Blocked != nil })
	if v := st.view(t, "too much"); v.Blocked.Reason != engine.BlockedNotional {
		t.Errorf("%+v", v.Blocked)
	}
	move(4502)
	eventually(t, "it rests", func() bool { return st.view(t, "closes").Waiting == WaitingOrder })
	move(4506)
	st.state(t, "closes", Done)
	eventually(t, "costs are known", func() bool {
		list := st.ledger.Intents()
		return len(list) == 2 && len(list[1].Charges) > 0
	})
	bought, sold := st.ledger.Intents()[0], st.ledger.Intents()[1]
	if bought.Order.LimitPrice != 4305 || bought.Average != 4302.5 || bought.Multiplier != 0.01 {
		t.Errorf("%+v", bought)
	}
	if sold.Order.LimitPrice != 4505.5 || sold.Average != 4506 {
		t.Errorf("%+v", sold)
	}
	for _, c := range sold.Charges { // 10 shares at 45.06 less 43.025 pounds, less one pound twice
		if c.Currency != "GBP" || c.Amount != 1 || c.Realised != 18.35 {
			t.Errorf("%+v", c)
		}
	}
}
