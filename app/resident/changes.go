package resident

import "sync"

// changes tell everything that shows something when to look again. The zero value is ready to use.
type changes struct {
	mu     sync.Mutex
	nudges map[chan struct{}]struct{}
}

// Subscribe returns a channel that yields a value when there may be something new to show, and a function that ends it.
func (c *changes) Subscribe() (<-chan struct{}, func()) {
	nudge := make(chan struct{}, 1)
	nudge <- struct{}{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nudges == nil {
		c.nudges = map[chan struct{}]struct{}{}
	}
	c.nudges[nudge] = struct{}{}
	return nudge, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.nudges, nudge)
	}
}

// nudge tells all subscribers.
func (c *changes) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.nudges {
		select {
		case n <- struct{}{}:
		default:
		}
	}
}
