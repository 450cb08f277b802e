package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/api/loopback"
	"gatewatch/app/api/proof"
)

// TestTokenIsSentToNoStranger has other programs answer at the address in api.json. None of them hears the token, and
// nothing that they say is believed.
func TestTokenIsSentToNoStranger(t *testing.T) {
	b := &fakeBackend{status: api.Status{Connected: true}}
	real := serve(t, b)
	yes := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"says yes":     yes(`{"accepted": true, "open": true, "connected": true, "proof": ""}`),
		"says nothing": yes(""),
		"streams": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: status\ndata: {}\n\n")
		},
		"guesses": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"proof": %q}`, proof.Secret{URL: "http://" + r.Host}.Of(r.FormValue("nonce")).Proof)
		},
		"echoes": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"proof": %q}`, r.FormValue("nonce"))
		},
		// It passes everything on to a server that knows the token, at another address.
		"relays": func(w http.ResponseWriter, r *http.Request) {
			r.Host = strings.TrimPrefix(real.URL(), "http://")
			(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL.Scheme, p.Out.URL.Host = "http", r.Host
				p.Out.Host = r.Host
			}}).ServeHTTP(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var heard strings.Builder
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				dump, _ := httputil.DumpRequest(r, true)
				mu.Lock()
				heard.Write(dump)
				mu.Unlock()
				answer(w, r)
			}))
			defer s.Close()
			c := api.NewClient(api.Card{URL: s.URL, Token: real.Token()})
			if g, err := c.Guard(t.Context()); !errors.Is(err, api.ErrNotRunning) {
				t.Errorf("the guard: %+v, %v", g, err)
			}
			if _, err := c.Connect(t.Context()); !errors.Is(err, api.ErrNotRunning) {
				t.Errorf("a command: %v", err)
			}
			err := c.Follow(t.Context(), true, func(api.Status) {
				t.Error("a status")
			}, func() { t.Error("show") }, func() { t.Error("quit") })
			if !errors.Is(err, api.ErrNotRunning) {
				t.Errorf("the stream: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if text := heard.String(); text == "" || strings.Contains(text, real.Token()) ||
				strings.Contains(text, "Authorization") {
				t.Errorf("it heard\n%s", text)
			}
		})
	}
	if b.commands() != 0 {
		t.Error("a command was carried out")
	}
}

// closing closes so many connections unanswered before it lets one through.
type closing struct {
	net.Listener
	left atomic.Int32
}

func (c *closing) Accept() (net.Conn, error) {
	for {
		nc, err := c.Listener.Accept()
		if err != nil || c.left.Add(-1) < 0 {
			return nc, err
		}
		nc.Close()
	}
}

// TestClosedWithoutAnAnswer has a server close connections, as one does that has too many of them.
func TestClosedWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	ln, err := loopback.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	l := &closing{Listener: ln}
	s := serveOn(loopback.Limit(l, 16), &fakeBackend{}, slog.New(slog.DiscardHandler))
	defer shut(s)
	ask := func() error {
		c := api.NewClient(s.Card())
		defer c.Close()
		_, err := c.Guard(t.Context())
		return err
	}
	l.left.Store(3)
	if err := ask(); err != nil {
		t.Errorf("after three: %v", err)
	}
	l.left.Store(math.MaxInt32)
	if err := ask(); !errors.Is(err, api.ErrNotResponding) {
		t.Errorf("all are closed: %v", err)
	}
}
