package settings

import (
	"reflect"
	"testing"

	"gatewatch/app/strict/stricttest"
)

const settingsHead = `# Settings

` + "`settings.json`" + ` is in the user's configuration folder; ` + "`gatewatch`" + ` prints the path at its start. Gatewatch applies
changes while it runs. Missing keys have their defaults. If the file has an error, Gatewatch shows its line and
column, and the settings that were read last stay in effect. Editors complete and check the file with the schema in
` + "`$schema`" + `. Never put a secret into it: refer to one, see [alerts](alerts.md#secrets).

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
