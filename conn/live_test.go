package conn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

func TestDropsAndGarbageOnALiveSession(t *testing.T) {
	text := ibtest.TextMessage
	proto := func(id int, body string) []byte {
		return ibtest.Frame(append(binary.BigEndian.AppendUint32(nil, uint32(id+wire.ProtoBase)), body...))
	}
	for name, c := range map[string]struct {
		bytes func() []byte
		close bool
		want  ib.Cause
	}{
		"closed":          {func() []byte { return []byte{} }, true, ib.CauseClosed},
		"cut off, closed": {func() []byte { return []byte{0, 0, 0, 50, 1, 2} }, true, ib.CauseBroken},
		"cut off header":  {func() []byte { return []byte{0, 0} }, true, ib.CauseBroken},
		"header alone":    {func() []byte { return []byte{0, 0, 0, 50} }, true, ib.CauseBroken},
		"zero length":     {func() []byte { return make([]byte, 4) }, false, ib.CauseGarbage},
		"huge length":     {func() []byte { return []byte("\xff\xff\xff\xff") }, false, ib.CauseGarbage},
		"HTTP":            {func() []byte { return []byte("HTTP/1.1 200 OK\r\n\r\n") }, false, ib.CauseGarbage},
		"framed nonsense": {func() []byte {
			return ibtest.Frame([]byte("well framed nonsense"))
		}, false, ib.CauseGarbage},
		"framed NULs":         {func() []byte { return ibtest.Frame(make([]byte, 50)) }, false, ib.CauseGarbage},
		"message of one byte": {func() []byte { return ibtest.Frame([]byte{1}) }, false, ib.CauseGarbage},
		"number out of reach": {func() []byte { return text(10_000, "1") }, false, ib.CauseGarbage},
		"negative number":     {func() []byte { return text(-1, "1") }, false, ib.CauseGarbage},
		"order id in words":   {func() []byte { return text(9, "1", "one") }, false, ib.CauseGarbage},
		"number out of range": {func() []byte { return text(49, "1", "99999999999999999999") }, false, ib.CauseGarbage},
		"last field not ended": {func() []byte {
			return ibtest.Frame(text(49, "1", "1700000000")[4 : len(text(49, "1", "1700000000"))-1])
		}, false, ib.CauseGarbage},
		"code in words": {func() []byte {
			return text(4, "2", "one", "lost", "text", "", "")
		}, false, ib.CauseGarbage},
		"error without text": {func() []byte { return text(4, "2", "-1") }, false, ib.CauseGarbage},
		"cut off protobuf":   {func() []byte { return proto(4, "\x08") }, false, ib.CauseGarbage},
		"protobuf without sense": {func() []byte {
			return proto(1, strings.Repeat("\xff", 11))
		}, false, ib.CauseGarbage},
		"order cut off": {func() []byte { return proto(5, "\x08\x01\x12\x05") }, false, ib.CauseGarbage},
		"text cut off":  {func() []byte { return proto(3, "\x12\x09Filled") }, false, ib.CauseGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range ibtest.Versions {
				g, s, r := connect(t, v, nil)
				old := s.Session()
				g.Peer().Send(c.bytes())
				if c.close {
					g.Peer().Close()
				}
				ibtest.Eventually(t, "loss", func() bool { return len(r.of(EventLost)) > 0 })
				if err := old.Guard(); err == nil || old.Subscribe(1, ib.Contract{}) == nil {
					t.Errorf("version %d: an old session lets orders or requests through", v)
				}
				await(t, s, "READY again", 10*time.Second, connected)
				r.wantLoss(t, c.want)
				if n := len(r.of(EventConnected)) + len(r.of(EventAttemptFailed)); n > 2 {
					t.Errorf("version %d: %d attempts", v, n)
				}
			}
		})
	}
}

// TestHarmlessOddities sends what is odd and no reason to drop a session.
func TestHarmlessOddities(t *testing.T) {
	for _, v := range ibtest.Versions {
		g, s, r := connect(t, v, nil)
		g.Peer().Oddities()
		g.Peer().Code(399, "last")
		ibtest.Eventually(t, "notice", func() bool {
			list := r.of(EventNotice)
			return len(list) > 0 && list[len(list)-1].Detail == "last"
		})
		if n := s.Snapshot(); n.Lost != 0 || n.Session != 1 || !n.GuardOpen() {
			t.Errorf("version %d: %+v", v, n)
		}
	}
}

func smallLimits(c *Config) {
	c.Delays = []time.Duration{20 * time.Millisecond}
	c.Poll, c.Soft, c.Hard = 100*time.Millisecond, 200*time.Millisecond, 3*time.Second
}

func TestFreezeShutsTheGuardAndThawKeepsTheSession(t *testing.T) {
	for _, v := range ibtest.Versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			g, s, r := connect(t, v, smallLimits)
			g.Freeze(true)
			n := await(t, s, "suspicion", 10*time.Second, func(n *Snapshot) bool { return n.Guard == ib.GuardProbe })
			if n.State != Degraded || n.Cause != ib.CauseSilent || !n.Unanswered || s.Session().Guard() == nil {
				t.Errorf("%+v", n)
			}
			g.Freeze(false)
			await(t, s, "answer", 10*time.Second, connected)
			if n := s.Snapshot(); n.Session != 1 || n.Unanswered || len(r.of(EventLost)) != 0 {
				t.Errorf("the session was not kept: %+v", n)
			}
			ibtest.Eventually(t, "each suspicion ends", func() bool {
				n := len(r.of(EventAnswered))
				return n > 0 && n == len(r.of(EventSuspected))
			})
		})
	}
}

