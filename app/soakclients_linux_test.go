package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
)

// soakClients is how many clients the API has. Every second one has the token.
const soakClients = 50

// actAsClient is one client of the API until the test ends.
func (s *soak) actAsClient(i int, rnd *rand.Rand) {
	token := i%2 == 1
	for s.pause(rnd, 0, time.Second) {
		switch {
		case i < 30 && token:
			paths := []string{"/orders", "/uptime", "/log", "/messages", "/rules", "/alerts", "/settings", "/status"}
			s.ask("GET", paths[rnd.IntN(len(paths))], "", true)
		case i < 30:
			paths := []string{"/status", "/guard", "/guard", "/metrics", "/healthz"}
			s.ask("GET", paths[rnd.IntN(len(paths))], "", false)
		case i < 40: // reads a stream for a while
			s.raw(rnd, token, []string{"/events", "/guard/events"}[rnd.IntN(2)], "\r\n\r\n", 64<<10)
		case i < 46: // reads some bytes a second
			s.raw(rnd, token, []string{"/events", "/metrics", "/status"}[rnd.IntN(3)], "\r\n\r\n", 16)
		default: // never ends its request
			s.raw(rnd, token, "/status", "\r\nX-Half:", 16)
		}
	}
}

// raw sends a request, or half of one, and reads slowly for some seconds.
func (s *soak) raw(rnd *rand.Rand, token bool, path, end string, atOnce int) {
	card := s.card.Load()
	host := strings.TrimPrefix(card.URL, "http://")
	c, err := net.DialTimeout("tcp", host, answersWithin)
	if err != nil {
		return // it is being restarted
	}
	defer c.Close()
	over := time.Now().Add(between(rnd, time.Second, 15*time.Second))
	_ = c.SetDeadline(over)
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s", path, host)
	if token {
		request += "\r\nAuthorization: Bearer " + card.Token
	}
	if _, err := io.WriteString(c, request+end); err != nil {
		return
	}
	buffer := make([]byte, atOnce)
	for s.pause(rnd, 50*time.Millisecond, 100*time.Millisecond) {
		if _, err := c.Read(buffer); err != nil {
			return
		}
	}
}

// ask expects an answer in time, and that the guard is closed where it has to be.
func (s *soak) ask(method, path, body string, token bool) {
	touched, shut, card, asked := s.touched.Load(), s.mustBeShut(), s.card.Load(), time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), answersWithin)
	defer cancel()
	if !token {
		card = &api.Card{URL: card.URL}
	}
	code, text, err := request(ctx, method, card.URL+path, body, card.Token)
	for code == http.StatusGatewayTimeout { // a busy computer; it may not last
		code, text, err = request(ctx, method, card.URL+path, body, card.Token)
	}
	calm := touched%2 == 0 && s.touched.Load() == touched
	switch {
	case err != nil && calm:
		s.violation("%s %s: %v", method, path, err)
	case err != nil:
		return
	case code >= 400 && calm && method == http.MethodGet:
		s.violation("%s %s: %d %s", method, path, code, text)
	}
	s.mu.Lock()
	s.answers++
	if took := time.Since(asked); calm && took > s.slowest {
		s.slowest, s.slow = took, method+" "+path
	}
	s.mu.Unlock()
	var guard api.Guarded
	if path != "/guard" || json.Unmarshal(text, &guard) != nil || !guard.Open {
		return
	}
	if shut != nil && s.mustBeShut() == shut {
		s.violation("the guard is open, %v after %s began: %s", asked.Sub(shut.from), shut.why, text)
	}
}

// mustBeShut returns the window in which the guard has to be closed by now.
func (s *soak) mustBeShut() *window {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut == nil || time.Since(s.shut.from) < closedAfter {
		return nil
	}
	return s.shut
}

func request(ctx context.Context, method, url, body, token string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, err
}

// badAlertServers returns settings and an environment with alert servers that fail: one is dead, one never answers, one
// answers without end, and the one for mail never greets.
func badAlertServers(t *testing.T) (settings string, env []string) {
	t.Helper()
	listen := func(serve func(net.Conn)) *net.TCPAddr {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() { defer c.Close(); serve(c) }()
			}
		}()
		return ln.Addr().(*net.TCPAddr)
	}
	silent := listen(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	endless := listen(func(c net.Conn) {
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
		for err == nil {
			_, err = io.WriteString(c, strings.Repeat("junk ", 10_000))
		}
	})
	settings = fmt.Sprintf(`, "webhook": {"url": "env:SOAK_ENDLESS"}, "slack": {"webhook_url": "env:SOAK_DEAD"},
		"alerts": {"after_seconds": 1, "services": ["env:SOAK_SILENT"]}, "email": {"server": "127.0.0.1", "port": %d,
		"encryption": "none", "from": "a@example.com", "to": ["b@example.com"]}`, silent.Port)
	return settings, []string{
		fmt.Sprintf("SOAK_ENDLESS=http://%s/hook", endless), "SOAK_DEAD=http://127.0.0.1:1/hook",
		fmt.Sprintf("SOAK_SILENT=generic+http://%s/hook", silent),
	}
}
