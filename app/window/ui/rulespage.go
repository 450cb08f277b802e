package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/engine/rules"
)

// canEdit says whether rules can be saved and activated, and why not.
func canEdit(known *api.Rules, st *api.Status, lost absence) (yes bool, reason string) {
	switch {
	case lost.is():
		return false, lost.text() + "."
	case st == nil || known == nil:
		return false, "the rules have not been read yet."
	case !st.Connected:
		return false, "Gateway is not connected."
	case !known.MayEdit:
		return false, strings.TrimSuffix(plain(known.Reason), ".") + "."
	}
	return true, ""
}

// rulesPage shows rules, starts and stops them, and edits them.
type rulesPage struct {
	content  fyne.CanvasObject
	scroll   *container.Scroll // of the details
	keys     *keys
	actions  *Actions
	arm      *armBar
	trouble  *fyne.Container
	problems *widget.Label
	title    *widget.Label
	create   *button
	note     *widget.Label // why rules can be neither saved nor activated
	failed   *widget.Label
	search   *entry
	states   *choice
	sorts    *choice
	several  *button // activates all drafts that are listed
	severalQ *question
	list     *list
	body     *fyne.Container
	detail   *ruleRow
	empty    *widget.Label
	overview fyne.CanvasObject
	editor   *ruleEditor
	preview  *previewer
	worths   worths // of the drafts that are about to be activated

	listed  []api.RuleView // after filtering and sorting
	waiting []string       // names of rules that are to be activated, one after the other
	known   *api.Rules     // as last received, nil before
	may     bool
	here    bool // the resident program is there
	busy    bool // something was asked of a rule and is not answered
	now     time.Time
}

const (
	noRules = wording.NoRules + " A rule watches prices; when its conditions are met it notifies you, or " +
		"places an order while trading is turned on."
	noRuleMatches = "No rule matches. Change the search or the choice of states."
)

func newRulesPage(k *keys, v *View) *rulesPage {
	p := &rulesPage{
		keys: k, actions: &v.actions, problems: wrapped(""), title: bold("Rules"), note: wrapped(""),
		failed: wrapped(""),
		empty:  wrapped(""),
	}
	p.arm = newArmBar(k, v.arm, v.disarm)
	p.trouble = card(container.NewBorder(nil, nil, container.NewCenter(fixed(Impaired, 18)), nil, p.problems))
	p.failed.Importance = widget.DangerImportance
	p.create = newButton(k, "New rule", func() { p.edit(nil) })
	p.search = newSearch(k, "Search", p.refresh)
	names := []string{anyState}
	for _, s := range ruleStates {
		names = append(names, upper(string(s)))
	}
	p.states, p.sorts = newChoice(k, names, p.refresh), newChoice(k, ruleSorts, p.refresh)
	p.states.Selected, p.sorts.Selected = anyState, ruleSorts[0]
	p.several = newButton(k, "", func() {
		p.worths = worths{}
		p.severalQ.ask(p.readDrafts(), "Leave them", "Activate them", p.activateAll)
		p.refresh()
		p.scroll.ScrollToTop()
		p.askPreview()
	})
	p.severalQ = newQuestion(k)
	p.list = newList(k, func(string) { p.refresh() })
	p.detail = newRuleRow(p)
	below := container.New(stacked{6}, p.severalQ.content, p.detail.content, p.trouble)
	p.scroll = container.NewVScroll(padded(2, 0, below))
	said := container.New(stacked{6}, p.note, p.failed, p.empty)
	p.body = container.New(docked{}, framed(said, p.list, nil), p.scroll)
	tools := container.New(
		stacked{4}, container.NewBorder(nil, nil, p.title, p.create, p.search),
		container.NewHBox(p.states, p.sorts, layout.NewSpacer(), p.several),
	)
	head := container.New(stacked{6}, card(p.arm.content), tools)
	p.overview = padded(4, 10, framed(head, p.body, nil))
	p.preview = &previewer{send: func(req api.RulePreviewRequest) { p.actions.Preview(req) }}
	p.editor = newRuleEditor(k, &v.actions, p.edited)
	p.content = container.NewStack(p.overview, p.editor.content)
	p.refresh()
	return p
}

// previewed returns what is looked at so closely that its price is wanted: the rule in the editor, or its instrument as
// long as the rule is not complete, or else the rules that are about to be activated, one after the other.
func (p *rulesPage) previewed() (req api.RulePreviewRequest) {
	switch {
	case !p.here || !p.may:
	case p.editor.isOpen:
		rule, problems := p.editor.form.rule()
		if len(problems) == 0 {
			req.Rule = &rule
			return req
		}
		in, problems := instrumentAt(p.editor.form.texts, "instrument")
		if len(problems) == 0 && in.Symbol+in.Local != "" || in.ConID != 0 {
			req.Instrument = &in
		}
	case p.severalQ.open():
		req.Rule = p.worths.next(p.drafts())
	case p.detail.activate.open():
		req.Rule = &p.detail.rule.Rule
	}
	return req
}

// takePreview takes in a preview.
func (p *rulesPage) takePreview(req api.RulePreviewRequest, answer api.RulePreview, err error) {
	p.preview.take(req, answer, err)
	p.worths.take(req, answer, err)
}

// askPreview asks for the price of what is looked at, and shows what is known of it.
func (p *rulesPage) askPreview() {
	req := p.previewed()
	p.preview.want(req, p.now)
	p.editor.showPreview(p.preview, req.Rule, p.now)
}

