package conn

import (
	"maps"
	"net"
	"time"
)

// instant is one moment on both clocks, with what the present session's counters say at that moment.
type instant struct {
	wall time.Time
	mono time.Duration // since the supervisor was made; does not follow changes of the wall clock
	seen evidence
}

// evidence is what a session's own counters say. Durations but rtt and skew are moments on the monotonic clock.
type evidence struct {
	session  uint64
	heard    time.Duration // last byte read from Gateway
	marketAt time.Duration // last market data, 0 = none yet
	rtt      time.Duration // of the last answered probe
	skew     time.Duration // Gateway's clock minus ours, to the second
}

// wakeJump is how far the wall clock has to run ahead of the monotonic one, or the monotonic one ahead of the
// supervisor's own ticks, before that is read as waking from sleep.
const wakeJump = 5 * time.Second

// heartbeat bounds the time between two looks at the clocks.
const heartbeat = time.Second

// minProbeGap keeps probes apart: Gateway is said to ignore faster ones.
const minProbeGap = time.Second

// answerLook is how often the session's counters are looked at while a probe is unanswered.
const answerLook = 100 * time.Millisecond

type phase uint8

const (
	idle phase = iota // no socket, no attempt under way
	trying
	up // READY has been reached and not lost
)

// model is the supervisor's whole state. It is a value: next copies it, maps in it are never changed in place.
type model struct {
	phase   phase
	stopped bool
	paused  bool
	failed  bool // something failed or was lost since the start or the last pause
	session uint64
	attempt int           // attempts begun in this outage
	waits   int           // delays used in this outage
	due     time.Duration // when the next attempt is due; only meaningful while idle and not resting
	dueWall time.Time
	refused bool // the last attempt found every port refused

	socket, upstream, reconciled, suspect, competing, wrongMode bool

	farms          map[string]FarmState
	upSince        time.Duration
	downSince      time.Time // wall clock of the last loss; zero before the first connection
	upstreamDownAt time.Time
	competingAt    time.Duration
	heard          time.Duration // last byte read from Gateway
	probed         time.Duration // last probe sent
	unanswered     time.Duration // first probe sent since the last byte; 0 = none
	rtt, skew      time.Duration

	cause  Cause
	code   int
	detail string

	gateway  Gateway
	portHint int  // where Gateway was last, or said that it would be
	found    Mode // of the accounts of the last session
	lost     uint64
	run      uint64 // of reconciling; only the result of the latest counts

	window      Span
	windowUntil time.Time // the window has to be asked for again at this wall time
	windowFrom  time.Time
	windowFresh bool

	state State
	since time.Time
	last  instant
}

// The inputs of next.
type (
	input interface{}

	inStart struct{}
	inStop  struct{}

	inTick   struct{} // a look at the clock
	inSocket struct { // the attempt turned to this port: it is being dialled, or TCP is up and the handshake begins
		session uint64
		port    int
		up      bool
	}
	inReady struct {
		session uint64
		gateway Gateway
	}
	inFailed struct {
		session uint64
		err     *AttemptError
	}
	inLost struct {
		session uint64
		cause   Cause
		code    int
		detail  string
	}
	inCode struct {
		session uint64
		request int64
		code    int
		text    string
	}
	inReconciled struct {
		session uint64
		run     uint64
		err     error
	}
	inPortOpen struct {
		conn net.Conn
		port int
	}
	inCommand struct {
		connect bool // else disconnect
		reply   chan<- error
	}
	inConfigure struct {
		cfg   *Config
		reply chan<- error
	}
)

// The effects that next asks for.
type (
	effect interface{}

	doDial struct {
		session uint64
		conn    net.Conn // already open, or nil
		ports   []int    // to try in this order; the one that conn leads to if there is one
	}
	doAbort     struct{ session uint64 } // give up the attempt under way
	doClose     struct{ session uint64 } // end the session
	doProbe     struct{ session uint64 }
	doReconcile struct {
		session uint64
		run     uint64
		after   time.Duration
	}
	doDiscard struct{ conn net.Conn }
	doReply   struct {
		to  chan<- error
		err error
	}
)

