package sim_test

import (
	"strings"
	"testing"

	"gatewatch/conn/sim"
)

// TestNightsParse reads every script that comes with the simulator. What they do to a client is tested in package conn.
func TestNightsParse(t *testing.T) {
	all := sim.Nights()
	if len(all) < 5 {
		t.Fatalf("%d nights", len(all))
	}
	for _, n := range all {
		if _, err := sim.ParseScript(n.Script); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		if n.Title == "" || strings.HasPrefix(n.Title, "#") {
			t.Errorf("%s: title %q", n.Name, n.Title)
		}
	}
}

// TestNightByName names a night on the command line, on the control port and in a script.
func TestNightByName(t *testing.T) {
	_, err := sim.Start(t.Context(), sim.Config{Night: "full-moon"})
	if err == nil || !strings.Contains(err.Error(), "server-reset") {
		t.Errorf("an unknown night: %v", err)
	}
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, Night: "frozen-jvm", Control: "127.0.0.1:0"})
	waitFor(t, func() bool { return strings.Join(g.State().Faults, ",") == "freeze" })
	call(t, g, "DELETE", "/script", "")
	if err := g.Clear(); err != nil {
		t.Fatal(err)
	}
	if status, body := call(t, g, "POST", "/script", "at 1ms night name=competing-login\n"); status != 202 {
		t.Fatal(body)
	}
	waitFor(t, func() bool { return strings.Join(g.State().Faults, ",") == "10197" })
	status, body := call(t, g, "POST", "/fault/night?name=sunday", "")
	if status != 400 || !strings.Contains(body, "sunday-logoff") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := call(t, g, "POST", "/fault/night?name=sunday-logoff", ""); status != 200 {
		t.Errorf("sunday-logoff: %d", status)
	}
	waitFor(t, func() bool { return strings.Join(g.State().Faults, ",") == "10197,upstream-lost" })
	if status, _ := call(t, g, "POST", "/fault/competing?on=false", ""); status != 200 {
		t.Errorf("competing: %d", status)
	}
	if f := strings.Join(g.State().Faults, ","); f != "upstream-lost" {
		t.Errorf("faults %s", f)
	}
}
