package notice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gatewatch/conn"
)

// Events is a source of events in order, such as a [conn.EventStream].
type Events interface {
	Next(ctx context.Context) (e conn.Event, ok bool)
}

// Config is what [Run] works with. Functions are called from one goroutine and must return at once.
type Config struct {
	Events   Events
	Snapshot func() *conn.Snapshot
	Muted    func(now time.Time) time.Time // until when nothing is shown, zero if that is not so; may be nil
	After    func() time.Duration          // how long an outage lasts before it is told; nil: as [DefaultPolicy] has it
	ClientID func() int                    // for the words; may be nil
	Sender   Sender
	Log      *slog.Logger
}

const (
	// sendLimit bounds one notice's way to the desktop.
	sendLimit = 5 * time.Second
	// endLimit bounds the wait for a sender that does not heed its context.
	endLimit = time.Second
	// waiting notices beyond this many are given up, oldest first.
	outboxLimit = 16
)

// Run tells the desktop what happens until ctx ends or the events do. It does not close the sender.
func Run(ctx context.Context, cfg Config) {
	ctx, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	events := make(chan conn.Event)
	reader.Go(func() {
		defer close(events)
		for {
			e, ok := cfg.Events.Next(ctx)
			if !ok {
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	})
	out := newOutbox(cfg.Sender, cfg.Log)
	go out.run(ctx)
	follow(ctx, cfg, events, out.put)
	cancel()
	reader.Wait()
	select {
	case <-out.done:
	case <-time.After(endLimit):
		cfg.Log.Warn("the desktop still holds a notice")
	}
}

// follow puts events and time through the policy until either ends.
func follow(ctx context.Context, cfg Config, events <-chan conn.Event, put func(Notice)) {
	var st State
	policy := DefaultPolicy()
	clock := time.NewTimer(0)
	defer clock.Stop()
	<-clock.C
	for {
		in := Input{}
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			in.Event = e
		case <-clock.C:
		}
		now := time.Now()
		if cfg.After != nil {
			policy.After = cfg.After()
		}
		if cfg.Muted != nil {
			in.Muted = cfg.Muted(now)
		}
		if cfg.ClientID != nil {
			in.ClientID = cfg.ClientID()
		}
		if s := cfg.Snapshot(); s != nil {
			in.Gateway = s.Gateway
		}
		var said []Notice
		var again time.Time
		st, said, again = policy.Step(st, in, now)
		for _, n := range said {
			put(n)
		}
		clock.Stop()
		if !again.IsZero() {
			clock.Reset(max(again.Sub(now.Round(0)), time.Millisecond))
		}
	}
}

// outbox hands notices on from a goroutine of its own: a desktop that hangs holds nobody up.
type outbox struct {
	sender Sender
	log    *slog.Logger
	wake   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	pending []Notice
	failing bool // owned by run
}

func newOutbox(s Sender, log *slog.Logger) *outbox {
	return &outbox{sender: s, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// put never blocks. A notice that waits is replaced by a later one with its key.
func (o *outbox) put(n Notice) {
	o.log.Debug("notice", "kind", string(n.Kind), "incident", n.Incident, "title", n.Title)
	o.mu.Lock()
	kept := o.pending[:0]
	for _, p := range o.pending {
		if p.Key != n.Key {
			kept = append(kept, p)
		}
	}
	o.pending = append(kept, n)
	if extra := len(o.pending) - outboxLimit; extra > 0 {
		o.pending = o.pending[extra:]
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) take() (n Notice, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) == 0 {
		return Notice{}, false
	}
	n, o.pending = o.pending[0], o.pending[1:]
	return n, true
}

func (o *outbox) run(ctx context.Context) {
	defer close(o.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		for ctx.Err() == nil {
			n, ok := o.take()
			if !ok {
				break
			}
			o.send(ctx, n)
		}
	}
}

// send shows one notice. Of failures in a row only the first is a warning.
func (o *outbox) send(ctx context.Context, n Notice) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	err := o.show(ctx, n)
	switch {
	case err == nil && o.failing:
		o.failing = false
		o.log.Info("notices are shown again")
	case err != nil && !o.failing:
		o.failing = true
		o.log.Warn("notices cannot be shown", "err", err)
	case err != nil:
		o.log.Debug("notices still cannot be shown", "err", err)
	}
}

func (o *outbox) show(ctx context.Context, n Notice) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return o.sender.Show(ctx, n)
}
