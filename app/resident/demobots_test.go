package resident

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"
	"github.com/scmhub/ibapi"

	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// TestBotsSideBySide has two equal bots trade, one at the guarded port and one at Gateway's own, while Gateway freezes,
// loses IBKR and restarts. make demo-bots prints what they see.
func TestBotsSideBySide(t *testing.T) {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	ibapi.SetLogger(zerolog.Nop())
	gateway := simtest.Start(t, sim.Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	free, number := listen(t)
	free.Close()
	p, end := started(t, fmt.Sprintf(`{"api": {"port": 0}, "gateway": {"port": %d}, "reset_minutes": 0,
		"reconnect": {"delays_seconds": [0.5]}, "watchdog": {"hard_seconds": 60},
		"guarded_port": {"port": %d, "proof_of_life_ms": 3000}}`, gateway.Port(), number))
	defer end()
	out := tabwriter.NewWriter(os.Stdout, 34, 0, 2, ' ', 0)
	show := os.Getenv("GATEWATCH_DEMO") != ""
	print := func(story, guarded, direct string) {
		if show {
			fmt.Fprintf(out, "%s\t%s\t%s\n", story, guarded, direct)
			out.Flush()
		}
	}
	connect := func(port int, client int64) (b *bot) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); {
			b = &bot{}
			b.EClient = ibapi.NewEClient(b)
			if b.Connect("127.0.0.1", port, client) != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			for wait := time.Now().Add(5 * time.Second); time.Now().Before(wait); time.Sleep(10 * time.Millisecond) {
				if b.id() > 0 {
					return b
				}
			}
			// Gateway was lost in between.
		}
		t.Fatalf("no bot can connect to port %d", port)
		return nil
	}
	ready := func() {
		t.Helper()
		if !eventually(t, func() bool { return p.backend.connection.Snapshot().GuardOpen() }) {
			t.Fatal("the order guard stays closed")
		}
	}
	const guardedID, directID = 7, 8
	ready()
	guarded, direct := connect(number, guardedID), connect(gateway.Port(), directID)
	sees := func(b *bot, begin string) string {
		t.Helper()
		if !eventually(t, func() bool { return b.heard(begin) }) {
			t.Fatalf("%q was not heard; %q", begin, b.said)
		}
		return begin
	}
	both := func() (int64, int64) {
		guarded.first++
		direct.first++
		guarded.order(guarded.first)
		direct.order(direct.first)
		return guarded.first, direct.first
	}
	print("WHAT HAPPENS", "BOT AT THE GUARDED PORT", "BOT AT GATEWAY'S PORT")
	g, d := both()
	print("both buy", sees(guarded, fmt.Sprint(g, " Submitted")), sees(direct, fmt.Sprint(d, " Submitted")))

	gateway.Freeze()
	began := time.Now()
	sees(guarded, "-1 error 1100 ")
	print("Gateway freezes", fmt.Sprintf("error 1100 after %.1f s", time.Since(began).Seconds()), "(nothing)")
	g, d = both()
	sees(guarded, fmt.Sprint(g, " error 201 "))
	print("both buy", "error 201: nothing was sent", "(nothing)")
	if direct.heard(fmt.Sprint(d)) {
		t.Error("the direct bot has an answer from a frozen Gateway")
	}
	gateway.Thaw()
	sees(guarded, "-1 error 1102 ")
	print("Gateway answers again", "error 1102", sees(direct, fmt.Sprint(d, " Submitted"))+": bought late")

	for _, b := range []*bot{guarded, direct} {
		b.mu.Lock()
		b.said = nil // the next 1100 and 1102 are others
		b.mu.Unlock()
	}
	simtest.Do(t, gateway, "1100", nil)
	sees(direct, "-1 error 1100 ")
	g, d = both()
	sees(guarded, fmt.Sprint(g, " error 201 "))
	print("Gateway loses IBKR, both buy", "error 1100, then error 201: nothing was sent",
		"error 1100; the order waits in Gateway")
	simtest.Do(t, gateway, "1102", nil)
	sees(guarded, "-1 error 1102 ")
	print("IBKR is back", "error 1102", "error 1102: "+sees(direct, fmt.Sprint(d, " Submitted"))+", late")

	gateway.Restart(time.Second)
	guarded, direct = connect(number, guardedID), connect(gateway.Port(), directID)
	print("Gateway restarts", "connects as soon as orders are safe", "connects as soon as the port is open")
	ready()
	g, d = both()
	print("both buy", sees(guarded, fmt.Sprint(g, " Submitted")), sees(direct, fmt.Sprint(d, " Submitted")))

	sent := map[int32]int{}
	for _, o := range gateway.State().Orders {
		sent[o.ClientID]++
	}
	print("orders at Gateway", fmt.Sprintf("%d of 4, all while it was safe", sent[guardedID]),
		fmt.Sprintf("%d of 4", sent[directID]))
	if sent[guardedID] != 2 || sent[directID] != 4 {
		t.Errorf("orders by client id: %v; %s", sent, strings.Join(guarded.said, "\n"))
	}
}
