package conn

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeGateway answers attempts in memory, for tests in a bubble. Its fields are what is true; a test changes them and
// sees whether the supervisor finds out.
type fakeGateway struct {
	t     *testing.T
	mono  func() time.Duration
	inUse atomic.Int32 // attempts under way and sessions not over yet

	mu        sync.Mutex
	refusal   Cause // of the next attempts; empty = READY
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

type fakeLink struct {
	g        *fakeGateway
	session  uint64
	heard    atomic.Int64
	asked    atomic.Int64 // time request that is unanswered
	once     sync.Once
	cause    Cause
	closed   chan struct{}
	upstream atomic.Bool
	post     func(input)
	pending  *pending
	refusal  error // of requests
	sentMu   sync.Mutex
	sent     []*request
}

func (g *fakeGateway) connect(ctx context.Context, d doDial, _ *Config, post func(input)) (link, Gateway, *Ticks,
	*AttemptError,
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
	fail := func(c Cause) (link, Gateway, *Ticks, *AttemptError) {
		g.inUse.Add(-1)
		return nil, Gateway{}, nil, &AttemptError{Cause: c, Port: d.ports[0]}
	}
	if stubborn {
		<-ctx.Done()
	}
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return fail(CauseNotReady)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != CauseNone {
		return fail(g.refusal)
	}
	post(inSocket{session: d.session, port: d.ports[0], up: true})
	l := &fakeLink{pending: newPending(d.session), g: g, session: d.session, closed: make(chan struct{}), post: post}
	l.heard.Store(int64(g.mono()))
	l.upstream.Store(!g.lost)
	if g.lost {
		l.code(1100)
	}
	g.link, g.frozen = l, false
	g.readies++
	return l, Gateway{Host: "127.0.0.1", Port: d.ports[0], ServerVersion: 225, Mode: Paper, Accounts: 1}, newTicks(),
		nil
}

// cut ends the session from Gateway's side and reports whether there was one.
func (g *fakeGateway) cut(c Cause) bool {
	g.mu.Lock()
	l := g.link
	g.mu.Unlock()
	if l == nil {
		return false
	}
	l.end(c)
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
	l.post(inCode{session: l.session, request: -1, code: code, text: "text"})
}

func (l *fakeLink) seen() evidence {
	return evidence{session: l.session, heard: time.Duration(l.heard.Load()), asked: time.Duration(l.asked.Load())}
}

// answer answers the time request.
func (l *fakeLink) answer() {
	now, asked := l.g.mono(), time.Duration(l.asked.Swap(0))
	l.heard.Store(int64(now))
	l.post(inAnswered{session: l.session, asked: asked, rtt: now - asked})
}

func (l *fakeLink) probe() {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	if l.asked.Swap(int64(l.g.mono())) != 0 {
		l.g.t.Error("asked again before an answer")
	}
	if !l.g.frozen {
		l.answer()
	}
}

func (l *fakeLink) proof(time.Duration, time.Duration) (time.Duration, <-chan struct{}, error) {
	return 0, nil, nil
}

func (l *fakeLink) end(cause Cause) {
	l.once.Do(func() {
		l.cause = cause
		l.g.mu.Lock()
		if l.g.link == l {
			l.g.link = nil
		}
		l.g.mu.Unlock()
		l.g.inUse.Add(-1)
		close(l.closed)
	})
}

func (l *fakeLink) over() <-chan struct{}         { return l.closed }
func (l *fakeLink) gone() <-chan struct{}         { return l.closed }
func (l *fakeLink) outcome() (Cause, int, string) { return l.cause, 0, "" }
func (l *fakeLink) waiting() *pending             { return l.pending }

func (l *fakeLink) send(_ context.Context, q *request) error {
	l.sentMu.Lock()
	defer l.sentMu.Unlock()
	if l.refusal == nil {
		l.sent = append(l.sent, q)
	}
	return l.refusal
}

// requests returns what was handed over to be written.
func (l *fakeLink) requests() []*request {
	l.sentMu.Lock()
	defer l.sentMu.Unlock()
	return slices.Clone(l.sent)
}
