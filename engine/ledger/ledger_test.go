package ledger

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

const clientID = 17

var (
	eventually   = ibtest.Eventually
	startGateway = conntest.Gateway
)

// aapl is traded at 100.
var aapl = ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a ledger on a supervisor.
type desk struct {
	ledger *Ledger
	sup    *conn.Supervisor
	stop   func()
}

// openDesk runs a supervisor whose guard waits for the ledger at a path.
func openDesk(path string, port, client int, follow bool) (*desk, error) {
	ledger, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return runDeskAs(ledger, port, client, follow)
}

func runDesk(ledger *Ledger, port int, follow bool) (*desk, error) {
	return runDeskAs(ledger, port, clientID, follow)
}

// loggedDesk is a desk that follows no session by itself, and logs to log.
func loggedDesk(t *testing.T, g *sim.Gateway, log io.Writer) *desk {
	t.Helper()
	ledger, err := Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := runDesk(ledger, g.Port(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	return d
}

func runDeskAs(ledger *Ledger, port, client int, follow bool) (*desk, error) {
	sup, err := conn.New(conntest.Config(port, client, ledger.Reconcile), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.Join(err, ledger.Close())
	}
	return runSupervised(ledger, sup, follow), nil
}

func runSupervised(ledger *Ledger, sup *conn.Supervisor, follow bool) *desk {
	var do func(context.Context, *ib.Session)
	if follow {
		do = ledger.Follow
	}
	stop := conntest.Run(sup, do)
	return &desk{ledger, sup, func() {
		stop()
		ledger.Close()
	}}
}

func newDesk(t *testing.T, path string, port int) *desk {
	t.Helper()
	return newDeskThat(t, path, port, true)
}

func newDeskThat(t *testing.T, path string, port int, follows bool) *desk {
	t.Helper()
	d, err := openDesk(path, port, clientID, follows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	return d
}

// place sends one order.
func (d *desk) place(s *ib.Session, o ib.Order) (Intent, error) {
	list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{o}})
	if len(list) == 0 {
		return Intent{}, err
	}
	return list[0], err
}

// session waits for one whose guard is open.
func (d *desk) session(t *testing.T) *ib.Session {
	t.Helper()
	return conntest.Session(t, d.sup)
}

// state waits until an order has a state.
func (d *desk) state(t *testing.T, ref string, want OrderState) (found Intent) {
	t.Helper()
	defer func() {
		if found.State != want {
			t.Logf("%+v", found)
		}
	}()
	eventually(t, fmt.Sprintf("%s is %s", ref, want), func() bool {
		for _, i := range d.ledger.Intents() {
			if i.Order.Ref == ref {
				found = i
			}
		}
		return found.State == want
	})
	return found
}

// order is a limit order to buy; the ask is 100.01.
func order(quantity, limit float64) ib.Order {
	return ib.Order{
		Contract: aapl, Side: ib.Buy, Type: ib.Limit, Quantity: quantity,
		LimitPrice: limit,
	}
}

// wanted is what an order is to become, which Gateway may have confirmed by now.
func wanted(i Intent) ib.Order {
	if i.Asked != nil {
		return *i.Asked
	}
	return i.Order
}

func TestOrderStates(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 4})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)

	filled, err := d.place(s, order(8, 101))
	if err != nil || filled.ID < 1 || filled.Order.Ref == "" {
		t.Fatalf("%+v, %v", filled, err)
	}
	if i := d.state(t, filled.Order.Ref, Filled); i.Filled != 8 || len(i.Shares) != 4 || i.PermID == 0 {
		t.Errorf("%+v", i)
	}
	refused, err := d.place(s, order(1, 90.001))
	if err != nil {
		t.Fatal(err)
	}
	if i := d.state(t, refused.Order.Ref, Rejected); i.Code != 110 || i.Detail == "" {
		t.Errorf("%+v", i)
	}
	works, err := d.place(s, order(2, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, works.Order.Ref, Working)
	gone, err := d.place(s, order(3, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, gone.Order.Ref, Working)
	if err := s.Cancel(gone.ID); err != nil {
		t.Fatal(err)
	}
	d.state(t, gone.Order.Ref, Cancelled)
	// What makes no sense is not written down; what may not leave after all was.
	if bad, err := d.place(s, order(0, 90)); err == nil || bad.ID != 0 {
		t.Errorf("%+v, %v", bad, err)
	}
	withdrawn := errors.New("withdrawn")
	list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(1, 90)}, Allowed: func() error {
		return withdrawn
	}})
	if !errors.Is(err, withdrawn) || len(list) != 1 || list[0].State != NotSent || list[0].Detail != "withdrawn" {
		t.Fatalf("%+v, %v", list, err)
	}
	bad := list[0]
	if !(filled.ID < refused.ID && refused.ID < works.ID && works.ID < gone.ID && gone.ID < bad.ID) {
		t.Errorf("ids %d, %d, %d, %d, %d", filled.ID, refused.ID, works.ID, gone.ID, bad.ID)
	}

	// Nothing is placed while the guard is shut, and nothing written down.
	simtest.Do(t, g, "1100", nil)
	eventually(t, "the guard is shut", func() bool { return s.Guard() != nil })
	var shut *ib.GuardError
	if _, err := d.place(s, order(1, 90)); !errors.As(err, &shut) || len(d.ledger.Intents()) != 5 {
		t.Errorf("%v, %d intents", err, len(d.ledger.Intents()))
	}

	// What happens while no one listens is learnt at the next start.
	d.stop()
	simtest.Do(t, g, "1102", nil)
	if err := g.SetPrice("AAPL", 89); err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, path, g.Port())
	d.session(t)
	if i := d.state(t, works.Order.Ref, Filled); i.Filled != 2 {
		t.Errorf("%+v", i)
	}
	for ref, want := range map[string]OrderState{
		filled.Order.Ref: Filled, refused.Order.Ref: Rejected,
		gone.Order.Ref: Cancelled, bad.Order.Ref: NotSent,
	} {
		d.state(t, ref, want)
	}
	if list := d.ledger.Pending(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestOldOrdersAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	ledger, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	put := func(id int64, state OrderState, age time.Duration) {
		o := order(1, 90)
		o.Ref = fmt.Sprint("gw-", id)
		at := ledger.now().Add(-age)
		if err := ledger.put(0, ledger.floor, nil, &Intent{
			ID: id, At: at, Changed: at, Order: o,
			State: state,
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(1, Filled, keepDone-time.Hour)
	put(2, Unknown, 10*keepDone)
	put(99, Filled, keepDone+time.Hour)
	ledger.Close()
	for range 2 {
		if ledger, err = Open(path, slog.New(slog.DiscardHandler)); err != nil {
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
	place := func(limit float64, state OrderState) int64 {
		t.Helper()
		i, err := d.place(s, order(1, limit))
		if err != nil {
			t.Fatal(err)
		}
		return d.state(t, i.Order.Ref, state).ID
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
