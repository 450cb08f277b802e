package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// staleAfter is the age from which a price is marked as old.
const staleAfter = time.Minute

// ruleShape returns the shape of how a rule stands.
func ruleShape(s rules.State) Shape {
	switch s {
	case rules.Active:
		return Up
	case rules.Triggered:
		return Working
	case rules.Done:
		return Over
	case rules.Failed:
		return Down
	}
	return Unknown // a draft
}

// ruleWord returns how a rule stands, in words.
func ruleWord(s rules.State) string {
	switch s {
	case rules.Draft:
		return "Draft"
	case rules.Active:
		return "Active"
	case rules.Triggered:
		return "Triggered"
	case rules.Done:
		return "Done"
	case rules.Failed:
		return "Failed"
	}
	return upper(plain(string(s)))
}

// watches reports whether a rule can be deactivated; otherwise it can be activated.
func watches(s rules.State) bool { return s == rules.Active || s == rules.Triggered }

// ruleCard is what is shown of a rule.
type ruleCard struct {
	shape             Shape
	name, word, since string
	text              string
	price             string
	old               bool // the price is, or it is delayed
	facts             string
	why               string
	bad               bool // why is something to see to
	on                bool // it can be deactivated, otherwise activated
}

// ruleCardOf returns what is shown of a rule while the resident program is there or not.
func ruleCardOf(r *api.RuleView, here bool, now time.Time) ruleCard {
	c := ruleCard{
		shape: ruleShape(r.State), name: plain(r.Rule.Name), word: ruleWord(r.State), text: plain(r.Text),
		why: plain(r.Why), bad: r.State == rules.Failed, on: watches(r.State),
	}
	if !r.Since.IsZero() {
		c.since = "since " + clock(r.Since, now)
	}
	if !here {
		c.shape, c.word, c.since = Unknown, "Was "+strings.ToLower(c.word), ""
		return c
	}
	c.price, c.old = priceLine(r, now)
	var facts []string
	if contract := plain(r.Contract); contract != "" {
		facts = append(facts, contract)
	}
	switch {
	case r.Fired == 1 && r.LastFired != nil:
		facts = append(facts, "triggered "+clock(*r.LastFired, now))
	case r.Fired > 1 && r.LastFired != nil:
		facts = append(facts, fmt.Sprintf("triggered %d times, last %s", r.Fired, clock(*r.LastFired, now)))
	}
	if len(r.Candidates) > 1 {
		facts = append(facts, fmt.Sprintf("can mean %d contracts; Edit lets you choose", len(r.Candidates)))
	}
	c.facts = strings.Join(facts, " · ")
	return c
}

// priceLine returns the newest price that a rule has seen, with its age; old is true if it is not to be relied on.
func priceLine(r *api.RuleView, now time.Time) (line string, old bool) {
	if r.Price == nil {
		if watches(r.State) {
			return "No price yet", true
		}
		return "", false
	}
	which := "Price"
	if len(r.Rule.Conditions) > 0 {
		which = wordFor("price", r.Rule.Conditions[0].Price)
	}
	line = which + " " + number(*r.Price)
	if r.PriceAt != nil {
		age := now.Sub(*r.PriceAt)
		switch {
		case age < 2*time.Second:
			line += " · now"
		case age < staleAfter:
			line += " · " + span(age) + " ago"
		default:
			line, old = line+" · old: "+span(age)+" ago", true
		}
	}
	if r.Delayed {
		line, old = line+" · delayed", true
	}
	return line, old
}

// ruleProblem returns what is wrong in rules.json, in one line.
func ruleProblem(p *api.Problem) string {
	line := plain(p.Text)
	if key := plain(p.Key); key != "" {
		line = key + ": " + line
	}
	if p.Line > 0 {
		line = fmt.Sprintf("Line %d, column %d: %s", p.Line, p.Column, line)
	}
	return line
}

// canEdit says whether rules can be saved and activated, and why not.
func canEdit(known *api.Rules, st *api.Status, lost absence) (yes bool, reason string) {
	switch {
	case lost.is():
		return false, lost.text() + "."
	case st == nil || known == nil:
		return false, "the rules have not been read yet."
	case !st.Connected:
		return false, "Gatewatch is not connected."
	case !known.MayEdit:
		reason = strings.TrimSuffix(plain(known.Reason), ".")
		if reason == "" {
			reason = "Gatewatch does not allow it now"
		}
		return false, reason + "."
	}
	return true, ""
}

