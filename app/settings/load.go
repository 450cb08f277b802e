package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxSize     = 1 << 18 // bytes of a settings file
	maxProblems = 20      // told at once
)

// Problem is one thing wrong in a settings file.
type Problem struct {
	File   string // as it was given to [Load]
	Line   int    // from 1
	Column int    // from 1, in characters
	Key    string // path of the key, such as "watchdog.poll_seconds"; empty if the file as a whole is meant
	Text   string // what is wrong and what to do
}

func (p Problem) String() string {
	text := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Key != "" {
		text += p.Key + ": "
	}
	return text + p.Text
}

// Problems is the error for a file that breaks the rules: all that is wrong with it, top down, 20 at most.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Load reads the file at path. Keys it leaves out have their defaults, and so has everything if there is no file:
// then found is false and err nil. An error is [Problems] if the content is at fault; the settings returned beside
// an error are the defaults.
func Load(path string) (s Settings, found bool, err error) {
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), false, nil
	}
	if err != nil {
		return Default(), true, err
	}
	s, err = Parse(path, data)
	return s, true, err
}

// read returns the content of a settings file, one byte more than the limit at most.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return data, nil
}

// Parse reads the content of a settings file; name is the file's name in errors. Otherwise it is like [Load].
func Parse(name string, data []byte) (Settings, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	c := checker{name: name, data: data, at: map[string]int{}}
	s := Default()
	switch root, offset, syntax := parse(data); {
	case len(data) > maxSize:
		c.add(0, "", fmt.Sprintf("the file is larger than %d KiB; this is no settings file", maxSize>>10))
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		c.add(0, "", "this is UTF-16 text; save the file with the encoding UTF-8")
	case syntax != "":
		c.add(offset, "", syntax)
	default:
		c.value(root, reflect.ValueOf(&s).Elem(), rule{}, "")
		c.relations(s)
	}
	if len(c.found) > 0 {
		return Default(), c.problems()
	}
	return s, nil
}

// checker fills settings from a tree and collects what is wrong.
type checker struct {
	name  string
	data  []byte
	at    map[string]int // key path → offset of the key, for keys in the file
	found []fault
}

type fault struct {
	offset    int
	key, text string
}

func (c *checker) add(offset int, key, text string) {
	if len(c.found) < 10*maxProblems { // a hostile file must not cost time
		c.found = append(c.found, fault{offset, key, text})
	}
}

// problems returns the faults with their lines and columns, top down.
func (c *checker) problems() Problems {
	slices.SortStableFunc(c.found, func(a, b fault) int { return a.offset - b.offset })
	var problems Problems
	for _, f := range c.found[:min(len(c.found), maxProblems)] {
		before := c.data[:f.offset]
		line := 1 + bytes.Count(before, []byte("\n"))
		column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
		problems = append(problems, Problem{c.name, line, column, f.key, f.text})
	}
	return problems
}

// value checks n and puts it into v. The path leads to it; r is the rule of the field it belongs to.
func (c *checker) value(n *node, v reflect.Value, r rule, path string) {
	wrong := func(needed string) {
		text := "needs " + needed + ", found " + n.kindName()
		if n.kind == 'n' {
			text += "; remove the key to have its default"
		}
		c.add(n.offset, path, text)
	}
	problem := ""
	switch v.Kind() {
	case reflect.Struct:
		switch {
		case n.kind == '{':
			c.object(n, v, path)
		case v.Type() != windowType:
			wrong("an object in { }")
		case n.kind == '"':
			preset, _ := presetRule()
			if problem = preset.checkString(n.text); problem == "" {
				v.Set(reflect.ValueOf(ResetWindow{Preset: n.text}))
			}
		default:
			wrong("the name of a preset or an object in { }")
		}
	case reflect.Slice:
		if n.kind != '[' {
			wrong("a list in [ ]")
			return
		}
		c.list(n, v, r, path)
	case reflect.Bool:
		if n.kind != 't' {
			wrong("true or false")
			return
		}
		v.SetBool(n.text == "true")
	case reflect.String:
		if n.kind != '"' {
			wrong("a text in double quotes")
			return
		}
		v.SetString(n.text)
		problem = r.checkString(n.text)
	case reflect.Int, reflect.Float64:
		if n.kind != '0' {
			wrong("a number")
			return
		}
		number, err := strconv.ParseFloat(n.text, 64) // an error is ±Inf, which is out of every range
		switch problem = r.checkNumber(number); {
		case problem == "" && err != nil:
			problem = "is too large"
		case problem != "":
		case v.Kind() == reflect.Float64:
			v.SetFloat(number)
		case number != float64(int64(number)):
			problem = "is not a whole number"
		default:
			v.SetInt(int64(number))
		}
	}
	if problem != "" {
		c.add(n.offset, path, shown(n)+" "+problem)
	}
}

