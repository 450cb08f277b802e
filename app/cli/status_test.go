package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/fatih/color"

	"gatewatch/app/api"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

func TestDescribeTrading(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.Local)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d).UTC(); return &at }
	for want, st := range map[string]api.Trading{
		"off. Rules watch prices but cannot place orders.": {
			Reason:   "trading is off; turn it on to let rules place orders",
			ReasonID: "disarmed",
		},
		"off, 1 rule failed, 3 rules active. Rules watch prices but cannot place orders.": {
			Reason:   "Gateway does not answer",
			ReasonID: "guard_shut", RulesActive: 3, RulesFailed: 1,
		},
		"on, 1 open position without its stop, look in TWS, 1 order open": {
			Armed: true, MayTrade: true, OrdersOpen: 1,
			OrdersUnprotected: 1,
		},
		"off, 1 rule without market data, 2 rules active": {RulesActive: 2, RulesNoData: 1},
		"on, since 09:31, 2 rules active, 1 order open": {
			Armed: true, ArmedSince: ago(2*time.Hour + 29*time.Minute), MayTrade: true, RulesActive: 2, OrdersOpen: 1,
		},
		"on, since Tue 13:00, 1 rule active": {
			Armed: true, ArmedSince: ago(23 * time.Hour), MayTrade: true, RulesActive: 1,
		},
		"on, since 15 Jul 12:00": {Armed: true, ArmedSince: &[]time.Time{
			now.AddDate(-1, 0, 0),
		}[0], MayTrade: true},
		"on, but orders are blocked, since 11:00, 2 orders unknown, look in TWS, 2 orders open. The account's.": {
			Armed: true, ArmedSince: ago(time.Hour), Reason: "the\naccount's", OrdersOpen: 2, OrdersUnknown: 2,
		},
	} {
		st := api.Status{Headline: "Connected", Connected: true, Trading: st}
		st.Shown = api.ShownOf(&st, now)
		if got := describe(st, now); !strings.Contains(got, "\nTrading    "+want+"\n") {
			t.Errorf("status without its line %q:\n%s", want, got)
		}
	}
}

// TestDescribeBlocked has orders be blocked on a connection that is up, and a step in the background fail.
func TestDescribeBlocked(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.Local)
	st := api.Status{
		Headline: "Orders blocked: it waits", Since: now.Add(-time.Hour), Guard: api.Guard{
			Reason: "it waits", Text: "blocked: it waits",
		},
		Held:    api.Held{Closed: true, Since: now.Add(-7 * time.Second), Hint: "Wait."},
		Failing: []api.Failing{{Text: "The log cannot be written.", Detail: "no space", Hint: "Free some."}},
	}
	st.Shown = api.ShownOf(&st, now)
	got := describe(st, now)
	for _, line := range []string{
		"State      Orders blocked, for 7 s\n", "\nOrders     blocked: it waits\nDo         Wait.\n",
		"\nProblem    The log cannot be written. (no space)\nDo         Free some.\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("without %q:\n%s", line, got)
		}
	}
}

// TestDescribeLayers says of the layers and of how long it lasts what the window says.
func TestDescribeLayers(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.Local)
	farms := map[string]conn.FarmState{"usfarm": conn.FarmBroken, "secdefil": conn.FarmOK}
	up := api.Layers{Socket: true, API: true, Upstream: true, Farms: farms}
	lost := now.Add(-time.Hour)
	for _, c := range []struct {
		st          api.Status
		state, says string
	}{
		{
			api.Status{State: conn.Connecting, FirstRun: true, Since: lost},
			"Looking\n",
			"Socket not connected yet · API not connected yet · IBKR not known · Data farms not known\n",
		},
		{
			api.Status{State: conn.Reconnecting, Since: now.Add(-time.Second), LostAt: &lost},
			"Looking, for 1 h\n",
			"Socket down · API down · IBKR not known · Data farms not known\n",
		},
		{
			api.Status{State: conn.Degraded, Since: lost, CauseID: ib.CauseFarm, Layers: up},
			"Looking, for 1 h\n",
			"Socket up · API up · IBKR up · Data farms 1 up, 1 down (down: US stock data [usfarm] · up: ",
		},
		{
			api.Status{State: conn.Degraded, Since: lost, CauseID: ib.CauseCompeting, Layers: up},
			"Looking, for 1 h\n", "Socket up · API up · IBKR up · Data farms no prices (down: ",
		},
		{
			api.Status{State: conn.Degraded, Since: lost, Unanswered: true, Layers: up},
			"Looking, for 1 h\n", "Socket up · API not known · IBKR not known · Data farms not known\n",
		},
	} {
		c.st.Headline = "Looking"
		c.st.Shown = api.ShownOf(&c.st, now)
		got := describe(c.st, now)
		if !strings.HasPrefix(got, "State      "+c.state) || !strings.Contains(got, "\nLayers     "+c.says) {
			t.Errorf("without %q and %q:\n%s", c.state, c.says, got)
		}
	}
}

