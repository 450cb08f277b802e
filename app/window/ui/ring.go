package ui

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

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