func (c *checker) object(n *node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	seen := map[string]int{}
	for _, m := range n.members {
		at := join(path, m.key)
		if first, twice := seen[m.key]; twice {
			line := 1 + bytes.Count(c.data[:first], []byte("\n"))
			c.add(m.offset, at, fmt.Sprintf("this key stands here for the second time (first in line %d); remove one", line))
			continue
		}
		seen[m.key] = m.offset
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == m.key })
		if i < 0 {
			c.add(m.offset, at, "unknown key; "+advice(m.key, fields, path))
			continue
		}
		c.at[at] = m.offset
		c.value(m.value, v.Field(fields[i].index), fields[i].rule, at)
	}
	for _, f := range fields {
		if _, ok := seen[f.key]; f.rule.required && !ok {
			c.add(n.offset, path, fmt.Sprintf("the key %q is missing", f.key))
		}
	}
}

func (c *checker) list(n *node, v reflect.Value, r rule, path string) {
	if problem := r.checkCount(len(n.items)); problem != "" {
		c.add(n.offset, path, problem)
	}
	list := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	seen := map[string]bool{}
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if r.unique && seen[item.text] {
			c.add(item.offset, at, shown(item)+" stands in the list twice; remove one")
		}
		seen[item.text] = true
		c.value(item, list.Index(i), r, at)
	}
	v.Set(list)
}

// relations checks what concerns more than one key, if these keys are right one by one.
func (c *checker) relations(s Settings) {
	w, hard, soft := s.Watchdog, "watchdog.hard_seconds", "watchdog.soft_seconds"
	bad := func(f fault) bool { return f.key == hard || f.key == soft || f.key == "watchdog" || f.key == "" }
	if w.HardSeconds > w.SoftSeconds || slices.ContainsFunc(c.found, bad) {
		return
	}
	offset, ok := c.at[hard]
	if !ok {
		offset = c.at[soft]
	}
	c.add(offset, hard, fmt.Sprintf("%v must exceed %s, which is %v", w.HardSeconds, soft, w.SoftSeconds))
}

// advice says what to do about an unknown key of the object at path.
func advice(key string, fields []field, path string) string {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.key
	}
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", join(path, near))
	}
	for _, other := range keyPaths(reflect.TypeFor[Settings](), "") {
		if other[1+strings.LastIndexByte(other, '.'):] == key {
			return fmt.Sprintf("did you mean %q?", other)
		}
	}
	return "remove it; known here are " + strings.Join(known, ", ")
}

// keyPaths lists the keys below a struct type, such as "gateway.port".
func keyPaths(t reflect.Type, path string) []string {
	var paths []string
	for _, f := range fieldsOf(t) {
		at := join(path, f.key)
		paths = append(paths, at)
		if group := t.Field(f.index).Type; group.Kind() == reflect.Struct {
			paths = append(paths, keyPaths(group, at)...)
		}
	}
	return paths
}

// join adds a key to a path. A key that is no plain word is quoted, and cut if it is long.
func join(path, key string) string {
	plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-$", r) }
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !plain(r) }) {
		key = strconv.Quote(cut(key))
	}
	if key = cut(key); path != "" {
		return path + "." + key
	}
	return key
}

// shown is how a value is cited in an error.
func shown(n *node) string {
	if n.kind == '"' {
		return strconv.Quote(cut(n.text))
	}
	return cut(n.text)
}

// cut shortens a text from outside to what an error line can bear.
func cut(s string) string {
	if runes := []rune(s); len(runes) > 50 {
		return string(runes[:49]) + "…"
	}
	return s
}
