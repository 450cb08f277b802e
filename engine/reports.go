package engine

import (
	"context"
	"slices"
	"sync"

	"gatewatch/conn/ib"
)

// Reports passes reports on to its subscribers, each with a queue of its own. The zero value is ready. Its methods
// may be called from any goroutine.
type Reports struct {
	mu      sync.Mutex
	streams []*ReportStream
}

// Put tells a report to every subscriber. It never blocks.
func (r *Reports) Put(report Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams { // under the lock, so that all have them in one order
		s.queue.Put(report)
	}
}

// Subscribe returns a stream of every report from now on. The returned function ends the subscription: what the stream
// holds can still be read, and nothing is added.
func (r *Reports) Subscribe() (stream *ReportStream, end func()) {
	s := &ReportStream{ib.NewQueue[Report]()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams = append(r.streams, s)
	return s, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.streams = slices.DeleteFunc(r.streams, func(other *ReportStream) bool { return other == s })
		s.queue.End()
	}
}

// ReportStream delivers every report since it was made, in order. It holds what its reader has not taken yet. One
// reader.
type ReportStream struct{ queue *ib.Queue[Report] }

// Next waits for the next report. ok is false when the subscription has ended and every report has been delivered, or
// when ctx ends.
func (s *ReportStream) Next(ctx context.Context) (r Report, ok bool) { return s.queue.Next(ctx) }
