package resident

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
)

// connection is the supervisor as the rest of the program uses it.
type connection struct {
	*conn.Supervisor // nil until the settings are read

	said    history.Messages
	trips   history.RoundTrips
	changes *nudge.Subscribers
	log     *slog.Logger
}

// run runs the supervisor. After a panic of its own nothing is certain any more: it is logged, and ends the program.
func (c *connection) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("the connection failed inside; the program ends", "panic", hideLine(fmt.Sprint(p)), "stack",
				string(debug.Stack()))
			panic(p)
		}
	}()
	c.Run(ctx)
}

// follow nudges those that show something when a snapshot is published, and each minute for what grows with time.
func (c *connection) follow(ctx context.Context) {
	published, end := c.Subscribe()
	defer end()
	minute := time.Tick(time.Minute)
	later := time.NewTimer(0) // when something has lasted for so long that it is shown
	defer later.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-published:
		case <-minute:
		case <-later.C:
		}
		s := c.Snapshot()
		if in := wording.ChangesIn(s, time.Now()); in > 0 {
			later.Reset(in + time.Millisecond)
		}
		c.changes.Nudge()
	}
}

// details asks Gateway what an instrument can mean.
func (c *connection) details(ctx context.Context, contract ib.Contract) ([]ib.Details, error) {
	s := c.Session()
	if s == nil {
		return nil, ib.ErrSessionOver
	}
	return s.Details(ctx, contract)
}

// priceSteps asks Gateway for the steps between the prices of a contract.
func (c *connection) priceSteps(ctx context.Context, d ib.Details) ([]ib.PriceStep, error) {
	s := c.Session()
	if s == nil {
		return nil, ib.ErrSessionOver
	}
	return s.PriceSteps(ctx, d)
}

// mayEdit says why rules cannot be saved and activated now; empty if they can.
func (c *connection) mayEdit() string {
	s := *c.Snapshot()
	if s.Connected() {
		return ""
	}
	s.Attempt.NextAt = time.Time{} // a countdown would stand still where this is shown
	return "not connected: " + wording.Headline(&s, time.Now())
}

// Messages returns what GET /messages answers.
func (c *connection) Messages() (list api.Messages) {
	for _, m := range c.said.All() {
		list.Messages = append(list.Messages, api.Message{
			Code: m.Code, Text: wording.Line(m.Text, 400), First: api.Stamp(m.First), Last: api.Stamp(m.Last),
			Count: m.Count,
		})
	}
	return list
}

// Latency returns what GET /latency answers.
func (c *connection) Latency() (l api.Latency) {
	for _, one := range c.trips.Until(time.Now()) {
		l.Minutes = append(l.Minutes, api.LatencyMinute{
			At: api.Stamp(one.Minute), MedianMillis: millis(one.Median), MaxMillis: millis(one.Max),
		})
	}
	return l
}

// millis returns a duration in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
