package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/nudge"
	"gatewatch/engine"
)

// Events is a source of events in order, such as a [conn.EventStream].
type Events interface {
	Next(ctx context.Context) (e conn.Event, ok bool)
}

// Reports is a source of reports in order, such as an [engine.ReportStream].
type Reports interface {
	Next(ctx context.Context) (r engine.Report, ok bool)
}

// Config is what [Run] works with. Functions are called from one goroutine and must return at once.
//
// A desktop needs the last word only: a notice that waits is replaced by a later one with its key. With Keep each one
// is handed on, in order, and again until the sender takes it; and it says which Gateway it is about, as
// [Policy.Remote] has it.
type Config struct {
	Events   Events
	Reports  Reports // may be nil
	Snapshot func() *conn.Snapshot
	Muted    func(now time.Time) time.Time // until when nothing is shown, zero if that is not so; may be nil
	// those in effect, which may change while Run runs; nil: as [defaultPolicy] has it
	Settings *atomic.Pointer[Settings]
	Reminded Reminded       // of the end of support, when Run begins
	Remember func(Reminded) // called when more of that was reported; may be nil
	Keep     bool           // for readers elsewhere; see below
	Direct   <-chan Notice  // handed on as they are; may be nil
	Demo     bool           // titles say that Gateway is a simulated one
	Sender   Sender
	Failing  func(error) // called with why notices cannot be shown, and nil when they can again; may be nil
	Log      *slog.Logger
}

// Settings are what the user chose.
type Settings struct {
	Off      bool          // nothing is shown
	After    time.Duration // how long an outage lasts before it is reported
	Quiet    Quiet
	Weekly   time.Duration // how long before its end the weekly login is reminded of; 0: not at all
	ClientID int           // for the words
}

const (
	// sendLimit bounds one notice's way to the desktop.
	sendLimit = 5 * time.Second
	// endLimit bounds the wait for a sender that does not end with its context.
	endLimit = time.Second
	// waiting notices beyond this many are given up, oldest first; of those that are kept, and of those about rules and
	// orders, only to bound the memory.
	outboxLimit = 16
	keptLimit   = 1000
	// againAfter is the time until a notice that was not taken and waits is handed on again.
	againAfter = 5 * time.Second
)

// Run reports what happens until ctx ends or the events do. It does not close the sender. A panic of one of its
// goroutines ends the others and is Run's; called again it goes on with the next event, and knows nothing of an
// incident before.
func Run(ctx context.Context, cfg Config) {
	ctx, cancel := context.WithCancel(ctx)
	var broken atomic.Pointer[string] // a panic of another goroutine, with its stack
	guard := func() {
		if p := recover(); p != nil {
			text := fmt.Sprintf("%v\n\n%s", p, debug.Stack())
			broken.CompareAndSwap(nil, &text)
			cancel()
		}
	}
	var readers sync.WaitGroup
	events := read(ctx, &readers, guard, cfg.Events.Next)
	var reports <-chan engine.Report
	if cfg.Reports != nil {
		reports = read(ctx, &readers, guard, cfg.Reports.Next)
	}
	out := newOutbox(cfg.Sender, cfg.Keep, cfg.Log)
	if cfg.Failing != nil {
		out.note = cfg.Failing
	}
	// It outlives ctx by what is reported at the end.
	sending, endSending := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer guard()
		out.run(sending)
	}()
	defer func() {
		cancel()
		endSending()
		readers.Wait()
		select {
		case <-out.done:
		case <-time.After(endLimit):
			cfg.Log.Warn("a notice is still being shown")
		}
		if text := broken.Load(); text != nil {
			panic(*text)
		}
	}()
	follow(ctx, cfg, events, reports, out.put)
}

// read returns a channel of what next returns, until that or ctx ends.
func read[T any](ctx context.Context, readers *sync.WaitGroup, guard func(),
	next func(context.Context) (T, bool),
) <-chan T {
	c := make(chan T)
	readers.Go(func() {
		defer guard()
		defer close(c)
		for {
			one, ok := next(ctx)
			if !ok {
				return
			}
			select {
			case c <- one:
			case <-ctx.Done():
				return
			}
		}
	})
	return c
}

// follow puts events, reports and time through the policy until the events or ctx end.
func follow(ctx context.Context, cfg Config, events <-chan conn.Event, reports <-chan engine.Report, put func(Notice)) {
	st := State{support: cfg.Reminded}
	policy := defaultPolicy()
	computer := ""
	if cfg.Keep {
		policy.Remote = true
		computer, _ = os.Hostname() // without it the words say less
	}
	clock := time.NewTimer(0)
	defer clock.Stop()
	<-clock.C
	for {
		in := Input{Computer: computer}
		select {
		case <-ctx.Done():
			in.Ending = true
		case e, ok := <-events:
			in.Event, in.Ending = e, !ok
		case r, ok := <-reports:
			if !ok {
				reports = nil
				continue
			}
			in.Report = r
		case n := <-cfg.Direct:
			cfg.handOn(n, put)
			continue
		case <-clock.C:
		}
		now := time.Now()
		if cfg.Muted != nil {
			in.Muted = cfg.Muted(now)
		}
		if cfg.Settings != nil {
			c := cfg.Settings.Load()
			policy.After, policy.Weekly, in.Quiet, in.ClientID = c.After, c.Weekly, c.Quiet, c.ClientID
			if c.Off {
				in.Muted = now.AddDate(1, 0, 0)
			}
		}
		if s := cfg.Snapshot(); s != nil {
			in.Gateway, in.Unsupported = s.Gateway, s.Unsupported
		}
		var said []Notice
		var again time.Time
		before := st.support
		st, said, again = policy.Step(st, in, now)
		for _, n := range said {
			cfg.handOn(n, put)
		}
		if cfg.Remember != nil && st.support != before {
			cfg.Remember(st.support)
		}
		if in.Ending {
			return
		}
		clock.Stop()
		if !again.IsZero() {
			clock.Reset(max(again.Sub(now.Round(0)), time.Millisecond))
		}
	}
}

