package ui

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// settingsPage is the form of the settings.
type settingsPage struct {
	content  fyne.CanvasObject
	keys     *keys
	save     func([]byte)
	login    *loginCard
	desk     desk
	linked   bool
	saving   bool
	refused  settings.Problems // by the resident program, until the form changes
	failed   string            // why saving failed otherwise
	done     string            // what was done last
	filling  bool
	editors  map[string]*editor
	windows  *windowList
	scroll   *container.Scroll
	conflict *fyne.Container
	others   *widget.Label
	problem  *widget.Label
	trouble  *fyne.Container
	message  *widget.Label
	button   *button
	defaults *button
	discard  *button
}

// editor is one field: its name, what edits it, its hint, and what is wrong with it.
type editor struct {
	field  field
	widget fyne.CanvasObject
	get    func() string
	set    func(string)
	wrong  *mistake
}

// mistake says what is wrong, beneath what it is about.
type mistake struct {
	content *fyne.Container
	words   *widget.Label
}

func newMistake() *mistake {
	m := &mistake{words: wrapped("")}
	m.words.Importance, m.words.SizeName = widget.DangerImportance, sizeFine
	icon := newSign(14)
	icon.set(Impaired)
	m.content = container.NewBorder(nil, nil, padded(0, 8, container.NewCenter(icon.image)), nil, m.words)
	m.content.Hide()
	return m
}

func (m *mistake) say(list []string) {
	setText(m.words, strings.Join(list, "\n"))
	show(m.content, len(list) > 0)
}

func newSettingsPage(k *keys, save func([]byte), setLogin func(on bool)) *settingsPage {
	p := &settingsPage{keys: k, save: save, login: newLoginCard(k, setLogin), editors: map[string]*editor{}}
	cards := []fyne.CanvasObject{p.login.content}
	for _, g := range groups {
		title := bold(g.title)
		rows := []fyne.CanvasObject{title}
		if g.doc != "" {
			rows = []fyne.CanvasObject{container.New(stacked{-12}, title, fine(g.doc))}
		}
		for _, f := range g.fields {
			rows = append(rows, p.newField(f))
		}
		cards = append(cards, card(container.New(stacked{2}, rows...)))
	}
	p.others = wrapped("")
	reload := newButton(k, "Reload", func() {
		p.desk.reload()
		p.fill()
		p.say("Reloaded.")
	})
	mine := newButton(k, "Keep mine", func() {
		p.desk.keepMine()
		p.say("Your changes are kept; Save replaces the others.")
	})
	p.conflict = card(p.others, container.NewHBox(layout.NewSpacer(), reload, mine))
	p.conflict.Hide()
	p.problem = wrapped("")
	icon := newSign(18)
	icon.set(Impaired)
	p.trouble = card(container.NewBorder(nil, nil, container.NewCenter(icon.image), nil, p.problem))
	p.trouble.Hide()

	p.message = wrapped("")
	p.message.SizeName = sizeFine
	p.button = newButton(k, "Save", p.submit)
	p.button.Importance = widget.HighImportance
	p.defaults = newButton(k, "Reset to defaults", func() {
		p.desk.form = draftOf(p.desk.view.Defaults)
		p.desk.form.schema = p.desk.base.schema
		p.fill()
		p.changed()
		p.say("These are the defaults. Save puts them into effect.")
	})
	p.discard = newButton(k, "Discard", func() {
		p.desk.reload()
		p.fill()
		p.changed()
		p.say("Your changes are discarded.")
	})
	p.scroll = container.NewVScroll(padded(4, 10, container.New(stacked{8}, cards...)))
	buttons := container.NewHBox(p.defaults, layout.NewSpacer(), p.discard, p.button)
	foot := padded(4, 10, container.New(stacked{0}, p.message, buttons))
	notes := padded(2, 10, container.New(stacked{4}, p.trouble, p.conflict))
	p.content = framed(notes, p.scroll, container.NewVBox(widget.NewSeparator(), foot))
	p.refresh()
	return p
}

func (p *settingsPage) newField(f field) fyne.CanvasObject {
	e := &editor{field: f, wrong: newMistake()}
	p.editors[f.path] = e
	hint := fine(f.doc)
	if f.kind == windows {
		p.windows = newWindowList(p.keys, p.changed)
		return container.New(stacked{-8}, text(f.label), hint, e.wrong.content, p.windows.content)
	}
	switch f.kind {
	case kept:
		set := fine("Set in settings.json; the page Programs has a switch for each program.")
		return container.New(stacked{-8}, text(f.label), hint, set, e.wrong.content)
	case oneOf:
		c := newChoice(p.keys, f.options, p.changed)
		e.widget, e.get, e.set = c, func() string { return c.Selected }, c.SetSelected
	case yesNo:
		c := newCheck(p.keys, f.label, p.changed)
		e.widget, e.get, e.set = c, func() string {
			return fmt.Sprint(c.Checked)
		}, func(s string) { c.SetChecked(s == "true") }
		return container.New(stacked{-6}, c, e.wrong.content, hint)
	default:
		n := newEntry(p.keys, p.changed)
		e.widget, e.get, e.set = n, func() string { return n.Text }, n.SetText
	}
	name := wrapped(f.label)
	return container.New(stacked{-4}, container.New(columns{0.5}, name, e.widget), e.wrong.content, hint)
}

