package ledger

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
)

func TestStateAfter(t *testing.T) {
	for err, want := range map[error]OrderState{
		nil: Sent, ib.ErrOrderUnknown: Unknown, ib.ErrSessionOver: NotSent, ib.ErrNotSent: NotSent,
		ib.ErrGatewaySilent: NotSent,
		&ib.GuardError{}:    NotSent,
	} {
		if got := stateAfter(err); got != want {
			t.Errorf("after %v: %s, want %s", err, got, want)
		}
	}
}

// TestNothingIsChangedWhileCancelled asks for changes of an order and its exit while Gateway is asked to cancel the
// order: by the time at which a change arrives it may be gone, and its id free.
func TestNothingIsChangedWhileCancelled(t *testing.T) {
	g := startGateway(t, sim.Config{MaxMessageRate: -1})
	g.DiscardCancels(-1)
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	exit := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Limit, Quantity: 1, LimitPrice: 110}
	list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(1, 90), exit}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		d.state(t, i.Order.Ref, Working)
	}
	if err := d.ledger.Cancel(s, list[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if _, err := d.ledger.Change(s, i.ID, func(o *ib.Order) {
			o.LimitPrice++
		}, nil); !errors.Is(err, ErrNotChanged) {
			t.Errorf("order %d was changed: %v", i.ID, err)
		}
	}
}

// TestOnlyWhatWorksIsChanged asks for changes of orders that Gateway may not have. It would place them again, or let go
// those of a family of which only a part has arrived.
func TestOnlyWhatWorksIsChanged(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDeskThat(t, path, g.Port(), false)
	s := d.session(t)
	state := func(ref string, want OrderState) {
		t.Helper()
		if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
			t.Fatal(err)
		}
		d.ledger.hear(t.Context(), s) // no one else does: the test says what is known
		d.state(t, ref, want)
	}
	dearer := func(o *ib.Order) { o.LimitPrice++ }
	profit := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Limit, Quantity: 1, LimitPrice: 110}
	loss := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Stop, Quantity: 1, StopPrice: 80}
	list, _ := d.ledger.plan(s, Batch{Orders: []ib.Order{order(1, 101), profit, loss}})
	if known, err := d.ledger.writeDown(s, list, nil); !known || err != nil {
		t.Fatal(err)
	}
	send := func(n int) {
		t.Helper()
		if err := s.Place(list[n].ID, list[n].Order, ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, id int64, want error) {
		t.Helper()
		before := g.State().Orders
		if _, err := d.ledger.Change(s, id, dearer, nil); !errors.Is(err, want) {
			t.Errorf("%s was changed: %v", what, err)
		}
		if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
			t.Fatal(err)
		}
		if after := g.State().Orders; !slices.Equal(after, before) {
			t.Errorf("%s: the gateway has %+v", what, after)
		}
	}
	refused("an order on its way", list[0].ID, ErrNotChanged)
	d.ledger.mu.Lock()
	clear(d.ledger.leaving)
	d.ledger.mu.Unlock()
	send(0)
	state(list[0].Order.Ref, Working)
	refused("an order without its exits", list[0].ID, ErrNotChanged)
	send(1)
	state(list[1].Order.Ref, Working)
	refused("an order with one of its exits", list[0].ID, ErrNotChanged)
	refused("one of two exits", list[1].ID, ErrNotChanged)
	send(2)
	state(list[0].Order.Ref, Filled)
	state(list[2].Order.Ref, Working)
	if i, err := d.ledger.Change(s, list[1].ID, func(o *ib.Order) {
		o.LimitPrice = 99
	}, nil); err != nil || wanted(i).LimitPrice != 99 {
		t.Errorf("%+v, %v", i, err)
	}
	state(list[1].Order.Ref, Filled) // Gateway does not hold what was changed
	state(list[2].Order.Ref, Cancelled)

	alone, err := d.place(s, order(2, 90))
	if err != nil {
		t.Fatal(err)
	}
	state(alone.Order.Ref, Working)
	for _, state := range []OrderState{Planned, Sent, Unknown, Filled, Cancelled, Rejected, NotSent} {
		d.ledger.mu.Lock()
		d.ledger.ids[alone.key()].State = state
		d.ledger.mu.Unlock()
		want := ErrNotChanged
		if state.Done() {
			want = ErrNotOpen
		}
		refused("an order that is "+string(state), alone.ID, want)
	}
	d.ledger.mu.Lock()
	d.ledger.ids[alone.key()].State = Working
	d.ledger.mu.Unlock()
	d.ledger.leaving[alone.Order.Ref] = true
	refused("an order that the journal alone has", alone.ID, ErrNotChanged)
	delete(d.ledger.leaving, alone.Order.Ref)
	d.ledger.ids[alone.key()].Client = clientID + 1
	refused("an order of another client id", alone.ID, ErrNotChanged)
	d.ledger.ids[alone.key()].Client = clientID
	d.ledger.ids[alone.key()].Order.Type = "REL" // made that in TWS
	refused("an order of a type that cannot be sent", alone.ID, ErrNotChanged)
	d.ledger.ids[alone.key()].Order.Type = ib.Limit
	refused("an order that there is not", alone.ID+1, ErrNotOpen)
	withdrawn := errors.New("withdrawn")
	if i, err := d.ledger.Change(s, alone.ID, dearer, func() error {
		return withdrawn
	}); !errors.Is(err, withdrawn) || i.ID != 0 {
		t.Errorf("%+v, %v", i, err)
	}
	if o := d.ledger.ids[alone.key()].Order; o.LimitPrice != 90 {
		t.Errorf("%+v", o)
	}
	// What was asked for is on the disk, and no one but Gateway is to say any more how much there is of it.
	// That it was altered is there before its bytes leave.
	var left []string
	if _, err := d.ledger.Change(s, alone.ID, dearer, func() error {
		left = append(left, leave(t, path))
		return nil
	}); err != nil {
		t.Error(err)
	}
	left = append(left, leave(t, path))
	d.stop()
	for n, path := range append(left, path) {
		for _, i := range openLedger(t, path).Intents() {
			if i.ID == alone.ID && wanted(i).LimitPrice != 91 {
				t.Errorf("%d: %+v", n, i)
			}
		}
	}
}

