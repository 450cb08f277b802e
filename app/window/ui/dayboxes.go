package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
)

// weekdays are the days of a week, as files name them.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// dayBoxes edits a list of days of the week.
type dayBoxes struct {
	content *fyne.Container
	boxes   []*check
}

func newDayBoxes(k *keys, changed func()) *dayBoxes {
	d := &dayBoxes{content: container.New(layout.NewGridLayoutWithColumns(4))}
	for _, day := range weekdays {
		c := newCheck(k, upper(day), changed)
		d.boxes = append(d.boxes, c)
		d.content.Add(c)
	}
	return d
}

// get returns the days that are ticked, nil if none is.
func (d *dayBoxes) get() (list []string) {
	for i, c := range d.boxes {
		if c.Checked {
			list = append(list, weekdays[i])
		}
	}
	return list
}

func (d *dayBoxes) set(list []string) {
	for i, c := range d.boxes {
		c.SetChecked(slices.Contains(list, weekdays[i]))
	}
}
