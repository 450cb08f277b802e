package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// editor is one field: its name, what edits it, its explanation, and what is to be said of it.
type editor struct {
	field   *field
	content *fyne.Container
	words   string // in which a search looks, in small letters
	get     func() string
	set     func(string)
	focus   func() fyne.Focusable
	changed *fyne.Container // says that it is not the default
	was     *widget.Label
	undo    *button
	bad     bool // something is wrong with it
	wrong   *mistake
	windows *windowList // nil but for reset_windows
}

// mistake says what is wrong, beneath what it is about.
type mistake struct {
	content *fyne.Container
	words   *widget.Label
}

func newMistake() *mistake {
	m := &mistake{words: wrapped("")}
	m.words.Importance, m.words.SizeName = widget.DangerImportance, sizeFine
	sign := padded(0, 8, container.NewCenter(fixed(Impaired, 14)))
	m.content = container.NewBorder(nil, nil, sign, nil, m.words)
	m.content.Hide()
	return m
}

func (m *mistake) say(list []string) {
	setText(m.words, strings.Join(list, "\n"))
	show(m.content, len(list) > 0)
}

// newEditor returns what edits a field; useDefault is pressed to put the default into it, changed is called for what a
// person does, and key says whether the key is shown.
func newEditor(f *field, k *keys, key bool, changed func(), useDefault func()) *editor {
	e := &editor{field: f, wrong: newMistake(), was: fine(""), undo: newButton(k, "Use default", useDefault)}
	e.words = strings.ToLower(strings.Join([]string{
		f.label, f.doc, f.effect, f.path, strings.Join(f.words, " "),
	}, " "))
	doc := keyNames.Replace(f.doc)
	if key {
		doc += " (" + f.path + ")"
	}
	content := container.New(stacked{-4})
	beside := func(o fyne.CanvasObject) { content.Add(container.New(columns{0.5}, wrapped(f.label), o)) }
	only := func(o fyne.Focusable) { e.focus = func() fyne.Focusable { return o } }
	switch f.kind {
	case windows:
		w := newWindowList(k, changed)
		e.windows, e.get, e.set, e.focus = w, w.get, w.set, w.first
		content.Add(text(f.label))
		content.Add(padded(6, 0, w.content))
	case zone:
		z := newZonePicker(k, changed)
		e.get, e.set = func() string { return z.entry.Text }, z.set
		only(z.entry)
		beside(z.field)
		content.Add(z.panel)
	case days:
		d := newDayBoxes(k, changed)
		e.get = func() string { return strings.Join(d.get(), ", ") }
		e.set = func(s string) { d.set(split(s)) }
		only(d.boxes[0])
		content.Add(text(f.label))
		content.Add(d.content)
	case oneOf:
		c := newChoice(k, f.words, changed)
		e.get = func() string { return f.options[max(0, c.SelectedIndex())] }
		e.set = func(s string) { c.SetSelected(f.show(s)) }
		only(c)
		beside(c)
	case yesNo:
		c := newCheck(k, f.label, changed)
		e.get, e.set = func() string { return fmt.Sprint(c.Checked) }, func(s string) { c.SetChecked(s == "true") }
		only(c)
		content.Add(c)
	default:
		n := newEntry(k, changed)
		e.get, e.set = func() string { return n.Text }, n.SetText
		only(n)
		beside(n)
	}
	content.Add(e.wrong.content)
	explained := container.New(stacked{-12}, fine(doc))
	if f.effect != "" {
		effect := fine(f.effect)
		effect.Importance = widget.WarningImportance
		explained.Add(effect)
	}
	content.Add(explained)
	e.was.Wrapping = fyne.TextWrapOff
	e.was.Truncation = fyne.TextTruncateEllipsis
	e.was.Importance, e.was.TextStyle.Bold = widget.MediumImportance, true
	e.changed = container.NewBorder(nil, nil, nil, e.undo, e.was)
	e.changed.Hide()
	content.Add(e.changed)
	e.content = content
	return e
}

// compare marks what is not the default.
func (e *editor) compare(text, preset string) (differs bool) {
	differs = text != preset
	if differs {
		setText(e.was, "Changed; the default is "+e.field.show(preset))
	}
	show(e.changed, differs)
	return differs
}
