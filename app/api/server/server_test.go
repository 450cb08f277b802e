package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"

	"go.uber.org/goleak"

	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/loopback"
	"gatewatch/app/api/sse"
	"gatewatch/conn"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	time.Local = time.FixedZone("", 11*60*60) // the golden files tell times of this zone
	goleak.VerifyTestMain(m)
}

func serve(t *testing.T, b Backend) *Server {
	t.Helper()
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(s) })
	return s
}

func shut(s *Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	s.Close(ctx)
}

// ask sends one request; headers are "Name: value", and Host and token are right unless they say otherwise.
func ask(t *testing.T, s *Server, method, path, body string, headers ...string) (res *http.Response, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token())
	for _, h := range headers {
		switch name, value, _ := strings.Cut(h, ": "); {
		case name == "Host":
			req.Host = value
		case value == "-":
			req.Header.Del(name)
		case name == "Authorization":
			req.Header.Set(name, value)
		default:
			req.Header.Add(name, value)
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// stream opens a stream of events, with the token unless the header says otherwise, and returns its lines and its end.
func stream(t *testing.T, s *Server, path, header string) (lines *bufio.Scanner, leave func()) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header == "" {
		req.Header.Set("Authorization", "Bearer "+s.Token())
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("%s: %s, content type %q", path, res.Status, got)
	}
	lines = bufio.NewScanner(res.Body)
	lines.Buffer(nil, sse.MaxEvent)
	return lines, func() { res.Body.Close() }
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "/status", 200, ""},
		{"HEAD", "/status", 200, ""},
		{"GET", "/status?x=y", 200, ""},
		{"POST", "/status", 405, "GET"},
		{"DELETE", "/status", 405, "GET"},
		{"GET", "/healthz", 200, ""},
		{"HEAD", "/healthz", 200, ""},
		{"PUT", "/healthz", 405, "GET"},
		{"POST", "/connect_ib", 202, ""},
		{"GET", "/connect_ib", 405, "POST"},
		{"HEAD", "/connect_ib", 405, "POST"},
		{"OPTIONS", "/connect_ib", 405, "POST"},
		{"POST", "/disconnect_ib", 202, ""},
		{"GET", "/disconnect_ib", 405, "POST"},
		{"POST", "/show", 202, ""},
		{"GET", "/show", 405, "POST"},
		{"POST", "/quit", 202, ""},
		{"GET", "/quit", 405, "POST"},
		{"GET", "/autostart", 200, ""},
		{"PUT", "/autostart", 405, "GET, POST"},
		{"GET", "/settings", 200, ""},
		{"PUT", "/settings", 200, ""},
		{"POST", "/settings", 405, "GET, PUT"},
		{"GET", "/rules", 200, ""},
		{"POST", "/rules", 405, "GET, PUT"},
		{"PUT", "/rules", 200, ""},
		{"GET", "/rules/text", 200, ""},
		{"GET", "/settings/text", 200, ""},
		{"GET", "/rules/save", 405, "POST"},
		{"GET", "/orders", 200, ""},
		{"GET", "/positions", 200, ""},
		{"POST", "/positions", 405, "GET"},
		{"POST", "/orders/cancel_all/", 404, ""},
		{"GET", "/guard", 200, ""},
		{"HEAD", "/guard", 200, ""},
		{"POST", "/guard/events", 405, "GET"},
		{"GET", "/clients", 200, ""},
		{"GET", "/clients/orders", 200, ""},
		{"POST", "/clients/allow", 202, ""},
		{"POST", "/clients/read_only", 400, ""},
		{"POST", "/trading/stop", 202, ""},
		{"POST", "/trading/arm", 202, ""},
		{"GET", "/trading/arm", 405, "POST"},
		{"POST", "/trading/disarm", 202, ""},
		{"GET", "/nowhere", 404, ""},
		{"POST", "/connect_ib/", 404, ""},
		{"GET", "/STATUS", 404, ""},
		{"GET", "/%2e%2e/status", 404, ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			b := &fakeBackend{}
			res, body := ask(t, serve(t, b), c.method, c.path, "")
			if strings.HasPrefix(c.path, "/%2e") && res.StatusCode/100 == 3 {
				return // the mux cleans the path; the next request is an ordinary one
			}
			if res.StatusCode != c.code || res.Header.Get("Allow") != c.allow {
				t.Errorf("%s, Allow %q; want %d, %q", res.Status, res.Header.Get("Allow"), c.code, c.allow)
			}
			if got := res.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("cache control %q", got)
			}
			if got := res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("content type options %q", got)
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("opened to the site %q", got)
			}
			var f jsonhttp.Failure
			switch {
			case c.method == "HEAD":
				if body != "" {
					t.Errorf("body %q", body)
				}
			case !json.Valid([]byte(body)):
				t.Errorf("not JSON: %q", body)
			case c.code >= 400 && (json.Unmarshal([]byte(body), &f) != nil || f.Error == ""):
				t.Errorf("no error told: %q", body)
			}
			changes := c.code < 300 && c.method != "GET" && c.method != "HEAD"
			for end := time.Now().Add(30 * time.Second); changes && b.commands() == 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond) // /quit answers first
			}
			if changes != (b.commands() == 1) {
				t.Errorf("%d commands", b.commands())
			}
		})
	}
}

func TestCommandsReachTheirOwn(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	ask(t, s, "POST", "/connect_ib", "")
	if b.connects.Load() != 1 || b.commands() != 1 {
		t.Errorf("after /connect_ib: %d of %d", b.connects.Load(), b.commands())
	}
	ask(t, s, "POST", "/disconnect_ib", "")
	if b.disconnects.Load() != 1 || b.commands() != 2 {
		t.Errorf("after /disconnect_ib: %d of %d", b.disconnects.Load(), b.commands())
	}
}