// step carries one call of next.
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
		s.tell(Event{Kind: EventStarted})
	}
	s.clocks()
	s.evidence(now.seen)
	switch in := in.(type) {
	case inStart:
		s.due(now.mono)
	case inStop:
		s.end(CauseStopping)
		s.m.stopped = true
		s.tell(Event{Kind: EventStopped})
	case inTick:
	case inSocket:
		if s.m.phase == trying && in.session == s.m.session {
			s.m.fresh()
			s.m.socket, s.m.gateway.Port = in.up, in.port
		}
	case inReady:
		s.ready(in)
	case inFailed:
		s.attemptFailed(in)
	case inLost:
		s.sessionLost(in.session, in.cause, in.code, in.detail)
	case inCode:
		if in.session == s.m.session && s.m.phase != idle {
			s.notice(in)
		} else {
			s.lateNotice(in)
		}
	case inReconciled:
		s.reconciled(in)
	case inPortOpen:
		if s.m.watching(cfg) {
			s.dial(in.conn, in.port)
		} else {
			s.do(doDiscard{in.conn})
		}
	case inCommand:
		s.command(in)
	case inConfigure:
		s.configure(in)
	}
	s.timers()
	s.enter()
	s.m.last = now
	return s.m, s.effects, s.events
}

func (s *step) do(e effect)  { s.effects = append(s.effects, e) }
func (s *step) tell(e Event) { e.At = s.now.wall; s.events = append(s.events, e) }

// resting reports whether attempts rest because of the reset window.
func (m *model) resting() bool { return m.window.Active }

// watching reports whether the local port is to be watched for opening.
func (m *model) watching(cfg *Config) bool {
	return cfg.WatchLocalPort && cfg.loopback() && m.phase == idle && !m.paused && !m.resting() && m.refused
}

// clocks notices sleep and the edges of the reset window.
func (s *step) clocks() {
	m := &s.m
	started := !m.last.wall.IsZero()
	woke := time.Duration(0)
	if started {
		wall, mono := s.now.wall.Sub(m.last.wall), s.now.mono-m.last.mono
		if wall-mono > wakeJump || mono > heartbeat+wakeJump {
			woke = max(wall, mono)
		}
	}
	if started && m.phase == idle {
		m.dueWall = s.follow(m.dueWall)
	}
	s.lookAtWindow(started)
	if woke == 0 {
		return
	}
	s.tell(Event{Kind: EventWoke, Duration: woke})
	switch {
	case m.phase == up:
		// Nothing was read while nobody looked: that proves nothing. Ask, and trust only the answer.
		m.suspect, m.heard = true, s.now.mono
		s.probe()
		m.unanswered = s.now.mono
	case m.phase == idle && !m.paused && !m.resting():
		m.waits = 0
		s.due(s.now.mono)
	}
}

// follow moves a wall time that stands for a moment of the monotonic clock along when the wall clock was set.
func (s *step) follow(t time.Time) time.Time {
	jump := s.now.wall.Sub(s.m.last.wall) - (s.now.mono - s.m.last.mono)
	if jump.Abs() < time.Second {
		return t // clocks drift; what people are shown shall not flicker
	}
	return t.Add(jump)
}

func (s *step) lookAtWindow(started bool) {
	m := &s.m
	if m.windowFresh && !s.now.wall.Before(m.windowFrom) && (m.windowUntil.IsZero() || s.now.wall.Before(m.windowUntil)) {
		return
	}
	was := m.window.Active
	m.window = s.cfg.Calendar.At(s.now.wall)
	m.windowFrom, m.windowUntil, m.windowFresh = s.now.wall, m.window.until(), true
	switch {
	case m.window.Active && !was:
		s.tell(Event{Kind: EventWindowStarted, Detail: m.window.Name, Duration: m.window.Ends.Sub(s.now.wall)})
	case !m.window.Active && was:
		s.tell(Event{Kind: EventWindowEnded})
		if started && m.phase == idle && !m.paused {
			// Decided from the state, not from the edge: still down means reconnect at once.
			m.waits = 0
			s.due(s.now.mono)
		}
	}
}

