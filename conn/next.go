package conn

import (
	"net"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/texts"
)

type step struct {
	cfg     *Config
	m       model
	now     instant
	rand    func() float64
	effects []effect
	events  []Event
}

// next is the only place that decides. It is pure but for rand, which yields numbers in [0,1).
func next(cfg *Config, m model, in input, now instant, rand func() float64) (model, []effect, []Event) {
	s := step{cfg: cfg, m: m, now: now, rand: rand}
	if _, ok := in.(inStart); ok {
		s.emit(Event{Kind: EventStarted})
	}
	s.clocks()
	s.evidence(now.seen)
	switch in := in.(type) {
	case inStart:
		s.m.first = cfg.First
		s.due(now.Mono)
	case inStop:
		s.end(ib.CauseStopping)
		s.m.stopped = true
		s.emit(Event{Kind: EventStopped})
	case inTick:
	case inSocket:
		if s.m.phase == trying && in.session == s.m.session {
			s.m.fresh()
			s.m.socket, s.m.gateway.Port = in.up, in.port
			s.m.unsupportedIn = 0
		}
	case inReady:
		s.ready(in)
	case inFailed:
		s.attemptFailed(in)
	case inLost:
		s.sessionLost(in.session, in.cause, in.code, in.detail)
	case inNews:
		s.news(in.News)
	case inReconciled:
		s.reconciled(in)
	case inDoubt:
		s.doubted(in)
	case inPortOpen:
		if s.m.watching(cfg) {
			s.dial(in.conn, in.port)
		} else {
			s.do(doDiscard{in.conn})
		}
	case inCommand:
		s.command(in)
	case inAsked:
		s.do(doReply{in.reply, nil})
	case inConfigure:
		s.configure(in)
	}
	s.timers()
	s.enter()
	s.m.last = now
	return s.m, s.effects, s.events
}

func (s *step) news(in ib.News) {
	switch in := in.(type) {
	case ib.Said:
		if in.Session == s.m.session && s.m.phase != idle {
			s.notice(in)
		} else {
			s.lateNotice(in)
		}
	case ib.Answered:
		s.answered(in)
	case ib.Reported:
		s.settings(in)
	}
}

func (s *step) do(e effect)  { s.effects = append(s.effects, e) }
func (s *step) emit(e Event) { e.At = s.now.Wall; s.events = append(s.events, e) }

// enter is the one place that enters a state.
func (s *step) enter() {
	m := &s.m
	state := m.inState()
	if state != m.state {
		m.state, m.since = state, s.now.Moment
	}
	for i := range s.events {
		s.events[i].State = state
		if s.events[i].Session == 0 && m.phase == up {
			s.events[i].Session = m.session
		}
	}
}

func (m *model) inState() State {
	switch {
	case m.paused && m.phase == idle:
		return Paused
	case m.phase == up && !m.upstream:
		return UpstreamLost
	case m.phase == up:
		if cause, _ := m.trouble(); cause != ib.CauseNone {
			return Degraded
		}
		return Connected
	case m.phase == idle && m.resting():
		return ResetWindow
	case m.failed && !m.first:
		return Reconnecting
	}
	return Connecting
}

// trouble returns what degrades a connection that is up, and a detail of it.
func (m *model) trouble() (ib.Cause, string) {
	switch {
	case m.suspect:
		return ib.CauseSilent, ""
	case m.wrongMode:
		return ib.CauseWrongMode, ""
	case m.blocked() != ib.CauseNone:
		return m.blocked(), m.doubt
	case m.competing:
		return ib.CauseCompeting, ""
	}
	worst := ""
	for name, st := range m.farms {
		if st == FarmBroken && (worst == "" || name < worst) {
			worst = name
		}
	}
	if worst != "" {
		return ib.CauseFarm, worst
	}
	return ib.CauseNone, ""
}

// resting reports whether attempts rest because of the reset window. The first connection ever is looked for at any
// time, and the first attempt after a start, a pause or a change of the settings is made at any time: nothing shows yet
// that Gateway is being reset.
func (m *model) resting() bool { return m.window.Active && !m.first && m.waits > 0 }

