package ui

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"gatewatch/app/settings"
)

// alertForm is the form that adds a channel for alerts, or changes one.
type alertForm struct {
	content *fyne.Container
	keys    *keys
	changed func()
	target  alertTarget
	base    settings.Settings
	pick    *choice // nil unless there are several kinds
	parts   []*alertPart
}

// alertPart is the fields of one kind. They stay when another kind is chosen.
type alertPart struct {
	content *fyne.Container
	kind    alertKind
	fields  map[string]*alertEntry
	before  map[string]string
}

const keptWords = "Stored secrets are not shown. Each is kept unless you type a new one."

// alertEntry is one field.
type alertEntry struct {
	widget  fyne.CanvasObject
	get     func() string
	wrong   *mistake
	touched bool
}

// newAlertForm returns a form for one of the kinds.
func newAlertForm(k *keys, s settings.Settings, kinds []alertKind, target alertTarget, changed func()) *alertForm {
	f := &alertForm{keys: k, changed: changed, target: target, base: s}
	title := bold("Add an alert")
	if target.channel != "" {
		title.SetText("Edit " + kinds[0].name)
	}
	rows := []fyne.CanvasObject{title}
	if len(kinds) > 1 {
		var names []string
		for _, kind := range kinds {
			names = append(names, kind.name)
		}
		f.pick = newChoice(k, names, f.choose)
		rows = append(rows, container.New(columns{0.4}, text("Send by"), f.pick))
	}
	for _, kind := range kinds {
		p := f.newPart(kind)
		f.parts = append(f.parts, p)
		rows = append(rows, p.content)
	}
	f.content = card(container.New(stacked{2}, rows...))
	if f.pick != nil {
		f.pick.SetSelectedIndex(0)
	}
	f.choose()
	return f
}

func (f *alertForm) newPart(kind alertKind) *alertPart {
	p := &alertPart{kind: kind, fields: map[string]*alertEntry{}, before: kind.values(f.base, f.target)}
	rows := []fyne.CanvasObject{fine(kind.intro)}
	if f.target.channel != "" {
		rows = append(rows, fine(keptWords))
	}
	for _, field := range kind.fields {
		rows = append(rows, f.newField(p, field))
	}
	p.content = container.New(stacked{2}, rows...)
	return p
}

func (f *alertForm) newField(p *alertPart, field alertField) fyne.CanvasObject {
	e := &alertEntry{wrong: newMistake()}
	p.fields[field.name] = e
	touch := func() {
		e.touched = true
		f.changed()
	}
	value, name := p.before[field.name], fyne.CanvasObject(wrapped(field.label))
	switch {
	case field.yesNo:
		c := newCheck(f.keys, field.label, func() {})
		c.SetChecked(value == "true")
		c.OnChanged = func(bool) { touch() }
		e.widget, e.get = c, func() string { return strconv.FormatBool(c.Checked) }
		return container.New(stacked{-6}, c, e.wrong.content)
	case field.options != nil:
		var list []string
		for _, o := range field.options {
			list = append(list, o[1])
		}
		c := newChoice(f.keys, list, func() {})
		c.SetSelectedIndex(slices.IndexFunc(field.options, func(o [2]string) bool { return o[0] == value }))
		c.OnChanged = func(string) { touch() }
		e.widget, e.get = c, func() string { return field.options[max(0, c.SelectedIndex())][0] }
	default:
		n := newEntry(f.keys, func() {})
		n.Password = field.secret != ""
		n.SetText(value)
		if f.target.keeps(f.base, field) {
			n.PlaceHolder = "stored; empty keeps it"
		}
		n.OnChanged = func(string) { touch() }
		e.widget, e.get = n, func() string { return n.Text }
	}
	row := []fyne.CanvasObject{container.New(columns{0.4}, name, e.widget), e.wrong.content}
	if field.hint != "" {
		row = append(row, fine(field.hint))
	}
	return container.New(stacked{-4}, row...)
}

// part returns the fields of the kind that is chosen.
func (f *alertForm) part() *alertPart {
	if f.pick == nil {
		return f.parts[0]
	}
	return f.parts[max(0, f.pick.SelectedIndex())]
}

func (f *alertForm) choose() {
	for _, p := range f.parts {
		show(p.content, p == f.part())
	}
	f.content.Refresh()
	f.changed()
}

// values returns what is in the fields of a kind, without space around it.
func (p *alertPart) values() map[string]string {
	v := map[string]string{}
	for name, e := range p.fields {
		v[name] = strings.TrimSpace(e.get())
	}
	return v
}

// dirty reports whether something was typed.
func (f *alertForm) dirty() bool {
	return slices.ContainsFunc(f.parts, func(p *alertPart) bool { return !maps.Equal(p.values(), p.before) })
}

// change returns what saving does; ok is false if something is wrong, which then stands beneath its field, as far as
// the field was touched or all of them are meant. What belongs to no field is returned.
func (f *alertForm) change(all bool) (c AlertChange, general string, ok bool) {
	p := f.part()
	c, wrong := p.kind.change(f.base, f.target, p.values())
	for name, e := range p.fields {
		var list []string
		if text := wrong[name]; text != "" && (all || e.touched) {
			list = []string{text}
		}
		e.wrong.say(list)
	}
	return c, wrong[""], len(wrong) == 0
}

// refuse shows problems that the resident program has found, and returns what belongs to no field.
func (f *alertForm) refuse(problems settings.Problems) (general string) {
	p := f.part()
	for _, one := range problems {
		if e := p.fields[p.kind.fieldOf(one.Key)]; e != nil {
			e.wrong.say([]string{upper(plain(one.Text))})
		} else {
			general = one.Key + ": " + plain(one.Text)
		}
	}
	return general
}

// first gives the focus to the first field that is wrong, or with no one wrong to the first of all.
func (f *alertForm) first() {
	p := f.part()
	for _, wrong := range []bool{true, false} {
		for _, field := range p.kind.fields {
			e := p.fields[field.name]
			if o, ok := e.widget.(fyne.Focusable); ok && e.wrong.content.Visible() == wrong {
				f.keys.focus(o)
				return
			}
		}
	}
}
