package conn

import (
	"maps"
	"reflect"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// Layers is what is true of each layer at one moment.
type Layers struct {
	Socket   bool // TCP to Gateway
	API      bool // READY: nextValidId and managedAccounts have arrived
	Upstream bool // Gateway to IBKR's servers, as far as Gateway has said
	Farms    map[string]FarmState
	Since    LayerTimes
}

// LayerTimes says since when each layer has been as it is, by the wall clock. What is known of the upper layers begins
// with each connection.
type LayerTimes struct{ Socket, API, Upstream, Farms time.Time }

// Up reports whether socket, API and upstream are all up.
func (l Layers) Up() bool { return l.Socket && l.API && l.Upstream }

// Attempt describes the attempt under way or the next one. A zero Number means that none is needed.
type Attempt struct {
	Number  int       // counts from 1 within one outage
	NextAt  time.Time // when it is due by the wall clock, not before a reset window ends; zero while it runs
	Running bool
}

// Snapshot is an immutable picture of the connection. Renderers of every kind show the same value.
type Snapshot struct {
	Seq     uint64    // grows by one with each published snapshot
	At      time.Time // wall clock when it was made
	State   State
	Since   time.Time // when State was entered
	LostAt  time.Time // when the outage began that lasts, which may be before Since; zero if there is none
	Cause   ib.Cause  // why State is not Connected; empty if it is
	Code    int       // IB code behind Cause, or 0
	Detail  string    // technical text behind Cause, may be empty; comes from outside
	Layers  Layers
	Session uint64 // number of the present session, 0 if none is up
	// Unanswered says that the session is up and Gateway owes an answer: what the layers above the socket say is of its
	// last one.
	Unanswered bool
	Attempt    Attempt
	Window     calendar.Span
	Exit       ib.PlannedExit // of Gateway, as it has announced
	// Resubmit says whether Gateway keeps orders while IBKR is not connected, and sends them afterwards.
	Resubmit ib.Switch
	Gateway  ib.Gateway
	// Unsupported is what Gateway says about the end of support for its version; while not connected, what it said
	// last.
	Unsupported Unsupported
	Guard       ib.GuardReason
	GuardSince  time.Time     // when it was opened or closed last, by the wall clock
	Opened      uint64        // how often the guard was opened since the start of the program
	Probe       time.Duration // last round trip of a probe of this connection, 0 before the first
	Skew        time.Duration // Gateway's clock minus ours at that probe, to the second
	Lost        uint64        // sessions lost since the start of the program
	First       bool          // no connection was ever made
	Tried       []ib.PortTry  // of the last attempt, if it failed
}

// Connected reports whether socket, API and upstream are all up.
func (s *Snapshot) Connected() bool { return s.Layers.Up() }

// GuardOpen reports whether orders may leave.
func (s *Snapshot) GuardOpen() bool { return s.Guard == ib.GuardOpen }

// snapshot renders the model. The result shares nothing that is ever changed.
func (m *model) snapshot(cfg *Config) *Snapshot {
	s := &Snapshot{
		At: m.last.Wall, State: m.state, Since: m.since.Wall,
		Cause: m.cause, Code: m.code, Detail: m.detail,
		Layers: Layers{
			Socket: m.phase != idle && m.socket, API: m.phase == up, Upstream: m.phase == up && m.upstream,
			Farms: maps.Clone(m.farms),
		},
		Window: m.spanNow(cfg), Exit: m.planned(), Resubmit: m.resubmit, Gateway: m.gateway,
		Unsupported: m.unsupported, Guard: m.guard(), Probe: m.rtt, Skew: m.skew, Lost: m.lost,
		First: m.first, Tried: m.tried,
	}
	if s.Gateway.Host == "" {
		s.Gateway = ib.Gateway{Host: cfg.Host, Port: cfg.Port, Mode: ib.AnyMode}
	}
	if m.phase != up {
		s.LostAt = m.downSince.Wall
	}
	if m.phase == up {
		s.Session, s.Unanswered = m.session, m.unanswered()
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

// same reports whether both say the same but for the time they were made at and what is measured all the time.
func (s *Snapshot) same(o *Snapshot) bool {
	a := *s
	a.Seq, a.At, a.GuardSince, a.Layers.Since = o.Seq, o.At, o.GuardSince, o.Layers.Since
	a.Probe, a.Skew = o.Probe, o.Skew
	return reflect.DeepEqual(&a, o)
}

// changes says of the guard, and of each layer as in [LayerTimes], whether it is not as it was.
func changes(old, now *Snapshot) [5]bool {
	another := now.Session != old.Session || now.Layers.API != old.Layers.API
	return [...]bool{
		now.GuardOpen() != old.GuardOpen(),
		another || now.Layers.Socket != old.Layers.Socket,
		another,
		another || now.Layers.Upstream != old.Layers.Upstream,
		another || !maps.Equal(now.Layers.Farms, old.Layers.Farms),
	}
}

// publish stores a new snapshot and nudges subscribers if it says something new.
func (s *Supervisor) publish() {
	old, now := s.snap.Load(), s.m.snapshot(s.cfg)
	if now.Opened = old.Opened; now.GuardOpen() && !old.GuardOpen() {
		now.Opened++
	}
	at := &s.since
	for i, changed := range changes(old, now) {
		if at[i] = follow(at[i], s.m.last.Moment); changed {
			at[i] = s.m.last.Moment
		}
	}
	now.GuardSince, now.Layers.Since = at[0].Wall, LayerTimes{at[1].Wall, at[2].Wall, at[3].Wall, at[4].Wall}
	news := !now.same(old)
	if news {
		s.seq++
	}
	now.Seq = s.seq
	s.snap.Store(now)
	if news {
		s.subscribers.Nudge()
	}
}

// Snapshot returns what is true now. It never blocks and the value never changes.
func (s *Supervisor) Snapshot() *Snapshot {
	n := s.snap.Load()
	if !n.GuardOpen() || !s.gate.Late() {
		return n
	}
	closed := *n // the computer has just woken, and the supervisor has not decided anything yet
	closed.Guard = ib.GuardWoke
	return &closed
}

// Subscribe returns a channel that yields a value when there is a new snapshot to look at, and a function that ends
// the subscription.
func (s *Supervisor) Subscribe() (<-chan struct{}, func()) {
	return s.subscribers.Subscribe()
}
