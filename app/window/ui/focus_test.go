package ui

import (
	"fmt"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/api"
)

// TestTabGoesFromTopToBottom follows the Tab key through each page and the editor: down, and to the right in a line.
func TestTabGoesFromTopToBottom(t *testing.T) {
	for name, play := range scenes() {
		t.Run(name, func(t *testing.T) {
			// so high that nothing scrolls
			v, w := stage(t, theme.VariantLight, fyne.NewSize(520, 4000), Actions{})
			play(v)
			c := w.Canvas()
			c.Unfocus()
			settle(w)
			at := func(o fyne.Focusable) (left, top, bottom float32) {
				p := fyne.CurrentApp().Driver().AbsolutePositionForObject(o.(fyne.CanvasObject))
				return p.X, p.Y, p.Y + o.(fyne.CanvasObject).Size().Height
			}
			c.FocusNext()
			first := c.Focused()
			if first != v.tabs[0] {
				t.Fatalf("Tab begins at %s", called(first))
			}
			for before, n := first, 0; n < 300; n++ {
				c.FocusNext()
				now := c.Focused()
				if now == first {
					return
				}
				left, top, bottom := at(before)
				nextLeft, nextTop, nextBottom := at(now)
				beside := nextTop < bottom && top < nextBottom
				if beside && nextLeft <= left || !beside && nextTop < top {
					t.Errorf("Tab goes from %s at %v, %v to %s at %v, %v", called(before), left, top, called(now),
						nextLeft, nextTop)
				}
				before = now
			}
			t.Error("Tab never comes back to the first")
		})
	}
}

// called names what has the focus.
func called(o fyne.Focusable) string {
	switch o := o.(type) {
	case *button:
		return o.Text
	case *check:
		return o.Text
	}
	return fmt.Sprintf("%T", o)
}

// TestTheFocusStays presses buttons by the keyboard: the Tab key goes on from where it was.
func TestTheFocusStays(t *testing.T) {
	v, w, a := acting(t)
	c := w.Canvas()
	press := func(o fyne.Focusable) {
		t.Helper()
		c.Focus(o)
		if c.Focused() != o {
			t.Fatalf("%s cannot have the focus", called(o))
		}
		o.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	}
	want := func(o fyne.Focusable) {
		t.Helper()
		if c.Focused() != o {
			t.Errorf("the focus is at %s, want it at %s", called(c.Focused()), called(o))
		}
	}
	v.Settings(inForce())
	v.Status(armed(), noon)
	press(v.tabs[pageRules])
	want(v.tabs[pageRules])
	v.Rules(someRules(), nil)
	c.FocusNext()
	c.FocusNext()
	c.FocusNext()
	want(v.tabs[pageSettings])
	c.FocusNext()
	want(v.rules.arm.button)
	first := ruleAt(v, 0)
	for _, o := range []fyne.Focusable{
		v.rules.search, v.rules.create, v.rules.states, v.rules.sorts, v.rules.list, first.toggle, first.edit,
		first.double, first.remove,
	} {
		c.FocusNext()
		want(o)
	}
	press(first.toggle)
	v.RuleDone(someRules(), nil)
	want(first.toggle)
	if len(a.asked) == 0 {
		t.Error("nothing was asked")
	}
	test.Tap(first.toggle) // and by the mouse
	v.RuleDone(someRules(), nil)
	want(first.toggle)

	// A question, whose answer that does nothing is at hand.
	press(first.remove)
	want(first.question.no)
	press(first.question.no)
	want(first.remove)

	// The editor begins at the name, and gives the focus back.
	press(first.edit)
	want(v.rules.editor.first)
	press(v.rules.editor.add)
	want(v.rules.editor.conditions[2].first)
	press(v.rules.editor.conditions[2].remove)
	want(v.rules.editor.add)
	press(v.rules.editor.leave)
	want(first.edit)
	press(v.rules.create)
	want(v.rules.editor.first)
	press(v.rules.editor.leave)
	want(v.rules.create)

	// A rule above it more, and the rule itself gone.
	c.Focus(first.edit)
	more := someRules()
	more.Rules = append([]api.RuleView{more.Rules[3]}, more.Rules...)
	more.Rules[0].Rule.Name = "Another"
	v.Rules(more, nil)
	want(first.edit)
	more.Rules = more.Rules[2:]
	v.Rules(more, nil)
	want(v.tabs[pageRules])

	press(v.tabs[pageOrders])
	v.Orders(someOrders(), nil)
	row := orderAt(v, 1)
	press(row.change)
	want(row.quantity)
	row.close()
	want(row.change)
	press(v.orders.all)
	want(v.orders.question.no)
}
