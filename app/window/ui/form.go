package ui

import (
	"cmp"
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
	zone                // a time zone
	numbers             // a list of numbers, as text separated by commas
	several             // a list of texts, as text separated by commas
	days                // some of some words, such as days of the week
	windows             // the list of reset windows
	kept                // in no form: it stays as it is, in JSON
)

// field is one key of the settings as the form shows it.
type field struct {
	path    string // such as "gateway.port"
	label   string
	doc     string
	effect  string // what a change interrupts or waits for; empty: nothing
	page    string // on which it is edited instead; empty: in the form
	kind    kind
	options []string
	words   []string // for options
	index   []int    // leads from settings.Settings to the field
}

// section is fields that belong together.
type section struct {
	settings.Section
	fields []field
}

// schemaKey has no effect on the program: it is kept and not shown.
const schemaKey = "$schema"

// sections are all keys of the settings, from their struct tags: a new key shows up by itself.
var sections = func() []section {
	var list []section
	for _, s := range settings.Sections {
		list = append(list, section{Section: s})
	}
	walk(reflect.TypeFor[settings.Settings](), "", "", "", nil, func(title string, f field) {
		at := slices.IndexFunc(list, func(s section) bool { return s.Title == title })
		list[at].fields = append(list[at].fields, f)
	})
	return list
}()

// keyNames replaces keys by their labels in a text.
var keyNames = func() *strings.Replacer {
	var pairs []string
	for f := range fields {
		if strings.Contains(f.path, ".") { // others are words as well
			pairs = append(pairs, f.path, "“"+f.label+"”")
		}
	}
	return strings.NewReplacer(pairs...)
}()

// fields yields all fields in the order of the form.
func fields(yield func(*field) bool) {
	for i := range sections {
		for j := range sections[i].fields {
			if !yield(&sections[i].fields[j]) {
				return
			}
		}
	}
}

// walk hands out the keys below a struct type, with the titles of their sections.
func walk(t reflect.Type, path, section, page string, index []int, take func(section string, f field)) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, at, index := f.Tag, below(path, f.Tag.Get("json")), append(slices.Clone(index), i)
		section, page := cmp.Or(tag.Get("section"), section), cmp.Or(tag.Get("page"), page)
		switch {
		case at == schemaKey:
		case f.Type.Kind() == reflect.Struct:
			walk(f.Type, at, section, page, index, take)
		default:
			one := field{
				path: at, label: tag.Get("label"), doc: tag.Get("doc"), effect: tag.Get("effect"), page: page,
				kind: kindOf(f), index: index,
			}
			if tag.Get("enum") != "" {
				one.options = strings.Split(tag.Get("enum"), ",")
				one.words = strings.Split(tag.Get("words"), ",")
			}
			take(section, one)
		}
	}
}

func kindOf(f reflect.StructField) kind {
	enum := f.Tag.Get("enum") != ""
	switch f.Type.Kind() {
	case reflect.Slice:
		switch elem := f.Type.Elem().Kind(); {
		case f.Type == reflect.TypeFor[[]settings.ResetWindow]():
			return windows
		case elem == reflect.Float64:
			return numbers
		case elem == reflect.String && enum:
			return days
		case elem == reflect.String:
			return several
		}
	case reflect.String:
		switch {
		case enum:
			return oneOf
		case f.Tag.Get("format") == "timezone":
			return zone
		}
		return words
	case reflect.Bool:
		return yesNo
	case reflect.Int:
		return whole
	case reflect.Float64:
		return decimal
	}
	return kept
}

// draft is what is in the form: a text for each path, also of what is edited on another page.
type draft map[string]string

// windowDraft is one reset window in the form: either Preset is set, or the others are meant.
type windowDraft struct {
	Preset, Start, Minutes, Timezone string
	Days                             []string `json:",omitempty"`
}

// draftOf returns the form of settings.
func draftOf(s settings.Settings) draft {
	d := draft{schemaKey: s.Schema}
	for f := range fields {
		v := reflect.ValueOf(s).FieldByIndex(f.index)
		switch f.kind {
		case words, oneOf, zone:
			d[f.path] = v.String()
		case whole:
			d[f.path] = strconv.FormatInt(v.Int(), 10)
		case decimal:
			d[f.path] = fieldNumber(v.Float())
		case yesNo:
			d[f.path] = strconv.FormatBool(v.Bool())
		case numbers:
			var list []string
			for i := range v.Len() {
				list = append(list, fieldNumber(v.Index(i).Float()))
			}
			d[f.path] = strings.Join(list, ", ")
		case several, days:
			d[f.path] = strings.Join(v.Interface().([]string), ", ")
		case windows:
			var list []windowDraft
			for _, w := range s.ResetWindows {
				one := windowDraft{Preset: w.Preset, Start: w.Start, Timezone: w.Timezone, Days: w.Days}
				if w.Preset == "" {
					one.Minutes = strconv.Itoa(w.Minutes)
				}
				list = append(list, one)
			}
			d[f.path] = windowsText(list)
		case kept:
			d[f.path] = jsonOf(v.Interface())
		}
	}
	return d
}

