package conn

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// fakeGateway answers attempts in memory, for tests in a bubble. Its fields are what is true; a test changes them and
// sees whether the supervisor finds out.
type fakeGateway struct {
	t     *testing.T
	mono  func() time.Duration
	inUse atomic.Int32 // attempts under way and sessions not over yet

	mu        sync.Mutex
	refusal   ib.Cause // of the next attempts; empty = READY
	takes     time.Duration
	stubborn  bool // attempts last until they are given up, and become READY then
	lost      bool // at READY, Gateway has no upstream
	frozen    bool
	frozenAt  time.Duration
	link      *fakeLink // the session that is up, or nil
	attempts  int
	readies   int
	onAttempt func()
}

// fakeLink is a socket to a gateway that logs its client in and reads what it sends. What is told of it is made up.
type fakeLink struct {
	*ib.Socket
	g        *fakeGateway
	number   uint64
	heard    atomic.Int64
	asked    atomic.Int64 // time request that is unanswered
	once     sync.Once
	upstream atomic.Bool
	received atomic.Int64 // messages
	post     func(input)
}

func (g *fakeGateway) connect(ctx context.Context, d doDial, _ *Config, post func(input)) (link, ib.Gateway,
	*ib.AttemptError,
) {
	if n := g.inUse.Add(1); n != 1 {
		g.t.Errorf("attempt %d while %d others are there", d.session, n-1)
	}
	g.mu.Lock()
	g.attempts++
	onAttempt, takes, stubborn := g.onAttempt, g.takes, g.stubborn
	g.mu.Unlock()
	if onAttempt != nil {
		onAttempt()
	}
	fail := func(c ib.Cause) (link, ib.Gateway, *ib.AttemptError) {
		g.inUse.Add(-1)
		return nil, ib.Gateway{}, &ib.AttemptError{Cause: c, Port: d.ports[0]}
	}
	if stubborn {
		<-ctx.Done()
	}
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return fail(ib.CauseNotReady)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != ib.CauseNone {
		return fail(g.refusal)
	}
	post(inSocket{session: d.session, port: d.ports[0], up: true})
	ours, theirs := net.Pipe()
	l := newFakeLink(g, d.session, ours)
	l.post = post
	go l.serve(theirs)
	if err := l.Open(context.Background()); err != nil {
		g.t.Error(err)
	}
	l.heard.Store(int64(g.mono()))
	l.upstream.Store(!g.lost)
	if g.lost {
		l.code(1100)
	}
	g.link, g.frozen = l, false
	g.readies++
	return l, l.About("127.0.0.1", d.ports[0]), nil
}

func newFakeLink(g *fakeGateway, number uint64, ours net.Conn) *fakeLink {
	return &fakeLink{Socket: ib.NewSocket(ours, number, 17, g.mono, func(ib.News) {}), g: g, number: number}
}

func (l *fakeLink) serve(c net.Conn) {
	_, _ = io.ReadFull(c, make([]byte, len(wire.Hello())))
	p := &ibtest.Peer{Conn: c, Version: 225}
	p.Send(ibtest.TextFrame("225", "20261123"))
	in := wire.NewReader(c)
	if _, err := in.Next(); err == nil {
		p.Login("DU1")
	}
	for {
		if _, err := in.Next(); err != nil {
			return
		}
		l.received.Add(1)
	}
}

// cut ends the session from Gateway's side and reports whether there was one.
func (g *fakeGateway) cut(c ib.Cause) bool {
	g.mu.Lock()
	l := g.link
	g.mu.Unlock()
	if l == nil {
		return false
	}
	l.End(c)
	return true
}

func (g *fakeGateway) freeze(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if on && !g.frozen {
		g.frozenAt = g.mono()
	}
	g.frozen = on
	if l := g.link; !on && l != nil && l.asked.Load() != 0 {
		l.answer()
	}
}

func (g *fakeGateway) present() *fakeLink {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.link
}

// set changes what is true for coming attempts.
func (g *fakeGateway) set(f func(*fakeGateway)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g)
}

func (l *fakeLink) code(code int) {
	l.post(inNews{ib.Said{Session: l.number, Request: -1, Code: code, Text: "text"}})
}

func (l *fakeLink) Seen() ib.Evidence {
	return ib.Evidence{Session: l.number, Heard: time.Duration(l.heard.Load()), Asked: time.Duration(l.asked.Load())}
}

// answer answers the time request.
func (l *fakeLink) answer() {
	now, asked := l.g.mono(), time.Duration(l.asked.Swap(0))
	l.heard.Store(int64(now))
	l.post(inNews{ib.Answered{Session: l.number, Asked: asked, RTT: now - asked}})
}

func (l *fakeLink) Probe() {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	if l.asked.Swap(int64(l.g.mono())) != 0 {
		l.g.t.Error("asked again before an answer")
	}
	if !l.g.frozen {
		l.answer()
	}
}

func (l *fakeLink) End(cause ib.Cause) {
	l.once.Do(func() {
		l.g.mu.Lock()
		if l.g.link == l {
			l.g.link = nil
		}
		l.g.mu.Unlock()
		l.g.inUse.Add(-1)
		l.Socket.End(cause)
	})
}
