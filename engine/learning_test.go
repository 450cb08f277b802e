package engine

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

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

// TestGatewayKnowsNothing has the ledger hold an order of which Gateway has no trace, and a Gateway that hands out ids anew.
func TestGatewayKnowsNothing(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: 3})
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := OpenLedger(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// As a crash between writing down and sending leaves it.
	o := order(1, 90)
	o.Ref = "gw-lost"
	ledger.floor = 41
	if err := ledger.put(0, ledger.floor, nil, &Intent{ID: 41, Client: clientID, At: ledger.now(), Changed: ledger.now(), Order: o, Fate: Planned}); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLedger(path, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it was opened twice")
	}
	ledger.Close()
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	d.fate(t, "gw-lost", Unknown)
	next, err := d.place(s, order(1, 90))
	if err != nil || next.ID != 42 {
		t.Errorf("%+v, %v", next, err)
	}
	// Should Gateway tell of it after all, it is known again.
	if i, news := d.ledger.Learn(conn.OrderNews{Kind: conn.OrderOpen, ID: 41, Client: clientID, Ref: "gw-lost", PermID: 7, Status: "Submitted"}); !news || i.Fate != Working {
		t.Errorf("%+v, %v", i, news)
	}
}

// TestReconcileAlone has nobody follow what a session says: when the guard opens, everything is known all the same.
func TestReconcileAlone(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 2})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	place := func(o conn.Order) Intent {
		t.Helper()
		i, err := d.place(s, o)
		if err != nil {
			t.Fatal(err)
		}
		return d.fate(t, i.Order.Ref, Working)
	}
	rests, fills, gone := place(order(1, 80)), place(order(2, 95)), place(order(3, 70))
	d.stop()

	// Somebody else with this client id cancels one, and the market fills another.
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
	want := map[string]Fate{rests.Order.Ref: Working, fills.Order.Ref: Filled, gone.Order.Ref: Cancelled}
	for _, i := range d.ledger.Intents() {
		if i.Fate != want[i.Order.Ref] || i.Fate == Filled && (i.Filled != 2 || len(i.Shares) != 2) {
			t.Errorf("%+v, want %s", i, want[i.Order.Ref])
		}
	}
}