// rulesPage shows rules, starts and stops them, and edits them.
type rulesPage struct {
	content  fyne.CanvasObject
	scroll   *container.Scroll
	keys     *keys
	actions  *Actions
	arm      *armBar
	trouble  *fyne.Container
	problems *widget.Label
	title    *widget.Label
	create   *button
	note     *widget.Label // why rules can be neither saved nor activated
	failed   *widget.Label
	list     *fyne.Container
	rows     []*ruleRow
	empty    *widget.Label
	overview fyne.CanvasObject
	editor   *ruleEditor

	known *api.Rules // as last told, nil before
	may   bool
	here  bool // the resident program is there
	busy  bool // something was asked of a rule and is not answered
	now   time.Time
}

const noRules = "There are no rules yet. A rule watches prices; when its conditions are met it notifies you, or places an order while " +
	"trading is turned on."

func newRulesPage(k *keys, v *View) *rulesPage {
	p := &rulesPage{
		keys: k, actions: &v.actions, problems: wrapped(""), title: bold("Rules"), note: wrapped(""), failed: wrapped(""),
		list: container.New(stacked{8}), empty: wrapped(noRules),
	}
	p.arm = newArmBar(k, v.arm, v.disarm)
	icon := newSign(18)
	icon.set(Impaired)
	p.trouble = card(container.NewBorder(nil, nil, container.NewCenter(icon.image), nil, p.problems))
	p.failed.Importance = widget.DangerImportance
	p.title.Truncation = fyne.TextTruncateEllipsis
	p.create = newButton(k, "New rule", func() { p.edit(nil) })
	head := container.NewBorder(nil, nil, nil, container.NewCenter(p.create), p.title)
	p.scroll = container.NewVScroll(padded(4, 10, container.New(
		stacked{6}, card(p.arm.content), p.trouble, head, p.note, p.failed, p.empty, p.list,
	)))
	p.overview = p.scroll
	p.editor = newRuleEditor(k, &v.actions, p.edited)
	p.content = container.NewStack(p.overview, p.editor.content)
	p.refresh()
	return p
}

// edit opens the editor for a rule, or for a new one if r is nil.
func (p *rulesPage) edit(r *api.RuleView) {
	p.editor.open(r)
	p.refresh()
	p.editor.scroll.MinSize() // makes it known to the toolkit, which gives the focus to nothing in what was never shown
	p.keys.focus(p.editor.first)
}

// edited takes in that the editor is done.
func (p *rulesPage) edited(name string) {
	p.refresh()
	i := slices.IndexFunc(p.rows, func(r *ruleRow) bool { return r.rule.Rule.Name == name })
	if i < 0 {
		p.keys.focus(p.create)
		return
	}
	p.keys.focus(p.rows[i].edit)
}

// take takes in the rules, or why they are not known.
func (p *rulesPage) take(r api.Rules, err error) {
	if err != nil {
		p.say("Rules cannot be shown: " + plain(err.Error()))
		return
	}
	if strings.HasPrefix(p.failed.Text, "Rules cannot be shown") {
		setText(p.failed, "")
	}
	p.known = &r
	p.refresh()
}

// answered takes in what came of activating, deactivating or deleting a rule.
func (p *rulesPage) answered(r api.Rules, err error) {
	p.busy = false
	switch {
	case err == nil:
		p.known = &r
		p.say("")
	default:
		p.say("That did not work: " + reasonOf(err))
	}
}

// saved takes in what came of saving a rule.
func (p *rulesPage) saved(r api.Rules, err error) {
	if err == nil {
		p.known = &r
	}
	p.editor.saved(err)
	p.refresh()
}

func (p *rulesPage) say(failure string) {
	setText(p.failed, failure)
	p.refresh()
}

// ask asks something of a rule, unless an answer is awaited.
func (p *rulesPage) ask(of func(name string), name string) {
	if p.busy {
		return
	}
	p.busy = true
	p.say("")
	of(name)
}

// render takes in whether rules can be edited, and that time goes by.
func (p *rulesPage) render(st *api.Status, lost absence, now time.Time) {
	p.now, p.here = now, st != nil && !lost.is()
	p.refreshFor(st, lost)
}

func (p *rulesPage) refreshFor(st *api.Status, lost absence) {
	may, reason := canEdit(p.known, st, lost)
	p.may = may
	note := ""
	if !may && p.known != nil {
		note = "Rules can be neither saved nor activated: " + reason
	}
	setText(p.note, note)
	p.editor.allow(may, reason)
	p.refresh()
}

