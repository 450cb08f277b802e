package ledger

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

func TestExecutionsAddUp(t *testing.T) {
	type told struct {
		id          string
		shares, cum float64
		want        float64
	}
	for name, list := range map[string][]told{
		"one after the other": {{"a.1.01.01", 100, 100, 100}, {"a.1.02.01", 50, 150, 150}},
		"told twice":          {{"a.1.01.01", 100, 100, 100}, {"a.1.01.01", 100, 100, 100}},
		"once under two ids":  {{"a.1.01.01", 100, 100, 100}, {"b.9.01.01", 100, 100, 100}},
		"of another day":      {{"a.1.02.01", 100, 300, 300}},
		"in another order":    {{"a.1.02.01", 50, 150, 150}, {"a.1.01.01", 100, 100, 150}},
		"corrected downwards": {{"a.1.01.01", 100, 100, 100}, {"a.1.01.02", 80, 80, 80}},
		"corrected upwards": {
			{"a.1.01.01", 80, 80, 80},
			{"a.1.01.02", 100, 100, 100},
			{"a.1.02.01", 50, 150, 150},
			{"a.1.02.02", 0, 100, 100},
		},
		"the first of two is corrected": {
			{"a.1.01.01", 100, 100, 100},
			{"a.1.02.01", 100, 200, 200},
			{"a.1.01.02", 80, 180, 180},
		},
		"the first of two is corrected upwards": {
			{"a.1.01.01", 60, 60, 60},
			{"a.1.02.01", 40, 100, 100},
			{"a.1.01.02", 80, 80, 120},
		},
		"corrected upwards, with the cumulative quantity of before": {
			{"a.1.01.01", 60, 60, 60},
			{"a.1.01.02", 80, 60, 80},
			{"a.1.01.03", 70, 60, 70},
			{"a.1.01.04", 90, 60, 90},
		},
		"an old revision comes late": {{"a.1.01.02", 80, 80, 80}, {"a.1.01.01", 100, 100, 80}},
		"the correction comes again": {
			{"a.1.01.01", 100, 100, 100},
			{"a.1.01.02", 80, 80, 80},
			{"a.1.01.01", 100, 100, 80},
			{"a.1.01.02", 80, 80, 80},
		},
		"busted": {
			{"a.1.01.01", 100, 100, 100},
			{"a.1.02.01", 50, 150, 150},
			{"a.1.02.02", 0, 100, 100},
		},
		"busted with a minus":        {{"a.1.01.01", 100, 100, 100}, {"a.1.01.02", -100, 0, 0}},
		"busted, one of another day": {{"a.1.02.01", 100, 200, 200}, {"a.1.02.02", 0, 200, 100}},
		"without a cumulative quantity": {
			{"a.1.01.01", 100, 0, 100},
			{"a.1.02.01", 50, 0, 150},
			{"a.1.02.02", 10, 0, 110},
		},
		"ids without a revision": {
			{"first", 1, 1, 1},
			{"second", 2, 3, 3},
			{"a.b.cd1f", 1, 4, 4},
			{"a.b.cd2f", 1, 5, 5},
		},
	} {
		i := Intent{Order: ib.Order{Quantity: 1000}, State: Sent}
		for n, e := range list {
			i.learn(ib.OrderNews{Kind: ib.OrderFilled, Execution: e.id, Filled: e.shares, Total: e.cum}, time.Now())
			if i.Filled != e.want {
				t.Errorf("%s: %v after %d, want %v", name, i.Filled, n+1, e.want)
			}
		}
	}
}

// TestManyExecutions fills an order in more executions than are kept: what is written down of it has a bound, and what
// was filled is right, also after all of them come once more and one is corrected.
func TestManyExecutions(t *testing.T) {
	const kept, most = 1000, 3000
	i := Intent{Order: ib.Order{Quantity: most + 1}, State: Sent}
	l := &Ledger{charges: map[string]Charge{}}
	fill := func(n int, shares float64, revision int) {
		news := ib.OrderNews{
			Kind: ib.OrderFilled, Execution: fmt.Sprintf("a.%d.%02d", n, revision), Filled: shares, Total: float64(n),
			Price: 2,
		}
		l.charges[news.Execution] = Charge{Amount: 1, Currency: "USD"}
		i.learn(news, time.Now())
		l.charged(&i, news.Execution)
	}
	for range 2 {
		for n := range most {
			fill(n+1, 1, 1)
		}
		if n := max(len(i.Shares), len(i.Prices), len(i.Charges)); i.Filled != most || n != kept {
			t.Fatalf("%v filled, %d kept", i.Filled, n)
		}
	}
	if total, ok := i.Charged(); ok {
		t.Errorf("it is said to have cost %v", total)
	}
	if fill(5, 0, 2); i.Filled != most-1 {
		t.Errorf("%v filled after one was taken back", i.Filled)
	}
}

