package resident

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// stopLimit bounds a clean stop.
	stopLimit = 800 * time.Millisecond
	// orderLimit bounds the wait for an order that is being sent when the program is to end.
	orderLimit = 5 * time.Second
	// sessionLimit is for what a desktop waits that ends the session; Windows waits for five seconds.
	sessionLimit = 4 * time.Second
)

// ending is the end of the program: who asks for it, and what has to be done first.
type ending struct {
	finish func() // returns when no order is being sent any more and none can be
	log    *slog.Logger

	ask   sync.Once
	asked chan struct{} // closed by Quit
	done  chan struct{} // closed when all parts have ended, but the tray
}

func newEnding(finish func(), log *slog.Logger) *ending {
	return &ending{finish: finish, log: log, asked: make(chan struct{}), done: make(chan struct{})}
}

// Quit ends the program. It returns at once.
func (e *ending) Quit() { e.ask.Do(func() { close(e.asked) }) }

// until returns a context that ends after ctx has, or after [ending.Quit], when the order that is being sent has left
// and no other can. The returned function ends it as well, and waits.
func (e *ending) until(ctx context.Context) (until context.Context, end func()) {
	until, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		select {
		case <-ctx.Done():
		case <-e.asked:
		case <-until.Done():
			return
		}
		e.finish()
	}()
	return until, func() {
		cancel()
		<-done
	}
}

// SessionEnds ends the program because the desktop ends the session, and returns when trading is off and all parts have
// ended, or after sessionLimit: then the desktop ends the process. It is called on the goroutine of the tray, for which
// the rest of the end waits.
func (e *ending) SessionEnds() {
	e.log.Info("the desktop ends the session")
	e.Quit()
	select {
	case <-e.done:
	case <-time.After(sessionLimit):
	}
}
