package settings

import (
	"bytes"
	_ "embed"
	"fmt"
	"path/filepath"
	"reflect"

	"gatewatch/app/strict"
)

// SchemaRef is the default of $schema: the file that [WriteSchema] puts beside the settings.
const SchemaRef = "./settings.schema.json"

//go:embed settings.schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of settings.json.
func Schema() []byte { return bytes.Clone(schema) }

// WriteSchema puts the schema into dir under the name [SchemaRef] has, unless it is there already.
func WriteSchema(dir string) error {
	if err := strict.Put(filepath.Join(dir, SchemaRef), schema); err != nil {
		return fmt.Errorf("write settings schema: %w", err)
	}
	return nil
}

// Save writes the settings to path so that a reader sees the old file or the new one and nothing between; only the
// user may read it. A link at path stays a link. Settings that [Load] would refuse are refused.
func Save(path string, s Settings) error {
	data, err := Marshal(s)
	if err == nil {
		_, err = Parse(path, data)
	}
	if err == nil {
		err = strict.Save(path, data)
	}
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

// Marshal returns the settings as the text of a settings file: all keys, indented, lists of plain values on one line.
func Marshal(s Settings) ([]byte, error) { return strict.Marshal(s) }

// MarshalJSON writes a preset as its name and leaves out what is not set.
func (w ResetWindow) MarshalJSON() ([]byte, error) { return strict.Line(w) }

// Diff lists the paths of the keys in which two settings differ, such as "gateway.port", in the order of the file.
// A list counts as one key. $schema is left out: it changes nothing.
func Diff(old, now Settings) []string {
	old.Schema = now.Schema
	return diff(reflect.ValueOf(old), reflect.ValueOf(now), "")
}

func diff(old, now reflect.Value, path string) []string {
	var changed []string
	for _, f := range strict.Fields(old.Type()) {
		a, b, at := old.Field(f.Index), now.Field(f.Index), strict.Join(path, f.Key)
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
