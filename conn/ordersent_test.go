package conn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestNoOrderWhileShut tries to place orders in every state in which none may leave.
func TestNoOrderWhileShut(t *testing.T) {
	var reconciled atomic.Bool
	d := newDesk(t, sim.Config{}, func(c *conn.Config) {
		c.Reconcile = func(ctx context.Context, _ *ib.Session) error {
			for !reconciled.Load() {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Millisecond):
				}
			}
			return nil
		}
	})
	refused := func(s *ib.Session, want ib.GuardReason) {
		t.Helper()
		var shut *ib.GuardError
		if err := s.Place(1, buy("ref", 1, 90), ib.Conditions{}); !errors.As(err, &shut) || shut.Reason != want {
			t.Errorf("placed: %v, want %s", err, want)
		}
	}
	d.until("there is a session", func() bool { return d.sup.Session() != nil })
	s := d.sup.Session()
	refused(s, ib.GuardReconciling)
	reconciled.Store(true)
	s = d.session()
	reconciled.Store(false)
	d.do("1100")
	d.until("upstream is lost", func() bool { return !d.sup.Snapshot().Layers.Upstream })
	refused(s, ib.GuardUpstream)
	d.do("1102")
	d.until("upstream is back", func() bool { return d.sup.Snapshot().Layers.Upstream })
	refused(s, ib.GuardReconciling)
	reconciled.Store(true)
	s = d.session()
	d.do("drop")
	<-s.Done()
	refused(s, ib.GuardSocket)
	if n := d.gw.State().Counters.Orders; n != 0 {
		t.Errorf("%d orders arrived", n)
	}
	if err := s.Cancel(1); !errors.Is(err, ib.ErrSessionOver) {
		t.Errorf("cancelled on a session that is over: %v", err)
	}
	if _, err := s.OpenOrders(t.Context()); !errors.Is(err, ib.ErrSessionOver) {
		t.Errorf("asked on a session that is over: %v", err)
	}
}

// TestTheGuardShutsWhileAnOrderWaits fills the pace limit, so that orders wait behind other requests, and shuts the
// guard meanwhile: none of those that wait leaves.
func TestTheGuardShutsWhileAnOrderWaits(t *testing.T) {
	t.Parallel()
	// The gateway does not count: on a busy machine it may read in one second what took two to be written.
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, MaxMessageRate: -1}, nil)
		s := d.session()
		for i := range 60 { // 45 a second leave
			if err := s.Unsubscribe(int64(i + 1)); err != nil {
				t.Fatal(err)
			}
		}
		failed := make(chan error, 3)
		for i := range 3 {
			go func() { failed <- s.Place(int64(i+1), buy(fmt.Sprint("ref-", i), 1, 90), ib.Conditions{}) }()
		}
		time.Sleep(20 * time.Millisecond) // until they are on their way; sooner is fine as well
		d.do("1100")
		for range 3 {
			var shut *ib.GuardError
			if err := <-failed; !errors.As(err, &shut) || shut.Reason != ib.GuardUpstream {
				t.Errorf("version %d: placed: %v", v, err)
			}
		}
		d.do("1102")
		s = d.session()
		if err := s.Place(4, buy("last", 1, 90), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the last one", func(n ib.OrderNews) bool { return n.Ref == "last" })
		if open, err := s.OpenOrders(t.Context()); err != nil || slices.ContainsFunc(open, func(n ib.OrderNews) bool {
			return n.Ref != "last"
		}) {
			t.Errorf("version %d: open orders %+v, %v", v, open, err)
		}
	}
}

// TestPermissionIsWithdrawnWhileAnOrderWaits has orders wait behind the pace limit while what allows them goes: they do
// not leave, though the guard is open.
func TestPermissionIsWithdrawnWhileAnOrderWaits(t *testing.T) {
	t.Parallel()
	withdrawn := errors.New("disarmed")
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, MaxMessageRate: -1}, nil)
		s := d.session()
		var asked atomic.Int64
		var disarmed atomic.Bool
		allowed := func() error {
			asked.Add(1)
			if disarmed.Load() {
				return withdrawn
			}
			return nil
		}
		if err := s.Place(1, buy("first", 1, 90), ib.Conditions{Allowed: allowed}); err != nil ||
			asked.Load() != 1 {
			t.Errorf("version %d: placed: %v, asked %d times", v, err, asked.Load())
		}
		d.news(s, "the first one", func(n ib.OrderNews) bool { return n.Ref == "first" })
		for i := range 60 { // 45 a second leave
			if err := s.Unsubscribe(int64(i + 1)); err != nil {
				t.Fatal(err)
			}
		}
		failed := make(chan error, 3)
		for i := range 3 {
			go func() {
				failed <- s.Place(int64(i+2), buy(fmt.Sprint("ref-", i), 1, 90), ib.Conditions{Allowed: allowed})
			}()
		}
		disarmed.Store(true)
		for range 3 {
			if err := <-failed; !errors.Is(err, withdrawn) {
				t.Errorf("version %d: placed: %v", v, err)
			}
		}
		if asked.Load() != 4 {
			t.Errorf("version %d: asked %d times", v, asked.Load())
		}
		// The ids are free again, and Place asks no one.
		if err := s.Place(2, buy("last", 1, 90), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the last one", func(n ib.OrderNews) bool { return n.Ref == "last" })
		if n := d.gw.State().Counters.Orders; n != 2 {
			t.Errorf("version %d: %d orders arrived", v, n)
		}
	}
}

