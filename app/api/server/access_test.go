package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestHost(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	for host, code := range map[string]int{
		"127.0.0.1:PORT": 202, "localhost:PORT": 202, "LocalHost:PORT": 202, "[::1]:PORT": 202,
		"127.0.0.1": 403, "localhost": 403, "127.0.0.1:1": 403, "127.0.0.1:0PORT": 403, "127.0.0.2:PORT": 403,
		"0.0.0.0:PORT": 403, "::1:PORT": 403, "2130706433:PORT": 403, "localhost.:PORT": 403, "example.com:PORT": 403,
		"localhost.example.com:PORT": 403, "127.0.0.1:PORT.example.com": 403, "user@127.0.0.1:PORT": 403,
	} {
		host = strings.ReplaceAll(host, "PORT", fmt.Sprint(s.Port()))
		for _, path := range []string{"/connect_ib", "/status"} {
			method := map[string]string{"/connect_ib": "POST", "/status": "GET"}[path]
			before := b.commands()
			want := code
			if code == 202 && method == "GET" {
				want = 200
			}
			if res, _ := ask(t, s, method, path, "", "Host: "+host); res.StatusCode != want &&
				(want != 403 || res.StatusCode != 400) {
				t.Errorf("%s with host %q: %s, want %d", path, host, res.Status, want)
			}
			if did := b.commands() - before; did != 0 && want != 202 {
				t.Errorf("host %q: command carried out", host)
			}
		}
	}
}