// fill puts the form of the desk into the widgets.
func (p *settingsPage) fill() {
	p.filling = true
	for path, e := range p.editors {
		if e.set != nil {
			e.set(p.desk.form.texts[path])
		}
	}
	p.windows.set(p.desk.form.windows)
	p.filling = false
	p.refused, p.failed = nil, ""
	p.refresh()
}

// changed takes over what stands in the widgets.
func (p *settingsPage) changed() {
	if p.filling || p.desk.view == nil {
		return
	}
	form := draft{schema: p.desk.form.schema, texts: maps.Clone(p.desk.form.texts), windows: p.windows.get()}
	for path, e := range p.editors {
		if e.get != nil {
			form.texts[path] = e.get()
		}
	}
	p.desk.form = form
	p.refused, p.failed, p.done = nil, "", ""
	p.refresh()
}

func (p *settingsPage) say(done string) {
	p.done = done
	p.refresh()
}

// read takes in the settings in force.
func (p *settingsPage) read(v api.SettingsView) {
	if p.saving { // its answer says it better
		return
	}
	again := p.desk.view != nil
	if p.desk.read(v) {
		p.fill()
		if again {
			p.done = "Changed on disk."
		}
	}
	p.refresh()
}

func (p *settingsPage) link(up bool) {
	p.linked = up
	p.refresh()
}

// submit sends the form off to be saved.
func (p *settingsPage) submit() {
	s, problems := p.desk.form.settings()
	if len(problems) > 0 || p.saving {
		return
	}
	body, err := settings.Marshal(s)
	if err != nil {
		p.failed = err.Error()
		p.refresh()
		return
	}
	p.saving, p.refused, p.failed, p.done = true, nil, "", ""
	p.refresh()
	p.save(body)
}

// saved takes in the answer to submit.
func (p *settingsPage) saved(v api.SettingsView, sent draft, err error) {
	p.saving = false
	var refused settings.Problems
	switch {
	case err == nil:
		if p.desk.saved(v, sent) {
			p.fill()
		}
		p.done = "Saved and in effect."
	case errors.As(err, &refused):
		p.refused = refused
	default:
		p.failed = "Not saved: " + reasonOf(err)
	}
	p.refresh()
}

// refresh shows what is wrong and what can be done.
func (p *settingsPage) refresh() {
	ready := p.desk.view != nil
	problems := settings.Problems{}
	if ready {
		_, problems = p.desk.form.settings()
	}
	local := len(problems) > 0
	if !local {
		problems = p.refused
	}
	general := p.mark(problems)

	dirty := p.desk.dirty()
	message, bad := p.done, false
	switch {
	case !ready && !p.linked:
		message = "Waiting for Gatewatch."
	case !ready:
		message = "Reading the settings…"
	case p.failed != "":
		message, bad = p.failed, true
	case general != "":
		message, bad = general, true
	case len(problems) == 1:
		message, bad = "One value needs attention.", true
	case len(problems) > 1:
		message, bad = fmt.Sprintf("%d values need attention.", len(problems)), true
	case p.saving:
		message = "Saving…"
	case !p.linked:
		message, bad = "Gatewatch does not answer: nothing can be saved until it does.", true
	case p.desk.theirs != nil:
		message = "Choose above first: reload, or keep yours."
	case message == "" && dirty:
		message = "There are unsaved changes."
	case message == "" && !p.desk.view.Found:
		message = "No settings file yet: these are the defaults. Save writes one."
	case message == "":
		message = "Changes made in " + p.desk.view.Path + " appear here at once."
	}
	importance := widget.LowImportance
	if bad {
		importance = widget.DangerImportance
	}
	if p.message.Importance != importance {
		p.message.Importance = importance
		p.message.Refresh()
	}
	setText(p.message, message)
	enable(p.button, ready && p.linked && !p.saving && !local && p.desk.theirs == nil && (dirty || !p.desk.view.Found))
	enable(p.discard, ready && dirty)
	enable(p.defaults, ready && !p.desk.form.equal(p.defaultForm()))

	if theirs := p.desk.changedElsewhere(); p.desk.theirs != nil {
		setText(p.others, "The settings have changed on disk while you were editing: "+strings.Join(theirs, ", ")+".")
	}
	show(p.conflict, p.desk.theirs != nil)
	trouble := ready && p.desk.view.Problem != ""
	if trouble {
		setText(p.problem, "The file on disk is refused; what is shown here is in effect.\n"+plain(p.desk.view.Problem))
	}
	show(p.trouble, trouble)
}

