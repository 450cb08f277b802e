package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
)

// ruleRow is the rule that is chosen, in full. Its buttons come first, where no text moves them.
type ruleRow struct {
	content  *fyne.Container
	page     *rulesPage
	rule     api.RuleView
	sign     *sign
	name     *widget.Label
	word     *widget.Label
	text     *widget.Label
	price    *widget.Label
	facts    *widget.Label
	why      *widget.Label
	toggle   *button
	edit     *button
	double   *button
	remove   *button
	question *question
	activate *question // reads the rule back before it watches prices
}

func newRuleRow(p *rulesPage) *ruleRow {
	r := &ruleRow{
		page: p, sign: newSign(signSize), name: bold(""), word: muted(""), text: wrapped(""), price: wrapped(""),
		facts: fine(""),
		why:   wrapped(""),
	}
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.word.Alignment = fyne.TextAlignTrailing
	r.toggle = newButton(p.keys, "Activate", func() {
		if watches(r.rule.State) {
			p.ask(p.actions.Deactivate, r.rule.Rule.Name)
			return
		}
		r.activate.ask(p.preview.readBack(&r.rule.Rule), "Not now", "Activate", func() {
			p.ask(p.actions.Activate, r.rule.Rule.Name)
		})
		p.askPreview()
	})
	r.edit = newButton(p.keys, "Edit", func() { p.edit(&r.rule) })
	r.remove = newDanger(p.keys, "Delete…", func() {
		r.question.ask("Delete this rule for good? Orders that it has placed stay.", "Keep it", "Delete the rule",
			func() { p.ask(p.actions.Delete, r.rule.Rule.Name) })
	})
	r.double = newButton(p.keys, "Duplicate", func() { p.duplicate(&r.rule) })
	r.question, r.activate = newQuestion(p.keys), newQuestion(p.keys)
	first := container.NewBorder(nil, nil, container.NewCenter(r.sign.image), r.word, r.name)
	r.content = card(
		container.NewHBox(r.toggle, r.edit, r.double, layout.NewSpacer(), r.remove), r.question.content,
		r.activate.content, container.New(stacked{-10}, first, r.text, r.price, r.why, r.facts),
	)
	return r
}

func (r *ruleRow) render(v *api.RuleView) {
	r.rule = *v
	r.question.reveal()
	r.activate.reveal()
	c := ruleCardOf(v, r.page.here, r.page.now)
	r.sign.set(c.shape)
	setText(r.name, c.name)
	setText(r.word, strings.TrimSpace(c.word+" "+c.since))
	setText(r.text, c.text)
	showText(r.price, c.price)
	tint(r.price, c.old, widget.WarningImportance, widget.MediumImportance)
	showText(r.facts, c.facts)
	showText(r.why, c.why)
	tint(r.why, c.bad, widget.DangerImportance, widget.MediumImportance)
	name := "Activate"
	if c.on {
		name = "Deactivate"
	}
	rename(r.toggle, name)
	// What was pressed keeps the focus until the answer is there, which what is disabled does not.
	free := func(b *button) bool { return r.page.here && (!r.page.busy || r.page.keys.focused(b)) }
	enable(r.toggle, free(r.toggle) && (c.on || r.page.may))
	enable(r.remove, free(r.remove))
	enable(r.edit, r.page.here)
	enable(r.double, r.page.here)
	if !r.page.here {
		r.question.drop()
	}
	switch {
	case c.on || !r.page.here || !r.page.may:
		r.activate.drop()
	case r.activate.open():
		r.activate.say(r.page.preview.readBack(&r.rule.Rule))
	}
}