// ports returns the ports that an attempt tries. Once an account has been seen, a search stays with its kind: a paper
// Gateway that restarts must not be replaced by the live TWS beside it.
func (m *model) ports(cfg *Config) []int {
	mode := cfg.Mode
	if m.found != AnyMode && m.found != "" {
		mode = m.found
	}
	return cfg.ports(m.portHint, mode)
}

// due plans the next attempt.
func (s *step) due(at time.Duration) {
	s.m.due = at
	s.m.dueWall = s.now.wall.Add(at - s.now.mono)
}

func (s *step) wait() {
	d := s.cfg.delay(s.m.waits, s.rand())
	s.m.waits++
	s.due(s.now.mono + d)
}

func (s *step) dial(conn net.Conn, port int) {
	m := &s.m
	m.session++
	m.attempt++
	m.phase = trying
	m.refused = false
	m.fresh()
	m.socket = conn != nil
	m.gateway = Gateway{Host: s.cfg.Host, Mode: AnyMode}
	m.rtt, m.skew = 0, 0
	ports := []int{port}
	if conn == nil {
		ports = m.ports(s.cfg)
	}
	s.do(doDial{session: m.session, conn: conn, ports: ports})
}

// fresh forgets what was true of an earlier connection.
func (m *model) fresh() {
	m.socket, m.upstream, m.reconciled, m.suspect, m.competing, m.wrongMode = false, true, false, false, false, false
	m.farms = nil
}

func (s *step) ready(in inReady) {
	m := &s.m
	if in.session != m.session || m.phase != trying {
		s.do(doClose{in.session})
		return
	}
	m.phase = up
	m.socket = true
	m.gateway = in.gateway
	m.portHint = in.gateway.Port
	m.found = in.gateway.Mode
	m.wrongMode = s.cfg.Mode != AnyMode && m.found != AnyMode && m.found != s.cfg.Mode
	m.upSince, m.heard, m.unanswered, m.probed = s.now.mono, s.now.mono, 0, s.now.mono
	var outage time.Duration
	if !m.downSince.IsZero() {
		outage = max(0, s.now.wall.Sub(m.downSince))
	}
	s.tell(Event{Kind: EventConnected, Attempt: m.attempt, Duration: outage})
	m.attempt = 0
	if !m.upstream { // Gateway said so during the login, and that is the cause by now
		m.upstreamDownAt = s.now.wall
		s.tell(Event{Kind: EventUpstreamLost, Cause: m.cause, Code: m.code, Detail: m.detail})
		return
	}
	m.cause, m.code, m.detail = CauseNone, 0, ""
	s.reconcile(0)
}

func (s *step) reconcile(after time.Duration) {
	if s.cfg.Reconcile == nil {
		s.m.reconciled = true
		return
	}
	s.m.reconciled = false
	s.m.run++
	s.do(doReconcile{session: s.m.session, run: s.m.run, after: after})
}

func (s *step) reconciled(in inReconciled) {
	if in.session != s.m.session || in.run != s.m.run || s.m.phase != up || !s.m.upstream {
		return
	}
	if in.err != nil {
		s.reconcile(s.cfg.delay(1, 0))
		return
	}
	s.m.reconciled = true
}

// down clears what is only true of a connection that is up.
func (s *step) down(cause Cause, code int, detail string) {
	m := &s.m
	m.phase = idle
	m.fresh()
	m.upstream = false
	m.unanswered = 0
	m.cause, m.code, m.detail = cause, code, detail
}

