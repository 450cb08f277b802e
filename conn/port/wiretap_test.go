package port_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
	"gatewatch/conn/wire"
)

// place returns a placeOrder in text.
func place(version int, id, transmit, parent, quantity string) []byte {
	f := make([]string, 28+6)
	f[0], f[2], f[3], f[8], f[10] = id, "AAPL", "STK", "SMART", "USD"
	f[15], f[16], f[17], f[18], f[20] = "BUY", quantity, "LMT", "1.5", "GTC"
	f[26], f[27] = transmit, parent
	return textFrame(version, 3, f...)
}

// TestBytes: both directions are the same, byte for byte, whatever the pieces in which they come.
func TestBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, version := range []int{157, 176, 200} {
		g := newTap(t, version)
		r := newRig(t, g.port(), nil)
		c := startRaw(t, r.number, version, 7)
		start := textFrame(version, 71, "2", "7", "")
		var up, down []byte
		for i := range 40 {
			number := []int{1, 2, 9, 20, 62, 3}[i%6]
			frame := textFrame(version, number, "1", fmt.Sprint(i), strings.Repeat("x", random.IntN(3000)))
			if number == 3 {
				frame = place(version, fmt.Sprint(100+i), "1", "0", "1")
			}
			up = append(up, frame...)
		}
		for i := range 300 {
			down = append(down, textFrame(version, 1+i%90, "6", fmt.Sprint(i),
				strings.Repeat("y", random.IntN(3000)))...)
		}
		down = append(down, textFrame(version, 17, strings.Repeat("z", 300_000))...)
		p := g.peer(0)
		go func() {
			for b := down; len(b) > 0; {
				n := min(len(b), 1+random.IntN(5000))
				_, _ = p.tcp.Write(b[:n])
				b = b[n:]
			}
		}()
		for b := up; len(b) > 0; {
			n := min(len(b), 1+rand.IntN(500))
			c.write(b[:n])
			b = b[n:]
		}
		var got []byte
		for len(got) < len(down) {
			payload, err := c.in.Next()
			if err != nil {
				t.Fatal(err)
			}
			framed, start := wire.BeginFrame(got)
			got = wire.EndFrame(append(framed, payload...), start)
		}
		if !bytes.Equal(got, down) {
			t.Errorf("version %d: what came down is not what was sent", version)
		}
		want := append(bytes.Clone(start), up...)
		if got := p.await(t, len(want)); !bytes.Equal(got, want) {
			t.Errorf("version %d: what went up is not what was sent: %d and %d bytes", version, len(got), len(want))
		}
	}
}

// TestNoOrderByteWhileClosed sends orders in every form while the guard is closed for every reason, and looks at what
// reaches Gateway's socket.
func TestNoOrderByteWhileClosed(t *testing.T) {
	reasons := []ib.GuardReason{
		ib.GuardSocket, ib.GuardAPI, ib.GuardUpstream, ib.GuardProbe, ib.GuardMode, ib.GuardReadOnly,
		ib.GuardExit,
		ib.GuardUnconfirmed, ib.GuardReconciling, "a_later_reason",
	}
	for _, version := range []int{157, 176, 193, 194, 200, 201, 203, 213, 226} {
		g := newTap(t, version)
		r := newRig(t, g.port(), nil)
		c := startRaw(t, r.number, version, 7)
		p := g.peer(0)
		before := len(p.bytes())
		for i, reason := range reasons {
			r.conn.close(reason)
			id := int64(100 + i)
			want := map[int64]int{}
			if version < 203 {
				c.write(place(version, fmt.Sprint(id), "1", "0", "1"))
				want[id] = 201
			}
			c.text(21, "2", fmt.Sprint(id+1000), "1", "AAPL")
			c.text(19, "1", "1", "<x/>", fmt.Sprint(id+2000))
			want[id+1000], want[id+2000] = 201, 322
			unknown := 1
			if version >= 201 {
				c.write(frameOf([]byte{0, 0, 0, 203}, protoPlace(id+3000)...))
				c.write(frameOf([]byte{0, 0, 0, 221}, 8, 77))
				c.write(frameOf([]byte{0, 0, 0, 219}, 8, 78))
				c.write(frameOf([]byte{0, 0, 1, 53}, 8, 79)) // 309, updateConfig
				c.write(frameOf([]byte{0, 0, 1, 54}, 8, 80)) // 310, unknown
				want[id+3000], want[77], want[78], want[79], want[80] = 201, 201, 322, 322, 322
			}
			c.text(110, "1", "2")
			for len(want) > 0 || unknown > 0 {
				gotID, code, text := c.error()
				switch {
				case want[gotID] == code:
					delete(want, gotID)
				case gotID == -1 && code == 322:
					unknown--
				default:
					t.Fatalf("version %d: error %d for %d: %s; still %v", version, code, gotID, text, want)
				}
				if !strings.Contains(text, "Gatewatch: ") || !strings.HasSuffix(text, "; nothing was sent") {
					t.Errorf("version %d: %q", version, text)
				}
			}
		}
		c.text(49, "1")
		probe := textFrame(version, 49, "1")
		if got := p.await(t, before+len(probe))[before:]; !bytes.Equal(got, probe) {
			t.Errorf("version %d: %q reached Gateway", version, got)
		}
	}
}

