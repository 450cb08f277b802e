package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// dipPreview is how the dip would stand now.
func dipPreview() api.RulePreview {
	return api.RulePreview{
		Contract: "AAPL STK NASDAQ USD", Currency: "USD", Price: new(230.41), PriceAt: new(noon),
		Would: rules.WouldNot, Why: "Condition not met.", OrderValue: new(23036.0),
		Shown: "Its order would be worth about 23,036.00 USD.\nIt would not trigger now. Condition not met.",
	}
}

// TestEditorShowsThePrice edits a rule whose price comes, is old and is refused.
func TestEditorShowsThePrice(t *testing.T) {
	v, e, a := editing(t)
	if len(a.previews) != 1 || a.previews[0].Rule == nil || a.previews[0].Rule.Name != "Buy the dip" {
		t.Fatalf("asked %+v", a.previews)
	}
	if e.price.Text != "Asking for the price…" || !strings.Contains(e.inWords.Text, "Asking for its price…") {
		t.Errorf("%q, %q", e.price.Text, e.inWords.Text)
	}
	v.Previewed(a.previews[0], dipPreview(), nil)
	if e.price.Text != "Last 230.41 · now" || !strings.HasPrefix(e.inWords.Text, "When AAPL last is at or below 225") ||
		!strings.HasSuffix(e.inWords.Text,
			"Its order would be worth about 23,036.00 USD.\nIt would not trigger now. Condition not met.") {
		t.Errorf("%q, %q", e.price.Text, e.inWords.Text)
	}
	v.Tick(noon.Add(3 * time.Second))
	if len(a.previews) != 2 || e.price.Text != "Last 230.41 · 3 s ago" {
		t.Errorf("asked %d times, %q", len(a.previews), e.price.Text)
	}
	unknown := dipPreview()
	unknown.Price, unknown.PriceAt, unknown.OrderValue, unknown.Would = nil, nil, nil, rules.WouldUnknown
	unknown.Why, unknown.Shown = "No price has come yet.", "Whether it would trigger now is not known."
	v.Previewed(a.previews[1], unknown, nil)
	if e.price.Text != "No price" || !strings.HasSuffix(e.inWords.Text, "\n"+unknown.Shown) {
		t.Errorf("%q, %q", e.price.Text, e.inWords.Text)
	}
	// Without a complete rule there is the price of its instrument alone.
	e.conditions[0].in.fill(map[string]string{"value": "x", "price": "last", "is": "at_or_below"})
	v.Tick(noon.Add(6 * time.Second))
	last := a.previews[len(a.previews)-1]
	if last.Rule != nil || last.Instrument == nil || last.Instrument.Symbol != "AAPL" ||
		e.inWords.Text != "The rule is not complete yet." {
		t.Fatalf("asked %+v, %q", last, e.inWords.Text)
	}
	n := len(a.previews)
	v.Previewed(a.previews[0], dipPreview(), nil) // an answer to what is not looked at any more
	if strings.Contains(e.price.Text, "230.41") {
		t.Errorf("an old answer is shown: %q", e.price.Text)
	}
	v.Previewed(last, api.RulePreview{}, &api.Conflict{Reason: "AAPL can mean 2 contracts"})
	v.Tick(noon.Add(20 * time.Second))
	if e.price.Text != "No price: AAPL can mean 2 contracts" || len(a.previews) != n {
		t.Errorf("%q, asked %d times more", e.price.Text, len(a.previews)-n)
	}
	v.Status(reconnecting(), noon.Add(21*time.Second))
	if e.price.Text != "" {
		t.Errorf("not connected: %q", e.price.Text)
	}
}

