package port_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
)

// supervise returns a real supervisor before a gateway, with limits as they are by default.
func supervise(t testing.TB, gateway int) *conn.Supervisor {
	t.Helper()
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: gateway, ClientID: 99, Mode: ib.AnyMode, ConnectTimeout: 10 * time.Second,
		Poll: time.Second, Soft: 500 * time.Millisecond, Hard: 5 * time.Second,
		Delays: []time.Duration{20 * time.Millisecond}, Stable: 10 * time.Second, WatchLocalPort: true,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { sup.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		run.Wait()
	})
	until(t, "the guard is open", func() bool { return sup.Snapshot().GuardOpen() })
	return sup
}

// TestFreeze has a real supervisor see a frozen Gateway: each program gets 1100, orders are refused, the port is closed
// and opens again; a freeze that lasts ends the connections, and what Gateway has not said is unknown.
func TestFreeze(t *testing.T) {
	g := startSim(t, sim.Config{ServerVersion: 225})
	sup := supervise(t, g.Port())
	r := startPort(t, port.Supervised(sup), nil)
	var programs []*program
	for i := range 3 {
		programs = append(programs, connectProgram(t, r.number, int64(7+i)))
	}
	first := programs[0]
	first.PlaceOrder(10, stock("AAPL"), limitOrder("BUY", "100", 1))
	first.status(10, "Submitted")
	g.Freeze()
	frozen := time.Now()
	for _, p := range programs {
		p.error(-1, 1100)
	}
	t.Logf("a freeze was said after %v", time.Since(frozen)) // the wait is bounded by patience
	first.PlaceOrder(11, stock("AAPL"), limitOrder("BUY", "100", 1))
	first.error(11, 201)
	until(t, "the port is closed", func() bool { return !listens(r.number) })
	g.Thaw()
	for _, p := range programs {
		p.error(-1, 1102)
	}
	until(t, "the port is open", func() bool { return listens(r.number) })
	first.PlaceOrder(12, stock("AAPL"), limitOrder("BUY", "100", 1))
	first.status(12, "Submitted")
	if n := len(g.Requests("placeOrder")); n != 2 {
		t.Errorf("%d orders reached Gateway, not 2", n)
	}
	g.Freeze()
	for _, p := range programs {
		p.named("closed", 0)
	}
	until(t, "orders are unknown", func() bool {
		return r.order(10).State == record.Unknown && r.order(12).State == record.Unknown
	})
	if n := len(r.saw(port.OrderUnknown)); n != 2 {
		t.Errorf("%d orders were reported as unknown", n)
	}
	if o := r.order(11); o.State != record.Refused {
		t.Errorf("%+v", o)
	}
	g.Thaw()
	until(t, "the port is open", func() bool { return listens(r.number) })
	again := connectProgram(t, r.number, 7)
	again.ReqOpenOrders()
	again.named("openOrdersEnd", 0)
	until(t, "Gateway has mentioned the orders", func() bool {
		return r.order(10).State == record.Working && r.order(12).State == record.Working
	})
	again.leave()
	until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
}

// listens reports whether something accepts connections on a port.
func listens(number int) bool {
	for {
		c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", number), 50*time.Millisecond)
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			continue // what meets a socket that is being closed gets no answer, and is sent again after a second
		}
		if err != nil {
			return false
		}
		c.Close()
		return true
	}
}

// TestGatewayGone closes the connections of programs with what Gateway has sent before, and marks orders in flight.
func TestGatewayGone(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	c.write(place(176, "5", "1", "0", "1"))
	p := g.peer(0)
	until(t, "the order is there", func() bool { return r.order(5).State == record.Sent })
	p.send(176, 4, "2", "-1", "1100", "last words", "")
	p.tcp.Close()
	if id, code, text := c.error(); id != -1 || code != 1100 || text != "last words" {
		t.Errorf("%d %d %q", id, code, text)
	}
	if _, _, err := c.next(); err == nil {
		t.Error("the connection goes on")
	}
	if o := r.order(5); o.State != record.Unknown {
		t.Errorf("%+v", o)
	}
	until(t, "the end is reported", func() bool {
		e := r.saw(port.ClientDisconnected)
		return len(e) == 1 && e[0].Detail == string(port.EndGatewayLost)
	})
}

// TestPaused has the computer sleep, also while an order waits for Gateway: programs hear that, and not that
// Gateway does not answer.
func TestPaused(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	told := func(wantID int64, wantCode int) {
		t.Helper()
		if id, code, text := c.error(); id != wantID || code != wantCode || !strings.Contains(text, "asleep") {
			t.Errorf("%d %d %q", id, code, text)
		}
	}
	r.conn.onAlive(func(context.Context, time.Duration, time.Time) error {
		r.conn.close(ib.GuardWoke)
		return ib.ErrGatewaySilent
	})
	c.write(place(176, "5", "1", "0", "1"))
	told(5, 201)
	c.write(place(176, "6", "1", "0", "1"))
	told(6, 201)
	r.conn.set(func(n *conn.Snapshot) { n.Cause = ib.CauseSilent })
	told(-1, 1100)
}

