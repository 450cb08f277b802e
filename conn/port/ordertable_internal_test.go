package port

import (
	"context"
	"testing"
)

// forgetful is a record that keeps nothing.
type forgetful struct{ known []Order }

func (f forgetful) Orders() []Order                  { return f.known }
func (forgetful) Write(context.Context, Order) error { return nil }
func (forgetful) Note(Order)                         {}

// TestNewsInAnyOrder holds what becomes of an order of 100 when messages about it come late, twice, out of order, or
// are about something else with its number.
func TestNewsInAnyOrder(t *testing.T) {
	status := func(status, filled string) news {
		return news{client: 7, id: 5, perm: 77, status: status, filled: filled}
	}
	execution := func(total string) news { return news{client: 7, id: 5, perm: 77, filled: total} }
	code := func(code int) news { return news{client: 7, id: 5, code: code} }
	held := status("Inactive", "0")
	held.held = "locate"
	early := status("PendingSubmit", "0")
	early.perm = 0
	for _, c := range []struct {
		name   string
		said   []news
		state  State
		filled string
	}{
		{"filled, then a status of before", []news{status("Filled", "100"), status("Submitted", "40")}, Filled, "100"},
		{"the last execution first", []news{
			execution("100"), execution("40"), status("Submitted", "40"),
		}, Filled, "100"},
		{"filled, then cancelled", []news{status("Filled", "100"), status("Cancelled", "0")}, Filled, "100"},
		{"filled twice", []news{status("Filled", "100"), status("Filled", "100")}, Filled, "100"},
		{"cancelled, then filled", []news{status("Cancelled", "0"), status("Filled", "100")}, Filled, "100"},
		{"cancelled, then a status of before", []news{
			status("Cancelled", "0"), status("Submitted", "0"),
		}, Cancelled, "0"},
		{"a part", []news{status("Submitted", "0"), execution("40"), execution("40")}, Working, "40"},
		{"an execution alone", []news{execution("40")}, Working, "40"},
		{"rejected, as the code says first", []news{code(201), status("Inactive", "0")}, Rejected, "0"},
		{"rejected, as the code says last", []news{status("Inactive", "0"), code(201)}, Rejected, "0"},
		{"rejected behind the open order", []news{
			status("PendingSubmit", "0"), code(201), status("Inactive", "0"),
		}, Rejected, "0"},
		{"rejected, with an open order in text, which has no status", []news{
			code(201), {client: 7, id: 5, perm: 77}, status("Inactive", "0"),
		}, Rejected, "0"},
		{"an error, and cancelled later", []news{
			status("PreSubmitted", "0"), code(201), status("Submitted", "0"), status("Cancelled", "0"),
		}, Cancelled, "0"},
		{"rejected and cancelled", []news{code(201), status("Cancelled", "0")}, Rejected, "0"},
		{"rejected, and filled", []news{code(201), execution("40"), status("Cancelled", "40")}, Cancelled, "40"},
		{"not rejected after all", []news{code(201), status("Inactive", "0"), status("Submitted", "0")}, Working, "0"},
		{"cancelled, as the code alone says", []news{code(202)}, Cancelled, ""},
		{"cancelled by code, then a status of before", []news{code(202), status("Submitted", "0")}, Cancelled, "0"},
		{"a part, then cancelled by code", []news{execution("40"), code(202)}, Cancelled, "40"},
		{"filled, then cancelled by code", []news{status("Filled", "100"), code(202)}, Filled, "100"},
		{"an error and cancelled, as the codes alone say", []news{
			status("PendingSubmit", "0"), code(201), code(202),
		}, Rejected, "0"},
		{"held", []news{status("PreSubmitted", "0"), held, code(404)}, Inactive, "0"},
		{"of the market data with its number", []news{code(354)}, Sent, ""},
		{"what Gateway says it ignores", []news{code(131)}, Sent, ""},
		{"cancelling was refused", []news{code(136)}, Sent, ""},
		{"no permId at first", []news{early, status("Submitted", "0")}, Working, "0"},
	} {
		b := newOrderTable(forgetful{})
		o, _ := b.prepare(7, 1, 1, program{}, &instruction{id: 5, quantity: "100"})
		b.sent(o, [2]int64{})
		for _, n := range c.said {
			b.heard(n)
		}
		if got := b.all()[0]; got.State != c.state || got.Filled != c.filled {
			t.Errorf("%s: %s, filled %q; want %s, filled %q", c.name, got.State, got.Filled, c.state, c.filled)
		}
	}
}

