package ledger

import (
	"path/filepath"
	"testing"
	"time"

	"gatewatch/conn/ib"
)

// TestCosts has an order filled in two parts, one of which closes a position, and reads what is on disk.
func TestCosts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	i := &Intent{ID: 5, Client: 3, PermID: 77, Order: ib.Order{Ref: "gw-x", Quantity: 10}, State: Working}
	l.intents["gw-x"], l.ids[i.key()] = i, i
	fill := func(id string, shares, total, price float64) ib.OrderNews {
		return ib.OrderNews{
			Kind: ib.OrderFilled, ID: 5, Client: 3, PermID: 77, Ref: "gw-x", Execution: id, Filled: shares,
			Total: total, Price: price,
		}
	}
	fee := func(id string, amount float64) ib.OrderNews {
		return ib.OrderNews{Kind: ib.OrderCommission, Execution: id, Price: amount, Currency: "USD"}
	}
	if _, ok := i.Charged(); ok || i.AveragePrice() != 0 {
		t.Errorf("before any fill %+v", i.Costs)
	}
	l.Learn(fill("a.1.01.01", 4, 4, 100))
	closing := fee("a.2.01.01", 1.25)
	closing.Realised, closing.Closes = -47.9, true
	if _, ours := l.Learn(closing); ours { // before its execution, as in the answer to a question
		t.Error("a commission of an execution that is not known is taken for ours")
	}
	if _, news := l.Learn(fee("a.1.01.01", 1)); !news {
		t.Error("the commission is not news")
	}
	if _, news := l.Learn(fee("a.1.01.01", 1)); news {
		t.Error("the same commission is news again")
	}
	l.Learn(fill("a.2.01.01", 6, 10, 101))
	l.Learn(fee("other.1.01.01", 7))
	check := func(when string, i *Intent) {
		t.Helper()
		c, ok := i.Charged()
		if !ok || c != (Charge{2.25, "USD", -47.9, true}) || i.AveragePrice() != 100.6 || i.State != Filled {
			t.Errorf("%s: %+v, %v, average %v", when, c, ok, i.AveragePrice())
		}
	}
	check("told", i)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLedger(t, path)
	defer l.Close()
	check("on disk", l.intents["gw-x"])

	i = &Intent{Order: ib.Order{Quantity: 10}, State: Working}
	i.learn(ib.OrderNews{Kind: ib.OrderStatus, Status: "Submitted", Filled: 3, Price: 99.5}, l.now())
	if i.AveragePrice() != 99.5 {
		t.Errorf("by its status alone %v", i.AveragePrice())
	}
	i = &Intent{Order: ib.Order{Quantity: 10}, State: Working}
	i.learn(ib.OrderNews{Kind: ib.OrderStatus, Status: "Filled", Filled: 10, Price: 99.5}, l.now())
	i.learn(ib.OrderNews{Kind: ib.OrderFilled, Execution: "a.1.01.01", Filled: 10, Price: 99.5}, l.now())
	i.learn(ib.OrderNews{Kind: ib.OrderFilled, Execution: "a.1.01.02", Price: 99.5}, l.now())
	if i.Filled != 0 || i.AveragePrice() != 0 {
		t.Errorf("an execution was taken back: average %v of %v", i.AveragePrice(), i.Filled)
	}
	i = &Intent{Order: ib.Order{Quantity: 10}, State: Working}
	if i.learn(completed("Filled"), l.now()); i.State != Filled || i.Filled != 10 {
		t.Errorf("filled, and Gateway has left out how much: %v, %s", i.Filled, i.State)
	}
	i.Charges = map[string]Charge{"a": {Amount: 1, Currency: "USD"}, "b": {Amount: 1, Currency: "EUR"}}
	if _, ok := i.Charged(); ok {
		t.Error("dollars and euros are added")
	}
}

