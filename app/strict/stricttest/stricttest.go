// Package stricttest generates and checks what is said about files outside Go: the JSON Schema, for editors.
package stricttest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatewatch/app/strict"
)

// Update is set by the flag -update: generated files are written again.
var Update = flag.Bool("update", false, "rewrite the generated files")

// Golden holds a file in the repository to what it has to be; with -update it writes it.
func Golden(t *testing.T, path string, want []byte) {
	t.Helper()
	if *Update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v); run go generate in this package", path, err)
	}
}

// Schema describes a struct type by its struct tags, as a JSON Schema (draft 2020-12); preset is the value that holds
// without a word in the file.
func Schema(t *testing.T, title string, preset any) []byte {
	t.Helper()
	root := schemaOf(reflect.ValueOf(preset), strict.Limits{}, true)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// schemaOf describes the type of preset, which holds without a word in the file if defaults is set.
func schemaOf(preset reflect.Value, l strict.Limits, defaults bool) map[string]any {
	s := map[string]any{}
	switch t := preset.Type(); t.Kind() {
	case reflect.Pointer:
		return schemaOf(reflect.Zero(t.Elem()), l, false)
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for _, f := range strict.Fields(t) {
			property := schemaOf(preset.Field(f.Index), f.Limits, defaults)
			property["description"] = f.Doc
			if preset.Field(f.Index).Kind() != reflect.Struct && defaults {
				property["default"] = preset.Field(f.Index).Interface()
			}
			properties[f.Key] = property
			if f.Limits.Required {
				required = append(required, f.Key)
			}
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
		if len(required) > 0 {
			s["required"] = required
		}
		if alone, ok := strict.Alone(t); ok {
			word := schemaOf(preset.Field(alone.Index), alone.Limits, false)
			word["description"] = alone.Doc
			return map[string]any{"oneOf": []any{word, s}}
		}
	case reflect.Slice:
		s["type"], s["minItems"], s["maxItems"] = "array", l.MinItems, l.MaxItems
		s["items"] = schemaOf(reflect.Zero(t.Elem()), l, false)
		if l.Unique {
			s["uniqueItems"] = true
		}
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.String:
		s["type"] = "string"
		if l.Enum != nil {
			s["enum"] = l.Enum
		}
		if pattern := strict.Pattern(l.Format); pattern != "" {
			s["pattern"] = pattern
		}
	case reflect.Int, reflect.Int64, reflect.Float64:
		s["type"] = "number"
		if t.Kind() != reflect.Float64 {
			s["type"] = "integer"
		}
		if l.Bounded() {
			s["minimum"], s["maximum"] = l.Min, l.Max
		}
	default:
		panic("no schema for " + t.String())
	}
	return s
}

// Table describes a struct type by its struct tags for people: a table in Markdown with a line for each key; preset is
// as in [Schema]. The keys of lists of objects stand below the list.
func Table(preset any) []byte {
	var out bytes.Buffer
	out.WriteString("| key | default | values | meaning |\n|---|---|---|---|\n")
	table(&out, reflect.ValueOf(preset), "", true)
	return out.Bytes()
}

func table(out *bytes.Buffer, v reflect.Value, path string, defaults bool) {
	for _, f := range strict.Fields(v.Type()) {
		at, field := strict.Join(path, f.Key), v.Field(f.Index)
		if field.Kind() == reflect.Struct {
			table(out, field, at, defaults)
			continue
		}
		preset := ""
		if defaults {
			text, err := json.Marshal(field.Interface())
			if err != nil {
				panic(err) // no default is infinite
			}
			preset = "`" + string(text) + "`"
		}
		doc := f.Doc
		if effect := v.Type().Field(f.Index).Tag.Get("effect"); effect != "" {
			doc += " " + effect + "."
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", at, preset, values(field, f.Limits), doc)
		if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
			table(out, reflect.Zero(field.Type().Elem()), at+"[]", false)
		}
	}
}

// values says in words what a key can be.
func values(v reflect.Value, l strict.Limits) string {
	kind, list := v.Kind(), ""
	if kind == reflect.Slice {
		kind, list = v.Type().Elem().Kind(), fmt.Sprintf("list of %d to %d: ", l.MinItems, l.MaxItems)
	}
	number := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	switch {
	case l.Enum != nil:
		return list + strings.Join(l.Enum, ", ")
	case kind == reflect.Bool:
		return list + "true, false"
	case l.Bounded():
		return list + number(l.Min) + " to " + number(l.Max)
	case kind == reflect.Struct:
		return list + "objects"
	case l.Format != "":
		return list + map[string]string{
			"clock": "time of day", "clock_or_empty": "time of day or empty", "timezone": "time zone", "host": "host",
			"host_or_empty": "host or empty",
			"email":         "email address", "email_or_empty": "email address or empty", "line": "text",
			"name": "name",
			"word": "word", "secret": "`keyring:NAME`, `file:NAME` or `env:NAME`",
		}[l.Format]
	}
	return list + "text"
}

// EveryKeyHasLimits checks that each key below a struct type has a text and limits that mean something.
func EveryKeyHasLimits(t *testing.T, typ reflect.Type) {
	t.Helper()
	if alone, ok := strict.Alone(typ); ok && alone.Doc == "" {
		t.Errorf("%v has no doc for what may stand alone", typ)
	}
	for _, f := range strict.Fields(typ) {
		if f.Doc == "" {
			t.Errorf("%v.%s has no doc", typ, f.Key)
		}
		kind := typ.Field(f.Index).Type
		if kind.Kind() == reflect.Slice {
			if f.Limits.MaxItems == 0 {
				t.Errorf("%v.%s has no count", typ, f.Key)
			}
			kind = kind.Elem()
		}
		if kind.Kind() == reflect.Pointer {
			if kind = kind.Elem(); !f.Omit {
				t.Errorf("%v.%s can be nil and is not left out then", typ, f.Key)
			}
		}
		switch kind.Kind() {
		case reflect.Struct:
			EveryKeyHasLimits(t, kind)
		case reflect.Int, reflect.Int64, reflect.Float64:
			if !f.Limits.Bounded() || f.Limits.Max <= f.Limits.Min {
				t.Errorf("%v.%s has no limits", typ, f.Key)
			}
		case reflect.String:
			if strict.Pattern(f.Limits.Format) == "" && f.Limits.Enum == nil && f.Key != "$schema" {
				t.Errorf("%v.%s has neither enum nor a known format", typ, f.Key)
			}
		}
	}
}

// Breach returns the first rule of a schema that a JSON text breaks, "" if none. It knows the rules that [Schema]
// writes.
func Breach(t *testing.T, schema []byte, text string) string {
	t.Helper()
	var rules map[string]any
	if err := json.Unmarshal(schema, &rules); err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(text, err)
	}
	return breach(rules, value)
}

func breach(rules map[string]any, value any) string {
	if choices, ok := rules["oneOf"].([]any); ok {
		fits := 0
		for _, choice := range choices {
			if breach(choice.(map[string]any), value) == "" {
				fits++
			}
		}
		return unless(fits == 1, "oneOf")
	}
	limit := func(rule string) float64 { v, _ := rules[rule].(float64); return v }
	has := func(rule string) bool { _, ok := rules[rule]; return ok }
	kind := rules["type"]
	switch v := value.(type) {
	case map[string]any:
		if kind != "object" {
			return "type"
		}
		properties := rules["properties"].(map[string]any)
		for key, entry := range v {
			property, ok := properties[key].(map[string]any)
			if !ok {
				return "additionalProperties"
			}
			if b := breach(property, entry); b != "" {
				return key + " " + b
			}
		}
		required, _ := rules["required"].([]any)
		for _, key := range required {
			if _, ok := v[key.(string)]; !ok {
				return "required"
			}
		}
		return ""
	case []any:
		if kind != "array" || float64(len(v)) < limit("minItems") || float64(len(v)) > limit("maxItems") {
			return "type or count"
		}
		for i, entry := range v {
			if b := breach(rules["items"].(map[string]any), entry); b != "" {
				return strconv.Itoa(i) + " " + b
			}
			if has("uniqueItems") && slices.Contains(v[:i], entry) {
				return "uniqueItems"
			}
		}
		return ""
	case string:
		pattern, _ := rules["pattern"].(string)
		enum, _ := rules["enum"].([]any)
		return unless(kind == "string" && regexp.MustCompile(pattern).MatchString(v) &&
			(enum == nil || slices.Contains(enum, value)), "string")
	case float64:
		whole := v == float64(int64(v))
		inside := v >= limit("minimum") && v <= limit("maximum")
		return unless((kind == "number" || kind == "integer" && whole) && inside, fmt.Sprint("number ", v))
	case bool:
		return unless(kind == "boolean", "boolean")
	default:
		return "null"
	}
}

func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}
