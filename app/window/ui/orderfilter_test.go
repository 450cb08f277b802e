package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/api"
)

// ordersStage is the page of orders in a window on a laptop's screen, without its bars.
func ordersStage(t *testing.T) (*View, func() []string) {
	t.Helper()
	v, w, _ := acting(t)
	w.Resize(fyne.NewSize(520, 700))
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	v.Positions(somePositions(), nil)
	settle(w)
	return v, func() (list []string) {
		for _, e := range v.orders.list.entries {
			line := e.name
			if e.title {
				line = strings.TrimSpace("# " + line + " " + e.word)
			}
			list = append(list, line)
		}
		return list
	}
}

func TestOrdersAndPositionsAreSearchedFilteredAndSorted(t *testing.T) {
	v, lines := ordersStage(t)
	if n := v.orders.list.Size().Height / (lineHeight + theme.Padding()); n < 10 {
		t.Errorf("%.1f lines can be seen", n)
	}
	for _, c := range []struct{ words, part, sort, want string }{
		{"aapl 231", orderParts[0], orderSorts[0], "# Recent orders, BUY 100 AAPL LMT 231"},
		{"msft", orderParts[0], orderSorts[0], "SELL 10 MSFT MKT"},
		{"cme", orderParts[0], orderSorts[0], "# Positions, ESZ6 FUT CME USD"},
		{"", orderParts[4], orderSorts[0], "# Positions, AAPL STK NASDAQ USD, ESZ6 FUT CME USD"},
		{"", orderParts[3], orderSorts[0], "# Blocked orders, BUY 100 AAPL LMT 224.95"},
		{"nothing", orderParts[0], orderSorts[0], ""},
		{
			"dip", orderParts[2], orderSorts[2],
			"# Recent orders, BUY 100 AAPL LMT 220, BUY 100 AAPL LMT 231, BUY 100 AAPL LMT 221, " +
				"BUY 100000 AAPL LMT 230",
		},
	} {
		v.orders.search.SetText(c.words)
		v.orders.parts.SetSelected(c.part)
		v.orders.sorts.SetSelected(c.sort)
		if got := strings.Join(lines(), ", "); got != c.want {
			t.Errorf("%q in %s, %s: %s", c.words, c.part, c.sort, got)
		}
	}
	v.orders.search.SetText("")
	v.orders.parts.SetSelected(orderParts[0])
	all := lines()
	at := slices.Index(all, "# Recent orders")
	if at < 1 || slices.ContainsFunc(all[:at], func(line string) bool { return strings.HasPrefix(line, "#") }) {
		t.Errorf("open orders do not come first: %q", all)
	}
	v.orders.holds = nil
	v.orders.refresh()
	before := lines()
	if v.Positions(somePositions(), nil); !slices.Equal(lines()[:len(before)], before) {
		t.Errorf("positions that come move what is listed: %q, before %q", lines(), before)
	}
	orderAt(v, 1).edit()
	orderAt(v, 1).quantity.SetText("30")
	if v.orders.search.SetText("nothing"); len(lines()) != 1 {
		t.Errorf("an order with a change that was not sent is hidden: %q", lines())
	}
}

// TestPositionsThatMayHaveChanged loses Gateway's answer and the resident program.
func TestPositionsThatMayHaveChanged(t *testing.T) {
	v, lines := ordersStage(t)
	v.orders.parts.SetSelected(orderParts[4])
	v.orders.list.pick(positionKey(&somePositions().Positions[1]))
	if r := v.orders.position; r.text.Text != "-2 at 345012.25 on average" ||
		r.facts.Text != "Gateway has not reported what it is worth · account DU1234567" {
		t.Errorf("%q, %q", r.text.Text, r.facts.Text)
	}
	v.Positions(api.Positions{}, errors.New("boom"))
	if got := lines(); len(got) != 3 || got[0] != "# Positions · may have changed since 12:00:00" ||
		v.orders.list.entries[1].shape != Unknown || !strings.Contains(v.orders.position.facts.Text, "boom") {
		t.Errorf("%q, %q", got, v.orders.position.facts.Text)
	}
	v.Positions(somePositions(), nil)
	v.Status(reconnecting(), noon)
	if got := lines()[0]; got != "# Positions · may have changed since 12:00:00" {
		t.Errorf("not connected: %q", got)
	}
	v.Positions(api.Positions{Reason: "not connected"}, nil)
	if got := lines(); !slices.Equal(got, []string{"# Positions Not known"}) {
		t.Errorf("%q", got)
	}
	v.Status(armed(), noon)
	v.Positions(api.Positions{At: new(noon), Current: true}, nil)
	if got := lines(); !slices.Equal(got, []string{"# Positions None"}) {
		t.Errorf("%q", got)
	}
}

// TestSearchByShortcut gives the focus to the search of each page that has one.
func TestSearchByShortcut(t *testing.T) {
	v, _ := ordersStage(t)
	for page, search := range map[int]fyne.Focusable{
		pageRules: v.rules.search, pageOrders: v.orders.search, pageSettings: v.form.search,
	} {
		v.open(page)
		v.shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyF, Modifier: fyne.KeyModifierShortcutDefault})
		if !v.keys.focused(search) {
			t.Errorf("page %d: the search has no focus", page)
		}
	}
}