// handOn sends a notice.
func (cfg *Config) handOn(n Notice, put func(Notice)) {
	if cfg.Demo {
		n.Title = wording.Demo + ": " + n.Title
	}
	put(n)
}

// outbox hands notices on from a goroutine of its own: a desktop that hangs holds no one up.
type outbox struct {
	sender Sender
	keep   bool
	log    *slog.Logger
	wake   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	pending []Notice
	failing bool // owned by run
	note    func(error)
}

func newOutbox(s Sender, keep bool, log *slog.Logger) *outbox {
	return &outbox{
		sender: s, keep: keep, log: log, wake: make(chan struct{}, 1), done: make(chan struct{}),
		note: func(error) {},
	}
}

// put never blocks. A notice that waits is replaced by a later one with its key, unless all are kept.
func (o *outbox) put(n Notice) {
	o.log.Debug("notice", "kind", string(n.Kind), "incident", n.Incident, "title", n.Title)
	o.mu.Lock()
	if !o.keep {
		o.pending = slices.DeleteFunc(o.pending, func(p Notice) bool { return p.Key == n.Key })
	}
	o.pending = append(o.pending, n)
	before := len(o.pending)
	if !o.keep {
		o.limit(outboxLimit, func(n Notice) bool { return !n.Kind.reported() })
	}
	o.limit(keptLimit, func(Notice) bool { return true })
	givenUp := before - len(o.pending)
	o.mu.Unlock()
	if givenUp > 0 {
		o.log.Warn("too many notices wait, the oldest was given up")
	}
	nudge.Send(o.wake)
}

// limit gives up the oldest of those that wait and are counted, beyond so many. The caller holds the lock.
func (o *outbox) limit(most int, counts func(Notice) bool) {
	extra := -most
	for _, n := range o.pending {
		if counts(n) {
			extra++
		}
	}
	o.pending = slices.DeleteFunc(o.pending, func(n Notice) bool {
		if extra <= 0 || !counts(n) {
			return false
		}
		extra--
		return true
	})
}

func (o *outbox) take() (n Notice, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) == 0 {
		return Notice{}, false
	}
	n, o.pending = o.pending[0], o.pending[1:]
	return n, true
}

func (o *outbox) run(ctx context.Context) {
	defer close(o.done)
	for {
		select {
		case <-ctx.Done():
			o.drain(ctx)
			return
		case <-o.wake:
		}
		for ctx.Err() == nil && !o.handOn(ctx) {
			select {
			case <-ctx.Done():
			case <-time.After(againAfter):
			}
		}
	}
}

// drain hands on what is kept and still waits at the end.
func (o *outbox) drain(ctx context.Context) {
	if !o.keep {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit/2)
	defer cancel()
	if !o.handOn(ctx) {
		o.log.Error("notices were lost: they could not be handed on before the end")
	}
}

// handOn shows what waits until ctx ends, and returns whether nothing does any more. One that was not taken waits on if
// it is kept, or if the desktop takes none yet.
func (o *outbox) handOn(ctx context.Context) bool {
	for ctx.Err() == nil {
		n, ok := o.take()
		if !ok {
			return true
		}
		if err := o.send(ctx, n); err != nil && (o.keep || errors.Is(err, errNotYet)) {
			o.putBack(n)
			return false
		}
	}
	return false
}

// putBack puts a notice back into the queue, ahead of all others, unless a later one has taken its place.
func (o *outbox) putBack(n Notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.keep && slices.ContainsFunc(o.pending, func(p Notice) bool { return p.Key == n.Key }) {
		return
	}
	o.pending = slices.Insert(o.pending, 0, n)
}

// send shows one notice. Of failures in a row only the first is a warning.
func (o *outbox) send(ctx context.Context, n Notice) error {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	err := o.show(ctx, n)
	switch {
	case err == nil && o.failing:
		o.failing = false
		o.note(nil)
		o.log.Info("notices are shown again")
	case err != nil && !o.failing:
		o.failing = true
		o.note(err)
		o.log.Warn("notices cannot be shown", "err", err)
	case err != nil:
		o.log.Debug("notices still cannot be shown", "err", err)
	}
	return err
}

func (o *outbox) show(ctx context.Context, n Notice) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return o.sender.Show(ctx, n)
}
