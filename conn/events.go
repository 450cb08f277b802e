package conn

import (
	"context"
	"sync"
)

// EventStream delivers every event since it was made, in order. It holds what its reader has not taken yet, so a
// slow reader costs memory and never time. One reader.
type EventStream struct {
	mu    sync.Mutex
	queue []Event
	ready chan struct{}
	over  bool
}

func newEventStream() *EventStream { return &EventStream{ready: make(chan struct{}, 1)} }

func (s *EventStream) put(events []Event, last bool) {
	s.mu.Lock()
	s.queue = append(s.queue, events...)
	s.over = s.over || last
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Next waits for the next event. ok is false when the supervisor has ended and every event has been delivered, or
// when ctx ends.
func (s *EventStream) Next(ctx context.Context) (e Event, ok bool) {
	for {
		s.mu.Lock()
		if len(s.queue) > 0 {
			e, s.queue = s.queue[0], s.queue[1:]
			s.mu.Unlock()
			return e, true
		}
		over := s.over
		s.mu.Unlock()
		if over {
			return Event{}, false
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Event{}, false
		}
	}
}

// inbox is the supervisor's queue of inputs. Putting never blocks, whoever calls.
type inbox struct {
	mu    sync.Mutex
	queue []input
	ready chan struct{}
}

func (b *inbox) put(in input) {
	b.mu.Lock()
	b.queue = append(b.queue, in)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *inbox) take(buf []input) []input {
	b.mu.Lock()
	defer b.mu.Unlock()
	buf = append(buf, b.queue...)
	clear(b.queue)
	b.queue = b.queue[:0]
	return buf
}