// TestDescribeProbe: the answer to a probe is shown only while Gateway answers.
func TestDescribeProbe(t *testing.T) {
	st := api.Status{Session: 3, Probe: api.Probe{RoundTripMillis: 1}, Layers: api.Layers{Socket: true}}
	if text := describe(st, time.Now()); strings.Contains(text, "probe") || !strings.Contains(text, "Session    3\n") {
		t.Errorf("while Gateway does not answer:\n%s", text)
	}
	st.Layers.API, st.Unanswered = true, true // frozen a moment ago
	if text := describe(st, time.Now()); strings.Contains(text, "probe") {
		t.Errorf("while Gateway is frozen:\n%s", text)
	}
	st.Unanswered = false
	if text := describe(st, time.Now()); !strings.Contains(text, "Session    3, probe 1.0 ms\n") {
		t.Errorf("while it answers:\n%s", text)
	}
}

// TestLongCause has a cause with much detail: the window, the page and the command line have all of it.
func TestLongCause(t *testing.T) {
	cause := "gateway.example.com:4002 cannot be reached (" + strings.Repeat("a resolver said no, ", 12) + "finally)."
	st := api.Status{Headline: "Connecting", State: conn.Connecting, Cause: cause}
	st.Shown = api.ShownOf(&st, time.Now())
	if st.Shown.Cause != cause {
		t.Errorf("window and page say %q", st.Shown.Cause)
	}
	if text := describe(st, time.Now()); !strings.Contains(text, "\nWhy        "+cause+"\n") {
		t.Errorf("gatewatch status says\n%s", text)
	}
}

// TestDescribeRulesProblem: rules that are not in effect are not passed over.
func TestDescribeRulesProblem(t *testing.T) {
	st := api.Status{State: conn.Connected, Trading: api.Trading{RulesProblem: "read rules: permission denied"}}
	want := "Problem    rules.json has an error. (read rules: permission denied)\n"
	if text := describe(st, time.Now()); !strings.Contains(text, want) {
		t.Error(text)
	}
}

// TestStateColour compares the colour of the state with that of the tray and the window.
func TestStateColour(t *testing.T) {
	SetColor("always")
	t.Cleanup(func() { SetColor("never") })
	now := time.Now()
	for want, st := range map[*color.Color]api.Status{
		busy:  {State: conn.Reconnecting, Since: now.Add(-5 * time.Second), Cause: "Gateway closed the connection."},
		wrong: {State: conn.Reconnecting, Since: now.Add(-2 * time.Minute), Cause: "Gateway closed the connection."},
		good:  {State: conn.Connected, Failing: []api.Failing{{Step: "alerts", Text: "Gatewatch sends no alerts."}}},
		doubt: {State: conn.Connected, Failing: []api.Failing{{Step: "stop", Urgent: true}}},
	} {
		st.Headline = "A state"
		st.Shown = api.ShownOf(&st, now)
		if text := describe(st, now); !strings.Contains(text, want.Sprint("A state")) {
			t.Errorf("%s with %q is shown as %q", st.State, st.Cause, text)
		}
	}
}
