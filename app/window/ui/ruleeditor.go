package ui

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

// conditionRow edits one condition.
type conditionRow struct {
	content fyne.CanvasObject
	in      *inputs
	texts   map[string]string
	first   *choice
	other   *instrumentFields
	otherAt fyne.CanvasObject
	remove  *button
}

// ruleEditor edits one rule.
type ruleEditor struct {
	content fyne.CanvasObject
	keys    *keys
	actions *Actions
	closed  func(name string) // the editor is done with the rule of that name
	scroll  *container.Scroll
	name    string // of the rule that is edited, empty if it is a new one
	sent    string // its name as it was sent to be saved
	running bool   // it is more than a draft now
	base    ruleDraft
	form    ruleDraft
	isOpen  bool
	filling bool
	saving  bool
	may     bool   // rules can be saved
	why     string // they cannot
	refused settings.Problems
	failed  string // why saving failed otherwise

	title      *widget.Label
	first      *entry // the name
	in         *inputs
	instrument *instrumentFields
	conditions []*conditionRow
	list       *fyne.Container
	add        *button
	onlyMore   fyne.CanvasObject
	orderCard  fyne.CanvasObject
	message    *widget.Label
	price      *widget.Label // of the instrument
	inWords    *widget.Label // what the rule says and would do now
	leave      *button
	save       *button
	question   *question // asks before changes are lost
}

// mostConditions is how many conditions a rule can have.
const mostConditions = 10

func newRuleEditor(k *keys, a *Actions, closed func(name string)) *ruleEditor {
	e := &ruleEditor{
		keys: k, actions: a, closed: closed, title: bold(""), message: wrapped(""),
		price: muted(""), inWords: wrapped(""),
		list: container.New(stacked{4}),
	}
	e.title.Truncation = fyne.TextTruncateEllipsis
	e.in = newInputs(k, e.changed)
	in := e.in
	e.instrument = newInstrumentFields(in, "instrument", e.lookUp)
	e.add = newButton(k, "Add a condition", func() {
		e.append(newCondition())
		e.changed()
		e.keys.focus(e.conditions[len(e.conditions)-1].first)
	})
	e.first = in.newEntry("name", "what the rule is called")
	in.wrong["conditions"] = newMistake()
	e.onlyMore = container.New(
		stacked{2}, in.check("only.market_hours", "Market hours of the settings"),
		in.entry("only.from", "From", "09:30"), in.entry("only.until", "Until", "16:00"),
		in.entry("only.timezone", "Time zone", "Local"), in.days("only.days", "Days; none means every day"),
	)
	in.wrong["only"], in.wrong["action"], in.wrong["action.order"] = newMistake(), newMistake(), newMistake()
	exit := func(path, name string) fyne.CanvasObject {
		return container.New(stacked{0}, in.check(path, name), in.either(path+".price", "Price", path+".offset",
			"Offset", "At"))
	}
	e.orderCard = container.New(
		stacked{2}, in.wrong["action.order"].content,
		in.choice("action.order.side", "side", "Side"), in.entry("action.order.quantity", "Quantity",
			"shares or contracts"),
		in.choice("action.order.type", "order.type", "Order type"),
		in.either("action.order.limit_price", "Price", "action.order.limit_offset", "Offset", "Limit"),
		in.either("action.order.stop_price", "Price", "action.order.stop_offset", "Offset", "Stop"),
		in.either("action.order.trail_amount", "Amount", "action.order.trail_percent", "Percent", "Distance"),
		in.choice("action.order.tif", "tif", "Stays"), in.entry("action.order.account", "Account",
			"if there are several"),
		in.check("action.order.outside_hours", "Outside regular trading hours too"),
		exit("action.order.take_profit", "Take profit"), exit("action.order.stop_loss", "Stop loss"),
		fine("An offset is added to the price that the first condition watches, at the moment when the rule "+
			"triggers: -0.05 is five cents below."),
	)
	cards := container.New(
		stacked{8},
		card(container.New(stacked{2}, in.row("name", "Name", e.first))),
		card(container.New(stacked{2}, container.NewBorder(nil, nil, bold("Instrument"), nil, e.price),
			e.instrument.content)),
		card(container.New(
			stacked{4}, bold("When"), in.wrong["conditions"].content, in.choice("match", "match", "Conditions"), e.list,
			container.NewHBox(e.add),
		)),
		card(container.New(
			stacked{2}, in.check("only", "Only at certain times"), in.wrong["only"].content, e.onlyMore,
			in.check("allow_delayed", "Delayed prices may trigger it"),
			in.entry("cooldown_seconds", "Again after (seconds)", "never: it triggers once"),
		)),
		card(container.New(
			stacked{2}, bold("Then"), in.wrong["action"].content, in.choice("action.do", "do", "What to do"),
			e.orderCard,
		)),
		card(container.New(stacked{2}, bold("In words"), e.inWords)),
	)
	e.price.Alignment, e.price.Truncation = fyne.TextAlignTrailing, fyne.TextTruncateEllipsis
	e.scroll = container.NewVScroll(padded(4, 10, cards))
	e.message.SizeName = sizeFine
	e.leave = newButton(k, "Back", e.back)
	e.question = newQuestion(k)
	e.save = newButton(k, "Save", e.submit)
	e.save.Importance = widget.HighImportance
	foot := padded(4, 10, container.New(stacked{0}, e.message, e.question.content, container.NewHBox(layout.NewSpacer(),
		e.leave, e.save)))
	e.content = framed(padded(0, 10, e.title), e.scroll, container.NewVBox(widget.NewSeparator(), foot))
	return e
}

