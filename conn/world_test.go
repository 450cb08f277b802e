package conn

import (
	"context"
	"slices"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// chooser is where a world's randomness comes from: rapid, or the bytes of a fuzzer.
type chooser interface {
	pick(n int) int // uniform in [0,n)
	more() bool     // false when there is nothing left to choose from
}

// judgeOf is what a world reports a broken promise to.
type judgeOf interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world drives next alone. It plays Gateway, the clocks and the user, carries out what next asks for, and checks after
// every step what has to hold always. What it knows of the truth it knows from its own deeds, not from the model.
type world struct {
	judgeOf
	c   chooser
	cfg *Config
	m   model

	wall time.Time
	mono time.Duration
	seen ib.Evidence

	trying   uint64 // session that an attempt is under way for
	live     uint64 // session that is up
	upstream bool   // as the session's Gateway last said
	runs     []inReconciled
	asked    time.Duration // time request that is unanswered, 0: none
	answered time.Duration // when the last answer was given
	provenBy time.Duration // when the last question was asked that Gateway answered in time, or READY came
	gap      time.Duration // end of the last sleep
	dialAt   time.Duration
	frozen   bool

	up        bool // between EventConnected and the event that ends it
	suspected bool
	idleSince time.Duration
	steps     int
	dials     int
	connects  int
	losses    int
}

// worldStart is the evening before New York's clocks change.
var worldStart = time.Date(2026, 3, 7, 20, 0, 0, 0, time.UTC)

func newWorld(j judgeOf, c chooser) *world {
	w := &world{judgeOf: j, c: c, wall: worldStart, mono: time.Minute}
	w.cfg = w.config()
	return w
}

const longestPoll = 5 * time.Second // of a world's configurations

// config returns one of a few configurations; some share their target.
func (w *world) config() *Config {
	cfg := testConfig([]int{0, 4002, 7497}[w.c.pick(3)])
	cfg.Mode = []ib.Mode{ib.AnyMode, ib.Paper, ib.Live}[w.c.pick(3)]
	cfg.Poll = min(longestPoll, time.Duration(1+w.c.pick(5))*time.Second)
	cfg.WatchLocalPort = w.c.pick(2) == 0
	cfg.Jitter = []float64{0, 0.2, 0.99}[w.c.pick(3)]
	switch w.c.pick(4) {
	case 0:
		cfg.Calendar, _ = calendar.Preset("ibkr-america")
	case 1:
		cfg.Calendar = calendar.Calendar{
			{Name: "short", Hour: 18, Length: 15 * time.Minute, Location: time.UTC},
			{Name: "long", Days: []time.Weekday{time.Sunday}, Hour: 23, Length: 20 * time.Hour, Location: time.UTC},
		}
	case 2:
		for _, p := range []string{"ibkr-asia", "ibkr-europe", "ibkr-weekend"} {
			add, _ := calendar.Preset(p)
			cfg.Calendar = append(cfg.Calendar, add...)
		}
	}
	if w.c.pick(3) == 0 {
		cfg.Reconcile = func(context.Context, *ib.Session) error { return nil }
	}
	return &cfg
}

// fraction yields the jitter.
func (w *world) fraction() float64 { return float64(w.c.pick(100)) / 100 }

// feed puts one input through next, carries out the answer and checks it.
func (w *world) feed(in input) {
	w.Helper()
	w.steps++
	before := w.m
	now := instant{Moment: ib.Moment{Wall: w.wall, Mono: w.mono}, seen: w.seen}
	m, effects, events := next(w.cfg, w.m, in, now, w.fraction)
	w.m = m
	if c, ok := in.(inConfigure); ok {
		w.cfg = c.cfg
	}
	for _, e := range events {
		w.event(e)
	}
	replies := 0
	for _, e := range effects {
		switch e := e.(type) {
		case doDial:
			w.dialled(in, e)
		case doEnd:
			switch {
			case before.phase == up && e.session == w.live:
				w.live = 0
			case before.phase == up:
			case e.session != w.trying:
				w.Fatalf("abort of %d, the attempt under way is %d", e.session, w.trying)
			default:
				w.trying = 0
			}
		case doProbe:
			if e.session != w.live {
				w.Fatalf("probe of session %d, live is %d", e.session, w.live)
			}
			if gap := w.mono - w.answered; w.asked != 0 || w.answered != 0 && gap < ib.MinProbeGap {
				w.Fatalf("probe %v after the last answer; unanswered: %v", gap, w.asked)
			}
			w.asked = w.mono
			w.seen.Asked = w.mono
		case doReconcile:
			if e.session != w.live {
				w.Fatalf("reconcile session %d, live is %d", e.session, w.live)
			}
			w.runs = append(w.runs, inReconciled{session: e.session, run: e.run})
		case doReply:
			replies++
		}
	}
	switch in.(type) {
	case inCommand, inConfigure:
		if replies != 1 {
			w.Fatalf("%T answered %d times", in, replies)
		}
	default:
		if replies != 0 {
			w.Fatalf("%T answered", in)
		}
	}
	w.check(before, in)
}

func (w *world) dialled(in input, d doDial) {
	w.dials++
	if w.trying != 0 || w.live != 0 {
		w.Fatalf("attempt %d while attempt %d or session %d is there", d.session, w.trying, w.live)
	}
	if w.cfg.Calendar.At(w.wall).Active {
		switch in.(type) {
		case inStart, inCommand, inConfigure:
		default:
			w.Fatalf("%T led to an attempt at %v, inside a reset window", in, w.wall)
		}
	}
	if w.m.paused {
		w.Fatalf("attempt while paused")
	}
	if len(d.ports) == 0 {
		w.Fatalf("attempt on no port")
	}
	w.trying, w.dialAt = d.session, w.mono
}

// event checks that events come in the right order.
func (w *world) event(e Event) {
	switch e.Kind {
	case EventConnected:
		if w.up {
			w.Fatalf("connected twice")
		}
		w.up, w.suspected = true, false
		w.connects++
	case EventLost, EventDisconnected:
		if !w.up {
			w.Fatalf("%s without a connection", e.Kind)
		}
		w.up = false
		if e.Kind == EventLost {
			w.losses++
		}
	case EventSuspected:
		if w.suspected {
			w.Fatalf("suspected twice")
		}
		w.suspected = true
	case EventWoke:
		w.suspected = w.up
	case EventAnswered:
		if !w.suspected {
			w.Fatalf("answered without suspicion")
		}
		w.suspected = false
	}
	if e.At != w.wall || e.State == "" {
		w.Fatalf("event %+v at %v", e, w.wall)
	}
}

func (w *world) check(before model, in input) {
	w.Helper()
	m, n := &w.m, w.m.snapshot(w.cfg)
	if w.up != (m.phase == up) || (m.phase == up) != (w.live != 0) || (m.phase == trying) != (w.trying != 0) {
		w.Fatalf("after %T: phase %d, told up %v, live %d, trying %d", in, m.phase, w.up, w.live, w.trying)
	}
	if m.phase != up && n.Gateway != (ib.Gateway{Host: n.Gateway.Host, Port: n.Gateway.Port, Mode: ib.AnyMode}) {
		w.Fatalf("not connected, and said of Gateway: %+v", n.Gateway)
	}
	doubted := n.Guard == ib.GuardProbe || n.Guard == ib.GuardWoke
	if n.Unanswered && m.phase != up || n.Unanswered != doubted && n.Session != 0 && m.upstream {
		w.Fatalf("phase %d, unanswered %v, guard %q", m.phase, n.Unanswered, n.Guard)
	}
	if n.GuardOpen() {
		switch {
		case w.live == 0 || n.Session != w.live || !w.upstream:
			w.Fatalf("guard open with session %d (snapshot says %d), upstream %v", w.live, n.Session, w.upstream)
		case !n.Layers.Up() || m.suspect || n.Gateway.Mode != ib.AnyMode && w.cfg.Mode != ib.AnyMode &&
			n.Gateway.Mode != w.cfg.Mode:
			w.Fatalf("guard open in %+v", n)
		case w.provenBy < w.gap:
			w.Fatalf("guard open, last proven %v before a gap", w.gap-w.provenBy)
		case w.mono-w.provenBy > longestPoll+2*w.cfg.Soft+ib.MinProbeGap:
			w.Fatalf("guard open %v after the last question that was answered in time", w.mono-w.provenBy)
		}
	}
	if r, ok := in.(inReconciled); m.reconciled && !before.reconciled && w.cfg.Reconcile != nil {
		if latest := w.runs[len(w.runs)-1]; !ok || r.err != nil || r.session != latest.session || r.run != latest.run {
			w.Fatalf("reconciled by %T %+v", in, r)
		}
	}
	resting := w.cfg.Calendar.At(w.wall).Active
	if m.phase != idle || m.paused || resting || m.stopped {
		w.idleSince = w.mono
	} else {
		longest := slices.Max(w.cfg.Delays)
		if left := m.due - w.mono; left <= 0 || left > longest {
			w.Fatalf("after %T: idle, next attempt in %v", in, left)
		}
		if w.mono-w.idleSince > longest+wakeJump+heartbeat {
			w.Fatalf("idle for %v", w.mono-w.idleSince)
		}
		if shown := n.Attempt.NextAt.Sub(w.wall) - (m.due - w.mono); shown.Abs() > 30*time.Second {
			w.Fatalf("next attempt is shown %v off", shown)
		}
	}
	if at := m.deadline(w.cfg); at <= w.mono || at > w.mono+heartbeat {
		w.Fatalf("next look in %v", at-w.mono)
	}
	w.checkState(n, resting)
}

func (w *world) checkState(n *Snapshot, resting bool) {
	w.Helper()
	is := func(want State) {
		w.Helper()
		if n.State != want {
			w.Fatalf("state %s, want %s: %+v", n.State, want, n)
		}
	}
	switch {
	case w.live != 0 && !w.upstream:
		is(UpstreamLost)
		if n.Cause != ib.CauseUpstream || n.Code == 0 {
			w.Fatalf("upstream lost by %q, code %d", n.Cause, n.Code)
		}
	case w.live != 0:
		if n.State != Connected {
			is(Degraded)
		}
		if (n.State == Connected) != (n.Cause == ib.CauseNone) {
			w.Fatalf("%s with cause %q", n.State, n.Cause)
		}
	case w.m.paused:
		is(Paused)
	case w.m.stopped:
	case w.trying == 0 && resting:
		is(ResetWindow)
	case w.connects == 0 && n.State == Connecting:
	default:
		if n.State != Reconnecting {
			is(Connecting)
		}
	}
	if n.GuardOpen() && n.State != Connected && n.State != Degraded {
		w.Fatalf("guard open in state %s", n.State)
	}
	if n.Attempt.Running != (w.trying != 0) || n.Attempt.Running && n.Attempt.Number < 1 {
		w.Fatalf("attempt %+v", n.Attempt)
	}
}
