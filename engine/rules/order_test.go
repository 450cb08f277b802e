package rules

import (
	"context"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// trade gives a bench a session on a simulated gateway, and arms its desk.
func (b *bench) trade() (*sim.Gateway, *ib.Session) {
	b.t.Helper()
	g := simtest.Start(b.t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: g.Port(), ClientID: 17, Mode: ib.Paper, ConnectTimeout: 20 * time.Second,
		Poll: time.Second, Soft: 20 * time.Second, Hard: time.Minute, Delays: []time.Duration{10 * time.Millisecond},
		WatchLocalPort: true,
		ProofOfLife:    20 * time.Second,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sup.Run(ctx) })
	b.t.Cleanup(func() {
		cancel()
		running.Wait()
		g.Close()
	})
	b.choices["AAPL"] = []ib.Details{
		{
			Contract: ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}, MinTick: 0.01,
			Multiplier: 1,
		},
	}
	b.desk.Arm()
	return g, conntest.Session(b.t, sup)
}

// arrived returns how many orders a gateway has when all that was sent has arrived.
func arrived(t *testing.T, g *sim.Gateway, s *ib.Session) int {
	t.Helper()
	if _, err := s.OpenOrders(t.Context()); err != nil {
		t.Fatal(err)
	}
	return len(g.State().Orders)
}

// TestOrdersSettle follows rules whose orders leave, from the trigger to what becomes of the order.
func TestOrdersSettle(t *testing.T) {
	b := newBench(t)
	g, s := b.trade()
	offset := -0.5
	once := order("once", Order{Side: "BUY", Quantity: 1, Type: "LMT", LimitOffset: &offset})
	again := with(order("again", Order{Side: "SELL", Quantity: 2, Type: "MKT"}), func(r *Rule) {
		r.CooldownSeconds = 3600
	})
	b.put(once, again)
	b.instruments()
	b.set.OnBegin(s)
	b.tick("AAPL last 50") // nothing is known of bid and ask
	if triggered := b.tick("AAPL last 100"); triggered != "once again" {
		t.Fatalf("%q", triggered)
	}
	if list := b.reports; list[0].Kind != engine.ReportTriggered ||
		list[0].Text != "AAPL last 100: BUY 1 AAPL LMT 99.5" ||
		list[1].Text != "AAPL last 100: SELL 2 AAPL MKT" || list[0].At.IsZero() {
		t.Errorf("%+v", list)
	}
	for _, name := range []string{"once", "again"} {
		if v := b.view(name); v.State != Triggered || v.Waiting != WaitingOrder || v.TriggerCount != 1 ||
			v.TriggeredAt.IsZero() || v.Blocked != nil {
			t.Errorf("%+v", v)
		}
	}
	if n := arrived(t, g, s); n != 2 {
		t.Fatalf("%d orders", n)
	}
	if notes, err := b.ledger.Notes(); err != nil || len(notes) != 2 || !reflect.DeepEqual(notes, b.set.notes) {
		t.Errorf("%q are written down, %v, and %q are remembered", notes, err, b.set.notes)
	}
	intents := map[string]ledger.Intent{}
	for _, i := range b.ledger.Intents() {
		intents[i.Rule] = i
	}
	tell := func(rule string, state ledger.OrderState, change func(*ledger.Intent)) {
		i := intents[rule]
		i.State, i.Changed, i.Code, i.Detail = state, i.Changed.Add(time.Second), 201, "margin"
		if change != nil {
			change(&i)
		}
		b.set.OnOrder(i)
	}
	stays := func(name, why string) {
		t.Helper()
		if v := b.view(name); v.State != Triggered || v.Waiting != WaitingOrder {
			t.Errorf("%s: %+v", why, v)
		}
	}
	for _, state := range []ledger.OrderState{ledger.Planned, ledger.Sent, ledger.Working, ledger.Unknown} {
		tell("once", state, nil)
		stays("once", string(state))
	}
	tell("once", ledger.Filled, func(i *ledger.Intent) { i.Order.Parent = 5 })
	stays("once", "an exit was filled")
	tell("once", ledger.Filled, func(i *ledger.Intent) { i.At = i.At.Add(-time.Hour) })
	stays("once", "an order of an earlier trigger was filled")
	tell("once", ledger.Filled, func(i *ledger.Intent) { i.Rule = "" })
	stays("once", "an order that is not a rule's was filled")
	tell("once", ledger.Filled, func(i *ledger.Intent) { i.Rule = "gone" })
	stays("once", "an order of a rule that is gone was filled")
	before := len(b.reports)
	tell("once", ledger.Filled, nil)
	tell("again", ledger.Filled, nil)
	if v := b.view("once"); v.State != Done || !v.Since.Equal(intents["once"].Changed.Add(time.Second)) {
		t.Errorf("%+v", v)
	}
	if v := b.view("again"); v.State != Triggered || v.Waiting != WaitingCooldown {
		t.Errorf("%+v", v)
	}
	tell("again", ledger.Rejected, nil) // of what is settled nothing more is heard
	if v := b.view("again"); v.State != Triggered || v.Waiting != WaitingCooldown || len(b.reports) != before {
		t.Errorf("%+v, %+v", v, b.reports)
	}
	// So it stands after a restart; the cooldown goes on.
	b.restart()
	if err := b.set.Put([]Rule{once, again}); err != nil {
		t.Fatal(err)
	}
	if one, two := b.view("once"), b.view("again"); one.State != Done || two.State != Triggered ||
		two.Waiting != WaitingCooldown || two.TriggerCount != 1 {
		t.Errorf("%+v, %+v", one, two)
	}
	b.desk.Arm()
	b.instruments()
	b.set.OnBegin(s)
	b.age(2 * time.Hour)
	if triggered := b.tick("AAPL last 50", "wait 100ms", "AAPL last 100"); triggered != "again" {
		t.Errorf("%q", triggered)
	}

	// What becomes of an order while no one looks is learnt at the next start.
	for _, i := range b.ledger.Pending() {
		b.ledger.Learn(ib.OrderNews{Kind: ib.OrderCompleted, Ref: i.Order.Ref, Status: "Cancelled"})
	}
	b.restart()
	if err := b.set.Put([]Rule{once, again}); err != nil {
		t.Fatal(err)
	}
	if v := b.view("again"); v.Waiting != WaitingCooldown || v.TriggerCount != 2 {
		t.Errorf("%+v", v)
	}
}

