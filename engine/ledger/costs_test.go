package ledger

import (
	"path/filepath"
	"testing"

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
