package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/conn"
)

func TestClient(t *testing.T) {
	b := &fakeBackend{status: api.Status{State: conn.Degraded, Headline: "Gateway does not answer"}}
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(s.Card())
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
	stale := api.NewClient(api.Card{URL: s.URL(), Token: "of a server that had the port before"})
	if _, _, err := stale.Status(t.Context()); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("status by a stale card: %v", err)
	}
	if _, err := stale.Connect(t.Context()); !errors.Is(err, api.ErrNotRunning) || b.commands() != before {
		t.Errorf("connect by a stale card: %v", err)
	}
	shut(s)
	if _, _, err := c.Status(t.Context()); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

func TestSettingsOverTheWire(t *testing.T) {
	want := settings.Default()
	want.Gateway.Port = 4001
	want.ResetWindows = []settings.ResetWindow{
		{Preset: "ibkr-asia"},
		{Start: "01:00", Minutes: 5, Days: []string{"sun"}},
	}
	p := &player{view: api.SettingsView{
		Path: "/x/settings.json", Found: true, Settings: want, Defaults: settings.Default(),
		Problem: "none",
	}}
	s, c := answering(t, p)
	got, err := c.Settings(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := settings.Diff(want, got.Settings); len(diff) > 0 || got.Path != "/x/settings.json" || !got.Found ||
		got.Problem != "none" {
		t.Errorf("got %+v, differs in %v", got, diff)
	}
	if _, err := c.SaveSettings(context.Background(), []byte("{}"), ""); err != nil || string(p.saved) != "{}" {
		t.Errorf("saved %q, %v", p.saved, err)
	}
	p.refusal = settings.Problems{{Line: 3, Column: 7, Key: "gateway.port", Text: "is odd"}}
	_, err = c.SaveSettings(context.Background(), []byte("{}"), "")
	var refused settings.Problems
	if !errors.As(err, &refused) || len(refused) != 1 || refused[0].Key != "gateway.port" || refused[0].Line != 3 ||
		refused[0].Text != "is odd" {
		t.Errorf("refused with %#v", err)
	}
	p.refusal = errors.New("disk full")
	if _, err = c.SaveSettings(context.Background(), []byte("{}"), ""); err == nil || errors.As(err, &refused) ||
		!strings.Contains(err.Error(), "disk full") {
		t.Errorf("failed with %v", err)
	}
	stale := api.NewClient(api.Card{URL: s.URL(), Token: "stale"})
	if _, err := stale.SaveSettings(context.Background(), nil, ""); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("with a stale token: %v", err)
	}
}
