package port_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/wire"
)

// knock connects, writes, and returns what comes until the connection ends.
func knock(t testing.TB, number int, b []byte) []byte {
	t.Helper()
	tcp, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", number))
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	_, _ = tcp.Write(b)
	_ = tcp.SetReadDeadline(time.Now().Add(patience))
	var got bytes.Buffer
	_, err = got.ReadFrom(tcp)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Errorf("%.40q: the connection stays", b)
	}
	return got.Bytes()
}

func hello(text string) []byte {
	framed, start := wire.BeginFrame([]byte("API\x00"))
	return wire.EndFrame(append(framed, text...), start)
}

// TestBadGreetings closes connections that do not begin as the protocol says, and Gateway never sees them.
func TestBadGreetings(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	for _, b := range [][]byte{
		[]byte("GET / HTTP/1.1\r\n\r\n"),
		[]byte("API\x00\xff\xff\xff\xff"),
		[]byte("API\x00\x00\x00\x00\x00"),
		hello("v"), hello(""), hello("v100..156"), hello("v200..100"), hello("hello"), hello("v1..99999"),
		hello("v176\n"),
		hello("v100..176 \x01"), hello(strings.Repeat("v", 4097)),
		[]byte("\x00\x00\x00\x00\x00\x00\x00\x00"),
	} {
		if got := knock(t, r.number, b); len(got) != 0 {
			t.Errorf("%.40q: %q", b, got)
		}
	}
	g.mu.Lock()
	n := len(g.peers)
	g.mu.Unlock()
	if n != 0 {
		t.Errorf("Gateway saw %d connections", n)
	}
	if s := r.Status().Counters; s.Rejected == 0 || s.Connections != 0 {
		t.Errorf("%+v", s)
	}
	if c := startRaw(t, r.number, 178, 7); c.version != 176 {
		t.Errorf("version %d", c.version)
	}
}

// TestGarbage closes the connection of a program that sends what is not the protocol, or says so; another one next to
// it goes on, and Gateway gets whole frames.
func TestGarbage(t *testing.T) {
	for _, version := range []int{176, 213} {
		g := newTap(t, version)
		r := newRig(t, g.port(), nil)
		good := startRaw(t, r.number, version, 1)
		for i, b := range [][]byte{
			{0, 0, 0, 0},
			{0xff, 0xff, 0xff, 0xff, 1},
			{0, 0x20, 0, 0, 1, 2, 3},
			frameOf([]byte("x")),
			frameOf([]byte{0}),
			frameOf([]byte{0, 0, 0, 0}),
			frameOf([]byte{0x7f, 0, 0, 0}),
			frameOf([]byte("99999\x00")),
			frameOf([]byte("-1\x00")),
		} {
			c := startRaw(t, r.number, version, 2)
			p := g.peer(1 + i)
			before := len(p.bytes())
			c.write(b)
			c.write(textFrame(version, 49, "1"))
			for {
				if _, _, err := c.next(); err != nil {
					if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
						t.Errorf("version %d: %q: the connection stays", version, b)
					}
					break
				}
			}
			if got := p.bytes(); len(got) != before {
				t.Errorf("version %d: %q reached Gateway", version, got[before:])
			}
		}
		// What cannot be read is refused, and the connection goes on.
		c := startRaw(t, r.number, version, 3)
		p := g.peer(10)
		before := len(p.bytes())
		bad := [][]byte{
			frameOf([]byte("3\x00")), frameOf([]byte("3\x00x\x00")), frameOf([]byte("9\x001")),
			frameOf([]byte("203\x001\x00")),
			frameOf([]byte("4\x001\x00y\x00")), frameOf([]byte("3\x0099999999999\x00")),
		}
		if version == 213 {
			bad = [][]byte{
				frameOf([]byte{0, 0, 0, 203}), frameOf([]byte{0, 0, 0, 203, 8, 5}),
				frameOf([]byte{0, 0, 0, 203, 0xff, 1}),
				frameOf([]byte{0, 0, 0, 209, 0x12, 100}), frameOf([]byte{0, 0, 0, 204}),
				frameOf([]byte{0, 0, 0, 203, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}),
			}
		}
		for _, b := range bad {
			c.write(b)
			if _, code, _ := c.error(); code != 320 {
				t.Errorf("version %d: %q: error %d", version, b, code)
			}
		}
		c.write(textFrame(version, 49, "1"))
		want := textFrame(version, 49, "1")
		if got := p.await(t, before+len(want))[before:]; !bytes.Equal(got, want) {
			t.Errorf("version %d: %q reached Gateway", version, got)
		}
		good.text(49, "1")
		g.peer(0).send(version, 49, "1", "5")
		good.await("the time", func(n int, _ []byte) bool { return n == 49 })
	}
}

