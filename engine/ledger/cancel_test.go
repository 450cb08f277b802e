package ledger

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// openImpatient is a listener whose ledger has limits of cancellation that a test can wait for.
func openImpatient(t *testing.T, g *sim.Gateway, retry time.Duration) *listener {
	t.Helper()
	return listen(t, g, func(l *Ledger) {
		l.cancelRetry, l.cancelLimit, l.patience = retry, 500*time.Millisecond, 250*time.Millisecond
	})
}

// rests places an order that works.
func (d *desk) rests(t *testing.T, s *ib.Session) Intent {
	t.Helper()
	i, err := d.place(s, order(1, 90))
	if err != nil {
		t.Fatal(err)
	}
	return d.state(t, i.Order.Ref, Working)
}

// TestCancelAllUnderLoad has Gateway throw requests to cancel away, as it does with what comes too fast, without a
// word of which orders they were about: in the end all orders are cancelled, and until then it is known how many
// are not.
func TestCancelAllUnderLoad(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{MaxMessageRate: -1})
	c := openImpatient(t, g, time.Second)
	s := c.session(t)
	const all, lost = 60, 18
	for range all {
		if _, err := c.place(s, order(1, 90)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all work", func() bool {
		for _, i := range c.ledger.Intents() {
			if i.State != Working {
				return false
			}
		}
		return true
	})
	g.DiscardCancels(lost)
	if n, err := c.ledger.CancelAll(s); n != all || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := c.ledger.CancelAll(s); n != all || err != nil { // again, while they are written
		t.Fatalf("%d, %v", n, err)
	}
	last := 0
	eventually(t, "all are cancelled", func() bool {
		state := c.ledger.Cancelling()
		if state.Asked != all || state.Confirmed < last || state.Confirmed+len(state.Open) != all ||
			state.Refused != 0 {
			t.Fatalf("after %d: %+v", last, state)
		}
		last = state.Confirmed
		return state.Confirmed == all
	})
	for _, o := range g.State().Orders {
		if o.Status != "Cancelled" {
			t.Errorf("%+v", o)
		}
	}
	if n := g.State().Rejected["invalid"]; n != 0 {
		t.Errorf("%d orders were to be cancelled twice", n)
	}
	// what is over is forgotten
	if i := c.rests(t, s); c.ledger.Cancel(s, i.ID) != nil || c.ledger.Cancelling().Asked != 1 {
		t.Errorf("%+v", c.ledger.Cancelling())
	}
}

// TestCancelAllWhileGatewayIsFrozen has Gateway stand still while requests to cancel come, at a pace that it allows:
// it counts what it reads in its own second, and throws away what is too much.
func TestCancelAllWhileGatewayIsFrozen(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{MaxMessageRate: 20})
	c := openImpatient(t, g, time.Second)
	s := c.session(t)
	const all = 30
	for range all {
		c.rests(t, s)
		time.Sleep(100 * time.Millisecond) // slower than it allows
	}
	g.Freeze()
	if n, err := c.ledger.CancelAll(s); n != all || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	time.Sleep(time.Second) // until the requests are written
	g.Thaw()
	eventually(t, "all are cancelled", func() bool { return c.ledger.Cancelling().Confirmed == all })
	if n := g.State().Rejected["pacing"]; n == 0 {
		t.Error("no request was thrown away")
	}
	if c.sup.Session() != s {
		t.Error("another session")
	}
}

// TestCancelIsNotConfirmed has Gateway say nothing about requests to cancel, for so long that a person has to know,
// and even lose the connection: they are repeated until it answers.
func TestCancelIsNotConfirmed(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openImpatient(t, g, 100*time.Millisecond)
	s := c.session(t)
	first, second := c.rests(t, s), c.rests(t, s)
	g.DiscardCancels(-1)
	if err := c.ledger.Cancel(s, first.ID); err != nil {
		t.Fatal(err)
	}
	if n, err := c.ledger.CancelAll(s); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if list := c.livesOn(t); list[0].Order.ID != first.ID {
		t.Errorf("%+v", list)
	}
	g.Drop()
	<-s.Done()
	if err := c.ledger.Cancel(s, first.ID); !errors.Is(err, ib.ErrSessionOver) {
		t.Errorf("%v", err)
	}
	s = c.session(t)
	if n, err := c.ledger.CancelAll(s); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	g.Drop()
	c.session(t)
	g.DiscardCancels(0)
	c.state(t, first.Order.Ref, Cancelled)
	c.state(t, second.Order.Ref, Cancelled)
	if state := c.ledger.Cancelling(); state.Asked != 2 || state.Confirmed != 2 || len(state.Open) != 0 {
		t.Errorf("%+v", state)
	}
	c.ledger.mu.Lock()
	now := c.ledger.now
	c.ledger.now = func() time.Time { return now().Add(keepCancelled + time.Second) }
	c.ledger.mu.Unlock()
	if state := c.ledger.Cancelling(); state.Asked != 0 {
		t.Errorf("a minute later: %+v", state)
	}
}