// open starts to edit a rule, or a new one if r is nil.
func (e *ruleEditor) open(r *api.RuleView) {
	e.name, e.running, e.form = "", false, newRule()
	title := "New rule"
	if r != nil {
		e.name, e.running, e.form = r.Rule.Name, r.State != rules.Draft, ruleDraftOf(r.Rule)
		title = "Rule " + plain(r.Rule.Name)
	}
	setText(e.title, title)
	e.isOpen, e.saving, e.refused, e.failed = true, false, nil, ""
	e.filling = true
	e.conditions = nil
	e.list.RemoveAll()
	for _, texts := range e.form.conditions {
		e.append(texts)
	}
	e.instrument.fill(e.form.texts)
	e.instrument.asked = nil
	e.instrument.say("")
	e.instrument.offer(nil, nil)
	if r != nil && len(r.Candidates) > 0 {
		e.offer(e.instrument, r.Candidates)
	}
	e.filling = false
	e.read()
	e.base = e.form
	e.scroll.ScrollToTop()
	e.refresh()
}

func (e *ruleEditor) append(texts map[string]string) {
	r := &conditionRow{in: newInputs(e.keys, e.changed), texts: maps.Clone(texts)}
	in := r.in
	price, is := in.newChoice("price", "price"), in.newChoice("is", "is")
	r.first = price
	in.wrong["price"], in.wrong["is"] = newMistake(), newMistake()
	r.other = newInstrumentFields(in, "instrument", e.lookUp)
	other := in.check("instrument", "Price of another instrument")
	r.otherAt = r.other.content
	r.remove = newButton(e.keys, "Remove", func() {
		e.conditions = slices.DeleteFunc(e.conditions, func(o *conditionRow) bool { return o == r })
		e.list.Remove(r.content)
		e.changed()
		e.keys.focus(e.add)
	})
	in.wrong[""] = newMistake()
	r.content = container.NewStack(
		newThemed("", colorBorder, 6),
		padded(6, 6, container.New(
			stacked{2}, in.wrong[""].content, container.New(columns{labelShare}, price, is), in.wrong["price"].content,
			in.wrong["is"].content,
			in.entry("value", "Value", "price"), in.entry("for_seconds", "For (seconds)", "at once"),
			other, r.otherAt, container.NewHBox(layout.NewSpacer(), r.remove),
		)),
	)
	filling := e.filling
	e.filling = true
	r.other.fill(r.texts)
	e.filling = filling
	e.conditions = append(e.conditions, r)
	e.list.Add(r.content)
}

// read takes over what is in the widgets.
func (e *ruleEditor) read() {
	form := ruleDraft{texts: maps.Clone(e.form.texts)}
	e.in.read(form.texts)
	for _, r := range e.conditions {
		texts := maps.Clone(r.texts)
		r.in.read(texts)
		form.conditions = append(form.conditions, texts)
	}
	e.form = form
}

// changed takes in that a person has edited something.
func (e *ruleEditor) changed() {
	if e.filling || !e.isOpen {
		return
	}
	e.read()
	e.refused, e.failed = nil, ""
	e.refresh()
}

// dirty reports whether there is something that was not saved.
func (e *ruleEditor) dirty() bool { return e.isOpen && !e.form.equal(e.base) }

// back leaves the editor; with unsaved changes it asks first.
func (e *ruleEditor) back() {
	if e.dirty() {
		e.question.ask(notSaved, keepEditing, "Discard changes", e.end)
		return
	}
	e.end()
}

func (e *ruleEditor) end() {
	e.isOpen = false
	e.closed(e.name)
}