// protoPlace returns a PlaceOrderRequest.
func protoPlace(id int64) []byte {
	frame, err := wire.Frame(wire.PlaceOrder(id, &wire.Order{
		Contract: wire.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"},
		Side:     "BUY", Type: "LMT", Quantity: 1, LimitPrice: 1.5, TIF: "GTC",
	}))
	if err != nil {
		panic(err)
	}
	return frame[8:]
}

// error returns the next error that the program gets.
func (c *raw) error() (id int64, code int, text string) {
	c.t.Helper()
	payload := c.await("an error", func(n int, _ []byte) bool { return n == wire.MsgError })
	if c.version >= 201 {
		m, err := wire.Split(append([]byte{0, 0, 0, 204}, payload...))
		if err != nil {
			c.t.Fatal(err)
		}
		e, err := m.Error()
		if err != nil {
			c.t.Fatal(err)
		}
		return e.Request, e.Code, e.Text
	}
	f := strings.Split(string(payload), "\x00")
	want := 4 // id, code, text, and what is behind the last NUL
	if c.version < 194 {
		f = f[1:]
	}
	if c.version >= 166 {
		want++
	}
	if c.version >= 194 {
		want++
	}
	if len(f) != want {
		c.t.Fatalf("version %d: an error of %d fields: %q", c.version, len(f), payload)
	}
	_, _ = fmt.Sscan(f[0], &id)
	_, _ = fmt.Sscan(f[1], &code)
	return id, code, f[2]
}

// TestBracketIsCut refuses the child of an order that was sent without being transmitted: that one is cancelled, and so
// is what still comes of the bracket, even if the guard is open again.
func TestBracketIsCut(t *testing.T) {
	for _, version := range versions {
		g := startSim(t, sim.Config{ServerVersion: version})
		r := newRig(t, g.Port(), nil)
		p := connectProgram(t, r.number, 7)
		leg := func(parent int64, transmit bool) *ibapi.Order {
			o := limitOrder("BUY", "100", 1)
			if parent != 0 {
				o = limitOrder("SELL", "100", 1000)
			}
			o.ParentID, o.Transmit = parent, transmit
			return o
		}
		p.PlaceOrder(10, stock("AAPL"), leg(0, false))
		until(t, "the parent is recorded", func() bool { return r.order(10).Number != 0 })
		p.PlaceOrder(11, stock("AAPL"), leg(10, false))
		until(t, "the first child is recorded", func() bool { return r.order(11).Number != 0 })
		r.conn.close(ib.GuardUpstream)
		p.PlaceOrder(12, stock("AAPL"), leg(10, true))
		p.error(12, 201)
		p.error(10, 399)
		r.conn.close(ib.GuardOpen)
		p.PlaceOrder(13, stock("AAPL"), leg(10, true))
		if e := p.error(13, 201); !strings.Contains(e.text, "belongs to") {
			t.Errorf("%q", e.text)
		}
		p.status(10, "Cancelled")
		p.status(11, "Cancelled")
		if n := g.Requests("cancelOrder"); len(n) != 1 {
			t.Errorf("version %d: %d cancellations", version, len(n))
		}
		// A bracket that arrives whole goes on, and its id may be used again.
		p.PlaceOrder(20, stock("AAPL"), leg(0, false))
		p.PlaceOrder(21, stock("AAPL"), leg(20, true))
		p.status(20, "Submitted")
		r.conn.close(ib.GuardUpstream)
		p.PlaceOrder(22, stock("AAPL"), leg(20, true))
		p.error(22, 201)
		if n := g.Requests("cancelOrder"); len(n) != 1 {
			t.Errorf("version %d: an order that works was cancelled", version)
		}
		p.leave()
		until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	}
}

