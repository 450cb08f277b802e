// Package strict reads JSON files that people write: it refuses what it does not know, and says at which line and
// column what is wrong and what to do about it. It writes such files, too, and follows them while the program runs.
//
// A limit is written once, in the struct tag of its field: the reader checks it, a schema repeats it for editors. The
// tags: doc (what the key is), min and max (both included; for a list those of its entries), enum (the words allowed),
// format (a name in formats), count (how many entries a list takes), unique, required, and alone (this field, which is
// no key, may stand in the place of the whole object; the tag says what it is). The key is that of the tag json; with
// omitempty there it is not written while it has its zero value. A pointer is nil until its key is present.
package strict

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is a kind of file.
type Kind struct {
	Name    string // what it holds, such as "settings"
	Empty   string // what to do about an empty one, such as "write {} for the defaults"
	MaxSize int    // in bytes
}

// Reader fills a value from the text of a file and collects what is wrong.
type Reader struct {
	name  string
	data  []byte
	root  reflect.Type
	at    map[string]int  // path → offset of the key, or of the entry of a list, for what is in the file
	own   map[string]bool // paths at which something is wrong
	below map[string]bool // the same and the paths above
	found []fault
}

type fault struct {
	offset    int
	key, text string
}

// Read fills into, a pointer to a struct, from the text of a file; name is the file's name in problems. Keys that the
// file leaves out stay as they are, and what is wrong is in [Reader.Problems]. Of a list with too many entries the
// first are read.
func (k Kind) Read(name string, data []byte, into any) *Reader {
	v := reflect.ValueOf(into).Elem()
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := &Reader{
		name: name, data: data, root: v.Type(), at: map[string]int{}, own: map[string]bool{},
		below: map[string]bool{},
	}
	if len(data) > k.MaxSize {
		r.add(0, "", fmt.Sprintf("the file is larger than %d KiB; this is no %s file", k.MaxSize>>10, k.Name))
		return r
	}
	switch root, offset, syntax := k.parse(data); {
	case syntax != "":
		r.add(offset, "", syntax)
	default:
		r.at[""] = root.offset
		r.value(root, v, Limits{}, "")
	}
	return r
}

// Wrong adds a problem with the key at a path. Its place is that of the key, if the file has it, else that of the first
// of the others it has, else that of the object around it.
func (r *Reader) Wrong(key, text string, others ...string) {
	for _, at := range append([]string{key}, others...) {
		if offset, ok := r.at[at]; ok {
			r.add(offset, key, text)
			return
		}
	}
	around := above(key)
	for r.at[around] == 0 && around != "" {
		around = above(around)
	}
	r.add(r.at[around], key, text)
}

// Sound reports whether nothing is wrong so far with what is at a path, and with what is in it.
func (r *Reader) Sound(path string) bool { return !r.below[path] }

// Counts reports whether what is at a path can be judged: it is sound, and so are the objects around it themselves.
func (r *Reader) Counts(path string) bool {
	if !r.Sound(path) {
		return false
	}
	for path != "" {
		if path = above(path); r.own[path] {
			return false
		}
	}
	return true
}

// Problems returns what is wrong, top down; nil if nothing is.
func (r *Reader) Problems() Problems {
	slices.SortStableFunc(r.found, func(a, b fault) int { return a.offset - b.offset })
	var problems Problems
	for _, f := range r.found[:min(len(r.found), maxProblems)] {
		before := r.data[:f.offset]
		line := 1 + bytes.Count(before, []byte("\n"))
		column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
		problems = append(problems, Problem{r.name, f.key, line, column, f.text})
	}
	return problems
}

func (r *Reader) add(offset int, key, text string) {
	r.own[key] = true
	for path := key; !r.below[path]; path = above(path) {
		r.below[path] = true
	}
	if !r.full() {
		r.found = append(r.found, fault{offset, key, text})
	}
}

// full reports whether no more is collected: a hostile file must not cost time.
func (r *Reader) full() bool { return len(r.found) >= 10*maxProblems }

