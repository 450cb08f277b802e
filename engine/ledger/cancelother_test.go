package ledger

import (
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

// TestCancelOfAnotherClient changes the client id. Under the new one a stranger has an order with the number of
// ours: it is not cancelled in the place of ours, and ours is not shown as cancelled.
func TestCancelOfAnotherClient(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openImpatient(t, g, 100*time.Millisecond)
	s := c.session(t)
	ours := c.rests(t, s)
	if err := c.sup.Configure(t.Context(), conntest.Config(g.Port(), clientID+1, c.ledger.Reconcile)); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	s = c.session(t)
	theirs := order(1, 90)
	theirs.Ref = "theirs"
	if err := s.Place(ours.ID, theirs, ib.Conditions{}); err != nil {
		t.Fatal(err)
	}
	var other *OtherClientError
	if err := c.ledger.Cancel(s, ours.ID); !errors.As(err, &other) || other.Session != clientID+1 ||
		len(other.Orders) != 1 || other.Orders[0].Client != clientID {
		t.Errorf("%v", err)
	}
	mine := c.rests(t, s)
	if n, err := c.ledger.CancelAll(s); n != 1 || !errors.As(err, &other) || len(other.Orders) != 1 ||
		other.Orders[0].ID != ours.ID {
		t.Errorf("%d, %v", n, err)
	}
	c.state(t, mine.Order.Ref, Cancelled)
	if err := s.Cancel(ours.ID); err != nil { // someone cancels the stranger
		t.Fatal(err)
	}
	eventually(t, "the stranger is cancelled", func() bool { return g.State().Orders[1].Status == "Cancelled" })
	if _, err := s.OpenOrders(t.Context()); err != nil { // that has arrived by now
		t.Fatal(err)
	}
	c.ledger.hear(t.Context(), s)
	for _, o := range g.State().Orders {
		if (o.Status == "Submitted") != (o.Ref == ours.Order.Ref) {
			t.Errorf("%+v", o)
		}
	}
	c.state(t, ours.Order.Ref, Working)
}

// TestReplacedByHand has an order of ours be replaced in TWS: what works then has its client id, its id and its
// reference, and is another order.
func TestReplacedByHand(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openImpatient(t, g, 100*time.Millisecond)
	s := c.session(t)
	i := c.rests(t, s)
	perm, err := g.ReplaceByHand(clientID, int32(i.ID))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.state(t, i.Order.Ref, Cancelled); got.PermID == perm {
		t.Errorf("%+v", got)
	}
	if like := c.strangers(t); like[0].ours.ID != i.ID || like[0].theirs.PermID != perm {
		t.Errorf("%+v", like)
	}
	for range 2 { // it is said again and again, and reported once
		if _, err := s.OpenOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.ledger.hear(t.Context(), s)
	if err := g.SetPrice("AAPL", 80); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other one is filled", func() bool { return g.State().Orders[1].Status == "Filled" })
	if _, err := s.Executions(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ledger.hear(t.Context(), s)
	if got := c.state(t, i.Order.Ref, Cancelled); got.Filled != 0 {
		t.Errorf("%+v", got)
	}
	if like, alarms := c.strangers(t), c.alarms(i); len(like) != 1 || len(alarms) != 0 {
		t.Errorf("%+v, %v", like, alarms)
	}
}

// TestIDReused sends another order with the id of one that works: a request to cancel could hit that.
func TestIDReused(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openImpatient(t, g, 100*time.Millisecond)
	s := c.session(t)
	i := c.rests(t, s)
	other := ib.OrderNews{
		Kind: ib.OrderOpen, Session: s.Number(), ID: i.ID, Client: clientID, PermID: i.PermID + 9,
		Ref: "theirs", Status: "Submitted",
	}
	c.ledger.Learn(other)
	if err := c.ledger.Cancel(s, i.ID); !errors.Is(err, ErrIDReused) {
		t.Errorf("%v", err)
	}
	if n, err := c.ledger.CancelAll(s); n != 0 || !errors.Is(err, ErrIDReused) {
		t.Errorf("%d, %v", n, err)
	}
	c.strangers(t)
	other.Status = "Cancelled"
	c.ledger.Learn(other)
	if err := c.ledger.Cancel(s, i.ID); err != nil {
		t.Errorf("%v", err)
	}
	c.state(t, i.Order.Ref, Cancelled)
}

// TestClientZero trades by hand beside client id 0, which gets everything: nothing of that is ours, and
// orders go on, after a restart, too.
func TestClientZero(t *testing.T) {
	g := startGateway(t, sim.Config{ZeroSeesAll: true})
	path := filepath.Join(t.TempDir(), "orders.db")
	for round := range 2 {
		ledger, err := Open(path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		sup, err := conn.New(conntest.Config(g.Port(), 0, ledger.Reconcile), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		d := runSupervised(ledger, sup, true)
		t.Cleanup(d.stop)
		s := d.session(t)
		i, err := d.place(s, order(1, 90))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		i = d.state(t, i.Order.Ref, Working)
		for _, id := range []int32{0, -3, 1<<31 - 1} {
			for _, limit := range []float64{0, 80} { // one is filled, one rests
				if _, err := g.PlaceByHand(sim.ManualOrder{
					Symbol: "AAPL", Action: "BUY", Limit: limit, ID: id,
					Ref: i.Order.Ref,
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		other := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
		theirs, err := other.ledger.Place(other.session(t), Batch{Orders: []ib.Order{order(7, 101)}})
		if err != nil {
			t.Fatal(err)
		}
		other.state(t, theirs[0].Order.Ref, Filled)
		other.stop()
		if err := ledger.Reconcile(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := d.state(t, i.Order.Ref, Working); got.Filled != 0 || got.PermID != i.PermID {
			t.Errorf("%+v", got)
		}
		if len(ledger.Intents()) != round+1 {
			t.Errorf("%+v", ledger.Intents())
		}
		d.stop()
	}
}
