package record

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
	status := func(status, filled string) News {
		return News{Client: 7, ID: 5, PermID: 77, Status: status, Filled: filled}
	}
	execution := func(total string) News { return News{Client: 7, ID: 5, PermID: 77, Filled: total} }
	code := func(code int) News { return News{Client: 7, ID: 5, Code: code} }
	held := status("Inactive", "0")
	held.Held = "locate"
	early := status("PendingSubmit", "0")
	early.PermID = 0
	for _, c := range []struct {
		name   string
		said   []News
		state  State
		filled string
	}{
		{"filled, then a status of before", []News{status("Filled", "100"), status("Submitted", "40")}, Filled, "100"},
		{"the last execution first", []News{
			execution("100"), execution("40"), status("Submitted", "40"),
		}, Filled, "100"},
		{"filled, then cancelled", []News{status("Filled", "100"), status("Cancelled", "0")}, Filled, "100"},
		{"filled twice", []News{status("Filled", "100"), status("Filled", "100")}, Filled, "100"},
		{"cancelled, then filled", []News{status("Cancelled", "0"), status("Filled", "100")}, Filled, "100"},
		{"cancelled, then a status of before", []News{
			status("Cancelled", "0"), status("Submitted", "0"),
		}, Cancelled, "0"},
		{"a part", []News{status("Submitted", "0"), execution("40"), execution("40")}, Working, "40"},
		{"an execution alone", []News{execution("40")}, Working, "40"},
		{"rejected, as the code says first", []News{code(201), status("Inactive", "0")}, Rejected, "0"},
		{"rejected, as the code says last", []News{status("Inactive", "0"), code(201)}, Rejected, "0"},
		{"rejected behind the open order", []News{
			status("PendingSubmit", "0"), code(201), status("Inactive", "0"),
		}, Rejected, "0"},
		{"rejected, with an open order in text, which has no status", []News{
			code(201), {Client: 7, ID: 5, PermID: 77}, status("Inactive", "0"),
		}, Rejected, "0"},
		{"an error, and cancelled later", []News{
			status("PreSubmitted", "0"), code(201), status("Submitted", "0"), status("Cancelled", "0"),
		}, Cancelled, "0"},
		{"rejected and cancelled", []News{code(201), status("Cancelled", "0")}, Rejected, "0"},
		{"rejected and cancelled, then a status of before", []News{
			status("Submitted", "0"), code(201), status("Cancelled", "0"), status("Submitted", "0"),
		}, Rejected, "0"},
		{"rejected and cancelled by code, then a status of before", []News{
			code(201), code(202), status("Submitted", "0"),
		}, Rejected, "0"},
		{"rejected, and filled", []News{code(201), execution("40"), status("Cancelled", "40")}, Cancelled, "40"},
		{"not rejected after all", []News{code(201), status("Inactive", "0"), status("Submitted", "0")}, Working, "0"},
		{"cancelled, as the code alone says", []News{code(202)}, Cancelled, ""},
		{"cancelled by code, then a status of before", []News{code(202), status("Submitted", "0")}, Cancelled, "0"},
		{"a part, then cancelled by code", []News{execution("40"), code(202)}, Cancelled, "40"},
		{"filled, then cancelled by code", []News{status("Filled", "100"), code(202)}, Filled, "100"},
		{"an error and cancelled, as the codes alone say", []News{
			status("PendingSubmit", "0"), code(201), code(202),
		}, Rejected, "0"},
		{"held", []News{status("PreSubmitted", "0"), held, code(404)}, Inactive, "0"},
		{"of the market data with its number", []News{code(354)}, Sent, ""},
		{"what Gateway says it ignores", []News{code(131)}, Sent, ""},
		{"cancelling was refused", []News{code(136)}, Sent, ""},
		{"no permId at first", []News{early, status("Submitted", "0")}, Working, "0"},
	} {
		b := NewTable(forgetful{})
		o, _ := b.Prepare(Order{Client: 7, ID: 5, Quantity: "100", State: Sent}, 1, 1, false)
		b.Sent(o, [2]int64{})
		for _, n := range c.said {
			b.Heard(n)
		}
		if got := b.All()[0]; got.State != c.state || got.Filled != c.filled {
			t.Errorf("%s: %s, filled %q; want %s, filled %q", c.name, got.State, got.Filled, c.state, c.filled)
		}
	}
}

