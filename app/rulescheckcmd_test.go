package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRulesCheck(t *testing.T) {
	const rule = `{"name": "dip", "instrument": {"symbol": "AAPL"}, "conditions": [{"price": "last", "is": "at_or_below", "value": 230}], "action": {"do": "notify"}}`
	for text, code := range map[string]int{
		`{}`:                                     0,
		`{"rules": [` + rule + `]}`:              0,
		`{"rules": [` + rule + `,` + rule + `]}`: exitUsage,
		`{"rules": [{}]}`:                        exitUsage,
		`{`:                                      exitUsage,
	} {
		path := filepath.Join(t.TempDir(), "rules.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := start([]string{"rules", "check", path}); got != code {
			t.Errorf("%s: code %d, want %d", text, got, code)
		}
	}
	if got := start([]string{"rules", "check", filepath.Join(t.TempDir(), "none.json")}); got != exitUsage {
		t.Errorf("no file: code %d", got)
	}
}
