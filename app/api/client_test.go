package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
