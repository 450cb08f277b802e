package resident

import (
	"sync"
	"time"
)

// changes tell everything that shows something when to look again. The zero value is ready to use.
type changes struct {
	mu     sync.Mutex
	nudges map[chan struct{}]struct{}
}

// Subscribe returns a channel that yields a value when there may be something new to show, and a function that ends it.
func (c *changes) Subscribe() (<-chan struct{}, func()) {
	nudge := make(chan struct{}, 1)
	nudge <- struct{}{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nudges == nil {
		c.nudges = map[chan struct{}]struct{}{}
	}
	c.nudges[nudge] = struct{}{}
	return nudge, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.nudges, nudge)
	}
}

// nudge tells all subscribers.
func (c *changes) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.nudges {
		select {
		case n <- struct{}{}:
		default:
		}
	}
}

// mute is the time until which desktop notifications are silent, as the user chose.
type mute struct {
	*changes

	muting sync.Mutex
	until  time.Time
	end    *time.Timer // of what is shown of it; nil before the first
}

// Mute silences desktop notifications until the given time; the zero time ends that.
func (m *mute) Mute(until time.Time) {
	m.muting.Lock()
	m.until = until.Round(0) // the wall clock's time, which goes on while the computer sleeps
	if m.end != nil {
		m.end.Stop()
	}
	m.end = time.AfterFunc(time.Until(m.until)+time.Millisecond, m.nudge)
	m.muting.Unlock()
	m.nudge()
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
