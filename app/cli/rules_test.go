package cli

import (
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/conn/ib"
	"gatewatch/engine/rules"
)

func TestWriteRules(t *testing.T) {
	var out strings.Builder
	list := api.Rules{
		Path: "/x/rules.json", Reason: "not connected to Gateway", Problems: []settings.Problem{
			{Key: "rules[2].name", Line: 9, Column: 5, Text: "is taken"},
		},
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
Rules cannot be saved or activated. Not connected to Gateway.
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	out.Reset()
	if err := writeRules(&out, api.Rules{Path: "/x/rules.json", MayEdit: true}); err != nil ||
		out.String() != "There are no rules yet. They are kept in /x/rules.json.\n" {
		t.Errorf("%v, got\n%s", err, out.String())
	}
	out.Reset()
	unread := api.Rules{
		Path: "/x/rules.json", Problems: []settings.Problem{{Text: "cannot be read"}}, Reason: "no disk",
	}
	if err := writeRules(&out, unread); err != nil || out.String() != "/x/rules.json: cannot be read\n"+
		"Rules cannot be saved or activated. No disk.\n" {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

func TestWriteOrders(t *testing.T) {
	var out strings.Builder
	at := time.Date(2026, 3, 9, 9, 31, 12, 0, time.Local)
	list := api.Orders{
		Orders: []api.OrderView{
			{
				ID: 8, At: at, Rule: "dip", Text: "BUY 100 AAPL LMT 230.50", Filled: 0.5, Quantity: 100,
				State: "working", StateText: "working",
				CancelText: "Cancellation requested; Gateway has not confirmed it yet.",
			},
			{ID: 7, At: at, Text: "SELL 5 ES MKT", Quantity: 5, State: "unknown"},
			{
				ID: 6, At: at, Text: "SELL 5 ES STP 9", Quantity: 5, StateText: "rejected", Unprotected: true,
				Code: 203, Detail: "no",
			},
			{
				ID: 5, At: at, Text: "BUY 1 X LMT 9", Quantity: 1, StateText: "working", ChangeText: "change asked for",
				Code: 399,
			},
		},
		Blocked: []api.Blocked{{At: at, Rule: "dip", Text: "BUY 1 AAPL MKT", Reason: "not armed"}},
	}
	if err := writeOrders(&out, list); err != nil {
		t.Fatal(err)
	}
	want := `ID  Time                 Rule  Order                    Filled      State
8   2026-03-09 09:31:12  dip   BUY 100 AAPL LMT 230.50  0.5 of 100  working. Cancellation requested; Gateway has not confirmed it yet
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
	if err := writeOrders(&out, api.Orders{}); err != nil || out.String() != "There are no orders yet.\n" {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

func TestDescribeGuard(t *testing.T) {
	for want, g := range map[string]api.Guarded{
		"open: session 3, PAPER, trading off": {Open: true, Session: 3, Mode: "paper"},
		"open: session 4, LIVE, trading on":   {Open: true, Session: 4, Mode: "live", Armed: true},
		"open: session 5, DEMO, trading on": {
			Open: true, Session: 5, Mode: "paper", Demo: true, Armed: true,
		},
		"open: session 1, paper or live not known, trading on": {Open: true, Session: 1, Mode: "unknown", Armed: true},
		"closed: not connected to Gateway": {
			Reason:   "not connected to Gateway",
			ReasonID: ib.GuardSocket,
		},
	} {
		if got := describeGuard(g); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
