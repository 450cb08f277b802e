package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// enquired is what a gateway was asked, in the order in which it was.
func enquired(t *testing.T, g *sim.Gateway) (port int, take func() string) {
	names := map[uint32]string{205: "open", 207: "executions", 299: "completed"}
	asked := make(chan string, 100)
	port = between(t, g.Port(), func(toGateway bool, id uint32, _ []byte) bool {
		if name := names[id]; toGateway && name != "" {
			asked <- name
		}
		return false
	})
	return port, func() string {
		var list []string
		for len(asked) > 0 {
			list = append(list, <-asked)
		}
		return strings.Join(list, " ")
	}
}

// hold has the ledger hold an order.
func (l *Ledger) hold(i Intent) *Intent {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i.Order.Quantity == 0 {
		i.Order.Quantity = 1
	}
	l.intents[i.Order.Ref], l.ids[orderKey{i.Client, i.ID}] = &i, &i
	return &i
}

// TestReconcileAsks for no more than what settles every order, and always for open orders.
func TestReconcileAsks(t *testing.T) {
	g := startGateway(t, sim.Config{})
	port, asked := enquired(t, g)
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), port)
	s := d.session(t)
	if got := asked(); got != "open" {
		t.Errorf("at READY, without an order: %s", got)
	}
	works, err := d.place(s, order(1, 50))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, works.Order.Ref, Working)
	reconcile := func(want string) {
		t.Helper()
		if err := d.ledger.Reconcile(t.Context(), s); err != nil {
			t.Error(err)
		}
		if got := asked(); got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	}
	reconcile("open executions")
	for _, done := range []Intent{{State: Filled, Client: clientID}, {State: Sent, Client: clientID + 1}} {
		done.ID, done.Order.Ref = 900, "gw-other"
		d.ledger.hold(done)
		reconcile("open executions")
	}
	d.ledger.hold(Intent{ID: 900, Client: clientID, Order: ib.Order{Ref: "gw-other"}, State: Planned})
	reconcile("open executions completed")
	d.state(t, "gw-other", Unknown)
	reconcile("open executions completed") // Gateway may tell of it yet
	d.ledger.silent.Store(1)
	reconcile("open executions")
}

// TestAwaitsWhatIsInDoubt has an order be filled, and larger by now than what was: Gateway may count it among the
// cancelled ones.
func TestAwaitsWhatIsInDoubt(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	defer l.Close()
	i := l.hold(Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 5}, State: Filled, Filled: 5})
	if l.awaits(clientID, nil) {
		t.Error("something may be learned of what is certain")
	}
	if i.learn(open("Submitted", 8, 0), l.now()); !l.awaits(clientID, nil) || i.State != Filled {
		t.Errorf("nothing may be learned of %+v", i)
	}
}

// TestReconcileInItsSession has IBKR be away and come back. Gateway has confirmed an order before, and has no trace of
// it now: it does not work any more, for all that is known.
func TestReconcileInItsSession(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	g.FaultOrders(sim.OrderFault{Hide: true})
	i, err := d.place(s, order(1, 50))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, i.Order.Ref, Working)
	if err := d.ledger.Reconcile(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if i = d.intent(i); i.State != Unknown {
		t.Errorf("%+v", i)
	}
}

// TestQuestionsOfTheLedger has each question stay unanswered or be refused: then nothing is concluded of what it could
// have told.
func TestQuestionsOfTheLedger(t *testing.T) {
	for q, want := range map[sim.Question]string{
		sim.OpenOrders: "ask for open orders", sim.CompletedOrders: "ask for completed orders",
		sim.Executions: "ask for executions",
	} {
		g := startGateway(t, sim.Config{})
		d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
		s := d.session(t)
		sent := d.ledger.hold(Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x"}, State: Sent})
		if err := g.LeaveUnanswered(q, 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.ledger.Reconcile(ctx, s) }()
		eventually(t, "it is asked", func() bool { return len(g.State().Faults) == 0 })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to %s", err, want)
		}
		if sent.State != Sent {
			t.Errorf("%+v", sent)
		}
		g.ReadOnly(true)
		var refused *ib.RequestError
		if err := d.ledger.Reconcile(t.Context(), s); !errors.As(err, &refused) || refused.Code != 321 ||
			sent.State != Sent {
			t.Errorf("%v; %+v", err, sent)
		}
		g.ReadOnly(false)
		if err := d.ledger.Reconcile(t.Context(), s); err != nil || sent.State != Unknown {
			t.Errorf("%v; %+v", err, sent)
		}
	}
}