// TestExecutionTakenBack has the exchange bust what filled an order: it is not filled any more, and Gateway says what
// it is. How much was filled, only executions say from then on: what Gateway says of the order may be from before.
func TestExecutionTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		news   []ib.OrderNews
		want   OrderState
		filled float64
	}{
		"and no more":                    {nil, Unknown, 0},
		"cancelled":                      {[]ib.OrderNews{status("Cancelled", 0)}, Cancelled, 0},
		"filled as before":               {[]ib.OrderNews{status("Filled", 100)}, Filled, 0},
		"among the completed":            {[]ib.OrderNews{completed("Filled")}, Filled, 0},
		"it works, and a status is late": {[]ib.OrderNews{status("Submitted", 0), status("Submitted", 60)}, Working, 0},
		"filled again":                   {[]ib.OrderNews{status("Submitted", 0), fill("c.01", 100, 100)}, Filled, 100},
	} {
		i := Intent{Order: ib.Order{Quantity: 100}, State: Sent}
		for _, n := range append([]ib.OrderNews{
			fill("a.01", 60, 60), fill("b.01", 40, 100), status("Filled", 100), fill("a.02", 0, 40), fill("b.02", 0, 0),
		}, c.news...) {
			i.learn(n, time.Now())
		}
		if i.State != c.want || i.Filled != c.filled {
			t.Errorf("%s: %+v", name, i)
		}
	}
}

// TestStopOfBustedOrder has the stop of an order be cancelled whose execution was busted: there is no position.
func TestStopOfBustedOrder(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	defer l.Close()
	order := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10, Hold: true}, State: Working}
	stop := &Intent{ID: 6, Client: clientID, Order: ib.Order{Ref: "gw-y", Type: ib.Stop, Parent: 5}, State: Cancelled}
	for _, i := range []*Intent{order, stop} {
		l.intents[i.Order.Ref], l.ids[i.key()] = i, i
	}
	bust := fill("a.02", 0, 0)
	for _, n := range []ib.OrderNews{fill("a.01", 10, 10), completed("Filled"), bust, completed("Filled")} {
		n.ID, n.Client = 5, clientID
		l.Learn(n)
		if l.protect(stop, true); stop.Unprotected != (order.Filled > 0) {
			t.Errorf("after %+v: %+v; %+v", n, order, stop)
		}
	}
}

// TestExecutionsOfBefore reads what an older version has written down.
func TestExecutionsOfBefore(t *testing.T) {
	var i Intent
	if err := json.Unmarshal([]byte(
		`{"id":1,"order":{"Quantity":200},"fate":"working","filled":100,"shares":{"a.1.01":100}}`), &i); err != nil {
		t.Fatal(err)
	}
	i.learn(ib.OrderNews{Kind: ib.OrderFilled, Execution: "a.1.01.01", Filled: 100, Total: 100}, time.Now())
	if i.learn(ib.OrderNews{Kind: ib.OrderFilled, Execution: "a.1.02.01", Filled: 50, Total: 150},
		time.Now()); i.Filled != 150 || len(i.Shares) != 2 {
		t.Errorf("%+v", i)
	}
}

// TestExecutionsAreCorrected has executions corrected and busted over the wire, also while no one is connected.
func TestExecutionsAreCorrected(t *testing.T) {
	for _, version := range []int{213, 226} {
		g := startGateway(t, sim.Config{ServerVersion: version, PartialFills: 2})
		d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
		s := d.session(t)
		i, err := d.place(s, order(4, 95))
		if err != nil {
			t.Fatal(err)
		}
		ref := i.Order.Ref
		d.state(t, ref, Working)
		if err := g.SetPrice("AAPL", 94); err != nil {
			t.Fatal(err)
		}
		if i = d.state(t, ref, Filled); i.Filled != 4 || len(i.Shares) != 2 {
			t.Fatalf("version %d: %+v", version, i)
		}
		filled := func(want float64) {
			t.Helper()
			eventually(t, fmt.Sprintf("%v are filled", want), func() bool {
				list := d.ledger.Intents()
				return len(list) == 1 && list[0].Filled == want
			})
		}
		correct := func(shares float64) {
			t.Helper()
			if err := g.CorrectExecution(ref, shares); err != nil {
				t.Fatal(err)
			}
		}
		correct(1)
		filled(3)
		correct(0)
		filled(2)
		if i := d.ledger.Intents()[0]; i.State == Filled {
			t.Errorf("version %d: %+v", version, i)
		}
		if _, err := s.Executions(t.Context()); err != nil { // all of them come once more
			t.Fatal(err)
		}
		filled(2)
	}
}
