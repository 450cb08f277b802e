package sim_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// bare is a gateway without farm notices, so that every message in a test is one the test caused.
func bare(t testing.TB) *sim.Gateway {
	return startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 200})
}

// is reports whether an error is of a kind, which sockets of Windows have numbers of their own for.
func is(err error, posix, windows syscall.Errno) bool {
	return errors.Is(err, posix) || runtime.GOOS == "windows" && errors.Is(err, windows)
}

func TestDropAndReset(t *testing.T) {
	g := bare(t)
	for _, v := range []int{176, 225} {
		w := ready(t, g, v, 1)
		w.subscribe(1, "AAPL")
		w.next(81)
		g.Drop()
		if err := w.end(); err != nil {
			t.Errorf("drop: %v, want FIN", err)
		}
		w = ready(t, g, v, 1)
		g.Reset()
		if err := w.end(); !is(err, syscall.ECONNRESET, 10054) {
			t.Errorf("reset: %v, want RST", err)
		}
	}
	if n := g.Conns(); n != 0 {
		t.Errorf("%d connections left", n)
	}
}

func TestFreeze(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	w.alive()
	g.Freeze()
	if _, err := w.currentTime(silence); err == nil {
		t.Fatal("a frozen gateway answered")
	}
	late := dial(t, g) // accepted, but silent
	late.write(append([]byte("API\x00"), framed("v100..225")...))
	late.quiet()
	g.Notice(2104, "kept back")
	w.quiet()
	g.Thaw()
	if _, err := w.awaitTime(patience); err != nil {
		t.Errorf("after thaw: %v", err)
	}
	if _, err := late.frame(patience); err != nil {
		t.Errorf("handshake after thaw: %v", err)
	}
	g.Freeze()
	g.Drop()
	if err := w.end(); err != nil {
		t.Errorf("drop while frozen: %v", err)
	}
}

func TestRefuseAndAccept(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	port := g.Port()
	g.Refuse()
	if c, err := net.Dial("tcp", g.Addr()); !is(err, syscall.ECONNREFUSED, 10061) {
		t.Fatalf("dial: %v %v, want refused", c, err)
	}
	w.alive() // what is open stays open
	if err := g.Accept(); err != nil {
		t.Fatal(err)
	}
	if g.Port() != port {
		t.Errorf("port %d, was %d", g.Port(), port)
	}
	ready(t, g, 225, 2).alive()
}

