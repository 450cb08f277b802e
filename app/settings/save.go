package settings

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/natefinch/atomic"
)

// SchemaRef is the default of $schema: the file that [WriteSchema] puts beside the settings.
const SchemaRef = "./settings.schema.json"

//go:embed settings.schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of settings.json.
func Schema() []byte { return bytes.Clone(schema) }

// WriteSchema puts the schema into dir under the name [SchemaRef] has, unless it is there already.
func WriteSchema(dir string) error {
	path := filepath.Join(dir, SchemaRef)
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, schema) {
		return nil
	}
	if err := atomic.WriteFile(path, bytes.NewReader(schema)); err != nil {
		return fmt.Errorf("write settings schema: %w", err)
	}
	return nil
}

// Save writes the settings to path so that a reader sees the old file or the new one and nothing between; only the
// user may read it. A link at path stays a link. Settings that [Load] would refuse are refused.
func Save(path string, s Settings) error {
	data, err := Marshal(s)
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	if _, err := Parse(path, data); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
		// The writer gives the new file the mode of the old one.
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("save settings: %w", err)
		}
	}
	if err := atomic.WriteFile(path, bytes.NewReader(data)); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

// Marshal returns the settings as the text of a settings file: all keys, indented, lists of plain values on one line.
func Marshal(s Settings) ([]byte, error) {
	var out bytes.Buffer
	if err := write(&out, reflect.ValueOf(s), ""); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func write(out *bytes.Buffer, v reflect.Value, indent string) error {
	inner := indent + "  "
	switch {
	case v.Kind() == reflect.Struct && v.Type() != windowType:
		for i, f := range fieldsOf(v.Type()) {
			fmt.Fprintf(out, "%s\n%s%q: ", separator(i, "{"), inner, f.key)
			if err := write(out, v.Field(f.index), inner); err != nil {
				return fmt.Errorf("%s: %w", f.key, err)
			}
		}
		out.WriteString("\n" + indent + "}")
		return nil
	case v.Kind() == reflect.Slice && v.Type().Elem() == windowType && v.Len() > 0:
		for i := range v.Len() {
			fmt.Fprintf(out, "%s\n%s", separator(i, "["), inner)
			if err := write(out, v.Index(i), inner); err != nil {
				return err
			}
		}
		out.WriteString("\n" + indent + "]")
		return nil
	default:
		text, err := inline(v)
		out.WriteString(text)
		return err
	}
}

func separator(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

// inline returns v as JSON on one line.
func inline(v reflect.Value) (string, error) {
	if window, ok := v.Interface().(ResetWindow); ok {
		text, err := window.MarshalJSON()
		return string(text), err
	}
	if v.Kind() == reflect.Slice {
		var entries []string
		for i := range v.Len() {
			text, err := inline(v.Index(i))
			if err != nil {
				return "", err
			}
			entries = append(entries, text)
		}
		return "[" + strings.Join(entries, ", ") + "]", nil
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // < and & stay readable
	err := enc.Encode(v.Interface())
	return strings.TrimSuffix(out.String(), "\n"), err
}

// MarshalJSON writes a preset as its name and leaves out what is not set.
func (w ResetWindow) MarshalJSON() ([]byte, error) {
	if w.Preset != "" {
		return json.Marshal(w.Preset)
	}
	var parts []string
	v := reflect.ValueOf(w)
	for _, f := range fieldsOf(windowType) {
		if value := v.Field(f.index); !value.IsZero() || f.rule.required {
			text, err := inline(value)
			if err != nil {
				return nil, err
			}
			parts = append(parts, fmt.Sprintf("%q: %s", f.key, text))
		}
	}
	return []byte("{" + strings.Join(parts, ", ") + "}"), nil
}

// Diff lists the paths of the keys in which two settings differ, such as "gateway.port", in the order of the file.
// A list counts as one key. $schema is left out: it changes nothing.
func Diff(old, now Settings) []string {
	old.Schema = now.Schema
	return diff(reflect.ValueOf(old), reflect.ValueOf(now), "")
}

func diff(old, now reflect.Value, path string) []string {
	var changed []string
	for _, f := range fieldsOf(old.Type()) {
		a, b, at := old.Field(f.index), now.Field(f.index), join(path, f.key)
		switch {
		case a.Kind() == reflect.Struct:
			changed = append(changed, diff(a, b, at)...)
		case a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0: // nil or not
		case !reflect.DeepEqual(a.Interface(), b.Interface()):
			changed = append(changed, at)
		}
	}
	return changed
}
