package conn

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
)

// Supervisor keeps one connection to Gateway for as long as it runs. Make one with [New] and call Run once; every
// other method may be called from any goroutine, also before Run and after it.
type Supervisor struct {
	log     *slog.Logger
	connect connector
	clock   ib.Clock
	rand    func() float64

	inbox *ib.Queue[input]
	gate  *ib.Gate
	snap  atomic.Pointer[Snapshot]
	live  atomic.Pointer[ib.Session] // the present session, READY or not yet reconciled
	begun atomic.Bool
	done  chan struct{}

	subscribers nudge.Subscribers

	mu      sync.Mutex
	streams map[*EventStream]struct{}
	ended   bool // the last event has been delivered

	// Owned by Run's goroutine.
	cfg          *Config
	m            model
	seq          uint64
	since        [5]ib.Moment // when what [changes] is about changed last
	eventSeq     uint64
	flood        flood
	ignored      string // parts of Gateway's settings
	more         bool   // further inputs of the same batch wait
	link         link   // of the present session
	workers      sync.WaitGroup
	runCtx       context.Context
	cancelTry    context.CancelFunc
	tryDone      chan struct{}
	cancelWatch  context.CancelFunc
	watchDone    chan struct{} // closed when the watcher is over
	cancelReckon context.CancelFunc
}

// New returns a supervisor that is not running yet. It returns an error if cfg makes no sense.
func New(cfg Config, log *slog.Logger) (*Supervisor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := newSupervisor(&cfg, log, nil)
	s.connect = tcpConnector(s.clock.Mono)
	return s, nil
}

func newSupervisor(cfg *Config, log *slog.Logger, connect connector) *Supervisor {
	s := &Supervisor{
		log: log, connect: connect, cfg: cfg, clock: ib.NewClock(), rand: rand.Float64,
		inbox: ib.NewQueue[input](), done: make(chan struct{}),
		streams: map[*EventStream]struct{}{},
	}
	s.gate = ib.NewGate(&s.clock)
	s.gate.Prove(cmp.Or(cfg.ProofOfLife, defaultProof))
	begin := s.clock.Now()
	for i := range s.since {
		s.since[i] = begin
	}
	now := begin.Wall
	s.snap.Store(&Snapshot{
		At: now, Since: now, Layers: Layers{Since: LayerTimes{now, now, now, now}}, State: Connecting,
		Guard: ib.GuardSocket, GuardSince: now,
		Gateway: ib.Gateway{Host: cfg.Host, Port: cfg.Port, Mode: ib.AnyMode},
	})
	return s
}

// Run keeps the connection until ctx ends, then closes it and waits for everything it has started.
func (s *Supervisor) Run(ctx context.Context) {
	if s.begun.Swap(true) {
		panic("conn: Run called twice")
	}
	defer close(s.done)
	var cancel context.CancelFunc
	s.runCtx, cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.handle(inStart{})
	timer := time.NewTimer(s.pause())
	defer timer.Stop()
	var batch []input
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
			s.handle(inTick{})
		case <-s.inbox.Ready():
			batch = s.inbox.Take(batch[:0])
			done := 0
			for ; done < len(batch) && ctx.Err() == nil; done++ {
				s.more = done+1 < len(batch)
				s.handle(batch[done])
			}
			s.more = false
			for _, in := range batch[done:] {
				s.refuse(in)
			}
			clear(batch)
		}
		timer.Reset(s.pause())
	}
	s.handle(inStop{})
	cancel()
	s.workers.Wait()
	for _, in := range s.inbox.Take(nil) {
		s.refuse(in)
	}
}

// refuse answers an input that came too late.
func (s *Supervisor) refuse(in input) {
	switch in := in.(type) {
	case inCommand:
		in.reply <- ErrNotRunning
	case inAsked:
		in.reply <- ErrNotRunning
	case inConfigure:
		in.reply <- ErrNotRunning
	case inPortOpen:
		in.conn.Close()
	}
}

func (s *Supervisor) pause() time.Duration { return max(0, s.m.deadline(s.cfg)-s.clock.Mono()) }