// TestActivatingReadsBack: a rule is read back with the value of its order before it watches prices, and the answers
// stay under the mouse when that value comes.
func TestActivatingReadsBack(t *testing.T) {
	v, w, a := acting(t)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	list := someRules()
	list.Rules[0].State = rules.Draft
	v.Rules(list, nil)
	r := ruleAt(v, 0)
	a.asked = nil
	test.Tap(r.toggle)
	if len(a.asked) != 0 || !r.activate.open() || len(a.previews) != 1 {
		t.Fatalf("asked %v, previews %v", a.asked, a.previews)
	}
	settle(w)
	where, height := fyne.CurrentApp().Driver().AbsolutePositionForObject, r.activate.words.Size().Height
	before := where(r.activate.yes)
	v.Previewed(a.previews[0], dipPreview(), nil)
	settle(w)
	if grown := r.activate.words.Size().Height > height; !grown || where(r.activate.yes) != before {
		t.Errorf("grown: %v; the answer moved from %v to %v", grown, before, where(r.activate.yes))
	}
	if words := r.activate.words.Text; !strings.Contains(words, "worth about 23,036.00 USD") ||
		!strings.Contains(words, "BUY 100 AAPL LMT") {
		t.Errorf("said %q", words)
	}
	test.Tap(r.activate.no)
	if len(a.asked) != 0 || r.activate.open() {
		t.Errorf("asked %v", a.asked)
	}
	test.Tap(r.toggle)
	test.Tap(r.activate.yes)
	if len(a.asked) != 1 || a.asked[0] != "activate Buy the dip" {
		t.Errorf("asked %v", a.asked)
	}
	v.RuleDone(list, nil)
	test.Tap(r.toggle)
	if ruleAt(v, 3); r.activate.open() {
		t.Error("the question about one rule stands at another")
	}
}

// TestActivatingSeveralReadsBack: the value of each order is asked for, one after the other, and what is not known is
// said not to be.
func TestActivatingSeveralReadsBack(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	one := someRules().Rules[0]
	one.State = rules.Draft
	tell, euro := one, one
	tell.Rule.Name, tell.Rule.Action = "Only tells", rules.Action{}
	euro.Rule.Name = "In euros"
	other := one
	other.Rule.Name = "No price"
	refused := one
	refused.Rule.Name = "Refused"
	v.Rules(api.Rules{MayEdit: true, Rules: []api.RuleView{one, tell, euro, other, refused}}, nil)
	a.asked = nil
	test.Tap(v.rules.several)
	words := func() string { return v.rules.severalQ.words.Text }
	if !strings.Contains(words(), "Buy the dip: ") || !strings.Contains(words(), "Asking for its value…") ||
		!strings.HasSuffix(words(), "they may place orders (4): the value of 4 is still asked for.") {
		t.Fatalf("said %q", words())
	}
	now := noon
	answer := func(name string, p api.RulePreview, err error) {
		t.Helper()
		last := a.previews[len(a.previews)-1]
		if last.Rule == nil || last.Rule.Name != name {
			t.Fatalf("asked %+v, want %s", last.Rule, name)
		}
		v.Previewed(last, p, err)
		now = now.Add(previewEvery)
		v.Tick(now)
	}
	answer("Buy the dip", dipPreview(), nil)
	inEuros := dipPreview()
	inEuros.OrderValue, inEuros.Currency = new(1000.0), "EUR"
	answer("In euros", inEuros, nil)
	unknown := dipPreview()
	unknown.OrderValue = nil
	for range mostAsked {
		answer("No price", unknown, nil)
	}
	answer("Refused", api.RulePreview{}, &api.Conflict{Reason: "AAPL can mean 2 contracts"})
	n := len(a.previews)
	v.Tick(now.Add(previewEvery))
	for _, want := range []string{
		"Worth about 23,036.00 USD.", "Worth about 1,000.00 EUR.", "Its value is not known.",
		"they may place orders (4): about 1,000.00 EUR, about 23,036.00 USD, the value of 2 is not known.",
	} {
		if !strings.Contains(words(), want) {
			t.Errorf("%q does not say %q", words(), want)
		}
	}
	if len(a.previews) != n || slices.ContainsFunc(a.asked, func(s string) bool { return s != "rules" }) {
		t.Errorf("asked %d times more, and %v", len(a.previews)-n, a.asked)
	}
	a.asked = nil
	test.Tap(v.rules.severalQ.yes)
	if len(a.asked) != 1 || a.asked[0] != "activate Buy the dip" {
		t.Errorf("asked %v", a.asked)
	}
}
