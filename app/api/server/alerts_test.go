package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

func FuzzAlertTest(f *testing.F) {
	for _, body := range []string{
		"", "{}", " ", "null", `{"channel":"email"}`, `{"channel":7}`, `{"x":1}`, `{}{}`,
		"\xff", `{"channel":"` + strings.Repeat("x", maxBody),
	} {
		f.Add(body)
	}
	b := &memory{}
	s := unheard(b)
	f.Fuzz(func(t *testing.T, body string) {
		b.tested = nil
		res := quick(s, "POST", "/alerts/test", "", body)
		switch {
		case slices.Contains([]int{400, 413}, res.Code):
			readable(t, res.Body.Bytes())
			if len(b.tested) > 0 {
				t.Errorf("%d for %q, and yet sent", res.Code, body)
			}
		case res.Code != 200 && res.Code != 404, len(b.tested) != 1:
			t.Errorf("%d for %q, tested %q", res.Code, body, b.tested)
		}
	})
}

func TestAlertTestRequests(t *testing.T) {
	const shape = `the body is not {"channel": "NAME"}; an empty one means all channels`
	for body, want := range map[string]struct {
		tested []string
		err    string
	}{
		"":                      {[]string{""}, ""},
		" \r\n":                 {[]string{""}, ""},
		"{}":                    {[]string{""}, ""},
		`{"channel": ""}`:       {[]string{""}, ""},
		` {"channel": "email"}`: {[]string{"email"}, ""},
		`{"chanel": "email"}`:   {nil, shape},
		`{"channel": 1}`:        {nil, shape},
		`{"channel": "email"`:   {nil, shape},
		`{"channel": "a"}{}`:    {nil, shape},
		`{"channel": "a"} x`:    {nil, shape},
		`"email"`:               {nil, shape},
		`email`:                 {nil, shape},
	} {
		b := &memory{}
		expect(t, body, quick(unheard(b), "POST", "/alerts/test", "", body), want.err)
		if !slices.Equal(b.tested, want.tested) {
			t.Errorf("%q: tested %q, want %q", body, b.tested, want.tested)
		}
	}
	for _, c := range []struct {
		body string
		err  error
		code int
		want string
	}{
		{`{"channel": "pigeon"}`, nil, 404, `no such channel; GET /alerts lists them: "pigeon"`},
		{"", api.ErrNoChannels, 409, api.ErrNoChannels.Error()},
		{"", fmt.Errorf("odd: %w", api.ErrNoChannels), 409, "odd: " + api.ErrNoChannels.Error()},
		{"", errors.New("the outbox is closed"), 503, "the outbox is closed"},
	} {
		b := &memory{}
		b.err = c.err
		res := quick(unheard(b), "POST", "/alerts/test", "", c.body)
		var f jsonhttp.Failure
		if err := json.Unmarshal(res.Body.Bytes(), &f); err != nil || res.Code != c.code || f.Error != c.want {
			t.Errorf("%s with %v: %d %s, want %d %s", c.body, c.err, res.Code, f.Error, c.code, c.want)
		}
	}
}

// TestSlowAlertTest plays mail servers that let a test wait for longer than other answers may take.
func TestSlowAlertTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &memory{wait: 40 * time.Second}
		s := unheard(b)
		srv, ln := s.limited(), &pipes{make(chan net.Conn), make(chan struct{})}
		if b.wait <= srv.WriteTimeout || b.wait <= srv.ReadTimeout {
			t.Fatal("no other answer takes so long")
		}
		ended := make(chan error)
		go func() { ended <- srv.Serve(ln) }()
		wire := &http.Transport{DialContext: ln.dial}
		c := api.ClientOver(wire, api.Card{URL: "http://" + s.hosts[0], Token: s.token})

		began := time.Now()
		test, err := c.TestAlerts(t.Context(), "")
		if took := time.Since(began); err != nil || len(test.Results) != 2 || took != b.wait {
			t.Errorf("%+v, %v after %v", test, err, took)
		}
		time.Sleep(srv.ReadTimeout + time.Second) // its connection is as good as before
		if _, err := c.Alerts(t.Context()); err != nil {
			t.Errorf("the next request: %v", err)
		}
		b.wait = 2 * testLimit
		began = time.Now()
		_, err = c.TestAlerts(t.Context(), "")
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "503") || took != testLimit {
			t.Errorf("a test without an end: %v after %v", err, took)
		}
		// Whoever asked went away.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.TestAlerts(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up: %v", err)
		}

		wire.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
