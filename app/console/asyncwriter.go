package console

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// AsyncWriter is a writer that never waits for its reader: a paused terminal, a console in which text is being
// selected or a pipe that no one reads must not hold the connection up. What it cannot write at once is queued, and
// left out when too much is waiting.
type AsyncWriter struct {
	out  io.Writer
	done chan struct{}

	mu    sync.Mutex
	wake  sync.Cond
	queue [][]byte
	over  int // writes left out since the last that was queued
	shut  bool
}

const (
	queueLimit = 1024 // writes that may wait
	flushLimit = 100 * time.Millisecond
)

// NewAsyncWriter returns an AsyncWriter to out. Close it.
func NewAsyncWriter(out io.Writer) *AsyncWriter {
	o := &AsyncWriter{out: out, done: make(chan struct{})}
	o.wake.L = &o.mu
	go o.run()
	return o
}

// Write queues p. It never fails.
func (o *AsyncWriter) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.shut:
	case len(o.queue) >= queueLimit:
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

// Close waits a short time for what is queued to be written. After that, a writer that hangs is left behind.
func (o *AsyncWriter) Close() {
	o.mu.Lock()
	o.shut = true
	o.wake.Signal()
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(flushLimit):
	}
}

func (o *AsyncWriter) run() {
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
