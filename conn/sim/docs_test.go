package sim

import (
	"os"
	"strings"
	"testing"
)

// TestDocs: docs/simulator.md has each fault with each of its parameters, and each night.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // by the names in their first cell
	for line := range strings.Lines(string(text)) {
		cells := strings.SplitN(line, "|", 3)
		if len(cells) < 3 {
			continue
		}
		for i, name := range strings.Split(cells[1], "`") {
			if i%2 == 1 {
				rows[name] += line
			}
		}
	}
	for _, v := range verbs {
		row := rows[v.name]
		if row == "" {
			t.Errorf("fault %s has no row", v.name)
		}
		if strings.Contains(row, "and those of `order`") {
			row += rows["order"]
		}
		for _, key := range v.keys() {
			if !strings.Contains(row, "`"+key+"=") {
				t.Errorf("fault %s: parameter %s is missing", v.name, key)
			}
		}
	}
	for _, n := range Nights() {
		if rows[n.Name] == "" {
			t.Errorf("night %s has no row", n.Name)
		}
	}
}

// TestControlHelp: GET / lists all that the control port answers.
func TestControlHelp(t *testing.T) {
	g, err := Start(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	help := controlHelp(g)
	for _, path := range []string{"/state", "/requests", "/script", "/fault/NAME"} {
		if !strings.Contains(help, path) {
			t.Errorf("GET / lacks %s", path)
		}
	}
	for _, v := range verbs {
		if !strings.Contains(help, "\n  "+v.name+" ") || v.help == "" {
			t.Errorf("GET / lacks %s", v.name)
		}
	}
}
