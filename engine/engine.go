// Package engine evaluates market data on the present session of a [conn.Supervisor], and cannot act without one: while
// the guard is shut, ticks are skipped and counted, and a strategy never sees them.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"gatewatch/conn"
)

// Instrument is something whose ticks are wanted.
type Instrument struct {
	Name     string
	Contract conn.Contract
}

// Strategy looks at ticks. Its methods are called from one goroutine and only while the guard is open.
type Strategy interface {
	// OnTick is given the index of the instrument and its newest value of one field.
	OnTick(instrument int, t conn.Tick)
}

// Engine follows the supervisor's sessions. Make one with New and call Run once.
type Engine struct {
	sup         *conn.Supervisor
	instruments []Instrument
	strategy    Strategy
	log         *slog.Logger

	evaluated, skipped atomic.Uint64

	// Owned by Run's goroutine.
	session *conn.Session
	base    int64 // request number of the first instrument's present subscription
	warned  bool  // that ticks are skipped; once per time the guard is shut
}

// New returns an engine that is not running yet.
func New(sup *conn.Supervisor, instruments []Instrument, strategy Strategy, log *slog.Logger) *Engine {
	return &Engine{sup: sup, instruments: instruments, strategy: strategy, log: log, base: 1}
}

// Counts returns how many ticks were evaluated, and how many were skipped because the guard was shut.
func (e *Engine) Counts() (evaluated, skipped uint64) { return e.evaluated.Load(), e.skipped.Load() }

// Run subscribes on every new session and evaluates what arrives, until ctx ends.
func (e *Engine) Run(ctx context.Context) {
	news, endNews := e.sup.Subscribe()
	defer endNews()
	events, endEvents := e.sup.Events()
	defer endEvents()
	lost := make(chan uint64) // numbers of sessions that are up and have lost their subscriptions
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			ev, ok := events.Next(ctx)
			if !ok {
				return
			}
			if ev.Code == 1101 { // restored, but the subscriptions are gone
				select {
				case lost <- ev.Session:
				case <-ctx.Done():
				}
			}
		}
	}()
	defer func() { <-done }()
	var buf []conn.Tick
	for {
		var ready <-chan struct{}
		if e.session != nil {
			ready = e.session.Ticks().Ready()
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
			if s := e.sup.Session(); s != nil && s != e.session {
				e.session = s
				e.subscribe()
			}
		case number := <-lost:
			if e.session != nil && e.session.Number() == number { // else the next session subscribes anyway
				e.base += int64(len(e.instruments))
				e.subscribe()
			}
		case <-ready:
			buf = e.session.Ticks().Take(buf[:0])
			e.evaluate(buf)
		}
	}
}

func (e *Engine) subscribe() {
	if e.session == nil {
		return
	}
	for i, in := range e.instruments {
		if err := e.session.Subscribe(e.base+int64(i), in.Contract); err != nil {
			return // the session is over; the next one subscribes again
		}
	}
}

func (e *Engine) evaluate(ticks []conn.Tick) {
	for _, t := range ticks {
		i := t.Request - e.base
		if i < 0 || i >= int64(len(e.instruments)) {
			continue // of a subscription that is gone
		}
		// Asked for every tick: the guard may shut between two of them.
		if err := e.session.Guard(); err != nil {
			e.skipped.Add(1)
			if !e.warned {
				e.warned = true
				reason := any(err)
				if shut := (*conn.GuardError)(nil); errors.As(err, &shut) {
					reason = shut.Reason
				}
				e.log.Warn("ticks are skipped while the guard is shut", "session", e.session.Number(), "reason", reason)
			}
			continue
		}
		e.warned = false
		e.evaluated.Add(1)
		e.strategy.OnTick(int(i), t)
	}
}
