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

	"gatewatch/conn/wire"
)

func TestDropsAndGarbageOnALiveSession(t *testing.T) {
	text := textMessage
	proto := func(id int, body string) []byte {
		return frame(append(binary.BigEndian.AppendUint32(nil, uint32(id+wire.ProtoBase)), body...))
	}
	for name, c := range map[string]struct {
		bytes func() []byte
		close bool
		want  Cause
	}{
		"closed":              {func() []byte { return []byte{} }, true, CauseClosed},
		"cut off, closed":     {func() []byte { return []byte{0, 0, 0, 50, 1, 2} }, true, CauseBroken},
		"cut off header":      {func() []byte { return []byte{0, 0} }, true, CauseBroken},
		"header alone":        {func() []byte { return []byte{0, 0, 0, 50} }, true, CauseBroken},
		"zero length":         {func() []byte { return make([]byte, 4) }, false, CauseGarbage},
		"huge length":         {func() []byte { return []byte("\xff\xff\xff\xff") }, false, CauseGarbage},
		"HTTP":                {func() []byte { return []byte("HTTP/1.1 200 OK\r\n\r\n") }, false, CauseGarbage},
		"framed nonsense":     {func() []byte { return frame([]byte("well framed nonsense")) }, false, CauseGarbage},
		"framed NULs":         {func() []byte { return frame(make([]byte, 50)) }, false, CauseGarbage},
		"message of one byte": {func() []byte { return frame([]byte{1}) }, false, CauseGarbage},
		"number out of reach": {func() []byte { return text(10_000, "1") }, false, CauseGarbage},
		"negative number":     {func() []byte { return text(-1, "1") }, false, CauseGarbage},
		"order id in words":   {func() []byte { return text(9, "1", "one") }, false, CauseGarbage},
		"number out of range": {func() []byte { return text(49, "1", "99999999999999999999") }, false, CauseGarbage},
		"last field not ended": {func() []byte {
			return frame(text(49, "1", "1700000000")[4 : len(text(49, "1", "1700000000"))-1])
		}, false, CauseGarbage},
		"code in words": {func() []byte {
			return text(4, "2", "one", "lost", "text", "", "")
		}, false, CauseGarbage},
		"error without text":     {func() []byte { return text(4, "2", "-1") }, false, CauseGarbage},
		"cut off protobuf":       {func() []byte { return proto(4, "\x08") }, false, CauseGarbage},
		"protobuf without sense": {func() []byte { return proto(1, strings.Repeat("\xff", 11)) }, false, CauseGarbage},
		"order cut off":          {func() []byte { return proto(5, "\x08\x01\x12\x05") }, false, CauseGarbage},
		"text cut off":           {func() []byte { return proto(3, "\x12\x09Filled") }, false, CauseGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range versions {
				g, s, r := connect(t, v, nil)
				old := s.Session()
				g.peer().send(c.bytes())
				if c.close {
					g.peer().Close()
				}
				eventually(t, "loss", func() bool { return len(r.of(EventLost)) > 0 })
				if err := old.Guard(); err == nil || old.Subscribe(1, Contract{}) == nil {
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
	for _, v := range versions {
		g, s, r := connect(t, v, nil)
		g.peer().oddities()
		g.peer().code(399, "last")
		eventually(t, "notice", func() bool {
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
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			g, s, r := connect(t, v, smallLimits)
			g.freeze(true)
			n := await(t, s, "suspicion", 10*time.Second, func(n *Snapshot) bool { return n.Guard == GuardProbe })
			if n.State != Degraded || n.Cause != CauseSilent || !n.Unanswered || s.Session().Guard() == nil {
				t.Errorf("%+v", n)
			}
			g.freeze(false)
			await(t, s, "answer", 10*time.Second, connected)
			if n := s.Snapshot(); n.Session != 1 || n.Unanswered || len(r.of(EventLost)) != 0 {
				t.Errorf("the session was not kept: %+v", n)
			}
			eventually(t, "each suspicion ends", func() bool {
				n := len(r.of(EventAnswered))
				return n > 0 && n == len(r.of(EventSuspected))
			})
		})
	}
}

func TestFrozenGatewayIsDroppedAtTheHardLimit(t *testing.T) {
	t.Parallel()
	g, s, r := connect(t, 225, func(c *Config) { smallLimits(c); c.Hard = 1500 * time.Millisecond })
	g.freeze(true)
	begin := time.Now()
	await(t, s, "loss", 15*time.Second, func(n *Snapshot) bool { return n.Lost > 0 })
	if took := time.Since(begin); took < time.Second {
		t.Errorf("dropped after %v", took)
	}
	r.wantLoss(t, CauseSilent)
	g.freeze(false)
	await(t, s, "READY again", 10*time.Second, connected)
}

// TestGatewayThatStopsReading fills the way to Gateway, so that not even a probe gets through.
func TestGatewayThatStopsReading(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	g := newScripted(t, 225)
	g.logIn(func(p *peer) bool {
		p.login("DU1")
		<-stuck
		return true
	})
	cfg := testConfig(g.port())
	smallLimits(&cfg)
	s := start(t, cfg)
	defer close(stuck)
	r := record(t, s)
	await(t, s, "READY", 10*time.Second, connected)
	session := s.Session()
	blocked := make(chan error, 1)
	go func() {
		for i := int64(1); ; i++ {
			if err := session.Subscribe(i, Contract{Symbol: strings.Repeat("x", 1<<20)}); err != nil {
				blocked <- err
				return
			}
		}
	}()
	await(t, s, "loss", 20*time.Second, func(n *Snapshot) bool { return n.Lost > 0 })
	if err := <-blocked; !errors.Is(err, ErrSessionOver) {
		t.Error(err)
	}
	r.wantLoss(t, CauseSilent)
}

// TestHalfOpenGatewayWithData takes nothing more but still sends: only writing finds out.
func TestHalfOpenGatewayWithData(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the write limit of 10 s")
	}
	t.Parallel()
	stuck := make(chan struct{})
	g := newScripted(t, 225)
	g.logIn(func(p *peer) bool {
		p.login("DU1")
		for {
			select {
			case <-stuck:
				return true
			case <-time.After(20 * time.Millisecond):
				p.send(tickPrice(1, 1, 1))
			}
		}
	})
	s := start(t, testConfig(g.port()))
	defer close(stuck)
	r := record(t, s)
	await(t, s, "READY", 10*time.Second, connected)
	session := s.Session()
	for i := range int64(30) {
		_ = session.Subscribe(1+i, Contract{Symbol: strings.Repeat("x", 1<<20)})
	}
	await(t, s, "loss", 60*time.Second, func(n *Snapshot) bool { return n.Lost > 0 })
	r.wantLoss(t, CauseSilent)
}

// TestSearchEndsAtThePortThatAnswers looks through a port that is closed and one with a web server on it.
func TestSearchEndsAtThePortThatAnswers(t *testing.T) {
	closed, web, gateway := newScripted(t, 225), newScripted(t, 225), newScripted(t, 225)
	closed.stop()
	web.answer(func(_ int, c net.Conn, _ *bufio.Reader) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		return true
	})
	upstreamLost := newScripted(t, 225)
	upstreamLost.logIn(func(p *peer) bool {
		p.code(1100, "lost")
		p.code(326, "in use")
		p.Close()
		return true
	})
	old := DefaultPorts
	defer func() { DefaultPorts = old }()

	DefaultPorts = []int{closed.port(), web.port()}
	s := start(t, testConfig(0))
	n := await(t, s, "failure", 10*time.Second, func(n *Snapshot) bool { return n.State == Reconnecting })
	tried := []PortTry{{closed.port(), CauseRefused}, {web.port(), CauseGarbage}}
	if n.Cause != CauseGarbage || n.Gateway.Port != web.port() || !slices.Equal(n.Tried, tried) {
		t.Errorf("%+v", n)
	}

	DefaultPorts = []int{closed.port(), web.port(), upstreamLost.port(), gateway.port()}
	s = start(t, testConfig(0))
	n = await(t, s, "READY", 10*time.Second, func(n *Snapshot) bool { return n.Layers.API })
	if n.Gateway.Port != gateway.port() || n.State != Connected || n.Tried != nil {
		t.Errorf("%+v: what was said on one port is held against another", n)
	}
}

// TestNothingWaitsBehindHalfAFrame sends an upstream loss and the beginning of a frame whose rest never comes.
func TestNothingWaitsBehindHalfAFrame(t *testing.T) {
	g, s, _ := connect(t, 225, nil)
	code := protoMessage(4, -1, 1_700_000_000_000, 1100, "lost")
	g.peer().send(append(code, protoMessage(49, 1)[:6]...)) // one write, so that both are read at once
	// Well before the probes run out, which would end the session anyway.
	n := await(t, s, "upstream lost", 800*time.Millisecond, func(n *Snapshot) bool { return n.State != Connected })
	if n.State != UpstreamLost || n.Code != 1100 {
		t.Errorf("%s, code %d", n.State, n.Code)
	}
}
