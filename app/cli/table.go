package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"
)

// cells measures text as terminals show it: a Chinese letter or an emoji takes two columns.
var cells = &runewidth.Condition{}

// table is text in columns. The first row has the titles, which may be empty.
type table struct {
	rows  [][]string
	right bool                                       // text stands at the right of its column
	paint func(column int, text string) *color.Color // colour of a cell below the titles; nil: none
}

func (t *table) row(row ...string) { t.rows = append(t.rows, row) }

// dropEmpty removes the columns in which there is nothing below the title, so that the rest fits a terminal.
func (t *table) dropEmpty() {
	for i := len(t.rows[0]) - 1; i > 0; i-- {
		if slices.ContainsFunc(t.rows[1:], func(row []string) bool { return len(row) > i && row[i] != none }) {
			continue
		}
		for j, row := range t.rows {
			if len(row) > i {
				t.rows[j] = slices.Delete(row, i, i+1)
			}
		}
	}
}

// write writes the table, with two spaces between columns.
func (t *table) write(out io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells.StringWidth(text))
		}
	}
	var b strings.Builder
	for i, row := range t.rows {
		t.writeRow(&b, i == 0, row, widths)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (t *table) writeRow(b *strings.Builder, titles bool, row []string, widths []int) {
	var line strings.Builder
	for i, text := range row {
		space := strings.Repeat(" ", widths[i]-cells.StringWidth(text))
		if i > 0 {
			line.WriteString("  ")
		}
		if t.right {
			line.WriteString(space)
		}
		line.WriteString(t.painted(titles, i, text))
		if !t.right {
			line.WriteString(space)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func (t *table) painted(titles bool, column int, text string) string {
	switch {
	case titles:
		return colored(title, text)
	case t.paint == nil:
		return text
	}
	return colored(t.paint(column, text), text)
}
