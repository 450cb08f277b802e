package port_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/scmhub/ibapi"
	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/conn/wire"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	ibapi.SetLogger(zerolog.Nop())
	goleak.VerifyTestMain(m)
}

// patience bounds what a test waits for.
const patience = 20 * time.Second

// until waits until something holds.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// scripted is Gatewatch's own connection as a test wants it to be.
type scripted struct {
	nudge.Subscribers
	mu    sync.Mutex
	now   conn.Snapshot
	alive func(ctx context.Context, within time.Duration, heard time.Time) error
}

func newScripted(gateway int) *scripted {
	return &scripted{now: conn.Snapshot{
		State: conn.Connected, Session: 1, Layers: conn.Layers{Socket: true, API: true, Upstream: true},
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: gateway},
	}}
}

// set changes what is true.
func (s *scripted) set(change func(*conn.Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Seq++
	change(&s.now)
	s.Nudge()
}

// close closes the guard for a reason, or opens it.
func (s *scripted) close(r ib.GuardReason) {
	s.set(func(n *conn.Snapshot) { n.Guard = r })
}

func (s *scripted) Snapshot() *conn.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.now
	return &n
}

func (s *scripted) Guard() error {
	n := s.Snapshot()
	if n.GuardOpen() {
		return nil
	}
	return &ib.GuardError{Reason: n.Guard}
}

func (s *scripted) Alive(ctx context.Context, within time.Duration, heard time.Time) error {
	s.mu.Lock()
	alive := s.alive
	s.mu.Unlock()
	if alive == nil {
		return nil
	}
	return alive(ctx, within, heard)
}

func (s *scripted) onAlive(f func(ctx context.Context, within time.Duration, heard time.Time) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive = f
}

// memory is a record of orders that is not on disk.
type memory struct {
	mu     sync.Mutex
	orders map[uint64]record.Order
	err    error // of Write
}

func (m *memory) Orders() []record.Order { return nil }

func (m *memory) Write(_ context.Context, o record.Order) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.orders[o.Number] = o
	}
	return m.err
}

func (m *memory) Note(o record.Order) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.orders[o.Number] = o
}

// rig is a port between programs and a gateway.
type rig struct {
	*port.Port
	t      testing.TB
	conn   *scripted
	number int           // of the port
	stall  time.Duration // how long a relay may deal with one message; 0: as it is by default

	mu     sync.Mutex
	events []port.Event
}

// numbered counts the ports that tests have got, from anywhere.
var numbered = rand.Uint32N(7_500)

// freePort returns the number of a port that nothing listens on, that no other test gets (those of app take theirs from
// 22,500 on), and that no system gives to outgoing connections: otherwise one of these could take it, or be its own
// other end, while the port is closed.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		number := int(15_000 + atomic.AddUint32(&numbered, 1)%7_500)
		if l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", number)); err == nil {
			l.Close()
			return number
		}
	}
	t.Fatal("no port is free")
	return 0
}

// newRig returns a port before a gateway, with a connection that the test scripts.
func newRig(t testing.TB, gateway int, change func(*port.Config)) *rig {
	t.Helper()
	c := newScripted(gateway)
	r := startPort(t, c, change)
	r.conn = c
	return r
}

func startPort(t testing.TB, c port.Connection, change func(*port.Config)) *rig {
	t.Helper()
	return runRig(&rig{t: t, number: freePort(t)}, c, change)
}

// runRig runs the port of a rig until the test ends.
func runRig(r *rig, c port.Connection, change func(*port.Config)) *rig {
	t := r.t
	t.Helper()
	cfg := port.Config{
		Connection: c, Record: &memory{orders: map[uint64]record.Order{}}, Settings: port.Settings{Port: r.number},
		Events: func(e port.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	if change != nil {
		change(&cfg)
	}
	p, err := port.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Port = p
	if r.stall != 0 {
		p.SetStall(r.stall)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	until(t, "the port is open or closed", func() bool {
		return r.Status().Listening == (c.Snapshot().Layers.API && cfg.Settings.Port != 0)
	})
	return r
}

// saw returns the events of a kind.
func (r *rig) saw(kind port.EventKind) (list []port.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// order returns the newest order with an id.
func (r *rig) order(id int64) record.Order {
	for _, o := range r.Orders() {
		if o.ID == id {
			return o
		}
	}
	return record.Order{}
}

// startSim starts a simulated gateway.
func startSim(t testing.TB, cfg sim.Config) *sim.Gateway {
	t.Helper()
	if cfg.Farms == nil {
		cfg.Farms = []sim.Farm{}
	}
	g := simtest.Start(t, cfg)
	return g
}

// raw is a program that writes the protocol by hand.
type raw struct {
	t       testing.TB
	tcp     net.Conn
	in      *wire.Reader
	version int
}

// dialRaw connects a program to a port and greets.
func dialRaw(t testing.TB, number, version int) *raw {
	t.Helper()
	tcp, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", number))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	c := &raw{t: t, tcp: tcp, in: wire.NewReader(tcp)}
	framed, start := wire.BeginFrame([]byte("API\x00"))
	c.write(wire.EndFrame(fmt.Appendf(framed, "v100..%d", version), start))
	_ = tcp.SetReadDeadline(time.Now().Add(patience))
	reply, err := c.in.Greeting()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(reply), "%d", &c.version); err != nil {
		t.Fatalf("%q: %v", reply, err)
	}
	return c
}

// startRaw is dialRaw and startApi.
func startRaw(t testing.TB, number, version, client int) *raw {
	t.Helper()
	c := dialRaw(t, number, version)
	if c.version >= 213 {
		c.write(frameOf(binary.BigEndian.AppendUint32(nil, 271), 8, byte(client)))
	} else {
		c.text(71, "2", fmt.Sprint(client), "")
	}
	c.await("nextValidId", func(n int, _ []byte) bool { return n == 9 })
	return c
}

// frameOf frames a number and a body.
func frameOf(number []byte, body ...byte) []byte {
	framed, start := wire.BeginFrame(nil)
	return wire.EndFrame(append(append(framed, number...), body...), start)
}

func (c *raw) write(b []byte) {
	c.t.Helper()
	if _, err := c.tcp.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// textFrame returns a message in text.
func textFrame(version, number int, fields ...string) []byte {
	var b []byte
	if version >= 201 {
		b = binary.BigEndian.AppendUint32(b, uint32(number))
	} else {
		b = fmt.Appendf(b, "%d\x00", number)
	}
	for _, f := range fields {
		b = append(append(b, f...), 0)
	}
	return frameOf(b)
}

func (c *raw) text(number int, fields ...string) {
	c.t.Helper()
	c.write(textFrame(c.version, number, fields...))
}

// next returns the next message: its number without the 200 of the protobuf form, and its body.
func (c *raw) next() (int, []byte, error) {
	_ = c.tcp.SetReadDeadline(time.Now().Add(patience))
	p, err := c.in.Next()
	if err != nil {
		return 0, nil, err
	}
	if c.version >= 201 {
		n := int(binary.BigEndian.Uint32(p))
		if n > 200 {
			n -= 200
		}
		return n, p[4:], nil
	}
	var n int
	for i, b := range p {
		if b == 0 {
			return n, p[i+1:], nil
		}
		n = 10*n + int(b-'0')
	}
	return n, nil, nil
}

// await returns the body of the next message that ok accepts.
func (c *raw) await(what string, ok func(number int, body []byte) bool) []byte {
	c.t.Helper()
	for {
		n, body, err := c.next()
		if err != nil {
			c.t.Fatalf("%s: %v", what, err)
		}
		if ok(n, body) {
			return body
		}
	}
}