// TestHalfFrame sends half of a frame and leaves: Gateway gets nothing of it.
func TestHalfFrame(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	before := len(p.bytes())
	frame := textFrame(176, 9, strings.Repeat("x", 1000))
	c.write(frame[:600])
	time.Sleep(20 * time.Millisecond)
	c.tcp.Close()
	until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	if got := p.bytes(); len(got) != before {
		t.Errorf("%q reached Gateway", got[before:])
	}
}

// TestManyConnections opens connections as fast as possible, with and without a greeting. A program that is connected
// works on, another one can connect, and memory is bounded.
func TestManyConnections(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	good := startRaw(t, r.number, 176, 7)
	var kept []net.Conn
	for i := range 1000 {
		tcp, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", r.number))
		if err != nil {
			t.Fatal(err)
		}
		switch i % 4 {
		case 0:
			kept = append(kept, tcp) // and says nothing
		case 1:
			_, _ = tcp.Write([]byte("API\x00\x00\x00"))
			kept = append(kept, tcp)
		case 2:
			_, _ = tcp.Write(hello("nonsense"))
			tcp.Close()
		default:
			tcp.Close()
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 64<<20 {
		t.Errorf("%d MB in use", m.HeapAlloc>>20)
	}
	good.text(49, "1")
	g.peer(0).send(176, 49, "1", "5")
	good.await("the time", func(n int, _ []byte) bool { return n == 49 })
	startRaw(t, r.number, 176, 8)
	for _, c := range kept {
		c.Close()
	}
}

// TestTooMany serves as many programs as Gateway does, or as there is room for, and one more when one has left.
func TestTooMany(t *testing.T) {
	for connections, most := range map[int]int{0: 32, 1000: 32, 8: 4} {
		g := newTap(t, 176)
		r := newRig(t, g.port(), func(c *port.Config) { c.Connections = connections })
		var list []*raw
		for i := range most {
			list = append(list, startRaw(t, r.number, 176, i))
		}
		if got := knock(t, r.number, hello("v100..176")); len(got) != 0 {
			t.Errorf("%q", got)
		}
		if n := len(r.Clients()); n != most {
			t.Errorf("%d programs, not %d", n, most)
		}
		list[0].tcp.Close()
		until(t, "one has left", func() bool { return len(r.Clients()) == most-1 })
		startRaw(t, r.number, 176, 50)
	}
}

// TestSlowReader has a program read nothing: only it waits, Gateway is held back only for it, and memory is bounded.
func TestSlowReader(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	slow, quick := startRaw(t, r.number, 176, 7), startRaw(t, r.number, 176, 8)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	frame := textFrame(176, 46, "6", "1", "45", strings.Repeat("x", 60_000))
	p := g.peer(0)
	_ = p.tcp.SetWriteDeadline(time.Now().Add(2 * time.Second))
	written := 0
	for {
		n, err := p.tcp.Write(frame)
		written += n
		if err != nil {
			break
		}
	}
	r.conn.set(func(n *conn.Snapshot) { n.Cause = ib.CauseSilent }) // a notice must not wait for it
	if id, code, _ := quick.error(); id != -1 || code != 1100 {
		t.Errorf("error %d for %d", code, id)
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	if grown := int64(m.HeapAlloc) - int64(before); grown > 8<<20 {
		t.Errorf("%d MB more in use for %d MB", grown>>20, written>>20)
	}
	got := 0
	for got < written-len(frame) {
		payload, err := slow.in.Next()
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", got, written, err)
		}
		got += 4 + len(payload)
	}
	slow.tcp.Close()
	until(t, "it is gone", func() bool { return len(r.Clients()) == 1 })
}

// failing is a record of orders that panics.
type failing struct{ memory }

func (f *failing) Write(ctx context.Context, o record.Order) error {
	if o.Client == 7 {
		panic("a defect")
	}
	return f.memory.Write(ctx, o)
}

// TestPanic closes the one program whose relay has failed. The others go on.
func TestPanic(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), func(c *port.Config) { c.Record = &failing{memory{orders: map[uint64]record.Order{}}} })
	bad, good := startRaw(t, r.number, 176, 7), startRaw(t, r.number, 176, 8)
	before := len(g.peer(0).bytes())
	bad.write(place(176, "5", "1", "0", "1"))
	if _, _, err := bad.next(); err == nil {
		t.Error("the connection goes on")
	}
	good.write(place(176, "5", "1", "0", "1"))
	until(t, "the other's order is sent", func() bool {
		o := r.order(5)
		return o.Client == 8 && o.State == record.Sent
	})
	if e := r.saw(port.ClientFailed); len(e) != 1 || e[0].Detail != "a defect" || r.Status().Counters.Failures != 1 {
		t.Errorf("%+v", e)
	}
	if n := len(g.peer(0).bytes()); n != before {
		t.Error("the order left")
	}
}

