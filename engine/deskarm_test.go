package engine

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

// TestModes is about which accounts orders may leave for.
func TestModes(t *testing.T) {
	for _, account := range []string{"DU1", "U1"} {
		g := startGateway(t, sim.Config{Accounts: []string{account}})
		c := openCounter(t, g, Limits{})
		s := c.session(t)
		for mode, want := range map[ib.Mode]map[string]string{
			ib.AnyMode: {"DU1": "", "U1": BlockedPaperOnly},
			ib.Paper:   {"DU1": "", "U1": BlockedWrongMode},
			ib.Live:    {"DU1": BlockedWrongMode, "U1": ""},
		} {
			l := generous
			l.Mode = mode
			c.Configure(l)
			if armed, _ := c.Armed(); armed {
				t.Errorf("%s: armed for another mode", mode)
			}
			c.Arm()
			if got := reason(c.Check(s)); got != want[account] {
				t.Errorf("%s for %s: %q", account, mode, got)
			}
			if _, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != want[account] {
				t.Errorf("%s for %s: %v", account, mode, err)
			}
		}
	}
}

// TestModeChangesWhileArmed has someone ask all the time whether an order may leave, while the mode is changed to the
// one that the account has: what was armed for another mode never may.
func TestModeChangesWhileArmed(t *testing.T) {
	g := startGateway(t, sim.Config{Accounts: []string{"U1"}})
	c := openCounter(t, g, generous)
	s := c.session(t)
	live := generous
	live.Mode = ib.Live
	var passed, asked atomic.Int64
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if c.Check(s) == nil {
				passed.Add(1)
			}
			asked.Add(1)
		}
	})
	for asked.Load() < 500_000 {
		c.Configure(generous)
		c.Arm()
		c.Configure(live)
	}
	close(stop)
	asking.Wait()
	if passed.Load() != 0 {
		t.Errorf("%d orders could have left, of %d", passed.Load(), asked.Load())
	}
}

// TestDisarm has trading be disarmed while an order waits for its turn behind the pace limit: it does not leave any
// more.
func TestDisarm(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{MaxMessageRate: -1})
	c := openCounter(t, g, generous)
	s := c.session(t)
	if armed, since := c.Armed(); armed || !since.IsZero() {
		t.Fatal("armed from the start")
	}
	c.Arm()
	armed, since := c.Armed()
	if !armed || since.IsZero() {
		t.Fatal("not armed")
	}
	now := c.Desk.now
	c.Desk.now = func() time.Time { return now().Add(time.Hour) }
	c.Arm()
	if armed, again := c.Armed(); !armed || !again.Equal(since) {
		t.Fatalf("armed since %v, then since %v", since, again)
	}
	c.Desk.now = now
	placed := c.waits(t, s)
	c.Disarm()
	if n := len(g.State().Orders); n != 0 {
		t.Fatalf("%d orders", n)
	}
	if err := <-placed; reason(err) != BlockedDisarmed {
		t.Errorf("%v", err)
	}
	if i := c.orders.Intents()[0]; i.State != ledger.NotSent {
		t.Errorf("%+v", i)
	}
	if n := c.log.count("trading is off"); n != 1 {
		t.Errorf("disarmed %d times", n)
	}
	c.Disarm()
	if armed, since := c.Armed(); armed || !since.IsZero() {
		t.Errorf("armed: %v, since %v", armed, since)
	}
	if n, m := c.log.count("trading is on"), c.log.count("trading is off"); n != 1 || m != 1 {
		t.Errorf("armed %d times and disarmed %d times", n, m)
	}
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
	if _, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != BlockedDisarmed {
		t.Errorf("%v", err)
	}
}