// TestProofOfLife asks for a proof before each order, and refuses the order without one.
func TestProofOfLife(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	asked := make(chan time.Duration, 10)
	answer := make(chan error, 10)
	r.conn.onAlive(func(_ context.Context, within time.Duration, heard time.Time) error {
		asked <- within
		return <-answer
	})
	if err := r.Configure(port.Settings{Port: r.number, ProofOfLife: 300 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	p := g.peer(0)
	before := len(p.bytes())
	order := place(176, "5", "1", "0", "1")
	c.write(order)
	if within := <-asked; within != 300*time.Millisecond {
		t.Errorf("asked within %v", within)
	}
	if n := len(p.bytes()); n != before {
		t.Error("an order left before the proof")
	}
	c.text(4, "1", "77", "") // a cancellation does not wait
	cancel := textFrame(176, 4, "1", "77", "")
	if got := p.await(t, before+len(cancel))[before:]; !bytes.Equal(got, cancel) {
		t.Errorf("%q", got)
	}
	answer <- nil
	p.await(t, before+len(cancel)+len(order))
	time.Sleep(400 * time.Millisecond) // the proof is too old now
	c.write(place(176, "6", "1", "0", "1"))
	<-asked
	answer <- ib.ErrGatewaySilent
	if id, code, text := c.error(); id != 6 || code != 201 || !strings.Contains(text, "does not answer") {
		t.Errorf("%d %d %q", id, code, text)
	}
	if n := len(p.bytes()); n != before+len(cancel)+len(order) {
		t.Error("an order left without a proof")
	}
}

// TestWithdrawn cancels orders that wait: they are not sent any more, also if a later one is.
func TestWithdrawn(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	goOn := make(chan struct{})
	r.conn.onAlive(func(context.Context, time.Duration, time.Time) error { <-goOn; return nil })
	before := len(p.bytes())
	for _, id := range []string{"5", "6", "7"} {
		c.write(place(176, id, "1", "0", "1"))
	}
	c.text(4, "1", "6", "")
	c.text(49, "1")
	time.Sleep(50 * time.Millisecond)
	close(goOn)
	if id, code, _ := c.error(); id != 6 || code != 201 {
		t.Errorf("error %d for %d", code, id)
	}
	want := append(place(176, "5", "1", "0", "1"), place(176, "7", "1", "0", "1")...)
	want = append(want, textFrame(176, 49, "1")...)
	if got := p.await(t, before+len(want))[before:]; !bytes.Equal(got, want) {
		t.Errorf("%q", got)
	}
	// All that wait, by a global cancel.
	again := make(chan struct{})
	r.conn.onAlive(func(context.Context, time.Duration, time.Time) error { <-again; return nil })
	time.Sleep(300 * time.Millisecond) // the proof is too old now
	c.write(place(176, "8", "1", "0", "1"))
	c.write(place(176, "5", "1", "0", "2")) // a change
	c.text(58, "1")
	all := textFrame(176, 58, "1")
	if got := p.await(t, before+len(want)+len(all))[before+len(want):]; !bytes.Equal(got, all) {
		t.Errorf("%q", got)
	}
	close(again)
	for _, want := range [][2]int64{{8, 201}, {5, 2102}} {
		if id, code, _ := c.error(); id != want[0] || int64(code) != want[1] {
			t.Errorf("error %d for %d, want %v", code, id, want)
		}
	}
	if n := len(p.bytes()); n != before+len(want)+len(all) {
		t.Error("an order left behind a global cancel")
	}
}

// TestNotRecorded refuses orders that could not be put on disk.
func TestNotRecorded(t *testing.T) {
	g := newTap(t, 176)
	m := &memory{orders: map[uint64]record.Order{}, err: errors.New("disk full")}
	r := newRig(t, g.port(), func(c *port.Config) { c.Record = m })
	c := startRaw(t, r.number, 176, 7)
	before := len(g.peer(0).bytes())
	c.write(place(176, "5", "1", "0", "1"))
	if id, code, _ := c.error(); id != 5 || code != 201 {
		t.Errorf("error %d for %d", code, id)
	}
	if o := r.order(5); o.State != record.Refused || o.Reason != string(port.NotRecorded) {
		t.Errorf("%+v", o)
	}
	if n := len(g.peer(0).bytes()); n != before {
		t.Error("an order left that is not recorded")
	}
}
