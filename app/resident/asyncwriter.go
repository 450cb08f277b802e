package resident

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// asyncWriter is a writer that never waits for who reads it: a paused terminal, a console in which text is being selected
// or a pipe that nobody empties must not hold the connection. What it cannot pass on at once is queued, and left out
// when too much is waiting.
type asyncWriter struct {
	out  io.Writer
	done chan struct{}

	mu    sync.Mutex
	wake  sync.Cond
	queue [][]byte
	over  int // writes left out since the last that was queued
	shut  bool
}

const (
	asyncQueue = 1024 // writes that may wait
	asyncFlush = 100 * time.Millisecond
)

// newAsyncWriter returns an asyncWriter to out. Close it.
func newAsyncWriter(out io.Writer) *asyncWriter {
	o := &asyncWriter{out: out, done: make(chan struct{})}
	o.wake.L = &o.mu
	go o.run()
	return o
}

// Write queues p. It never fails.
func (o *asyncWriter) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.shut:
	case len(o.queue) >= asyncQueue:
		o.over++
	default:
		if o.over > 0 {
			o.queue = append(o.queue, fmt.Appendf(nil, "… %d lines left out\n", o.over))
			o.over = 0
		}
		o.queue = append(o.queue, bytes.Clone(p))
		o.wake.Signal()
	}
	return len(p), nil
}

// Close gives what is waiting a short time to get out. A writer that is still held then stays behind.
func (o *asyncWriter) Close() {
	o.mu.Lock()
	o.shut = true
	o.wake.Signal()
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(asyncFlush):
	}
}

func (o *asyncWriter) run() {
	defer close(o.done)
	for {
		o.mu.Lock()
		for len(o.queue) == 0 && !o.shut {
			o.wake.Wait()
		}
		waiting := o.queue
		o.queue = nil
		o.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		for _, p := range waiting {
			_, _ = o.out.Write(p) // a reader that has gone away misses nothing
		}
	}
}
