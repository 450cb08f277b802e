package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"gatewatch/app/settings"
)

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
const ownWindow = "Own times"

type windowRow struct {
	content  fyne.CanvasObject
	preset   *choice
	start    *entry
	minutes  *entry
	timezone *zonePicker
	days     *dayBoxes
	own      *fyne.Container
	wrong    *mistake
}

func newWindowList(k *keys, changed func()) *windowList {
	l := &windowList{keys: k, changed: changed, list: container.New(stacked{4})}
	l.add = newButton(k, "Add a window", func() {
		l.append(windowDraft{Preset: settings.Presets()[0]})
		changed()
	})
	l.content = container.New(stacked{4}, l.list, container.NewHBox(l.add))
	return l
}

func (l *windowList) append(w windowDraft) {
	r := &windowRow{wrong: newMistake(), days: newDayBoxes(l.keys, l.changed)}
	r.start, r.minutes = newEntry(l.keys, l.changed), newEntry(l.keys, l.changed)
	r.timezone = newZonePicker(l.keys, l.changed)
	r.start.PlaceHolder, r.minutes.PlaceHolder, r.timezone.entry.PlaceHolder = "18:00", "15", "as above"
	r.own = container.New(
		stacked{2},
		container.New(columns{0.5}, text("Starts at"), r.start),
		container.New(columns{0.5}, text("Lasts (minutes)"), r.minutes),
		container.New(columns{0.5}, text("Time zone"), r.timezone.field), r.timezone.panel,
		fine("Days on which it starts; none means every day."), r.days.content,
	)
	r.preset = newChoice(l.keys, append(settings.PresetWords(), ownWindow), func() {
		show(r.own, r.preset.Selected == ownWindow)
		l.changed()
	})
	remove := newButton(l.keys, "Remove", func() {
		l.rows = slices.DeleteFunc(l.rows, func(o *windowRow) bool { return o == r })
		l.list.Remove(r.content)
		l.changed()
	})
	r.start.SetText(w.Start)
	r.minutes.SetText(w.Minutes)
	r.timezone.set(w.Timezone)
	r.days.set(w.Days)
	r.preset.SetSelected(ownWindow)
	if at := slices.Index(settings.Presets(), w.Preset); at >= 0 {
		r.preset.SetSelectedIndex(at)
	}
	r.content = container.NewStack(
		newThemed("", colorBorder, 6),
		padded(6, 6, container.New(stacked{2}, container.NewBorder(nil, nil, nil, remove, r.preset), r.own,
			r.wrong.content)),
	)
	l.rows = append(l.rows, r)
	l.list.Add(r.content)
}

// set fills the list from the text of a draft.
func (l *windowList) set(text string) {
	l.rows = nil
	l.list.RemoveAll()
	for _, w := range windowsOf(text) {
		l.append(w)
	}
}

// get returns the text of a draft.
func (l *windowList) get() string {
	var list []windowDraft
	for _, r := range l.rows {
		var w windowDraft
		if at := r.preset.SelectedIndex(); at >= 0 && at < len(settings.Presets()) {
			w.Preset = settings.Presets()[at]
		} else {
			w = windowDraft{
				Start: r.start.Text, Minutes: r.minutes.Text, Timezone: r.timezone.entry.Text, Days: r.days.get(),
			}
		}
		list = append(list, w)
	}
	return windowsText(list)
}

func (l *windowList) mark(problems map[int][]string) {
	for i, r := range l.rows {
		r.wrong.say(problems[i])
	}
}

// first returns what has to get the focus: in the first window with a mistake, or to add one.
func (l *windowList) first() fyne.Focusable {
	for _, r := range l.rows {
		switch {
		case !r.wrong.content.Visible():
		case r.own.Visible():
			return r.start
		default:
			return r.preset
		}
	}
	return l.add
}
