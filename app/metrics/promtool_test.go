package metrics

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

const docs = "../../docs/prometheus/"

// tool returns the path of one of Prometheus' programs. Only Linux has to have them.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case runtime.GOOS == "linux" && !testing.Short():
		t.Fatalf("%s is missing: apt-get install --no-install-recommends prometheus", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// TestPromtool: Prometheus' own tool finds no fault with the examples and with a scrape, and each alert fires when it
// should and is silent when it should be.
func TestPromtool(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, c := range []struct {
		args string
		in   string
		said string
	}{
		{"check config " + docs + "prometheus.yml", "", "1 rule files found"},
		{"check rules " + docs + "alerts.yml", "", "4 rules found"},
		{"test rules testdata/alerts_test.yml", "", "SUCCESS"},
		{"check metrics", text(t, New(full(up()))), ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), promtool, strings.Fields(c.args)...)
			cmd.Stdin = strings.NewReader(c.in)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), c.said) || c.said == "" && len(out) > 0 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