// TestRefusedChange: the refusal of a change does not reject the order.
func TestRefusedChange(t *testing.T) {
	o := Order{State: Working, Changes: 1}
	o.apply(news{code: 201})
	if o.apply(news{status: "Cancelled"}); o.State != Cancelled {
		t.Errorf("%+v", o)
	}
}

// TestDataErrorExplainsNoOrder: a code about market data does not change an order with the same number.
func TestDataErrorExplainsNoOrder(t *testing.T) {
	o := Order{State: Working}
	o.apply(news{code: 354, text: "not subscribed"})
	if o.Code != 0 || o.Text != "" {
		t.Errorf("%+v", o)
	}
}

// TestExecutionOfThePast: an execution does not show that its order still works: Gateway reports executions all day.
func TestExecutionOfThePast(t *testing.T) {
	b := newOrderTable(forgetful{[]Order{
		{Number: 1, Client: 7, ID: 5, PermID: 77, Quantity: "100", Filled: "40", State: Working},
	}})
	for _, total := range []string{"20", "40"} {
		b.heard(news{client: 7, id: 5, perm: 77, filled: total})
	}
	if o := b.all()[0]; o.State != Unknown || o.Filled != "40" {
		t.Errorf("%+v", o)
	}
	b.heard(news{client: 7, id: 5, perm: 77, filled: "100"})
	if o := b.all()[0]; o.State != Filled {
		t.Errorf("%+v", o)
	}
}

// TestIDsFromOneAgain: an id which Gateway offers once more is that of a new order, and not a change of the one that
// had it before and of which no one knows what became.
func TestIDsFromOneAgain(t *testing.T) {
	start := func() *orderTable {
		return newOrderTable(forgetful{[]Order{
			{Number: 1, Client: 7, ID: 5, PermID: 77, Words: "old", State: Working},
		}})
	}
	in := &instruction{id: 5, words: "new", quantity: "7"}
	b := start()
	if _, change := b.prepare(7, 2, 6, program{}, in); !change {
		t.Error("Gateway has counted beyond the order: it may have it")
	}
	b = start()
	o, change := b.prepare(7, 2, 1, program{}, in)
	if change || o.Number != 2 || o.PermID != 0 {
		t.Errorf("a change %v of %+v", change, o)
	}
	b.sent(o, [2]int64{})
	b.heard(news{client: 7, id: 5, perm: 77, filled: "40"}) // of the old one, in the list of the day's executions
	b.heard(news{client: 7, id: 5, perm: 78, status: "Filled", filled: "7"})
	list := b.all()
	if len(list) != 2 || list[0].State != Filled || list[0].Filled != "7" || list[0].Words != "new" ||
		list[1].State != Unknown || list[1].Words != "old" || list[1].Filled != "40" || list[1].Changes != 0 {
		t.Errorf("%+v", list)
	}
	if working, unknown := b.count(7); working != 0 || unknown != 1 {
		t.Errorf("%d work, %d unknown", working, unknown)
	}
	if again, change := b.prepare(7, 2, 1, program{}, in); change {
		t.Errorf("a change of %+v", again)
	}
}

// TestAdoptedAreBounded has Gateway report open orders without end, also under one id: they do not fill the memory, and
// an order that a program sends is known all the same.
func TestAdoptedAreBounded(t *testing.T) {
	b := newOrderTable(forgetful{})
	for i := range int64(3 * maxAdopted) {
		b.adopt(Order{Client: 7, ID: 5 + i%2*i, PermID: i + 1, State: Working})
	}
	if n := max(len(b.recent), len(b.byID), len(b.byPerm)); n != maxAdopted {
		t.Errorf("%d orders are kept, not %d", n, maxAdopted)
	}
	o, _ := b.prepare(7, 1, 1, program{}, &instruction{id: 1 << 30})
	b.sent(o, [2]int64{})
	if !b.open(7, 1, 1, 1<<30) {
		t.Error("an order of a program is not known")
	}
}
