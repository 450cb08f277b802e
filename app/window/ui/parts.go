package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

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

// rename does for the text of a button what setText does for that of a label.
func rename(b *button, name string) {
	if b.Text != name {
		b.SetText(name)
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

// fixed returns a sign that always shows the same shape.
func fixed(shape Shape, size float32) fyne.CanvasObject {
	s := newSign(size)
	s.set(shape)
	return s.image
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

// atLeast gives everything all the space, and asks for no less than a size.
type atLeast struct{ fyne.Size }

func (a atLeast) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}

func (a atLeast) MinSize(objects []fyne.CanvasObject) fyne.Size {
	min := a.Size
	for _, o := range objects {
		min = min.Max(o.MinSize())
	}
	return min
}

func small(s string) *widget.Label {
	l := fine(s)
	l.Wrapping = fyne.TextWrapOff
	return l
}
