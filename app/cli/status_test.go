package cli

import (
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
)

func TestDescribeTrading(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.Local)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d).UTC(); return &at }
	for want, st := range map[string]api.Trading{
		"off: turn it on to let rules place orders": {
			Reason:   "trading is off; turn it on to let rules place orders",
			ReasonID: "disarmed",
		},
		"off, 1 rule failed, 3 rules active: turn it on to let rules place orders": {
			Reason: "trading is off; turn it on to let rules place orders", RulesActive: 3, RulesFailed: 1,
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
		"on, but orders are blocked, since 11:00, 2 orders unknown, look in TWS, 2 orders open: the account is wrong": {
			Armed: true, ArmedSince: ago(time.Hour), Reason: "the\naccount is wrong", OrdersOpen: 2, OrdersUnknown: 2,
		},
	} {
		if got := describeTrading(st, now); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		st := api.Status{Headline: "Connected", Trading: st}
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
	got := describe(st, now)
	for _, line := range []string{
		"State      Orders blocked: it waits, for 7 s\n", "\nOrders     blocked: it waits\nDo         Wait.\n",
		"\nProblem    The log cannot be written. (no space)\nDo         Free some.\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("without %q:\n%s", line, got)
		}
	}
}
