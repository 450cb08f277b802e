package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// catcher is an HTTP server that takes alerts, and can be away for a while.
type catcher struct {
	t    *testing.T
	addr string
	srv  *http.Server

	mu     sync.Mutex
	refuse bool // answer 500
	got    []caught
}

type caught struct {
	path, body string
	header     http.Header
}

func newCatcher(t *testing.T) *catcher {
	c := &catcher{t: t}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.addr = ln.Addr().String()
	ln.Close()
	t.Cleanup(func() {
		if c.srv != nil {
			c.srv.Close()
		}
	})
	return c
}

func (c *catcher) open() {
	var ln net.Listener
	if !eventually(func() bool {
		var err error
		ln, err = net.Listen("tcp4", c.addr)
		return err == nil
	}) {
		c.t.Fatalf("%s cannot be listened on", c.addr)
	}
	c.srv = &http.Server{Handler: c}
	go func() { _ = c.srv.Serve(ln) }()
}

func (c *catcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.got = append(c.got, caught{r.URL.Path, string(body), r.Header})
}

func (c *catcher) caught(path string) (list []caught) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.got {
		if g.path == path {
			list = append(list, g)
		}
	}
	return list
}

// TestAlertsArrive runs the program against a gateway that goes and comes back while no one takes alerts, ends the
// program and starts it again: what happened is told afterwards, once, in order, and what is late says so; no secret is
// in sight.
func TestAlertsArrive(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for deliveries to be tried again")
	}
	t.Parallel()
	ctx := t.Context()
	gateway := simtest.Start(t, sim.Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	server := newCatcher(t)
	dir := t.TempDir()
	text := fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d}, "reconnect": {"delays_seconds": [0.2]},
		"notices": {"weekly_reminder_hours": 0}, "alerts": {"after_seconds": 1}, "slack": {"webhook_url": "env:TEST_SLACK"},
		"webhook": {"url": "env:TEST_HOOK", "signing_key": "env:TEST_KEY"}}`, gateway.Port())
	if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	console, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	said := func() string {
		text, err := os.ReadFile(console.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command("gatewatch", "run", "--headless", "--home", dir)
		cmd.Env = append(os.Environ(), "TEST_SLACK=http://"+server.addr+"/services/T0/B0/slacksecret",
			"TEST_HOOK=http://"+server.addr+"/hooksecret", "TEST_KEY=keysecret")
		cmd.Stdout, cmd.Stderr = console, console
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	var raw []byte
	await := func(what string, ok func(api.Status) bool) {
		t.Helper()
		if !eventually(func() bool {
			card, err := home.ReadCard(filepath.Join(dir, "api.json"))
			if err != nil {
				return false
			}
			var st api.Status
			st, raw, err = api.NewClient(card).Status(ctx)
			return err == nil && ok(st)
		}) {
			t.Fatalf("never %s; last status:\n%s\n%s", what, raw, said())
		}
	}
	cmd := start()
	await("connected", func(st api.Status) bool { return st.Connected && st.Alerts.Channels == 2 })
	simtest.Do(t, gateway, "refuse", nil)
	simtest.Do(t, gateway, "drop", nil)
	await("queued", func(st api.Status) bool { return st.Alerts.Queued == 2 && len(st.Alerts.Failing) == 2 })
	for _, word := range []string{"hooksecret", "slacksecret", "keysecret", server.addr} {
		if strings.Contains(string(raw), word) {
			t.Errorf("the status tells %s: %s", word, raw)
		}
	}
	simtest.Do(t, gateway, "accept", nil)
	await("both told", func(st api.Status) bool { return st.Connected && st.Alerts.Queued == 4 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	server.open()
	cmd = start()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	await("delivered", func(st api.Status) bool {
		return st.Connected && st.Alerts.Queued == 0 && len(st.Alerts.Failing) == 0
	})
	hook, slack := server.caught("/hooksecret"), server.caught("/services/T0/B0/slacksecret")
	if len(hook) != 2 || len(slack) != 2 {
		t.Fatalf("webhook %d, Slack %d, want 2 each: %v %v", len(hook), len(slack), hook, slack)
	}
	for i, kind := range []string{"lost", "back"} {
		var sent struct {
			ID   string    `json:"id"`
			Kind string    `json:"kind"`
			At   time.Time `json:"at"`
			Late bool      `json:"late"`
			Age  float64   `json:"late_seconds"`
		}
		if err := json.Unmarshal([]byte(hook[i].body), &sent); err != nil {
			t.Fatal(err)
		}
		late := i == 0 || sent.Age > 1 // the other one waited behind the first
		if sent.Kind != kind || sent.Late != late || sent.ID == "" || time.Since(sent.At) > time.Hour {
			t.Errorf("alert %d: %s", i, hook[i].body)
		}
		if !strings.HasPrefix(hook[i].header.Get("X-Gatewatch-Signature"), "sha256=") {
			t.Errorf("alert %d is not signed: %v", i, hook[i].header)
		}
		if i == 0 && !strings.Contains(slack[i].body, "Sent late") {
			t.Errorf("Slack got: %s", slack[i].body)
		}
	}

	// A test arrives at once, and its outcome is told.
	card, err := home.ReadCard(filepath.Join(dir, "api.json"))
	if err != nil {
		t.Fatal(err)
	}
	test, err := api.NewClient(card).TestAlerts(ctx, "")
	if err != nil || len(test.Results) != 2 || !test.Results[0].OK || !test.Results[1].OK {
		t.Errorf("test: %+v, %v", test, err)
	}
	server.mu.Lock()
	server.refuse = true
	server.mu.Unlock()
	test, err = api.NewClient(card).TestAlerts(ctx, "webhook")
	if err != nil || len(test.Results) != 1 || test.Results[0].OK || !strings.Contains(test.Results[0].Error, "500") {
		t.Errorf("test that fails: %+v, %v", test, err)
	}
	for _, path := range []string{"gatewatch.log", "connection_log.json", "settings.last-good.json"} {
		content, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Error(err)
		}
		for _, word := range []string{"hooksecret", "slacksecret", "keysecret"} {
			if strings.Contains(string(content)+said(), word) {
				t.Errorf("%s tells %s", path, word)
			}
		}
	}
}
