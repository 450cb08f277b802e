package wording

import (
	"fmt"
	"strings"
	"time"

	"gatewatch/conn"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// RuleWhy says in one sentence why a rule does not fire, or what came of it.
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

// Waiting says in one sentence why a rule that watches prices does not fire; empty if it does.
func Waiting(v rules.View, maxAge time.Duration) string {
	switch v.Waiting {
	case rules.WaitingNoData:
		return fmt.Sprintf("There is no market data: %s (IB code %d). Gatewatch keeps asking for it.",
			noData(v.Code, v.Detail), v.Code)
	case rules.WaitingNoPrice:
		return "No price has come yet."
	case rules.WaitingOld:
		return "Its price is not a current one: the market is closed, or nothing was traded since it was asked for."
	case rules.WaitingDelayed:
		return "Its prices come delayed, which it does not allow."
	case rules.WaitingStale:
		return "No data for its instrument for " + Duration(maxAge) + "."
	case rules.WaitingUnmet:
		return "Condition not met."
	case rules.WaitingHolding:
		return "Condition met; it must stay met for " + Duration(v.Left) + " more."
	case rules.WaitingSpent:
		return "Condition met; the rule can trigger again once it is not met."
	case rules.WaitingHours:
		return "Outside its hours."
	case rules.WaitingCooldown:
		return "Triggered; it can trigger again in " + Duration(v.Left) + "."
	case rules.WaitingOrder:
		return "Triggered; its order is not done yet."
	case rules.WaitingReference:
		return "Waiting for the price to be on the other side first."
	}
	return ""
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
	text := failure(v.Reason, v.Detail)
	text = strings.ToUpper(text[:1]) + text[1:]
	if v.Code != 0 {
		text += fmt.Sprintf(" (IB code %d)", v.Code)
	}
	return text + ". Activate it again to resume."
}

// failure says in one clause why a rule has stopped.
func failure(reason, detail string) string {
	text := map[string]string{
		rules.FailedRejected: "its order was rejected", rules.FailedNotSent: "its order was not sent",
		rules.FailedInactive: "its order is inactive at IBKR",
	}[reason]
	if text == "" {
		text = "it has failed"
	}
	if detail = OneLine(detail); detail != "" {
		text += ": " + detail
	}
	return text
}

// Contract returns a contract in short, such as "AAPL STK NASDAQ USD".
func Contract(c conn.Contract) string {
	exchange := c.Primary
	if exchange == "" {
		exchange = c.Exchange
	}
	name := c.Symbol
	if c.Local != "" && c.Local != c.Symbol {
		name = c.Local
	}
	return OneLine(fmt.Sprintf("%s %s %s %s", name, c.Type, exchange, c.Currency))
}

// Order returns an order in one line, such as "BUY 100 AAPL LMT 230.5 GTC".
func Order(o *conn.Order) string {
	text := engine.Describe(o)
	if o.TIF != "" && o.TIF != "DAY" {
		text += " " + o.TIF
	}
	return OneLine(text)
}