func (e *ruleEditor) submit() {
	rule, problems := e.form.rule()
	if len(problems) > 0 || e.saving || !e.may {
		return
	}
	e.saving, e.refused, e.failed = true, nil, ""
	e.refresh()
	e.sent = rule.Name
	e.actions.SaveRule(e.name, rule)
}

// saved takes in the answer to submit.
func (e *ruleEditor) saved(err error) {
	e.saving = false
	var refused settings.Problems
	switch {
	case err == nil:
		e.isOpen = false
		e.closed(e.sent)
		return
	case errors.As(err, &refused):
		e.refused = refused
	default:
		e.failed = savingFails + reasonOf(err)
	}
	e.refresh()
}

// allow takes in whether rules can be saved, and why not.
func (e *ruleEditor) allow(may bool, why string) {
	if e.may != may || e.why != why {
		e.may, e.why = may, why
		e.refresh()
	}
}

// showPreview shows the price of the instrument, and what the rule says and would do now; nil if it is not complete.
func (e *ruleEditor) showPreview(p *previewer, rule *rules.Rule, now time.Time) {
	if !e.isOpen {
		return
	}
	line, old := p.price(rule, now)
	setText(e.price, line)
	tint(e.price, old, widget.WarningImportance, widget.MediumImportance)
	words := "The rule is not complete yet."
	if rule != nil {
		words = p.readBack(rule)
	} else if r, problems := e.form.rule(); len(problems) == 0 {
		words = plain(rulebook.Text(r))
	}
	setText(e.inWords, words)
}

// refresh shows what applies, what is wrong and what can be done.
func (e *ruleEditor) refresh() {
	if !e.isOpen {
		return
	}
	e.reveal()
	_, problems := e.form.rule()
	local := len(problems) > 0
	if !local {
		problems = e.refused
	}
	dirty := e.dirty()
	shown, missing := problems, []string(nil)
	if local && e.name == "" {
		shown, missing = e.form.changedSince(e.base, problems)
	}
	general := e.mark(shown)
	message, bad := "", false
	switch {
	case e.saving:
		message = "Saving…"
	case e.failed != "":
		message, bad = e.failed, true
	case !e.may:
		message, bad = "Save is off: "+e.why, true
	case len(general) > 0:
		message, bad = strings.Join(general, "\n"), true
	case len(shown) > 0:
		message, bad = needAttention(len(shown)), true
	case len(missing) > 0:
		message = "Still to fill in: " + strings.Join(missing, ", ")
	case dirty && e.running:
		message = "Saving makes it a draft: it watches nothing until you activate it again."
	case dirty:
		message = "Save keeps it as a draft. It watches prices once you activate it."
	}
	tint(e.message, bad, widget.DangerImportance, widget.LowImportance)
	showText(e.message, message)
	enable(e.save, e.may && !e.saving && !local && dirty)
	name := "Back"
	if dirty {
		name = "Discard"
	}
	rename(e.leave, name)
}

func (e *ruleEditor) reveal() {
	e.in.reveal(func(path string) bool {
		if path == "match" {
			return len(e.form.conditions) > 1
		}
		return applies(e.form.texts, path) || path == "only"
	})
	show(e.onlyMore, applies(e.form.texts, "only.from"))
	show(e.orderCard, applies(e.form.texts, "action.order"))
	for i, r := range e.conditions {
		texts := e.form.conditions[i]
		r.in.reveal(func(path string) bool { return conditionApplies(texts, path) || path == "instrument" })
		show(r.otherAt, texts["instrument"] == "true")
		show(r.remove, len(e.conditions) > 1)
		enable(r.other.button, e.may && r.other.asked == nil)
	}
	enable(e.instrument.button, e.may && e.instrument.asked == nil)
	show(e.add, len(e.conditions) < mostConditions)
}

// mark shows each problem beneath what it is about and returns what belongs to nothing.
func (e *ruleEditor) mark(problems settings.Problems) (general []string) {
	said, inCondition := map[string][]string{}, map[int]map[string][]string{}
	for _, p := range problems {
		i, path := ruleKey(p.Key)
		words := upper(plain(p.Text))
		if i < 0 || i >= len(e.conditions) {
			said[path] = append(said[path], words)
			continue
		}
		if inCondition[i] == nil {
			inCondition[i] = map[string][]string{}
		}
		inCondition[i][path] = append(inCondition[i][path], words)
	}
	general = e.in.say(said)
	for i, r := range e.conditions {
		general = append(general, r.in.say(inCondition[i])...)
	}
	return general
}
