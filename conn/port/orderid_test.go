package port_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
)

// status is what Gateway says of an order of client id 7 or another one in text.
func (p *tapped) status(id, status, filled, perm, client string) {
	p.send(176, 3, id, status, filled, "0", "1", perm, "0", "0", client, "", "0")
}

// openOrder is an openOrder in text.
func (p *tapped) openOrder(id, client, perm string) {
	f := make([]string, 100)
	f[0], f[2], f[3], f[12], f[13], f[14] = id, "AAPL", "STK", "BUY", "1", "LMT"
	f[23], f[24] = client, perm
	p.send(176, 5, f...)
}

// exercise is a request to exercise an option.
func exercise(version int, id string) []byte {
	return textFrame(version, 21, "2", id, "0", "AAPL", "OPT", "20261218", "100", "C", "100", "SMART", "USD", "", "",
		"1", "1", "", "0")
}

// preview is a what-if order, which is behind fields that are there only sometimes.
func preview(id int64) []byte {
	f := bytes.Split(orderFrame(176, id, "LMT", 1)[4:], []byte{0})
	f = f[:len(f)-1]
	f[len(f)-30] = []byte("1")
	return frameOf(append(bytes.Join(f, []byte{0}), 0))
}

// TestChangeMeetsFill has an order be filled while a change of it is being recorded: it stays filled, also on disk.
func TestChangeMeetsFill(t *testing.T) {
	g := newTap(t, 176)
	m := &slowRecord{
		memory: memory{orders: map[uint64]record.Order{}}, writes: make(chan struct{}), goOn: make(chan struct{}),
	}
	r := newRig(t, g.port(), func(c *port.Config) { c.Record = m })
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	for i, state := range []record.State{record.Working, record.Filled} {
		c.write(place(176, "5", "1", "0", "1"))
		<-m.writes
		if i == 1 {
			p.status("5", "Filled", "1", "77", "7")
			until(t, "the fill is known", func() bool { return r.order(5).State == record.Filled })
		}
		before := len(p.bytes())
		m.goOn <- struct{}{}
		p.await(t, before+1)
		if i == 0 {
			p.status("5", "Submitted", "0", "77", "7")
		}
		until(t, "the order is "+string(state), func() bool {
			o := r.order(5)
			return o.State == state && o.Changes == i
		})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := m.orders[1]; o.State != record.Filled || o.Changes != 1 {
		t.Errorf("on disk: %+v", o)
	}
}

// slowRecord records an order when the test lets it.
type slowRecord struct {
	memory
	writes, goOn chan struct{}
}

func (m *slowRecord) Write(ctx context.Context, o record.Order) error {
	m.writes <- struct{}{}
	<-m.goOn
	return m.memory.Write(ctx, o)
}

// TestExerciseWithTheIDOfAnOrder exercises an option under the number of an order that works, since both count for
// themselves: the order stays as it was, and the exercise is refused as something new.
func TestExerciseWithTheIDOfAnOrder(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	c.write(place(176, "5", "1", "0", "1"))
	until(t, "the order is sent", func() bool { return r.order(5).State == record.Sent })
	p.status("5", "Submitted", "0", "77", "7")
	until(t, "the order works", func() bool { return r.order(5).State == record.Working })
	c.write(exercise(176, "5"))
	until(t, "the exercise is sent", func() bool { return len(r.Orders()) == 2 })
	newest, works := r.Orders()[0], r.Orders()[1]
	if newest.State != record.Unknown || newest.Words != "exercise or lapse an option" {
		t.Errorf("the exercise: %+v", newest)
	}
	if works.State != record.Working || works.Changes != 0 || works.Words != "BUY 1 AAPL STK LMT 1.5 GTC" {
		t.Errorf("the order: %+v", works)
	}
	r.conn.close(ib.GuardUpstream)
	c.write(exercise(176, "5"))
	if id, code, _ := c.error(); id != 5 || code != 201 {
		t.Errorf("error %d for %d", code, id)
	}
	c.write(place(176, "5", "1", "0", "2"))
	if id, code, _ := c.error(); id != 5 || code != 2102 {
		t.Errorf("error %d for %d", code, id)
	}
	before := len(p.bytes())
	cancel := textFrame(176, 4, "1", "5", "")
	c.write(cancel) // it is the order's
	if got := p.await(t, before+len(cancel))[before:]; !bytes.Equal(got, cancel) {
		t.Errorf("%q", got)
	}
}

// TestPreviewOfAChange sends what-if orders. They are refused while the guard is closed, as every order message; the
// preview of a change leaves the order as it is.
func TestPreviewOfAChange(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	c.write(preview(4))
	until(t, "the preview is known", func() bool { return r.order(4).State == record.Preview })
	c.write(place(176, "5", "1", "0", "1"))
	until(t, "the order is sent", func() bool { return r.order(5).State == record.Sent })
	p.status("5", "Submitted", "0", "77", "7")
	until(t, "the order works", func() bool { return r.order(5).State == record.Working })
	c.write(preview(5))
	until(t, "the preview is sent", func() bool { return r.Clients()[0].Sent == 3 })
	if o := r.order(5); o.State != record.Working || o.Changes != 0 || o.Words != "BUY 1 AAPL STK LMT 1.5 GTC" {
		t.Errorf("%+v", o)
	}
	r.conn.close(ib.GuardUpstream)
	before := len(p.bytes())
	for id, want := range map[int64]int{5: 2102, 6: 201} {
		c.write(preview(id))
		if got, code, _ := c.error(); got != id || code != want {
			t.Errorf("error %d for %d, not %d", code, got, want)
		}
	}
	if n := len(p.bytes()); n != before {
		t.Error("a preview reached Gateway while the guard is closed")
	}
}

// TestOrdersOfAPerson has a program with client id 0 change orders that a person placed in TWS, which have ids below 0:
// it must not take them for rejected. They are not cancelled when the program leaves.
func TestOrdersOfAPerson(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), func(c *port.Config) {
		c.Settings.Clients = map[int]port.ClientOptions{0: {CancelOnDisconnect: true}}
	})
	c := startRaw(t, r.number, 176, 0)
	p := g.peer(0)
	c.text(15, "1", "1") // reqAutoOpenOrders
	for i, id := range []int64{-1, -2, -50} {
		p.openOrder(fmt.Sprint(id), "0", fmt.Sprint(77+i))
		until(t, "the order is known", func() bool { return r.order(id).State == record.Working })
		before := len(p.bytes())
		c.write(place(176, fmt.Sprint(id), "1", "0", "1"))
		until(t, "it is changed", func() bool { return r.order(id).Changes == 1 })
		p.await(t, before+1)
		r.conn.close(ib.GuardUpstream)
		c.write(place(176, fmt.Sprint(id), "1", "0", "2"))
		if got, code, _ := c.error(); got != id || code != 2102 {
			t.Errorf("error %d for %d", code, got)
		}
		r.conn.close(ib.GuardOpen)
	}
	before := len(p.bytes())
	c.tcp.Close()
	until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	if n := len(p.bytes()); n != before {
		t.Errorf("%q was sent for it", p.bytes()[before:])
	}
}

// TestUnreadableChange sends orders that cannot be read: a program must not take an order that works for rejected.
func TestUnreadableChange(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	c.write(place(176, "5", "1", "0", "1"))
	until(t, "the order is sent", func() bool { return r.order(5).State == record.Sent })
	p.status("5", "Submitted", "0", "77", "7")
	until(t, "the order works", func() bool { return r.order(5).State == record.Working })
	before := len(p.bytes())
	for id, want := range map[int64]int{5: 2102, 6: 320} {
		c.text(3, fmt.Sprint(id), "0", "AAPL")
		if got, code, _ := c.error(); got != id || code != want {
			t.Errorf("error %d for %d, not %d", code, got, want)
		}
	}
	if n := len(p.bytes()); n != before {
		t.Error("an order reached Gateway that cannot be read")
	}
}
