package conn

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/conn/wire"
)

// attempt makes one attempt on the scripted gateway and ends the session if there is one.
func attempt(t testing.TB, port int, limit time.Duration) *ib.AttemptError {
	t.Helper()
	return attemptUntil(t.Context(), t, port, limit)
}

func attemptUntil(ctx context.Context, t testing.TB, port int, limit time.Duration) *ib.AttemptError {
	t.Helper()
	cfg := testConfig(port)
	cfg.ConnectTimeout = limit
	begin := time.Now()
	connect := tcpConnector(func() time.Duration { return time.Since(begin) })
	l, _, err := connect(ctx, doDial{session: 1, ports: []int{port}}, &cfg, func(input) {})
	if l != nil {
		l.End(ib.CauseStopping)
		<-l.Gone()
	}
	if took := time.Since(begin); took > 10*limit {
		t.Errorf("attempt took %v, the limit was %v", took, limit)
	}
	return err
}

// limitFor is short where the end of the time is what an attempt waits for.
func limitFor(want ib.Cause) time.Duration {
	if want == ib.CauseNoAnswer {
		return 500 * time.Millisecond
	}
	return time.Minute
}

// raw answers a hello with the given bytes and then keeps the connection open, or closes it.
func raw(stay bool, parts ...string) func(int, net.Conn, *bufio.Reader) bool {
	return func(_ int, c net.Conn, r *bufio.Reader) bool {
		_, _ = io.ReadFull(r, make([]byte, len(wire.Hello())))
		for _, p := range parts {
			_, _ = io.WriteString(c, p)
		}
		if stay {
			_, _ = io.Copy(io.Discard, r)
		}
		return true
	}
}

func reset(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); c.Close() }

func TestAttemptFailsBeforeTheVersion(t *testing.T) {
	text := func(fields ...string) string { return string(ibtest.TextFrame(fields...)) }
	length := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	for name, c := range map[string]struct {
		onConn func(int, net.Conn, *bufio.Reader) bool
		want   ib.Cause
	}{
		"closed at once": {func(_ int, c net.Conn, _ *bufio.Reader) bool { return true }, ib.CauseClosedEarly},
		"reset at once": {func(_ int, c net.Conn, _ *bufio.Reader) bool {
			reset(c)
			return true
		}, ib.CauseClosedEarly},
		"closed after the hello": {raw(false), ib.CauseClosedEarly},
		"silent":                 {raw(true), ib.CauseNoAnswer},
		"half a header, closed":  {raw(false, "\x00\x00"), ib.CauseClosedEarly},
		"half a header, silent":  {raw(true, "\x00\x00"), ib.CauseNoAnswer},
		"half a reply, closed":   {raw(false, text("225", "20261123 10:00:00 EST")[:9]), ib.CauseClosedEarly},
		"half a reply, silent":   {raw(true, text("225", "20261123 10:00:00 EST")[:9]), ib.CauseNoAnswer},
		"one field":              {raw(true, text("225")), ib.CauseGarbage},
		"one field without end":  {raw(true, string(ibtest.Frame([]byte("225")))), ib.CauseGarbage},
		"no number":              {raw(true, text("v225", "20261123")), ib.CauseGarbage},
		"version zero":           {raw(true, text("0", "20261123")), ib.CauseGarbage},
		"negative version":       {raw(true, text("-225", "20261123")), ib.CauseGarbage},
		"version too old":        {raw(true, text("99", "20261123")), ib.CauseUnsupported},
		"last one in text":       {raw(true, text("212", "20261123")), ib.CauseUnsupported},
		"version too new":        {raw(true, text("227", "20261123")), ib.CauseTooNew},
		"zero length":            {raw(true, length(0)), ib.CauseGarbage},
		"length over the limit":  {raw(true, length(4097)), ib.CauseGarbage},
		"huge length":            {raw(true, length(1<<32-1)), ib.CauseGarbage},
		"HTTP server":            {raw(true, "HTTP/1.1 400 Bad Request\r\n\r\n"), ib.CauseGarbage},
		"SSH server":             {raw(true, "SSH-2.0-OpenSSH_9.2\r\n"), ib.CauseGarbage},
		"mail server":            {raw(true, "220 mail.example.org ESMTP\r\n"), ib.CauseGarbage},
		"TLS alert":              {raw(true, "\x15\x03\x01\x00\x02\x02\x28"), ib.CauseGarbage},
		"many NULs":              {raw(true, strings.Repeat("\x00", 1000)), ib.CauseGarbage},
		"garbage before hello's read": {func(_ int, c net.Conn, r *bufio.Reader) bool {
			_, _ = io.WriteString(c, "garbage")
			_, _ = io.Copy(io.Discard, r)
			return true
		}, ib.CauseGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := ibtest.NewScripted(t, 225)
			g.Answer(c.onConn)
			err := attempt(t, g.Port(), limitFor(c.want))
			if err == nil || err.Cause != c.want || err.Port != g.Port() ||
				!strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("%+v, want cause %s", err, c.want)
			}
		})
	}
}

