package crash

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// A part that panics starts again after firstDelay, each further time in a row after twice as long, up to
	// longestDelay.
	firstDelay, longestDelay = time.Second, time.Minute
	// soundFor is how long a part has to run for the delays to begin again.
	soundFor = 5 * time.Minute
)

// Parts run the parts of the program that must not be able to end it. Set the fields before anything runs.
type Parts struct {
	Log     *slog.Logger
	Hide    func(string) string // makes one harmless line of a panic's text; nil: it is shown as it is
	Changed func()              // Faults says something new; may be nil

	mu     sync.Mutex
	faults map[string]*Fault
}

// Fault is what went wrong inside a part.
type Fault struct {
	Part  string
	Count uint64    // panics since the start
	At    time.Time // of the last one
	What  string    // the first line of the last one
	Gone  bool      // it could not be started again: the program goes on without it
}

// Run has a part work until work returns. After a panic it starts again, unless ctx has ended by then.
func (p *Parts) Run(ctx context.Context, part string, work func()) {
	p.know(part)
	delay := firstDelay
	for {
		began := time.Now()
		if p.Do(part, work) {
			return
		}
		if time.Since(began) >= soundFor {
			delay = firstDelay
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, longestDelay)
		p.Log.Info("a part of the program restarts", "part", part)
	}
}

// Do has a part do something once, and reports whether it did so without a panic.
func (p *Parts) Do(part string, do func()) (ok bool) {
	p.know(part)
	defer func() {
		if !ok {
			if what := recover(); what != nil {
				p.Failed(part, what, debug.Stack())
			}
		}
	}()
	do()
	return true
}

// Failed takes down that a part has panicked, with the stack of the goroutine that did. A panic that was passed on from
// another goroutine has its stack in its text, behind an empty line.
func (p *Parts) Failed(part string, what any, stack []byte) {
	text, inner, passed := strings.Cut(fmt.Sprint(what), "\n\ngoroutine ")
	trace := string(stack)
	if passed {
		trace = "goroutine " + inner
	}
	text, _, _ = strings.Cut(text, "\n")
	if p.Hide != nil {
		text = p.Hide(text)
	}
	p.mu.Lock()
	f := p.fault(part)
	f.Count++
	f.At, f.What = time.Now(), text
	count := f.Count
	p.mu.Unlock()
	p.Log.Error("a part of the program failed inside; the connection goes on", "part", part, "panic", text, "count",
		count, "stack", trace)
	p.changed()
}

// Gone takes down that the program goes on without a part.
func (p *Parts) Gone(part string) {
	p.mu.Lock()
	p.fault(part).Gone = true
	p.mu.Unlock()
	p.Log.Error("a part of the program cannot be restarted; the program runs without it", "part", part)
	p.changed()
}

func (p *Parts) changed() {
	if p.Changed != nil {
		p.Changed()
	}
}

func (p *Parts) know(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault(part)
}

// fault returns what is known of a part. The caller holds the lock.
func (p *Parts) fault(part string) *Fault {
	if p.faults == nil {
		p.faults = map[string]*Fault{}
	}
	f := p.faults[part]
	if f == nil {
		f = &Fault{Part: part}
		p.faults[part] = f
	}
	return f
}

// Faults returns the parts that have panicked since the start, by name.
func (p *Parts) Faults() []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Fault
	for _, f := range p.faults {
		if f.Count > 0 || f.Gone {
			list = append(list, *f)
		}
	}
	slices.SortFunc(list, func(a, b Fault) int { return cmp.Compare(a.Part, b.Part) })
	return list
}

// Counts returns how often each part has panicked since the start, those that have not among them.
func (p *Parts) Counts() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := map[string]uint64{}
	for part, f := range p.faults {
		counts[part] = f.Count
	}
	return counts
}