func (s *step) attemptFailed(in inFailed) {
	m := &s.m
	if in.session != m.session || m.phase != trying {
		return
	}
	port := m.gateway.Port
	if in.err.Port != 0 {
		port = in.err.Port
	}
	s.down(in.err.Cause, in.err.Code, in.err.Detail())
	m.gateway.Port = port
	m.failed = true
	m.refused = in.err.Cause == CauseRefused
	if in.err.Cause == CausePortChanged {
		m.portHint = portIn(in.err.Text)
	}
	s.tell(Event{
		Kind: EventAttemptFailed, Attempt: m.attempt, Session: in.session,
		Cause: in.err.Cause, Code: in.err.Code, Detail: in.err.Detail(),
	})
	s.wait()
}

func (s *step) sessionLost(session uint64, cause Cause, code int, detail string) {
	m := &s.m
	if session != m.session || m.phase != up {
		return
	}
	s.down(cause, code, detail)
	if s.now.mono-m.upSince >= s.cfg.Stable {
		m.waits = 0
	}
	m.failed = true
	m.lost++
	if m.downSince = s.now.wall; !m.upstreamDownAt.IsZero() {
		m.downSince = m.upstreamDownAt // the outage began when upstream went
		m.upstreamDownAt = time.Time{}
	}
	s.tell(Event{
		Kind: EventLost, Session: session, Cause: cause, Code: code, Detail: detail,
		Duration: s.now.mono - m.upSince,
	})
	s.wait()
}

// end closes whatever is open, asked for by a person or a setting: that is no loss.
func (s *step) end(cause Cause) {
	m := &s.m
	switch m.phase {
	case up:
		s.do(doClose{m.session})
		session, upSince := m.session, m.upSince
		s.down(cause, 0, "")
		m.downSince, m.upstreamDownAt = time.Time{}, time.Time{}
		s.tell(Event{Kind: EventDisconnected, Session: session, Cause: cause, Duration: s.now.mono - upSince})
	case trying:
		s.do(doAbort{m.session})
		s.down(cause, 0, "")
	}
	m.refused = false
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
			m.cause, m.code, m.detail = CauseNone, 0, ""
			s.tell(Event{Kind: EventResumed})
		}
		s.dial(nil, 0)
		s.do(doReply{in.reply, nil})
	case m.paused:
		s.do(doReply{in.reply, ErrAlreadyPaused})
	default:
		s.end(CauseUser)
		m.paused, m.found = true, AnyMode
		m.cause, m.code, m.detail = CauseUser, 0, ""
		s.tell(Event{Kind: EventPaused})
		s.do(doReply{in.reply, nil})
	}
}

func (s *step) configure(in inConfigure) {
	old := s.cfg
	s.cfg = in.cfg
	s.m.windowFresh = false
	s.lookAtWindow(true)
	if !old.sameTarget(in.cfg) {
		s.m.portHint, s.m.found = 0, AnyMode
		if s.m.phase != idle {
			s.end(CauseReconfigured)
		}
		s.m.refused, s.m.waits, s.m.attempt = false, 0, 0
		s.due(s.now.mono)
	} else if s.m.phase == idle && !s.m.resting() && s.m.due-s.now.mono > s.cfg.delay(s.m.waits, 0) {
		s.due(s.now.mono + s.cfg.delay(s.m.waits, 0))
	}
	s.tell(Event{Kind: EventReconfigured})
	s.do(doReply{in.reply, nil})
}

// lateNotice handles a code that was still decoded after its session's end. It says nothing about the layers any
// more, but is told: it may be the reason for the end, or an order's fate.
func (s *step) lateNotice(in inCode) {
	switch codeTable[in.code].effect {
	case effectNone:
		s.tell(Event{Kind: EventNotice, Session: in.session, Code: in.code, Detail: in.text, Request: in.request})
	case effectPortChanged:
		if in.session == s.m.session {
			s.m.portHint = portIn(in.text)
		}
	}
}

