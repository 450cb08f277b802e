package diagnostics

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gatewatch/app/settings"
	"gatewatch/conn"
)

// shownFormats are those of texts that say nothing about a person. Any other is hidden.
var shownFormats = []string{"clock", "clock_or_empty", "timezone"}

// settingsLines returns what is in settings, a line for each key. Texts are hidden unless they are one of a few
// words, a time of day, a zone, or a reference to a secret.
func settingsLines(s settings.Settings) (lines []string) {
	var walk func(path string, v reflect.Value, tag reflect.StructTag)
	put := func(path, text string) { lines = append(lines, path+" = "+text) }
	walk = func(path string, v reflect.Value, tag reflect.StructTag) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				f := v.Type().Field(i)
				key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if key == "-" {
					key = strings.ToLower(f.Name)
				}
				if key == "$schema" {
					continue
				}
				if path != "" {
					key = path + "." + key
				}
				walk(key, v.Field(i), f.Tag)
			}
		case reflect.Slice:
			if v.Len() == 0 {
				put(path, "[]")
			}
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i), tag)
			}
		case reflect.String:
			put(path, shownText(v.String(), tag))
		default:
			text, err := json.Marshal(v.Interface())
			if err != nil || !slices.Contains([]reflect.Kind{reflect.Bool, reflect.Int, reflect.Float64}, v.Kind()) {
				text = []byte(Hidden)
			}
			put(path, string(text))
		}
	}
	walk("", reflect.ValueOf(s), "")
	return lines
}

func shownText(text string, tag reflect.StructTag) string {
	kind, _, reference := strings.Cut(text, ":")
	switch format := tag.Get("format"); {
	case text == "":
		return `""`
	case slices.Contains(strings.Split(tag.Get("enum"), ","), text), slices.Contains(shownFormats, format):
		return text
	case format == "secret" && reference && slices.Contains([]string{"env", "file", "keyring"}, kind):
		return text
	case format == "host" && conn.Loopback(text):
		return text
	}
	return Hidden
}

// named returns the names in settings that a text must not hold.
func named(s settings.Settings) []string {
	names := append([]string{s.Email.Server, s.Email.User, s.Email.From}, s.Email.To...)
	if host := s.Gateway.Host; shownText(host, `format:"host"`) == Hidden {
		names = append(names, host)
	}
	return names
}