// TestReadOnlyBeforeAnyOrder has the API be read-only while there is nothing to compare.
func TestReadOnlyBeforeAnyOrder(t *testing.T) {
	g := startGateway(t, sim.Config{})
	g.ReadOnly(true)
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	eventually(t, "it is said", func() bool {
		n := d.sup.Snapshot()
		return n.Guard == ib.GuardReadOnly && n.State == conn.Degraded && n.Cause == ib.CauseReadOnly
	})
	if _, err := d.place(d.sup.Session(), order(1, 50)); err == nil {
		t.Error("an order left")
	}
}

// TestReadOnlyLater has the API become read-only during a session: the order that is refused tells.
func TestReadOnlyLater(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	g.ReadOnly(true)
	i, err := d.place(s, order(1, 50))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, i.Order.Ref, Rejected)
	eventually(t, "the guard is closed", func() bool { return d.sup.Snapshot().Guard == ib.GuardReadOnly })
}

// TestCompletedOrdersNeverCome has Gateway never answer about completed orders, as some do. An order that only they
// could tell of is unknown after some attempts, and is told of; one that is found elsewhere is not held up by it.
func TestCompletedOrdersNeverCome(t *testing.T) {
	t.Parallel() // it waits for the limit of two questions
	l, err := Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := startGateway(t, sim.Config{})
	if err := g.LeaveUnanswered(sim.CompletedOrders, -1); err != nil {
		t.Fatal(err)
	}
	d, err := runDesk(l, g.Port(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	s := d.session(t)
	works, err := d.place(s, order(1, 50))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, works.Order.Ref, Working)
	if err := l.Reconcile(t.Context(), s); err != nil {
		t.Errorf("with every order among the open ones: %v", err)
	}
	gone := l.hold(Intent{ID: 900, Client: clientID, Order: ib.Order{Ref: "gw-gone"}, State: Working})
	var told []string
	l.OnChange(func(i Intent) { told = append(told, fmt.Sprint(i.Order.Ref, " ", i.State)) })
	l.silent.Store(completedTries - 1)
	for _, want := range []bool{true, false} {
		unanswered := (*ib.UnansweredError)(nil)
		err := l.Reconcile(t.Context(), s)
		if errors.As(err, &unanswered) != want || want && unanswered.Question != ib.QuestionCompletedOrders ||
			!want && err != nil {
			t.Errorf("%v", err)
		}
		if want != (gone.State == Working) {
			t.Errorf("%+v", gone)
		}
	}
	if !slices.Contains(told, "gw-gone unknown") {
		t.Errorf("told: %v", told)
	}
	if err := l.Reconcile(t.Context(), s); err != nil {
		t.Errorf("with an order that is unknown: %v", err)
	}
}

// TestSearchFails has Gateway throw an order away, and not answer the question about it: the guard closes until it
// answers.
func TestSearchFails(t *testing.T) {
	t.Parallel() // it waits for the limit of a question
	const place = 203
	g := startGateway(t, sim.Config{})
	port := between(t, g.Port(), func(toGateway bool, id uint32, _ []byte) bool { return toGateway && id == place })
	l, err := Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.patience = 200 * time.Millisecond
	d, err := runDesk(l, port, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	s := d.session(t)
	if err := g.LeaveUnanswered(sim.OpenOrders, 2); err != nil { // the search, and the look that follows it
		t.Fatal(err)
	}
	lost, err := d.place(s, order(1, 50))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the guard is closed", func() bool { return d.sup.Snapshot().Guard == ib.GuardReconciling })
	if i := d.state(t, lost.Order.Ref, Sent); i.State != Sent {
		t.Errorf("%+v", i)
	}
	d.session(t)
	d.state(t, lost.Order.Ref, Unknown)
	if n := d.sup.Snapshot().Session; n != s.Number() {
		t.Errorf("session %d", n)
	}
}
