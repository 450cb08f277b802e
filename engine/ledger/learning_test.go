package ledger

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestGatewayKnowsNothing has the ledger hold an order of which Gateway has no trace, and a Gateway that hands out ids
// again.
func TestGatewayKnowsNothing(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: 3})
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// As a crash between writing down and sending leaves it.
	o := order(1, 90)
	o.Ref = "gw-lost"
	ledger.floor = 41
	if err := ledger.put(0, ledger.floor, nil, &Intent{
		ID: 41, Client: clientID, At: ledger.now(),
		Changed: ledger.now(), Order: o, State: Planned,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it was opened twice")
	}
	ledger.Close()
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	d.state(t, "gw-lost", Unknown)
	next, err := d.place(s, order(1, 90))
	if err != nil || next.ID != 42 {
		t.Errorf("%+v, %v", next, err)
	}
	// Should Gateway tell of it after all, it is known again.
	if i, news := d.ledger.Learn(ib.OrderNews{
		Kind: ib.OrderOpen, ID: 41, Client: clientID, Ref: "gw-lost",
		PermID: 7, Status: "Submitted",
	}); !news || i.State != Working {
		t.Errorf("%+v, %v", i, news)
	}
}

// TestReconcileAlone has no one follow what a session says: when the guard opens, everything is known all the same.
func TestReconcileAlone(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 2})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	place := func(o ib.Order) Intent {
		t.Helper()
		i, err := d.place(s, o)
		if err != nil {
			t.Fatal(err)
		}
		return d.state(t, i.Order.Ref, Working)
	}
	rests, fills, gone := place(order(1, 80)), place(order(2, 95)), place(order(3, 70))
	d.stop()

	// Someone else with this client id cancels one, and the market fills another.
	other := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s = other.session(t)
	if err := s.Cancel(gone.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is cancelled", func() bool { return g.State().Orders[2].Status == "Cancelled" })
	other.stop()
	if err := g.SetPrice("AAPL", 94); err != nil {
		t.Fatal(err)
	}

	d = newDeskThat(t, path, g.Port(), false)
	d.session(t)
	want := map[string]OrderState{rests.Order.Ref: Working, fills.Order.Ref: Filled, gone.Order.Ref: Cancelled}
	for _, i := range d.ledger.Intents() {
		if i.State != want[i.Order.Ref] || i.State == Filled && (i.Filled != 2 || len(i.Shares) != 2) {
			t.Errorf("%+v, want %s", i, want[i.Order.Ref])
		}
	}
}

// TestFollowsLate has an order filled after reconciling, and before anyone follows the session.
func TestFollowsLate(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	i, err := d.place(d.session(t), order(1, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, i.Order.Ref, Working)
	d.stop()

	d = newDeskThat(t, path, g.Port(), false)
	s := d.session(t)
	if err := g.SetPrice("AAPL", 89); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is filled", func() bool { return g.State().Orders[0].Status == "Filled" })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// An answer to a request comes behind what was told unasked.
	if _, err := s.Details(ctx, aapl); err != nil {
		t.Fatal(err)
	}
	go d.ledger.Follow(ctx, s)
	d.state(t, i.Order.Ref, Filled)
}

// TestEndInTheMiddle ends while Gateway has said much about orders that has not been taken in: that is left to the next
// start.
func TestEndInTheMiddle(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDeskThat(t, filepath.Join(t.TempDir(), "orders.db"), g.Port(), false)
	s := d.session(t)
	i, err := d.place(s, order(1, 90))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it works", func() bool {
		orders := g.State().Orders
		return len(orders) == 1 && orders[0].Status == "Submitted"
	})
	// An answer to a request comes behind what was told unasked.
	if _, err := s.Details(t.Context(), aapl); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.ledger.hear(ctx, s)
	if got := d.ledger.Intents()[0]; got.State != Sent || got.Order.Ref != i.Order.Ref {
		t.Errorf("%+v", got)
	}
}

// TestStillOnItsWay reconciles while an order of this very session has not been acknowledged, as after 1102.
func TestStillOnItsWay(t *testing.T) {
	g := startGateway(t, sim.Config{})
	var log bytes.Buffer
	d := loggedDesk(t, g, &log)
	s := d.session(t)
	i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 1}, State: Sent}
	other := &Intent{ID: 6, Client: clientID + 1, Order: ib.Order{Ref: "gw-y", Quantity: 1}, State: Working}
	d.ledger.intents["gw-x"], d.ledger.ids[orderKey{clientID, 5}] = i, i
	d.ledger.intents["gw-y"], d.ledger.ids[other.key()] = other, other
	// Another program of the same client id has used a higher id.
	foreign := order(1, 90)
	foreign.Ref = "theirs"
	if err := s.Place(500, foreign, ib.Conditions{}); err != nil {
		t.Fatal(err)
	}
	var told []OrderState
	d.ledger.OnChange(func(i Intent) { told = append(told, i.State) })
	reconcile := func(number uint64, want OrderState) {
		t.Helper()
		i.State, d.ledger.sentIn["gw-x"] = Sent, number
		if err := d.ledger.Reconcile(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if i.State != want || other.State != Working {
			t.Errorf("sent in session %d, reconciled in %d: %s, want %s; the order of another client: %s", number,
				s.Number(), i.State, want, other.State)
		}
	}
	reconcile(s.Number(), Sent)
	if log.Len() != 0 || len(told) != 0 {
		t.Errorf("%s, %v", log.String(), told)
	}
	reconcile(s.Number()-1, Unknown)
	if err := d.ledger.Reconcile(t.Context(), s); err != nil { // is asked about again, and told once
		t.Fatal(err)
	}
	if !slices.Equal(told, []OrderState{Unknown}) || strings.Count(log.String(), "is unknown") != 1 {
		t.Errorf("%s, %v", log.String(), told)
	}
	if ids, err := d.ledger.takeIDs(clientID, 1, 1); err != nil || ids[0] != 501 {
		t.Errorf("the next id is %v, %v", ids, err)
	}
	// Where the disk refuses what was found out, the guard has to stay shut.
	d.ledger.Close()
	if err := d.ledger.Reconcile(t.Context(), s); err == nil || !strings.Contains(err.Error(), "write down orders") {
		t.Error(err)
	}
}

