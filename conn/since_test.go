package conn

import (
	"testing"
	"time"
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
