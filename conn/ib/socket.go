package ib

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn/wire"
)

// Socket is one TCP connection to Gateway from its greeting to its end. Two goroutines serve it, a reader and a writer;
// it is never dialled again.
type Socket struct {
	conn    net.Conn
	in      *wire.Reader
	mono    func() time.Duration
	number  uint64 // of the session
	client  int64  // client id
	post    func(News)
	ticks   *Ticks
	pending *pending

	version  int
	greeted  string // Gateway's time and zone, as it greets
	requests chan *request
	times    *timeRequests

	heard    atomic.Int64 // monotonic ns of the last byte from Gateway
	marketAt atomic.Int64 // monotonic ns of the last market data
	filledAt atomic.Int64 // monotonic ns of the last execution that was not asked for
	skipped  atomic.Uint64

	accounts atomic.Pointer[[]string]
	loggedIn chan struct{} // closed when both login messages have arrived

	closed    chan struct{} // closed at the end
	onceClose sync.Once
	cause     Cause // valid after closed
	detail    string
	reason    *AttemptError // what Gateway has said of the end, nil if nothing; valid after allGone
	readDone  chan struct{} // closed when nothing more comes from Gateway
	parts     atomic.Int32  // goroutines that have not ended
	allGone   chan struct{}

	kinds map[int64]dataKind // of the data that is not live, by the number of its request; the reader's own
}

// Open logs in: greeting, startApi, READY. The context's deadline covers all of it. After an error the connection is
// closed.
func (s *Socket) Open(ctx context.Context) *AttemptError {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Now()) })
	defer stop()
	err := s.signOn(ctx)
	if err == nil && !stop() {
		err = &AttemptError{Cause: CauseNotReady, Err: ctx.Err()}
	}
	if err != nil {
		s.conn.Close()
		return err
	}
	_ = s.conn.SetDeadline(time.Time{})
	s.parts.Store(2)
	go s.read()
	go s.write()
	return s.awaitReady(ctx)
}

// NewSocket returns the session with a number on a TCP connection to Gateway that is up. It owns conn from here on;
// post must not block for long.
func NewSocket(conn net.Conn, number uint64, client int, mono func() time.Duration, post func(News)) *Socket {
	s := &Socket{
		conn: conn, mono: mono, number: number, client: int64(client), post: post, ticks: newTicks(),
		pending:  newPending(number),
		requests: make(chan *request, 64), times: newTimeRequests(), kinds: map[int64]dataKind{},
		loggedIn: make(chan struct{}), closed: make(chan struct{}), readDone: make(chan struct{}),
		allGone: make(chan struct{}),
	}
	s.pending.over = s.closed
	s.in = wire.NewReader(stamped{newRawReader(conn), s})
	if at, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		s.times.ours = at.IP.IsLoopback()
	}
	return s
}

func (s *Socket) signOn(ctx context.Context) *AttemptError {
	_, err := s.conn.Write(wire.Hello())
	if err == nil {
		s.version, s.greeted, err = s.in.Reply()
	}
	if err != nil {
		return greetingError(ctx, err)
	}
	frame, err := wire.Frame(wire.StartAPI(s.client))
	if err == nil {
		_, err = s.conn.Write(frame)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &AttemptError{Cause: CauseNotReady, Err: ctx.Err()}
	}
	return &AttemptError{Cause: CauseClosedLogin, Err: err}
}

// greetingError says what a failure before the version means.
func greetingError(ctx context.Context, err error) *AttemptError {
	var version *wire.VersionError
	var protocol *wire.ProtocolError
	switch {
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return &AttemptError{Cause: CauseNoAnswer, Err: errors.New("no handshake reply")}
	case errors.As(err, &version) && version.Version > wire.Newest:
		return &AttemptError{Cause: CauseTooNew, Err: err}
	case errors.As(err, &version):
		return &AttemptError{Cause: CauseUnsupported, Err: err}
	case errors.As(err, &protocol):
		return &AttemptError{Cause: CauseGarbage, Err: err}
	}
	return &AttemptError{Cause: CauseClosedEarly, Err: err}
}

// awaitReady waits for both login messages, for Gateway to say no, or for the deadline.
func (s *Socket) awaitReady(ctx context.Context) *AttemptError {
	select {
	case <-s.loggedIn:
		return nil
	case <-s.closed:
	case <-ctx.Done():
		s.End(CauseNotReady)
	}
	<-s.allGone // Gateway says why before it closes
	if s.reason != nil {
		return s.reason
	}
	err := &AttemptError{Cause: s.cause}
	switch {
	case s.cause == CauseNotReady:
		err.Err = ctx.Err()
	case s.detail != "":
		err.Err = errors.New(s.detail)
	}
	if s.cause == CauseClosed || s.cause == CauseBroken {
		err.Cause = CauseClosedLogin
	}
	return err
}

// Seen returns what the session's own counters say now.
func (s *Socket) Seen() Evidence {
	return Evidence{
		Session:  s.number,
		Heard:    time.Duration(s.heard.Load()),
		MarketAt: time.Duration(s.marketAt.Load()),
		IBKRAt:   time.Duration(max(s.marketAt.Load(), s.filledAt.Load())),
		Asked:    s.times.unanswered(),
		Skipped:  s.skipped.Load(),
	}
}

// RepeatWithin has a time request that is not answered be repeated within a time, but not within few seconds. It is
// called before Open.
func (s *Socket) RepeatWithin(d time.Duration) { s.times.repeat = min(d, maxRepeat) }

// Probe asks Gateway for its time. While an answer is missing, that is the one.
func (s *Socket) Probe() { s.times.want() }

// End ends the session now.
func (s *Socket) End(cause Cause) { s.close(cause, "") }

// Gone returns a channel that is closed a moment later, when all that Gateway has sent before the end is taken in.
func (s *Socket) Gone() <-chan struct{} { return s.allGone }

// Session returns what is READY on the socket. Its guard is a gate; reason says why that is shut, and doubt is called
// when Gateway does not answer about orders.
func (s *Socket) Session(to Gateway, g *Gate, reason func() GuardReason, doubt func()) *Session {
	return &Session{socket: s, gateway: to, gate: g, reason: reason, doubt: doubt}
}

// About returns what is known of Gateway after READY.
func (s *Socket) About(host string, port int) Gateway {
	list := *s.accounts.Load()
	return Gateway{Host: host, Port: port, ServerVersion: s.version, Mode: modeOf(list), Accounts: len(list)}
}

// modeOf returns of which kind accounts are: paper if all of them are. Paper accounts begin with D (DU, DF, DI).
// Source: IBKR's guide, "Paper trading account".
func modeOf(accounts []string) Mode {
	for _, a := range accounts {
		if !strings.HasPrefix(a, "D") {
			return Live // whatever else there is
		}
	}
	return Paper
}
