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
	old := &Snapshot{Layers: Layers{Since: LayerTimes{at(0), at(0), at(0), at(0)}}}
	for i, s := range steps {
		now := &Snapshot{At: at(i + 1), Session: s.session, Layers: Layers{
			Socket: s.socket, API: s.api,
			Upstream: s.ibkr, Farms: s.farms,
		}}
		now.Layers.Since = layersSince(old, now)
		if want := (LayerTimes{at(s.wantS), at(s.wantA), at(s.wantU), at(s.wantF)}); now.Layers.Since != want {
			t.Errorf("step %d: %v, want %v", i+1, now.Layers.Since, want)
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
