package wording

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// Blocked returns in one clause why an order was blocked, and what to do about it. A reason that is not known is
// returned as it is. The detail of guard_shut is a [ib.GuardReason], that of a limit its number; elsewhere it is
// technical text.
func Blocked(reason, detail string) string {
	switch reason {
	case "guard_shut":
		if text := GuardReason(ib.GuardReason(detail)); text != "" {
			return text
		}
		return "the connection was in doubt"
	case "gateway_silent":
		return gatewaySilent
	case "disarmed":
		return "trading is off; turn it on to let rules place orders"
	case "paper_only":
		return "this is not a paper account; to trade it, set gateway.mode to live in settings.json"
	case "wrong_mode":
		return "the account is not of the kind that settings.json asks for (gateway.mode)"
	case "per_minute":
		return "more than the " + limit(detail) + "orders per minute that trading.orders_per_minute allows"
	case "per_day":
		return "more than the " + limit(detail) + "orders per day that trading.orders_per_day allows"
	case "quantity":
		return "more than the " + limit(detail) + "shares or contracts that trading.max_quantity allows"
	case "notional":
		return "worth more than the " + limit(detail) + "that trading.max_notional allows"
	case "no_price":
		return "its price, or what it is worth, cannot be known: there is no price, or only an old or delayed one" +
			inBrackets(detail)
	case "value_unknown":
		return "its value, which trading.max_notional limits, cannot be computed for an instrument of this type; " +
			"place the order in TWS" + inBrackets(detail)
	case "instrument":
		return "this instrument may not be traded" + inBrackets(detail)
	case "not_sent":
		return "it could not be sent" + inBrackets(detail)
	case "disk":
		return "it could not be written to disk, and so was not sent" + inBrackets(detail)
	case "order_ids":
		return "the order ids are used up; in TWS or Gateway choose Reset API order ID sequence (Settings, API), " +
			"then reconnect"
	case "files_moved":
		return "the record of orders was deleted or moved while Gatewatch runs; restart Gatewatch to trade again"
	}
	return OneLine(reason) + inBrackets(detail)
}

// limit returns a number with a blank behind it; nothing if the detail holds none.
func limit(detail string) string {
	if _, err := strconv.ParseFloat(detail, 64); err != nil {
		return ""
	}
	return OneLine(detail) + " "
}

// LiveTrading returns what it means to turn trading on for an account that is not known to be a paper account.
func LiveTrading(g ib.Gateway) string { return realMoney(g, "orders of active rules") }

func realMoney(g ib.Gateway, orders string) string {
	port := ""
	if g.Port != 0 {
		port = fmt.Sprintf(" on port %d", g.Port)
	}
	if g.Mode == ib.Live {
		return "This is a LIVE account" + port + ": " + orders + " trade real money."
	}
	return "Gatewatch does not know whether the account" + port +
		" is a paper account: " + orders + " may trade real money."
}

// IfLive returns "LIVE " for an account that is known to be one, for names of buttons such as "Turn on LIVE trading".
func IfLive(m ib.Mode) string {
	if m == ib.Live {
		return "LIVE "
	}
	return ""
}

// orderStates are the states of orders in a few words.
var orderStates = map[ledger.OrderState]string{
	ledger.Planned:   "about to be sent",
	ledger.NotSent:   "not sent",
	ledger.Sent:      "sent, Gateway has not answered yet",
	ledger.Working:   "working",
	ledger.Filled:    "filled",
	ledger.Cancelled: "cancelled",
	ledger.Rejected:  "rejected",
	ledger.Inactive:  inactiveOrder,
	ledger.Unknown:   unknownOrder + " whether it is there",
}

// orderState returns what is known of an order, in a few words.
func orderState(f ledger.OrderState) string { return cmp.Or(orderStates[f], OneLine(string(f))) }

// OrderState returns how an order is, in a few words, and in IBKR's where they say more.
func OrderState(i *ledger.Intent) string {
	said := OneLine(i.Status)
	switch {
	case i.State.Done():
		return orderState(i.State)
	case i.State == ledger.Working && i.Status == "PendingCancel":
		return "working; to be cancelled, which Gateway has not confirmed yet (PendingCancel)"
	case i.State == ledger.Sent && said != "":
		return "sent, not confirmed by the exchange yet (" + said + ")"
	case i.State == ledger.Inactive && i.Status != "Inactive":
		return fmt.Sprintf("not known to work: Gateway says %q; look in TWS", said)
	case i.State != ledger.Working || i.Status == "Submitted":
		said = ""
	}
	if why := OneLine(i.WhyHeld); why != "" && i.State != ledger.Unknown {
		if said != "" {
			said += ", "
		}
		said += "held: " + why
	}
	return orderState(i.State) + inBrackets(said)
}

