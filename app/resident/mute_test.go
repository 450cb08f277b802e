package resident

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMuteEndsByTheWallClock: a mute ends at the time that was chosen, also if the computer slept meanwhile.
func TestMuteEndsByTheWallClock(t *testing.T) {
	m, now := &mute{changes: &changes{}}, time.Now()
	m.Mute(now.Add(time.Hour))
	if got, want := m.muted(now), now.Round(0).Add(time.Hour); got != want {
		t.Errorf("muted until %v, want %v without a monotonic reading", got, want)
	}
}

// TestMuteEndIsShown ends a mute: what shows it is brought up to date then, however often it was chosen before.
func TestMuteEndIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mute{changes: &changes{}}
		told, end := m.Subscribe()
		defer end()
		m.Mute(time.Now().Add(time.Minute))
		m.Mute(time.Now().Add(time.Hour))
		<-told
		begun := time.Now()
		<-told
		took, until := time.Since(begun), m.muted(time.Now())
		if took < time.Hour || took > time.Hour+time.Second || !until.IsZero() {
			t.Errorf("shown after %v, muted until %v", took, until)
		}
	})
}
