package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// patience bounds every wait for Prometheus, which starts in half a second on an idle machine.
const patience = time.Minute

// TestPrometheus lets a real Prometheus, with the configuration from docs, scrape a connection that is lost and comes
// back.
func TestPrometheus(t *testing.T) {
	program := tool(t, "prometheus")
	if testing.Short() {
		t.Skip("starts Prometheus")
	}
	var now atomic.Pointer[conn.Snapshot]
	now.Store(up())
	source := full(nil)
	source.Snapshot = now.Load
	m := New(source)

	var asked atomic.Pointer[http.Request]
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r)
		m.Handler().ServeHTTP(w, r)
	})
	target := httptest.NewServer(mux)
	t.Cleanup(target.Close)
	address := target.Listener.Addr().String()
	p := start(t, program, address)

	p.until(`up{job="gatewatch"} == 1`)
	p.until(`gatewatch_connected == 1`)
	p.until(`gatewatch_state{state="connected"} == 1`)
	p.until(`gatewatch_recovery_seconds_count{layer="api"} == 0`)
	p.until(`gatewatch_sessions_lost_total{cause="broken"} == 0`)
	r := asked.Load()
	t.Logf("Prometheus asks with Host %s, Accept %s", r.Host, r.Header.Get("Accept"))
	if r.Host != address || r.Header.Get("Origin") != "" {
		t.Errorf("Prometheus asks with Host %q and Origin %q: the API refuses that", r.Host, r.Header.Get("Origin"))
	}

	now.Store(&conn.Snapshot{State: conn.Reconnecting, Guard: ib.GuardSocket, Probe: time.Millisecond})
	m.Take(conn.Event{Kind: conn.EventLost, Cause: ib.CauseBroken, Session: 7})
	p.until(`gatewatch_connected == 0`)
	p.until(`gatewatch_sessions_lost_total{cause="broken"} == 1`)
	p.until(`increase(gatewatch_sessions_lost_total{cause="broken"}[5m]) > 0`) // the zero before the first one counts
	p.until(`gatewatch_guard_shut{reason="socket_down"} == 1`)

	now.Store(up())
	m.Take(conn.Event{Kind: conn.EventConnected, Session: 7, At: time.Now(), Duration: 42 * time.Second})
	p.until(`gatewatch_connected == 1`)
	p.until(`gatewatch_recovery_seconds_bucket{layer="api", le="30"} == 0 and ignoring(le) gatewatch_recovery_seconds_bucket{le="60"} == 1`)
	p.until(`gatewatch_recovery_seconds_sum{layer="api"} == 42`)
	p.until(`gatewatch_session_age_seconds > 0`)

	target.Close()
	p.until(`up{job="gatewatch"} == 0`)

	var rules struct {
		Groups []struct{ Rules []json.RawMessage }
	}
	if err := p.get("/api/v1/rules", &rules); err != nil || len(rules.Groups) != 1 || len(rules.Groups[0].Rules) != 4 {
		t.Errorf("rules are %s (%v)", rules, err)
	}
}

// server is a running Prometheus.
type server struct {
	t      *testing.T
	url    string
	client *http.Client
	said   *bytes.Buffer // valid after gone
	gone   chan struct{}
}

// start runs Prometheus with the configuration from docs, in which only the target and the interval are replaced.
func start(t *testing.T, program, target string) *server {
	t.Helper()
	dir := t.TempDir()
	for name, with := range map[string][]string{
		"prometheus.yml": {"127.0.0.1:8765", target, "scrape_interval: 15s", "scrape_interval: 250ms"},
		"alerts.yml":     nil,
	} {
		b, err := os.ReadFile(docs + name)
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		for i := 0; i < len(with); i += 2 {
			if n := strings.Count(s, with[i]); n != 1 {
				t.Fatalf("%s has %q %d times", name, with[i], n)
			}
			s = strings.Replace(s, with[i], with[i+1], 1)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for range 3 { // the port may be taken between looking for it and using it
		port := freePort(t)
		p := &server{t, "http://" + port, client, &bytes.Buffer{}, make(chan struct{})}
		ctx, kill := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
			"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+port)
		cmd.Stdout, cmd.Stderr = p.said, p.said
		if err := cmd.Start(); err != nil {
			kill()
			t.Fatal(err)
		}
		go func() {
			defer close(p.gone)
			_ = cmd.Wait() // killed
		}()
		t.Cleanup(func() {
			kill()
			<-p.gone
			if t.Failed() {
				t.Logf("Prometheus said:\n%s", p.said)
			}
		})
		if p.wait(func() bool { return p.ready() }) {
			return p
		}
		select {
		case <-p.gone:
		default:
			t.Fatal("Prometheus does not become ready")
		}
	}
	t.Fatal("Prometheus ends at its start")
	return nil
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// wait reports whether ok became true in time and while Prometheus ran.
func (p *server) wait(ok func() bool) bool {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	limit := time.After(patience)
	for {
		if ok() {
			return true
		}
		select {
		case <-p.gone:
			return false
		case <-limit:
			return false
		case <-look.C:
		}
	}
}

func (p *server) ready() bool {
	r, err := p.client.Get(p.url + "/-/ready")
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// until waits until a query has a result.
func (p *server) until(query string) {
	p.t.Helper()
	var err error
	if !p.wait(func() bool {
		var found struct{ Result []json.RawMessage }
		err = p.get("/api/v1/query?query="+url.QueryEscape(query), &found)
		return err == nil && len(found.Result) > 0
	}) {
		p.t.Fatalf("waited in vain for %s (%v)", query, err)
	}
}

// get asks Prometheus' API.
func (p *server) get(path string, data any) error {
	r, err := p.client.Get(p.url + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", r.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", r.Status, answer.Error)
	}
	return nil
}
