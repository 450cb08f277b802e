package ui

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/engine/ledger"
)

func TestOrderStates(t *testing.T) {
	want := map[ledger.OrderState]Shape{
		ledger.Planned: Working, ledger.Sent: Working, ledger.Working: Working, ledger.Filled: Up,
		ledger.Cancelled: Over,
		ledger.Rejected:  Down, ledger.Unknown: Impaired, ledger.Inactive: Impaired, ledger.NotSent: Unknown,
	}
	for state, shape := range want {
		if got := named[api.OrderShape(state)]; got != shape {
			t.Errorf("%s is shown as %v, want %v", state, got, shape)
		}
	}
	lost := api.OrderView{State: ledger.Unknown, Code: 201, Detail: "a\x1bb"}
	if got := api.OrderNote(&lost); !strings.Contains(got, "Look in TWS") ||
		!strings.HasSuffix(got, "IB code 201: a b") {
		t.Errorf("said %q", got)
	}
	naked := api.OrderView{State: ledger.Cancelled, Unprotected: true, ChangeText: "change asked for", Code: 202}
	if got := api.OrderNote(&naked); !strings.Contains(got, "place a stop in TWS") ||
		!strings.Contains(got, "Change asked for.") {
		t.Errorf("said %q", got)
	}
	if open, done := sorted([]api.OrderView{naked}); len(open) != 1 || len(done) != 0 {
		t.Errorf("a stop that does not work is among those that are done")
	}
	for text, want := range map[string]string{
		"working (PreSubmitted, held: trigger)": "Working", "working, when last connected": "Working",
		"unknown: look in TWS whether it is there": "Unknown", "filled": "Filled", "": none,
	} {
		if got := shortState(&api.OrderView{StateText: text}); got != want {
			t.Errorf("%q is %q in the list, want %q", text, got, want)
		}
	}
	if got := stateWord(&api.OrderView{State: ledger.NotSent}); got != "Not sent" {
		t.Errorf("word %q", got)
	}
}

func TestChangeOfAnOrder(t *testing.T) {
	o := api.OrderView{ID: 7, Quantity: 100, Filled: 40, LimitPrice: 9.5}
	for _, c := range []struct {
		quantity, limit string
		want            *api.OrderChange
		bad             bool
	}{
		{"100", "9.5", nil, false},
		{"60", "9.5", &api.OrderChange{ID: 7, Quantity: new(60.0)}, false},
		{"100", "9.4", &api.OrderChange{ID: 7, LimitPrice: new(9.4)}, false},
		{"40", "9.5", nil, true},
		{"", "9.5", nil, true},
		{"100", "cheap", nil, true},
		{"1e999", "9.5", nil, true},
	} {
		got, err := changeOf(&o, c.quantity, c.limit, "0")
		if !reflect.DeepEqual(got, c.want) || (err != nil) != c.bad {
			t.Errorf("%s at %s: %+v, %v", c.quantity, c.limit, got, err)
		}
	}
}

func TestOrdersAreCancelledAndChanged(t *testing.T) {
	v, _, a := acting(t)
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	if len(v.orders.open) != 3 || v.orders.open[0].ID != 18 || len(v.orders.done) != 4 ||
		len(v.orders.list.entries) != 3+1+4+1+1 {
		t.Fatalf("%d open, %d done, %d lines", len(v.orders.open), len(v.orders.done), len(v.orders.list.entries))
	}
	rows := []*orderRow{orderAt(v, 0), orderAt(v, 1)}
	v.orders.list.pick(orderKey(18))
	before := len(a.asked)
	test.Tap(rows[0].cancel)
	test.Tap(rows[0].cancel)
	if len(a.asked) != before+1 {
		t.Errorf("it can be cancelled twice at once: %v", a.asked)
	}
	v.OrderDone(18, errors.New("boom"))
	if rows[0].outcome.Text != "That did not work: boom" || rows[0].cancel.Disabled() {
		t.Errorf("said %q", rows[0].outcome.Text)
	}
	test.Tap(rows[1].change)
	rows[1].limit.SetText("225")
	v.Orders(someOrders(), nil) // prices go by, and what is typed stays
	if rows[1].limit.Text != "225" {
		t.Errorf("typed 225, and it became %q", rows[1].limit.Text)
	}
	test.Tap(rows[1].send)
	v.OrderDone(17, nil)
	if len(a.changes) != 1 || *a.changes[0].LimitPrice != 225 || rows[1].editing {
		t.Errorf("sent %+v, still editing %v", a.changes, rows[1].editing)
	}
	test.Tap(v.orders.all)
	test.Tap(v.orders.question.yes)
	if got := a.asked[len(a.asked)-1]; got != "cancel 0" {
		t.Errorf("asked %v", a.asked)
	}
	v.Status(reconnecting(), noon)
	if !rows[0].cancel.Disabled() || !v.orders.all.Disabled() || v.orders.note.Text == "" ||
		rows[0].sign.shape != Unknown {
		t.Error("not connected, and it looks as if something could be done")
	}
}

// TestCancellationsAreShown has orders be cancelled: the page says how far that is, and what Gateway refuses.
func TestCancellationsAreShown(t *testing.T) {
	v, _, _ := acting(t)
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	if v.orders.cancels.Visible() {
		t.Errorf("nothing is to be cancelled: %q", v.orders.cancels.Text)
	}
	some := someOrders()
	some.Cancelling = api.Cancelling{Asked: 3, Confirmed: 1, Failed: 1, Text: "Gateway has confirmed 1 of 3."}
	for i := range some.Orders {
		if some.Orders[i].ID == 18 {
			some.Orders[i].CancelText, some.Orders[i].CancelFailed = "Gateway refuses to cancel it.", true
		}
	}
	v.Orders(some, nil)
	row := orderAt(v, 0)
	if v.orders.cancels.Text != some.Cancelling.Text || !v.orders.cancels.Visible() {
		t.Errorf("%q", v.orders.cancels.Text)
	}
	if !strings.Contains(row.wrong.Text, "Gateway refuses to cancel it.") ||
		row.wrong.Importance != widget.DangerImportance || !row.wrong.Visible() {
		t.Errorf("%q", row.wrong.Text)
	}
	v.OrderDone(0, &api.Remark{Text: "2 orders belong to another client id"})
	if v.orders.failed.Text != "2 orders belong to another client id" {
		t.Errorf("%q", v.orders.failed.Text)
	}
}

// orderAt chooses an open order and returns its details.
func orderAt(v *View, i int) *orderRow {
	v.orders.list.pick(orderKey(v.orders.open[i].ID))
	return v.orders.row(v.orders.open[i].ID)
}

// TestTypedChangesOfOrdersAreKept chooses another order while one is being changed, and presses Escape.
func TestTypedChangesOfOrdersAreKept(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	row := orderAt(v, 1)
	test.Tap(row.change)
	if v.Close(); a.closed != 1 {
		t.Error("nothing was typed, and it does not close")
	}
	row.limit.SetText("225")
	orderAt(v, 0)
	if v.Close(); a.closed != 1 || !v.unsaved.open() || v.page != pageOrders {
		t.Error("what was typed is lost")
	}
	if again := orderAt(v, 1); again.limit.Text != "225" || !again.editing {
		t.Errorf("%q", again.limit.Text)
	}
	test.Tap(v.unsaved.yes)
	if a.closed != 2 {
		t.Error("it does not close")
	}
}
