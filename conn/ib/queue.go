package ib

import (
	"context"
	"sync"

	"gatewatch/conn/nudge"
)

// Queue holds values in order until its reader takes them. Putting never blocks, so a slow reader costs memory and
// never time. One reader.
type Queue[T any] struct {
	mu    sync.Mutex
	list  []T
	over  bool
	ready chan struct{}
	room  chan struct{}
}

// NewQueue returns an empty queue.
func NewQueue[T any]() *Queue[T] {
	return &Queue[T]{ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// Put adds values.
func (q *Queue[T]) Put(values ...T) {
	q.mu.Lock()
	q.list = append(q.list, values...)
	q.mu.Unlock()
	q.nudge()
}

// PutWithin adds a value when fewer than limit wait, or when done is closed. One goroutine at a time may wait so.
func (q *Queue[T]) PutWithin(limit int, done <-chan struct{}, v T) {
	for q.len() >= limit {
		select {
		case <-q.room:
			continue
		case <-done:
		}
		break
	}
	q.Put(v)
}

func (q *Queue[T]) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// End says that nothing more is put.
func (q *Queue[T]) End() {
	q.mu.Lock()
	q.over = true
	q.mu.Unlock()
	q.nudge()
}

func (q *Queue[T]) nudge() { nudge.Send(q.ready) }

// Ready returns a channel that yields a value when there may be something to take.
func (q *Queue[T]) Ready() <-chan struct{} { return q.ready }

// Take appends what is waiting to buf, and empties the queue.
func (q *Queue[T]) Take(buf []T) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	buf = append(buf, q.list...)
	clear(q.list)
	q.list = q.list[:0]
	nudge.Send(q.room)
	return buf
}

// Next waits for the next value. ok is false when the queue has ended and every value has been taken, or when ctx ends.
func (q *Queue[T]) Next(ctx context.Context) (v T, ok bool) {
	for {
		q.mu.Lock()
		if len(q.list) > 0 {
			v, q.list = q.list[0], q.list[1:]
			q.mu.Unlock()
			return v, true
		}
		over := q.over
		q.mu.Unlock()
		if over {
			return v, false
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return v, false
		}
	}
}
