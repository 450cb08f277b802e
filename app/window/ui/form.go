package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gatewatch/app/settings"
)

// kind is how a key is edited.
type kind int

const (
	words   kind = iota // a text
	whole               // a whole number
	decimal             // a number
	oneOf               // one of some words
	yesNo               // true or false
	numbers             // a list of numbers, as text separated by commas
	several             // a list of texts, as text separated by commas
	windows             // the list of reset windows
	kept                // not in the form: it stays as it is, in JSON
)

// field is one key of the settings as the form shows it.
type field struct {
	path    string // such as "gateway.port"
	label   string
	doc     string
	kind    kind
	options []string
	index   []int // leads from settings.Settings to the field
}

// group is fields that stand on one card.
type group struct {
	title, doc string
	fields     []field
}

var (
	windowsType  = reflect.TypeFor[[]settings.ResetWindow]()
	settingsType = reflect.TypeFor[settings.Settings]()
)

// schemaKey has no effect on the program: it is kept and not shown.
const schemaKey = "$schema"

// groups are all keys of the settings, from their struct tags: a new key shows up by itself.
var groups = groupsOf(settingsType)

func groupsOf(t reflect.Type) []group {
	var list []group
	at := func(title, doc string) *group {
		i := slices.IndexFunc(list, func(g group) bool { return g.title == title })
		if i < 0 {
			i, list = len(list), append(list, group{title: title, doc: doc})
		}
		return &list[i]
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("json")
		switch {
		case key == "-" || key == schemaKey:
		case f.Type.Kind() == reflect.Struct:
			g := at(label(key), f.Tag.Get("doc"))
			g.fields = append(g.fields, fieldsOf(f.Type, key, "", []int{i})...)
		case strings.HasPrefix(key, "reset_") || key == "timezone":
			g := at("Reset windows", "When Gateway is expected to be down: reconnecting and alerts rest.")
			g.fields = append(g.fields, fieldOf(f, key, "", []int{i}))
		default:
			g := at("General", "")
			g.fields = append(g.fields, fieldOf(f, key, "", []int{i}))
		}
	}
	return list
}

func fieldsOf(t reflect.Type, path, prefix string, index []int) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("json")
		if key == "-" {
			continue
		}
		at, name := append(slices.Clone(index), i), path+"."+key
		if f.Type.Kind() == reflect.Struct {
			list = append(list, fieldsOf(f.Type, name, prefix+label(key)+": ", at)...)
			continue
		}
		list = append(list, fieldOf(f, name, prefix, at))
	}
	return list
}

func fieldOf(f reflect.StructField, path, prefix string, index []int) field {
	one := field{
		path: path, label: prefix + label(path[1+strings.LastIndexByte(path, '.'):]), doc: f.Tag.Get("doc"),
		index: index, kind: kept,
	}
	switch {
	case f.Type == windowsType:
		one.kind = windows
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Float64:
		one.kind = numbers
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.String:
		one.kind = several
	case f.Type.Kind() == reflect.String && f.Tag.Get("enum") != "":
		one.kind, one.options = oneOf, strings.Split(f.Tag.Get("enum"), ",")
	case f.Type.Kind() == reflect.String:
		one.kind = words
	case f.Type.Kind() == reflect.Bool:
		one.kind = yesNo
	case f.Type.Kind() == reflect.Int:
		one.kind = whole
	case f.Type.Kind() == reflect.Float64:
		one.kind = decimal
	}
	return one
}

// label turns a key into words: "connect_timeout_seconds" into "Connect timeout (seconds)".
func label(key string) string {
	unit := ""
	for _, u := range []string{"seconds", "minutes", "hours", "days", "percent"} {
		if stem, ok := strings.CutSuffix(key, "_"+u); ok {
			key, unit = stem, " ("+u+")"
		}
	}
	parts := strings.Split(key, "_")
	for i, p := range parts {
		switch {
		case p == "id" || p == "api" || p == "url" || p == "tls":
			parts[i] = strings.ToUpper(p)
		case i == 0 && p != "":
			r := []rune(p)
			parts[i] = string(unicode.ToUpper(r[0])) + string(r[1:])
		}
	}
	return strings.Join(parts, " ") + unit
}

// draft is what stands in the form: a text for each path, and the list of reset windows.
type draft struct {
	schema  string
	texts   map[string]string
	windows []windowDraft
}

// windowDraft is one reset window in the form: either preset is set, or the others are meant.
type windowDraft struct {
	preset                   string
	start, minutes, timezone string
	days                     []string
}

