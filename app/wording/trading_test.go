package wording

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

func TestBlocked(t *testing.T) {
	for _, c := range []struct{ reason, detail, want string }{
		{"guard_shut", "socket_down", "not connected to Gateway"},
		{"guard_shut", "", "the connection was in doubt"},
		{"guard_shut", "new_reason", "new_reason"},
		{"disarmed", "", "trading is off; turn it on to let rules place orders"},
		{"per_minute", "10", "more than the 10 orders per minute that trading.orders_per_minute allows"},
		{"per_minute", "", "more than the orders per minute that trading.orders_per_minute allows"},
		{"per_minute", "10 or so", "more than the orders per minute that trading.orders_per_minute allows"},
		{"per_day", "200", "more than the 200 orders per day that trading.orders_per_day allows"},
		{"quantity", "0.5", "more than the 0.5 shares or contracts that trading.max_quantity allows"},
		{"notional", "1e6", "worth more than the 1e6 that trading.max_notional allows"},
		{"not_sent", "write: broken pipe", "it could not be sent (write: broken pipe)"},
		{"made_up", "", "made_up"},
		{"made_up", "why\nnot", "made_up (why not)"},
	} {
		if got := Blocked(c.reason, c.detail); got != c.want {
			t.Errorf("%s, %q: %q, want %q", c.reason, c.detail, got, c.want)
		}
	}
}