// LastReported says when the state of an order was true, if Gateway does not report it now: it reports nothing without
// a session or while it does not answer, and only orders of the session's client id. Otherwise it is empty.
func LastReported(i *ledger.Intent, s *conn.Snapshot, client int) string {
	switch {
	case i.State != ledger.Working && i.State != ledger.Inactive || i.Done():
		return ""
	case s.Session == 0:
		return ", when last connected"
	case s.Unanswered:
		return ", when Gateway last answered"
	case i.Client != client:
		return fmt.Sprintf(", when last connected with client id %d", i.Client)
	}
	return ""
}

// OrderCost says at which price an order was filled and what that has cost; empty if nothing is known.
func OrderCost(i *ledger.Intent) string {
	var list []string
	if p := i.AveragePrice(); p != 0 && i.Filled > 0 {
		list = append(list, "average "+Price(p))
	}
	if c, ok := i.Charged(); ok {
		currency := OneLine(c.Currency)
		list = append(list, "commission "+Money(c.Amount, currency))
		if c.Closes {
			list = append(list, "realised P&L "+Money(c.Realised, currency))
		}
	}
	return strings.Join(list, ", ")
}

// Price returns a price that was computed, such as an average, to six digits and no less than cents: the digits behind
// them say nothing.
func Price(v float64) string {
	scale := math.Pow(10, min(8, max(2, 5-math.Floor(math.Log10(math.Abs(v))))))
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

// Money returns an amount with its currency, such as "23,050.00 USD".
func Money(amount float64, currency string) string {
	text := strconv.FormatFloat(math.Abs(amount), 'f', 2, 64)
	for at := len(text) - 6; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	if amount < 0 {
		text = "-" + text
	}
	return strings.TrimSpace(text + " " + OneLine(currency))
}

// Change returns what has become of a change of an order, or that it is not as it was sent; empty if Gateway has
// confirmed it, or there is none.
func Change(i *ledger.Intent) string {
	switch {
	case i.Asked != nil && !i.Done():
		return "change to " + Order(i.Asked) + " asked for, not confirmed by Gateway yet"
	case i.Refused != nil && !i.Done():
		return "Gateway refused the change to " + Order(i.Refused)
	case i.Altered:
		return "is now " + Order(&i.Order) + ", not as Gatewatch sent it: changed in TWS, by a preset there, or by " +
			"the exchange"
	}
	return ""
}

// NoStop says that the position that an order is to protect is open, and what to do.
const NoStop = "the position is open and this stop does not work: place a stop in TWS, or close the position"

// reportTitles are what reports are about.
var reportTitles = map[engine.ReportKind]string{
	engine.ReportTriggered:      "Rule triggered",
	engine.ReportFailed:         "Rule stopped",
	engine.ReportBlocked:        "Order blocked",
	engine.ReportRejected:       "Order rejected",
	engine.ReportInactive:       "Order " + inactiveOrder,
	engine.ReportUnprotected:    "Open position without its stop",
	engine.ReportNotChanged:     "Order not changed",
	engine.ReportUnknown:        "Order unknown: look in TWS",
	engine.ReportNotCancelled:   "Order not cancelled: look in TWS",
	engine.ReportForeign:        "Another order resembles one of Gatewatch: look in TWS",
	engine.ReportFewIDs:         "Order ids are nearly used up",
	engine.ReportHalted:         "Trading stopped: the engine failed",
	engine.ReportMoved:          "Trading is off: files of Gatewatch were deleted or moved",
	engine.ReportProgramRefused: "Order of a program refused",
	engine.ReportProgramUnknown: "Order of a program unknown: look in TWS",
	engine.ReportProgramFailed:  "Connection of a program closed",
}

const (
	// LookInTWS is what to do about an order of which no one knows whether it was received.
	LookInTWS = "It is unknown whether this order has reached IBKR. Look in TWS, among orders and trades, whether it " +
		"is there before you place it again."
	// OrdersOutOfDate is why orders cannot be cancelled and changed without a connection.
	OrdersOutOfDate = "Not connected: what is shown here may be out of date, and orders can be neither cancelled nor " +
		"changed from here. Use TWS or IBKR Mobile."
	// OrdersUnwatched is the same while Gatewatch does not answer.
	OrdersUnwatched = "Nothing watches these orders, and what is shown here may be out of date. Use TWS to cancel or " +
		"change them."
)

// ReportTitle returns what a report is about, in a few words.
func ReportTitle(r engine.Report) string {
	title := cmp.Or(reportTitles[r.Kind], OneLine(string(r.Kind)))
	switch r.Kind {
	case engine.ReportTriggered, engine.ReportFailed:
		return named(title, r.Rule)
	case engine.ReportProgramRefused, engine.ReportProgramUnknown, engine.ReportProgramFailed:
		return named(title, r.Program)
	case engine.ReportCrashed:
		return "Gatewatch crashed at " + r.At.Local().Format("15:04") + " and runs again"
	case engine.ReportNotCancelled:
		if r.More > 0 {
			return fmt.Sprintf("%d orders not cancelled: look in TWS", r.More+1)
		}
	}
	return title
}

func named(what, name string) string {
	if name = OneLine(name); name == "" {
		return what
	}
	return what + ": " + name
}

// Report returns what a report says beside its title, in one clause such as "BUY 100 AAPL LMT 230.50: trading is off".
func Report(r engine.Report) string {
	text, why := OneLine(r.Text), OneLine(r.Detail)
	if text != "" && r.Order != 0 {
		text += fmt.Sprintf(" (order %d)", r.Order)
	}
	switch {
	case r.Kind == engine.ReportNotCancelled:
		text, why = text+more(r.More), notCancelled(r, why)
	case r.Kind == engine.ReportFewIDs:
		text = fmt.Sprintf("%d order ids are left, then no order can be placed", r.More)
	case r.Kind == engine.ReportForeign:
		why = "its number or reference is also on an order that Gatewatch did not place" + inBrackets(why)
	case r.Kind == engine.ReportProgramRefused:
		why = Refusal(port.Reason(r.Reason)) + "; the program was informed, and nothing was sent"
	case r.Kind == engine.ReportProgramUnknown:
		why = "the connection ended before Gateway said what became of it"
	case r.Kind == engine.ReportProgramFailed:
		why = "it failed inside" + inBrackets(why)
	case r.Kind == engine.ReportInactive, r.Kind == engine.ReportUnprotected:
		why = stated(r, why)
	case r.Kind == engine.ReportUnknown && why == "":
		why = "it is unknown whether it has reached Gateway"
	case r.Kind == engine.ReportFailed && r.Reason != "":
		why = failure(r.Reason, r.Detail)
	case r.Reason != "":
		why = Blocked(r.Reason, r.Detail)
	}
	if r.Code != 0 {
		if why == "" {
			why = "refused"
		}
		why += IBCode(r.Code, "")
	}
	switch {
	case text == "":
		return why
	case why == "":
		return text
	}
	return text + ": " + why
}

// more returns how many orders there are beside the one that is named, as an addition to its name.
func more(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " and 1 more order"
	}
	return fmt.Sprintf(" and %d more orders", n)
}