func (p *rulesPage) refresh() {
	show(p.overview, !p.editor.isOpen)
	show(p.editor.content, p.editor.isOpen)
	var known api.Rules
	if p.known != nil {
		known = *p.known
	}
	p.renderProblems(known.Problems)
	same := len(known.Rules) == len(p.rows)
	for i := 0; same && i < len(p.rows); i++ {
		same = p.rows[i].rule.Rule.Name == known.Rules[i].Rule.Name
	}
	if !same { // a row stays with its rule, and with what has the focus in it
		before := p.rows
		p.rows = nil
		p.list.RemoveAll()
		for _, v := range known.Rules {
			i := slices.IndexFunc(before, func(r *ruleRow) bool { return r.rule.Rule.Name == v.Rule.Name })
			r := (*ruleRow)(nil)
			if i >= 0 {
				r = before[i]
			} else {
				r = newRuleRow(p)
			}
			p.rows = append(p.rows, r)
			p.list.Add(r.content)
		}
	}
	for i := range known.Rules {
		p.rows[i].render(&known.Rules[i])
	}
	title := fmt.Sprintf("Rules: %d", len(known.Rules))
	if p.known == nil {
		title = "Reading the rules…"
	}
	setText(p.title, title)
	show(p.empty, p.known != nil && len(known.Rules) == 0 && len(known.Problems) == 0)
	show(p.note, p.note.Text != "")
	show(p.failed, p.failed.Text != "")
}

// mostProblems is how many problems of rules.json are shown.
const mostProblems = 5

func (p *rulesPage) renderProblems(list []api.Problem) {
	show(p.trouble, len(list) > 0)
	if len(list) == 0 {
		return
	}
	lines := []string{"rules.json needs attention; the rules without errors are in effect."}
	for i := range list {
		if i == mostProblems {
			lines = append(lines, fmt.Sprintf("… and %d more.", len(list)-mostProblems))
			break
		}
		lines = append(lines, ruleProblem(&list[i]))
	}
	setText(p.problems, strings.Join(lines, "\n"))
}

// ruleRow is one rule.
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
	remove   *button
	question *question
}

func newRuleRow(p *rulesPage) *ruleRow {
	r := &ruleRow{
		page: p, sign: newSign(signSize), name: bold(""), word: muted(""), text: wrapped(""), price: wrapped(""), facts: fine(""),
		why: wrapped(""),
	}
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.word.Alignment = fyne.TextAlignTrailing
	r.toggle = newButton(p.keys, "Activate", func() {
		if watches(r.rule.State) {
			p.ask(p.actions.Deactivate, r.rule.Rule.Name)
		} else {
			p.ask(p.actions.Activate, r.rule.Rule.Name)
		}
	})
	r.edit = newButton(p.keys, "Edit", func() { p.edit(&r.rule) })
	r.remove = newDanger(p.keys, "Delete…", func() {
		r.question.ask("Delete this rule for good? Orders that it has placed stay.", "Keep it", "Delete the rule", func() { p.ask(p.actions.Delete, r.rule.Rule.Name) })
	})
	r.question = newQuestion(p.keys, r.remove)
	first := container.NewBorder(nil, nil, container.NewCenter(r.sign.image), r.word, r.name)
	r.content = card(
		container.New(stacked{-10}, first, r.text, r.price, r.why, r.facts),
		container.NewHBox(layout.NewSpacer(), r.remove, r.edit, r.toggle), r.question.content,
	)
	return r
}

func (r *ruleRow) render(v *api.RuleView) {
	r.rule = *v
	c := ruleCardOf(v, r.page.here, r.page.now)
	r.sign.set(c.shape)
	setText(r.name, c.name)
	setText(r.word, strings.TrimSpace(c.word+" "+c.since))
	setText(r.text, c.text)
	setText(r.price, c.price)
	tint(r.price, c.old, widget.WarningImportance)
	setText(r.facts, c.facts)
	setText(r.why, c.why)
	tint(r.why, c.bad, widget.DangerImportance)
	show(r.price, c.price != "")
	show(r.facts, c.facts != "")
	show(r.why, c.why != "")
	name := "Activate"
	if c.on {
		name = "Deactivate"
	}
	if r.toggle.Text != name {
		r.toggle.SetText(name)
	}
	// What was pressed keeps the focus until the answer is there, which what is disabled does not.
	free := func(b *button) bool { return r.page.here && (!r.page.busy || r.page.keys.focused(b)) }
	enable(r.toggle, free(r.toggle) && (c.on || r.page.may))
	enable(r.remove, free(r.remove))
	if !r.page.here {
		r.question.drop()
	}
}

// tint gives a label an importance if yes, and otherwise none.
func tint(l *widget.Label, yes bool, importance widget.Importance) {
	if !yes {
		importance = widget.MediumImportance
	}
	if l.Importance != importance {
		l.Importance = importance
		l.Refresh()
	}
}
