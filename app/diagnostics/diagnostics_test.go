package diagnostics

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// personal is what must be in no report, and where it was put.
var personal = []string{
	"DU1234567", "U1234567", "DUK765432", "F7654321", // accounts
	"jane", "Zweifel", "trader@fund.example", "desk@fund.example", // people
	"gw.fund.example", "smtp.fund.example", "10.11.12.13", "2001:db8", "old-gateway.lan", // hosts
	"hunter22", "s3cr3t", "T01234", "x1y2z3", "tok3n-of-the-api", "bot:AAHdqT", // secrets
	"AAPL", "MSFT", "230.5", "dip of apple", // orders
}

// TestErrorsAreShown reads the source: an error that is logged under another key than "err" is in no report.
func TestErrorsAreShown(t *testing.T) {
	logs := regexp.MustCompile(`\.(?:Debug|Info|Warn|Error)\("[^\n]*"error", `)
	read := 0
	for _, root := range []string{"../../app", "../../conn", "../../engine"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			read++
			if line := logs.Find(text); line != nil {
				t.Errorf("%s: %s", path, line)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 100 {
		t.Errorf("only %d files", read)
	}
}

func userHome(t *testing.T) Source {
	t.Helper()
	user := filepath.Join(t.TempDir(), "jane")
	t.Setenv("HOME", user)
	t.Setenv("USERPROFILE", user)
	t.Setenv("USER", "jane")
	dir := filepath.Join(user, "gatewatch")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := settings.Default()
	s.Gateway.Host = "gw.fund.example"
	s.Trading.Instruments = []string{"AAPL", "MSFT"}
	s.Email = settings.Email{
		Server: "smtp.fund.example", Port: 587, User: "jane.Zweifel", Password: "keyring:mail",
		From: "trader@fund.example", To: []string{"desk@fund.example"},
	}
	s.Slack.WebhookURL, s.Webhook.URL, s.Webhook.SigningKey = "env:SLACK", "keyring:hook", "keyring:key"
	s.Alerts.Services = []string{"keyring:telegram"}
	secrets := map[string]string{
		"keyring:mail": "hunter22", "env:SLACK": "https://hooks.slack.com/services/T01234/B05678/x1y2z3",
		"keyring:key":      "s3cr3t",
		"keyring:telegram": "telegram://bot:AAHdqT@telegram?chats=@me",
	}
	write("rules.json", `[{"name": "dip of apple", "symbol": "AAPL"}]`)
	write("api.json", `{"token": "tok3n-of-the-api"}`)
	write("export of U1234567 for trader@fund.example.csv", "AAPL")

	// All of it stands in both logs, in any key.
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	for _, one := range personal {
		for _, key := range []string{"err", "rule", "text", "detail", "settings", "panic", "stack", "reason"} {
			switch one {
			case "AAPL", "MSFT", "230.5", "dip of apple", "Zweifel": // never but in their own keys
				if key != "rule" && key != "text" && key != "detail" {
					continue
				}
			case "old-gateway.lan":
				log.Warn("lost", key, `dial tcp: lookup old-gateway.lan: no such host`)
				log.Warn("lost", key, `Get "https://old-gateway.lan/x?key=1": EOF`)
				continue
			case "2001:db8":
				log.Warn("lost", key, `dial tcp [2001:db8::1]:4001: refused`)
				continue
			}
			log.Warn("lost", key, fmt.Sprintf("first %s\nfrom %s/%s, \"again\" %s", one, dir, one,
				strings.ToUpper(one)))
			log.Warn("lost", key, one)
		}
	}
	log.Error("settings refused", "err",
		"settings.json:1:2: trading.instruments: AAPL is what?")
	log.Info("order_blocked", "rule", "dip of apple", "text", "BUY 100 AAPL LMT 230.5", "reason", "disarmed")
	log.Info("started", "version", "v1.2.3", "settings", dir)
	write("gatewatch.log", text.String()+"jane lost DU1234567 on AAPL\ntime=half \"a line\n")
	l, err := history.Open(history.Crash{}, dir, time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{
		"DU1234567", "U1234567", "trader@fund.example", "hunter22", "10.11.12.13",
		"dial tcp: lookup gw.fund.example",
	} {
		if _, err := l.Append(history.Record{
			Time: time.Now(), What: history.Lost, Counts: history.Down,
			Cause: ib.CauseClosed, Detail: "because of " + one + " in " + dir,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return Source{
		Version: "v1.2.3", Now: time.Now(), Settings: s, Secrets: []string{"tok3n-of-the-api"}, ConfigDir: dir,
		StateDir: dir,
		LogFile:  filepath.Join(dir, "gatewatch.log"),
		Secret: func(ref string) (string, error) {
			if v, ok := secrets[ref]; ok {
				return v, nil
			}
			return "", errors.New("locked")
		},
	}
}

// TestNothingPersonal puts accounts, addresses, hosts, names, secrets and orders wherever they can be, and looks for
// each of them.
func TestNothingPersonal(t *testing.T) {
	s := userHome(t)
	st := api.StatusOf(&conn.Snapshot{
		State: conn.Reconnecting, Since: time.Now(), Cause: ib.CauseUnreachable,
		Detail:  "dial gw.fund.example for U1234567",
		Gateway: ib.Gateway{Host: "gw.fund.example", Port: 4001, Mode: ib.Live}, Unsupported: conn.Unsupported{
			Text: "AAPL for desk@fund.example",
		},
	}, time.Now(), "v1.2.3", 17, time.Now())
	st.Trading.RulesProblem = "rules.json:1:1: AAPL"
	st.Faults = []api.Fault{{Part: "alerts", Count: 2, LastAt: time.Now(), Last: "index out of range for DU1234567"}}
	for _, running := range []*Running{nil, {
		Status: st, Rules: map[string]int{"active": 3}, Orders: map[string]int{"filled": 7}, Messages: map[int]uint64{
			2172: 4,
		}, Blocked: map[string]uint64{"disarmed": 2},
		Alerts: api.Alerts{Channels: []api.Channel{
			{Name: "email", Sent: 4, LastError: "550 desk@fund.example unknown"},
		}},
	}} {
		s.Running, s.Goroutines = running, running != nil
		var out bytes.Buffer
		if err := Write(&out, s); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, one := range personal {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(one)); at >= 0 {
				t.Errorf("running %v: %s is in it: …%s…", running != nil, one,
					text[max(0, at-150):min(len(text), at+100)])
			}
		}
		for _, want := range []string{
			"gatewatch v1.2.3, go", "gateway.host = •••", "email.password = keyring:mail",
			"slack.webhook_url = env:SLACK", "email.to[0] = •••",
			"reset_time = 18:00", "trading.instruments[1] = •••", "reset_windows = []",
			"reconnect.delays_seconds[0] = 1",
			"lost down run 1 cause closed: because of ••• in ~" + string(filepath.Separator) + "gatewatch",
			"msg=started version=v1.2.3 settings=•••", "(a line that is no record)",
			"gatewatch.log", "rules.json", "dial tcp: lookup •••", "https://•••", "rule=••• text=••• reason=disarmed",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("running %v: without %q:\n%s", running != nil, want, text)
			}
		}
		for _, want := range []string{
			`"state": "reconnecting"`, `"part": "alerts"`, "rules, active: 3",
			"orders, filled: 7", "messages from Gateway, code, 2172: 4", "blocked since the start, disarmed: 2",
			"email: 4 sent", "TestNothingPersonal",
		} {
			if strings.Contains(text, want) != (running != nil) {
				t.Errorf("running %v: %q", running != nil, want)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func TestHide(t *testing.T) {
	home := filepath.FromSlash("/data/bob")
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("USER", "bob")
	h := NewHider("S3cret!")
	for text, want := range map[string]string{
		"DU1234567":                           "•••",
		"acct_U1234567:x":                     "acct_•••:x",
		"U1234567 U7654321,F123456":           "••• •••,•••",
		"at 0xc000343600 in du12.go":          "at 0xc000343600 in du12.go",
		"a@b.example, b+c@d.e.org":            "•••, •••",
		"/go/pkg/mod/github.com/x/y@v1.2.3/z": "/go/pkg/mod/github.com/x/y@v1.2.3/z",
		"/go/x@v0.0.0-2025010203-ab/z.go:12":  "/go/x@v0.0.0-2025010203-ab/z.go:12",
		home + "/.config/x":                   "~/.config/x",
		"/mnt/bob/x":                          "/mnt/•••/x",
		"/home/jane/x and /Users/joe":         "~/x and ~",
		`C:\Users\jane\AppData`:               `~\AppData`,
		`"C:\\Users\\jane\\AppData"`:          `"~\\AppData"`,
		"127.0.0.1:4002 and 10.0.0.7:4002":    "127.0.0.1:4002 and •••:4002",
		"[::1]:80 [fe80::1%eth0]:80":          "[::1]:80 •••:80",
		"http://127.0.0.1:8765/#token=abc":    "http://127.0.0.1:8765",
		"see https://user:pw@host/p?q=1.":     "see https://•••",
		"is s3CRET! and S3cret%21":            "is ••• and •••",
	} {
		if got := h.Hide(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestSecretsInTime: a keyring that does not answer delays the report briefly, and other sources of secrets are
// still read.
func TestSecretsInTime(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	s := settings.Default()
	s.Email.Password, s.Slack.WebhookURL, s.Webhook.URL = "keyring:locked", "env:OTHER", "keyring:broken"
	h := HiderFor(s, func(ref string) (string, error) {
		switch ref {
		case "keyring:locked":
			<-never
		case "keyring:broken":
			panic("injected")
		}
		return "the-other", nil
	})
	if got := h.Hide("of the-other"); got != "of •••" {
		t.Error(got)
	}
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatewatch.log")
	if lines, err := tail(path, 10); lines != nil || err != nil {
		t.Errorf("%q, %v", lines, err)
	}
	var text strings.Builder
	for n := range 10_000 {
		fmt.Fprintf(&text, "time=2026-03-10T14:02:00Z level=INFO msg=\"a b\" code=%d text=\"x \\\" y\" session=3\n", n)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := tail(path, 10)
	if err != nil || len(lines) != 10 ||
		lines[9] != `time=2026-03-10T14:02:00Z level=INFO msg="a b" code=9999 text=••• session=3` {
		t.Errorf("%q, %v", lines, err)
	}
	if lines, _ := tail(path, 100_000); len(lines) < 1000 || strings.Contains(lines[0], "no record") {
		t.Errorf("%d lines, the first %q", len(lines), lines[0])
	}
}
