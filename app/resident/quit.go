package resident

import (
	"context"
	"time"
)

const (
	// orderLimit bounds the wait for an order that is being sent when the program is to end.
	orderLimit = 5 * time.Second
	// sessionLimit is for what a desktop waits that ends the session; Windows waits for five seconds.
	sessionLimit = 4 * time.Second
)

// Quit has the program end. It returns at once.
func (r *resident) Quit() { r.askQuit.Do(func() { close(r.quit) }) }

// untilQuit returns a context that ends after ctx has, or after [resident.Quit], when the order that is being sent has left
// and no other can. The returned function ends it as well, and waits.
func (r *resident) untilQuit(ctx context.Context) (until context.Context, end func()) {
	until, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		select {
		case <-ctx.Done():
		case <-r.quit:
		case <-until.Done():
			return
		}
		r.finishOrders()
	}()
	return until, func() {
		cancel()
		<-done
	}
}

// finishOrders returns when no order is being sent any more and none can be, or after orderLimit: a socket that takes
// nothing is no reason to stay for ever, and an order that was cut off is known as unknown.
func (r *resident) finishOrders() {
	if r.trade == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.trade.desk.Disarm()
		r.trade.desk.Finish()
	}()
	select {
	case <-done:
	case <-time.After(orderLimit):
		r.log.Warn("ending in the middle of an order, which cannot be sent to its end")
	}
}

// sessionEnds has the program end, and returns when it has disarmed and told all there is, or after sessionLimit: then the desktop
// ends the process. It is called on the goroutine of the tray, for which the rest of the end waits.
func (r *resident) sessionEnds() {
	r.log.Info("the desktop ends the session")
	r.Quit()
	select {
	case <-r.workDone:
	case <-time.After(sessionLimit):
	}
}
