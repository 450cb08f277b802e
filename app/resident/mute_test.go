package resident

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/nudge"
)

// TestMuteEndsByTheWallClock: a mute ends at the time that was chosen, also if the computer slept meanwhile.
func TestMuteEndsByTheWallClock(t *testing.T) {
	now := time.Now()
	m := newMute(filepath.Join(t.TempDir(), "muted"), &nudge.Subscribers{}, slog.New(slog.DiscardHandler))
	m.Mute(now.Add(time.Hour))
	if got, want := m.muted(now), now.Round(0).Add(time.Hour); got != want {
		t.Errorf("muted until %v, want %v without a monotonic reading", got, want)
	}
}

// TestMuteEndIsShown ends a mute: what shows it is brought up to date then, however often it was chosen before.
func TestMuteEndIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMute(filepath.Join(t.TempDir(), "muted"), &nudge.Subscribers{}, slog.New(slog.DiscardHandler))
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

// TestMuteLasts starts the program again while notifications are muted: they stay so, unless that was ended, and what
// the file says is none that anyone can have chosen.
func TestMuteLasts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muted")
	start := func() *mute { return newMute(path, &nudge.Subscribers{}, slog.New(slog.DiscardHandler)) }
	until := time.Now().Add(time.Hour).Round(0)
	start().Mute(until)
	if got := start().muted(time.Now()); !got.Equal(until) {
		t.Errorf("after a restart muted until %v, want %v", got, until)
	}
	start().Mute(time.Time{})
	start().Mute(time.Time{}) // which has nothing to end
	if got := start().muted(time.Now()); !got.IsZero() {
		t.Errorf("muted until %v, though that was ended", got)
	}
	for _, text := range []string{"", "tomorrow", "2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := start().muted(time.Now()); !got.IsZero() {
			t.Errorf("%q: muted until %v", text, got)
		}
	}
}
