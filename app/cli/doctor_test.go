package cli

import (
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
)

// TestDescribeSettings holds what doctor says of Gateway's own settings: nothing of what is not known.
func TestDescribeSettings(t *testing.T) {
	soon := time.Now().Add(2 * time.Hour)
	exit := func(kind ib.ExitKind) ib.Exit {
		return ib.Exit{Kind: kind, Hour: soon.Hour(), Minute: soon.Minute(), Location: time.Local}
	}
	type told = ib.GatewaySettings
	const orders = "orders sent while IBKR is disconnected are "
	address := []string{"10.0.0.1"}
	for name, c := range map[string]struct {
		told
		says, advice string // parts of what is said, by |
	}{
		"nothing":      {told{}, "", ""},
		"all is well":  {told{Port: 4002, ReadOnly: ib.SwitchOff, LocalOnly: ib.SwitchOff}, "", ""},
		"restart":      {told{Exit: exit(ib.ExitRestart)}, "Gateway restarts at |, in 1 h 5", ""},
		"log-off":      {told{Exit: exit(ib.ExitLogOff)}, "Gateway logs off at ", "Gateway logs off|“Auto restart”"},
		"read-only":    {told{ReadOnly: ib.SwitchOn}, "API is read-only: orders are blocked", "untick “Read-Only"},
		"resubmit":     {told{Resubmit: ib.SwitchOn}, orders + "kept, and sent", ""},
		"reject":       {told{Resubmit: ib.SwitchOff}, orders + "rejected", ""},
		"another port": {told{Port: 7497}, "API port in its settings: 7497", ""},
		"local only": {
			told{LocalOnly: ib.SwitchOn, Trusted: address},
			"takes connections from its own computer only", "",
		},
		"trusted": {told{Trusted: []string{"10.0.0.1", "10.0.0.2"}}, "trusted addresses: 10.0.0.1, 10.0.0.2", ""},
		"many of them": {
			told{Trusted: []string{"10.0.0.1\n\x1b[2J\u202e"}, TrustedMore: 9936},
			"trusted addresses: 10.0.0.1  [2J[U+202E] and 9936 more", "",
		},
	} {
		lines, advice := describeSettings(4002, &c.told)
		for text, parts := range map[string]string{
			strings.Join(lines, "\n"):  c.says,
			strings.Join(advice, "\n"): c.advice,
		} {
			for part := range strings.SplitSeq(parts, "|") {
				if (text == "") != (parts == "") || !strings.Contains(text, part) {
					t.Errorf("%s: %q lacks %q", name, text, part)
				}
			}
			if strings.Contains(text, "\n") || strings.Contains(text, "\x1b") {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
}
