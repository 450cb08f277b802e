package settings

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
	"testing"
)

var update = flag.Bool("update", false, "write the generated files anew")

// schemaOf describes a type by its struct tags; preset is the value that holds without a word in the file.
func schemaOf(preset reflect.Value, r rule) map[string]any {
	s := map[string]any{}
	switch t := preset.Type(); t.Kind() {
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for _, f := range fieldsOf(t) {
			property := schemaOf(preset.Field(f.index), f.rule)
			property["description"] = f.doc
			if kind := preset.Field(f.index).Kind(); kind != reflect.Struct && t != windowType {
				property["default"] = preset.Field(f.index).Interface()
			}
			properties[f.key] = property
			if f.rule.required {
				required = append(required, f.key)
			}
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
		if len(required) > 0 {
			s["required"] = required
		}
		if t == windowType {
			names, doc := presetRule()
			return map[string]any{"oneOf": []any{map[string]any{"type": "string", "enum": names.enum, "description": doc}, s}}
		}
	case reflect.Slice:
		s["type"], s["minItems"], s["maxItems"] = "array", r.minItems, r.maxItems
		s["items"] = schemaOf(reflect.Zero(t.Elem()), r)
		if r.unique {
			s["uniqueItems"] = true
		}
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.String:
		s["type"] = "string"
		if r.enum != nil {
			s["enum"] = r.enum
		}
		if f, ok := formats[r.format]; ok {
			s["pattern"] = f.pattern.String()
		}
	case reflect.Int, reflect.Float64:
		s["type"] = "number"
		if t.Kind() == reflect.Int {
			s["type"] = "integer"
		}
		if r.bounded() {
			s["minimum"], s["maximum"] = r.min, r.max
		}
	default:
		panic("no schema for " + t.String())
	}
	return s
}

// TestGenerated holds the schema and the repository's settings.json to the Go types; with -update it writes them.
func TestGenerated(t *testing.T) {
	root := schemaOf(reflect.ValueOf(Default()), rule{})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Gatewatch settings"
	var schemaFile bytes.Buffer
	enc := json.NewEncoder(&schemaFile)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}

	s := Default()
	s.Schema = "./app/settings/settings.schema.json" // so that it resolves in the repository
	defaults, err := Marshal(s)
	if err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string][]byte{"settings.schema.json": schemaFile.Bytes(), "../../settings.json": defaults} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the types say (%v); run go generate ./app/settings", path, err)
		}
	}
}

func TestEveryKeyHasRules(t *testing.T) {
	var check func(typ reflect.Type)
	check = func(typ reflect.Type) {
		for _, f := range fieldsOf(typ) {
			if f.doc == "" {
				t.Errorf("%v.%s has no doc", typ, f.key)
			}
			kind := typ.Field(f.index).Type
			if kind.Kind() == reflect.Struct {
				check(kind)
				continue
			}
			if kind.Kind() == reflect.Slice {
				if f.rule.maxItems == 0 {
					t.Errorf("%v.%s has no count", typ, f.key)
				}
				kind = kind.Elem()
			}
			switch kind.Kind() {
			case reflect.Int, reflect.Float64:
				if !f.rule.bounded() || f.rule.max <= f.rule.min {
					t.Errorf("%v.%s has no limits", typ, f.key)
				}
			case reflect.String:
				if _, ok := formats[f.rule.format]; !ok && f.rule.enum == nil && f.key != "$schema" {
					t.Errorf("%v.%s has neither enum nor a known format", typ, f.key)
				}
			}
		}
	}
	check(reflect.TypeFor[Settings]())
	check(windowType)
}

// TestSchemaAgrees feeds the same files to the loader and to the schema's rules.
func TestSchemaAgrees(t *testing.T) {
	var rules map[string]any
	if err := json.Unmarshal(Schema(), &rules); err != nil {
		t.Fatal(err)
	}
	defaults, err := Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		string(defaults):                     true,
		`{}`:                                 true,
		`{"gateway": {"port": 4001.0}}`:      true,
		`{"gateway": {"port": 1e3}}`:         true,
		`{"reset_windows": ["ibkr-europe"]}`: true,
		`{"reset_windows": [{"days": ["mon"], "start": "00:00", "minutes": 2880, "timezone": "Local"}]}`: true,
		`[]`:                                                                false,
		`null`:                                                              false,
		`{"gateway": null}`:                                                 false,
		`{"gatewai": {}}`:                                                   false,
		`{"gateway": {"prt": 1}}`:                                           false,
		`{"gateway": {"port": 4001.5}}`:                                     false,
		`{"gateway": {"port": "4001"}}`:                                     false,
		`{"gateway": {"port": 65536}}`:                                      false,
		`{"gateway": {"port": -1}}`:                                         false,
		`{"gateway": {"client_id": 2147483648}}`:                            false,
		`{"gateway": {"mode": "demo"}}`:                                     false,
		`{"gateway": {"host": ""}}`:                                         false,
		`{"gateway": {"host": "http://localhost"}}`:                         false,
		`{"gateway": {"connect_timeout_seconds": 0}}`:                       false,
		`{"watchdog": {"poll_seconds": 0.5}}`:                               false,
		`{"reconnect": {"delays_seconds": []}}`:                             false,
		`{"reconnect": {"delays_seconds": [1, "2"]}}`:                       false,
		`{"reconnect": {"delays_seconds": [3601]}}`:                         false,
		`{"reconnect": {"jitter": 0.6}}`:                                    false,
		`{"reconnect": {"watch_local_port": 1}}`:                            false,
		`{"reset_time": "24:00"}`:                                           false,
		`{"reset_time": "6:00"}`:                                            false,
		`{"timezone": ""}`:                                                  false,
		`{"reset_windows": ["ibkr"]}`:                                       false,
		`{"reset_windows": [7]}`:                                            false,
		`{"reset_windows": [{"start": "00:00"}]}`:                           false,
		`{"reset_windows": [{"start": "00:00", "minutes": 0}]}`:             false,
		`{"reset_windows": [{"start": "00:00", "minutes": 5, "days": []}]}`: false,
		`{"reset_windows": [{"start": "00:00", "minutes": 5, "days": ["day"]}]}`:       false,
		`{"reset_windows": [{"start": "00:00", "minutes": 5, "days": ["mon","mon"]}]}`: false,
		`{"log": {"level": "INFO"}}`: false,
	} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(text, err)
		}
		if breach := breach(rules, value); (breach == "") != want {
			t.Errorf("schema on %s: %q, want valid %v", text, breach, want)
		}
		if _, err := Parse("f", []byte(text)); (err == nil) != want {
			t.Errorf("loader on %s: %v, want valid %v", text, err, want)
		}
	}
}

// breach returns the first rule of the schema that value breaks, "" if none. It knows the rules schemaOf writes.
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
		return unless(kind == "string" && regexp.MustCompile(pattern).MatchString(v) && (enum == nil || slices.Contains(enum, value)), "string")
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