// TestCharged has Gateway report what executions have cost, and correct them. Only what is known of all that was filled
// is what the order has cost.
func TestCharged(t *testing.T) {
	fill := func(id string, shares, total float64) ib.OrderNews {
		n := fill(id, shares, total)
		n.Client, n.ID, n.Price = clientID, 5, 100
		return n
	}
	fee := func(id string, amount float64) ib.OrderNews {
		return ib.OrderNews{Kind: ib.OrderCommission, Execution: id, Price: amount, Currency: "USD"}
	}
	for name, c := range map[string]struct {
		news   []ib.OrderNews
		amount float64
		ok     bool
	}{
		"all": {
			[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fill("b.01", 6, 10), fee("b.01", 2)}, 3, true,
		},
		"not the last":         {[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fill("b.01", 6, 10)}, 0, false},
		"not yesterday's":      {[]ib.OrderNews{fill("b.01", 6, 10), fee("b.01", 2)}, 0, false},
		"before its execution": {[]ib.OrderNews{fee("a.01", 1), fill("a.01", 4, 4)}, 1, true},
		"corrected":            {[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fill("a.02", 3, 3)}, 0, false},
		"corrected, and what that costs": {
			[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fill("a.02", 3, 3), fee("a.02", 2)}, 2, true,
		},
		"what a correction costs, before it": {
			[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fee("a.02", 2), fill("a.02", 3, 3)}, 2, true,
		},
		"corrected, and the first comes once more": {
			[]ib.OrderNews{
				fill("a.01", 4, 4), fee("a.01", 1), fill("a.02", 3, 3), fee("a.02", 2),
				fill("a.01", 4, 4), fee("a.01", 1),
			}, 2, true,
		},
		"busted": {
			[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fill("b.01", 6, 10), fee("b.01", 2), fill("a.02", 0, 6)},
			2, true,
		},
		"all busted": {[]ib.OrderNews{fill("a.01", 4, 4), fee("a.01", 1), fill("a.02", 0, 0)}, 0, false},
	} {
		l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
		i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 100}, State: Working}
		l.intents["gw-x"], l.ids[i.key()] = i, i
		for _, n := range c.news {
			l.Learn(n)
		}
		if total, ok := i.Charged(); ok != c.ok || total.Amount != c.amount {
			t.Errorf("%s: %+v, %v; want %v, %v", name, total, ok, c.amount, c.ok)
		}
		l.Close()
	}
}

// TestAverageOfAll has Gateway report average prices of an order of whose executions not all are known. One of a part
// is none of all that was filled.
func TestAverageOfAll(t *testing.T) {
	at := func(filled, price float64) ib.OrderNews {
		return ib.OrderNews{Kind: ib.OrderStatus, Status: "Submitted", Filled: filled, Price: price}
	}
	exec := func(id string, shares, total, price float64) ib.OrderNews {
		n := fill(id, shares, total)
		n.Price = price
		return n
	}
	done := completed("Filled")
	done.Filled = 10
	for name, c := range map[string]struct {
		news []ib.OrderNews
		want float64
	}{
		"as Gateway says":          {[]ib.OrderNews{at(3, 99), at(5, 98)}, 98},
		"the first once more":      {[]ib.OrderNews{at(3, 99), at(5, 98), at(3, 99)}, 98},
		"more is filled":           {[]ib.OrderNews{at(3, 99), done}, 0},
		"more is executed":         {[]ib.OrderNews{at(3, 99), exec("b.01", 2, 5, 97)}, 0},
		"its execution comes late": {[]ib.OrderNews{at(5, 98), exec("b.01", 2, 5, 97)}, 98},
		"a price is corrected": {
			[]ib.OrderNews{at(5, 98), exec("b.01", 2, 5, 97), exec("b.02", 2, 5, 96)}, 0,
		},
	} {
		i := &Intent{Order: ib.Order{Quantity: 10}, State: Working}
		for _, n := range c.news {
			i.learn(n, time.Now())
		}
		if got := i.AveragePrice(); got != c.want {
			t.Errorf("%s: %v of %v, want %v", name, got, i.Filled, c.want)
		}
	}
}
