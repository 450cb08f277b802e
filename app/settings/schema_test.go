package settings

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewatch/app/strict/stricttest"
)

const settingsHead = `# Settings

` + "`settings.json`" + ` is in the user's configuration folder; ` + "`gatewatch`" + ` prints the path at its start. Gatewatch applies
changes while it runs. Missing keys have their defaults. If the file has an error, Gatewatch shows its line and
column, and the settings that were read last stay in effect. Editors complete and check the file with the schema in
` + "`$schema`" + `. Never put a secret into it: refer to one, see [alerts](alerts.md#secrets).

The page Settings of the window has all of them in sections, with a search (Ctrl+F). It marks what is not the default,
and one click puts the default back. It accepts the decimal commas and thousands of every country, says which change
reconnects to Gateway, and Save goes to the first value that is wrong.

Without the file, the reset window is that of the region of this computer, which Gatewatch takes from its time zone:
IBKR's published windows for America, Europe and Asia; in Australia, and where the zone shows no region, the defaults
below. Gatewatch also reads the zone, the trading mode and the server in Gateway's jts.ini (in C:\Jts or ~/Jts, and in
ibgateway/VERSION there), and never writes it. Where only that shows a region, it counts; where it shows another one,
window and page suggest that one.

`

// TestGenerated holds the schema, the table for people and the repository's settings.json to the Go types; with -update
// it writes them.
func TestGenerated(t *testing.T) {
	s := Default()
	s.Schema = "./app/settings/settings.schema.json" // so that it resolves in the repository
	defaults, err := Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	stricttest.Golden(t, "settings.schema.json", stricttest.Schema(t, "Gatewatch settings", Default()))
	stricttest.Golden(t, "../../settings.json", defaults)
	stricttest.Golden(t, "../../docs/settings.md", append([]byte(settingsHead), stricttest.Table(Default())...))
}

func TestEveryKeyHasLimits(t *testing.T) {
	stricttest.EveryKeyHasLimits(t, reflect.TypeFor[Settings]())
}

// TestTagsForForms: each key has a label and a section, each option a word, and a key is marked as one that reconnects
// if, and only if, the supervisor ends the session when it changes.
func TestTagsForForms(t *testing.T) {
	def := Default()
	before, err := def.Conn()
	if err != nil {
		t.Fatal(err)
	}
	marked := 0
	var walk func(v reflect.Value, section string)
	walk = func(v reflect.Value, section string) {
		for i := range v.NumField() {
			f, field := v.Type().Field(i), v.Field(i)
			section := cmp.Or(f.Tag.Get("section"), section)
			switch {
			case f.Name == "Schema":
				continue
			case field.Kind() == reflect.Struct:
				walk(field, section)
				continue
			case f.Tag.Get("label") == "":
				t.Errorf("%s has no label", f.Name)
			case !slices.ContainsFunc(Sections, func(s Section) bool { return s.Title == section }):
				t.Errorf("%s is in no section: %q", f.Name, section)
			case field.Kind() == reflect.String && len(strings.Split(f.Tag.Get("enum"), ",")) !=
				len(strings.Split(f.Tag.Get("words"), ",")):
				t.Errorf("%s has not a word for each option", f.Name)
			}
			saved := reflect.ValueOf(field.Interface())
			switch field.Kind() {
			case reflect.Int:
				field.SetInt(field.Int() + 1)
			case reflect.Float64:
				field.SetFloat(field.Float() + 0.1)
			case reflect.Bool:
				field.SetBool(!field.Bool())
			case reflect.String:
				field.SetString(map[string]string{
					"clock": "01:23", "timezone": "UTC", "host": "localhost",
					"": strings.Split(f.Tag.Get("enum"), ",")[0],
				}[f.Tag.Get("format")])
			case reflect.Slice:
				field.SetZero()
			}
			after, err := def.Conn()
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			reconnects := !before.SameTarget(&after, 0)
			if strings.Contains(f.Tag.Get("effect"), "reconnects") != reconnects {
				t.Errorf("%s has the effect %q, and reconnects: %v", f.Name, f.Tag.Get("effect"), reconnects)
			}
			if reconnects {
				marked++
			}
			field.Set(saved)
		}
	}
	walk(reflect.ValueOf(&def).Elem(), "")
	if len(PresetWords()) != len(Presets()) {
		t.Errorf("presets %q in the words %q", Presets(), PresetWords())
	}
	if marked == 0 {
		t.Error("nothing reconnects")
	}
}

// TestSchemaAgrees feeds the same files to the loader and to the schema's rules.
func TestSchemaAgrees(t *testing.T) {
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
		`{"trading": {"max_notional": 1e12, "instruments": ["BRK B"]}}`:                false,
		`{"trading": {"max_notional": 1e12, "instruments": ["EUR"]}}`:                  true,
		`{"log": {"level": "INFO"}}`:                                                   false,
	} {
		if breach := stricttest.Breach(t, Schema(), text); (breach == "") != want {
			t.Errorf("schema on %s: %q, want valid %v", text, breach, want)
		}
		if _, err := Parse("f", []byte(text)); (err == nil) != want {
			t.Errorf("loader on %s: %v, want valid %v", text, err, want)
		}
	}
}
