package ui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// rulesStage is the page of rules in a window on a laptop's screen, without its bars.
func rulesStage(t *testing.T) (*View, *acts) {
	t.Helper()
	v, w, a := acting(t)
	w.Resize(fyne.NewSize(520, 700))
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	v.Rules(manyRules(), nil)
	settle(w)
	return v, a
}

// TestTenRulesOnALaptop counts the lines that can be seen, and checks that there are no widgets for the others.
func TestTenRulesOnALaptop(t *testing.T) {
	v, _ := rulesStage(t)
	if n := v.rules.list.Size().Height / (lineHeight + theme.Padding()); n < 10 {
		t.Errorf("%.1f rules can be seen", n)
	}
	made := 0
	create := v.rules.list.CreateItem
	v.rules.list.CreateItem = func() fyne.CanvasObject { made++; return create() }
	var many api.Rules
	for i := range 500 {
		many.Rules = append(many.Rules, api.RuleView{Rule: rules.Rule{Name: fmt.Sprint(i)}, State: rules.Draft})
	}
	if v.Rules(many, nil); made > 30 {
		t.Errorf("%d lines were made for 500 rules", made)
	}
}

func TestRulesAreSearchedFilteredAndSorted(t *testing.T) {
	v, _ := rulesStage(t)
	names := func() (list []string) {
		for _, e := range v.rules.list.entries {
			list = append(list, e.name)
		}
		return list
	}
	v.rules.search.SetText("aapl DIP")
	if got := names(); !slices.Equal(got, []string{"Buy the dip"}) || v.rules.title.Text != "Rules: 1 of 24" {
		t.Errorf("found %q, %q", got, v.rules.title.Text)
	}
	v.rules.search.SetText("")
	v.rules.states.SetSelected("Failed")
	if got := names(); !slices.Equal(got, []string{"Sell the peak"}) {
		t.Errorf("failed: %q", got)
	}
	v.rules.states.SetSelected(anyState)
	for sort, first := range map[string][]string{
		ruleSorts[0]: {"Buy the dip", "Euro alarm"}, ruleSorts[1]: {"An idea", "Buy the dip"},
		ruleSorts[2]: {"Sell the peak", "Euro alarm"}, ruleSorts[3]: {"Euro alarm", "Buy the dip"},
	} {
		v.rules.sorts.SetSelected(sort)
		if got := names(); len(got) != 24 || !slices.Equal(got[:2], first) {
			t.Errorf("%s: %q", sort, got)
		}
	}
}

func TestRulesAreDuplicated(t *testing.T) {
	v, a := rulesStage(t)
	test.Tap(ruleAt(v, 0).double)
	e := v.rules.editor
	if e.form.texts["name"] != "Buy the dip copy" || e.save.Disabled() || !e.dirty() {
		t.Fatalf("name %q, can be saved %v", e.form.texts["name"], !e.save.Disabled())
	}
	test.Tap(e.save)
	if a.asked[len(a.asked)-1] != "save " || a.rules[0].Name != "Buy the dip copy" || len(a.rules[0].Conditions) != 2 {
		t.Errorf("asked %v: %+v", a.asked, a.rules)
	}
	if got := copyName("A", []api.RuleView{{Rule: rules.Rule{Name: "A copy"}}}); got != "A copy 2" {
		t.Errorf("second copy %q", got)
	}
}

// TestSeveralRulesAreActivated activates what is listed, one after the other, until one is refused.
func TestSeveralRulesAreActivated(t *testing.T) {
	v, a := rulesStage(t)
	v.rules.search.SetText("idea 1")
	a.asked = nil
	test.Tap(v.rules.several)
	if len(a.asked) > 0 || v.rules.several.Text != "Activate 11" {
		t.Errorf("%q asks nothing: %v", v.rules.several.Text, a.asked)
	}
	test.Tap(v.rules.severalQ.yes)
	v.RuleDone(manyRules(), nil)
	v.RuleDone(manyRules(), api.ErrNoRule)
	if want := []string{"activate Idea 1", "activate Idea 10"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked %v, want %v", a.asked, want)
	}
}

// TestButtonsStay holds the buttons of what is chosen in their place, whatever becomes of the rules.
func TestButtonsStay(t *testing.T) {
	v, _ := rulesStage(t)
	row := ruleAt(v, 0)
	place := func() fyne.Position { return fyne.CurrentApp().Driver().AbsolutePositionForObject(row.toggle) }
	before := place()
	more := manyRules()
	more.Rules = append(more.Rules[4:], more.Rules[:4]...)
	v.Rules(more, nil)
	v.Tick(noon.Add(time.Second))
	if after := place(); after != before || row.rule.Rule.Name != "Buy the dip" {
		t.Errorf("moved from %v to %v, of rule %q", before, after, row.rule.Rule.Name)
	}
}

// TestAnswersAreSeen reads a rule back, in more words when its preview is there: the answers below are scrolled to.
func TestAnswersAreSeen(t *testing.T) {
	v, w, _ := acting(t)
	w.Resize(MinSize)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	r := someRules()
	r.Rules[0].State = rules.Draft
	v.Rules(r, nil)
	row := ruleAt(v, 0)
	settle(w)
	test.Tap(row.toggle)
	v.Previewed(v.rules.previewed(), dipPreview(), nil)
	settle(w)
	v.Tick(noon.Add(time.Second))
	d := fyne.CurrentApp().Driver()
	s := v.rules.scroll
	bottom := d.AbsolutePositionForObject(row.activate.yes).Y + row.activate.yes.Size().Height
	if end := d.AbsolutePositionForObject(s).Y + s.Size().Height; bottom > end {
		t.Errorf("the answers end at %v, what can be seen at %v", bottom, end)
	}
}

// TestProgressMovesTheList shows how far cancelling is above the list, not over it.
func TestProgressMovesTheList(t *testing.T) {
	v, _ := ordersStage(t)
	o := someOrders()
	o.Cancelling.Text = "Gateway has confirmed 1 of 2 cancellations."
	v.Orders(o, nil)
	d := fyne.CurrentApp().Driver()
	words := d.AbsolutePositionForObject(v.orders.cancels).Y + v.orders.cancels.Size().Height
	if list := d.AbsolutePositionForObject(v.orders.list).Y; list < words {
		t.Errorf("the list begins at %v, the words above it end at %v", list, words)
	}
}

// TestFiguresAreWhole shows figures that are longer than their columns, and longer ones then: the name makes room.
func TestFiguresAreWhole(t *testing.T) {
	acting(t)
	e := newEntryLine()
	e.content.Resize(fyne.NewSize(390, lineHeight))
	for _, s := range []entryTexts{
		{name: "ESZ6 FUT CME USD", value: "1", word: "2.50 USD"},
		{name: "ESZ6 FUT CME USD", value: "-2 at 345,012.25", word: "-12,345.67 USD"},
		{name: "ESZ6 FUT CME USD", value: "", word: "quantity not known yet"},
	} {
		e.set(&s)
		end := float32(0)
		for _, l := range []*widget.Label{e.name, e.value, e.word} {
			needs := fyne.MeasureText(l.Text, theme.TextSize(), l.TextStyle).Width
			if has := int(l.Size().Width - 2*theme.InnerPadding()); l != e.name && needs > max(0, float32(has)) {
				t.Errorf("%q has %v, and needs %v", l.Text, has, needs)
			}
			end = l.Position().X + l.Size().Width
		}
		if e.name.Size().Width < 390/6 || end > 390.5 {
			t.Errorf("%+v: the name has %v, all end at %v", s, e.name.Size().Width, end)
		}
	}
}