// TestOrdersThatFail has orders be refused, and be blocked.
func TestOrdersThatFail(t *testing.T) {
	b := newBench(t)
	g, s := b.trade()
	offset := 0.5
	one := with(order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}), func(r *Rule) { r.CooldownSeconds = 3600 })
	trigger := func() ledger.Intent {
		t.Helper()
		b.put(one)
		b.instruments()
		b.set.OnBegin(s)
		if triggered := b.tick("AAPL last 100"); triggered != "r" {
			t.Fatalf("%q", triggered)
		}
		list := b.ledger.Intents()
		return list[len(list)-1]
	}
	failed := func(reason string, code int, detail string) {
		t.Helper()
		for range 2 {
			if v := b.view("r"); v.State != Failed || v.Reason != reason || v.Code != code || v.Detail != detail ||
				v.Since.IsZero() {
				t.Errorf("%+v", v)
			}
			if last := b.reports[len(b.reports)-1]; last.Kind != engine.ReportFailed || last.Rule != "r" ||
				last.Reason != reason || last.Code != code || last.Detail != detail || last.At.IsZero() {
				t.Errorf("%+v", last)
			}
			b.restart()
			b.desk.Arm()
			if err := b.set.Put([]Rule{one}); err != nil {
				t.Fatal(err)
			}
		}
	}
	i := trigger()
	i.State, i.Code, i.Detail = ledger.Rejected, 201, "margin"
	b.set.OnOrder(i)
	before := len(b.reports)
	if b.set.OnOrder(i); len(b.reports) != before {
		t.Errorf("told twice: %+v", b.reports)
	}
	failed(FailedRejected, 201, "margin")
	i = trigger()
	i.State, i.Code, i.Detail = ledger.NotSent, 7, "gone"
	b.set.OnOrder(i)
	failed(FailedNotSent, 0, "gone")
	i = trigger()
	i.State, i.Code, i.Detail = ledger.Inactive, 0, "held"
	before = len(b.reports)
	if b.set.OnOrder(i); b.view("r").State != Triggered || len(b.reports) != before {
		t.Errorf("an order that may work again fails its rule: %+v", b.view("r"))
	}
	i.Ended = true
	b.set.OnOrder(i)
	failed(FailedInactive, 0, "held")

	// An offset needs a price of the rule's own instrument.
	one.Conditions[0].Instrument = &Instrument{Symbol: "MSFT"}
	one.Action.Order = &Order{Side: "BUY", Quantity: 1, Type: "LMT", LimitOffset: &offset}
	b.put(one)
	b.instruments()
	b.set.OnBegin(s)
	orders := arrived(t, g, s)
	if triggered := b.tick("MSFT last 100"); triggered != "r!" {
		t.Errorf("%q", triggered)
	}
	if v := b.view("r"); v.State != Active || v.TriggerCount != 0 || v.Blocked == nil ||
		v.Blocked.Reason != engine.BlockedNoPrice {
		t.Errorf("%+v", v)
	}
	if _, count := b.desk.Blocked(); count[engine.BlockedNoPrice] != 1 {
		t.Errorf("%v", count)
	}
	if n := arrived(t, g, s); n != orders {
		t.Errorf("%d orders", n-orders)
	}

	// A blocked order leaves the rule active, and is forgotten when one leaves.
	one.Conditions[0].Instrument = nil
	b.put(one)
	b.desk.Disarm()
	b.instruments()
	b.set.OnBegin(s)
	changed := b.changed
	if triggered := b.tick("AAPL last 100"); triggered != "r!" {
		t.Errorf("%q", triggered)
	}
	v := b.view("r")
	if b.changed == changed {
		t.Error("nobody was told that an order was blocked")
	}
	if v.State != Active || v.Waiting != WaitingSpent || v.TriggerCount != 0 || v.Blocked == nil ||
		v.Blocked.Reason != engine.BlockedDisarmed || v.BlockedAt.IsZero() {
		t.Errorf("%+v", v)
	}

	// It does not leave later, after a restart either: the rule has to be unmet first.
	b.restart()
	if err := b.set.Put([]Rule{one}); err != nil {
		t.Fatal(err)
	}
	b.desk.Arm()
	b.instruments()
	b.set.OnBegin(s)
	if triggered := b.tick("AAPL last 100"); triggered != "" || b.view("r").Waiting != WaitingSpent {
		t.Errorf("after a restart %q, %+v", triggered, b.view("r"))
	}
	changed = b.changed
	if triggered := b.tick("AAPL last 99", "AAPL last 100"); triggered != "r" || b.changed == changed {
		t.Errorf("%q, told %d times", triggered, b.changed-changed)
	}
	if v := b.view("r"); v.State != Triggered || v.TriggerCount != 1 || v.Blocked != nil {
		t.Errorf("%+v", v)
	}
	if notes, err := b.ledger.Notes(); err != nil || !strings.Contains(string(notes["rule/r"]), `"triggered"`) {
		t.Errorf("%s, %v", notes, err)
	}
}

// TestTriggersNoMore has a rule be met at the moment when it is deactivated or begins again.
func TestTriggersNoMore(t *testing.T) {
	b := newBench(t)
	one := notify("r", "last", "at_or_above", 100)
	b.put(one)
	b.instruments()
	old := b.set.entries[0].active
	if err := b.set.Activate(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	b.instruments()
	b.set.trigger(old)
	if err := b.set.Deactivate("r"); err != nil {
		t.Fatal(err)
	}
	b.set.trigger(b.set.entries[0].active)
	if len(b.reports) != 0 {
		t.Errorf("%+v", b.reports)
	}
	if err := b.set.Activate(t.Context(), "r"); err != nil { // nothing is left locked
		t.Fatal(err)
	}
}
