package wording

import (
	"fmt"
	"math"
	"time"
)

// Counts are the numbers of rules and orders that are shown to people.
type Counts struct {
	RulesActive, RulesNoData, RulesFailed  int
	OrdersOpen, OrdersUnknown, Unprotected int
}

// Lines says what there is, each in a few words: what a person has to see to comes first.
func (c Counts) Lines() []string {
	list := []string{}
	for _, line := range []string{
		Unprotected(c.Unprotected), UnknownOrders(c.OrdersUnknown), NoData(c.RulesNoData),
		some(c.RulesFailed, "rule failed", "rules failed"),
		some(c.RulesActive, "rule active", "rules active"), some(c.OrdersOpen, "order open", "orders open"),
	} {
		if line != "" {
			list = append(list, line)
		}
	}
	return list
}

// Unprotected says that stops of open positions do not work; empty if there are none.
func Unprotected(n int) string {
	return some(n, "open position without its stop, look in TWS", "open positions without their stops, look in TWS")
}

// UnknownOrders says that a person has to look after orders; empty if there are none.
func UnknownOrders(n int) string {
	return some(n, "order unknown, look in TWS", "orders unknown, look in TWS")
}

// NoData says that active rules get no market data; empty if there are none.
func NoData(n int) string { return some(n, "rule without market data", "rules without market data") }

// Trading says in a few words whether rules can place orders.
func Trading(on, mayTrade bool) string {
	switch {
	case on && mayTrade:
		return "Trading is on"
	case on:
		return "Trading is on, but orders are blocked"
	}
	return TradingOff
}

const (
	// TradingOff is what is said while it is.
	TradingOff = "Trading is off"
	// TradingOffMeans is what that means.
	TradingOffMeans = "Rules watch prices but cannot place orders."
)

// OrdersBlockedTitle says in short that orders are blocked on a connection that is up.
const OrdersBlockedTitle = "Orders blocked"

// OrdersBlocked is [OrdersBlockedTitle] with why, in a clause.
func OrdersBlocked(why string) string { return OrdersBlockedTitle + ": " + OneLine(why) }

// MutedUntil says until when desktop notifications are silent.
func MutedUntil(until, now time.Time) string { return "Notifications muted until " + Clock(until, now) }

// Outages says how often the connection was lost.
func Outages(n int) string {
	if n == 0 {
		return "no outage"
	}
	return Count(n, "outage", "outages")
}

// Today says how the day has been so far; percent is nil while nothing was observed.
func Today(percent *float64, outages int) string {
	if percent == nil {
		return "Today not observed yet"
	}
	return "Today " + Share(*percent) + ", " + Outages(outages)
}

// Share returns a share in percent. It is cut and not rounded: 100 % only without any outage.
func Share(percent float64) string {
	if percent >= 100 {
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", math.Floor(percent*10+1e-9)/10)
}

// Layer says how a layer of the connection is. What is above a layer that is down is not known.
func Layer(up, known bool) string {
	switch {
	case !known:
		return "not known"
	case up:
		return "up"
	}
	return "down"
}

// Count returns a number with what is counted.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func some(n int, one, many string) string {
	if n <= 0 {
		return ""
	}
	return Count(n, one, many)
}
