// Package nudge wakes goroutines, and never waits for them.
package nudge

import "sync"

// Offer puts a value into a channel that has room for it, or drops it.
func Offer[T any](to chan<- T, v T) {
	select {
	case to <- v:
	default:
	}
}

// Send wakes the reader of a channel with room for one value. Until it looks, further nudges are the same one.
func Send(to chan<- struct{}) { Offer(to, struct{}{}) }

// Subscribers are those who want to know when to look again. The zero value is ready to use.
type Subscribers struct {
	mu   sync.Mutex
	list map[chan struct{}]struct{}
}

// Subscribe returns a channel that yields a value now and when there may be something new to look at, and a function
// that ends the subscription.
func (s *Subscribers) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	Send(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = map[chan struct{}]struct{}{}
	}
	s.list[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.list, c)
	}
}

// Nudge wakes all of them.
func (s *Subscribers) Nudge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.list {
		Send(c)
	}
}