// draftOf returns the form of settings.
func draftOf(s settings.Settings) draft {
	d := draft{schema: s.Schema, texts: map[string]string{}}
	for _, g := range groups {
		for _, f := range g.fields {
			v := reflect.ValueOf(s).FieldByIndex(f.index)
			switch f.kind {
			case words, oneOf:
				d.texts[f.path] = v.String()
			case whole:
				d.texts[f.path] = strconv.FormatInt(v.Int(), 10)
			case decimal:
				d.texts[f.path] = fieldNumber(v.Float())
			case yesNo:
				d.texts[f.path] = strconv.FormatBool(v.Bool())
			case numbers:
				var list []string
				for i := range v.Len() {
					list = append(list, fieldNumber(v.Index(i).Float()))
				}
				d.texts[f.path] = strings.Join(list, ", ")
			case several:
				d.texts[f.path] = strings.Join(v.Interface().([]string), ", ")
			case kept:
				body, _ := json.Marshal(v.Interface()) // what is wrong with it shows up as a problem of the field
				d.texts[f.path] = string(body)
			}
		}
	}
	for _, w := range s.ResetWindows {
		one := windowDraft{preset: w.Preset, start: w.Start, timezone: w.Timezone, days: slices.Clone(w.Days)}
		if w.Preset == "" {
			one.minutes = strconv.Itoa(w.Minutes)
		}
		d.windows = append(d.windows, one)
	}
	return d
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// equal reports whether two drafts say the same.
func (d draft) equal(o draft) bool {
	return d.schema == o.schema && reflect.DeepEqual(d.texts, o.texts) &&
		slices.EqualFunc(d.windows, o.windows, func(a, b windowDraft) bool {
			return a.preset == b.preset && a.start == b.start && a.minutes == b.minutes && a.timezone == b.timezone &&
				slices.Equal(a.days, b.days)
		})
}

// settings returns what the form says, or what is wrong with it, by key.
func (d draft) settings() (settings.Settings, settings.Problems) {
	c := composer{draft: d}
	c.object(settingsType, "")
	s, err := settings.Parse("settings.json", c.out.Bytes())
	var more settings.Problems
	if err != nil && !errors.As(err, &more) {
		more = settings.Problems{{Text: err.Error()}}
	}
	return s, append(c.problems, more...)
}

// composer writes a draft as the text of a settings file. A text that is no value of its kind becomes a problem and,
// so that the rest can be checked, the default.
type composer struct {
	draft    draft
	out      bytes.Buffer
	problems settings.Problems
}

func (c *composer) bad(path, format string, args ...any) {
	c.problems = append(c.problems, settings.Problem{
		File: "settings.json", Key: path,
		Text: fmt.Sprintf(format, args...),
	})
}

func (c *composer) object(t reflect.Type, path string) {
	c.out.WriteByte('{')
	first := true
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("json")
		if key == "-" {
			continue
		}
		before, at := c.out.Len(), key
		if path != "" {
			at = path + "." + key
		}
		if !first {
			c.out.WriteByte(',')
		}
		fmt.Fprintf(&c.out, "%s:", quoted(key))
		switch {
		case f.Type.Kind() == reflect.Struct:
			c.object(f.Type, at)
		case key == schemaKey:
			c.out.WriteString(quoted(c.draft.schema))
		default:
			if !c.value(fieldOf(f, at, "", nil)) {
				c.out.Truncate(before) // the default
				continue
			}
		}
		first = false
	}
	c.out.WriteByte('}')
}

// value writes the value of a field; ok is false if there is none.
func (c *composer) value(f field) (ok bool) {
	text := c.draft.texts[f.path]
	switch f.kind {
	case words, oneOf:
		c.out.WriteString(quoted(strings.TrimSpace(text)))
	case whole, decimal:
		n, err := parseNumber(text)
		if err != nil {
			c.bad(f.path, "%v", err)
			return false
		}
		c.out.WriteString(n)
	case yesNo:
		c.out.WriteString(strconv.FormatBool(text == "true"))
	case numbers:
		list, err := parseNumbers(text)
		if err != nil {
			c.bad(f.path, "%v", err)
			return false
		}
		c.out.WriteString("[" + strings.Join(list, ",") + "]")
	case several:
		c.out.WriteString(quotedList(split(text)))
	case windows:
		var list []string
		for i, w := range c.draft.windows {
			list = append(list, c.window(w, fmt.Sprintf("%s[%d]", f.path, i)))
		}
		c.out.WriteString("[" + strings.Join(list, ",") + "]")
	case kept:
		if text == "" {
			return false
		}
		c.out.WriteString(text)
	}
	return true
}

func (c *composer) window(w windowDraft, path string) string {
	if w.preset != "" {
		return quoted(w.preset)
	}
	minutes, err := parseNumber(w.minutes)
	if err != nil {
		c.bad(path+".minutes", "%v", err)
		minutes = "1"
	}
	text := fmt.Sprintf(`{"start":%s,"minutes":%s`, quoted(strings.TrimSpace(w.start)), minutes)
	if len(w.days) > 0 {
		text += `,"days":` + quotedList(w.days)
	}
	if zone := strings.TrimSpace(w.timezone); zone != "" {
		text += `,"timezone":` + quoted(zone)
	}
	return text + "}"
}

func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
}

func quoted(s string) string {
	body, _ := json.Marshal(s) // a string always can be
	return string(body)
}

func quotedList(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quoted(s)
	}
	return "[" + strings.Join(out, ",") + "]"
}

func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// fieldFor returns the path of the field that a problem's key belongs to, and of the entry of reset_windows, -1 if
// it is about none. The path is empty if no field is meant.
func fieldFor(key string) (path string, entry int) {
	for _, g := range groups {
		for _, f := range g.fields {
			rest, ok := strings.CutPrefix(key, f.path)
			if !ok || rest != "" && rest[0] != '[' && rest[0] != '.' {
				continue
			}
			if f.kind != windows {
				return f.path, -1
			}
			entry = -1
			if n, _, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); ok {
				if i, err := strconv.Atoi(n); err == nil {
					entry = i
				}
			}
			return f.path, entry
		}
	}
	return "", -1
}
