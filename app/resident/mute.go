package resident

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/strict"
	"gatewatch/conn/nudge"
)

var muteFile = strict.Kind{Name: "mute", MaxSize: 100}

// mute is the time until which desktop notifications are silent, as the user chose. It lasts over a restart.
type mute struct {
	*nudge.Subscribers
	path string // of the file that has the time
	log  *slog.Logger

	keeping sync.Mutex // held while the file is written
	muting  sync.Mutex
	until   time.Time
	end     *time.Timer // of what is shown of it; nil before the first
}

// newMute goes on with the mute of the run before.
func newMute(path string, c *nudge.Subscribers, log *slog.Logger) *mute {
	m := &mute{Subscribers: c, path: path, log: log}
	text, err := muteFile.ReadFile(path)
	var until time.Time
	if err == nil {
		until, err = time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	}
	switch ahead := time.Until(until); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		log.Warn("it cannot be read until when notifications are muted; they are not", "err", err)
	case ahead > 0 && ahead <= api.MostMuted:
		m.set(until)
	}
	return m
}

// Mute silences desktop notifications until the given time; the zero time ends that.
func (m *mute) Mute(until time.Time) {
	m.set(until)
	m.keeping.Lock()
	defer m.keeping.Unlock()
	until, err := m.muted(time.Now()), error(nil)
	if !until.IsZero() {
		err = strict.WriteFile(m.path, []byte(until.Format(time.RFC3339Nano)+"\n"))
	} else if err = os.Remove(m.path); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		m.log.Warn("it cannot be written until when notifications are muted; a restart does not know it", "err", err)
	}
}

func (m *mute) set(until time.Time) {
	m.muting.Lock()
	m.until = until.Round(0) // the wall clock's time, which goes on while the computer sleeps
	if m.end != nil {
		m.end.Stop()
	}
	m.end = time.AfterFunc(time.Until(m.until)+time.Millisecond, m.Nudge)
	m.muting.Unlock()
	m.Nudge()
}

// muted returns until when desktop notifications are silent; zero if they are not.
func (m *mute) muted(now time.Time) time.Time {
	m.muting.Lock()
	defer m.muting.Unlock()
	if !now.Before(m.until) {
		return time.Time{}
	}
	return m.until
}
