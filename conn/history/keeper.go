package history

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/nudge"
)

const (
	// beatEvery is the time between two heartbeats: after a crash the end is known to the minute.
	beatEvery = 30 * time.Second
	// retryEvery is the time between two tries to write what could not be written.
	retryEvery = 5 * time.Second
	// heldDays is how much history is held in memory: enough for 90 days of 25 hours.
	heldDays = 100
	// maxPending bounds what waits for a disk that takes nothing. Beyond it the oldest records are given up.
	maxPending = 10_000
)

// Keeper writes the connection log and keeps its account. The account follows events at once; writing happens on a
// goroutine of its own, and a disk that is slow or full holds no one up: what could not be written is tried again.
type Keeper struct {
	dir  string
	log  *slog.Logger
	line *Timeline
	from time.Time // what was before is not held in memory; zero if everything is

	wake chan struct{}

	mu      sync.Mutex
	first   time.Time // where the account began when it had been read, or with the first record
	pending []Record  // made and not yet on disk
	dropped int
	problem error  // why the last write failed; nil if it did not
	newest  Record // of those that were taken

	file  *Log     // owned by Run; nil until it could be opened
	crash Crash    // likewise; of the run before
	rec   Recorder // owned by the reader that Run starts
}

// NewKeeper opens the connection log in dir and reads what is needed of it, of a long one only the end: the program
// waits for that. What is known of how the run before has ended goes into the log. A log that cannot be opened is
// reported by [Keeper.Problem] and tried again while Run runs.
func NewKeeper(dir string, now time.Time, crash Crash, log *slog.Logger) *Keeper {
	k := &Keeper{dir: dir, log: log, crash: crash, wake: make(chan struct{}, 1)}
	k.open(now)
	k.line = NewTimeline()
	since := now.AddDate(0, 0, -heldDays)
	err := readEnd(dir, since, maxAtStart, func(r Record) bool {
		if k.line.Since().IsZero() && r.Seq > 1 {
			k.from = later(since, r.Time)
		}
		k.line.Add(r)
		return true
	})
	if err != nil {
		log.Error("connection log cannot be read; uptime starts from zero", "err", err)
	}
	k.first = k.line.Since()
	return k
}

// open opens the log's file if it is not open. Owned by Run, but for the first call.
func (k *Keeper) open(now time.Time) bool {
	if k.file != nil {
		return true
	}
	file, err := Open(k.crash, k.dir, now, k.log)
	if err != nil {
		k.failed(err)
		return false
	}
	k.file = file
	return true
}

// failed notes why nothing can be written. Of failures in a row only the first is logged.
func (k *Keeper) failed(err error) {
	k.mu.Lock()
	first := k.problem == nil
	k.problem = err
	k.mu.Unlock()
	if first {
		k.log.Error("connection log cannot be written; what happens is kept in memory and tried again", "err", err)
	}
}

// Timeline returns the account. It holds at least the last hundred days, as far as there is a log, or what its end knew
// when it was opened.
func (k *Keeper) Timeline() *Timeline { return k.line }

// Held returns a timeline that reaches back to since: the one in memory, or one that is read from disk.
func (k *Keeper) Held(since time.Time) (*Timeline, error) {
	from := k.from
	k.mu.Lock()
	first := k.first
	k.mu.Unlock()
	if held := k.line.Since(); held.After(first) { // so much has happened that the oldest was let go
		from = later(from, held)
	}
	if !since.Before(from) {
		return k.line, nil
	}
	return Load(k.dir, since)
}

// Load reads the timeline from since on from the log in dir.
func Load(dir string, since time.Time) (*Timeline, error) {
	line := NewTimeline()
	err := Read(dir, since, func(r Record) bool {
		line.Add(r)
		return true
	})
	return line, err
}

// Problem returns why the log cannot be written at present, nil if it can.
func (k *Keeper) Problem() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.problem
}

// Run records events until their stream ends or ctx does, and closes the log. Make the stream before the supervisor
// runs. When Run has panicked, for itself or for the goroutine that reads, it may be called again: what was being
// recorded is lost, and nothing else.
func (k *Keeper) Run(ctx context.Context, events *conn.EventStream) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	defer func() {
		stop()
		<-done
	}()
	broken := ""
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				broken = fmt.Sprintf("%v\n\n%s", p, debug.Stack())
			}
		}()
		for {
			e, ok := events.Next(ctx)
			if !ok {
				return
			}
			k.take(k.rec.Take(e))
		}
	}()
	beat := time.Tick(beatEvery)
	retry := time.Tick(retryEvery)
	k.beat(time.Now())
	for over := false; !over; {
		select {
		case <-k.wake:
			k.flush()
		case now := <-beat:
			k.line.Now(now)
			k.beat(now)
		case <-retry:
			k.keepInPlace()
			if k.Problem() != nil {
				k.flush()
			}
		case <-done:
			over = true
		}
	}
	if broken != "" {
		panic(broken)
	}
	k.flush()
	if k.file != nil {
		if err := k.file.Close(); err != nil {
			k.failed(err)
		}
	}
}

// Note records what changes nothing about how time counts, as of now; Time and Counts are set here. What comes before
// the program has started, or after it has stopped, is not recorded.
func (k *Keeper) Note(r Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newest.What == "" || k.newest.What == Stopped {
		return
	}
	r.Time, r.Counts = time.Now().UTC().Truncate(time.Millisecond), k.newest.Counts
	k.add(r)
}

// take puts records into the account and up for writing.
func (k *Keeper) take(records []Record) {
	if len(records) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.add(records...)
}

// add does what [Keeper.take] says. The lock is held.
func (k *Keeper) add(records ...Record) {
	for _, r := range records {
		k.line.Add(r)
		k.newest = r
		if k.first.IsZero() {
			k.first = k.line.Since()
		}
	}
	k.pending = append(k.pending, records...)
	if over := len(k.pending) - maxPending; over > 0 {
		k.pending = append(k.pending[:0], k.pending[over:]...)
		k.dropped += over
	}
	nudge.Send(k.wake)
}

// flush writes what is up for writing.
func (k *Keeper) flush() {
	if !k.open(time.Now()) {
		return
	}
	k.mu.Lock()
	batch := k.pending
	k.pending = nil
	k.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	written, err := k.file.Append(batch...)
	if err != nil {
		k.mu.Lock()
		k.pending = append(batch[len(written):], k.pending...)
		k.mu.Unlock()
		k.failed(err)
		return
	}
	k.mu.Lock()
	again, dropped := k.problem != nil, k.dropped
	k.problem, k.dropped = nil, 0
	k.mu.Unlock()
	if again {
		k.log.Info("connection log is written again", "given_up", dropped)
	}
}

// keepInPlace makes the log write to where others look for it, if its file was deleted or moved.
func (k *Keeper) keepInPlace() {
	if k.file == nil {
		return
	}
	switch moved, err := k.file.keepInPlace(); {
	case err != nil:
		k.log.Warn("the connection log was deleted or moved, and cannot be rewritten", "err", err)
		_ = k.file.Close()
		k.file = nil // it is opened with the next record
	case moved:
		k.log.Warn("the connection log was deleted or moved; it was rewritten")
	}
}

func (k *Keeper) beat(now time.Time) {
	if !k.open(now) {
		return
	}
	if err := k.file.Beat(now); err != nil {
		k.log.Debug("heartbeat cannot be written", "err", err)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
