package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

const (
	clientID       = 17
	ledgerPatience = 30 * time.Second
)

// desk is a ledger on a supervisor.
type desk struct {
	ledger *Ledger
	sup    *conn.Supervisor
	stop   func()
}

// openDesk runs a supervisor whose guard waits for the ledger at a path.
func openDesk(path string, port int, follow bool) (*desk, error) {
	ledger, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return runDesk(ledger, port, follow)
}

func runDesk(ledger *Ledger, port int, follow bool) (*desk, error) {
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: port, ClientID: clientID, Mode: conn.AnyMode, ConnectTimeout: 10 * time.Second,
		Poll: time.Second, Soft: 1500 * time.Millisecond, Hard: 10 * time.Second,
		Delays: []time.Duration{5 * time.Millisecond}, Stable: 10 * time.Second, WatchLocalPort: true,
		Reconcile: ledger.Reconcile,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.Join(err, ledger.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sup.Run(ctx) })
	running.Go(func() {
		news, end := sup.Subscribe()
		defer end()
		var last *conn.Session
		for {
			select {
			case <-ctx.Done():
				return
			case <-news:
			}
			if s := sup.Session(); follow && s != nil && s != last {
				last = s
				running.Go(func() { ledger.Follow(ctx, s) })
			}
		}
	})
	return &desk{ledger, sup, func() {
		cancel()
		running.Wait()
		ledger.Close()
	}}, nil
}

func newDesk(t *testing.T, path string, port int) *desk {
	t.Helper()
	return newDeskThat(t, path, port, true)
}

func newDeskThat(t *testing.T, path string, port int, follows bool) *desk {
	t.Helper()
	d, err := openDesk(path, port, follows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	return d
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(ledgerPatience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// place sends one order.
func (d *desk) place(s *conn.Session, o conn.Order) (Intent, error) {
	list, err := d.ledger.Place(s, Batch{Orders: []conn.Order{o}})
	if len(list) == 0 {
		return Intent{}, err
	}
	return list[0], err
}

// session waits for one whose guard is open.
func (d *desk) session(t *testing.T) (s *conn.Session) {
	t.Helper()
	eventually(t, "the guard is open", func() bool {
		s = d.sup.Session()
		return s != nil && s.Guard() == nil
	})
	return s
}

// fate waits until an order has a fate.
func (d *desk) fate(t *testing.T, ref string, want Fate) (found Intent) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s is %s; it is %s", ref, want, found.Fate), func() bool {
		for _, i := range d.ledger.Intents() {
			if i.Order.Ref == ref {
				found = i
			}
		}
		return found.Fate == want
	})
	return found
}

func startGateway(t *testing.T, cfg sim.Config) *sim.Gateway {
	t.Helper()
	cfg.Farms = []sim.Farm{}
	g, err := sim.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	if err := g.SetPrice("AAPL", 100); err != nil {
		t.Fatal(err)
	}
	return g
}

func do(t *testing.T, g *sim.Gateway, verb string, params map[string]string) {
	t.Helper()
	if _, err := g.Do(verb, params); err != nil {
		t.Fatal(err)
	}
}

// order is a limit order to buy; the ask is 100.01.
func order(quantity, limit float64) conn.Order {
	return conn.Order{Contract: stocks[0].Contract, Side: conn.Buy, Type: conn.Limit, Quantity: quantity, LimitPrice: limit}
}

