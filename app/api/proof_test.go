package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"gatewatch/app/api/proof"
)

// TestNoTokenProvesNothing has a card without a token, which anyone could prove to know.
func TestNoTokenProvesNothing(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"proof": %q}`, proof.Secret{URL: "http://" + r.Host}.Of(r.FormValue("nonce")).Proof)
	}))
	defer s.Close()
	if _, err := NewClient(Card{URL: s.URL}).Guard(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Error(err)
	}
}

// TestSilentServer has a server take connections and say nothing: that is no proof that it does not run.
func TestSilentServer(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := NewClient(Card{URL: "http://" + ln.Addr().String(), Token: "T"})
	if _, err := c.Guard(t.Context()); err == nil || errors.Is(err, ErrNotRunning) {
		t.Errorf("%v", err)
	}
}
