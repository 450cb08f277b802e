package wording

import (
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// TestRuleWhy is about what is said of a rule in each state.
func TestRuleWhy(t *testing.T) {
	at := time.Date(2026, 3, 2, 14, 5, 6, 0, time.Local)
	order := rules.Rule{Action: rules.Action{Do: "order", Order: &rules.Order{}}}
	for _, c := range []struct {
		v    rules.View
		want string
	}{
		{rules.View{State: rules.Draft}, "It does nothing until it is activated."},
		{
			rules.View{State: rules.Draft, Choices: make([]ib.Details, 2)},
			"Its instrument can mean 2 contracts: choose one.",
		},
		{rules.View{State: rules.Done}, "Triggered; you were notified."},
		{rules.View{State: rules.Done, Rule: order}, "Triggered; its order is filled, cancelled or expired."},
		{
			rules.View{State: rules.Failed, Reason: rules.FailedRejected, Code: 201, Detail: "no\nmoney"},
			"Its order was rejected: no money (IB code 201). Activate it again to resume.",
		},
		{rules.View{State: rules.Failed, Reason: "made_up"}, "It has failed. Activate it again to resume."},
		{
			rules.View{State: rules.Triggered, Waiting: rules.WaitingOrder, Rule: order},
			"Triggered; its order is not done yet.",
		},
		{
			rules.View{State: rules.Triggered, Waiting: rules.WaitingCooldown, Left: time.Minute},
			"Triggered; it can trigger again in 1 min.",
		},
		{rules.View{State: rules.Active, Waiting: rules.WaitingNoData, Code: 354, Detail: "x"}, "There is no market " +
			"data: this account has no subscription for it (IB code 354). Gatewatch keeps asking for it."},
		{
			rules.View{State: rules.Active, Waiting: rules.WaitingNoData, Code: 10999, Detail: "no\nidea"},
			"There is no market data: no idea (IB code 10999). Gatewatch keeps asking for it.",
		},
		{rules.View{State: rules.Active, Waiting: rules.WaitingStale}, "No data for its instrument for 10 s."},
		{
			rules.View{State: rules.Active, Waiting: rules.WaitingSpent, Blocked: &engine.BlockedError{
				Reason: engine.BlockedDisarmed,
			}, BlockedAt: at},
			"Its order was blocked at 14:05:06: trading is off; turn it on to let rules place orders. Condition met; " +
				"the rule can trigger again once it is not met.",
		},
	} {
		if got := RuleWhy(c.v, 10*time.Second); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	for _, w := range []rules.Waiting{
		rules.WaitingNoData, rules.WaitingNoPrice, rules.WaitingOld, rules.WaitingDelayed, rules.WaitingStale,
		rules.WaitingUnmet, rules.WaitingHolding, rules.WaitingSpent,
		rules.WaitingHours, rules.WaitingCooldown, rules.WaitingOrder, rules.WaitingReference,
	} {
		if got := RuleWhy(rules.View{State: rules.Active, Waiting: w}, time.Minute); got == "" ||
			strings.Contains(got, "_") {
			t.Errorf("%s is told as %q", w, got)
		}
	}
}

// TestPreview is about what is said of a rule before it is activated.
func TestPreview(t *testing.T) {
	view := rules.View{
		Rule: rules.Rule{Action: rules.Action{Do: "order", Order: &rules.Order{}}}, Waiting: rules.WaitingUnmet,
		Contract: ib.Contract{Currency: "USD"},
	}
	notice := view
	notice.Rule.Action.Order = nil
	met := view
	met.Waiting = ""
	for want, p := range map[string]rules.Preview{
		"Its order would be worth about 23,036.00 USD.\nIt would not trigger now. Condition not met.": {
			View: view, Would: rules.WouldNot, Worth: 23036,
		},
		"What its order would be worth is not known.\nIt would trigger now.": {View: met, Would: rules.WouldTrigger},
		"Whether it would trigger now is not known. Condition not met.":      {View: notice, Would: rules.WouldUnknown},
		"It would trigger now.": {View: notice, Would: rules.WouldTrigger},
	} {
		if got := Preview(p, time.Second); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
