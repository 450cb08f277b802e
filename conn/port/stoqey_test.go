package port_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/npm"
)

// stoqey is the npm package, in the version whose calls are known.
const stoqey = "@stoqey/ib@1.6.10"

// TestStoqey has an unmodified JavaScript program trade through the port, and be refused.
func TestStoqey(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a package from npm")
	}
	dir, err := npm.Install(stoqey)
	if err != nil {
		t.Skipf("%s cannot be had: %v", stoqey, err)
	}
	g := startSim(t, sim.Config{TickRate: 50})
	r := newRig(t, g.Port(), nil)
	run := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		script, err := filepath.Abs(filepath.Join("testdata", "bot.js"))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, "node", append([]string{script, strconv.Itoa(r.number)}, args...)...)
		cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), "done\n") {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	run()
	until(t, "the record has what became of the orders", func() bool {
		return r.order(10).State == record.Cancelled && r.order(11).State == record.Filled
	})
	if o := r.order(10); o.Changes != 1 || !strings.HasPrefix(o.Words, "BUY 1 AAPL STK LMT 2 ") {
		t.Errorf("%+v", o)
	}
	if e := r.saw(port.ClientConnected); len(e) != 1 || e[0].Client.Version != 193 {
		t.Errorf("%+v", e)
	}
	r.conn.close(ib.GuardUpstream)
	if out := run("closed"); !strings.Contains(out,
		"Gatewatch: IB Gateway is not connected to IBKR; nothing was sent") {
		t.Error(out)
	}
	if n := len(g.Requests("placeOrder")); n != 3 {
		t.Errorf("%d orders reached Gateway, not 3", n)
	}
}
