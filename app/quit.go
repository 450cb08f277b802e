package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatewatch/app/api"
)

const (
	// goneLimit bounds the wait for a resident program that was asked to end.
	goneLimit = 20 * time.Second
	// orderLimit bounds the wait for an order that is being sent when the program is to end.
	orderLimit = 5 * time.Second
	// sessionLimit is for what a desktop waits that ends the session; Windows waits for five seconds.
	sessionLimit = 4 * time.Second
	// look is the time between two looks at what another process does.
	look = 25 * time.Millisecond
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

type quitCmd struct{}

func (quitCmd) Run(ctx context.Context, c *cli) error {
	client, err := c.resident()
	if err != nil {
		return err
	}
	if _, err := client.Quit(ctx); err != nil {
		return residentError(err)
	}
	if err := homeAt(c.Home).awaitGone(ctx); err != nil {
		return err
	}
	fmt.Println("Gatewatch has ended.")
	return nil
}

var errStays = fmt.Errorf("gatewatch was asked to end and has not within %v; look into its log, and end its process if need be", goneLimit)

// awaitGone returns when no program has claimed the home any more.
func (h home) awaitGone(ctx context.Context) error {
	for end := time.Now().Add(goneLimit); time.Now().Before(end); {
		c, err := h.claim()
		if err == nil {
			c.release()
			return nil
		}
		if !errors.Is(err, errAlreadyRuns) {
			return err
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
	return errStays
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// running returns how the program that has claimed the home is reached, and its status; an error if it does not answer.
func (h home) running(ctx context.Context) (card api.Card, st api.Status, err error) {
	if card, err = api.FindCard(h.card()); err == nil {
		client := api.NewClient(card)
		defer client.Close()
		st, _, err = client.Status(ctx)
	}
	return card, st, err
}