// hanging is a record of orders that hangs.
type hanging struct {
	memory
	over chan struct{}
}

func (h *hanging) Write(ctx context.Context, o record.Order) error {
	if o.Client == 7 {
		<-h.over
	}
	return h.memory.Write(ctx, o)
}

// TestStall closes the one program whose relay does not go on. The others do.
func TestStall(t *testing.T) {
	g := newTap(t, 176)
	h := &hanging{memory{orders: map[uint64]record.Order{}}, make(chan struct{})}
	c := newScripted(g.port())
	r := &rig{t: t, number: freePort(t), stall: time.Second}
	runRig(r, c, func(c *port.Config) { c.Record = h })
	defer close(h.over)
	bad, good := startRaw(t, r.number, 176, 7), startRaw(t, r.number, 176, 8)
	bad.write(place(176, "5", "1", "0", "1"))
	if _, _, err := bad.next(); err == nil {
		t.Error("the connection goes on")
	}
	good.write(place(176, "5", "1", "0", "1"))
	until(t, "the other's order is sent", func() bool {
		o := r.order(5)
		return o.Client == 8 && o.State == record.Sent
	})
	if r.Status().Counters.Failures != 1 {
		t.Errorf("%+v", r.Status().Counters)
	}
}

// TestSecondClientID starts a connection twice, or with a client id that is none: the options of another client id must
// not hold for it.
func TestSecondClientID(t *testing.T) {
	for _, version := range []int{176, 213} {
		g := newTap(t, version)
		r := newRig(t, g.port(), nil)
		c := startRaw(t, r.number, version, 7)
		p := g.peer(0)
		before := len(p.bytes())
		c.write(startFrame(version, 8))
		if _, code, _ := c.error(); code != 320 {
			t.Errorf("error %d", code)
		}
		c = dialRaw(t, r.number, version)
		c.write(startFrame(version, -5))
		if _, code, _ := c.error(); code != 320 {
			t.Errorf("error %d", code)
		}
		if len(p.bytes()) != before || len(g.peer(1).bytes()) != 0 {
			t.Errorf("%q and %q reached Gateway", p.bytes()[before:], g.peer(1).bytes())
		}
	}
}
