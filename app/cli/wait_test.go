package cli

import (
	"testing"

	"gatewatch/app/api"
)

// TestWaitHolds: a session whose Gateway owes an answer does not count as connected.
func TestWaitHolds(t *testing.T) {
	for _, c := range []struct {
		until string
		st    api.Status
		want  bool
	}{
		{"connected", api.Status{Connected: true}, true},
		{"connected", api.Status{Connected: true, Unanswered: true}, false},
		{"connected", api.Status{}, false},
		{"guard", api.Status{Connected: true}, false},
		{"guard", api.Status{Guard: api.Guard{Open: true}}, true},
	} {
		if got := (Wait{Until: c.until}).holds(&c.st); got != c.want {
			t.Errorf("%s: %v, want %v", c.until, got, c.want)
		}
	}
}