// TestQuitAnswersFirst has the program end only when the answer is on its way.
func TestQuitAnswersFirst(t *testing.T) {
	b := &quitter{}
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gone, now := context.WithCancel(context.Background())
	now()
	b.end = func() { // as fast as can be, and without waiting for anyone
		go s.End(gone)
	}
	a, err := api.NewClient(s.Card()).Quit(t.Context())
	if err != nil || !a.Accepted {
		t.Errorf("%+v, %v", a, err)
	}
	<-s.done
}

type quitter struct {
	fakeBackend
	end func()
}

func (q *quitter) Quit() { q.end() }

func TestMute(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	c := api.NewClient(s.Card())
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, at := range []time.Time{until, {}} {
		if a, err := c.Mute(t.Context(), at); err != nil || !a.Accepted {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if want := []string{"mute " + until.UTC().Format(time.RFC3339), "mute 0001-01-01T00:00:00Z"}; !slices.Equal(b.asked,
		want) {
		t.Errorf("asked %q, want %q", b.asked, want)
	}
	if _, err := c.Mute(t.Context(), until.AddDate(0, 0, 7)); err == nil {
		t.Error("muted for a week")
	}
}

func TestAutostart(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	c := api.NewClient(s.Card())
	for _, on := range []bool{true, false} {
		if a, err := c.SetAutostart(t.Context(), on); err != nil || a.On != on {
			t.Errorf("%v: %+v, %v", on, a, err)
		}
		if a, err := c.Autostart(t.Context()); err != nil || a.On != on || a.Program != "/usr/bin/gatewatch" {
			t.Errorf("%v: %+v, %v", on, a, err)
		}
	}
	if want := []string{"autostart true", "autostart false"}; !slices.Equal(b.asked, want) {
		t.Errorf("asked %q, want %q", b.asked, want)
	}
	b.trade = &api.Conflict{Reason: "a demo"}
	var conflict *api.Conflict
	if _, err := c.SetAutostart(t.Context(), true); !errors.As(err, &conflict) || conflict.Reason != "a demo" {
		t.Errorf("refused: %v", err)
	}
}

func TestCommandAnswers(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		body string
	}{
		{nil, 202, `{"accepted":true}`},
		{conn.ErrAlreadyConnected, 200, `{"accepted":true,"message":"already connected"}`},
		{fmt.Errorf("no: %w", conn.ErrAlreadyPaused), 200, `{"accepted":true,"message":"no: already disconnected"}`},
		{conn.ErrNotRunning, 503, `{"error":"the supervisor is not running"}`},
		{errors.New("<odd>"), 503, `{"error":"<odd>"}`},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			res, body := ask(t, serve(t, &fakeBackend{err: c.err}), "POST", "/connect_ib", "")
			if res.StatusCode != c.code || compact(t, body) != c.body {
				t.Errorf("%d %s, want %d %s", res.StatusCode, compact(t, body), c.code, c.body)
			}
		})
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestListen(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	first := serve(t, &fakeBackend{})
	if want := fmt.Sprintf("http://127.0.0.1:%d", first.Port()); first.URL() != want {
		t.Errorf("%s, want %s", first.URL(), want)
	}
	second, err := Listen(first.Port(), &fakeBackend{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(second)
	if ahead := second.Port() - first.Port(); ahead < 1 || ahead > loopback.PortsAhead {
		t.Errorf("port %d after %d is taken", second.Port(), first.Port())
	}
	if res, _ := ask(t, second, "GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("second server: %s", res.Status)
	}

	// Above the highest port there is no next one, but any.
	free, err := net.Listen("tcp4", "127.0.0.1:65535")
	if err != nil {
		t.Skip("port 65535 is not to be had")
	}
	free.Close()
	top, err := Listen(65535, &fakeBackend{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(top)
	if top.Port() != 65535 {
		t.Errorf("port %d instead of the free 65535", top.Port())
	}
	third, err := Listen(65535, &fakeBackend{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(third)
	if third.Port() == 65535 || third.Port() == 0 {
		t.Errorf("port %d", third.Port())
	}
}

func TestCloseDoesNotWaitForStrangers(t *testing.T) {
	s, err := Listen(0, &fakeBackend{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /connect_ib HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	shut(s)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if _, err := net.Dial("tcp", s.ln.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
}

func TestEvents(t *testing.T) {
	b := &fakeBackend{status: api.Status{Headline: "Connected"}}
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	lines, leave := stream(t, s, "/events?window=1", "")
	defer leave()
	next := func() string {
		lines.Scan()
		return lines.Text()
	}
	if got := next(); got != "event: status" {
		t.Errorf("first %q", got)
	}
	var st api.Status
	if data, ok := strings.CutPrefix(next(), "data: "); !ok || json.Unmarshal([]byte(data), &st) != nil ||
		st.Headline != "Connected" {
		t.Errorf("status %+v", st)
	}
	next()
	if n := s.ShowWindow(); n != 1 {
		t.Errorf("%d windows", n)
	}
	if got := next(); got != "event: show" {
		t.Errorf("then %q", got)
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s.Close(ctx) // ends the stream
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("closing took %v", took)
	}
	for lines.Scan() {
	}
	if n := b.subscribers.Load(); n != 0 {
		t.Errorf("%d subscribers left", n)
	}
}
