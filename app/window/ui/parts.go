package ui

import (
	"image/color"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

// keys is who has the focus, and where a widget that has it sends what concerns the whole window: the toolkit asks the
// widget alone.
type keys struct {
	escape   func()
	shortcut func(fyne.Shortcut)
	reveal   func(fyne.CanvasObject) // it has got the focus and has to be seen
	now      func() time.Time
	canvas   fyne.Canvas // nil before the view is attached
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
	escape  func() // what the Esc key does; nil: what it does elsewhere
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
	case e.Name == fyne.KeyEscape && b.escape != nil:
		b.escape()
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

// text is a label that shows what it is given and never anything else.
func text(s string) *widget.Label { return widget.NewLabel(s) }

func wrapped(s string) *widget.Label {
	l := widget.NewLabel(s)
	l.Wrapping = fyne.TextWrapWord
	return l
}

func bold(s string) *widget.Label {
	return widget.NewLabelWithStyle(s, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
}

func fine(s string) *widget.Label {
	l := wrapped(s)
	l.SizeName, l.Importance = sizeFine, widget.LowImportance
	return l
}

func muted(s string) *widget.Label {
	l := text(s)
	l.Importance = widget.LowImportance
	return l
}

// setText changes a label only if it has to: what is the same need not be painted again.
func setText(l *widget.Label, s string) {
	if l.Text != s {
		l.SetText(s)
	}
}

// showText shows a text, or hides the label where there is none.
func showText(l *widget.Label, s string) {
	setText(l, s)
	show(l, s != "")
}

// setImportance does for the importance of a label what setText does for its text.
func setImportance(l *widget.Label, importance widget.Importance) {
	if l.Importance != importance {
		l.Importance = importance
		l.Refresh()
	}
}

// tint gives a label one importance if yes, and another otherwise.
func tint(l *widget.Label, yes bool, importance, otherwise widget.Importance) {
	if !yes {
		importance = otherwise
	}
	setImportance(l, importance)
}

func show(o fyne.CanvasObject, yes bool) {
	switch {
	case yes && !o.Visible():
		o.Show()
	case !yes && o.Visible():
		o.Hide()
	}
}

// sign shows a shape.
type sign struct {
	image *canvas.Image
	shape Shape
}

func newSign(size float32) *sign {
	s := &sign{image: canvas.NewImageFromResource(Unknown.Icon())}
	s.image.FillMode = canvas.ImageFillContain
	s.image.SetMinSize(fyne.NewSquareSize(size))
	return s
}

func (s *sign) set(shape Shape) {
	if s.shape != shape {
		s.shape = shape
		s.image.Resource = shape.Icon()
		s.image.Refresh()
	}
}

// themed is a rectangle in a colour of the theme, which it follows.
type themed struct {
	widget.BaseWidget
	fill, border fyne.ThemeColorName
	radius       float32
}

func newThemed(fill, border fyne.ThemeColorName, radius float32) *themed {
	t := &themed{fill: fill, border: border, radius: radius}
	t.ExtendBaseWidget(t)
	return t
}

func (t *themed) CreateRenderer() fyne.WidgetRenderer {
	r := canvas.NewRectangle(color.Transparent)
	r.CornerRadius = t.radius
	p := &themedRenderer{WidgetRenderer: widget.NewSimpleRenderer(r), t: t, r: r}
	p.Refresh()
	return p
}

type themedRenderer struct {
	fyne.WidgetRenderer
	t *themed
	r *canvas.Rectangle
}

func (p *themedRenderer) Refresh() {
	p.r.FillColor = p.t.Theme().Color(p.t.fill, variant())
	if p.t.border != "" {
		p.r.StrokeColor, p.r.StrokeWidth = p.t.Theme().Color(p.t.border, variant()), 1
	}
	p.r.Refresh()
}

func variant() fyne.ThemeVariant { return fyne.CurrentApp().Settings().ThemeVariant() }

// card puts objects below each other on a card.
func card(objects ...fyne.CanvasObject) *fyne.Container {
	return container.NewStack(newThemed(colorCard, colorBorder, 8), padded(6, 8, container.New(stacked{0}, objects...)))
}

func padded(vertical, horizontal float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(vertical, vertical, horizontal, horizontal), o)
}

// framed puts top and bottom, which may be nil, around the middle. The Tab key goes through them from the top down,
// other than through the toolkit's border.
func framed(top, middle, bottom fyne.CanvasObject) *fyne.Container {
	var list []fyne.CanvasObject
	for _, o := range []fyne.CanvasObject{top, middle, bottom} {
		if o != nil {
			list = append(list, o)
		}
	}
	return container.New(layout.NewBorderLayout(top, bottom, nil, nil), list...)
}

// stacked puts objects below each other with the given gap, each as wide as all. Other than the toolkit's it gives a
// label that wraps the height that its text needs in the width it gets.
type stacked struct{ gap float32 }

func (s stacked) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height)) // the width first: it decides the height of text
		h := o.MinSize().Height
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, h))
		y += h + s.gap
	}
}

func (s stacked) MinSize(objects []fyne.CanvasObject) fyne.Size {
	min, n := fyne.Size{}, 0
	for _, o := range objects {
		if o.Visible() {
			m := o.MinSize()
			min.Width, min.Height, n = fyne.Max(min.Width, m.Width), min.Height+m.Height, n+1
		}
	}
	if n > 1 {
		min.Height += s.gap * float32(n-1)
	}
	return min
}

// columns puts a first object of a fixed width, or share if it is below 1, beside a second one.
type columns struct{ first float32 }

func (c columns) width(total float32) float32 {
	if c.first < 1 {
		return total * c.first
	}
	return c.first
}

func (c columns) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	w := c.width(size.Width)
	for i, o := range objects {
		x, width := float32(0), w
		if i == 1 {
			x, width = w, size.Width-w
		}
		o.Resize(fyne.NewSize(width, o.MinSize().Height))
		h := o.MinSize().Height
		o.Resize(fyne.NewSize(width, h))
		y := float32(0)
		if _, label := o.(*widget.Label); !label {
			y = (size.Height - h) / 2
		}
		o.Move(fyne.NewPos(x, y))
	}
}

func (c columns) MinSize(objects []fyne.CanvasObject) fyne.Size {
	min := fyne.Size{}
	for _, o := range objects {
		m := o.MinSize()
		min = fyne.NewSize(min.Width+m.Width, fyne.Max(min.Height, m.Height))
	}
	return min
}
