package conn

import (
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib"
)

// TestLayersSince: each layer's time changes with that layer alone, and all of them with a new session.
func TestLayersSince(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 3, 4, 12, minute, 0, 0, time.UTC) }
	up := map[string]FarmState{"usfarm": FarmOK}
	steps := []struct {
		session             uint64
		socket, api, ibkr   bool
		farms               map[string]FarmState
		wantS, wantA, wantU int // minutes
		wantF               int
	}{
		{0, false, false, false, nil, 0, 0, 0, 0},
		{0, true, false, false, nil, 2, 0, 0, 0},
		{1, true, true, true, nil, 3, 3, 3, 3},
		{1, true, true, true, up, 3, 3, 3, 4},
		{1, true, true, false, up, 3, 3, 5, 4},
		{1, true, true, true, up, 3, 3, 6, 4},
		{2, true, true, true, up, 7, 7, 7, 7}, // lost and back between two looks
		{0, false, false, false, nil, 8, 8, 8, 8},
		{0, false, false, false, nil, 8, 8, 8, 8},
	}
	old, since := &Snapshot{}, [5]time.Time{at(0), at(0), at(0), at(0), at(0)}
	for i, s := range steps {
		now := &Snapshot{Session: s.session, Layers: Layers{
			Socket: s.socket, API: s.api,
			Upstream: s.ibkr, Farms: s.farms,
		}}
		for layer, changed := range changes(old, now) {
			if changed {
				since[layer] = at(i + 1)
			}
		}
		if want := [...]time.Time{at(0), at(s.wantS), at(s.wantA), at(s.wantU), at(s.wantF)}; since != want {
			t.Errorf("step %d: %v, want %v", i+1, since, want)
		}
		old = now
	}
}

// TestClockSetBack sets the wall clock back by hours while the connection is up, while IBKR is lost and while there is
// no connection: how long each lasts goes on as before.
func TestClockSetBack(t *testing.T) {
	ages := func(n *Snapshot) (list []time.Duration) {
		l := n.Layers.Since
		for _, since := range []time.Time{n.Since, n.LostAt, n.GuardSince, l.Socket, l.API, l.Upstream, l.Farms} {
			list = append(list, n.At.Sub(since))
		}
		return list
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(4002), nil)
		var before *Snapshot
		for _, step := range []struct {
			name string
			do   func()
		}{
			{"connected", func() {}},
			{"IBKR lost", func() {
				b.g.present().upstream.Store(false)
				b.g.present().code(1100)
			}},
			{"no connection", func() {
				b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseRefused })
				b.g.cut(ib.CauseClosed)
			}},
		} {
			b.after(time.Second)
			step.do()
			before = b.after(time.Minute)
			b.jump.Add(-int64(5 * time.Hour))
			after := ages(b.after(heartbeat))
			for i, age := range ages(before) {
				if grown := after[i] - age; grown < 0 || grown > 2*heartbeat {
					t.Errorf("%s: time %d lies %v back, and then %v", step.name, i, age, after[i])
				}
			}
		}
		if out := before.At.Sub(before.LostAt); out < 2*time.Minute || out > 3*time.Minute {
			t.Errorf("the outage that began when IBKR was lost has lasted for %v", out)
		}
	})
}

// TestClockSetAheadAndBack: an outage has lasted for no longer because the clock was wrong for a minute.
func TestClockSetAheadAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, testConfig(4002), nil)
		r := record(t, b.s)
		b.after(time.Second)
		b.g.present().upstream.Store(false)
		b.g.present().code(1100)
		outage := func(step string, minutes int, lost bool) {
			t.Helper()
			b.jump.Add(int64(5 * time.Hour))
			b.after(time.Minute)
			b.jump.Add(-int64(5 * time.Hour))
			n := b.after(time.Minute)
			begun := n.Since
			if lost {
				begun = n.LostAt
			}
			if d := n.At.Sub(begun).Round(time.Minute); d != time.Duration(minutes)*time.Minute {
				t.Errorf("%s: the outage has lasted for %v, want %d minutes", step, d, minutes)
			}
		}
		outage("IBKR lost", 2, false)
		b.g.set(func(g *fakeGateway) { g.refusal = ib.CauseRefused })
		b.g.cut(ib.CauseClosed)
		b.after(heartbeat)
		outage("no connection", 4, true)
		b.g.set(func(g *fakeGateway) { g.refusal = "" })
		b.after(time.Minute)
		list := r.of(EventConnected) // the first one may have come before they were recorded
		if len(list) == 0 || list[len(list)-1].Duration.Round(time.Minute) != 4*time.Minute {
			t.Errorf("%+v", list)
		}
	})
}
