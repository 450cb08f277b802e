package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
)

func TestCard(t *testing.T) {
	s, other := serve(t, &fakeBackend{}), serve(t, &fakeBackend{})
	dir := t.TempDir()
	path := filepath.Join(dir, "api.json")
	if _, err := ReadCard(path); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil { // left behind, with a mode that is too wide
		t.Fatal(err)
	}
	if err := WriteCard(path, s); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v", info.Mode())
	}
	if c, err := ReadCard(path); err != nil || c != (Card{URL: s.URL(), Token: s.Token(), PID: os.Getpid()}) {
		t.Errorf("%+v, %v", c, err)
	}
	RemoveCard(path, other)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("removed by a server that it does not tell of: %v", err)
	}
	RemoveCard(path, s)
	if _, err := os.Stat(path); err == nil {
		t.Error("not removed")
	}
	RemoveCard(path, s) // there is none any more
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestCardIsWhole reads while others write: a reader sees one card or the other and nothing between.
func TestCardIsWhole(t *testing.T) {
	servers := []*Server{serve(t, &fakeBackend{}), serve(t, &fakeBackend{})}
	path := filepath.Join(t.TempDir(), "api.json")
	if err := WriteCard(path, servers[0]); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	done := make(chan struct{})
	for _, s := range servers {
		writers.Go(func() {
			for range 100 {
				if err := WriteCard(path, s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	for ; ; time.Sleep(100 * time.Microsecond) { // on Windows no one can replace a file that is read all the time
		c, err := ReadCard(path)
		if err != nil || c.Token != servers[0].Token() && c.Token != servers[1].Token() {
			t.Fatalf("%+v, %v", c, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestCardThatCannotBeWritten(t *testing.T) {
	s := serve(t, &fakeBackend{})
	dir := t.TempDir()
	if err := WriteCard(filepath.Join(dir, "nowhere", "api.json"), s); err == nil ||
		!strings.Contains(err.Error(), "api.json") {
		t.Errorf("no folder: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "api.json", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteCard(filepath.Join(dir, "api.json"), s); err == nil {
		t.Error("written over a folder")
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestReadCard(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"url":"http://127.0.0.1:8765","token":"T"}`:         true,
		`{"url":"http://[::1]:8765","token":"T"}`:             true,
		`{"url":"http://127.1.2.3:8765","token":"T"}`:         true,
		`{"url":"http://127.0.0.1:8765","token":"T","new":1}`: true,
		``: false, `{`: false, `[]`: false, `null`: false, `{}`: false, `{"url":5}`: false, "\x00\xff": false,
		`{"url":"http://192.0.2.1:8765"}`:        false,
		`{"url":"http://0.0.0.0:8765"}`:          false,
		`{"url":"http://localhost:8765"}`:        false, // a name is whatever the resolver says
		`{"url":"https://127.0.0.1:8765"}`:       false,
		`{"url":"file:///127.0.0.1"}`:            false,
		`{"url":"127.0.0.1:8765"}`:               false,
		`{"url":"http://127.0.0.1@192.0.2.1/"}`:  false,
		`{"url":"http://127.0.0.1.example.com"}`: false,
		`{"url":"http://[::ffff:192.0.2.1]:1"}`:  false,
	} {
		path := filepath.Join(t.TempDir(), "api.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadCard(path)
		if (err == nil) != ok {
			t.Errorf("%s: %+v, %v; want ok=%v", text, c, err, ok)
		}
		if err != nil && (errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestClient(t *testing.T) {
	b := &fakeBackend{status: Status{State: conn.Degraded, Headline: "Gateway does not answer"}}
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(Card{URL: s.URL(), Token: s.Token()})
	st, body, err := c.Status(t.Context())
	if err != nil || st.State != conn.Degraded ||
		!strings.Contains(string(body), `"headline": "Gateway does not answer"`) {
		t.Errorf("%+v, %s, %v", st, body, err)
	}
	if a, err := c.Connect(t.Context()); err != nil || !a.Accepted || a.Message != "" || b.connects.Load() != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := c.Disconnect(t.Context()); err != nil || !a.Accepted || b.disconnects.Load() != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	b.err = conn.ErrAlreadyPaused
	if a, err := c.Disconnect(t.Context()); err != nil || !a.Accepted || a.Message != conn.ErrAlreadyPaused.Error() {
		t.Errorf("%+v, %v", a, err)
	}
	b.err = conn.ErrNotRunning
	if _, err := c.Connect(t.Context()); err == nil ||
		err.Error() != "POST /connect_ib: 503 Service Unavailable: the supervisor is not running" {
		t.Errorf("%v", err)
	}
	before := b.commands()
	stale := NewClient(Card{URL: s.URL(), Token: "of a server that had the port before"})
	if _, _, err := stale.Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status by a stale card: %v", err)
	}
	if _, err := stale.Connect(t.Context()); !errors.Is(err, ErrNotRunning) || b.commands() != before {
		t.Errorf("connect by a stale card: %v", err)
	}
	shut(s)
	if _, _, err := c.Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

// TestClientMeetsStrangers has something else answer at the address.
func TestClientMeetsStrangers(t *testing.T) {
	var redirected bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { redirected = true }))
	defer elsewhere.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"page":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"missing": http.NotFound,
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for sent := 0; ; sent += 1 << 16 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
				if sent > 64<<20 {
					t.Error("an endless answer is read")
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(answer)
			defer s.Close()
			c := NewClient(Card{URL: s.URL, Token: "T"})
			if st, _, err := c.Status(t.Context()); err == nil {
				t.Errorf("taken for a status: %+v", st)
			}
			if a, err := c.Connect(t.Context()); err == nil {
				t.Errorf("taken for an answer: %+v", a)
			}
		})
	}
	if redirected {
		t.Error("a redirect was followed")
	}
}

func TestClientGivesUp(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := NewClient(Card{URL: "http://" + ln.Addr().String()})
	if c.http.Timeout <= 0 {
		t.Error("no time limit")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Status(ctx); err == nil || errors.Is(err, ErrNotRunning) {
		t.Errorf("cancelled: %v", err)
	}
}
