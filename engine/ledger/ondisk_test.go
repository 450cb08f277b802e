package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestSyncFails has the disk not say that it has what it was given: nothing leaves any more, and what was to leave is
// known not to have.
func TestSyncFails(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	first, err := d.place(s, order(1, 90))
	if err != nil {
		t.Fatal(err)
	}
	d.state(t, first.Order.Ref, Working)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // which takes what is written, and cannot be synced
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	l := d.ledger
	l.mu.Lock()
	good := l.journal.file
	l.journal.file = null
	l.mu.Unlock()
	list, err := l.Place(s, Batch{Orders: []ib.Order{order(1, 91), order(1, 92)}, Notes: note("a", "1")})
	if !errors.Is(err, ErrNotWritten) || len(list) != 2 || list[0].State != NotSent || list[1].State != NotSent ||
		list[0].Detail == "" {
		t.Fatalf("%+v, %v", list, err)
	}
	l.mu.Lock()
	l.journal.file = good
	l.mu.Unlock()
	if list, err := l.Place(s, Batch{Orders: []ib.Order{order(1, 93)}}); !errors.Is(err, ErrNotWritten) ||
		len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := l.Change(s, first.ID, func(o *ib.Order) { o.LimitPrice = 80 }, nil); !errors.Is(err, ErrNotWritten) {
		t.Error(err)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if orders := g.State().Orders; len(orders) != 1 {
		t.Errorf("%+v", orders)
	}
}

// TestOnDiskBeforeItLeaves cuts the power when the bytes of an order are about to leave: the next start knows the order
// and its note. If Gateway got it, it works; if not, it is unknown. It is not sent again.
func TestOnDiskBeforeItLeaves(t *testing.T) {
	for _, leaves := range []bool{true, false} {
		g := startGateway(t, sim.Config{})
		path := filepath.Join(t.TempDir(), "orders.db")
		d := newDesk(t, path, g.Port())
		var left string
		allowed := func() error {
			left = leave(t, path)
			if leaves {
				return nil
			}
			return errors.New("the power is cut")
		}
		b := Batch{Orders: []ib.Order{order(1, 90)}, Notes: note("a", "1"), Allowed: allowed}
		list, err := d.ledger.Place(d.session(t), b)
		if (err == nil) != leaves || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		d.stop()
		d = newDesk(t, left, g.Port())
		want, orders := Unknown, 0
		if leaves {
			want, orders = Working, 1
		}
		d.session(t)
		d.state(t, list[0].Order.Ref, want)
		if notes, err := d.ledger.Notes(); err != nil || string(notes["a"]) != "1" {
			t.Errorf("%q, %v", notes, err)
		}
		if n := len(g.State().Orders); n != orders {
			t.Errorf("%d orders", n)
		}
		d.stop()
	}
}
