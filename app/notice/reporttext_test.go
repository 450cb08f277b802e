package notice

import (
	"testing"
	"time"

	"gatewatch/app/wording"
	"gatewatch/engine"
)

// TestReportWords holds the words in full, and who may do what.
func TestReportWords(t *testing.T) {
	evil := "\x1b[31mred\r\n\u202eX"
	for _, c := range []struct {
		name string
		r    []engine.Report
		want []Notice
	}{
		{"blocked", []engine.Report{blockedOff, blockedOut}, []Notice{
			{
				Kind: OrderBlocked, Key: "order_blocked-1", Title: "Order blocked",
				Body: apple + ": trading is off; turn it on to let rules place orders\nRule: dip",
			},
			{
				Kind: OrderBlocked, Key: "order_blocked-1", Title: "2 orders blocked since 09:01:00",
				Body: "Last: " + apple + ": not connected to Gateway",
			},
		}},
		{"triggered", []engine.Report{triggered("a"), triggered("a")}, []Notice{
			{Kind: RuleTriggered, Key: "rule_fired-1", Title: "Rule triggered: a", Body: "AAPL last 229.98"},
			{
				Kind: RuleTriggered, Key: "rule_fired-1", Title: "Rule triggered: a (2 times since 09:01:00)",
				Body: "Last: AAPL last 229.98",
			},
		}},
		{"failed", []engine.Report{ruleFailed, ruleFailed}, []Notice{
			{
				Kind: RuleFailed, Key: "rule_failed-1", Urgent: true, Title: "Rule stopped: dip",
				Body: "AAPL: no such contract (IB code 200)\nIt watches nothing until it is activated again.",
			},
			{
				Kind: RuleFailed, Key: "rule_failed-1", Urgent: true, Title: "2 rules stopped since 09:01:00",
				Body: "Last: AAPL: no such contract (IB code 200)\nRule: dip\nThey watch nothing until they are " +
					"activated again.",
			},
		}},
		{"rejected", []engine.Report{rejected, rejected}, []Notice{
			{
				Kind: OrderRejected, Key: "order_rejected-1", Urgent: true, Title: "Order rejected",
				Body: apple + ": no margin (IB code 201)\nRule: dip",
			},
			{
				Kind: OrderRejected, Key: "order_rejected-1", Urgent: true, Title: "2 orders rejected since 09:01:00",
				Body: "Last: " + apple + ": no margin (IB code 201)\nRule: dip",
			},
		}},
		{"unknown", []engine.Report{unknown, unknown}, []Notice{
			{
				Kind: OrderUnknown, Key: "order_unknown-1", Urgent: true, Title: "Order unknown: look in TWS",
				Body: apple + ": it is unknown whether it has reached Gateway\nLook in TWS whether it is there. " +
					"Gatewatch does not send it again.",
			},
			{
				Kind: OrderUnknown, Key: "order_unknown-1", Urgent: true,
				Title: "2 orders unknown since 09:01:00: look in TWS",
				Body: "Last: " + apple + ": it is unknown whether it has reached Gateway\nLook in TWS whether they " +
					"are there. Gatewatch does not send them again.",
			},
		}},
		{"outside text", []engine.Report{{Kind: engine.ReportRejected, Rule: evil, Text: evil, Detail: evil}}, []Notice{
			{
				Kind: OrderRejected, Key: "order_rejected-1", Urgent: true, Title: "Order rejected",
				Body: "[31mred [U+202E]X: [31mred [U+202E]X\nRule: [31mred [U+202E]X",
			},
		}},
		{"a kind of a later day", []engine.Report{{Kind: "new", Text: "x"}, {Kind: "new", Text: "y"}}, []Notice{
			{Kind: "new", Key: "new-1", Title: "new", Body: "x"},
			{Kind: "new", Key: "new-1", Title: "new (2 times since 09:01:00)", Body: "Last: y"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var inputs []arrival
			for i, r := range c.r {
				inputs = append(inputs, rep(m+time.Duration(i)*s, r))
			}
			got := (&world{p: defaultPolicy()}).playAll(inputs, h)
			if len(got) != len(c.want) {
				t.Fatalf("%d notices, want %d: %+v", len(got), len(c.want), got)
			}
			for i, n := range got {
				if n.n.At = (time.Time{}); n.n != c.want[i] {
					t.Errorf("got\n%+v\nwant\n%+v", n.n, c.want[i])
				}
			}
		})
	}
}

// TestKindsOfReports: whatever the engine reports has a notice kind of the same text.
func TestKindsOfReports(t *testing.T) {
	for _, k := range []engine.ReportKind{
		engine.ReportTriggered, engine.ReportFailed, engine.ReportBlocked,
		engine.ReportRejected, engine.ReportUnknown, engine.ReportNotCancelled, engine.ReportForeign,
		engine.ReportFewIDs, engine.ReportHalted, engine.ReportMoved, engine.ReportCrashed, engine.ReportInactive,
		engine.ReportUnprotected, engine.ReportNotChanged, engine.ReportProgramRefused, engine.ReportProgramUnknown,
		engine.ReportProgramFailed,
	} {
		if !Kind(k).reported() || wording.ReportTitle(engine.Report{Kind: k}) == string(k) {
			t.Errorf("%s is not known", k)
		}
	}
	for _, k := range []Kind{Lost, Back, Unstable, Digest, Calm, Competing, Reminder, GuardClosed} {
		if k.reported() {
			t.Errorf("%s is no report", k)
		}
	}
}
