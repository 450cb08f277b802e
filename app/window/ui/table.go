package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// rowTexts is what a row of a table says: a name with a value, and in smaller letters what belongs to them.
type rowTexts struct{ name, value, more string }

// table shows rows below each other. It keeps the widgets of those that it no longer shows.
type table struct {
	content *fyne.Container
	rows    []*tableRow
}

type tableRow struct {
	content     *fyne.Container
	name, value *widget.Label
	more        *widget.Label
}

func newTable() *table { return &table{content: container.New(stacked{-6})} }

func newTableRow() *tableRow {
	r := &tableRow{name: text(""), value: text(""), more: fine("")}
	r.value.Alignment = fyne.TextAlignTrailing
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.content = container.New(stacked{-12}, container.NewBorder(nil, nil, nil, r.value, r.name), r.more)
	return r
}

func (t *table) set(rows []rowTexts) {
	for len(t.rows) < len(rows) {
		r := newTableRow()
		t.rows = append(t.rows, r)
		t.content.Add(r.content)
	}
	for i, r := range t.rows {
		if show(r.content, i < len(rows)); i < len(rows) {
			setText(r.name, rows[i].name)
			setText(r.value, rows[i].value)
			showText(r.more, rows[i].more)
		}
	}
	t.content.Refresh()
}