// TestCombo has the legs of a combo be executed, of two contracts each: an execution of a leg, whatever its quantity,
// does not say how much of the order is filled.
func TestCombo(t *testing.T) {
	b := NewTable(forgetful{})
	o, _ := b.Prepare(Order{Client: 7, ID: 5, Quantity: "2", Combo: true, State: Sent}, 1, 1, false)
	b.Sent(o, [2]int64{})
	leg := News{Client: 7, ID: 5, PermID: 77, Filled: "2"}
	whole := func(total string) News { return News{Client: 7, ID: 5, PermID: 77, Filled: total, Combo: true} }
	for i, step := range []struct {
		said   News
		state  State
		filled string
	}{
		{leg, Working, ""},
		{whole("1"), Working, "1"},
		{leg, Working, "1"},
		{News{Client: 7, ID: 5, PermID: 77, Status: "Submitted", Filled: "1"}, Working, "1"},
		{whole("2"), Filled, "2"},
		{News{Client: 7, ID: 5, PermID: 77, Filled: "4"}, Filled, "2"},
	} {
		b.Heard(step.said)
		if got := b.All()[0]; got.State != step.state || got.Filled != step.filled {
			t.Errorf("%d: %s, filled %q; want %s, filled %q", i, got.State, got.Filled, step.state, step.filled)
		}
	}
}

// TestRefusedChange: the refusal of a change does not reject the order.
func TestRefusedChange(t *testing.T) {
	o := Order{State: Working, Changes: 1}
	o.apply(News{Code: 201})
	if o.apply(News{Status: "Cancelled"}); o.State != Cancelled {
		t.Errorf("%+v", o)
	}
}

// TestDataErrorExplainsNoOrder: a code about market data does not change an order with the same number.
func TestDataErrorExplainsNoOrder(t *testing.T) {
	o := Order{State: Working}
	o.apply(News{Code: 354, Text: "not subscribed"})
	if o.Code != 0 || o.Text != "" {
		t.Errorf("%+v", o)
	}
}

// TestExecutionOfThePast: an execution does not show that its order still works: Gateway reports executions all day.
func TestExecutionOfThePast(t *testing.T) {
	b := NewTable(forgetful{[]Order{
		{Number: 1, Client: 7, ID: 5, PermID: 77, Quantity: "100", Filled: "40", State: Working},
	}})
	for _, total := range []string{"20", "40"} {
		b.Heard(News{Client: 7, ID: 5, PermID: 77, Filled: total})
	}
	if o := b.All()[0]; o.State != Unknown || o.Filled != "40" {
		t.Errorf("%+v", o)
	}
	b.Heard(News{Client: 7, ID: 5, PermID: 77, Filled: "100"})
	if o := b.All()[0]; o.State != Filled {
		t.Errorf("%+v", o)
	}
}

// TestIDsFromOneAgain: an id which Gateway offers once more is that of a new order, and not a change of the one that
// had it before and of which no one knows what became.
func TestIDsFromOneAgain(t *testing.T) {
	start := func() *Table {
		return NewTable(forgetful{[]Order{
			{Number: 1, Client: 7, ID: 5, PermID: 77, Words: "old", State: Working},
		}})
	}
	in := Order{Client: 7, ID: 5, Words: "new", Quantity: "7", State: Sent}
	b := start()
	if _, change := b.Prepare(in, 2, 6, false); !change {
		t.Error("Gateway has counted beyond the order: it may have it")
	}
	b = start()
	o, change := b.Prepare(in, 2, 1, false)
	if change || o.Number != 2 || o.PermID != 0 {
		t.Errorf("a change %v of %+v", change, o)
	}
	b.Sent(o, [2]int64{})
	b.Heard(News{Client: 7, ID: 5, PermID: 77, Filled: "40"}) // of the old one, in the list of the day's executions
	b.Heard(News{Client: 7, ID: 5, PermID: 78, Status: "Filled", Filled: "7"})
	list := b.All()
	if len(list) != 2 || list[0].State != Filled || list[0].Filled != "7" || list[0].Words != "new" ||
		list[1].State != Unknown || list[1].Words != "old" || list[1].Filled != "40" || list[1].Changes != 0 {
		t.Errorf("%+v", list)
	}
	if working, unknown := b.Count(7); working != 0 || unknown != 1 {
		t.Errorf("%d work, %d unknown", working, unknown)
	}
	if again, change := b.Prepare(in, 2, 1, false); change {
		t.Errorf("a change of %+v", again)
	}
}

// TestAdoptedAreBounded has Gateway report open orders without end, also under one ID: they do not fill the memory, and
// an order that a program sends is known all the same.
func TestAdoptedAreBounded(t *testing.T) {
	b := NewTable(forgetful{})
	for i := range int64(3 * maxAdopted) {
		b.Adopt(Order{Client: 7, ID: 5 + i%2*i, PermID: i + 1, State: Working})
	}
	if n := max(len(b.recent), len(b.byID), len(b.byPerm)); n != maxAdopted {
		t.Errorf("%d orders are kept, not %d", n, maxAdopted)
	}
	o, _ := b.Prepare(Order{Client: 7, ID: 1 << 30, State: Sent}, 1, 1, false)
	b.Sent(o, [2]int64{})
	if !b.MayHave(7, 1, 1, 1<<30) {
		t.Error("an order of a program is not known")
	}
}
