package resident

import (
	"testing"
	"time"
)

// TestMuteEndsByTheWallClock holds that a mute ends at the time that people were told, also when the computer slept meanwhile.
func TestMuteEndsByTheWallClock(t *testing.T) {
	h, now := &hub{}, time.Now()
	h.Mute(now.Add(time.Hour))
	if got, want := h.Muted(now), now.Round(0).Add(time.Hour); got != want {
		t.Errorf("muted until %v, want %v without a monotonic reading", got, want)
	}
}
