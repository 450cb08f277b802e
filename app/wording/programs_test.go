package wording

import (
	"strings"
	"testing"

	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/engine"
)

// TestEveryRefusal reads the reasons and states from the source: a new one cannot be forgotten here.
func TestEveryRefusal(t *testing.T) {
	for _, reason := range append(constants(t, "Reason", "../../conn/port"), constants(t, "GuardReason")...) {
		text := Refusal(port.Reason(reason))
		if (text == "") != (reason == "") || strings.Contains(text, "_") && !strings.Contains(text, "settings.json") {
			t.Errorf("%q is refused with %q", reason, text)
		}
	}
	for _, state := range constants(t, "State", "../../conn/port/record") {
		if text := ProgramOrder(record.State(state)); text == "" || strings.Contains(text, "_") {
			t.Errorf("an order that is %s: %q", state, text)
		}
	}
}

func TestGuardedPort(t *testing.T) {
	for want, got := range map[string]string{
		"":                     GuardedPort(0, false, true, 3, 2),
		"0 programs connected": GuardedPort(4100, true, false, 0, 0),
		"1 program connected, 1 order unknown, look in TWS":     GuardedPort(4100, true, false, 1, 1),
		"Trading of programs stopped, 3 programs connected":     GuardedPort(4100, true, true, 3, 0),
		"Guarded port 4100 closed while Gateway cannot be used": GuardedPort(4100, false, false, 0, 0),
		"Trading of programs stopped, 0 programs connected, 2 orders unknown, look in TWS": GuardedPort(
			4100, false, true, 0, 2),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestProgram(t *testing.T) {
	if got := Program("", 7); got != "client id 7" {
		t.Error(got)
	}
	if got := Program("bot\x1b[31m\n", 7); !strings.HasSuffix(got, "(client id 7)") ||
		strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("%q", got)
	}
	r := engine.Report{
		Kind: engine.ReportProgramRefused, Program: Program("bot.py", 7), Order: 12, Text: "BUY 1 AAPL",
		Reason: "probe",
	}
	if got := ReportTitle(r) + " | " + Report(r); got != "Order of a program refused: bot.py (client id 7) | BUY 1 "+
		"AAPL (order 12): "+
		Refusal("probe")+"; the program was informed, and nothing was sent" {
		t.Error(got)
	}
}