// raw sends bytes as they are and returns the first line of the answer, empty if there is none.
func raw(t *testing.T, s *Server, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, text) // the server may have closed before the end
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestHostMissing(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	good := fmt.Sprintf("Host: 127.0.0.1:%d\r\n", s.Port())
	auth := "Authorization: Bearer " + s.Token() + "\r\nContent-Length: 0\r\n"
	for text, want := range map[string]string{
		"POST /connect_ib HTTP/1.0\r\n" + auth + "\r\n": "HTTP/1.0 403 Forbidden",
		"POST /connect_ib HTTP/1.1\r\n" + auth +
			"\r\n": "HTTP/1.1 400 Bad Request: missing required Host header",
		"POST /connect_ib HTTP/1.1\r\nHost:\r\n" + auth + "\r\n":                         "HTTP/1.1 403 Forbidden",
		"POST /connect_ib HTTP/1.1\r\n" + good + "Host: example.com\r\n" + auth + "\r\n": "HTTP/1.1 400 Bad Request",
		// its host counts, not the header's
		"POST http://example.com/connect_ib HTTP/1.1\r\n" + good + auth + "\r\n":            "HTTP/1.1 403 Forbidden",
		"POST /connect_ib HTTP/1.1\r\nHost: example.com\r\n" + auth + "X: " + good + "\r\n": "HTTP/1.1 403 Forbidden",
	} {
		if got := raw(t, s, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if b.commands() != 0 {
		t.Errorf("%d commands carried out", b.commands())
	}
	if got := raw(t, s, "POST /connect_ib HTTP/1.1\r\n"+good+auth+"\r\n"); got != "HTTP/1.1 202 Accepted" {
		t.Errorf("the same as it should be: %q", got)
	}
}

func TestOrigin(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	own := func(text string) string { return strings.ReplaceAll(text, "PORT", fmt.Sprint(s.Port())) }
	for _, c := range []struct {
		origins []string
		ok      bool
	}{
		{nil, true},
		{[]string{"http://127.0.0.1:PORT"}, true},
		{[]string{"http://localhost:PORT"}, true},
		{[]string{"HTTP://LOCALHOST:PORT"}, true},
		{[]string{"http://127.0.0.1:PORT", "http://localhost:PORT"}, true},
		{[]string{"null"}, false},
		{[]string{"https://127.0.0.1:PORT"}, false},
		{[]string{"http://127.0.0.1"}, false},
		{[]string{"http://127.0.0.1:PORT/"}, false},
		{[]string{"http://example.com:PORT"}, false},
		{[]string{"http://127.0.0.1:PORT.example.com"}, false},
		{[]string{"http://127.0.0.1:PORT http://example.com"}, false},
		{[]string{"http://127.0.0.1:PORT", "http://example.com"}, false},
		{[]string{"http://example.com", "http://127.0.0.1:PORT"}, false},
		{[]string{"file://"}, false},
		{[]string{"127.0.0.1:PORT"}, false},
		{[]string{"moz-extension://127.0.0.1:PORT"}, false},
	} {
		var headers []string
		for _, o := range c.origins {
			headers = append(headers, "Origin: "+own(o))
		}
		before := b.commands()
		post, _ := ask(t, s, "POST", "/connect_ib", "", headers...)
		get, _ := ask(t, s, "GET", "/status", "", headers...)
		if c.ok && (post.StatusCode != 202 || get.StatusCode != 200) || !c.ok &&
			(post.StatusCode != 403 || get.StatusCode != 403) {
			t.Errorf("origin %q: %s and %s, want ok=%v", c.origins, post.Status, get.Status, c.ok)
		}
		if !c.ok && b.commands() != before {
			t.Errorf("origin %q: command carried out", c.origins)
		}
	}
}

func TestToken(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	other := serve(t, b)
	if len(s.Token()) < 40 || s.Token() == other.Token() {
		t.Fatalf("tokens %q and %q", s.Token(), other.Token())
	}
	for _, c := range []struct {
		header    string
		post, get int
	}{
		{"-", 401, 200},
		{"Bearer TOKEN", 202, 200},
		{"bearer TOKEN", 202, 200},
		{"Bearer  TOKEN", 202, 200},
		{"Bearer", 401, 401},
		{"Bearer ", 401, 401},
		{"TOKEN", 401, 401},
		{"Basic TOKEN", 401, 401},
		{"BearerTOKEN", 401, 401},
		{"Bearer TOKENx", 401, 401},
		{"Bearer x", 401, 401},
		{"Bearer " + s.Token()[1:], 401, 401},
		{"Bearer " + strings.ToLower(s.Token()), 401, 401},
		{"Bearer " + other.Token(), 401, 401},
	} {
		header := "Authorization: " + strings.ReplaceAll(c.header, "TOKEN", s.Token())
		for _, path := range []string{"/connect_ib", "/disconnect_ib", "/show"} {
			before := b.commands()
			res, body := ask(t, s, "POST", path, "", header)
			if res.StatusCode != c.post {
				t.Errorf("%s with %q: %s, want %d", path, c.header, res.Status, c.post)
			}
			if c.post == 401 && (b.commands() != before || res.Header.Get("WWW-Authenticate") == "" ||
				strings.Contains(body, s.Token())) {
				t.Errorf("%s with %q: %d commands, %q, %s", path, c.header, b.commands()-before,
					res.Header.Get("WWW-Authenticate"), body)
			}
		}
		if res, _ := ask(t, s, "PUT", "/settings", "{}", header); (res.StatusCode == 401) != (c.post == 401) {
			t.Errorf("PUT /settings with %q: %s", c.header, res.Status)
		}
		if res, _ := ask(t, s, "GET", "/status", "", header); res.StatusCode != c.get {
			t.Errorf("GET /status with %q: %s, want %d", c.header, res.Status, c.get)
		}
	}
}

func TestTooMuch(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	for size, code := range map[int]int{0: 202, 1: 202, maxBody: 202, maxBody + 1: 413, 1 << 20: 413} {
		before := b.commands()
		if res, _ := ask(t, s, "POST", "/connect_ib", strings.Repeat("x", size)); res.StatusCode != code {
			t.Errorf("body of %d bytes: %s, want %d", size, res.Status, code)
		}
		if did := b.commands() - before; (did == 1) != (code == 202) {
			t.Errorf("body of %d bytes: %d commands", size, did)
		}
	}
	head := fmt.Sprintf("POST /connect_ib HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n", s.Port(),
		s.Token())
	before := b.commands()
	chunk := fmt.Sprintf("%x\r\n%s\r\n", maxBody, strings.Repeat("x", maxBody))
	if got := raw(t, s, head+"Transfer-Encoding: chunked\r\n\r\n"+chunk+chunk+
		"0\r\n\r\n"); got != "HTTP/1.1 413 Request Entity Too Large" {
		t.Errorf("chunked: %q", got)
	}
	if got := raw(t, s, head+"X: "+strings.Repeat("x", 2*maxHeader)+
		"\r\nContent-Length: 0\r\n\r\n"); got != "HTTP/1.1 431 Request Header Fields Too Large" {
		t.Errorf("header: %q", got)
	}
	if got := raw(t, s, head+"Content-Length: 10\r\nContent-Length: 0\r\n\r\n"); got != "HTTP/1.1 400 Bad Request" {
		t.Errorf("two lengths: %q", got)
	}
	if got := raw(t, s, "\x16\x03\x01garbage\r\n\r\n"); !strings.Contains(got, " 400 ") {
		t.Errorf("garbage: %q", got)
	}
	if b.commands() != before {
		t.Errorf("%d commands carried out", b.commands()-before)
	}
	if s.srv.ReadTimeout <= 0 || s.srv.WriteTimeout <= 0 || s.srv.IdleTimeout <= 0 {
		t.Error("a timeout is missing")
	}
}

// TestSlowHeader sends a header that never ends: the server hangs up.
func TestSlowHeader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	s := serve(t, &fakeBackend{})
	c, err := net.Dial("tcp", s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /status HTTP/1.1\r\nHost: "); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * s.srv.ReadHeaderTimeout))
	if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is kept")
	}
}
