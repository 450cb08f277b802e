package ui

import (
	"image/color"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// keys moves the focus, and takes what concerns the whole window from the widget that has it: the toolkit gives keys
// only to that widget.
type keys struct {
	escape   func()
	shortcut func(fyne.Shortcut)
	reveal   func(fyne.CanvasObject) // it has got the focus and has to be seen
	now      func() time.Time
	canvas   fyne.Canvas // nil before the view is attached
	asks     *question   // that waits for an answer; nil if none does
}

// focus gives the focus to o, if it can be seen and used.
func (k *keys) focus(o fyne.Focusable) {
	if k.canvas != nil {
		k.canvas.Focus(o)
	}
}

// focused reports whether o has the focus.
func (k *keys) focused(o fyne.Focusable) bool { return k.canvas != nil && k.canvas.Focused() == o }

// button is a button that the Enter key presses as well. Once pressed it has the focus, so that the Tab key goes on
// from there: the toolkit's drops it.
type button struct {
	widget.Button
	keys    *keys
	focused bool
}

func newButton(k *keys, text string, tapped func()) *button {
	b := &button{keys: k}
	b.Text, b.OnTapped = text, func() {
		k.focus(b)
		tapped()
	}
	b.ExtendBaseWidget(b)
	return b
}

// newDanger returns a button that begins something dangerous: all of these look alike, and ask before they act.
func newDanger(k *keys, text string, tapped func()) *button {
	b := newButton(k, text, tapped)
	b.Importance = widget.DangerImportance
	return b
}

func (b *button) CreateRenderer() fyne.WidgetRenderer {
	return ringed(b.Button.CreateRenderer(), &b.focused)
}

func (b *button) FocusLost() {
	b.focused = false
	b.Button.FocusLost()
}

func (b *button) FocusGained() {
	b.focused = true
	b.Button.FocusGained()
	b.keys.reveal(b)
}

func (b *button) TypedKey(e *fyne.KeyEvent) {
	switch {
	case e.Name == fyne.KeyEscape:
		b.keys.escape()
	case e.Name == fyne.KeyReturn, e.Name == fyne.KeyEnter:
		b.Button.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	case e.Name == fyne.KeySpace: // comes as a letter as well, which a field that gets the focus would take in
	default:
		b.Button.TypedKey(e)
	}
}

func (b *button) TypedRune(r rune) {
	if r == ' ' {
		b.Button.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	}
}

type check struct {
	widget.Check
	keys    *keys
	focused bool
}

func newCheck(k *keys, text string, changed func()) *check {
	c := &check{keys: k}
	c.Text, c.OnChanged = text, func(bool) { changed() }
	c.ExtendBaseWidget(c)
	return c
}

func (c *check) CreateRenderer() fyne.WidgetRenderer {
	return ringed(c.Check.CreateRenderer(), &c.focused)
}

func (c *check) FocusLost() {
	c.focused = false
	c.Check.FocusLost()
}

func (c *check) FocusGained() {
	c.focused = true
	c.Check.FocusGained()
	c.keys.reveal(c)
}

func (c *check) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape {
		c.keys.escape()
		return
	}
	c.Check.TypedKey(e)
}

type choice struct {
	widget.Select
	keys    *keys
	focused bool
}

func newChoice(k *keys, options []string, changed func()) *choice {
	c := &choice{keys: k}
	c.Options, c.OnChanged = options, func(string) { changed() }
	c.ExtendBaseWidget(c)
	return c
}

func (c *choice) CreateRenderer() fyne.WidgetRenderer {
	return ringed(c.Select.CreateRenderer(), &c.focused)
}

func (c *choice) FocusLost() {
	c.focused = false
	c.Select.FocusLost()
}

func (c *choice) FocusGained() {
	c.focused = true
	c.Select.FocusGained()
	c.keys.reveal(c)
}

func (c *choice) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape {
		c.keys.escape()
		return
	}
	c.Select.TypedKey(e)
}

type entry struct {
	widget.Entry
	keys   *keys
	handle func(*fyne.KeyEvent) bool // is asked first, and reports whether it has handled a key; nil: none
}

func newEntry(k *keys, changed func()) *entry {
	e := &entry{keys: k}
	e.OnChanged = func(string) { changed() }
	e.ExtendBaseWidget(e)
	e.Wrapping = fyne.TextWrapOff
	e.Scroll = fyne.ScrollHorizontalOnly
	return e
}

// newSearch returns a field that the Esc key empties.
func newSearch(k *keys, name string, changed func()) *entry {
	e := newEntry(k, changed)
	e.PlaceHolder = name
	e.handle = func(key *fyne.KeyEvent) bool {
		clears := key.Name == fyne.KeyEscape && e.Text != ""
		if clears {
			e.SetText("")
		}
		return clears
	}
	return e
}

func (e *entry) FocusGained() {
	e.Entry.FocusGained()
	e.keys.reveal(e)
}

func (e *entry) TypedKey(k *fyne.KeyEvent) {
	if e.handle != nil && e.handle(k) {
		return
	}
	if k.Name == fyne.KeyEscape {
		e.keys.escape()
		return
	}
	e.Entry.TypedKey(k)
}

func (e *entry) TypedShortcut(s fyne.Shortcut) {
	switch s := s.(type) {
	case *desktop.CustomShortcut:
		e.keys.shortcut(s)
	case *fyne.ShortcutPaste:
		s.Clipboard = oneLine{s.Clipboard}
	}
	e.Entry.TypedShortcut(s)
}

// oneLine is a clipboard whose lines and cells stand beside each other with commas: with blanks, as the toolkit would
// have it, two numbers would become one.
type oneLine struct{ fyne.Clipboard }

func (c oneLine) Content() string {
	parts := strings.FieldsFunc(c.Clipboard.Content(), func(r rune) bool { return strings.ContainsRune("\r\n\t", r) })
	return strings.Join(parts, ", ")
}

// ring is drawn around the widget that has the keyboard's focus. What is chosen is filled instead.
type ring struct {
	fyne.WidgetRenderer
	line *canvas.Rectangle
	on   *bool
}

// ringed returns a widget's renderer that also draws the ring while on is true.
func ringed(r fyne.WidgetRenderer, on *bool) fyne.WidgetRenderer {
	line := canvas.NewRectangle(color.Transparent)
	line.StrokeWidth, line.CornerRadius = 2, 7
	line.Hide()
	return &ring{r, line, on}
}

func (r *ring) Objects() []fyne.CanvasObject {
	return append(slices.Clone(r.WidgetRenderer.Objects()), r.line)
}

func (r *ring) Layout(size fyne.Size) {
	const outside = 2 // it can be seen around a button of its own colour, too
	r.line.Move(fyne.NewPos(-outside, -outside))
	r.line.Resize(size.AddWidthHeight(2*outside, 2*outside))
	r.WidgetRenderer.Layout(size)
}

func (r *ring) Refresh() {
	r.WidgetRenderer.Refresh()
	r.line.StrokeColor = fyne.CurrentApp().Settings().Theme().Color(colorLine, variant())
	show(r.line, *r.on)
}