func TestFrozenGatewayIsDroppedAtTheHardLimit(t *testing.T) {
	t.Parallel()
	g, s, r := connect(t, 225, func(c *Config) { smallLimits(c); c.Hard = 1500 * time.Millisecond })
	g.Freeze(true)
	begin := time.Now()
	await(t, s, "loss", 15*time.Second, func(n *Snapshot) bool { return n.Lost > 0 })
	if took := time.Since(begin); took < time.Second {
		t.Errorf("dropped after %v", took)
	}
	r.wantLoss(t, ib.CauseSilent)
	g.Freeze(false)
	await(t, s, "READY again", 10*time.Second, connected)
}

// TestGatewayThatStopsReading fills the way to Gateway, so that not even a probe gets through.
func TestGatewayThatStopsReading(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	g := ibtest.NewScripted(t, 225)
	g.LogIn(func(p *ibtest.Peer) bool {
		p.Login("DU1")
		<-stuck
		return true
	})
	cfg := testConfig(g.Port())
	smallLimits(&cfg)
	s := start(t, cfg)
	defer close(stuck)
	r := record(t, s)
	await(t, s, "READY", 10*time.Second, connected)
	session := s.Session()
	blocked := make(chan error, 1)
	go func() {
		for i := int64(1); ; i++ {
			if err := session.Subscribe(i, ib.Contract{Symbol: strings.Repeat("x", 1<<20)}); err != nil {
				blocked <- err
				return
			}
		}
	}()
	await(t, s, "loss", 20*time.Second, func(n *Snapshot) bool { return n.Lost > 0 })
	if err := <-blocked; !errors.Is(err, ib.ErrSessionOver) {
		t.Error(err)
	}
	r.wantLoss(t, ib.CauseSilent)
}

// TestHalfOpenGatewayWithData takes nothing more but still sends: only writing finds out.
func TestHalfOpenGatewayWithData(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the write limit of 10 s")
	}
	t.Parallel()
	stuck := make(chan struct{})
	g := ibtest.NewScripted(t, 225)
	g.LogIn(func(p *ibtest.Peer) bool {
		p.Login("DU1")
		for {
			select {
			case <-stuck:
				return true
			case <-time.After(20 * time.Millisecond):
				p.Send(ibtest.TickPrice(1, 1, 1))
			}
		}
	})
	s := start(t, testConfig(g.Port()))
	defer close(stuck)
	r := record(t, s)
	await(t, s, "READY", 10*time.Second, connected)
	session := s.Session()
	for i := range int64(30) {
		_ = session.Subscribe(1+i, ib.Contract{Symbol: strings.Repeat("x", 1<<20)})
	}
	await(t, s, "loss", 60*time.Second, func(n *Snapshot) bool { return n.Lost > 0 })
	r.wantLoss(t, ib.CauseSilent)
}

// TestSearchEndsAtThePortThatAnswers looks through a port that is closed and one with a web server on it.
func TestSearchEndsAtThePortThatAnswers(t *testing.T) {
	closed, web, gateway := ibtest.NewScripted(t, 225), ibtest.NewScripted(t, 225), ibtest.NewScripted(t, 225)
	closed.Stop()
	web.Answer(func(_ int, c net.Conn, _ *bufio.Reader) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		return true
	})
	upstreamLost := ibtest.NewScripted(t, 225)
	upstreamLost.LogIn(func(p *ibtest.Peer) bool {
		p.Code(1100, "lost")
		p.Code(326, "in use")
		p.Close()
		return true
	})
	old := DefaultPorts
	defer func() { DefaultPorts = old }()

	DefaultPorts = []int{closed.Port(), web.Port()}
	s := start(t, testConfig(0))
	n := await(t, s, "failure", 10*time.Second, func(n *Snapshot) bool { return n.State == Reconnecting })
	tried := []ib.PortTry{{Port: closed.Port(), Cause: ib.CauseRefused}, {Port: web.Port(), Cause: ib.CauseGarbage}}
	if n.Cause != ib.CauseGarbage || n.Gateway.Port != web.Port() || !slices.Equal(n.Tried, tried) {
		t.Errorf("%+v", n)
	}

	DefaultPorts = []int{closed.Port(), web.Port(), upstreamLost.Port(), gateway.Port()}
	s = start(t, testConfig(0))
	n = await(t, s, "READY", 10*time.Second, func(n *Snapshot) bool { return n.Layers.API })
	if n.Gateway.Port != gateway.Port() || n.State != Connected || n.Tried != nil {
		t.Errorf("%+v: what was said on one port is held against another", n)
	}
}

// TestNothingWaitsBehindHalfAFrame sends an upstream loss and the beginning of a frame whose rest never comes.
func TestNothingWaitsBehindHalfAFrame(t *testing.T) {
	g, s, _ := connect(t, 225, nil)
	code := ibtest.ProtoMessage(4, -1, 1_700_000_000_000, 1100, "lost")
	g.Peer().Send(append(code, ibtest.ProtoMessage(49, 1)[:6]...)) // one write, so that both are read at once
	// Well before the probes run out, which would end the session anyway.
	n := await(t, s, "upstream lost", 800*time.Millisecond, func(n *Snapshot) bool { return n.State != Connected })
	if n.State != UpstreamLost || n.Code != 1100 {
		t.Errorf("%s, code %d", n.State, n.Code)
	}
}
