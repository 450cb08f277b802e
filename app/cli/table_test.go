package cli

import (
	"strings"
	"testing"

	"github.com/fatih/color"
)

// TestTable has text of every width in columns: Chinese, an emoji of several runes, a letter with a combining accent.
func TestTable(t *testing.T) {
	red := color.New(color.FgRed)
	red.EnableColor()
	for name, c := range map[string]struct {
		table table
		want  string
	}{
		"left": {
			table{rows: [][]string{
				{"Rule", "State"},
				{"买苹果", "active"},
				{"e\u0301te\u0301", "draft"},
				{"👩‍💻", ""},
				{},
				{"–", "x"},
			}},
			"Rule    State\n买苹果  active\ne\u0301te\u0301     draft\n👩‍💻\n\n–       x\n",
		},
		"right": {
			table{right: true, rows: [][]string{{"", "Uptime"}, {"日", "99.2 %"}, {"last 7", "–"}}},
			"        Uptime\n    日  99.2 %\nlast 7       –\n",
		},
		"painted": {
			table{rows: [][]string{{"A", "B"}, {"12", "3"}}, paint: func(column int, _ string) *color.Color {
				return map[int]*color.Color{0: red}[column]
			}},
			"A   B\n\x1b[31m12\x1b[0m  3\n",
		},
	} {
		var b strings.Builder
		if err := c.table.write(&b); err != nil || b.String() != c.want {
			t.Errorf("%s: %v, got\n%q, want\n%q", name, err, b.String(), c.want)
		}
	}
}