// TestCancelIsRefused has Gateway say that it cannot cancel an order: that is what came of it, and it is not asked
// for again. What it does not find, and has, it is asked for once more.
func TestCancelIsRefused(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openImpatient(t, g, 100*time.Millisecond)
	s := c.session(t)
	i := c.rests(t, s)
	g.DiscardCancels(-1)
	if err := c.ledger.Cancel(s, i.ID); err != nil {
		t.Fatal(err)
	}
	g.NoticeFor(int32(i.ID), 10148, "cannot be cancelled, state: Submitted")
	eventually(t, "it is refused", func() bool { return c.ledger.Cancelling().Refused == 1 })
	if open := c.ledger.Cancelling().Open; len(open) != 1 || open[0].Order.ID != i.ID || open[0].Code != 10148 ||
		open[0].Detail == "" || !open[0].Refused {
		t.Errorf("%+v", open)
	}
	if list := c.livesOn(t); len(list) != 1 || list[0].Code != 10148 || list[0].Order.ID != i.ID {
		t.Errorf("%+v", list)
	}
	if err := c.ledger.Cancel(s, i.ID); err != nil || c.ledger.Cancelling().Refused != 0 { // a person may try again
		t.Fatal(err)
	}
	g.DiscardCancels(0)
	g.NoticeFor(int32(i.ID), 10147, "not found")
	c.state(t, i.Order.Ref, Cancelled) // Gateway says that it is open, when it is asked
}

// TestPendingCancel has Gateway wait for IBKR with a cancellation: it has been heard, and is not asked for again.
func TestPendingCancel(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openImpatient(t, g, 100*time.Millisecond)
	s := c.session(t)
	i := c.rests(t, s)
	g.Notice(1100, "")
	if err := c.ledger.Cancel(s, i.ID); err != nil {
		t.Fatal(err)
	}
	c.livesOn(t) // five times the time after which it would be repeated
	if n := g.State().Rejected["invalid"]; n != 0 || c.ledger.Cancelling().Refused != 0 {
		t.Errorf("%d requests too many, %+v", n, c.ledger.Cancelling())
	}
	g.Notice(1102, "")
	c.state(t, i.Order.Ref, Cancelled)
}

// TestCancelBeforeTheLook cancels orders of which Gateway has said nothing in the session. Another program has used
// the client id and the order id of one, and another client id the order id of the other, which turns up later.
func TestCancelBeforeTheLook(t *testing.T) {
	g := startGateway(t, sim.Config{})
	ledger, err := Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ledger.cancelRetry = 20 * time.Millisecond
	for id, ref := range map[int64]string{5: "gw-x", 6: "gw-y"} {
		ledger.hold(Intent{ID: id, Client: clientID, Order: ib.Order{Ref: ref}, State: Unknown})
	}
	byHand := func(client, id int32, ref string) {
		t.Helper()
		m := sim.ManualOrder{Client: client, ID: id, Symbol: "AAPL", Action: "BUY", Limit: 1, Ref: ref}
		if _, err := g.PlaceByHand(m); err != nil {
			t.Fatal(err)
		}
	}
	byHand(clientID, 5, "theirs")
	byHand(clientID+1, 6, "theirs")
	look := make(chan struct{})
	cfg := conntest.Config(g.Port(), clientID, nil)
	cfg.Reconcile = func(ctx context.Context, s *ib.Session) error {
		<-look
		return ledger.Reconcile(ctx, s)
	}
	sup, err := conn.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d := runSupervised(ledger, sup, true)
	t.Cleanup(func() { d.stop() })
	var s *ib.Session
	eventually(t, "it is connected", func() bool {
		s = sup.Session()
		return s != nil
	})
	for id := range int64(2) {
		if err := ledger.Cancel(s, 5+id); err != nil {
			t.Error(err)
		}
	}
	close(look)
	d.session(t)
	ledger.sendCancels(s)
	ledger.mu.Lock()
	sent := ledger.cancels["gw-x"].session + ledger.cancels["gw-y"].session
	ledger.mu.Unlock()
	if sent != 0 {
		t.Error("a request was written")
	}
	byHand(clientID, 6, "gw-y")
	eventually(t, "the one that has turned up is cancelled", func() bool {
		return g.State().Orders[2].Status == "Cancelled"
	})
	for _, o := range g.State().Orders[:2] {
		if o.Status != "Submitted" {
			t.Errorf("an order of somebody else is %s", o.Status)
		}
	}
	if err := ledger.Cancel(s, 5); !errors.Is(err, ErrIDReused) {
		t.Errorf("%v", err)
	}
}

// TestEmptyLedger has a ledger begin where another one has placed orders, and Gateway count from 1 again: no order
// that lives gets replaced.
func TestEmptyLedger(t *testing.T) {
	g := startGateway(t, sim.Config{})
	before := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := before.session(t)
	for range 3 {
		i, err := before.place(s, order(1, 90))
		if err != nil {
			t.Fatal(err)
		}
		before.state(t, i.Order.Ref, Working)
	}
	before.stop()
	g.ResetIDs()
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s = d.session(t)
	if s.FirstOrderID() != 1 {
		t.Fatalf("Gateway counts from %d", s.FirstOrderID())
	}
	i, err := d.place(s, order(5, 91))
	if err != nil || i.ID != 4 {
		t.Fatalf("%+v, %v", i, err)
	}
	d.state(t, i.Order.Ref, Working)
	for n, o := range g.State().Orders {
		if n < 3 && (o.Quantity != 1 || o.Status != "Submitted" || o.Ref == i.Order.Ref) {
			t.Errorf("%+v", o)
		}
	}
}

// TestCancelGoesOnAfterARestart ends the program while Gateway has confirmed no cancellation: the next start asks
// again for what was to be cancelled, and for nothing else.
func TestCancelGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	goes, stays := d.rests(t, s), d.rests(t, s)
	g.DiscardCancels(-1)
	if err := d.ledger.Cancel(s, goes.ID); err != nil {
		t.Fatal(err)
	}
	d.stop()
	g.DiscardCancels(0)
	again := newDesk(t, path, g.Port())
	again.session(t)
	again.state(t, goes.Order.Ref, Cancelled)
	again.state(t, stays.Order.Ref, Working)
	if n := again.ledger.Cancelling().Asked; n != 1 {
		t.Errorf("%d orders to cancel", n)
	}
}