// watching reports whether the local port is to be watched for opening.
func (m *model) watching(cfg *Config) bool {
	return cfg.WatchLocalPort && Loopback(cfg.Host) && m.phase == idle && !m.paused && !m.resting() && m.refused
}

// ports returns the ports that an attempt tries. Once an account has been seen, a search stays with its kind: a paper
// Gateway that restarts must not be replaced by the live TWS beside it.
func (m *model) ports(cfg *Config) []int {
	mode := cfg.Mode
	if m.found != ib.AnyMode && m.found != "" {
		mode = m.found
	}
	return cfg.ports(m.portHint, mode)
}

// due plans the next attempt.
func (s *step) due(at time.Duration) {
	s.m.due = at
	s.m.dueWall = s.now.Wall.Add(at - s.now.Mono)
}

func (s *step) wait() {
	d := s.cfg.delay(s.m.waits, s.rand())
	s.m.waits++
	s.due(s.now.Mono + d)
}

func (s *step) dial(conn net.Conn, port int) {
	m := &s.m
	m.session++
	m.attempt++
	m.phase, m.dialled = trying, s.now.Mono
	m.refused = false
	m.fresh()
	m.socket = conn != nil
	m.gateway = ib.Gateway{Host: s.cfg.Host, Mode: ib.AnyMode}
	ports := []int{port}
	if conn == nil {
		ports = m.ports(s.cfg)
	}
	d := doDial{session: m.session, conn: conn, ports: ports}
	if !m.window.Active && !m.first { // else nothing rests, or it was asked for, and overrides the window
		d.rests = m.window.Next
	}
	s.do(d)
}

// fresh forgets what was true of an earlier connection.
func (m *model) fresh() {
	m.socket, m.upstream, m.reconciled, m.suspect, m.competing, m.wrongMode = false, true, false, false, false, false
	m.checking, m.readOnly, m.tries, m.doubt = false, false, 0, ""
	m.settingsReadOnly, m.resubmit = false, ib.SwitchUnknown
	m.farms, m.rtt, m.skew = nil, 0, 0
}

func (s *step) ready(in inReady) {
	m := &s.m
	if in.session != m.session || m.phase != trying {
		return // no one waits for it any more; the supervisor ends it
	}
	m.phase = up
	m.socket, m.first, m.tried = true, false, nil
	m.gateway = in.gateway
	if m.unsupportedIn != m.session {
		m.unsupported = Unsupported{} // it was updated, or is another one
	}
	m.portHint = in.gateway.Port
	m.found = in.gateway.Mode
	m.wrongMode = s.cfg.Mode != ib.AnyMode && m.found != ib.AnyMode && m.found != s.cfg.Mode
	m.upSince, m.heard, m.asked, m.asking, m.answered = s.now.Mono, s.now.Mono, s.now.Mono, 0, 0
	m.proven = m.gap <= m.dialled // else the login may have waited in a buffer
	m.woke = !m.proven
	s.emit(Event{Kind: EventConnected, Attempt: m.attempt, Duration: s.lasted(m.downSince)})
	m.attempt = 0
	if !m.upstream { // Gateway said so during the login, and that is the cause by now
		s.lostUpstream()
		return
	}
	m.cause, m.code, m.detail = ib.CauseNone, 0, ""
	s.reconcile(0)
	s.lookAtWindows()
	s.emitBlocked(ib.CauseNone) // Gateway may have reported its settings before
}

// lasted returns how long ago a moment was, 0 for none.
func (s *step) lasted(since ib.Moment) time.Duration {
	if since.Wall.IsZero() {
		return 0
	}
	return max(0, s.now.Wall.Sub(since.Wall))
}

// down clears what is only true of a connection that is up.
func (s *step) down(cause ib.Cause, code int, detail string) {
	m := &s.m
	m.phase = idle
	m.fresh()
	m.upstream = false
	m.asking = 0
	m.gateway = ib.Gateway{Host: m.gateway.Host, Port: m.gateway.Port, Mode: ib.AnyMode}
	m.cause, m.code, m.detail = cause, code, detail
	if cause == ib.CausePortChanged {
		m.portHint = texts.Port(detail)
	}
}