// handle puts one input through next and carries out the answer.
func (s *Supervisor) handle(in input) {
	now := instant{Moment: s.clock.Now()}
	if s.link != nil {
		now.seen = s.link.Seen()
	}
	switch in := in.(type) {
	case inNews:
		s.report(in.News, now.Wall)
		if said, ok := in.News.(ib.Said); ok && said.Aside {
			return
		}
	case inReady:
		s.adopt(in)
	}
	s.decide(in, now)
}

// report passes on what decides nothing.
func (s *Supervisor) report(in ib.News, at time.Time) {
	switch in := in.(type) {
	case ib.Said:
		if s.cfg.Said != nil {
			s.cfg.Said(in.Code, in.Text, at)
		}
	case ib.Answered:
		if in.Session == s.m.session && s.cfg.Answered != nil {
			s.cfg.Answered(at, in.RTT)
		}
	case ib.Reported:
		s.noteIgnored(in)
	}
}

// noteIgnored logs which of Gateway's settings make no sense, not again while they are the same.
func (s *Supervisor) noteIgnored(in ib.Reported) {
	parts := strings.Join(in.Ignored, ",")
	if parts != "" && parts != s.ignored {
		s.log.Warn("settings of Gateway ignored", "session", in.Session, "parts", parts)
	}
	s.ignored = parts
}

func (s *Supervisor) decide(in input, now instant) {
	m, effects, events := next(s.cfg, s.m, in, now, s.rand)
	s.m = m
	if in, ok := in.(inConfigure); ok {
		s.cfg = in.cfg
		s.gate.Prove(cmp.Or(s.cfg.ProofOfLife, defaultProof))
	}
	if m.guard() == ib.GuardOpen {
		s.gate.Open(m.session, now.Mono)
	} else {
		s.gate.Shut()
	}
	s.gate.Looked(now.Moment)
	if m.phase != up {
		s.live.Store(nil)
	}
	if !s.more || len(events)+len(effects) > 0 { // else the next input of the batch may change it again
		s.publish()
	}
	s.deliver(now, events)
	s.watch() // before a command is answered: after a pause, something else may be started at the port
	for _, e := range effects {
		s.carryOut(e)
	}
	if m.phase != up {
		s.link = nil
		if s.cancelReckon != nil {
			s.cancelReckon()
			s.cancelReckon = nil
		}
	}
}

// adopt takes over a new session; one that no one waits for any more is ended.
func (s *Supervisor) adopt(in inReady) {
	if in.session != s.m.session || s.m.phase != trying {
		in.link.End(ib.CauseStopping)
		return
	}
	s.link = in.link
	s.live.Store(in.link.Session(
		in.gateway, s.gate, func() ib.GuardReason { return s.Snapshot().Guard },
		func() { s.inbox.Put(inDoubt{session: in.session}) },
	))
}

func (s *Supervisor) carryOut(e effect) {
	switch e := e.(type) {
	case doDial:
		s.dial(e)
	case doEnd:
		if s.link == nil {
			s.cancelTry()
		} else if s.link.Seen().Session == e.session {
			s.link.End(s.m.cause)
		}
	case doProbe:
		if s.link != nil {
			s.link.Probe()
		}
	case doReconcile:
		s.reconcile(e)
	case doDiscard:
		e.conn.Close()
	case doReply:
		e.to <- e.err
	}
}

// link is what the supervisor needs from a connection; [ib.Socket] is the real one.
type link interface {
	Seen() ib.Evidence
	Probe()
	End(cause ib.Cause)
	Over() <-chan struct{}
	Gone() <-chan struct{}
	Outcome() (ib.Cause, int, string) // after Gone
	Session(to ib.Gateway, g *ib.Gate, reason func() ib.GuardReason, doubt func()) *ib.Session
}

// inboxLimit bounds what waits for the supervisor from one session: beyond it, no more is read of what Gateway says.
const inboxLimit = 1024