// notice handles a code from Gateway.
func (s *step) notice(in inCode) {
	m := &s.m
	row := codeTable[in.code]
	switch row.effect {
	case effectUpstreamLost:
		if !m.upstream {
			return // 1100 repeats
		}
		m.upstream, m.reconciled = false, false
		m.cause, m.code, m.detail = row.cause, in.code, in.text
		if m.phase == up {
			m.upstreamDownAt = s.now.wall
			s.tell(Event{Kind: EventUpstreamLost, Cause: row.cause, Code: in.code, Detail: in.text})
		}
	case effectRestoredLost, effectRestoredKept:
		s.restored(in)
	case effectFarm:
		s.farm(farmName(in.text, row.kind), row.farm, in.code)
	case effectCompeting:
		if !m.competing {
			s.tell(Event{Kind: EventCompeting, Cause: row.cause, Code: in.code, Detail: in.text, Request: in.request})
		}
		m.competing, m.competingAt = true, s.now.mono
	case effectPortChanged:
		if m.phase == up {
			m.portHint = portIn(in.text)
			s.do(doClose{m.session})
			s.sessionLost(m.session, row.cause, in.code, in.text)
		}
	case effectFailsAttempt:
		if m.phase == up {
			s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
		} // else the attempt itself reports it
	case effectFailsSession:
		if m.phase == up {
			s.do(doClose{m.session})
			s.sessionLost(m.session, row.cause, in.code, in.text)
		}
	case effectNone:
		s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
	}
}

func (s *step) restored(in inCode) {
	m := &s.m
	was := m.upstream
	m.upstream = true
	if m.phase != up {
		return
	}
	if in.code == 1101 {
		m.competing = false // every subscription is made anew
	}
	var d time.Duration
	if !m.upstreamDownAt.IsZero() {
		d = max(0, s.now.wall.Sub(m.upstreamDownAt))
	}
	m.upstreamDownAt = time.Time{}
	if was {
		// A restore without a loss: the loss was before this session, or its notice was missed.
		if in.code == 1101 {
			s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text})
		}
	} else {
		s.tell(Event{Kind: EventUpstreamRestored, Code: in.code, Detail: in.text, Duration: d})
	}
	s.reconcile(0)
}

func (s *step) farm(name string, state FarmState, code int) {
	m := &s.m
	old, known := m.farms[name]
	if old == state || (!known && len(m.farms) >= 64) {
		return
	}
	m.farms = cloneFarms(m.farms)
	m.farms[name] = state
	if old == FarmBroken || state == FarmBroken {
		s.tell(Event{Kind: EventFarm, Code: code, Detail: name, Farm: state})
	}
}

// evidence takes over what the session's own counters say.
func (s *step) evidence(in evidence) {
	m := &s.m
	if in.session != m.session || m.phase != up {
		return
	}
	m.rtt, m.skew = in.rtt, in.skew
	if in.heard > m.heard {
		m.heard = in.heard
		// What was read before the probe went out proves nothing about now.
		if m.unanswered != 0 && in.heard >= m.unanswered {
			m.unanswered = 0
			if m.suspect {
				m.suspect = false
				s.tell(Event{Kind: EventAnswered, Duration: s.now.mono - m.probed})
			}
		}
	}
	if m.competing && in.marketAt > m.competingAt {
		m.competing = false
	}
}

func (s *step) probe() {
	s.m.probed = s.now.mono
	s.do(doProbe{s.m.session})
}

// timers does whatever has become due.
func (s *step) timers() {
	m, now := &s.m, s.now.mono
	if m.phase == up {
		silence := now - m.heard
		if silence >= s.cfg.Poll && now-m.probed >= max(minProbeGap, min(s.cfg.Poll, s.cfg.Soft)) {
			s.probe()
			if m.unanswered == 0 {
				m.unanswered = now
			}
		}
		if m.unanswered != 0 && now-m.unanswered >= s.cfg.Soft {
			if !m.suspect {
				m.suspect = true
				s.tell(Event{Kind: EventSuspected, Cause: CauseSilent, Duration: silence})
			}
			if silence >= s.cfg.Hard {
				s.do(doClose{m.session})
				s.sessionLost(m.session, CauseSilent, 0, "")
			}
		}
	}
	if m.phase == idle && !m.stopped && !m.paused && !m.resting() && now >= m.due {
		s.dial(nil, 0)
	}
}

