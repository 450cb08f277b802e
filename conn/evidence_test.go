package conn

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib"
)

// answered answers the time request that was asked the given time ago.
func answered(ago, rtt time.Duration) cue {
	return func(p *play) input { return inNews{ib.Answered{Session: p.m.session, Asked: p.mono - ago, RTT: rtt}} }
}

// onBytes has Gateway send something that answers nothing.
func onBytes(p *play) input {
	p.seen = ib.Evidence{Session: p.m.session, Heard: p.mono, MarketAt: p.mono, IBKRAt: p.mono}
	return inTick{}
}

// TestOnlyAnAnswerOpensTheGuard has a session after a gap: neither bytes nor the answer to a question from before it,
// nor one that came late, prove that Gateway is there now.
func TestOnlyAnAnswerOpensTheGuard(t *testing.T) {
	woken := row{in: onClock(8 * time.Hour), do: "probe", emit: "woke", state: Degraded, guard: ib.GuardWoke}
	stopped := row{in: onGap(time.Minute), do: "probe", emit: "woke", state: Degraded, guard: ib.GuardWoke}
	shut := func(in cue) row { return row{in: in, state: Degraded, guard: ib.GuardWoke} }
	for name, rows := range map[string][]row{
		"sleep": {woken, shut(onBytes), {in: answered(0, ms), emit: "answered", state: Connected}},
		"stop":  {stopped, shut(onBytes), {in: answered(0, ms), emit: "answered", state: Connected}},
		"the answer to a question from before": {
			stopped, shut(answered(1, ms)), shut(onBytes),
			{after: sec, do: "probe", state: Degraded, guard: ib.GuardWoke},
			{in: answered(0, ms), emit: "answered", state: Connected},
		},
		"a late answer": {
			stopped, shut(answered(0, 1500*ms)),
			{after: sec, do: "probe", state: Degraded, guard: ib.GuardWoke},
			{in: answered(0, 1499*ms), emit: "answered", state: Connected},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(nil)
			for i, r := range append(opening[:2:2], append([]row{{after: sec, state: Connected}}, rows...)...) {
				p.frozen = i >= 3 // answers come from the rows
				p.act(t, i-3, r)
			}
		})
	}
}

// TestLoginFromBeforeAGap has the computer sleep while an attempt is under way: what the login says may be old.
func TestLoginFromBeforeAGap(t *testing.T) {
	p := newPlay(nil)
	p.act(t, 0, opening[0])
	p.act(t, 1, row{after: ms, in: onClock(8 * time.Hour), emit: "woke", state: Connecting, guard: ib.GuardSocket})
	p.act(t, 2, row{in: onReady, do: "probe", emit: "connected", state: Connected, guard: ib.GuardWoke})
	p.act(t, 3, row{in: answered(0, ms), state: Connected})
}

// TestTicksProveNothing has Gateway send market data and answer nothing: the guard shuts, and the session ends.
func TestTicksProveNothing(t *testing.T) {
	p := newPlay(nil)
	for i, r := range opening {
		p.act(t, i, r)
	}
	ticks := func(d time.Duration) {
		for end := p.mono + d; p.mono < end; {
			step := min(p.m.deadline(p.cfg), end) - p.mono
			p.mono, p.wall = p.mono+step, p.wall.Add(step)
			p.feed(onBytes(p))
		}
	}
	p.frozen = true
	ticks(probeAtLeast + p.cfg.Soft - ms)
	if p.m.guard() != ib.GuardOpen {
		t.Error("shut early")
	}
	ticks(ms)
	if p.m.guard() != ib.GuardProbe || p.m.state != Degraded {
		t.Errorf("guard %q, %s", p.m.guard(), p.m.state)
	}
	ticks(p.cfg.Hard - p.cfg.Soft)
	if p.m.phase == up || p.m.cause != ib.CauseSilent || p.m.detail == "" {
		t.Errorf("%s by %q (%s)", p.m.state, p.m.cause, p.m.detail)
	}
}

// TestGuardShutsWhenNobodyLooked has the computer sleep, or the process stand still: the guard is shut at the first
// look at it, before the supervisor has run, and opens when Gateway has answered a question from afterwards.
func TestGuardShutsWhenNobodyLooked(t *testing.T) {
	for name, c := range map[string]struct {
		wall, mono time.Duration
		asleep     bool
	}{
		"sleep, the monotonic clock stops":   {8 * time.Hour, 0, true},
		"sleep, the monotonic clock goes on": {8 * time.Hour, 8 * time.Hour, true},
		"stopped for a minute":               {time.Minute, time.Minute, true},
		"stopped for two seconds":            {2 * time.Second, 2 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, testConfig(4002), nil)
			b.after(time.Minute)
			session := b.s.Session()
			b.g.freeze(true)
			b.jump.Add(int64(c.wall))
			b.skip.Add(int64(c.mono))
			var shut *ib.GuardError
			if err := session.Guard(); !errors.As(err, &shut) || shut.Reason != ib.GuardWoke {
				t.Errorf("%s: %v", name, err)
			}
			if n := b.s.Snapshot(); n.Guard != ib.GuardWoke {
				t.Errorf("%s: %+v", name, n)
			}
			b.g.present().heard.Store(int64(b.s.clock.Mono())) // what waited in a buffer
			if n := b.after(1400 * time.Millisecond); n.Guard != ib.GuardWoke || session.Guard() == nil {
				t.Errorf("%s: %+v", name, n)
			}
			if n := b.after(2 * time.Second); n.Guard != ib.GuardProbe { // it is Gateway's fault by now
				t.Errorf("%s: %+v", name, n)
			}
			b.g.freeze(false)
			if n := b.after(3 * time.Second); n.Session != 1 || !n.GuardOpen() || session.Guard() != nil {
				t.Errorf("%s: %+v, guard %v", name, n, session.Guard())
			}
			b.stop()
			var slept time.Duration
			for _, e := range b.events {
				if e.Kind == EventWoke {
					slept = e.Duration
				}
			}
			if c.asleep != (slept >= c.wall) {
				t.Errorf("%s: asleep for %v", name, slept)
			}
		})
	}
}

// TestProofOfLifeIsSetLive changes the proof of life of a session that is up.
func TestProofOfLifeIsSetLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(4002), nil)
		b.after(time.Second)
		within := b.s.gate.ProofOfLife
		if got := within(); got != defaultProof {
			t.Errorf("%v", got)
		}
		cfg := testConfig(4002)
		cfg.ProofOfLife = time.Second
		if err := b.s.Configure(t.Context(), cfg); err != nil || within() != time.Second ||
			b.s.Snapshot().Session != 1 {
			t.Errorf("%v, %v", within(), err)
		}
		cfg.ProofOfLife = -1
		if err := b.s.Configure(t.Context(), cfg); err == nil || within() != time.Second {
			t.Errorf("%v, %v", within(), err)
		}
	})
}