func TestAcceptSilentAndClose(t *testing.T) {
	g := bare(t)
	g.AcceptSilent()
	w := dial(t, g)
	w.write(append([]byte("API\x00"), framed("v100..225")...))
	w.quiet()
	gone := dial(t, g)
	gone.write([]byte("API\x00"))
	if err := g.Accept(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.frame(patience); err != nil {
		t.Errorf("the held handshake did not go on: %v", err)
	}
	g.AcceptClose()
	if err := dial(t, g).end(); err != nil && !is(err, syscall.ECONNRESET, 10054) {
		t.Errorf("accept-close: %v", err)
	}
}

func TestHandshakeStalls(t *testing.T) {
	g := bare(t)
	set := func(s sim.Stall) {
		t.Helper()
		if err := g.StallHandshake(s); err != nil {
			t.Fatal(err)
		}
	}
	set("one-field")
	w := dial(t, g)
	if fields, err := w.hello("v100..225"); err != nil || len(fields) != 1 {
		t.Errorf("one-field: %q %v", fields, err)
	}
	set("half-reply")
	w = dial(t, g)
	w.write(append([]byte("API\x00"), framed("v100..225")...))
	if b, err := w.frame(silence); err == nil || len(b) == 0 {
		t.Errorf("half-reply: %q %v, want a part of a frame", b, err)
	}
	set("no-ready")
	w = dial(t, g)
	if _, err := w.hello("v100..178"); err != nil {
		t.Fatal(err)
	}
	w.startAPI(1)
	w.quiet()
	set("no-accounts")
	w = dial(t, g)
	if _, err := w.hello("v100..225"); err != nil {
		t.Fatal(err)
	}
	w.startAPI(2)
	w.next(9)
	w.quiet()
	set("")
	ready(t, g, 225, 3).alive()
	if err := g.StallHandshake("sideways"); err == nil {
		t.Error("an unknown stall was accepted")
	}
}

func TestRefusedStarts(t *testing.T) {
	g := bare(t)
	g.Refuse326(2)
	g.Refuse10141(1)
	for _, code := range []int{326, 326, 10141} {
		w := dial(t, g)
		if _, err := w.hello("v100..225"); err != nil {
			t.Fatal(err)
		}
		w.startAPI(1)
		w.errorCode(code)
		if err := w.end(); err != nil {
			t.Errorf("%d: ended with %v, want FIN", code, err)
		}
	}
	ready(t, g, 225, 1).alive()
}

func TestBrokenBytes(t *testing.T) {
	g := bare(t)
	raw := func(w *wire, n int) []byte {
		t.Helper()
		b := make([]byte, n)
		_ = w.tcp.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(w.tcp, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	w := ready(t, g, 225, 1)
	g.Garbage(64)
	raw(w, 64)
	w.quiet()
	g.FramedGarbage(32)
	if b := raw(w, 36); !bytes.Equal(b[:4], []byte{0, 0, 0, 32}) {
		t.Errorf("framed garbage starts with %v", b[:4])
	}
	g.Oversize()
	if b := raw(w, 4); !bytes.Equal(b, []byte{0x7f, 0xff, 0xff, 0xff}) {
		t.Errorf("oversized header %v", b)
	}
	w = ready(t, g, 225, 2)
	g.Truncate(false)
	if b := raw(w, 14); !bytes.Equal(b[:4], []byte{0, 0, 3, 0xe8}) {
		t.Errorf("truncated frame %v", b)
	}
	if err := w.end(); err != nil {
		t.Errorf("truncate: %v", err)
	}
	w = ready(t, g, 225, 3)
	g.Truncate(true)
	raw(w, 14)
	w.sendProto(49, &protobuf.CurrentTimeRequest{})
	w.quiet()
}

func TestSlow(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	g.Slow(sim.Slowness{PerMessage: 30 * time.Millisecond})
	start := time.Now()
	for range 3 {
		w.sendProto(49, &protobuf.CurrentTimeRequest{})
	}
	for range 3 {
		w.next(49)
	}
	if d := time.Since(start); d < 90*time.Millisecond {
		t.Errorf("three messages in %v, want 90 ms or more", d)
	}
	g.Slow(sim.Slowness{BytesPerSecond: 100})
	start = time.Now()
	w.alive() // 4 + 4 + 6 bytes
	if d := time.Since(start); d < 100*time.Millisecond {
		t.Errorf("14 bytes at 100 per second in %v", d)
	}
}

func TestUpstream(t *testing.T) {
	for _, v := range []int{178, 225} {
		g := bare(t)
		w := ready(t, g, v, 1)
		w.subscribe(1, "AAPL")
		w.next(1)
		g.Notice(1100, "")
		w.errorCode(1100)
		w.quiet() // no ticks
		w.alive() // but the gateway itself answers
		late := ready(t, g, v, 2)
		late.errorCode(2110)
		g.Notice(1102, "")
		w.errorCode(1102)
		w.next(1) // ticks go on
		g.Notice(2110, "")
		w.errorCode(2110)
		w.quiet()
		g.Notice(1101, "")
		w.errorCode(1101)
		w.quiet() // subscriptions are lost
		w.subscribe(1, "AAPL")
		w.next(1)
	}
}

func TestCompetingSession(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	w.subscribe(5, "AAPL")
	w.next(1)
	g.Notice(10197, "")
	if e := w.errorCode(10197); e.GetId() != 5 {
		t.Errorf("10197 for request %d", e.GetId())
	}
	w.quiet()
	w.subscribe(6, "MSFT")
	w.errorCode(10197)
	w.alive()
	if err := g.Clear(); err != nil {
		t.Fatal(err)
	}
	w.next(1)
}

func TestMovePort(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	old := g.Port()
	port, err := g.MovePort(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if e := w.errorCode(1300); !strings.Contains(e.GetErrorMsg(), "- "+itoa(port)) {
		t.Errorf("text %q does not name port %d", e.GetErrorMsg(), port)
	}
	if err := w.end(); err != nil {
		t.Error(err)
	}
	if g.Port() != port || port == old {
		t.Fatalf("port %d, moved from %d to %d", g.Port(), old, port)
	}
	ready(t, g, 225, 1).alive()
}

func TestRestart(t *testing.T) {
	g := startSim(t, sim.Config{NextOrderID: 10})
	w := ready(t, g, 225, 1)
	w.place(10, "BUY", "LMT", 10, 1.5, "before")
	w.next(3)
	port := g.Port()
	g.Restart(150 * time.Millisecond)
	if err := w.end(); err != nil {
		t.Errorf("restart ended the session with %v", err)
	}
	if c, err := net.Dial("tcp", g.Addr()); err == nil {
		t.Fatalf("dial during the restart: %v", c.RemoteAddr())
	}
	waitFor(t, func() bool { return g.State().Listening })
	if g.Port() != port {
		t.Errorf("port %d, was %d", g.Port(), port)
	}
	w = dial(t, g)
	if _, err := w.hello("v100..225"); err != nil {
		t.Fatal(err)
	}
	w.startAPI(1)
	var next protobuf.NextValidId
	if err := proto.Unmarshal(w.next(9).body, &next); err != nil || next.GetOrderId() != 11 {
		t.Errorf("next order id %d, want 11", next.GetOrderId())
	}
	w.sendProto(5, &protobuf.OpenOrdersRequest{})
	var open protobuf.OpenOrder
	if err := proto.Unmarshal(w.next(5).body, &open); err != nil || open.GetOrder().GetOrderRef() != "before" {
		t.Errorf("open order after the restart: %v", &open)
	}
}

func TestClockSkew(t *testing.T) {
	g := bare(t)
	g.ClockSkew(-time.Hour)
	w := ready(t, g, 225, 1)
	at, err := w.currentTime(patience)
	if off := time.Since(time.Unix(at, 0)); err != nil || (off-time.Hour).Abs() > 5*time.Second {
		t.Errorf("off by %v, want an hour", off)
	}
}

func TestClear(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	g.Notice(1100, "")
	g.Refuse()
	g.AcceptClose()
	g.Refuse326(9)
	g.ClockSkew(time.Hour)
	g.Slow(sim.Slowness{PerMessage: time.Hour})
	g.Lag(time.Hour)
	g.TicksOnly(true)
	g.Freeze()
	want := "freeze,refuse,accept-close,326,skew,slow,lag,ticks-only,upstream-lost"
	if got := strings.Join(g.State().Faults, ","); got != want {
		t.Errorf("faults %s, want %s", got, want)
	}
	if err := g.Clear(); err != nil {
		t.Fatal(err)
	}
	if f := g.State().Faults; len(f) != 0 {
		t.Errorf("faults left: %v", f)
	}
	w.errorCode(1100)
	w.errorCode(1102)
	ready(t, g, 225, 2).alive()
}