func (s *step) attemptFailed(in inFailed) {
	m := &s.m
	if in.session != m.session || m.phase != trying {
		return
	}
	cause, code, detail := in.err.Cause, in.err.Code, in.err.Detail()
	if cause == ib.CauseRefused && m.cause == ib.CausePortChanged && s.cfg.Port != 0 {
		cause, code, detail = m.cause, m.code, m.detail // Gateway has said why nothing listens there any more
	}
	s.down(cause, code, detail)
	m.gateway.Port = in.err.Port // of several that were tried in vain, none
	m.failed, m.tried = true, in.err.Tried
	m.refused = in.err.Cause == ib.CauseRefused
	s.emit(Event{
		Kind: EventAttemptFailed, Attempt: m.attempt, Session: in.session,
		Cause: cause, Code: code, Detail: detail, Tried: in.err.Tried,
	})
	s.wait()
}

func (s *step) sessionLost(session uint64, cause ib.Cause, code int, detail string) {
	m := &s.m
	if session != m.session || m.phase != up {
		return
	}
	s.down(cause, code, detail)
	if s.now.Mono-m.upSince >= s.cfg.Stable {
		m.waits = 0
	}
	m.failed = true
	m.lost++
	if m.downSince = s.now.Moment; !m.upstreamDownAt.Wall.IsZero() {
		m.downSince = m.upstreamDownAt // the outage began when upstream went
		m.upstreamDownAt = ib.Moment{}
	}
	s.emit(Event{
		Kind: EventLost, Session: session, Cause: cause, Code: code, Detail: detail,
		Duration: s.now.Mono - m.upSince,
	})
	s.wait()
}

// drop gives a session that is up, and is none any more, up for another one.
func (s *step) drop(cause ib.Cause, code int, detail string) {
	s.do(doEnd{s.m.session})
	s.sessionLost(s.m.session, cause, code, detail)
}

// end closes whatever is open, asked for by a person or a setting: that is no loss.
func (s *step) end(cause ib.Cause) {
	m := &s.m
	m.refused = false
	if m.phase == idle {
		return
	}
	if s.do(doEnd{m.session}); m.phase == up {
		m.downSince, m.upstreamDownAt = ib.Moment{}, ib.Moment{}
		s.emit(Event{Kind: EventDisconnected, Session: m.session, Cause: cause, Duration: s.now.Mono - m.upSince})
	}
	s.down(cause, 0, "")
}

func (s *step) command(in inCommand) {
	m := &s.m
	switch {
	case in.connect && m.phase == up:
		s.do(doReply{in.reply, ErrAlreadyConnected})
	case in.connect && m.phase == trying:
		s.do(doReply{in.reply, nil})
	case in.connect:
		if m.paused {
			m.paused, m.failed, m.waits, m.attempt = false, false, 0, 0
			m.cause, m.code, m.detail = ib.CauseNone, 0, ""
			s.emit(Event{Kind: EventResumed})
		}
		s.dial(nil, 0)
		s.do(doReply{in.reply, nil})
	case m.paused:
		s.do(doReply{in.reply, ErrAlreadyPaused})
	default:
		s.end(ib.CauseUser)
		m.paused, m.found = true, ib.AnyMode
		m.cause, m.code, m.detail = ib.CauseUser, 0, ""
		s.emit(Event{Kind: EventPaused})
		s.do(doReply{in.reply, nil})
	}
}

func (s *step) configure(in inConfigure) {
	old := s.cfg
	s.cfg = in.cfg
	s.m.windowFrom = time.Time{}
	s.lookAtWindows()
	inUse := 0
	if s.m.phase == up {
		inUse = s.m.gateway.Port
	}
	if !old.SameTarget(in.cfg, inUse) {
		s.m.portHint, s.m.found = 0, ib.AnyMode
		if s.m.phase != idle {
			s.end(ib.CauseReconfigured)
		}
		s.m.refused, s.m.waits, s.m.attempt = false, 0, 0
		s.due(s.now.Mono)
	} else if s.m.phase == idle && !s.m.resting() && s.m.due-s.now.Mono > s.cfg.delay(s.m.waits, 0) {
		s.due(s.now.Mono + s.cfg.delay(s.m.waits, 0))
	}
	s.emit(Event{Kind: EventReconfigured})
	s.do(doReply{in.reply, nil})
}
