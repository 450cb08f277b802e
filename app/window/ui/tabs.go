package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// tabRows lays tabs out in a row, and in two if there are more than fit into the smallest window.
type tabRows struct{}

// tabsInRow is how many tabs fit into a row of the smallest window.
const tabsInRow = 6

func (tabRows) rows(objects []fyne.CanvasObject) (rows [][]fyne.CanvasObject) {
	var visible []fyne.CanvasObject
	for _, o := range objects {
		if o.Visible() {
			visible = append(visible, o)
		}
	}
	if len(visible) <= tabsInRow {
		return [][]fyne.CanvasObject{visible}
	}
	half := (len(visible) + 1) / 2
	return [][]fyne.CanvasObject{visible[:half], visible[half:]}
}

func (l tabRows) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, row := range l.rows(objects) {
		width, height := float32(0), float32(0)
		for _, o := range row {
			m := o.MinSize()
			width, height = width+m.Width+tabGap, max(height, m.Height)
		}
		size.Width, size.Height = max(size.Width, width-tabGap), size.Height+height
	}
	return size
}

func (l tabRows) Layout(objects []fyne.CanvasObject, _ fyne.Size) {
	y := float32(0)
	for _, row := range l.rows(objects) {
		x, height := float32(0), float32(0)
		for _, o := range row {
			m := o.MinSize()
			o.Move(fyne.NewPos(x, y))
			o.Resize(m)
			x, height = x+m.Width+tabGap, max(height, m.Height)
		}
		y += height
	}
}

// tabGap is between two tabs.
const tabGap = 4

// mark shows whether what a button opens is open.
func mark(b *button, open bool) {
	importance := widget.LowImportance
	if open {
		importance = widget.MediumImportance
	}
	if b.Importance != importance {
		b.Importance = importance
		b.Refresh()
	}
}
