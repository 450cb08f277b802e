package alert

import (
	"context"
	"net/http"
	"time"

	"gatewatch/conn/nudge"
)

const heartbeatName = "heartbeat"

// pulse is the heartbeat's part of the outbox, guarded by its mutex.
type pulse struct {
	wake    chan struct{}
	status  ChannelStatus
	failing bool
}

func (p *pulse) configure(h *Heartbeat) {
	if h == nil {
		p.status, p.failing = ChannelStatus{}, false
	}
	p.status.Name, p.status.Service = heartbeatName, "Heartbeat"
	nudge.Send(p.wake)
}

// runHeartbeat calls the heartbeat's address again and again, until ctx ends.
func (o *Outbox) runHeartbeat(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.beat.wake:
		case <-next.C:
		}
		o.mu.Lock()
		h := o.config.Heartbeat
		o.mu.Unlock()
		if h == nil {
			continue
		}
		var err error
		if !h.OnlyWhileConnected || o.connected() {
			err = o.callHeartbeat(ctx, *h)
			o.noteHeartbeat(ctx, err)
		}
		next.Reset(max(h.Every, time.Second, pauseOf(err)))
	}
}

func (o *Outbox) callHeartbeat(ctx context.Context, h Heartbeat) error {
	values, red, err := o.lookup(h.URL)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, values[0], nil)
	if err != nil {
		return errNoURL
	}
	return o.request(req, red)
}

// noteHeartbeat takes down the outcome. Of failures in a row only the first is logged.
func (o *Outbox) noteHeartbeat(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	o.mu.Lock()
	first := err != nil && !o.beat.failing
	o.beat.failing = err != nil
	o.beat.status.note(time.Now().Round(0), err)
	o.mu.Unlock()
	if first {
		o.log.Warn("the heartbeat does not arrive", "err", err)
	}
}
