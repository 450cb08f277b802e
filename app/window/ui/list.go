package ui

import (
	"math"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// entryTexts is what a list shows of an entry in its one line. A title is above what follows it, and cannot be
// chosen.
type entryTexts struct {
	key               string // what stays the same of it
	title             bool
	shape             Shape
	name, value, word string
	bad               bool // word is something to see to
}

// list shows entries, one line each, of which one can be chosen. It has widgets only for the lines that can be seen,
// and paints only what has changed.
type list struct {
	widget.List
	keys    *keys
	focused bool
	entries []entryTexts
	chosen  string // key of the entry
	choose  func(key string)
}

func newList(k *keys, choose func(key string)) *list {
	l := &list{keys: k, choose: choose}
	l.Length = func() int { return len(l.entries) }
	l.CreateItem = func() fyne.CanvasObject { return newEntryLine().content }
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		if i < len(l.entries) {
			lineOf(o).set(&l.entries[i])
		}
	}
	l.OnSelected = func(i widget.ListItemID) {
		if i >= len(l.entries) || l.entries[i].title || l.entries[i].key == l.chosen {
			return
		}
		l.chosen = l.entries[i].key
		l.choose(l.chosen)
	}
	l.HideSeparators = true
	l.ExtendBaseWidget(l)
	return l
}

// set shows entries. What is chosen stays, as long as it is there.
func (l *list) set(entries []entryTexts) {
	before := l.entries
	l.entries = entries
	at := l.index(l.chosen)
	if !slices.Equal(before, entries) {
		l.Refresh() // once: to refresh one entry costs as much as all that can be seen
	}
	switch {
	case at < 0:
		l.chosen = ""
		l.UnselectAll()
	default:
		l.Select(at)
	}
}

// pick chooses the entry with the key, none if it is empty or not there.
func (l *list) pick(key string) {
	if at := l.index(key); at >= 0 {
		l.Select(at)
		return
	}
	l.chosen = ""
	l.UnselectAll()
	l.choose("")
}

func (l *list) index(key string) int {
	for i := range l.entries {
		if key != "" && !l.entries[i].title && l.entries[i].key == key {
			return i
		}
	}
	return -1
}

func (l *list) CreateRenderer() fyne.WidgetRenderer {
	return ringed(l.List.CreateRenderer(), &l.focused)
}

func (l *list) FocusGained() {
	l.focused = true
	l.List.FocusGained()
	l.Refresh()
}

func (l *list) FocusLost() {
	l.focused = false
	l.List.FocusLost()
	l.Refresh()
}

func (l *list) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape {
		l.keys.escape()
		return
	}
	l.List.TypedKey(e)
}

// entryLine is one line of a list.
type entryLine struct {
	content *fyne.Container
	sign    *sign
	name    *widget.Label
	value   *widget.Label
	word    *widget.Label
}

func newEntryLine() *entryLine {
	e := &entryLine{sign: newSign(signSize), name: text(""), value: text(""), word: muted("")}
	for _, l := range []*widget.Label{e.name, e.value, e.word} {
		l.Truncation = fyne.TextTruncateEllipsis
	}
	e.value.Alignment = fyne.TextAlignTrailing
	e.content = container.New(lineLayout{}, e.sign.image, e.name, e.value, e.word)
	return e
}

// lineOf returns the line of what the list hands out to be filled.
func lineOf(o fyne.CanvasObject) *entryLine {
	c := o.(*fyne.Container)
	label := func(i int) *widget.Label { return c.Objects[i].(*widget.Label) }
	return &entryLine{
		content: c, sign: &sign{image: c.Objects[0].(*canvas.Image)}, name: label(1), value: label(2),
		word: label(3),
	}
}

func (e *entryLine) set(t *entryTexts) {
	if icon := t.shape.Icon(); e.sign.image.Resource != icon {
		e.sign.image.Resource = icon
		e.sign.image.Refresh()
	}
	show(e.sign.image, !t.title)
	if e.name.TextStyle.Bold != t.title {
		e.name.TextStyle.Bold = t.title
		e.name.Refresh()
	}
	setText(e.name, t.name)
	moved := len(e.value.Text) != len(t.value) || len(e.word.Text) != len(t.word)
	setText(e.value, t.value)
	setText(e.word, t.word)
	if moved {
		e.content.Refresh()
	}
	tint(e.word, t.bad, widget.DangerImportance, widget.LowImportance)
}

// lineLayout gives the sign its room, and the rest to name, value and word by their shares. What the value leaves
// empty, the name has; what the others need more, it lacks: a figure that is cut reads as another one.
type lineLayout struct{}

const lineHeight = 30

func (lineLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	x := float32(signSize + 12)
	rest := size.Width - x
	objects[0].Move(fyne.NewPos(6, (size.Height-signSize)/2))
	objects[0].Resize(fyne.NewSquareSize(signSize))
	widths := [...]float32{0.44 * rest, 0.31 * rest, 0.25 * rest}
	for i := 1; i < len(widths); i++ {
		l := objects[i+1].(*widget.Label)
		words := fyne.MeasureText(l.Text, theme.TextSize(), l.TextStyle).Width
		needs := float32(math.Ceil(float64(words))) + 2*theme.InnerPadding() // the toolkit cuts to whole pixels
		more := min(needs-widths[i], widths[0]-rest/5)
		if i == 2 { // words begin below each other
			more = max(0, more)
		}
		if l.Text == "" && (i == 1 || widths[1] == 0) {
			more = -widths[i]
		}
		widths[0], widths[i] = widths[0]-more, widths[i]+more
	}
	for i, width := range widths {
		o := objects[i+1]
		h := o.MinSize().Height
		o.Move(fyne.NewPos(x, (size.Height-h)/2))
		o.Resize(fyne.NewSize(width, h))
		x += width
	}
}

func (lineLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(240, lineHeight) }

// docked puts a list above the details of what is chosen in it. These have the same height whatever they say: their
// buttons, which come first in them, stay under the mouse. What does not fit in scrolls.
type docked struct{}

// mostDetails is a height in which most details have room. A list keeps leastList before it, or else half of all.
const (
	mostDetails = 250
	leastList   = 150
)

func (docked) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	above, below := objects[0], objects[1]
	h := float32(0)
	if below.Visible() {
		h = min(mostDetails, max(size.Height/2, size.Height-leastList))
		below.Move(fyne.NewPos(0, size.Height-h))
		below.Resize(fyne.NewSize(size.Width, h))
	}
	above.Move(fyne.Position{})
	above.Resize(fyne.NewSize(size.Width, size.Height-h))
}

func (docked) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(240, 2*lineHeight)
}