func TestFates(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 4})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)

	filled, err := d.place(s, order(8, 101))
	if err != nil || filled.ID < 1 || filled.Order.Ref == "" {
		t.Fatalf("%+v, %v", filled, err)
	}
	if i := d.fate(t, filled.Order.Ref, Filled); i.Filled != 8 || len(i.Shares) != 4 || i.PermID == 0 {
		t.Errorf("%+v", i)
	}
	refused, err := d.place(s, order(1, 90.001))
	if err != nil {
		t.Fatal(err)
	}
	if i := d.fate(t, refused.Order.Ref, Rejected); i.Code != 110 || i.Detail == "" {
		t.Errorf("%+v", i)
	}
	works, err := d.place(s, order(2, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.fate(t, works.Order.Ref, Working)
	gone, err := d.place(s, order(3, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.fate(t, gone.Order.Ref, Working)
	if err := s.Cancel(gone.ID); err != nil {
		t.Fatal(err)
	}
	d.fate(t, gone.Order.Ref, Cancelled)
	// What makes no sense is not written down; what may not leave after all was.
	if bad, err := d.place(s, order(0, 90)); err == nil || bad.ID != 0 {
		t.Errorf("%+v, %v", bad, err)
	}
	withdrawn := errors.New("withdrawn")
	list, err := d.ledger.Place(s, Batch{Orders: []conn.Order{order(1, 90)}, Allowed: func() error { return withdrawn }})
	if !errors.Is(err, withdrawn) || len(list) != 1 || list[0].Fate != NotSent || list[0].Detail != "withdrawn" {
		t.Fatalf("%+v, %v", list, err)
	}
	bad := list[0]
	if !(filled.ID < refused.ID && refused.ID < works.ID && works.ID < gone.ID && gone.ID < bad.ID) {
		t.Errorf("ids %d, %d, %d, %d, %d", filled.ID, refused.ID, works.ID, gone.ID, bad.ID)
	}

	// Nothing is placed while the guard is shut, and nothing written down.
	do(t, g, "1100", nil)
	eventually(t, "the guard is shut", func() bool { return s.Guard() != nil })
	var shut *conn.GuardError
	if _, err := d.place(s, order(1, 90)); !errors.As(err, &shut) || len(d.ledger.Intents()) != 5 {
		t.Errorf("%v, %d intents", err, len(d.ledger.Intents()))
	}

	// What happens while nobody listens is learnt at the next start.
	d.stop()
	do(t, g, "1102", nil)
	if err := g.SetPrice("AAPL", 89); err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, path, g.Port())
	d.session(t)
	if i := d.fate(t, works.Order.Ref, Filled); i.Filled != 2 {
		t.Errorf("%+v", i)
	}
	for ref, want := range map[string]Fate{filled.Order.Ref: Filled, refused.Order.Ref: Rejected, gone.Order.Ref: Cancelled, bad.Order.Ref: NotSent} {
		d.fate(t, ref, want)
	}
	if list := d.ledger.Pending(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// TestGatewayKnowsNothing has the ledger hold an order of which Gateway has no trace, and a Gateway that hands out ids anew.
func TestGatewayKnowsNothing(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: 3})
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
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
	if _, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler)); err == nil {
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
	ledger, err := OpenLedger(filepath.Join(t.TempDir(), "orders.db"), clientID, slog.New(slog.NewTextHandler(&log, nil)))
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
	d.ledger.intents["gw-x"], d.ledger.ids[5] = i, i
	d.ledger.intents["gw-y"], d.ledger.ids[6] = other, other
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
	if d.ledger.floor != 500 {
		t.Errorf("the next id is above %d", d.ledger.floor)
	}
	// Where the disk refuses what was found out, the guard has to stay shut.
	d.ledger.Close()
	if err := d.ledger.Reconcile(t.Context(), s); err == nil || !strings.Contains(err.Error(), "write down orders") {
		t.Error(err)
	}
}

func TestFateAfter(t *testing.T) {
	for err, want := range map[error]Fate{
		nil: Sent, conn.ErrFateUnknown: Unknown, conn.ErrSessionOver: NotSent, conn.ErrNotSent: NotSent, conn.ErrOldGateway: NotSent,
		&conn.GuardError{}: NotSent,
	} {
		if got := fateAfter(err); got != want {
			t.Errorf("after %v: %s, want %s", err, got, want)
		}
	}
}

func TestOldOrdersAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	put := func(id int64, fate Fate, age time.Duration) {
		o := order(1, 90)
		o.Ref = fmt.Sprint("gw-", id)
		at := ledger.now().Add(-age)
		if err := ledger.put(0, ledger.floor, nil, &Intent{ID: id, At: at, Changed: at, Order: o, Fate: fate}); err != nil {
			t.Fatal(err)
		}
	}
	put(1, Filled, keepDone-time.Hour)
	put(2, Unknown, 10*keepDone)
	put(99, Filled, keepDone+time.Hour)
	ledger.Close()
	for range 2 {
		if ledger, err = OpenLedger(path, clientID, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		list := ledger.Intents()
		if len(list) != 2 || list[0].ID != 1 || list[1].ID != 2 || ledger.floor != 99 {
			t.Errorf("%+v, floor %d", list, ledger.floor)
		}
		if err := ledger.db.View(func(tx *bbolt.Tx) error {
			if n := tx.Bucket(intentBucket).Stats().KeyN; n != 2 {
				t.Errorf("%d orders are on the disk", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		ledger.Close()
	}
}

// TestRunsForMonths has orders grow old while the program runs: what is done is forgotten, what is open is not.
func TestRunsForMonths(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	place := func(limit float64, fate Fate) int64 {
		t.Helper()
		i, err := d.place(s, order(1, limit))
		if err != nil {
			t.Fatal(err)
		}
		return d.fate(t, i.Order.Ref, fate).ID
	}
	place(101, Filled)
	open := place(90, Working)
	d.ledger.mu.Lock()
	now := d.ledger.now
	d.ledger.now = func() time.Time { return now().Add(keepDone + time.Hour) }
	d.ledger.mu.Unlock()
	last := place(101, Filled)
	if list := d.ledger.Intents(); len(list) != 2 || list[0].ID != open || list[1].ID != last {
		t.Errorf("%+v", list)
	}
	d.ledger.mu.Lock()
	defer d.ledger.mu.Unlock()
	if len(d.ledger.ids) != 2 || len(d.ledger.sentIn) != 2 {
		t.Errorf("%d ids, %d sessions", len(d.ledger.ids), len(d.ledger.sentIn))
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

// TestOnlyWhatWorksIsChanged asks for changes of orders that Gateway may not have. It would place them anew, or let go those of
// a family of which only a part has arrived.
func TestOnlyWhatWorksIsChanged(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDeskThat(t, path, g.Port(), false)
	s := d.session(t)
	fate := func(ref string, want Fate) {
		t.Helper()
		if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
			t.Fatal(err)
		}
		d.ledger.hear(s) // nobody else does: the test says what is known
		d.fate(t, ref, want)
	}
	dearer := func(o *conn.Order) { o.LimitPrice++ }
	profit := conn.Order{Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Limit, Quantity: 1, LimitPrice: 110}
	loss := conn.Order{Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Stop, Quantity: 1, StopPrice: 80}
	list := d.ledger.plan(s, Batch{Orders: []conn.Order{order(1, 101), profit, loss}})
	if known, err := d.ledger.writeDown(s, list, nil); !known || err != nil {
		t.Fatal(err)
	}
	send := func(n int) {
		t.Helper()
		if err := s.Place(list[n].ID, list[n].Order); err != nil {
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
	fate(list[0].Order.Ref, Working)
	refused("an order without its exits", list[0].ID, ErrNotChanged)
	send(1)
	fate(list[1].Order.Ref, Working)
	refused("an order with one of its exits", list[0].ID, ErrNotChanged)
	refused("one of two exits", list[1].ID, ErrNotChanged)
	send(2)
	fate(list[0].Order.Ref, Filled)
	fate(list[2].Order.Ref, Working)
	if i, err := d.ledger.Change(s, list[1].ID, func(o *conn.Order) { o.LimitPrice = 99 }, nil); err != nil || i.Order.LimitPrice != 99 || i.Order.Hold || !i.Altered {
		t.Errorf("%+v, %v", i, err)
	}
	fate(list[1].Order.Ref, Filled) // Gateway does not hold what was changed
	fate(list[2].Order.Ref, Cancelled)

	alone, err := d.place(s, order(2, 90))
	if err != nil {
		t.Fatal(err)
	}
	fate(alone.Order.Ref, Working)
	for _, fate := range []Fate{Planned, Sent, Unknown, Filled, Cancelled, Rejected, NotSent} {
		d.ledger.mu.Lock()
		d.ledger.ids[alone.ID].Fate = fate
		d.ledger.mu.Unlock()
		want := ErrNotChanged
		if fate.Done() {
			want = ErrNotOpen
		}
		refused("an order that is "+string(fate), alone.ID, want)
	}
	d.ledger.mu.Lock()
	d.ledger.ids[alone.ID].Fate = Working
	d.ledger.mu.Unlock()
	d.ledger.leaving[alone.Order.Ref] = true
	refused("an order that the journal alone has", alone.ID, ErrNotChanged)
	delete(d.ledger.leaving, alone.Order.Ref)
	d.ledger.SetClient(clientID + 1)
	refused("an order of another client id", alone.ID, ErrNotChanged)
	d.ledger.SetClient(clientID)
	refused("an order that there is not", alone.ID+1, ErrNotOpen)
	withdrawn := errors.New("withdrawn")
	if i, err := d.ledger.Change(s, alone.ID, dearer, func() error { return withdrawn }); !errors.Is(err, withdrawn) || i.ID != 0 {
		t.Errorf("%+v, %v", i, err)
	}
	if o := d.ledger.ids[alone.ID].Order; o.LimitPrice != 90 {
		t.Errorf("%+v", o)
	}
	// What was asked for is on the disk, and nobody but Gateway is to say any more how much there is of it.
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
			if price := 90 + float64(min(n, 1)); i.ID == alone.ID && (i.Order.LimitPrice != price || !i.Altered) {
				t.Errorf("%d: %+v", n, i)
			}
		}
	}
}

// TestPlaceInPart has a batch go wrong at each of its orders, when its bytes are about to leave.
func TestPlaceInPart(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: 40})
	var told bytes.Buffer
	ledger, err := OpenLedger(filepath.Join(t.TempDir(), "orders.db"), clientID, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := runDesk(ledger, g.Port(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	s := d.session(t)
	batch := func(allowed func(n int) error) Batch {
		n := 0
		return Batch{
			Orders: []conn.Order{order(1, 101), order(2, 90), order(3, 90)},
			Allowed: func() error {
				n++
				return allowed(n)
			},
		}
	}
	answer := func() (list []conn.OrderNews) { // everything that Gateway has said
		t.Helper()
		if _, err := s.OpenOrders(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Orders().Take()
	}
	withdrawn := errors.New("withdrawn")

	// Nothing has left: nothing is cancelled.
	list, err := ledger.Place(s, batch(func(int) error { return withdrawn }))
	if !errors.Is(err, withdrawn) || len(list) != 3 || list[0].ID != 40 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, i := range list {
		if i.Fate != NotSent || i.Detail != "withdrawn" {
			t.Errorf("%+v", i)
		}
	}
	if news := answer(); len(news) != 0 {
		t.Errorf("%+v", news)
	}

	// Two have left: they are cancelled. What Gateway says meanwhile of one counts, not that it was sent.
	list, err = ledger.Place(s, batch(func(n int) error {
		switch n {
		case 2:
			for _, i := range ledger.Intents() {
				if i.ID == 43 {
					ledger.Learn(conn.OrderNews{Kind: conn.OrderOpen, Ref: i.Order.Ref, Status: "PreSubmitted", PermID: 9})
				}
			}
		case 3:
			return withdrawn
		}
		return nil
	}))
	if !errors.Is(err, withdrawn) || list[0].Fate != Working || list[0].Detail != "" || list[1].Fate != Sent || list[1].Detail != "" || list[2].Fate != NotSent || list[2].Detail != "withdrawn" {
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

	// The session ends behind the first: it cannot be cancelled, and Gateway holds it. It is known that the others have not left.
	list, err = ledger.Place(s, batch(func(n int) error {
		if n == 2 {
			for end := time.Now().Add(ledgerPatience); len(g.State().Orders) < 3 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			}
			g.Drop()
			<-s.Done()
			return conn.ErrSessionOver
		}
		return nil
	}))
	if !errors.Is(err, conn.ErrSessionOver) || list[0].Fate != Sent || list[1].Fate != NotSent || list[2].Fate != NotSent {
		t.Errorf("%+v, %v", list, err)
	}
	if !strings.Contains(told.String(), "an order without its exits stays in Gateway") {
		t.Errorf("%q", told.String())
	}
	if o := g.State().Orders[2]; o.Status != "PreSubmitted" || o.Filled != 0 {
		t.Errorf("%+v", o)
	}
}

// TestKilledWhileItLeaves looks at the disk as it is when a program is killed between two orders of a batch, of which Gateway has
// told of the first: all of the batch is there, and its notes.
func TestKilledWhileItLeaves(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDeskThat(t, path, g.Port(), false)
	s := d.session(t)
	var left []string
	asked := 0
	list, err := d.ledger.Place(s, Batch{
		Orders: []conn.Order{order(1, 90), order(2, 90)}, Notes: map[string][]byte{"a": []byte("1")},
		Allowed: func() error {
			if asked++; asked < 2 {
				return nil
			}
			first := d.ledger.Intents()[0]
			if _, news := d.ledger.Learn(conn.OrderNews{Kind: conn.OrderOpen, Ref: first.Order.Ref, Status: "PreSubmitted"}); !news {
				t.Error("it was known already")
			}
			if _, err := d.ledger.Change(s, first.ID, func(*conn.Order) {}, nil); !errors.Is(err, ErrNotChanged) {
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
	if err != nil || len(list) != 2 || list[0].Fate != Working || list[1].Fate != Sent {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := d.ledger.flush(nil); err != nil {
		t.Fatal(err)
	}
	if l := d.ledger; len(l.leaving) != 0 || len(l.dirty) != 0 || l.journal.used != [2]int64{} {
		t.Errorf("%v still leave, %+v", l.leaving, l.journal)
	}
	d.stop()
	for path, want := range map[string][2]Fate{left[0]: {Working, Planned}, left[1]: {Working, Planned}, path: {Working, Sent}} {
		l := openLedger(t, path)
		notes, err := l.Notes()
		if err != nil || string(notes["a"]) != "1" {
			t.Errorf("%q, %v", notes, err)
		}
		if got := l.Intents(); len(got) != 2 || got[0].Fate != want[0] || got[1].Fate != want[1] {
			t.Errorf("%+v, want %v", got, want)
		}
	}
}

// TestLostWhileItLeaves has a newer session find no trace of an order that is still leaving through an older one: it is unknown,
// unless it is sure that it did not leave.
func TestLostWhileItLeaves(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDeskThat(t, filepath.Join(t.TempDir(), "orders.db"), g.Port(), false)
	s := d.session(t)
	for want, result := range map[Fate]error{NotSent: errors.New("withdrawn"), Unknown: nil} {
		list, err := d.ledger.Place(s, Batch{Orders: []conn.Order{order(1, 90)}, Allowed: func() error {
			d.ledger.lose(s, func(_ string, i *Intent) bool { return i.Fate == Planned })
			return result
		}})
		if !errors.Is(err, result) || len(list) != 1 || list[0].Fate != want {
			t.Errorf("%+v, %v, want %s", list, err, want)
		}
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
		d.ledger.intents[ref], d.ledger.ids[i.ID] = i, i
		d.ledger.ids[50] = &Intent{ID: 50, Client: clientID, Fate: Cancelled}
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

// TestReconcileAsks has Gateway be asked only if there is something to ask it for, and withhold one of its answers: then
// nothing is concluded.
func TestReconcileAsks(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for withheld, want := range map[uint32]string{253: "ask for open orders", 302: "ask for completed orders", 255: "ask for executions"} {
		g := startGateway(t, sim.Config{})
		port, held := withhold(t, g.Port(), withheld)
		d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), port)
		s := d.session(t)
		var unknown []string
		d.ledger.OnChange(func(i Intent) { unknown = append(unknown, string(i.Fate)+" "+i.Order.Ref) })
		if err := d.ledger.Reconcile(ended, s); err != nil {
			t.Errorf("without an order: %v", err)
		}
		sent := &Intent{ID: 5, Client: clientID, Order: conn.Order{Ref: "gw-x", Quantity: 1}, Fate: Sent}
		d.ledger.intents["gw-x"], d.ledger.ids[5] = sent, sent
		for _, other := range []Intent{{Fate: Filled, Client: clientID}, {Fate: Sent, Client: clientID + 1}} {
			i := *sent
			i.Fate, i.Client = other.Fate, other.Client
			d.ledger.intents["gw-x"] = &i
			if err := d.ledger.Reconcile(ended, s); err != nil {
				t.Errorf("with an order of client %d that is %s: %v", i.Client, i.Fate, err)
			}
		}
		d.ledger.intents["gw-x"] = sent
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.ledger.Reconcile(ctx, s) }()
		select {
		case <-held:
		case <-time.After(ledgerPatience):
			t.Fatal("waited in vain for the answer that is withheld")
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to %s", err, want)
		}
		if err := d.ledger.Reconcile(ended, s); !errors.Is(err, context.Canceled) { // at one of its questions
			t.Errorf("%v", err)
		}
		if sent.Fate != Sent || len(unknown) != 0 {
			t.Errorf("%+v, %v", sent, unknown)
		}
	}
}

// withhold stands between a gateway and its clients and keeps back its messages with an id. It yields a value for each.
func withhold(t *testing.T, gateway int, id uint32) (port int, held <-chan struct{}) {
	t.Helper()
	kept := make(chan struct{}, 10)
	return between(t, gateway, func(toGateway bool, message uint32, _ []byte) bool {
		keep := !toGateway && message == id
		if keep {
			kept <- struct{}{}
		}
		return keep
	}), kept
}

// between stands between a gateway and its clients and keeps back the messages for which keep is true.
func between(t *testing.T, gateway int, keep func(toGateway bool, id uint32, body []byte) bool) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		running.Wait()
	})
	pass := func(from, to net.Conn, toGateway bool) {
		defer from.Close()
		defer to.Close()
		in := bufio.NewReader(from)
		if toGateway {
			if _, err := io.CopyN(to, in, 4); err != nil { // "API" and a zero byte
				return
			}
		}
		for {
			head, err := in.Peek(8)
			if err != nil {
				return
			}
			frame := make([]byte, 4+binary.BigEndian.Uint32(head))
			if _, err := io.ReadFull(in, frame); err != nil {
				return
			}
			if keep(toGateway, binary.BigEndian.Uint32(frame[4:]), frame[8:]) {
				continue
			}
			if _, err := to.Write(frame); err != nil {
				return
			}
		}
	}
	running.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp4", fmt.Sprint("127.0.0.1:", gateway))
			if err != nil {
				c.Close()
				return
			}
			running.Go(func() { pass(up, c, false) })
			running.Go(func() { pass(c, up, true) })
		}
	})
	return ln.Addr().(*net.TCPAddr).Port
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
	ledger, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
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

// TestWhole is about families of which not all has arrived.
func TestWhole(t *testing.T) {
	for _, c := range []struct {
		last   Fate
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
		l := &Ledger{intents: map[string]*Intent{}, ids: map[int64]*Intent{}}
		for id, fate := range []Fate{Working, Working, c.last, Planned, Working} {
			i := &Intent{ID: 5 + int64(id), Fate: fate, Filled: c.filled}
			switch id {
			case 1, 2:
				i.Order.Parent = 5
			case 4:
				i.Order.Parent = 8
			}
			l.intents[string(rune('a'+id))], l.ids[i.ID] = i, i
		}
		for id := range int64(3) {
			if got := l.whole(l.ids[5+id]); got != c.want {
				t.Errorf("the last of a family is %s, %v of the first is filled: whole is %v for the %d.", c.last, c.filled, got, id+1)
			}
		}
		delete(l.ids, 5) // it was forgotten, since it was done long ago
		if got := l.whole(l.ids[6]); got != (c.want && c.filled == 0) {
			t.Errorf("the last of a family is %s, the first is forgotten: whole is %v", c.last, got)
		}
	}
}

// TestNewsOfOthers is about orders that are not ours, though they have an id of ours.
func TestNewsOfOthers(t *testing.T) {
	ledger, err := OpenLedger(filepath.Join(t.TempDir(), "orders.db"), clientID, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	i := &Intent{ID: 5, Client: clientID, PermID: 77, Order: conn.Order{Ref: "gw-x", Quantity: 10}, Fate: Working}
	ledger.intents["gw-x"], ledger.ids[5] = i, i
	for name, n := range map[string]conn.OrderNews{
		"another client":    {Kind: conn.OrderStatus, ID: 5, Client: 3, Status: "Filled", Filled: 10},
		"another order":     {Kind: conn.OrderStatus, ID: 5, Client: clientID, PermID: 78, Status: "Filled", Filled: 10},
		"another reference": {Kind: conn.OrderOpen, ID: 5, Client: clientID, Ref: "theirs", Status: "Filled"},
		"another id":        {Kind: conn.OrderError, ID: 6, Code: 201},
		"a commission":      {Kind: conn.OrderCommission, Execution: "a.01", Price: 1},
	} {
		if got, news := ledger.Learn(n); news || i.Fate != Working {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, n := range map[string]conn.OrderNews{
		"an error has no other number":   {Kind: conn.OrderError, ID: 5, Code: 202},
		"IBKR's number is known to both": {Kind: conn.OrderStatus, ID: 5, Client: 3, PermID: 77, Status: "Cancelled"},
		"a reference is enough":          {Kind: conn.OrderCompleted, Ref: "gw-x", Status: "Cancelled"},
		"by number and client":           {Kind: conn.OrderStatus, ID: 5, Client: clientID, Status: "Cancelled"},
	} {
		i.Fate, i.PermID = Working, 77
		if got, news := ledger.Learn(n); !news || got.Fate != Cancelled {
			t.Errorf("%s: %+v, %v", name, got, news)
		}
	}
	i.Fate, i.PermID = Working, 0
	if got, news := ledger.Learn(conn.OrderNews{Kind: conn.OrderStatus, ID: 5, Client: clientID, PermID: 78, Status: "Submitted"}); !news || got.PermID != 78 {
		t.Errorf("IBKR's number was not known: %+v, %v", got, news)
	}
}