// windowsText returns the text of a list of windows in a draft, empty if there is none.
func windowsText(list []windowDraft) string {
	if len(list) == 0 {
		return ""
	}
	return jsonOf(list)
}

// windowsOf returns the windows of such a text.
func windowsOf(text string) (list []windowDraft) {
	_ = json.Unmarshal([]byte(text), &list) // the form has written it
	return list
}

// jsonOf returns the JSON of what always has one.
func jsonOf(v any) string {
	body, _ := json.Marshal(v)
	return string(body)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// show puts the text of a field in a draft into words.
func (f *field) show(text string) string {
	word := func(option string) string {
		if at := slices.Index(f.options, option); at >= 0 {
			return f.words[at]
		}
		return option
	}
	switch f.kind {
	case oneOf:
		return word(text)
	case yesNo:
		return map[string]string{"true": "on", "false": "off"}[text]
	case days:
		list := split(text)
		for i := range list {
			list[i] = word(list[i])
		}
		text = strings.Join(list, ", ")
	case windows:
		text = "" // the default has none
	}
	if text == "" {
		return "none"
	}
	return text
}

// settings returns what the form says, or what is wrong with it, by key. A text that is no value of its kind becomes a
// problem and, so that the rest can be checked, the default.
func (d draft) settings() (settings.Settings, settings.Problems) {
	var problems settings.Problems
	bad := func(path string, err error) {
		problems = append(problems, settings.Problem{File: "settings.json", Key: path, Text: err.Error()})
	}
	file := map[string]any{schemaKey: d[schemaKey]}
	for f := range fields {
		value := f.value(d[f.path], bad)
		if value == "" {
			continue
		}
		object, key := file, f.path
		if name, rest, nested := strings.Cut(f.path, "."); nested {
			if file[name] == nil {
				file[name] = map[string]any{}
			}
			object, key = file[name].(map[string]any), rest
		}
		object[key] = json.RawMessage(value)
	}
	s, err := settings.Parse("settings.json", []byte(jsonOf(file)))
	var more settings.Problems
	if err != nil && !errors.As(err, &more) {
		more = settings.Problems{{Text: err.Error()}}
	}
	return s, append(problems, more...)
}

// value returns the JSON of the text of a field, empty if there is none; bad gets what is wrong with it.
func (f *field) value(text string, bad func(path string, err error)) string {
	switch f.kind {
	case words, oneOf, zone:
		return jsonOf(strings.TrimSpace(text))
	case whole, decimal:
		n, err := parseNumber(text)
		if err != nil {
			bad(f.path, err)
		}
		return n
	case yesNo, kept:
		return text
	case numbers:
		list, err := parseNumbers(text)
		if err != nil {
			bad(f.path, err)
			return ""
		}
		return "[" + strings.Join(list, ",") + "]"
	case several: // a blank may be part of an entry, such as BRK B
		list := []string{}
		for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		return jsonOf(list)
	case days:
		return jsonOf(append([]string{}, split(text)...))
	case windows:
		list := []string{}
		for i, w := range windowsOf(text) {
			list = append(list, w.value(func(err error) { bad(fmt.Sprintf("%s[%d].minutes", f.path, i), err) }))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	return ""
}

// value returns the JSON of a reset window; bad gets what is wrong with its minutes.
func (w *windowDraft) value(bad func(error)) string {
	if w.Preset != "" {
		return jsonOf(w.Preset)
	}
	minutes, err := parseNumber(w.Minutes)
	if err != nil {
		bad(err)
		minutes = "1"
	}
	one := map[string]any{"start": strings.TrimSpace(w.Start), "minutes": json.RawMessage(minutes)}
	if len(w.Days) > 0 {
		one["days"] = w.Days
	}
	if zone := strings.TrimSpace(w.Timezone); zone != "" {
		one["timezone"] = zone
	}
	return jsonOf(one)
}

func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
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
	for f := range fields {
		rest, ok := strings.CutPrefix(key, f.path)
		if !ok || rest != "" && rest[0] != '[' && rest[0] != '.' {
			continue
		}
		entry = -1
		if n, _, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); ok && f.kind == windows {
			if i, err := strconv.Atoi(n); err == nil {
				entry = i
			}
		}
		return f.path, entry
	}
	return "", -1
}