// TestPlaceInPart has a batch go wrong at each of its orders, when its bytes are about to leave.
func TestPlaceInPart(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: 40})
	var told bytes.Buffer
	d := loggedDesk(t, g, &told)
	s := d.session(t)
	batch := func(allowed func(n int) error) Batch {
		n := 0
		return Batch{
			Orders: []ib.Order{order(1, 101), order(2, 90), order(3, 90)},
			Allowed: func() error {
				n++
				return allowed(n)
			},
		}
	}
	answer := func() (list []ib.OrderNews) { // everything that Gateway has said
		t.Helper()
		if _, err := s.OpenOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Orders().Take(nil)
	}
	withdrawn := errors.New("withdrawn")

	// Nothing has left: nothing is cancelled.
	list, err := d.ledger.Place(s, batch(func(int) error { return withdrawn }))
	if !errors.Is(err, withdrawn) || len(list) != 3 || list[0].ID != 40 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, i := range list {
		if i.State != NotSent || i.Detail != "withdrawn" {
			t.Errorf("%+v", i)
		}
	}
	if news := answer(); len(news) != 0 {
		t.Errorf("%+v", news)
	}

	// Two have left: they are cancelled. What Gateway says meanwhile of one counts, not that it was sent.
	list, err = d.ledger.Place(s, batch(func(n int) error {
		switch n {
		case 2:
			for _, i := range d.ledger.Intents() {
				if i.ID == 43 {
					d.ledger.Learn(ib.OrderNews{
						Kind: ib.OrderOpen, ID: i.ID, Client: clientID, Ref: i.Order.Ref,
						Status: "PreSubmitted", PermID: 9,
					})
				}
			}
		case 3:
			return withdrawn
		}
		return nil
	}))
	if !errors.Is(err, withdrawn) || list[0].State != Working || list[0].Detail != "" || list[1].State != Sent ||
		list[1].Detail != "" || list[2].State != NotSent || list[2].Detail != "withdrawn" {
		t.Errorf("%+v, %v", list, err)
	}
	if list[1].Changed.Equal(list[1].At) || list[2].Changed.Equal(list[2].At) {
		t.Errorf("%+v", list)
	}
	answer()
	for _, o := range g.State().Orders {
		if o.Status != "Cancelled" || o.Filled != 0 {
			t.Errorf("%+v", o)
		}
	}
	if told.Len() != 0 {
		t.Error(told.String())
	}

	// The session ends behind the first: it cannot be cancelled, and Gateway holds it. It is known that the others have
	// not left.
	list, err = d.ledger.Place(s, batch(func(n int) error {
		if n == 2 {
			for end := time.Now().Add(ibtest.Patience); len(g.State().Orders) < 3 &&
				time.Now().Before(end); time.Sleep(time.Millisecond) {
			}
			g.Drop()
			<-s.Done()
			return ib.ErrSessionOver
		}
		return nil
	}))
	if !errors.Is(err, ib.ErrSessionOver) || list[0].State != Sent || list[1].State != NotSent ||
		list[2].State != NotSent {
		t.Errorf("%+v, %v", list, err)
	}
	if !strings.Contains(told.String(), "an order without its exits stays in Gateway") {
		t.Errorf("%q", told.String())
	}
	if o := g.State().Orders[2]; o.Status != "PreSubmitted" || o.Filled != 0 {
		t.Errorf("%+v", o)
	}
}