// deadline returns the moment at which next has to be asked again at the latest.
func (m *model) deadline(cfg *Config) time.Duration {
	at := m.last.mono + heartbeat
	sooner := func(t time.Duration) {
		if t < at {
			at = t
		}
	}
	switch m.phase {
	case idle:
		if !m.paused && !m.resting() {
			sooner(m.due)
		}
	case up:
		sooner(max(m.heard+cfg.Poll, m.probed+max(minProbeGap, min(cfg.Poll, cfg.Soft))))
		if m.unanswered != 0 {
			sooner(m.last.mono + answerLook)
			if !m.suspect {
				sooner(m.unanswered + cfg.Soft)
			} else {
				sooner(m.heard + cfg.Hard)
			}
		}
	}
	if !m.windowUntil.IsZero() {
		sooner(m.last.mono + m.windowUntil.Sub(m.last.wall))
	}
	return max(at, m.last.mono+time.Millisecond)
}

// enter is the one place that enters a state.
func (s *step) enter() {
	m := &s.m
	state := m.judge()
	if state != m.state {
		m.state, m.since = state, s.now.wall
	}
	for i := range s.events {
		s.events[i].State = state
		if s.events[i].Session == 0 && m.phase == up {
			s.events[i].Session = m.session
		}
	}
}

func (m *model) judge() State {
	switch {
	case m.paused && m.phase == idle:
		return Paused
	case m.phase == up && !m.upstream:
		return UpstreamLost
	case m.phase == up:
		if cause, _ := m.trouble(); cause != CauseNone {
			return Degraded
		}
		return Connected
	case m.phase == idle && m.resting():
		return ResetWindow
	case m.failed:
		return Reconnecting
	}
	return Connecting
}

// trouble returns what degrades a connection that is up, and a detail of it.
func (m *model) trouble() (Cause, string) {
	switch {
	case m.suspect:
		return CauseSilent, ""
	case m.wrongMode:
		return CauseWrongMode, ""
	case m.competing:
		return CauseCompeting, ""
	}
	worst := ""
	for name, st := range m.farms {
		if st == FarmBroken && (worst == "" || name < worst) {
			worst = name
		}
	}
	if worst != "" {
		return CauseFarm, worst
	}
	return CauseNone, ""
}

// guard says whether orders may leave; it looks at the real state and at nothing else.
func (m *model) guard() GuardReason {
	switch {
	case m.phase == idle || !m.socket:
		return GuardSocket
	case m.phase != up:
		return GuardAPI
	case !m.upstream:
		return GuardUpstream
	case m.suspect:
		return GuardProbe
	case m.wrongMode:
		return GuardMode
	case !m.reconciled:
		return GuardReconciling
	}
	return GuardOpen
}

// snapshot renders the model. The result shares nothing that is ever changed.
func (m *model) snapshot(cfg *Config) *Snapshot {
	s := &Snapshot{
		At: m.last.wall, State: m.state, Since: m.since,
		Cause: m.cause, Code: m.code, Detail: m.detail,
		Layers: Layers{
			Socket: m.phase != idle && m.socket, API: m.phase == up, Upstream: m.phase == up && m.upstream,
			Farms: maps.Clone(m.farms),
		},
		Window: m.window, Gateway: m.gateway, Guard: m.guard(), Probe: m.rtt, Skew: m.skew, Lost: m.lost,
	}
	if s.Gateway.Host == "" {
		s.Gateway = Gateway{Host: cfg.Host, Port: cfg.Port, Mode: AnyMode}
	}
	if m.phase == up {
		s.Session = m.session
		if m.upstream {
			s.Cause, s.Detail = m.trouble()
			s.Code = 0
		}
	}
	switch {
	case m.phase == trying:
		s.Attempt = Attempt{Number: m.attempt, Running: true}
	case m.phase == idle && !m.paused && !m.stopped:
		s.Attempt = Attempt{Number: m.attempt + 1}
		if s.Attempt.NextAt = m.dueWall; m.resting() {
			s.Attempt.NextAt = m.window.Ends
		}
	}
	return s
}
