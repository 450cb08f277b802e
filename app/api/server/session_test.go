package server

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"gatewatch/app/api"
)

// codeOf returns a one-time code of the server.
func codeOf(s *Server) string {
	_, code, _ := strings.Cut(s.PageURL(), "#code=")
	return code
}

// exchanged sends a code, without the token, and returns the token that it is exchanged for.
func exchanged(t *testing.T, s *Server, code string) (token string, status int) {
	t.Helper()
	res, body := ask(t, s, "POST", "/session", fmt.Sprintf(`{"code": %q}`, code), "Authorization: -")
	var got api.PageToken
	if res.StatusCode == 200 {
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
	}
	return got.Token, res.StatusCode
}

func TestCodeIsGoodOnce(t *testing.T) {
	s := serve(t, &fakeBackend{})
	works := func(token string) bool {
		res, _ := ask(t, s, "GET", "/settings", "", "Authorization: Bearer "+token)
		return res.StatusCode == 200
	}
	first, second := codeOf(s), codeOf(s)
	if len(first) < 26 || first == second || strings.Contains(s.PageURL(), s.Token()) {
		t.Fatalf("codes %q and %q", first, second)
	}
	for _, wrong := range []string{"x", first[1:], first + "A", strings.ToLower(first), s.Token()} {
		if token, status := exchanged(t, s, wrong); status != 403 || token != "" {
			t.Errorf("%q is good: %d", wrong, status)
		}
	}
	one, status := exchanged(t, s, first)
	if status != 200 || len(one) < 40 || one == s.Token() || !works(one) {
		t.Fatalf("%d, token %q", status, one)
	}
	other, _ := exchanged(t, s, second)
	if other == one || !works(other) || !works(one) {
		t.Error("two pages do not work side by side")
	}
	// Whoever has read it from the list of processes comes second, or was first: the token is good for neither.
	if token, status := exchanged(t, s, first); status != 403 || token != "" || works(one) {
		t.Errorf("a code that came twice: %d, and its token works: %v", status, works(one))
	}
	if !works(other) || !works(s.Token()) {
		t.Error("the others are void, too")
	}
}

func TestFetchSite(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	to := "Sec-Fetch-Mode: navigate,Sec-Fetch-Dest: document"
	for _, c := range []struct {
		method, path, from, more string
		ok                       bool
	}{
		{"GET", "/", "none", to, true},
		{"GET", "/", "cross-site", to, true}, // a link to the page
		{"GET", "/", "same-site", to, true},
		{"GET", "/", "cross-site", "Sec-Fetch-Mode: navigate,Sec-Fetch-Dest: iframe", false},
		{"GET", "/", "cross-site", "Sec-Fetch-Mode: no-cors,Sec-Fetch-Dest: image", false},
		{"GET", "/", "cross-site", "", false},
		{"GET", "/status", "same-origin", "Sec-Fetch-Mode: cors,Sec-Fetch-Dest: empty", true},
		{"GET", "/status", "cross-site", to, false},
		// another port of this computer
		{"GET", "/status", "same-site", "Sec-Fetch-Mode: no-cors,Sec-Fetch-Dest: script", false},
		{"GET", "/metrics", "Cross-Site", "", false},
		{"GET", "/healthz", "elsewhere", "", false},
		{"GET", "/settings", "cross-site", to, false},
		{"POST", "/connect_ib", "same-origin", "", true},
		{"POST", "/connect_ib", "same-site", "", false},
		{"POST", "/connect_ib", "cross-site", to, false},
	} {
		headers := []string{"Sec-Fetch-Site: " + c.from}
		if c.more != "" {
			headers = append(headers, strings.Split(c.more, ",")...)
		}
		before := b.commands()
		res, _ := ask(t, s, c.method, c.path, "", headers...)
		if (res.StatusCode < 300) != c.ok || !c.ok && res.StatusCode != 403 {
			t.Errorf("%+v: %s", c, res.Status)
		}
		if b.commands() != before && !c.ok {
			t.Errorf("%+v: carried out", c)
		}
	}
	if res, _ := ask(t, s, "GET", "/status", "", "Sec-Fetch-Site: none",
		"Sec-Fetch-Site: cross-site"); res.StatusCode != 403 {
		t.Errorf("the second of two is not read: %s", res.Status)
	}
}

// nowhere is a listener that has an address and nothing else.
type nowhere struct{ net.Listener }

func (nowhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