// TestKilledWhileItLeaves looks at the disk as it is when a program is killed between two orders of a batch, of which
// Gateway has mentioned the first: all of the batch is there, and its notes.
func TestKilledWhileItLeaves(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDeskThat(t, path, g.Port(), false)
	s := d.session(t)
	var left []string
	asked := 0
	list, err := d.ledger.Place(s, Batch{
		Orders: []ib.Order{order(1, 90), order(2, 90)}, Notes: note("a", "1"),
		Allowed: func() error {
			if asked++; asked < 2 {
				return nil
			}
			first := d.ledger.Intents()[0]
			if _, news := d.ledger.Learn(ib.OrderNews{
				Kind: ib.OrderOpen, ID: first.ID, Client: clientID,
				Ref: first.Order.Ref, Status: "PreSubmitted",
			}); !news {
				t.Error("it was known already")
			}
			if _, err := d.ledger.Change(s, first.ID, func(*ib.Order) {}, nil); !errors.Is(err, ErrNotChanged) {
				t.Errorf("changed while it leaves: %v", err)
			}
			left = append(left, leave(t, path))
			if err := d.ledger.flush(nil); err != nil { // which may happen at any time
				t.Error(err)
			}
			left = append(left, leave(t, path))
			return nil
		},
	})
	if err != nil || len(list) != 2 || list[0].State != Working || list[1].State != Sent {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := d.ledger.flush(nil); err != nil {
		t.Fatal(err)
	}
	if l := d.ledger; len(l.leaving) != 0 || len(l.dirty) != 0 || l.journal.used != [2]int64{} {
		t.Errorf("%v still leave, %+v", l.leaving, l.journal)
	}
	d.stop()
	for path, want := range map[string][2]OrderState{
		left[0]: {Working, Planned}, left[1]: {Working, Planned},
		path: {Working, Sent},
	} {
		l := openLedger(t, path)
		notes, err := l.Notes()
		if err != nil || string(notes["a"]) != "1" {
			t.Errorf("%q, %v", notes, err)
		}
		if got := l.Intents(); len(got) != 2 || got[0].State != want[0] || got[1].State != want[1] {
			t.Errorf("%+v, want %v", got, want)
		}
	}
}

// TestLostWhileItLeaves has a newer session find no trace of an order that is still leaving through an older one: it is
// unknown, unless it is sure that it did not leave.
func TestLostWhileItLeaves(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDeskThat(t, filepath.Join(t.TempDir(), "orders.db"), g.Port(), false)
	s := d.session(t)
	for want, result := range map[OrderState]error{NotSent: errors.New("withdrawn"), Unknown: nil} {
		list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(1, 90)}, Allowed: func() error {
			d.ledger.settle(s, d.ledger.now(), nil, func(_ string, i *Intent) bool { return i.State == Planned })
			return result
		}})
		if !errors.Is(err, result) || len(list) != 1 || list[0].State != want {
			t.Errorf("%+v, %v, want %s", list, err, want)
		}
	}
}

