package wording

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// RuleWhy says in one sentence why a rule does not trigger, or what came of it.
func RuleWhy(v rules.View, maxAge time.Duration) string {
	var text string
	switch v.State {
	case rules.Draft:
		if text = "It does nothing until it is activated."; len(v.Choices) > 1 {
			text = fmt.Sprintf("Its instrument can mean %d contracts: choose one.", len(v.Choices))
		}
		return text
	case rules.Failed:
		return failed(v)
	case rules.Done:
		if v.Rule.Action.Order == nil {
			return "Triggered; you were notified."
		}
		return "Triggered; its order is filled, cancelled or expired."
	}
	if text = Waiting(v, maxAge); v.Blocked != nil {
		text = fmt.Sprintf("Its order was blocked at %s: %s. %s", v.BlockedAt.Local().Format("15:04:05"),
			Blocked(v.Blocked.Reason, v.Blocked.Detail), text)
	}
	return text
}

// waits are what a rule waits for, where there is always the same to say.
var waits = map[rules.Waiting]string{
	rules.WaitingNoPrice: "No price has come yet.",
	rules.WaitingOld: "Its price is not a current one: the market is closed, or nothing was traded since it was " +
		"asked for.",
	rules.WaitingDelayed:   "Its prices come delayed, which it does not allow.",
	rules.WaitingUnmet:     "Condition not met.",
	rules.WaitingSpent:     "Condition met; the rule can trigger again once it is not met.",
	rules.WaitingHours:     "Outside its hours.",
	rules.WaitingOrder:     "Triggered; its order is not done yet.",
	rules.WaitingReference: "Waiting for the price to be on the other side first.",
}

// Waiting says in one sentence why a rule that watches prices does not trigger; empty if it does.
func Waiting(v rules.View, maxAge time.Duration) string {
	switch v.Waiting {
	case rules.WaitingNoData:
		return "There is no market data: " + noData(v.Code, v.Detail) + IBCode(v.Code, "") +
			". Gatewatch keeps asking for it."
	case rules.WaitingStale:
		return "No data for its instrument for " + Duration(maxAge) + "."
	case rules.WaitingHolding:
		return "Condition met; it must stay met for " + Duration(v.Left) + " more."
	case rules.WaitingCooldown:
		return "Triggered; it can trigger again in " + Duration(v.Left) + "."
	}
	return waits[v.Waiting]
}

// What is said before Gateway has said what an active rule would do, or instead of that.
const (
	AskingForPrice = "Asking for its price…"
	CannotBeAsked  = "Gateway cannot be asked about it: " // and why
)

// Preview says what the order of a rule would be worth, if it places one, and whether the rule would trigger now, for a
// person who is about to activate it.
func Preview(p rules.Preview, maxAge time.Duration) string {
	var lines []string
	switch {
	case p.Rule.Action.Order == nil:
	case p.Worth != 0:
		lines = append(lines, "Its order would be worth about "+Money(p.Worth, p.Contract.Currency)+".")
	default:
		lines = append(lines, "What its order would be worth is not known.")
	}
	why := Waiting(p.View, maxAge)
	would := "Whether it would trigger now is not known. " + why
	switch p.Would {
	case rules.WouldTrigger:
		would = "It would trigger now."
	case rules.WouldNot:
		would = "It would not trigger now. " + why
	}
	return strings.Join(append(lines, strings.TrimSpace(would)), "\n")
}

// noData says what IB's codes about market data mean.
func noData(code int, detail string) string {
	switch code {
	case 354, 10089, 10090, 10091, 10168, 10186:
		return "this account has no subscription for it"
	case 101:
		return "this account has no free market data line"
	case 10197:
		return "another session of this login gets it"
	case 200:
		return "IBKR knows no such contract"
	}
	return OneLine(detail)
}

func failed(v rules.View) string {
	return Upper(failure(v.Reason, v.Detail)) + IBCode(v.Code, "") + ". Activate it again to resume."
}

var failures = map[string]string{
	rules.FailedRejected: "its order was rejected", rules.FailedNotSent: "its order was not sent",
	rules.FailedInactive: "its order is inactive at IBKR",
}

// failure says in one clause why a rule has stopped.
func failure(reason, detail string) string {
	text := cmp.Or(failures[reason], "it has failed")
	if detail = OneLine(detail); detail != "" {
		text += ": " + detail
	}
	return text
}

// Contract returns a contract in short, such as "AAPL STK NASDAQ USD", or "conId 265598" if Gateway has not named it;
// empty if nothing is known of it.
func Contract(c ib.Contract) string {
	name := c.Symbol
	if c.Local != "" && c.Local != c.Symbol {
		name = c.Local
	}
	if name == "" && c.ConID != 0 {
		name = fmt.Sprint("conId ", c.ConID)
	}
	return OneLine(fmt.Sprintf("%s %s %s %s", name, c.Type, cmp.Or(c.Primary, c.Exchange), c.Currency))
}

// Order returns an order in one line, such as "BUY 100 AAPL LMT 230.5 GTC".
func Order(o *ib.Order) string {
	text := engine.Describe(o)
	if o.TIF != "" && o.TIF != "DAY" {
		text += " " + o.TIF
	}
	return OneLine(text)
}
