package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/engine/rules"
)

// desk is a backend with one rule and one order.
type desk struct {
	server.Backend
	status api.Status
	err    error
	asked  []string
}

func (d *desk) Status() api.Status            { return d.status }
func (d *desk) Answers(context.Context) error { return nil }

func (d *desk) Rules() api.Rules {
	return api.Rules{Rules: []api.RuleView{{Rule: rules.Rule{Name: "dip"}, State: rules.Draft}}}
}

func (d *desk) Orders() api.Orders { return api.Orders{} }

func (d *desk) note(what string) error {
	d.asked = append(d.asked, what)
	return d.err
}

func (d *desk) Arm(_ context.Context, live bool) error {
	return d.note(map[bool]string{false: "arm", true: "arm live"}[live])
}
func (d *desk) Disarm(context.Context) error                      { return d.note("disarm") }
func (d *desk) CancelOrders(context.Context) error                { return d.note("cancel all") }
func (d *desk) CancelOrder(context.Context, int64) error          { return d.note("cancel") }
func (d *desk) ActivateRule(_ context.Context, name string) error { return d.note("activate " + name) }
func (d *desk) DeactivateRule(_ context.Context, name string) error {
	return d.note("deactivate " + name)
}
func (d *desk) DeleteRule(_ context.Context, name string) error { return d.note("delete " + name) }

// TestTradingCommands holds each command to its exit code and to what reaches the resident program.
func TestTradingCommands(t *testing.T) {
	t.Parallel()
	d := &desk{}
	s, err := server.Listen(0, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	dir := t.TempDir()
	if err := home.WriteCard(home.At(dir).Card(), s.Card()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  string
		open  bool
		err   error
		code  int
		asked string
	}{
		{"rules", false, nil, 0, ""},
		{"rules --json", false, nil, 0, ""},
		{"rules activate dip", false, nil, 0, "activate dip"},
		{"rules deactivate dip", false, nil, 0, "deactivate dip"},
		{"rules delete dip", false, nil, 0, "delete dip"},
		{"rules activate dip", false, api.ErrNoRule, exit.Failed, "activate dip"},
		{"rules activate dip", false, &api.Conflict{Reason: "not connected"}, exit.Failed, "activate dip"},
		{"rules activate", false, nil, exit.Usage, ""},
		{"orders", false, nil, 0, ""},
		{"orders cancel 7", false, nil, 0, "cancel"},
		{"orders cancel 7", false, api.ErrNoOrder, exit.Failed, "cancel"},
		{"orders cancel --all", false, nil, 0, "cancel all"},
		{"orders cancel --all --no-wait", false, nil, 0, "cancel all"},
		{"orders cancel --all", false, &api.Remark{Text: "2 orders belong to another client id"}, 0, "cancel all"},
		{"orders cancel --all", false, &api.Conflict{Reason: "not connected"}, exit.Failed, "cancel all"},
		{"orders cancel", false, nil, exit.Usage, ""},
		{"orders cancel 7 --all", false, nil, exit.Usage, ""},
		{"orders cancel seven", false, nil, exit.Usage, ""},
		{"arm", false, nil, 0, "arm"},
		{"arm", false, &api.Conflict{Reason: "not connected"}, exit.Failed, "arm"},
		{"arm --live", false, nil, 0, "arm live"},
		{"arm", false, &api.Unconfirmed{Reason: "a LIVE account"}, exit.Failed, "arm"},
		{"disarm", false, nil, 0, "disarm"},
		{"guard", true, nil, 0, ""},
		{"guard", false, nil, exit.Failed, ""},
	} {
		d.asked, d.err, d.status.Guard = nil, c.err, api.Guard{Open: c.open, Reason: "not connected to Gateway"}
		if code := start(append(strings.Fields(c.args), "--home", dir)); code != c.code ||
			strings.Join(d.asked, ", ") != c.asked {
			t.Errorf("%s: code %d, asked %q; want %d, %q", c.args, code, d.asked, c.code, c.asked)
		}
	}
	nobody := t.TempDir()
	for _, args := range []string{
		"rules", "rules delete dip", "orders", "orders cancel --all", "arm", "disarm",
		"guard", "guard --watch",
	} {
		if code := start(append(strings.Fields(args), "--home", nobody)); code != exit.NotThere {
			t.Errorf("%s without a resident program: %d", args, code)
		}
	}
}

func TestRulesCheck(t *testing.T) {
	const rule = `{"name": "dip", "instrument": {"symbol": "AAPL"}, "conditions": [{"price": "last", "is": "at_or_below", "value": 230}], "action": {"do": "notify"}}`
	for text, code := range map[string]int{
		`{}`:                                     0,
		`{"rules": [` + rule + `]}`:              0,
		`{"rules": [` + rule + `,` + rule + `]}`: exit.Usage,
		`{"rules": [{}]}`:                        exit.Usage,
		`{`:                                      exit.Usage,
	} {
		path := filepath.Join(t.TempDir(), "rules.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := start([]string{"rules", "check", path}); got != code {
			t.Errorf("%s: code %d, want %d", text, got, code)
		}
	}
	if got := start([]string{"rules", "check", filepath.Join(t.TempDir(), "none.json")}); got != exit.Usage {
		t.Errorf("no file: code %d", got)
	}
}