// TestPrepared has an order wait for what is done before it may leave, for longer than a silent gateway is trusted:
// nothing of it arrives meanwhile, nor of what is asked for behind it, and the connection is watched. One that cannot
// be prepared never arrives.
func TestPrepared(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, sim.Config{ServerVersion: v}, func(c *conn.Config) { c.Soft = 2 * time.Second })
			s := d.session()
			s.Orders()
			failed := errors.New("the disk is full")
			err := s.Place(1, buy("unprepared", 1, 90), ib.Conditions{Prepare: func() error { return failed }})
			if !errors.Is(err, failed) {
				t.Errorf("placed: %v", err)
			}
			answered := make(chan error, 1)
			err = s.Place(2, buy("prepared", 1, 90), ib.Conditions{Prepare: func() error {
				go func() {
					open, err := s.OpenOrders(t.Context())
					if err == nil && (len(open) == 0 || open[0].Ref != "prepared") {
						err = fmt.Errorf("open orders: %+v", open)
					}
					answered <- err
				}()
				time.Sleep(3 * time.Second) // longer than Gateway may take to answer
				if n := d.gw.State().Counters.Orders; n != 0 || len(answered) != 0 || s.Guard() != nil {
					return fmt.Errorf("%d orders arrived, %d answers, %w", n, len(answered), s.Guard())
				}
				return nil
			}})
			if err != nil {
				t.Errorf("placed: %v", err)
			}
			if err := <-answered; err != nil {
				t.Errorf("%v", err)
			}
			if n := d.gw.State().Counters.Orders; n != 1 || d.sup.Session() != s {
				t.Errorf("%d orders arrived; %+v", n, d.sup.Snapshot())
			}
		})
	}
}

// TestDropsWhileOrdersAreSent drops the connection again and again while orders are sent: each that was not sent is not
// in the gateway, each that was sent or is of unknown state is there once at most.
func TestDropsWhileOrdersAreSent(t *testing.T) {
	d := newDesk(t, sim.Config{MaxMessageRate: -1}, nil)
	states := map[string]error{}
	id := int64(0)
	for round := range 40 {
		s := d.session()
		drop := d.gw.State().Counters.Orders + int64(round%8) // when so many have arrived
		go func() {
			for d.gw.State().Counters.Orders < drop {
				time.Sleep(100 * time.Microsecond)
			}
			_, _ = d.gw.Do("drop", nil)
		}()
		for range 30 {
			id++
			ref := fmt.Sprint("ref-", id)
			err := s.Place(id, buy(ref, 1, 50), ib.Conditions{})
			if states[ref] = err; err != nil {
				break
			}
		}
		<-s.Done()
	}
	s := d.session()
	there := map[string]int64{}
	open, err := s.OpenOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range open {
		if old, ok := there[n.Ref]; ok && old != n.PermID {
			t.Errorf("%s is there twice", n.Ref)
		}
		there[n.Ref] = n.PermID
	}
	sent, unknown, lost := 0, 0, 0
	for ref, err := range states {
		_, arrived := there[ref]
		var shut *ib.GuardError
		switch {
		case err == nil:
			if sent++; !arrived {
				lost++
			}
		case errors.Is(err, ib.ErrOrderUnknown):
			unknown++
		case errors.Is(err, ib.ErrSessionOver) || errors.As(err, &shut):
			if arrived {
				t.Errorf("%s was not sent (%v) and is there", ref, err)
			}
		default:
			t.Errorf("%s: %v", ref, err)
		}
	}
	if sent < 40 {
		t.Errorf("%d sent", sent)
	}
	t.Logf("%d sent, %d of them lost with the connection, %d unknown, of %d", sent, lost, unknown, len(states))
}

// TestCancelIsWritten has requests to cancel wait behind others for their turn: when Cancel returns, Gateway has been
// given them.
func TestCancelIsWritten(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, MaxMessageRate: -1}, nil)
		s := d.session()
		if err := s.Place(1, buy("one", 1, 90), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the order", func(n ib.OrderNews) bool { return n.Ref == "one" })
		before := int64(0)
		if v == 192 || v == 225 {
			before = 95 // 45 a second leave
		}
		for i := range before {
			if err := s.Unsubscribe(i + 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Cancel(1); err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		if n := int64(d.gw.State().Counters.Requests); n < before-5 { // those are on their way
			t.Errorf("version %d: %d of %d requests that were made before have arrived", v, n, before)
		}
		d.status(s, 1, "Cancelled")
		for _, id := range []int64{-1, 0, ib.MaxOrderID + 1, 1<<31 - 1} {
			if err := s.Cancel(id); err == nil {
				t.Errorf("version %d: asked to cancel order %d", v, id)
			}
		}
		d.do("drop")
		<-s.Done()
		if err := s.Cancel(1); !errors.Is(err, ib.ErrSessionOver) {
			t.Errorf("version %d: %v", v, err)
		}
	}
}
