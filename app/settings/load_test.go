package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want func(*Settings)
	}{
		"nothing said": {`{}`, func(*Settings) {}},
		"byte mark":    {"\xef\xbb\xbf{\r\n  \"reset_minutes\": 0\r\n}\r\n", func(s *Settings) { s.ResetMinutes = 0 }},
		"one in group": {`{"gateway": {"port": 7496}}`, func(s *Settings) { s.Gateway.Port = 7496 }},
		"own schema":   {`{"$schema": "x"}`, func(s *Settings) { s.Schema = "x" }},
		"limits": {
			`{"gateway": {"port": 65535, "connect_timeout_seconds": 120}, "watchdog": {"poll_seconds": 5}}`,
			func(s *Settings) {
				s.Gateway.Port, s.Gateway.ConnectTimeoutSeconds, s.Watchdog.PollSeconds = 65535, 120, 5
			},
		},
		"list replaced": {`{"reconnect": {"delays_seconds": [0.5]}}`, func(s *Settings) {
			s.Reconnect.DelaysSeconds = []float64{0.5}
		}},
		"switch": {`{"reconnect": {"watch_local_port": false}}`, func(s *Settings) {
			s.Reconnect.WatchLocalPort = false
		}},
		"local zone": {`{"timezone": "Local"}`, func(s *Settings) { s.Timezone = "Local" }},
		"address":    {`{"gateway": {"host": "::1"}}`, func(s *Settings) { s.Gateway.Host = "::1" }},
		"windows": {
			`{"reset_windows": ["ibkr-asia", {"days": ["sat", "sun"], "start": "23:30", "minutes": 60, "timezone": "America/New_York"}]}`,
			func(s *Settings) {
				s.ResetWindows = []ResetWindow{
					{Preset: "ibkr-asia"},
					{Days: []string{"sat", "sun"}, Start: "23:30", Minutes: 60, Timezone: "America/New_York"},
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := Default()
			test.want(&want)
			got, err := Parse("f", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string // what the error says, one line for each problem
	}{
		"range": {
			"{\n  \"watchdog\": {\n    \"poll_seconds\": 9\n  }\n}",
			"f:3:21: watchdog.poll_seconds: 9 is out of range 1 to 5",
		},
		"columns of text": {`{"log": {"level": "débug", "lever": 1}}`, "f:1:19: log.level: \"débug\" is not one of " +
			"debug, info, warn, error; did you mean \"debug\"?\nf:1:28: log.lever: unknown key; did you mean " +
			"\"log.level\"?"},
		"after a BOM": {"\xef\xbb\xbf[]", "f:1:1: needs an object in { }, found a list"},
		"CRLF": {"{\r\n\"x\": 1}", "f:2:1: x: unknown key; remove it; known here are $schema, gateway, " +
			"watchdog, reconnect, reset_time, timezone, reset_minutes, reset_windows, api, notices, trading, " +
			"market_hours, guarded_port, alerts, email, slack, webhook, heartbeat, tray, log"},
		"misplaced": {`{"client_id": 1}`, `f:1:2: client_id: unknown key; did you mean "gateway.client_id"?`},
		"capitals":  {`{"Timezone": "Local"}`, `f:1:2: Timezone: unknown key; did you mean "timezone"?`},
		"odd key": {
			`{"a b\n": 1}`,
			`f:1:2: "a b\n": unknown key; remove it; known here are $schema, gateway, watchdog, reconnect, reset_time, timezone, reset_minutes, reset_windows, api, notices, trading, market_hours, guarded_port, alerts, email, slack, webhook, heartbeat, tray, log`,
		},
		"twice": {
			"{\"api\": {\"port\": 1,\n\"port\": 2}}",
			"f:2:1: api.port: this key appears twice (first in line 1); remove one",
		},
		"twice a group": {
			`{"api": {}, "api": {}}`,
			"f:1:13: api: this key appears twice (first in line 1); remove one",
		},
		"type": {`{"api": {"port": "1"}, "log": 3}`, "f:1:18: api.port: needs a number, found a " +
			"string\nf:1:31: log: needs an object in { }, found a number"},
		"null": {`{"timezone": null}`, "f:1:14: timezone: needs a text in double quotes, found null; " +
			"remove the key to have its default"},
		"fraction": {`{"api": {"port": 1.5}}`, "f:1:18: api.port: 1.5 is not a whole number"},
		"huge":     {`{"api": {"port": 1e999}}`, "f:1:18: api.port: 1e999 is out of range 0 to 65535"},
		"zero": {
			`{"gateway": {"connect_timeout_seconds": 0}}`,
			"f:1:41: gateway.connect_timeout_seconds: 0 is out of range 0.001 to 120",
		},
		"zone": {
			`{"timezone": "Sydney"}`,
			`f:1:14: timezone: "Sydney" is not a known time zone; write an IANA name such as "Australia/Sydney" or "America/New_York", or "Local"`,
		},
		"zone as a path": {
			`{"timezone": "../etc/passwd"}`,
			`f:1:14: timezone: "../etc/passwd" is not a known time zone; write an IANA name such as "Australia/Sydney" or "America/New_York", or "Local"`,
		},
		"time": {
			`{"reset_time": "6pm"}`,
			`f:1:16: reset_time: "6pm" is not a time of day; write hours and minutes as 00:00 to 23:59, such as "18:00"`,
		},
		"host with port": {
			`{"gateway": {"host": "localhost:4002"}}`,
			`f:1:22: gateway.host: "localhost:4002" is not a host; write a name or an IP address such as "127.0.0.1", and the port in gateway.port`,
		},
		"port of the API": {`{"guarded_port": {"port": 8765}}`, "f:1:19: guarded_port.port: is the port of the " +
			"API; write another number, such as 4100"},
		"Gateway's port": {
			`{"gateway": {"host": "localhost", "port": 4002}, "guarded_port": {"port": 4002}}`,
			"f:1:67: guarded_port.port: is the port of Gateway itself; write another number, such as 4100",
		},
		"Gateway's port, in capitals": {
			`{"gateway": {"host": "LOCALHOST", "port": 4002}, "guarded_port": {"port": 4002}}`,
			"f:1:67: guarded_port.port: is the port of Gateway itself; write another number, such as 4100",
		},
		"a program's id": {
			`{"guarded_port": {"programs": [{"client_id": 17}]}}`,
			"f:1:33: guarded_port.programs[0].client_id: 17 is the client id of Gatewatch; each program needs its own",
		},
		"one program twice": {
			`{"guarded_port": {"programs": [{"client_id": 1}, {"client_id": 1}]}}`,
			"f:1:51: guarded_port.programs[1].client_id: 1 is in the list twice; remove one",
		},
		"no program": {
			`{"guarded_port": {"programs": [{"read_only": true}]}}`,
			"f:1:32: guarded_port.programs[0]: the key \"client_id\" is missing",
		},
		"empty list": {
			`{"reconnect": {"delays_seconds": []}}`,
			"f:1:34: reconnect.delays_seconds: needs 1 to 20 entries, found 0",
		},
		"entry": {
			`{"reconnect": {"delays_seconds": [1, 0, true]}}`,
			"f:1:38: reconnect.delays_seconds[1]: 0 is out of range 0.001 to 3600\nf:1:41: " +
				"reconnect.delays_seconds[2]: needs a number, found true",
		},
		"preset": {
			`{"reset_windows": ["ibkr-asja"]}`,
			`f:1:20: reset_windows[0]: "ibkr-asja" is not one of ibkr-america, ibkr-europe, ibkr-asia, ibkr-weekend; did you mean "ibkr-asia"?`,
		},
		"window": {
			`{"reset_windows": [{"days": ["mon", "mon"], "minutes": 0}]}`,
			"f:1:20: reset_windows[0]: the key \"start\" is missing\nf:1:37: reset_windows[0].days[1]: \"mon\" is in " +
				"the list twice; remove one\nf:1:56: reset_windows[0].minutes: 0 is out of range 1 to 2880",
		},
		"hard below soft": {`{"watchdog": {"hard_seconds": 1}}`, "f:1:15: watchdog.hard_seconds: 1 must exceed " +
			"watchdog.soft_seconds, which is 1.5"},
		"soft above hard": {`{"watchdog": {"soft_seconds": 10}}`, "f:1:15: watchdog.hard_seconds: 10 must exceed " +
			"watchdog.soft_seconds, which is 10"},
		"hard as soft": {`{"watchdog": {"hard_seconds": 1.5000000001}}`, "f:1:15: watchdog.hard_seconds: " +
			"1.5000000001 exceeds watchdog.soft_seconds, which is 1.5, by less than a nanosecond; write a " +
			"larger number"},
		"relation waits": {
			`{"watchdog": {"soft_seconds": 20, "hard_seconds": -1}}`,
			"f:1:51: watchdog.hard_seconds: -1 is out of range 0.001 to 3600",
		},
		"secret in clear": {
			`{"slack": {"webhook_url": "https://hooks.slack.com/services/T0/B0/topsecret"}}`,
			"f:1:27: slack.webhook_url: what is here is not a reference to a secret; secrets are not kept in this " +
				"file: store it with `gatewatch secret set NAME`, which says what to write here, such as " +
				"\"keyring:NAME\"; or write \"env:NAME\" for an environment variable",
		},
		"secret twice": {`{"alerts": {"services": ["env:A", "env:A"]}}`, "f:1:35: alerts.services[1]: what is " +
			"here is in the list twice; remove one"},
		"receiver": {`{"email": {"server": "mail.example.com", "from": "a@example.com", "to": ["Me <me@example.com>"]}}`, `f:1:74: email.to[0]: "Me <me@example.com>" is not an email address; write just the address, such as "me@example.com"`},
		"no receiver": {
			`{"email": {"server": "mail.example.com", "from": "a@example.com"}}`,
			`f:1:12: email.to: is empty, but email.server is set; write the addresses of the receivers`,
		},
		"no sender": {
			`{"email": {"server": "mail.example.com", "to": ["a@example.com"]}}`,
			`f:1:12: email.from: is empty, but email.server is set; write the address of the sender`,
		},
		"half quiet": {
			`{"alerts": {"quiet_until": "07:00"}, "notices": {"quiet_from": "23:00"}}`,
			"f:1:13: alerts.quiet_from: has to be set together with alerts.quiet_until, or both have to be " +
				"empty\nf:1:50: notices.quiet_from: has to be set together with notices.quiet_until, or both have to " +
				"be empty",
		},

		"empty": {"", "f:1:1: the file is empty; write {} for the defaults"},
		"blank": {" \n\n", "f:3:1: the file is empty; write {} for the defaults"},
		"cut": {
			"{\n\"api\": {\"port\"",
			"f:2:15: the file ends too early; a closing quote or bracket is missing",
		},
		"cut in a text": {
			`{"timezone": "Austr`,
			"f:1:20: the file ends too early; a closing quote or bracket is missing",
		},
		"trailing":         {"{}\n}", "f:2:1: there is text after the end of the settings; remove it"},
		"two values":       {"{} {}", "f:1:4: there is text after the end of the settings; remove it"},
		"comment":          {"{\n// why\n}", "f:2:1: comments are not JSON; remove the comment"},
		"comment after":    {"{} # why", "f:1:4: comments are not JSON; remove the comment"},
		"comma at the end": {"{\"api\": {},\n}", "f:2:1: a comma before a closing bracket is not allowed; remove it"},
		"comma missing":    {"{\"api\": {}\n\"log\": {}}", "f:2:1: a comma or a colon is missing before this"},
		"curly quotes":     {`{“api”: {}}`, `f:1:2: names and texts need straight double quotes: "`},
		"backslash":        {`{"$schema": "C:\Users"}`, `f:1:17: a backslash in a string is written twice: \\`},
		"open text": {
			"{\"timezone\": \"Local\n}",
			"f:1:20: a text must end on its line; is a closing quote missing?",
		},
		"bare word": {`{"timezone": Local}`, "f:1:14: not valid JSON: invalid character 'L' looking for " +
			"beginning of value"},
		"UTF-16": {"\xff\xfe{\x00}\x00", "f:1:1: this is UTF-16 text; save the file with the encoding UTF-8"},
		"UTF-16 without a mark": {
			"\x00{\x00}",
			"f:1:1: this is UTF-16 text; save the file with the encoding UTF-8",
		},
		"UTF-32": {
			"\xff\xfe\x00\x00{\x00\x00\x00}\x00\x00\x00",
			"f:1:1: this is UTF-32 text; save the file with the encoding UTF-8",
		},
		"UTF-32, the greater end first": {
			"\x00\x00\x00{\x00\x00\x00}",
			"f:1:1: this is UTF-32 text; save the file with the encoding UTF-8",
		},
		"zeros": {
			strings.Repeat("\x00", 100),
			"f:1:1: there is a zero byte here, so the file is damaged; restore it or write it again",
		},
		"zeros at the end": {
			"{\"api\": {}}\n\x00\x00",
			"f:2:1: there is a zero byte here, so the file is damaged; restore it or write it again",
		},
		"Latin-1": {
			"{\"timezone\": \"Z\xfcrich\"}",
			"f:1:16: this is not UTF-8 text; save the file with the encoding UTF-8",
		},
		"large": {
			strings.Repeat(" ", file.MaxSize) + "{}",
			"f:1:1: the file is larger than 256 KiB; this is no settings file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("f", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
			if !reflect.DeepEqual(s, Default()) {
				t.Errorf("beside the error: %+v, want the defaults", s)
			}
		})
	}
}

func TestParseEndsSoonOnHostileFiles(t *testing.T) {
	for _, text := range []string{
		"{" + strings.Repeat(`"aaaaaaaaaaaaaaaaaaa":0,`, file.MaxSize/25) + `"x":0}`,
		strings.Repeat("[", file.MaxSize-1),
		`{"reconnect": {"delays_seconds": [` + strings.Repeat("0,", file.MaxSize/3) + "0]}}",
	} {
		start := time.Now()
		_, err := Parse("f", []byte(text))
		var problems Problems
		if !errors.As(err, &problems) || len(problems) > 20 {
			t.Errorf("%.30s…: %d problems", text, len(problems))
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%.30s…: took %v", text, took)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	if s, found, err := Load(path); found || err != nil || !reflect.DeepEqual(s, Default()) {
		t.Errorf("without a file: %v, %v, %+v", found, err, s)
	}
	if _, found, err := Load(filepath.Dir(path)); !found || err == nil {
		t.Errorf("a folder: %v, %v", found, err)
	}
	if err := os.WriteFile(path, []byte(`{"api": {"port": 99999}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems Problems
	_, found, err := Load(path)
	if !found || !errors.As(err, &problems) {
		t.Fatalf("bad file: %v, %v", found, err)
	}
	want := Problem{File: path, Line: 1, Column: 18, Key: "api.port", Text: "99999 is out of range 0 to 65535"}
	if len(problems) != 1 || problems[0] != want {
		t.Errorf("got %v, want %v", problems, want)
	}
}

func TestRepositoryFileHoldsTheDefaults(t *testing.T) {
	s, found, err := Load("../../settings.json")
	if changed := Diff(Default(), s); !found || err != nil || len(changed) > 0 {
		t.Errorf("found %v, %v, other than the defaults: %v", found, err, changed)
	}
}

func FuzzLoad(f *testing.F) {
	defaults, err := Marshal(Default())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(defaults)
	f.Add([]byte("\xef\xbb\xbf{\r\n\"gateway\": {\"port\": 1e3}}"))
	f.Add([]byte(`{"reset_windows": ["ibkr-asia", {"days": ["mon"], "start": "00:00", "minutes": 9, "timezone": "Local"}], "x": [{}]}`))
	f.Add([]byte(`{"reconnect": {"delays_seconds": [1, 2.5], "jitter": -0}, "reconnect": null, "$schema": "\ud800 <&>"}`))
	f.Add([]byte("{\"timezone\": \"Local // no\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f", data)
		if err == nil {
			text, err := Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse("f", text)
			if err != nil || !reflect.DeepEqual(s, again) {
				t.Fatalf("%v: %+v became %+v in\n%s", err, s, again, text)
			}
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("error without a place: %v", err)
		}
		lines := strings.Split(strings.TrimPrefix(string(data), "\xef\xbb\xbf"), "\n")
		for _, p := range problems {
			if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len([]rune(lines[p.Line-1]))+1 {
				t.Fatalf("%v lies outside the file", p)
			}
			if strings.ContainsAny(p.String(), "\n\r\x00\x1b") {
				t.Fatalf("%q spans lines", p)
			}
		}
	})
}

func TestPresetsLoad(t *testing.T) {
	for _, name := range Presets() {
		s, err := Parse("f", []byte(`{"reset_windows": ["`+name+`"]}`))
		if err != nil || s.ResetWindows[0].Preset != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(Presets()) != 4 {
		t.Errorf("presets: %v", Presets())
	}
}

// TestRefusal names the key behind each field that the supervisor refuses, also where the limits of keys let nothing
// through.
func TestRefusal(t *testing.T) {
	if key, text := Default().refusal(); key != "" || text != "" {
		t.Errorf("the defaults: %s: %s", key, text)
	}
	for key, change := range map[string]func(*Settings){
		"gateway.host":                    func(s *Settings) { s.Gateway.Host = "" },
		"gateway.port":                    func(s *Settings) { s.Gateway.Port = -1 },
		"gateway.connect_timeout_seconds": func(s *Settings) { s.Gateway.ConnectTimeoutSeconds = 1e-10 },
		"watchdog.poll_seconds":           func(s *Settings) { s.Watchdog.PollSeconds = 0 },
		"watchdog.soft_seconds":           func(s *Settings) { s.Watchdog.SoftSeconds = 1e-10 },
		"watchdog.hard_seconds": func(s *Settings) {
			s.Watchdog.HardSeconds = s.Watchdog.SoftSeconds + 1e-10
		},
		"reconnect.delays_seconds": func(s *Settings) { s.Reconnect.DelaysSeconds = []float64{1, 1e-10} },
		"reconnect.jitter":         func(s *Settings) { s.Reconnect.Jitter = 1 },
		"reset_windows":            func(s *Settings) { s.ResetWindows = []ResetWindow{{Preset: "moon"}} },
	} {
		s := Default()
		change(&s)
		if got, text := s.refusal(); got != key || text == "" {
			t.Errorf("%s: %s: %s", key, got, text)
		}
	}
}