// TestFollowsLate has an order filled after reconciling, and before anybody follows the session.
func TestFollowsLate(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	i, err := d.place(d.session(t), order(1, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.fate(t, i.Order.Ref, Working)
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
	if _, err := s.Details(ctx, stocks[0].Contract); err != nil {
		t.Fatal(err)
	}
	go d.ledger.Follow(ctx, s)
	d.fate(t, i.Order.Ref, Filled)
}

// TestStillOnItsWay reconciles while an order of this very session has not been acknowledged, as after 1102.
func TestStillOnItsWay(t *testing.T) {
	g := startGateway(t, sim.Config{})
	var log bytes.Buffer
	ledger, err := OpenLedger(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := runDesk(ledger, g.Port(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	s := d.session(t)
	i := &Intent{ID: 5, Client: clientID, Order: conn.Order{Ref: "gw-x", Quantity: 1}, Fate: Sent}
	other := &Intent{ID: 6, Client: clientID + 1, Order: conn.Order{Ref: "gw-y", Quantity: 1}, Fate: Working}
	d.ledger.intents["gw-x"], d.ledger.ids[orderKey{clientID, 5}] = i, i
	d.ledger.intents["gw-y"], d.ledger.ids[other.key()] = other, other
	// Another program of the same client id has used a higher id.
	foreign := order(1, 90)
	foreign.Ref = "theirs"
	if err := s.Place(500, foreign); err != nil {
		t.Fatal(err)
	}
	var told []Fate
	d.ledger.OnChange(func(i Intent) { told = append(told, i.Fate) })
	reconcile := func(number uint64, want Fate) {
		t.Helper()
		i.Fate, d.ledger.sentIn["gw-x"] = Sent, number
		if err := d.ledger.Reconcile(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if i.Fate != want || other.Fate != Working {
			t.Errorf("sent in session %d, reconciled in %d: %s, want %s; the order of another client: %s", number, s.Number(), i.Fate, want, other.Fate)
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
	if !slices.Equal(told, []Fate{Unknown}) || strings.Count(log.String(), "is unknown") != 1 {
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

// TestLearn plays what Gateway says to a single order.
func TestLearn(t *testing.T) {
	status := func(s string, filled float64) conn.OrderNews {
		return conn.OrderNews{Kind: conn.OrderStatus, ID: 5, Client: clientID, Status: s, Filled: filled}
	}
	fill := func(id string, shares, total float64) conn.OrderNews {
		return conn.OrderNews{Kind: conn.OrderFilled, Ref: "gw-x", Execution: id, Filled: shares, Total: total}
	}
	failure := func(code int) conn.OrderNews { return conn.OrderNews{Kind: conn.OrderError, ID: 5, Code: code} }
	type play struct {
		news   []conn.OrderNews
		want   Fate
		filled float64
	}
	run := func(name string, altered bool, c play) {
		i := &Intent{ID: 5, Client: clientID, Order: conn.Order{Ref: "gw-x", Quantity: 10}, Fate: Sent, Altered: altered}
		for _, n := range c.news {
			i.learn(n, time.Now())
		}
		if i.Fate != c.want || i.Filled != c.filled {
			t.Errorf("%s: %s, %v filled; want %s, %v", name, i.Fate, i.Filled, c.want, c.filled)
		}
	}
	for name, c := range map[string]play{
		"nothing":                      {nil, Sent, 0},
		"acknowledged":                 {[]conn.OrderNews{status("PreSubmitted", 0)}, Working, 0},
		"filled by status":             {[]conn.OrderNews{status("Submitted", 4), status("Filled", 10)}, Filled, 10},
		"filled by fills":              {[]conn.OrderNews{fill("a.01", 4, 4), fill("b.01", 6, 10)}, Filled, 10},
		"fills told twice":             {[]conn.OrderNews{fill("a.01", 4, 0), fill("a.01", 4, 0), fill("a.01", 4, 0)}, Working, 4},
		"a correction":                 {[]conn.OrderNews{fill("a.01", 4, 0), fill("a.02", 5, 0)}, Working, 5},
		"fills in disorder":            {[]conn.OrderNews{fill("b.01", 6, 10), fill("a.01", 4, 4)}, Filled, 10},
		"part, then cancelled":         {[]conn.OrderNews{fill("a.01", 4, 4), status("Cancelled", 4)}, Cancelled, 4},
		"cancelled, then a late fill":  {[]conn.OrderNews{status("Cancelled", 0), fill("a.01", 10, 10)}, Filled, 10},
		"cancelled stays so":           {[]conn.OrderNews{status("Cancelled", 0), status("Submitted", 0)}, Cancelled, 0},
		"filled stays so":              {[]conn.OrderNews{status("Filled", 10), status("Cancelled", 10), failure(201)}, Filled, 10},
		"rejected":                     {[]conn.OrderNews{failure(201)}, Rejected, 0},
		"rejected while it worked":     {[]conn.OrderNews{status("Submitted", 0), failure(201)}, Rejected, 0},
		"rejected, so inactive":        {[]conn.OrderNews{failure(201), status("Inactive", 0)}, Rejected, 0},
		"inactive, then rejected":      {[]conn.OrderNews{status("Inactive", 0), failure(201)}, Rejected, 0},
		"inactive at the exchange":     {[]conn.OrderNews{status("Submitted", 0), status("Inactive", 0)}, Working, 0},
		"a change was refused":         {[]conn.OrderNews{status("Submitted", 0), failure(110)}, Working, 0},
		"cancelled by error":           {[]conn.OrderNews{failure(202)}, Cancelled, 0},
		"a warning":                    {[]conn.OrderNews{failure(399), failure(2109)}, Sent, 0},
		"cancelling was refused":       {[]conn.OrderNews{status("Submitted", 0), failure(10148)}, Working, 0},
		"inactive from the first":      {[]conn.OrderNews{status("Inactive", 0)}, Working, 0},
		"without a status":             {[]conn.OrderNews{status("", 3)}, Sent, 3},
		"working without a status":     {[]conn.OrderNews{status("Submitted", 0), status("", 3)}, Working, 3},
		"the last of the warnings":     {[]conn.OrderNews{failure(2100), failure(2199)}, Sent, 0},
		"an error below the warnings":  {[]conn.OrderNews{failure(2099)}, Rejected, 0},
		"an error above the warnings":  {[]conn.OrderNews{failure(2200)}, Rejected, 0},
		"rejected, but Gateway has it": {[]conn.OrderNews{failure(321), status("Submitted", 0)}, Working, 0},
	} {
		run(name, false, c)
	}
	// When a change was asked for, nobody but Gateway knows the quantity, and a rejection may be about the change.
	for name, c := range map[string]play{
		"a change was rejected":      {[]conn.OrderNews{status("Submitted", 0), failure(201)}, Working, 0},
		"as much as was asked for":   {[]conn.OrderNews{status("Submitted", 4), fill("a.01", 6, 10)}, Working, 10},
		"filled, as Gateway says":    {[]conn.OrderNews{fill("a.01", 6, 10), status("Filled", 10)}, Filled, 10},
		"filled stays so":            {[]conn.OrderNews{status("Filled", 9), status("Submitted", 9), status("Cancelled", 9)}, Filled, 9},
		"cancelled, then filled":     {[]conn.OrderNews{status("Cancelled", 9), status("Filled", 9)}, Filled, 9},
		"cancelled, as Gateway says": {[]conn.OrderNews{status("Submitted", 0), failure(202)}, Cancelled, 0},
	} {
		run(name, true, c)
	}
}

// TestLearnSaysWhatIsNew tells an intent one thing after the other.
func TestLearnSaysWhatIsNew(t *testing.T) {
	i := &Intent{ID: 5, Client: clientID, Order: conn.Order{Ref: "gw-x", Quantity: 10}, Fate: Planned}
	for n, c := range []struct {
		news     conn.OrderNews
		is       bool
		quantity float64
	}{
		{conn.OrderNews{Kind: conn.OrderOpen, Status: "Submitted", Quantity: 10}, true, 10},
		{conn.OrderNews{Kind: conn.OrderOpen, Status: "Submitted", Quantity: 10}, false, 10},
		{conn.OrderNews{Kind: conn.OrderOpen, Status: "Submitted", Quantity: 10, PermID: 7}, true, 10},
		{conn.OrderNews{Kind: conn.OrderOpen, Status: "Submitted", Quantity: 12}, true, 12},
		{conn.OrderNews{Kind: conn.OrderOpen, Status: "Submitted"}, false, 12},
		{conn.OrderNews{Kind: conn.OrderStatus, Status: "Submitted", Quantity: 3}, false, 12},
		{conn.OrderNews{Kind: conn.OrderStatus, Status: "Submitted", Filled: 4}, true, 12},
		{conn.OrderNews{Kind: conn.OrderFilled, Execution: "a.01", Filled: 4, Total: 4}, true, 12},
		{conn.OrderNews{Kind: conn.OrderFilled, Execution: "a.01", Filled: 4, Total: 4}, false, 12},
		{conn.OrderNews{Kind: conn.OrderError, Code: 399}, false, 12},
		{conn.OrderNews{Kind: conn.OrderCompleted, Status: "Cancelled", Quantity: 1}, true, 12},
	} {
		at := time.Unix(int64(100+n), 0)
		if is := i.learn(c.news, at); is != c.is || i.Order.Quantity != c.quantity || i.Changed.Equal(at) != c.is {
			t.Errorf("%d: %+v is news: %v; %+v", n, c.news, is, i)
		}
	}
	for fate, want := range map[Fate]Fate{Planned: Rejected, Sent: Rejected, Working: Working, Unknown: Unknown, Cancelled: Cancelled} {
		i := &Intent{Order: conn.Order{Quantity: 10}, Fate: fate}
		if i.learn(conn.OrderNews{Kind: conn.OrderError, Code: 110}, time.Now()); i.Fate != want {
			t.Errorf("%s, then refused: %s", fate, i.Fate)
		}
	}
	odd := &Intent{Fate: Sent} // an order for an amount of money has no quantity
	if odd.learn(conn.OrderNews{Kind: conn.OrderStatus, Status: "Submitted"}, time.Now()); odd.Fate != Working {
		t.Errorf("%+v", odd)
	}
}

// TestExitRefused has Gateway refuse exits of orders that cannot be taken back any more, or not cheaply.
func TestExitRefused(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 3, SpreadFills: true})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	profit := conn.Order{Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Limit, Quantity: 6, LimitPrice: 110}
	list, err := d.ledger.Place(s, Batch{Orders: []conn.Order{order(6, 101), profit, profit}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a part is filled", func() bool { return d.ledger.Intents()[0].Filled == 2 })
	g.NoticeFor(int32(list[1].ID), 201, "")
	d.fate(t, list[1].Order.Ref, Rejected)
	// Of an order that was forgotten, and of one that is done.
	for parent, ref := range map[int64]string{999: "gw-a", 50: "gw-b"} {
		i := &Intent{ID: parent + 1, Client: clientID, Order: conn.Order{Ref: ref, Quantity: 1, Parent: parent}, Fate: Sent}
		d.ledger.mu.Lock()
		d.ledger.intents[ref], d.ledger.ids[i.key()], d.ledger.sentIn[ref] = i, i, s.Number()
		d.ledger.ids[orderKey{clientID, 50}] = &Intent{ID: 50, Client: clientID, Fate: Cancelled}
		d.ledger.mu.Unlock()
		g.NoticeFor(int32(i.ID), 201, "")
		d.fate(t, ref, Rejected)
		if _, err := s.OpenOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if o := g.State().Orders[0]; o.Status != "Submitted" || o.Filled != 2 {
		t.Errorf("%+v", o)
	}
}

// TestNoAnswer has orders be thrown away on their way into Gateway, as it does with what comes too fast, while the session stays:
// they are unknown after a while, and an order whose exits do not arrive is cancelled.
func TestNoAnswer(t *testing.T) {
	const place = 203
	g := startGateway(t, sim.Config{})
	var orders, swallow atomic.Int64
	port := between(t, g.Port(), func(toGateway bool, id uint32, _ []byte) bool {
		return toGateway && id == place && orders.Add(1) == swallow.Load()
	})
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := OpenLedger(path, slog.New(slog.DiscardHandler))
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
	d.fate(t, works.Order.Ref, Working)

	swallow.Store(2)
	lost, err := d.place(s, order(2, 90))
	if err != nil || lost.Fate != Sent {
		t.Fatalf("%+v, %v", lost, err)
	}
	d.fate(t, lost.Order.Ref, Unknown)
	if took := ledger.Intents()[1].Changed.Sub(lost.Changed); took < ledger.patience {
		t.Errorf("asked after %v", took)
	}

	swallow.Store(4) // the exit
	exit := order(1, 110)
	exit.Side = conn.Sell
	list, err := ledger.Place(s, Batch{Orders: []conn.Order{order(1, 90), exit}})
	if err != nil {
		t.Fatal(err)
	}
	d.fate(t, list[1].Order.Ref, Unknown)
	d.fate(t, list[0].Order.Ref, Cancelled)

	if d.sup.Session() != s {
		t.Error("another session")
	}
	if i := d.fate(t, works.Order.Ref, Working); i.Filled != 0 {
		t.Errorf("%+v", i)
	}
	if n := g.State().Counters.Orders; n != 2 {
		t.Errorf("%d orders arrived", n)
	}
	d.stop()
	again := openLedger(t, path)
	for _, i := range again.Intents() {
		if (i.Fate == Unknown) != (i.Order.Ref == lost.Order.Ref || i.Order.Ref == list[1].Order.Ref) {
			t.Errorf("on disk: %+v", i)
		}
	}
}