// transitions are ways in which Gateway cannot be used any more.
var transitions = []func(*conn.Snapshot){
	func(n *conn.Snapshot) { n.Layers.API, n.Layers.Socket, n.Guard = false, false, ib.GuardSocket },
	func(n *conn.Snapshot) { n.Layers.API, n.Guard = false, ib.GuardAPI },
	func(n *conn.Snapshot) { n.Cause, n.Guard = ib.CauseSilent, ib.GuardProbe },
}

// usableAgain is the end of each of them, with another session unless the one before is still there.
func usableAgain(n *conn.Snapshot) {
	if !n.Layers.API {
		n.Session++
	}
	n.Layers = conn.Layers{Socket: true, API: true, Upstream: true}
	n.Cause, n.Guard = ib.CauseNone, ib.GuardOpen
}

// lateness returns how long after a change of the snapshot the port was open, or closed.
func (r *rig) lateness(t testing.TB, open bool, change func(*conn.Snapshot)) time.Duration {
	t.Helper()
	r.conn.set(change)
	since := time.Now()
	until(t, fmt.Sprintf("open is %v", open), func() bool { return listens(r.number) == open })
	return time.Since(since)
}

// TestOpenExactlyWhileUsable follows a thousand transitions, with a program that sends an order in each state: no byte
// of an order passes while Gateway cannot be used, and the port is at most ten times as late as it should be. The
// benchmark has the distribution.
func TestOpenExactlyWhileUsable(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	rounds := 500
	if testing.Short() {
		rounds = 50
	}
	const limit = 10 * 50 * time.Millisecond
	var worst time.Duration
	var c *raw
	peers, sent := 0, 0
	order := func() { c.write(place(176, fmt.Sprint(100+sent), "1", "0", "1")) }
	arrived := func() (n int) {
		for i := range peers {
			n += strings.Count(string(g.peer(i).bytes()), "\x00AAPL\x00")
		}
		return n
	}
	for i := range rounds {
		if c == nil {
			c = startRaw(t, r.number, 176, 7)
			peers++
		}
		order()
		sent++
		until(t, "the order is at Gateway", func() bool { return arrived() == sent })
		worst = max(worst, r.lateness(t, false, transitions[i%len(transitions)]))
		_, _ = c.tcp.Write(place(176, "99", "1", "0", "1"))
		if n := r.conn.Snapshot(); n.Layers.API {
			id, code := int64(0), 0
			for id != 99 { // 1100 and 1102 come, too
				id, code, _ = c.error()
			}
			if code != 201 {
				t.Fatalf("error %d", code)
			}
		} else {
			for {
				if _, _, err := c.next(); err != nil {
					break
				}
			}
			c.tcp.Close()
			c = nil
		}
		worst = max(worst, r.lateness(t, true, usableAgain))
		if n := arrived(); n != sent {
			t.Fatalf("round %d: %d orders at Gateway, not %d", i, n, sent)
		}
	}
	t.Logf("at most %v late", worst)
	if worst > limit {
		t.Errorf("the port was %v late, more than %v", worst, limit)
	}
	r.conn.set(func(n *conn.Snapshot) { n.Layers.Upstream, n.Cause = false, ib.CauseUpstream })
	if !listens(r.number) { // data of Gateway is there, and Gateway itself says that IBKR is lost
		t.Error("the port is closed without IBKR")
	}
	if err := r.Configure(port.Settings{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the port is turned off", func() bool { return !listens(r.number) })
}

// TestGreetingAfterTheEnd has a program that has connected while Gateway could be used, and greets when it cannot: it
// is not served.
func TestGreetingAfterTheEnd(t *testing.T) {
	for i, change := range transitions {
		g := newTap(t, 176)
		r := newRig(t, g.port(), nil)
		tcp, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", r.number))
		if err != nil {
			t.Fatal(err)
		}
		defer tcp.Close()
		_, _ = tcp.Write([]byte("API\x00")) // it is being served now
		c := startRaw(t, r.number, 176, 7)
		r.lateness(t, false, change)
		_, _ = tcp.Write(hello("v100..176")[4:])
		_ = tcp.SetReadDeadline(time.Now().Add(patience))
		if n, err := tcp.Read(make([]byte, 100)); err == nil || n > 0 {
			t.Errorf("transition %d: the program was served", i)
		} else if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Errorf("transition %d: the connection stays", i)
		}
		c.tcp.Close()
	}
}

// TestAnotherSession ends the connections of programs when Gatewatch's own connection is another one: what was between
// them nothing has watched.
func TestAnotherSession(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 176, 7)
	r.conn.set(func(n *conn.Snapshot) { n.Session++ })
	if _, _, err := c.next(); err == nil {
		t.Error("the connection goes on")
	}
	if c := startRaw(t, r.number, 176, 7); c.version != 176 {
		t.Error("no new connection")
	}
}

// TestPortInUse tries again until the port is free.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	taken := l.Addr().(*net.TCPAddr).Port
	if err := r.Configure(port.Settings{Port: taken}); err != nil {
		t.Fatal(err)
	}
	until(t, "the failure is shown", func() bool { return r.Status().Err != nil && !r.Status().Listening })
	l.Close()
	until(t, "the port is open", func() bool { return r.Status().Err == nil && r.Status().Listening })
}