// dial makes an attempt in a goroutine of its own, which stays with the session until that has ended. The attempt
// before it is waited for: there is one connection to Gateway at a time.
func (s *Supervisor) dial(d doDial) {
	before := s.tryDone
	s.tryDone = make(chan struct{})
	tried, cfg := s.tryDone, s.cfg
	ctx, cancel := context.WithCancel(s.runCtx)
	s.cancelTry = cancel
	s.workers.Go(func() {
		defer cancel()
		if before != nil {
			<-before
		}
		l, gateway, err := s.connect(ctx, d, cfg, func(in input) {
			s.inbox.PutWithin(inboxLimit, ctx.Done(), in)
		})
		if err != nil {
			close(tried)
			s.inbox.Put(inFailed{session: d.session, err: err})
			return
		}
		s.inbox.Put(inReady{session: d.session, gateway: gateway, link: l})
		select {
		case <-l.Over():
		case <-s.runCtx.Done(): // it may have become READY when no one took it over any more
			l.End(ib.CauseStopping)
		}
		<-l.Gone()
		close(tried)
		cause, code, detail := l.Outcome()
		s.log.Debug("session ended", "session", d.session, "cause", cause, "messages_skipped", l.Seen().Skipped)
		s.inbox.Put(inLost{session: d.session, cause: cause, code: code, detail: detail})
	})
}

func (s *Supervisor) reconcile(e doReconcile) {
	session, do := s.live.Load(), s.cfg.Reconcile
	if session == nil { // it was lost in the same step
		return
	}
	if s.cancelReckon != nil {
		s.cancelReckon()
	}
	ctx, cancel := context.WithCancel(s.runCtx)
	s.cancelReckon = cancel
	s.workers.Go(func() {
		defer cancel()
		select {
		case <-time.After(e.after):
		case <-ctx.Done():
			return
		}
		if e.ask {
			session.AskSettings()
		}
		err := do(ctx, session)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Warn("reconciling failed", "session", e.session, "err", err)
		}
		s.inbox.Put(inReconciled{session: e.session, run: e.run, err: err})
	})
}

// watch starts and stops the watcher of the local port as the model wants it.
func (s *Supervisor) watch() {
	want := s.m.watching(s.cfg)
	if want == (s.cancelWatch != nil) {
		return
	}
	if !want {
		s.cancelWatch()
		<-s.watchDone // a dial that is under way is over at once
		s.cancelWatch = nil
		return
	}
	ctx, cancel := context.WithCancel(s.runCtx)
	s.cancelWatch, s.watchDone = cancel, make(chan struct{})
	done := s.watchDone
	host, ports := s.cfg.Host, s.m.ports(s.cfg)
	s.workers.Go(func() {
		defer close(done)
		defer cancel()
		if c, port := watchPorts(ctx, host, ports); c != nil {
			s.inbox.Put(inPortOpen{conn: c, port: port})
		}
	})
}

// Clock returns the clock of [ib.Tick.At]: what yields the present moment.
func (s *Supervisor) Clock() func() time.Duration { return s.clock.Mono }

// Session returns the present session, or nil if there is none that is READY.
func (s *Supervisor) Session() *ib.Session { return s.live.Load() }

// Connect asks for an attempt now. It overrides the reset window for this one attempt and ends a pause. It returns
// once the supervisor has accepted it; the outcome shows up in a snapshot. It returns [ErrAlreadyConnected] if there
// is nothing to do.
func (s *Supervisor) Connect(ctx context.Context) error {
	return s.ask(ctx, func(reply chan<- error) input { return inCommand{connect: true, reply: reply} })
}

// Disconnect ends the connection and pauses until Connect. It returns [ErrAlreadyPaused] if there is nothing to do.
func (s *Supervisor) Disconnect(ctx context.Context) error {
	return s.ask(ctx, func(reply chan<- error) input { return inCommand{reply: reply} })
}

// Answers returns nil once the supervisor has handled everything that was put to it until now: a snapshot read
// afterwards is no older than the call. It returns [ErrNotRunning] after Run.
func (s *Supervisor) Answers(ctx context.Context) error {
	return s.ask(ctx, func(reply chan<- error) input { return inAsked{reply} })
}

// Configure applies new settings. A connection that they do not concern is kept.
func (s *Supervisor) Configure(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	return s.ask(ctx, func(reply chan<- error) input { return inConfigure{cfg: &cfg, reply: reply} })
}

func (s *Supervisor) ask(ctx context.Context, in func(chan<- error) input) error {
	reply := make(chan error, 1)
	s.inbox.Put(in(reply))
	select {
	case err := <-reply:
		return err
	case <-s.done:
		nudge.Offer(reply, ErrNotRunning) // unless it was answered before the end
		return <-reply
	case <-ctx.Done():
		return ctx.Err()
	}
}
