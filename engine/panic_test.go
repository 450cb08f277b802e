package engine

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine/ledger"
)

// brittle is a strategy that panics where it is told to.
type brittle struct {
	at    atomic.Value // string
	ticks atomic.Int64
	begun atomic.Int64
}

func (b *brittle) breaks(where string) {
	if b.at.CompareAndSwap(where, "") {
		panic("injected in " + where)
	}
}

func (b *brittle) Instruments() []Instrument  { b.breaks("Instruments"); return stocks }
func (b *brittle) OnBegin(*ib.Session)        { b.breaks("OnBegin"); b.begun.Add(1) }
func (b *brittle) OnTick(int, ib.Tick)        { b.breaks("OnTick"); b.ticks.Add(1) }
func (b *brittle) OnTime(time.Duration) bool  { b.breaks("OnTime"); return false }
func (b *brittle) OnFailure(int, int, string) {}
func (b *brittle) OnOrder(ledger.Intent)      { b.breaks("OnOrder") }

// TestPanic has a strategy, and what follows the orders, panic: the desk is disarmed by then, and an engine that runs
// again evaluates ticks on the same session, after a gap, without a subscription left over.
func TestPanic(t *testing.T) {
	g := startGateway(t, sim.Config{TickRate: 200})
	c := &counter{rig: startRig(t, filepath.Join(t.TempDir(), "orders.db"), g.Port(), false)}
	c.Desk = NewDesk(c.orders, generous, func(Report) {}, slog.New(slog.DiscardHandler))
	session := c.session(t)
	s := &brittle{}
	s.at.Store("")
	e := New(Config{Supervisor: c.sup, Desk: c.Desk, Strategy: s, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	panics := make(chan any, 1)
	run := func() {
		go func() {
			defer func() { panics <- recover() }()
			e.Run(ctx)
		}()
	}
	flows := func(where string) {
		t.Helper()
		s.ticks.Store(0)
		eventually(t, "ticks after "+where, func() bool { return s.ticks.Load() > 10 })
	}
	run()
	flows("the start")
	for _, where := range []string{"OnTick", "OnTime", "OnBegin", "Instruments", "OnOrder", "Follow"} {
		c.Arm()
		begun := s.begun.Load()
		s.at.Store(where)
		switch where {
		case "OnBegin":
			simtest.Do(t, g, "1100", nil)
			eventually(t, "the guard is shut", func() bool { return session.Guard() != nil })
			simtest.Do(t, g, "1102", nil)
		case "Instruments":
			e.Refresh()
		case "OnOrder":
			if _, err := c.Place(Ticket{Session: session, Order: order(1, 1)}); err != nil {
				t.Fatal(err)
			}
		case "Follow": // another goroutine than Run's
			c.orders.OnChange(func(ledger.Intent) { s.breaks("Follow") })
			if _, err := c.orders.CancelAll(session); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case p := <-panics:
			if text, _ := p.(string); !strings.HasPrefix(text, "injected in "+where) {
				t.Fatalf("%s: Run ended with %v", where, p)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: Run goes on", where)
		}
		if armed, _ := c.Armed(); armed {
			t.Errorf("%s: trading is still armed", where)
		}
		if _, err := c.Place(Ticket{Session: session, Order: order(1, 1)}); reason(err) != BlockedDisarmed {
			t.Errorf("%s: an order passes: %v", where, err)
		}
		run()
		flows(where)
		if s.begun.Load() == begun {
			t.Errorf("%s: the strategy was not told of a gap", where)
		}
		if c.sup.Session() != session {
			t.Fatalf("%s: the connection was lost", where)
		}
		eventually(t, "two subscriptions after "+where, func() bool {
			n := 0
			for _, one := range g.State().Connections {
				n += one.Subscriptions
			}
			return n == 2
		})
	}
	cancel()
	if p := <-panics; p != nil {
		t.Errorf("at the end: %v", p)
	}
}

// TestHaltWaitsForNoOne disarms a desk that a goroutine which has panicked still holds.
func TestHaltWaitsForNoOne(t *testing.T) {
	l, err := ledger.Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := NewDesk(l, generous, func(Report) {}, slog.New(slog.DiscardHandler))
	d.Arm()
	d.mu.Lock()
	d.halt()
	d.mu.Unlock()
	if armed, _ := d.Armed(); armed {
		t.Error("still armed")
	}
}
