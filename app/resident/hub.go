package resident

import (
	"context"
	"sync"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
)

// hub joins everything that changes what is shown: each subscriber is nudged, and looks for itself.
type hub struct {
	mu     sync.Mutex
	nudges map[chan struct{}]struct{}
	muted  time.Time // desktop notices are silent until then
	down   time.Time // when the connection went down; zero while it is up
}

// Subscribe returns a channel that yields a value when there may be something new to show, and a function that ends it.
func (h *hub) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nudges == nil {
		h.nudges = map[chan struct{}]struct{}{}
	}
	h.nudges[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.nudges, c)
	}
}

func (h *hub) nudge() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.nudges {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// look notes since when the connection is down.
func (h *hub) look(s *conn.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case s.Connected():
		h.down = time.Time{}
	case h.down.IsZero():
		h.down = s.Since
	}
}

// DownSince returns when the connection went down; zero while it is up.
func (h *hub) DownSince() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// Mute silences desktop notices until the given time; the zero time ends that.
func (h *hub) Mute(until time.Time) {
	h.mu.Lock()
	h.muted = until.Round(0) // the wall clock's time, which goes on while the computer sleeps
	h.mu.Unlock()
	h.nudge()
}

// Muted returns until when desktop notices are silent; zero if they are not.
func (h *hub) Muted(now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !now.Before(h.muted) {
		return time.Time{}
	}
	return h.muted
}

// run passes on what the supervisor says, and a nudge a minute for what grows by itself.
func (h *hub) run(ctx context.Context, sup *conn.Supervisor) {
	news, end := sup.Subscribe()
	defer end()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	held := time.NewTimer(0) // the guard has been closed for so long that it is told
	defer held.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-minute.C:
		case <-held.C:
		}
		s := sup.Snapshot()
		if in := wording.HeldIn(s, time.Now()); in > 0 {
			held.Reset(in + time.Millisecond)
		}
		h.look(s)
		h.nudge()
	}
}
