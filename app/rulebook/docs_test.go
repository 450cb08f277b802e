package rulebook

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatewatch/app/strict"
	"gatewatch/app/strict/stricttest"
	"gatewatch/engine/rules"
)

const docs = "../../docs/rules.md"

// keyTable describes the keys below a struct type as the rows of a table.
func keyTable(t reflect.Type, path string) string {
	var rows strings.Builder
	for _, f := range strict.Fields(t) {
		kind, at := t.Field(f.Index).Type, strict.Join(path, f.Key)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		entries := ""
		if kind.Kind() == reflect.Slice {
			kind, entries = kind.Elem(), fmt.Sprintf("list of %d to %d: ", f.Limits.MinItems, f.Limits.MaxItems)
		}
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
		values := ""
		switch {
		case kind.Kind() == reflect.Struct:
			values = "object"
		case kind.Kind() == reflect.Bool:
			values = "true, false"
		case kind.Kind() != reflect.String:
			values = number(f.Limits.Min) + " to " + number(f.Limits.Max)
		case f.Limits.Enum != nil:
			values = strings.Join(f.Limits.Enum, ", ")
		default:
			values = f.Limits.Format
		}
		if f.Limits.Required {
			values += "; required"
		}
		fmt.Fprintf(&rows, "| `%s` | %s%s | %s |\n", at, entries, values, f.Doc)
		if kind == reflect.TypeFor[rules.Instrument]() && path != "" {
			continue // its keys stand there once
		}
		if kind.Kind() == reflect.Struct {
			if entries != "" {
				at += "[]"
			}
			rows.WriteString(keyTable(kind, at))
		}
	}
	return rows.String()
}

// TestDocsKeys holds the table of the docs to the struct tags; with -update it writes it.
func TestDocsKeys(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	const title = "## Every key\n\n"
	before, _, ok := strings.Cut(string(text), title)
	if !ok {
		t.Fatal("no place for the table")
	}
	table := "| key | values | meaning |\n|---|---|---|\n" + keyTable(reflect.TypeFor[rules.Rule](), "")
	stricttest.Golden(t, docs, []byte(before+title+table))
}

func TestDocsExamples(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) < 3 {
		t.Errorf("only %d examples", len(examples))
	}
	for i, example := range examples {
		b := Parse(docs, []byte(example[1]))
		if b.Problems != nil || len(b.Rules) != 1 {
			t.Fatalf("%v in\n%s", b.Problems, example[1])
		}
		if i == 0 && (!strings.Contains(string(text), Text(b.Rules[0])) || string(Marshal(b.Rules)) != example[1]) {
			t.Errorf("said as %s\nwritten as\n%s", Text(b.Rules[0]), Marshal(b.Rules))
		}
	}
}