func TestAttemptIsRefused(t *testing.T) {
	g := ibtest.NewScripted(t, 225)
	g.Stop()
	if err := attempt(t, g.Port(), time.Minute); err == nil || err.Cause != ib.CauseRefused {
		t.Errorf("%+v", err)
	}
}

// TestDialErrors has the errors that depend on the moment at which Gateway hangs up.
func TestDialErrors(t *testing.T) {
	for err, want := range map[error]ib.Cause{
		syscall.ECONNREFUSED:     ib.CauseRefused,
		syscall.ECONNRESET:       ib.CauseClosedEarly,
		syscall.EHOSTUNREACH:     ib.CauseUnreachable,
		context.DeadlineExceeded: ib.CauseUnreachable,
	} {
		wrapped := fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: err})
		if got := dialError(wrapped); got.Cause != want || !errors.Is(got, err) {
			t.Errorf("%v: %s, want %s", err, got.Cause, want)
		}
	}
}

func TestAttemptFailsAfterTheVersion(t *testing.T) {
	queue := func(p *ibtest.Peer, code int) {
		for i := range 20 {
			p.Code(2104, fmt.Sprintf("Market data farm connection is OK:farm%d", i))
		}
		p.Code(code, "the reason")
	}
	for name, c := range map[string]struct {
		script func(*ibtest.Peer)
		stays  bool
		want   ib.Cause
		code   int
	}{
		"closed":                {func(*ibtest.Peer) {}, false, ib.CauseClosedLogin, 0},
		"reset":                 {func(p *ibtest.Peer) { reset(p.Conn) }, false, ib.CauseClosedLogin, 0},
		"silent":                {func(*ibtest.Peer) {}, true, ib.CauseNotReady, 0},
		"order id only":         {func(p *ibtest.Peer) { p.OrderID(1) }, true, ib.CauseNotReady, 0},
		"order id only, closed": {func(p *ibtest.Peer) { p.OrderID(1) }, false, ib.CauseClosedLogin, 0},
		"accounts only":         {func(p *ibtest.Peer) { p.Accounts("DU1") }, true, ib.CauseNotReady, 0},
		"accounts are none": {func(p *ibtest.Peer) {
			p.OrderID(1)
			p.Accounts("")
		}, true, ib.CauseNotReady, 0},
		"client id in use, closed": {func(p *ibtest.Peer) {
			p.Code(326, "the reason")
		}, false, ib.CauseClientIDInUse, 326},
		"client id in use, stays": {func(p *ibtest.Peer) {
			p.Code(326, "the reason")
		}, true, ib.CauseClientIDInUse, 326},
		"client id in use behind others": {func(p *ibtest.Peer) { queue(p, 326) }, false, ib.CauseClientIDInUse, 326},
		"client id in use, half login": {func(p *ibtest.Peer) {
			p.OrderID(1)
			p.Code(326, "the reason")
		}, false, ib.CauseClientIDInUse, 326},
		"disclaimer, closed": {func(p *ibtest.Peer) {
			p.Code(10141, "the reason")
		}, false, ib.CauseDisclaimer, 10141},
		"disclaimer, stays": {func(p *ibtest.Peer) {
			p.Code(10141, "the reason")
		}, true, ib.CauseDisclaimer, 10141},
		"disclaimer behind others": {func(p *ibtest.Peer) { queue(p, 10141) }, false, ib.CauseDisclaimer, 10141},
		"port changed": {func(p *ibtest.Peer) {
			p.Code(1300, "the reason")
		}, false, ib.CausePortChanged, 1300},
		"zero length": {func(p *ibtest.Peer) { p.Send(make([]byte, 4)) }, true, ib.CauseGarbage, 0},
		"huge length": {func(p *ibtest.Peer) {
			p.Send([]byte{0x7f, 0xff, 0xff, 0xff})
		}, true, ib.CauseGarbage, 0},
		"HTTP": {func(p *ibtest.Peer) {
			p.Send([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, true, ib.CauseGarbage, 0},
		"framed nonsense": {func(p *ibtest.Peer) {
			p.Send(ibtest.Frame([]byte("nonsense")))
		}, true, ib.CauseGarbage, 0},
		"cut off message, closed": {func(p *ibtest.Peer) {
			p.Send([]byte{0, 0, 0, 9, '9'})
		}, false, ib.CauseClosedLogin, 0},
		"cut off message, silent": {func(p *ibtest.Peer) {
			p.Send([]byte{0, 0, 0, 9, '9'})
		}, true, ib.CauseNotReady, 0},
	} {
		for _, v := range ibtest.Versions {
			t.Run(fmt.Sprintf("%s/%d", name, v), func(t *testing.T) {
				t.Parallel()
				g := ibtest.NewScripted(t, v)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				g.LogIn(func(p *ibtest.Peer) bool {
					c.script(p)
					if c.want == ib.CauseNotReady { // so the time ends after what Gateway said, however long that took
						time.AfterFunc(250*time.Millisecond, cancel)
					}
					if !c.stays {
						p.Close()
					}
					return true
				})
				err := attemptUntil(ctx, t, g.Port(), limitFor(c.want))
				if err == nil || err.Cause != c.want || err.Code != c.code || c.code != 0 &&
					err.Detail() != "the reason" {
					t.Errorf("%+v, want cause %s, code %d", err, c.want, c.code)
				}
			})
		}
	}
}

// TestClosesDuringConnect closes or resets the connection at every byte of what Gateway says until READY.
// GATEWATCH_CLOSES sets how often.
func TestClosesDuringConnect(t *testing.T) {
	rounds := 2000
	if n, err := strconv.Atoi(os.Getenv("GATEWATCH_CLOSES")); err == nil {
		rounds = n
	} else if testing.Short() {
		rounds = 200
	}
	login := append(ibtest.TextFrame("225", "20261123 10:00:00 EST"), (&ibtest.Peer{}).LoginFrames("DU1")...)
	ports := make([]int, 8) // so that there are enough pairs of ports
	for i := range ports {
		g := ibtest.NewScripted(t, 225)
		g.Answer(func(n int, c net.Conn, r *bufio.Reader) bool {
			if n%3 > 0 {
				_, _ = io.ReadFull(r, make([]byte, len(wire.Hello())))
			}
			_, _ = c.Write(login[:31*n%len(login)])
			if n%2 == 0 {
				reset(c)
			}
			return true
		})
		ports[i] = g.Port()
	}
	work, seen := make(chan int), make(chan ib.Cause)
	for range 8 {
		go func() {
			for i := range work {
				if err := attempt(t, ports[i%len(ports)], time.Minute); err != nil {
					seen <- err.Cause
				} else {
					seen <- ib.CauseNone
				}
			}
		}()
	}
	go func() {
		for i := range rounds {
			work <- i
		}
		close(work)
	}()
	causes := map[ib.Cause]int{}
	for range rounds {
		causes[<-seen]++
	}
	t.Logf("%v", causes)
	early, late := causes[ib.CauseClosedEarly], causes[ib.CauseClosedLogin]
	if early == 0 || late == 0 || early+late != rounds {
		t.Errorf("%d rounds: %v", rounds, causes)
	}
}

// TestOldGateways are not supported: what every Gateway from 10.40 on says is protobuf.
func TestOldGateways(t *testing.T) {
	for version, supported := range map[int]bool{176: false, 200: false, 212: false, 213: true} {
		g := simtest.Start(t, sim.Config{ServerVersion: version})
		failed := Look(t.Context(), "127.0.0.1", g.Port(), 901, time.Minute).Err
		tooOld := failed != nil && failed.Cause == ib.CauseUnsupported &&
			strings.Contains(failed.Detail(), fmt.Sprint(version))
		if supported && failed != nil || !supported && !tooOld {
			t.Errorf("version %d: %v", version, failed)
		}
		g.Close()
	}
}

func TestSlowBytesAreRead(t *testing.T) {
	for _, v := range ibtest.Versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			g := ibtest.NewScripted(t, v)
			g.LogIn(func(p *ibtest.Peer) bool {
				for _, b := range p.LoginFrames("DU1") {
					time.Sleep(2 * time.Millisecond)
					p.Send([]byte{b})
				}
				return true
			})
			if err := attempt(t, g.Port(), time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAbortEndsAnAttempt ends the context in each phase of an attempt.
func TestAbortEndsAnAttempt(t *testing.T) {
	for name, onConn := range map[string]func(int, net.Conn, *bufio.Reader) bool{
		"before the version": raw(true),
		"before READY":       raw(true, string(ibtest.TextFrame("225", "20261123"))),
	} {
		t.Run(name, func(t *testing.T) {
			g := ibtest.NewScripted(t, 225)
			g.Answer(onConn)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			cfg := testConfig(g.Port())
			begin := time.Now()
			_, _, err := tcpConnector(func() time.Duration { return time.Since(begin) })(
				ctx, doDial{session: 1, ports: []int{g.Port(), g.Port()}}, &cfg, func(input) {})
			if took := time.Since(begin); err == nil || took > 10*time.Second {
				t.Errorf("%v after %v", err, took)
			}
			if n := g.Attempts(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func TestSearchEndsWhereTheWindowBegins(t *testing.T) {
	g := ibtest.NewScripted(t, 225)
	cfg := testConfig(0)
	begin := time.Now()
	look := tcpConnector(func() time.Duration { return time.Since(begin) })
	for _, c := range []struct {
		rests time.Time
		found bool
	}{{time.Time{}, true}, {begin.Add(time.Hour), true}, {begin, false}} {
		before := g.Attempts()
		l, _, err := look(t.Context(), doDial{session: 1, ports: []int{closedPort(t), g.Port()}, rests: c.rests},
			&cfg, func(input) {})
		if err == nil {
			l.End(ib.CauseStopping)
			<-l.Gone()
		}
		if found := err == nil; found != c.found || g.Attempts()-before != map[bool]int{true: 1, false: 0}[c.found] {
			t.Errorf("window at %v: found %v after %d dials of the second port", c.rests, found, g.Attempts()-before)
		}
	}
}

// closedPort returns a port of this machine that no one listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