// above is the path of what holds the value at a path.
func above(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// value checks n and puts it into v. The path leads to it; l are the limits of the field it belongs to.
func (r *Reader) value(n *node, v reflect.Value, l Limits, path string) {
	wrong := func(needed string) {
		text := "needs " + needed + ", found " + n.kindName()
		if n.kind == 'n' && !l.Required {
			text += "; remove the key to have its default"
		}
		r.add(n.offset, path, text)
	}
	problem := ""
	switch v.Kind() {
	case reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		r.value(n, target.Elem(), l, path)
		v.Set(target)
	case reflect.Struct:
		alone, ok := Alone(v.Type())
		switch {
		case n.kind == '{':
			r.object(n, v, path)
		case !ok:
			wrong("an object in { }")
		case n.kind == '"':
			if problem = alone.Limits.checkString(n.text); problem == "" {
				v.Field(alone.Index).SetString(n.text)
			}
		default:
			wrong(alone.Key + " or an object in { }")
		}
	case reflect.Slice:
		if n.kind != '[' {
			wrong("a list in [ ]")
			return
		}
		r.list(n, v, l, path)
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
		problem = l.checkString(n.text)
	case reflect.Int, reflect.Int64, reflect.Float64:
		if n.kind != '0' {
			wrong("a number")
			return
		}
		number, err := strconv.ParseFloat(n.text, 64) // an error is ±Inf, which is out of every range
		switch problem = l.checkNumber(number); {
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
		r.add(n.offset, path, cited(n, l)+" "+problem)
	}
}

// cited is shown, but for what may be a secret in the wrong place.
func cited(n *node, l Limits) string {
	if l.Format == "secret" {
		return "what is here"
	}
	return shown(n)
}

func (r *Reader) object(n *node, v reflect.Value, path string) {
	fields := Fields(v.Type())
	seen := map[string]int{}
	for _, m := range n.members {
		at := Join(path, m.key)
		if first, twice := seen[m.key]; twice {
			line := 1 + bytes.Count(r.data[:first], []byte("\n"))
			r.add(m.offset, at, fmt.Sprintf("this key appears twice (first in line %d); remove one", line))
			continue
		}
		seen[m.key] = m.offset
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == m.key })
		if i < 0 {
			text := ""
			if !r.full() {
				text = "unknown key; " + r.advice(m.key, v.Type(), path)
			}
			r.add(m.offset, at, text)
			continue
		}
		r.at[at] = m.offset
		r.value(m.value, v.Field(fields[i].Index), fields[i].Limits, at)
		if list := v.Field(fields[i].Index); fields[i].Omit && list.Kind() == reflect.Slice && list.Len() == 0 {
			list.SetZero() // the same as without the key
		}
	}
	for _, f := range fields {
		if _, ok := seen[f.Key]; f.Limits.Required && !ok {
			r.add(n.offset, path, fmt.Sprintf("the key %q is missing", f.Key))
		}
	}
}

func (r *Reader) list(n *node, v reflect.Value, l Limits, path string) {
	if problem := l.checkCount(len(n.items)); problem != "" {
		r.add(n.offset, path, problem)
	}
	items := n.items[:min(len(n.items), l.MaxItems)]
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	seen := map[string]bool{}
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if l.Unique && seen[item.text] {
			r.add(item.offset, at, cited(item, l)+" is in the list twice; remove one")
		}
		seen[item.text] = true
		r.at[at] = item.offset
		r.value(item, list.Index(i), l, at)
	}
	v.Set(list)
}

// advice says what to do about an unknown key of the object of type t at path.
func (r *Reader) advice(key string, t reflect.Type, path string) string {
	var known []string
	for _, f := range Fields(t) {
		known = append(known, f.Key)
	}
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", Join(path, near))
	}
	for _, other := range append(keyPaths(t, path), keyPaths(r.root, "")...) {
		if other[1+strings.LastIndexByte(other, '.'):] == key {
			return fmt.Sprintf("did you mean %q?", other)
		}
	}
	return "remove it; known here are " + strings.Join(known, ", ")
}

// keyPaths lists the keys below a struct type at a path, such as "gateway.port", those in lists apart.
func keyPaths(t reflect.Type, path string) []string {
	var paths []string
	for _, f := range Fields(t) {
		at := Join(path, f.Key)
		paths = append(paths, at)
		group := t.Field(f.Index).Type
		if group.Kind() == reflect.Pointer {
			group = group.Elem()
		}
		if group.Kind() == reflect.Struct {
			paths = append(paths, keyPaths(group, at)...)
		}
	}
	return paths
}

// Join adds a key to a path. A key that is no plain word is quoted, and cut if it is long.
func Join(path, key string) string {
	plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-$", r) }
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !plain(r) }) {
		key = strconv.Quote(cut(key))
	}
	if key = cut(key); path != "" {
		return path + "." + key
	}
	return key
}

// shown is how a value is cited in a problem.
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
