package conn

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// row is one line of a play: time passes with looks at the clock as the model asks for them, then something happens.
// The requests and events meanwhile has to be as written.
type row struct {
	after time.Duration
	in    cue // nil: only time passes
	do    string
	emit  string
	state State
	guard ib.GuardReason
}

// cue makes an input for the present session.
type cue func(p *play) input

// play is a model under test with its clocks. Its Gateway sends something all the time unless it is frozen.
type play struct {
	cfg     *Config
	m       model
	wall    time.Time
	mono    time.Duration
	seen    ib.Evidence
	frozen  bool
	asked   time.Duration // time request that is unanswered
	jitter  float64
	effects []string
	events  []string
	last    []Event
}

// playStart is a Tuesday noon in Sydney, six hours before the default window.
var playStart = time.Date(2026, 6, 2, 2, 0, 0, 0, time.UTC)

func newPlay(change func(*Config)) *play {
	cfg := testConfig(4002)
	cfg.Jitter = 0
	if change != nil {
		change(&cfg)
	}
	return &play{cfg: &cfg, wall: playStart, mono: time.Hour}
}

// reconciling makes the guard wait for an answer.
func reconciling(c *Config) { c.Reconcile = noReconcile }

// windowIn has a window of ten minutes begin after the given time.
func windowIn(d time.Duration) func(*Config) {
	return func(c *Config) {
		at := playStart.Add(d)
		c.Calendar = calendar.Calendar{{
			Name: "test", Hour: at.Hour(), Minute: at.Minute(), Length: 10 * time.Minute,
			Location: time.UTC,
		}}
	}
}

func (p *play) feed(in input) {
	trying := p.m.phase == trying
	now := instant{Moment: ib.Moment{Wall: p.wall, Mono: p.mono}, seen: p.seen}
	m, effects, events := next(p.cfg, p.m, in, now, func() float64 {
		return p.jitter
	})
	p.m, p.last = m, events
	if c, ok := in.(inConfigure); ok {
		p.cfg = c.cfg
	}
	for _, e := range effects {
		if _, ok := e.(doProbe); ok {
			p.asked = p.mono
			if m.proven && !p.frozen {
				continue // asked all the time, and answered
			}
		}
		p.effects = append(p.effects, describe(e, trying))
	}
	for _, e := range events {
		p.events = append(p.events, string(e.Kind))
	}
}

// describe says what an effect is, and whether the session to be ended was only being tried.
func describe(e effect, trying bool) string {
	switch e := e.(type) {
	case doDial:
		if e.conn != nil {
			return "dial open port"
		}
		return "dial"
	case doEnd:
		if trying {
			return "abort"
		}
		return "close"
	case doProbe:
		return "probe"
	case doReconcile:
		if e.after != 0 {
			return fmt.Sprint("reconcile after ", e.after)
		}
		return "reconcile"
	case doDiscard:
		return "discard"
	case doReply:
		if e.err != nil {
			return "refuse: " + e.err.Error()
		}
		return "accept"
	}
	return fmt.Sprintf("%T", e)
}

func (p *play) pass(d time.Duration) {
	for end := p.mono + d; p.mono < end; {
		step := min(p.m.deadline(p.cfg), end) - p.mono
		p.mono += step
		p.wall = p.wall.Add(step)
		if !p.frozen {
			p.seen = ib.Evidence{Session: p.m.session, Heard: p.mono}
			if p.asked != 0 && p.m.phase == up {
				p.seen.Asked = 0
				p.feed(inNews{ib.Answered{Session: p.m.session, Asked: p.asked, RTT: p.mono - p.asked}})
				p.asked = 0
			}
		}
		p.feed(inTick{})
	}
}

func (p *play) act(t *testing.T, i int, r row) {
	t.Helper()
	p.effects, p.events = nil, nil
	if r.after > 0 {
		p.pass(r.after)
	}
	if r.in != nil {
		p.feed(r.in(p))
	}
	if got := strings.Join(p.effects, ", "); got != r.do {
		t.Errorf("row %d: do %q, want %q", i, got, r.do)
	}
	if got := strings.Join(p.events, ", "); got != r.emit {
		t.Errorf("row %d: emit %q, want %q", i, got, r.emit)
	}
	if p.m.state != r.state || p.m.guard() != r.guard {
		t.Errorf("row %d: state %s, guard %q, want %s, %q", i, p.m.state, p.m.guard(), r.state, r.guard)
	}
}

func onStart(*play) input { return inStart{} }
func onStop(*play) input  { return inStop{} }
func onTick(*play) input  { return inTick{} }

func onReady(p *play) input {
	p.frozen, p.asked = false, 0
	return inReady{session: p.m.session, gateway: ib.Gateway{
		Host: "127.0.0.1", Port: 4002, ServerVersion: 225,
		Mode: ib.Paper, Accounts: 1,
	}}
}

// onReadyAs has READY come from an account of a kind.
func onReadyAs(mode ib.Mode) cue {
	return func(p *play) input {
		in := onReady(p).(inReady)
		in.gateway.Mode = mode
		return in
	}
}

func onFailed(c ib.Cause) cue {
	return func(p *play) input {
		return inFailed{session: p.m.session, err: &ib.AttemptError{Cause: c, Port: 4002, Err: errors.New("detail")}}
	}
}

func onLost(p *play) input { return inLost{session: p.m.session, cause: ib.CauseClosed} }

func onCode(code int) cue {
	return func(p *play) input {
		return inNews{ib.Said{Session: p.m.session, Code: code, Text: "text", Request: -1}}
	}
}

func onFarm(code int) cue {
	return func(p *play) input {
		return inNews{ib.Said{Session: p.m.session, Code: code, Text: "text:usfarm", Request: -1}}
	}
}

func onReconciled(err error) cue {
	return func(p *play) input { return inReconciled{session: p.m.session, run: p.m.run, err: err} }
}

func onConnect(*play) input    { return inCommand{connect: true} }
func onDisconnect(*play) input { return inCommand{} }

// onOldSession gives an input the number of the session before.
func onOldSession(c cue) cue {
	return func(p *play) input {
		old := *p
		old.m.session--
		return c(&old)
	}
}

func onFreeze(p *play) input { p.frozen = true; return inTick{} }

// onClock sets the wall clock forward, or back.
func onClock(d time.Duration) cue {
	return func(p *play) input { p.wall = p.wall.Add(d); return inTick{} }
}

// onGap lets both clocks pass without anyone looking.
func onGap(d time.Duration) cue {
	return func(p *play) input { p.mono += d; p.wall = p.wall.Add(d); return inTick{} }
}

func onConfigure(change func(*Config)) cue {
	return func(p *play) input {
		cfg := *p.cfg
		change(&cfg)
		return inConfigure{cfg: &cfg}
	}
}

func onPortOpen(*play) input { c, _ := net.Pipe(); return inPortOpen{conn: c, port: 4002} }

// opening is how most plays begin: READY after the first attempt.
var opening = []row{
	{in: onStart, do: "dial", emit: "started", state: Connecting, guard: ib.GuardSocket},
	{after: time.Second, in: onReady, emit: "connected", state: Connected},
}