// readDrafts reads the drafts back that are about to be activated, with what their orders would be worth.
func (p *rulesPage) readDrafts() string {
	const most = 5
	list := p.drafts()
	lines := []string{fmt.Sprintf("Activate the %d listed drafts?", len(list))}
	for _, r := range list[:min(most, len(list))] {
		lines = append(lines, "•  "+plain(r.Rule.Name)+": "+plain(r.Text)+p.worths.of(&r.Rule))
	}
	if len(list) > most {
		lines = append(lines, fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(append(lines, p.worths.total(list)), "\n")
}

// drafts are the listed rules that can be activated at once.
func (p *rulesPage) drafts() (list []*api.RuleView) {
	for i := range p.listed {
		if p.listed[i].State == rules.Draft {
			list = append(list, &p.listed[i])
		}
	}
	return list
}

// activateAll activates the drafts that are listed, one after the other, until one cannot be.
func (p *rulesPage) activateAll() {
	p.waiting = nil
	for _, r := range p.drafts() {
		p.waiting = append(p.waiting, r.Rule.Name)
	}
	p.next()
}

func (p *rulesPage) next() {
	if len(p.waiting) > 0 && !p.busy {
		name := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.ask(p.actions.Activate, name)
	}
}

// duplicate opens the editor with a copy of a rule.
func (p *rulesPage) duplicate(r *api.RuleView) {
	var all []api.RuleView
	if p.known != nil {
		all = p.known.Rules
	}
	one := api.RuleView{Rule: r.Rule, State: rules.Draft}
	one.Rule.Name = copyName(r.Rule.Name, all)
	p.edit(&one)
	p.editor.name, p.editor.base = "", newRule() // nothing of it is saved yet
	p.editor.refresh()
}

// edit opens the editor for a rule, or for a new one if r is nil.
func (p *rulesPage) edit(r *api.RuleView) {
	p.editor.open(r)
	p.refresh()
	p.askPreview()
	p.editor.scroll.MinSize() // makes it known to the toolkit, which gives the focus to nothing in what was never shown
	p.keys.focus(p.editor.first)
}

// edited takes in that the editor is done.
func (p *rulesPage) edited(name string) {
	p.refresh()
	if p.list.index(name) < 0 {
		p.keys.focus(p.create)
		return
	}
	p.list.pick(name)
	p.keys.focus(p.detail.edit)
}

// take takes in the rules, or why they are not known.
func (p *rulesPage) take(r api.Rules, err error) {
	if err != nil {
		p.say(cannotShow("Rules", err))
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
		p.next()
	default:
		p.waiting = nil
		p.say(didNotWork(err))
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
	may, reason := canEdit(p.known, st, lost)
	p.may = may
	note := ""
	if !may && p.known != nil && !lost.is() { // else the view says it
		note = wording.NoRuleEdits + wording.Sentence(reason)
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
	f := ruleFilter{words: p.search.Text, sort: p.sorts.Selected}
	for _, s := range ruleStates {
		if upper(string(s)) == p.states.Selected {
			f.state = s
		}
	}
	p.listed = f.apply(known.Rules)
	p.renderList()
	title := fmt.Sprintf("Rules: %d", len(known.Rules))
	if len(p.listed) < len(known.Rules) {
		title = fmt.Sprintf("Rules: %d of %d", len(p.listed), len(known.Rules))
	}
	if p.known == nil {
		title = "Reading the rules…"
	}
	setText(p.title, title)
	drafts := len(p.drafts())
	show(p.several, drafts > 1)
	rename(p.several, fmt.Sprintf("Activate %d", drafts))
	enable(p.several, p.here && p.may && !p.busy)
	p.severalQ.reveal()
	switch {
	case drafts < 2 || !p.may:
		p.severalQ.drop()
	case p.severalQ.open():
		p.severalQ.say(p.readDrafts())
	}
	empty := ""
	switch {
	case p.known == nil || len(p.listed) > 0:
	case len(known.Rules) > 0:
		empty = noRuleMatches
	case len(known.Problems) == 0:
		empty = noRules
	}
	showText(p.empty, empty)
	show(p.note, p.note.Text != "")
	show(p.failed, p.failed.Text != "")
}

// renderList shows the listed rules, one line each, and below them the one that is chosen.
func (p *rulesPage) renderList() {
	var entries []entryTexts
	for i := range p.listed {
		r := &p.listed[i]
		c := ruleCardOf(r, p.here, p.now)
		one := entryTexts{key: r.Rule.Name, shape: c.shape, name: c.name, word: c.word, bad: c.bad && p.here}
		if r.Price != nil && p.here {
			one.value = number(*r.Price)
		}
		entries = append(entries, one)
	}
	p.list.set(entries)
	at := p.list.index(p.list.chosen)
	if at >= 0 {
		if p.detail.rule.Rule.Name != p.listed[at].Rule.Name {
			p.detail.question.drop()
			p.detail.activate.drop()
		}
		p.detail.render(&p.listed[at])
	}
	show(p.detail.content, at >= 0)
	if some := at >= 0 || p.trouble.Visible() || p.severalQ.open(); p.scroll.Visible() != some {
		show(p.scroll, some)
		p.body.Refresh()
	}
}

// mostProblems is how many problems of rules.json are shown.
const mostProblems = 5

func (p *rulesPage) renderProblems(list []settings.Problem) {
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