// TestEveryBlockedReason: each reason has a clause of its own.
func TestEveryBlockedReason(t *testing.T) {
	said := map[string]string{}
	for _, reason := range []string{
		"guard_shut", "gateway_silent", "disarmed", "paper_only", "wrong_mode", "per_minute", "per_day", "quantity",
		"notional", "no_price", "value_unknown",
		"instrument", "not_sent", "disk", "files_moved", "order_ids",
	} {
		got := Blocked(reason, "")
		if other, twice := said[got]; twice {
			t.Errorf("%s and %s are both told as %q", reason, other, got)
		}
		if said[got] = reason; got == reason || strings.HasSuffix(got, ".") || unicode.IsUpper(rune(got[0])) &&
			!strings.HasPrefix(got, "Gateway") {
			t.Errorf("%s: %q is no clause", reason, got)
		}
	}
	for _, reason := range constants(t, "GuardReason") {
		if got, want := Blocked("guard_shut", reason), GuardReason(ib.GuardReason(reason)); reason != "" &&
			got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}

// TestEveryOrderState reads the states from the source: a new one cannot be forgotten here.
func TestEveryOrderState(t *testing.T) {
	said := map[string]string{}
	for _, state := range constants(t, "OrderState") {
		got := orderState(ledger.OrderState(state))
		if other, twice := said[got]; twice || got == "" || strings.Contains(got, "_") {
			t.Errorf("%s is told as %q, like %s", state, got, other)
		}
		said[got] = state
	}
	for state, want := range map[ledger.OrderState]string{
		ledger.Sent:    "sent, Gateway has not answered yet",
		ledger.Unknown: "unknown: look in TWS whether it is there",
		"made\nup":     "made up",
	} {
		if got := orderState(state); got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
}

func TestReport(t *testing.T) {
	const order = "BUY 100 AAPL LMT 230.50"
	for _, c := range []struct {
		r           engine.Report
		title, text string
	}{
		{
			engine.Report{Kind: engine.ReportTriggered, Rule: "dip", Text: "AAPL last 229.98, at or below 230"},
			"Rule triggered: dip", "AAPL last 229.98, at or below 230",
		},
		{engine.Report{Kind: engine.ReportTriggered}, "Rule triggered", ""},
		{
			engine.Report{
				Kind: engine.ReportFailed, Rule: "dip", Text: "AAPL STK", Code: 200,
				Detail: "No security definition",
			},
			"Rule stopped: dip", "AAPL STK: No security definition (IB code 200)",
		},
		{
			engine.Report{
				Kind: engine.ReportFailed, Rule: "dip", Reason: rules.FailedRejected, Code: 201,
				Detail: "No\npermission",
			},
			"Rule stopped: dip", "its order was rejected: No permission (IB code 201)",
		},
		{
			engine.Report{Kind: engine.ReportFailed, Rule: "dip", Reason: rules.FailedNotSent},
			"Rule stopped: dip",
			"its order was not sent",
		},
		{
			engine.Report{Kind: engine.ReportFailed, Rule: "dip", Reason: "made_up"},
			"Rule stopped: dip",
			"it has failed",
		},
		{
			engine.Report{Kind: engine.ReportBlocked, Text: order, Reason: "disarmed", Detail: "x"},
			"Order blocked", order + ": trading is off; turn it on to let rules place orders",
		},
		{
			engine.Report{Kind: engine.ReportBlocked, Text: order, Reason: "guard_shut", Detail: "upstream_lost"},
			"Order blocked", order + ": Gateway has lost IBKR's servers",
		},
		{
			engine.Report{
				Kind: engine.ReportRejected, Text: order, Code: 201,
				Detail: "Order rejected\nreason: margin",
			},
			"Order rejected", order + ": Order rejected reason: margin (IB code 201)",
		},
		{
			engine.Report{Kind: engine.ReportRejected, Text: order, Code: 201},
			"Order rejected",
			order + ": refused (IB code 201)",
		},
		{engine.Report{Kind: engine.ReportRejected, Text: order}, "Order rejected", order},
		{
			engine.Report{
				Kind: engine.ReportInactive, Text: order, Order: 12, Status: "Inactive", WhyHeld: "locate",
				Code: 404, Detail: "no\nshares",
			},
			"Order inactive: it does not work", order + " (order 12): Inactive, held: locate: no shares (IB code 404)",
		},
		{
			engine.Report{Kind: engine.ReportUnprotected, Text: order, Order: 12, Status: "Cancelled"},
			"Open position without its stop", order + " (order 12): Cancelled",
		},
		{engine.Report{Kind: engine.ReportUnprotected, Text: order}, "Open position without its stop", order},
		{
			engine.Report{
				Kind: engine.ReportNotChanged, Text: order, Order: 12, Status: "Submitted", Code: 110,
				Detail: "price",
			},
			"Order not changed", order + " (order 12): price (IB code 110)",
		},
		{
			engine.Report{Kind: engine.ReportUnknown, Text: order},
			"Order unknown: look in TWS",
			order + ": it is unknown whether it has reached Gateway",
		},
		{
			engine.Report{Kind: engine.ReportUnknown, Text: order, Detail: "no trace"},
			"Order unknown: look in TWS",
			order + ": no trace",
		},
		{
			engine.Report{Kind: engine.ReportNotCancelled, Text: order, Order: 12},
			"Order not cancelled: look in TWS", order + " (order 12): Gateway has not confirmed the cancellation",
		},
		{
			engine.Report{
				Kind: engine.ReportNotCancelled, Text: order, Order: 12, More: 17, Code: 10148,
				Detail: "state: Submitted",
			},
			"18 orders not cancelled: look in TWS",
			order + " (order 12) and 17 more orders: Gateway refuses the cancellation (state: Submitted) (IB " +
				"code 10148)",
		},
		{
			engine.Report{Kind: engine.ReportNotCancelled, Text: order, Order: 12, More: 1},
			"2 orders not cancelled: look in TWS",
			order + " (order 12) and 1 more order: Gateway has not confirmed the cancellation",
		},
		{
			engine.Report{Kind: engine.ReportForeign, Text: order, Order: 12, Detail: "permId 7"},
			"Another order resembles one of Gatewatch: look in TWS",
			order + " (order 12): its number or reference is also on an order that Gatewatch did not place (permId 7)",
		},
		{
			engine.Report{Kind: engine.ReportFewIDs, More: 9},
			"Order ids are nearly used up",
			"9 order ids are left, then no order can be placed",
		},
		{
			engine.Report{Kind: engine.ReportHalted, Text: "index out of range"},
			"Trading stopped: the engine failed", "index out of range",
		},
		{
			engine.Report{
				Kind: engine.ReportCrashed, At: time.Date(2026, 3, 10, 14, 2, 0, 0, time.Local),
				Text: "panic: x", Detail: "details in ~/crash.log",
			},
			"Gatewatch crashed at 14:02 and runs again", "panic: x: details in ~/crash.log",
		},
		{engine.Report{Kind: "new\tkind", Detail: "d"}, "new kind", "d"},
	} {
		if title, text := ReportTitle(c.r), Report(c.r); title != c.title || text != c.text {
			t.Errorf("got %q, %q\nwant %q, %q", title, text, c.title, c.text)
		}
	}
}

// TestEveryReportKind reads the kinds from the source: a new one cannot be forgotten here.
func TestEveryReportKind(t *testing.T) {
	// say what there is to say
	self := []engine.ReportKind{engine.ReportTriggered, engine.ReportBlocked, engine.ReportRejected}
	for _, kind := range constants(t, "ReportKind") {
		k := engine.ReportKind(kind)
		if title := ReportTitle(engine.Report{Kind: k}); title == "" || strings.Contains(title, "_") {
			t.Errorf("%s has the title %q", kind, title)
		}
		if hint := ReportHint(k); (hint == "") != slices.Contains(self, k) || hint != "" &&
			!strings.HasSuffix(hint, ".") {
			t.Errorf("%s: hint %q", kind, hint)
		}
	}
}

func TestReportFromOutside(t *testing.T) {
	evil := "\x1b[31mred\r\n\u202e\x00" + strings.Repeat("long ", 100)
	for _, kind := range constants(t, "ReportKind") {
		for _, reason := range []string{"", evil, "guard_shut", "disk", "per_day"} {
			r := engine.Report{Kind: engine.ReportKind(kind), Rule: evil, Text: evil, Reason: reason, Detail: evil}
			for _, text := range []string{ReportTitle(r), Report(r)} {
				if strings.ContainsFunc(text, func(r rune) bool {
					return !unicode.IsPrint(r)
				}) || utf8.RuneCountInString(text) > 700 {
					t.Errorf("%s, %q: %q", kind, reason, text)
				}
			}
		}
	}
}

// TestLastReported says of which moment the state of an order is, if Gateway does not report it now.
func TestLastReported(t *testing.T) {
	up, lost, frozen := conn.Snapshot{Session: 3}, conn.Snapshot{}, conn.Snapshot{Session: 3, Unanswered: true}
	for _, c := range []struct {
		i    ledger.Intent
		now  conn.Snapshot
		want string
	}{
		{ledger.Intent{State: ledger.Working, Client: 17}, up, ""},
		{ledger.Intent{State: ledger.Working, Client: 17}, lost, ", when last connected"},
		{ledger.Intent{State: ledger.Working, Client: 17}, frozen, ", when Gateway last answered"},
		{ledger.Intent{State: ledger.Filled, Client: 17}, frozen, ""},
		{ledger.Intent{State: ledger.Working, Client: 0}, up, ", when last connected with client id 0"},
		{ledger.Intent{State: ledger.Inactive, Client: 0}, lost, ", when last connected"},
		{ledger.Intent{State: ledger.Inactive, Client: 0, Ended: true}, up, ""},
		{ledger.Intent{State: ledger.Filled, Client: 0}, up, ""},
		{ledger.Intent{State: ledger.Sent, Client: 17}, lost, ""}, // it says itself that nothing is known yet
		{ledger.Intent{State: ledger.Unknown, Client: 0}, up, ""},
	} {
		if got := LastReported(&c.i, &c.now, 17); got != c.want {
			t.Errorf("%+v, session %d: %q, want %q", c.i, c.now.Session, got, c.want)
		}
	}
}

// TestOrderState says how orders are in the words of IBKR, where those say more.
func TestOrderState(t *testing.T) {
	for want, i := range map[string]ledger.Intent{
		"about to be sent":                                        {State: ledger.Planned},
		"sent, Gateway has not answered yet":                      {State: ledger.Sent},
		"sent, not confirmed by the exchange yet (PendingSubmit)": {State: ledger.Sent, Status: "PendingSubmit"},
		"sent, not confirmed by the exchange yet (ApiPending)":    {State: ledger.Sent, Status: "ApiPending"},
		"working":                {State: ledger.Working, Status: "Submitted"},
		"working (PreSubmitted)": {State: ledger.Working, Status: "PreSubmitted"},
		"working (PreSubmitted, held: child,trigger)": {
			State: ledger.Working, Status: "PreSubmitted",
			WhyHeld: "child,trigger",
		},
		"working (held: locate)": {
			State: ledger.Working, Status: "Submitted",
			WhyHeld: "locate",
		},
		"inactive: it does not work": {State: ledger.Inactive, Status: "Inactive"},
		"inactive: it does not work (held: locate)": {
			State: ledger.Inactive, Status: "Inactive",
			WhyHeld: "locate",
		},
		`not known to work: Gateway says "Suspended"; look in TWS`: {State: ledger.Inactive, Status: "Suspended"},
		"filled":    {State: ledger.Filled, Status: "Filled", WhyHeld: "child"},
		"rejected":  {State: ledger.Rejected, Status: "Inactive"},
		"cancelled": {State: ledger.Cancelled, Status: "ApiCancelled"},
		"unknown: look in TWS whether it is there": {
			State:  ledger.Unknown,
			Status: "PreSubmitted", WhyHeld: "trigger",
		},
		"working; to be cancelled, which Gateway has not confirmed yet (PendingCancel)": {
			State:  ledger.Working,
			Status: "PendingCancel",
		},
	} {
		if got := OrderState(&i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	o := ib.Order{
		Contract: ib.Contract{Symbol: "AAPL"}, Side: ib.Buy, Type: ib.Limit, Quantity: 7,
		LimitPrice: 91,
	}
	for want, i := range map[string]ledger.Intent{
		"": {},
		"change to " + Order(&o) + " asked for, not confirmed by Gateway yet": {Asked: &o},
		"Gateway refused the change to " + Order(&o):                          {Refused: &o},
		"is now " + Order(&o) + ", not as Gatewatch sent it: changed in TWS, by a preset there, or by the exchange": {
			Altered: true, Order: o,
		},
	} {
		if got := Change(&i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPrice(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 430.3433333333: "430.343", 1.10105: "1.10105", 345012.256: "345012.26", 151.2345678: "151.235",
		-2.5: "-2.5", 0.000123456: "0.00012346", 99.9999999: "100",
	} {
		if got := Price(v); got != want {
			t.Errorf("Price(%v) = %q, want %q", v, got, want)
		}
	}
}
