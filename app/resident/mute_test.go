package resident

import (
	"testing"
	"time"
)

// TestMuteEndsByTheWallClock holds that a mute ends at the time that was chosen, also if the computer slept meanwhile.
func TestMuteEndsByTheWallClock(t *testing.T) {
	m, now := &mute{changes: &changes{}}, time.Now()
	m.Mute(now.Add(time.Hour))
	if got, want := m.muted(now), now.Round(0).Add(time.Hour); got != want {
		t.Errorf("muted until %v, want %v without a monotonic reading", got, want)
	}
}