// notCancelled says why orders are not cancelled, with what Gateway says about one of them.
func notCancelled(r engine.Report, said string) string {
	if r.Code == 0 {
		return "Gateway has not confirmed the cancellation"
	}
	return "Gateway refuses the cancellation" + inBrackets(said)
}

// stated returns how the order of a report is, in IBKR's words, and why as far as Gateway has said so.
func stated(r engine.Report, why string) string {
	said := OneLine(r.Status)
	if held := OneLine(r.WhyHeld); held != "" {
		said += ", held: " + held
	}
	switch {
	case said == "":
		return why
	case why == "":
		return said
	}
	return said + ": " + why
}

// reportHints are what to do about reports that do not say it themselves.
var reportHints = map[engine.ReportKind]string{
	engine.ReportFailed: "It watches nothing until it is activated again.",
	engine.ReportInactive: "Gateway has it, and it is not at the exchange. Look at it in TWS: transmit it again " +
		"there, or cancel it.",
	engine.ReportUnprotected: placeStop,
	engine.ReportNotChanged:  "The order stays as it was. Gatewatch does not ask for the change again.",
	engine.ReportUnknown:     "Look in TWS whether it is there. Gatewatch does not send it again.",
	engine.ReportNotCancelled: "Cancel what still works in TWS. Gatewatch repeats the requests until Gateway " +
		"answers them.",
	engine.ReportForeign: "Gatewatch does not manage the other order. Look at both in TWS.",
	engine.ReportFewIDs:  "In TWS or Gateway choose Reset API order ID sequence (Settings, API), then reconnect.",
	engine.ReportHalted: "Orders that are open stay open. The engine restarts; check rules and orders, then turn " +
		"trading on again.",
	engine.ReportMoved:          "Look at rules, settings and open orders, then restart Gatewatch to trade again.",
	engine.ReportProgramRefused: "`gatewatch clients orders` lists the orders of programs.",
	engine.ReportProgramUnknown: "Look in TWS whether it is there. Gateway mentions it when it is asked after the " +
		"reconnection.",
	engine.ReportProgramFailed: "The program can connect again. " + pleaseReport,
	engine.ReportCrashed:       "Nothing was watched in between. " + pleaseReport,
}

// ReportHint returns what to do about reports of a kind, empty if there is nothing that they do not say themselves.
func ReportHint(k engine.ReportKind) string { return reportHints[k] }
