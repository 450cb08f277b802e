package port_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
)

// TestPace sends more than Gateway takes in a second: nothing is lost, nothing comes too fast, and a cancellation goes
// before what waits.
func TestPace(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	before := len(p.bytes())
	var want []byte
	for i := range 100 {
		want = append(want, textFrame(176, 9, "8", fmt.Sprint(i))...)
	}
	since := time.Now()
	c.write(want)
	cancel := textFrame(176, 4, "1", "77", "")
	c.write(cancel)
	got := p.await(t, before+len(want)+len(cancel))[before:]
	if took := time.Since(since); took < time.Second {
		t.Errorf("101 messages took %v", took)
	}
	at := bytes.Index(got, cancel)
	if at < 0 || at > len(want)/2 {
		t.Errorf("the cancellation came at byte %d of %d", at, len(got))
	}
	rest := append(bytes.Clone(got[:max(at, 0)]), got[max(at, 0)+len(cancel):]...)
	if !bytes.Equal(rest, want) {
		t.Error("the rest is not what was sent")
	}
}

// TestLeavesAtOnce has a program leave right behind its order, which still waits: it is sent as it would be without the
// port.
func TestLeavesAtOnce(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	goOn := make(chan struct{})
	r.conn.onAlive(func(context.Context, time.Duration, time.Time) error { <-goOn; return nil })
	p := g.peer(0)
	before := len(p.bytes())
	order := place(176, "5", "1", "0", "1")
	c.write(order)
	c.tcp.Close()
	time.Sleep(20 * time.Millisecond)
	close(goOn)
	if got := p.await(t, before+len(order))[before:]; !bytes.Equal(got, order) {
		t.Errorf("%q", got)
	}
	until(t, "it is unknown what became of it", func() bool { return r.order(5).State == record.Unknown })
}

// TestEndsWhileAnOrderWaits records an order that waits when Gatewatch's own connection ends as refused.
func TestEndsWhileAnOrderWaits(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	r.conn.onAlive(func(ctx context.Context, _ time.Duration, _ time.Time) error { <-ctx.Done(); return ctx.Err() })
	p := g.peer(0)
	before := len(p.bytes())
	c.write(place(176, "5", "1", "0", "1"))
	c.write(place(176, "6", "1", "0", "1"))
	time.Sleep(20 * time.Millisecond)
	r.conn.set(func(n *conn.Snapshot) { n.Layers = conn.Layers{} })
	for _, id := range []int64{5, 6} {
		until(t, "it is recorded", func() bool { return r.order(id).State == record.Refused })
	}
	if n := len(p.bytes()); n != before {
		t.Error("an order left")
	}
}

// TestRefusalsDoNotFillTheDisk has a program send orders in a loop: each is refused, and few are on disk.
func TestRefusalsDoNotFillTheDisk(t *testing.T) {
	g := newTap(t, 176)
	m := &memory{orders: map[uint64]record.Order{}}
	r := newRig(t, g.port(), func(c *port.Config) { c.Record = m })
	r.conn.close(ib.GuardUpstream)
	c := startRaw(t, r.number, 176, 7)
	const n = 3000
	go func() {
		for id := range n {
			_, _ = c.tcp.Write(place(176, fmt.Sprint(100+id), "1", "0", "1"))
		}
	}()
	for range n {
		if _, code, _ := c.error(); code != 201 {
			t.Fatal(code)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.orders) > 200 || len(m.orders) == 0 {
		t.Errorf("%d refusals are recorded", len(m.orders))
	}
	if k := len(r.Orders()); k > 2100 || k < 900 {
		t.Errorf("%d orders are shown", k)
	}
}

// TestTooLate changes an order that is done while the guard is closed: programs must not take it for rejected.
func TestTooLate(t *testing.T) {
	g := startSim(t, sim.Config{ServerVersion: 225, TickRate: 50})
	r := newRig(t, g.Port(), nil)
	p := connectProgram(t, r.number, 7)
	p.PlaceOrder(10, stock("AAPL"), marketOrder("BUY", "5"))
	p.status(10, "Filled")
	r.conn.close(ib.GuardUpstream)
	p.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "5", 1))
	p.error(10, 2102)
	p.CancelOrder(10, ibapi.NewOrderCancel()) // Gateway says what it thinks of it
	p.error(10, 10148)
	p.leave()
	until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
}