func (p *settingsPage) defaultForm() draft {
	d := draftOf(p.desk.view.Defaults)
	d.schema = p.desk.form.schema
	return d
}

// mark shows each problem beneath its field and returns what belongs to none.
func (p *settingsPage) mark(problems settings.Problems) (general string) {
	said, inWindow := map[string][]string{}, map[int][]string{}
	for _, one := range problems {
		words := plain(one.Text)
		switch path, entry := fieldFor(one.Key); {
		case path == "":
			general = words
		case entry >= 0:
			if _, key, ok := strings.Cut(one.Key, "]."); ok {
				words = label(key) + ": " + words
			}
			inWindow[entry] = append(inWindow[entry], words)
		default:
			said[path] = append(said[path], words)
		}
	}
	for path, e := range p.editors {
		e.wrong.say(said[path])
	}
	p.windows.mark(inWindow)
	return general
}

// windowList edits reset_windows.
type windowList struct {
	content *fyne.Container
	keys    *keys
	changed func()
	rows    []*windowRow
	list    *fyne.Container
	add     *button
}

// ownWindow stands among the names of presets for a window of one's own.
const ownWindow = "own window"

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

type windowRow struct {
	content  fyne.CanvasObject
	preset   *choice
	start    *entry
	minutes  *entry
	timezone *entry
	days     []*check
	own      *fyne.Container
	wrong    *mistake
}

func newWindowList(k *keys, changed func()) *windowList {
	l := &windowList{keys: k, changed: changed, list: container.New(stacked{4})}
	l.add = newButton(k, "Add a window", func() {
		l.append(windowDraft{preset: settings.Presets()[0]})
		changed()
	})
	l.content = container.New(stacked{4}, l.list, container.NewHBox(l.add))
	return l
}

func (l *windowList) append(w windowDraft) {
	r := &windowRow{wrong: newMistake()}
	// An own window starts as an hour that a person then changes.
	r.start, r.minutes, r.timezone = newEntry(l.keys, l.changed), newEntry(l.keys, l.changed),
		newEntry(l.keys, l.changed)
	r.start.PlaceHolder, r.minutes.PlaceHolder, r.timezone.PlaceHolder = "18:00", "15", "as above"
	days := container.New(layout.NewGridLayoutWithColumns(4))
	for _, d := range weekdays {
		c := newCheck(l.keys, strings.ToUpper(d[:1])+d[1:], l.changed)
		c.SetChecked(slices.Contains(w.days, d))
		r.days = append(r.days, c)
		days.Add(c)
	}
	r.own = container.New(
		stacked{2},
		container.New(columns{0.5}, text("Starts at"), r.start), container.New(columns{0.5}, text("Minutes"),
			r.minutes),
		container.New(columns{0.5}, text("Time zone"), r.timezone),
		fine("Days on which it starts; none means every day."), days,
	)
	r.preset = newChoice(l.keys, append(slices.Clone(settings.Presets()), ownWindow), func() {
		show(r.own, r.preset.Selected == ownWindow)
		l.changed()
	})
	remove := newButton(l.keys, "Remove", func() {
		l.rows = slices.DeleteFunc(l.rows, func(o *windowRow) bool { return o == r })
		l.list.Remove(r.content)
		l.changed()
	})
	r.start.SetText(w.start)
	r.minutes.SetText(w.minutes)
	r.timezone.SetText(w.timezone)
	r.preset.SetSelected(ownWindow)
	if w.preset != "" {
		r.preset.SetSelected(w.preset)
	}
	r.content = container.NewStack(
		newThemed("", colorBorder, 6),
		padded(6, 6, container.New(stacked{2}, container.NewBorder(nil, nil, nil, remove, r.preset), r.own,
			r.wrong.content)),
	)
	l.rows = append(l.rows, r)
	l.list.Add(r.content)
}

func (l *windowList) set(list []windowDraft) {
	l.rows = nil
	l.list.RemoveAll()
	for _, w := range list {
		l.append(w)
	}
}

func (l *windowList) get() []windowDraft {
	var list []windowDraft
	for _, r := range l.rows {
		var w windowDraft
		if r.preset.Selected != ownWindow {
			w.preset = r.preset.Selected
		} else {
			w.start, w.minutes, w.timezone = r.start.Text, r.minutes.Text, r.timezone.Text
			for i, c := range r.days {
				if c.Checked {
					w.days = append(w.days, weekdays[i])
				}
			}
		}
		list = append(list, w)
	}
	return list
}

func (l *windowList) mark(problems map[int][]string) {
	for i, r := range l.rows {
		r.wrong.say(problems[i])
	}
}