// TestExitRefused has Gateway refuse exits of orders that cannot be taken back any more, or not cheaply.
func TestExitRefused(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 3, SpreadFills: true})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	profit := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Limit, Quantity: 6, LimitPrice: 110}
	list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(6, 101), profit, profit}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a part is filled", func() bool { return d.ledger.Intents()[0].Filled == 2 })
	turn(t, g, list[1], sim.Turn{Code: 201, Status: "Inactive"})
	d.state(t, list[1].Order.Ref, Rejected)
	// Of an order that was forgotten, and of one that is done.
	for parent, ref := range map[int64]string{999: "gw-a", 50: "gw-b"} {
		i := &Intent{
			ID: parent + 1, Client: clientID, Order: ib.Order{Ref: ref, Quantity: 1, Parent: parent},
			State: Sent,
		}
		d.ledger.mu.Lock()
		d.ledger.intents[ref], d.ledger.ids[i.key()], d.ledger.sentIn[ref] = i, i, s.Number()
		d.ledger.ids[orderKey{clientID, 50}] = &Intent{ID: 50, Client: clientID, State: Cancelled}
		d.ledger.mu.Unlock()
		g.NoticeFor(int32(i.ID), 201, "")
		d.state(t, ref, Rejected)
		if _, err := s.OpenOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if o := g.State().Orders[0]; o.Status != "Submitted" || o.Filled != 2 {
		t.Errorf("%+v", o)
	}
}

// TestNoAnswer has orders be thrown away on their way into Gateway, as it does with what comes too fast, while the
// session stays: they are unknown after a while, and an order whose exits do not arrive is cancelled.
func TestNoAnswer(t *testing.T) {
	const place = 203
	g := startGateway(t, sim.Config{})
	var orders, swallow atomic.Int64
	port := between(t, g.Port(), func(toGateway bool, id uint32, _ []byte) bool {
		return toGateway && id == place && orders.Add(1) == swallow.Load()
	})
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ledger.patience = 200 * time.Millisecond
	d, err := runDesk(ledger, port, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	s := d.session(t)
	works, err := d.place(s, order(1, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, works.Order.Ref, Working)

	swallow.Store(2)
	lost, err := d.place(s, order(2, 90))
	if err != nil || lost.State != Sent {
		t.Fatalf("%+v, %v", lost, err)
	}
	d.state(t, lost.Order.Ref, Unknown)
	if took := ledger.Intents()[1].Changed.Sub(lost.Changed); took < ledger.patience {
		t.Errorf("asked after %v", took)
	}

	swallow.Store(4) // the exit
	exit := order(1, 110)
	exit.Side = ib.Sell
	list, err := ledger.Place(s, Batch{Orders: []ib.Order{order(1, 90), exit}})
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, list[1].Order.Ref, Unknown)
	d.state(t, list[0].Order.Ref, Cancelled)

	if d.sup.Session() != s {
		t.Error("another session")
	}
	if i := d.state(t, works.Order.Ref, Working); i.Filled != 0 {
		t.Errorf("%+v", i)
	}
	if n := g.State().Counters.Orders; n != 2 {
		t.Errorf("%d orders arrived", n)
	}
	d.stop()
	again := openLedger(t, path)
	for _, i := range again.Intents() {
		if (i.State == Unknown) != (i.Order.Ref == lost.Order.Ref || i.Order.Ref == list[1].Order.Ref) {
			t.Errorf("on disk: %+v", i)
		}
	}
}

// TestAnswerFromBefore has an order be rejected while an answer is on its way that still has it work.
func TestAnswerFromBefore(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	i := &Intent{ID: 41, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 1}, State: Working}
	l.intents["gw-x"], l.ids[i.key()] = i, i
	works := ib.OrderNews{Kind: ib.OrderOpen, ID: 41, Client: clientID, Ref: "gw-x", Status: "Submitted"}
	asked := l.now().Add(-time.Second)
	for _, n := range []ib.OrderNews{
		{Kind: ib.OrderError, ID: 41, Client: clientID, Code: 201, Detail: "no"},
		{Kind: ib.OrderStatus, ID: 41, Client: clientID, Status: "Inactive"},
	} {
		l.Learn(n)
	}
	if listed := l.takeIn([]ib.OrderNews{works}, asked); !listed["gw-x"] {
		t.Errorf("%v", listed)
	}
	if i := l.Intents()[0]; i.State != Rejected || i.Code != 201 || i.Warning {
		t.Errorf("%+v", i)
	}
	l.takeIn([]ib.OrderNews{works}, l.now())
	if i := l.Intents()[0]; i.State != Working {
		t.Errorf("an answer to a later question: %+v", i)
	}
}
