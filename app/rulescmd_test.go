package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn"
	"gatewatch/engine/rules"
)

func TestWriteRules(t *testing.T) {
	var out strings.Builder
	list := api.Rules{
		Path: "/x/rules.json", Reason: "not connected to Gateway", Problems: []api.Problem{{Key: "rules[2].name", Line: 9, Column: 5, Text: "is taken"}},
		Rules: []api.RuleView{
			{Rule: rules.Rule{Name: "dip"}, State: rules.Active, Text: "Buy 100 AAPL", Why: "the last price is 231"},
			{Rule: rules.Rule{Name: "odd\n\x1b[2J"}, State: rules.Draft, Text: "Tell"},
		},
	}
	if err := writeRules(&out, list); err != nil {
		t.Fatal(err)
	}
	want := `Rule      State   What it does  Why
dip       active  Buy 100 AAPL  the last price is 231
odd  [2J  draft   Tell          –
/x/rules.json:9:5: rules[2].name: is taken
Rules cannot be saved and activated now: not connected to Gateway.
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	out.Reset()
	if err := writeRules(&out, api.Rules{Path: "/x/rules.json", MayEdit: true}); err != nil || out.String() != "There are no rules. They are kept in /x/rules.json.\n" {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

func TestWriteOrders(t *testing.T) {
	var out strings.Builder
	at := time.Date(2026, 3, 9, 9, 31, 12, 0, time.Local)
	list := api.Orders{
		Orders: []api.OrderView{
			{ID: 8, At: at, Rule: "dip", Text: "BUY 100 AAPL LMT 230.50", Filled: 0.5, Quantity: 100, Fate: "working", FateText: "working"},
			{ID: 7, At: at, Text: "SELL 5 ES MKT", Quantity: 5, Fate: "unknown"},
			{ID: 6, At: at, Text: "SELL 5 ES STP 9", Quantity: 5, FateText: "rejected", Unprotected: true, Code: 203, Detail: "no"},
			{ID: 5, At: at, Text: "BUY 1 X LMT 9", Quantity: 1, FateText: "working", ChangeText: "change asked for", Code: 399},
		},
		Blocked: []api.Blocked{{At: at, Rule: "dip", Text: "BUY 1 AAPL MKT", Reason: "not armed"}},
	}
	if err := writeOrders(&out, list); err != nil {
		t.Fatal(err)
	}
	want := `ID  Time                 Rule  Order                    Filled      State
8   2026-03-09 09:31:12  dip   BUY 100 AAPL LMT 230.50  0.5 of 100  working
7   2026-03-09 09:31:12  –     SELL 5 ES MKT            0 of 5      unknown
6   2026-03-09 09:31:12  –     SELL 5 ES STP 9          0 of 5      rejected (IB code 203: no); the position is open and this stop does not work: place a stop in TWS, or close the position
5   2026-03-09 09:31:12  –     BUY 1 X LMT 9            0 of 1      working (IB code 399); change asked for

Blocked orders:
Time                 Rule  Order           Why
2026-03-09 09:31:12  dip   BUY 1 AAPL MKT  not armed
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	out.Reset()
	if err := writeOrders(&out, api.Orders{}); err != nil || out.String() != "No order has been sent.\n" {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

func TestDescribeGuard(t *testing.T) {
	for want, g := range map[string]api.Guarded{
		"open: session 3, PAPER, trading off":                  {Open: true, Session: 3, Mode: "paper"},
		"open: session 4, LIVE, trading on":                    {Open: true, Session: 4, Mode: "live", Armed: true},
		"open: session 1, paper or live not known, trading on": {Open: true, Session: 1, Mode: "unknown", Armed: true},
		"closed: not connected to Gateway":                     {Reason: "not connected to Gateway", ReasonID: conn.GuardSocket},
	} {
		if got := describeGuard(g); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// desk is a backend with one rule and one order.
type desk struct {
	api.Backend
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
	d := &desk{}
	s, err := api.Listen(0, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	home := t.TempDir()
	if err := api.WriteCard(homeAt(home).card(), s); err != nil {
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
		{"rules activate dip", false, api.ErrNoRule, exitFailed, "activate dip"},
		{"rules activate dip", false, &api.Conflict{Reason: "not connected"}, exitFailed, "activate dip"},
		{"rules activate", false, nil, exitUsage, ""},
		{"orders", false, nil, 0, ""},
		{"orders cancel 7", false, nil, 0, "cancel"},
		{"orders cancel 7", false, api.ErrNoOrder, exitFailed, "cancel"},
		{"orders cancel --all", false, nil, 0, "cancel all"},
		{"orders cancel --all --no-wait", false, nil, 0, "cancel all"},
		{"orders cancel --all", false, &api.Remark{Text: "2 orders belong to another client id"}, 0, "cancel all"},
		{"orders cancel --all", false, &api.Conflict{Reason: "not connected"}, exitFailed, "cancel all"},
		{"orders cancel", false, nil, exitUsage, ""},
		{"orders cancel 7 --all", false, nil, exitUsage, ""},
		{"orders cancel seven", false, nil, exitUsage, ""},
		{"arm", false, nil, 0, "arm"},
		{"arm", false, &api.Conflict{Reason: "not connected"}, exitFailed, "arm"},
		{"arm --live", false, nil, 0, "arm live"},
		{"arm", false, &api.Unconfirmed{Reason: "a LIVE account"}, exitFailed, "arm"},
		{"disarm", false, nil, 0, "disarm"},
		{"guard", true, nil, 0, ""},
		{"guard", false, nil, exitFailed, ""},
	} {
		d.asked, d.err, d.status.Guard = nil, c.err, api.Guard{Open: c.open, Reason: "not connected to Gateway"}
		if code := start(append(strings.Fields(c.args), "--home", home)); code != c.code || strings.Join(d.asked, ", ") != c.asked {
			t.Errorf("%s: code %d, asked %q; want %d, %q", c.args, code, d.asked, c.code, c.asked)
		}
	}
	nobody := t.TempDir()
	for _, args := range []string{"rules", "rules delete dip", "orders", "orders cancel --all", "arm", "disarm", "guard", "guard --watch"} {
		if code := start(append(strings.Fields(args), "--home", nobody)); code != exitNotThere {
			t.Errorf("%s without a resident program: %d", args, code)
		}
	}
}