// TestWhole is about families of which not all has arrived.
func TestWhole(t *testing.T) {
	for _, c := range []struct {
		last   OrderState
		filled float64
		want   bool
	}{
		{Working, 0, true},
		{Filled, 0, true},
		{Cancelled, 0, true},
		{Planned, 0, false},
		{Sent, 0, false},
		{Unknown, 0, false},
		{NotSent, 0, false},
		{Rejected, 0, false},
		{Rejected, 1, true}, // what Gateway has filled, it does not hold
	} {
		l := &Ledger{intents: map[string]*Intent{}, ids: map[orderKey]*Intent{}}
		for id, state := range []OrderState{Working, Working, c.last, Planned, Working} {
			i := &Intent{ID: 5 + int64(id), State: state, Filled: c.filled}
			switch id {
			case 1, 2:
				i.Order.Parent = 5
			case 4:
				i.Order.Parent = 8
			}
			l.intents[string(rune('a'+id))], l.ids[i.key()] = i, i
		}
		for id := range int64(3) {
			if got := l.whole(l.ids[orderKey{0, 5 + id}]); got != c.want {
				t.Errorf("the last of a family is %s, %v of the first is filled: whole is %v for the %d.", c.last,
					c.filled, got, id+1)
			}
		}
		delete(l.ids, orderKey{0, 5}) // it was forgotten, since it was done long ago
		if got := l.whole(l.ids[orderKey{0, 6}]); got != (c.want && c.filled == 0) {
			t.Errorf("the last of a family is %s, the first is forgotten: whole is %v", c.last, got)
		}
	}
}

// TestClientIDOfTheSession changes the client id while orders are placed: each order is remembered under the id that
// placed it.
func TestClientIDOfTheSession(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	before := d.session(t)
	first, err := d.place(before, order(1, 90))
	if err != nil || first.Client != clientID {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := d.sup.Configure(t.Context(), conntest.Config(g.Port(), clientID+1, d.ledger.Reconcile)); err != nil {
		t.Fatal(err)
	}
	after := d.session(t)
	second, err := d.place(after, order(1, 90))
	if err != nil || second.Client != clientID+1 || after.ClientID() != clientID+1 || before.ClientID() != clientID {
		t.Errorf("%+v, %v", second, err)
	}
	if _, err := d.ledger.Change(after, first.ID, func(o *ib.Order) {
		o.LimitPrice++
	}, nil); !errors.Is(err, ErrNotChanged) {
		t.Errorf("a change of an order of the other client id: %v", err)
	}
}

// TestNoChange asks for an order to become what it is: nothing is sent, and nothing is expected.
func TestNoChange(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	i := d.rests(t, s)
	g.FaultOrders(sim.OrderFault{Change: true, Refuse: true, Turn: sim.Turn{Code: 201}})
	price := i.Order.LimitPrice
	change := func(o *ib.Order) { o.LimitPrice = price }
	if now, err := d.ledger.Change(s, i.ID, change, nil); err != nil || now.Asked != nil {
		t.Errorf("%+v, %v", now, err)
	}
	price--
	if _, err := d.ledger.Change(s, i.ID, change, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first change that is one is refused", func() bool { return d.intent(i).Refused != nil })
}
