// Package tray shows the connection in the desktop's notification area: an icon for a glance, a tooltip and a menu.
//
// What is shown is a value: viewOf renders a snapshot and nothing else decides. [Run] compares it with what is shown
// already and changes only what differs, in place, so that an open menu stays open.
//
// A desktop without a tray is nothing to fail for: that is logged once, and a tray that comes later gets the icon.
package tray

import (
	"context"
	"io"
	stdlog "log"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/app/wording"
	"gatewatch/assets"
	"gatewatch/conn"
	"gatewatch/conn/nudge"
)

// Name is what the desktop calls the program.
const Name = "Gatewatch"

// Connection is what the tray shows, such as a [conn.Supervisor].
type Connection interface {
	Snapshot() *conn.Snapshot
	// Subscribe returns a channel that yields a value when there is a new snapshot, and a function that ends it.
	Subscribe() (<-chan struct{}, func())
}

// Program is the rest of the program: what the tray shows beside the connection, and what its entries do. A panic in
// one of its methods is reported to Panicked.
type Program interface {
	// Extra returns what to show at now beside the connection.
	Extra(now time.Time) Extra
	// Subscribe returns a channel that yields a value when Extra may have changed other than by time, and a function
	// that ends it.
	Subscribe() (<-chan struct{}, func())
	// Click does what an entry says, other than those of Mute. It is called on a goroutine of its own, for each entry
	// at most once at a time; for OpenWindow also after a click on the icon, where the desktop has that apart from the
	// menu.
	Click(e Entry)
	// Mute silences desktop notifications until the given time; the zero time ends that.
	Mute(until time.Time)
	// NoHost is called once if the desktop has nowhere to show the icon.
	NoHost()
	// SessionEnds is called on Windows and macOS when the user logs out or the computer is shut down. The desktop ends
	// the process when it has returned, or after some seconds.
	SessionEnds()
	// Panicked is called for each panic, with its stack.
	Panicked(what any, stack []byte)
}

// Config is how the tray runs.
type Config struct {
	Connection Connection
	Program    Program
	HostWait   time.Duration // before NoHost is called; 0: 5 s
	Monochrome bool          // on macOS: a template image that the system tints
	Log        *slog.Logger
}

const (
	// minGap keeps repaints apart when changes come in a burst.
	minGap = 50 * time.Millisecond
	// tick is between two looks at a view that changes with the clock, rest between looks at one that does not.
	tick, rest = time.Second, time.Minute
	// againAfter is the time until a part of the tray that has panicked starts again.
	againAfter = time.Second
	// confirmLimit is how long a second click is waited for. What comes within doubleClick of the first is the same
	// click.
	confirmLimit, doubleClick = 10 * time.Second, 500 * time.Millisecond
	// endLimit bounds the wait for functions that still run when the tray ends.
	endLimit = time.Second
)

// bar is the platform's tray. Its methods are called one at a time.
type bar interface {
	setIcon(assets.Icon)
	setTooltip(string)
	setTitle(Entry, string) // of an entry that is shown
	show(Entry)
	hide(Entry)
	check(Entry, bool) // of an entry that is shown
}

var begun atomic.Bool

// Run shows the tray until ctx ends. It must be called from the main goroutine and at most once in a process: macOS and
// Windows want the thread. It never fails; where there is no tray it waits for ctx.
func Run(ctx context.Context, cfg Config) {
	if begun.Swap(true) {
		panic("tray: Run called twice")
	}
	restore := captureLog(cfg.Log)
	defer restore()
	t := newTray(cfg)
	t.run(ctx)
	t.end()
}

// tray is the part that is the same everywhere.
type tray struct {
	cfg     Config
	program Program
	busy    [entries]atomic.Bool
	repaint chan struct{} // a second click is waited for, or no longer

	mu      sync.Mutex
	menu    Menu               // as it was shown last
	asked   [entries]time.Time // of the first of two clicks; zero if none is waited for
	ended   bool
	running sync.WaitGroup
}

func newTray(cfg Config) *tray {
	if cfg.HostWait <= 0 {
		cfg.HostWait = 5 * time.Second
	}
	return &tray{cfg: cfg, program: cfg.Program, repaint: make(chan struct{}, 1)}
}

// action returns what a click on an entry does, nil if it cannot be clicked.
func (t *tray) action(e Entry) func() {
	switch e {
	case Status, Connected, Today, Mute:
		return nil
	case MuteHour:
		return func() { t.program.Mute(time.Now().Add(time.Hour)) }
	case MuteTomorrow:
		return func() { t.program.Mute(wording.Tomorrow(time.Now())) }
	case Unmute:
		return func() { t.program.Mute(time.Time{}) }
	}
	return func() { t.program.Click(e) }
}

// act does what a click on e asks for, on a goroutine of its own. A click is dropped while the one before still works.
func (t *tray) act(e Entry) {
	f := t.action(e)
	if f == nil || !t.confirmed(e, time.Now()) || !t.busy[e].CompareAndSwap(false, true) {
		return
	}
	if !t.spawn(func() {
		defer t.busy[e].Store(false)
		f()
	}) {
		t.busy[e].Store(false)
	}
}

// confirmed reports whether a click on an entry at now is the last that it takes.
func (t *tray) confirmed(e Entry, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.menu[e].Confirm == "" {
		return true
	}
	waits := t.waits(e, now)
	if waits && now.Sub(t.asked[e]) < doubleClick {
		return false
	}
	if t.asked[e] = now; waits {
		t.asked[e] = time.Time{}
	}
	nudge.Send(t.repaint)
	return waits
}

// waits reports whether a second click on an entry is waited for. The caller holds the lock.
func (t *tray) waits(e Entry, now time.Time) bool {
	waited := now.Sub(t.asked[e])
	return !t.asked[e].IsZero() && waited >= 0 && waited < confirmLimit
}

// asking shows which entries wait for a second click, and keeps what is shown.
func (t *tray) asking(v View, now time.Time) View {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.menu = v.Menu
	for e := range v.Menu {
		if item := &v.Menu[e]; t.waits(Entry(e), now) && item.Confirm != "" && !item.Hidden {
			item.Title, v.Ticking = item.Confirm, true
		}
	}
	return v
}

// spawn runs f on a goroutine of its own, unless the tray has ended.
func (t *tray) spawn(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	t.running.Go(func() { t.guarded(f) })
	return true
}

// guarded calls f and reports its panic to the program. It returns whether there was none.
func (t *tray) guarded(f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			t.program.Panicked(p, debug.Stack())
		}
	}()
	f()
	return true
}

// steady calls f again after a panic, until it returns or ctx ends.
func (t *tray) steady(ctx context.Context, f func()) {
	for !t.guarded(f) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(againAfter):
		}
	}
}

// end waits for the functions that still run, but not for ever.
func (t *tray) end() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	done := make(chan struct{})
	go func() {
		t.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(endLimit):
		t.cfg.Log.Warn("a click in the tray is still being worked on")
	}
}

// noHost says that the icon cannot be shown, for now or at all.
func (t *tray) noHost(reason string) {
	t.cfg.Log.Warn("no tray on this desktop, going on without", "reason", reason)
	t.spawn(t.program.NoHost)
}

// view asks for what is to be shown; a panic leaves what was shown.
func (t *tray) view(shown View) (v View) {
	v = shown
	t.guarded(func() {
		now := time.Now()
		v = t.asking(viewOf(t.cfg.Connection.Snapshot(), now, t.program.Extra(now)), now)
	})
	return v
}

// follow keeps b up to date until ctx ends. What it shows at the beginning is shown.
func (t *tray) follow(ctx context.Context, b bar, shown View) {
	snapshots, endSnapshots := t.cfg.Connection.Subscribe()
	defer endSnapshots()
	changes, endChanges := t.program.Subscribe()
	defer endChanges()
	clock := time.NewTimer(0)
	defer clock.Stop()
	for {
		changed := false
		select {
		case <-ctx.Done():
			return
		case <-snapshots:
			changed = true
		case <-changes:
			changed = true
		case <-t.repaint:
		case <-clock.C:
		}
		v := t.view(shown)
		was := shown
		shown = v // also if it cannot be painted: trying the same over and over helps no one
		t.guarded(func() { paint(b, was, v) })
		if v.Ticking {
			clock.Reset(tick)
		} else {
			clock.Reset(rest)
		}
		if changed {
			select {
			case <-ctx.Done():
				return
			case <-time.After(minGap):
			}
		}
	}
}

// paint changes what differs between two views. Title and mark of a hidden entry are left alone: on Windows setting
// them would show the entry.
func paint(b bar, shown, v View) {
	if v.Icon != shown.Icon {
		b.setIcon(v.Icon)
	}
	if v.Tooltip != shown.Tooltip {
		b.setTooltip(v.Tooltip)
	}
	for i := range v.Menu {
		e, was, is := Entry(i), shown.Menu[i], v.Menu[i]
		if !is.Hidden && (is.Checked != was.Checked || was.Hidden && e == LaunchAtLogin) {
			b.check(e, is.Checked)
		}
		switch {
		case is.Hidden && !was.Hidden:
			b.hide(e)
		case is.Hidden:
		case was.Hidden:
			b.setTitle(e, is.Title)
			b.show(e)
		case is.Title != was.Title:
			b.setTitle(e, is.Title)
		}
	}
}

// captureLog sends what the tray library logs to our log, each line once; it only knows the standard logger. What
// others write there passes through. The returned function ends that.
func captureLog(log *slog.Logger) (restore func()) {
	writer := stdlog.Writer()
	l := &library{log: log, rest: writer, logged: map[string]bool{}}
	stdlog.SetOutput(l)
	return func() { stdlog.SetOutput(writer) }
}

type library struct {
	log    *slog.Logger
	rest   io.Writer
	logged map[string]bool
}

func (l *library) Write(p []byte) (int, error) {
	_, text, ok := strings.Cut(string(p), "systray error: ")
	if !ok {
		return l.rest.Write(p)
	}
	text = strings.TrimSpace(text)
	level := slog.LevelWarn
	// the watcher of the host reports the latter better
	if l.logged[text] || strings.HasPrefix(text, "failed to register:") {
		level = slog.LevelDebug
	}
	if len(l.logged) < 100 {
		l.logged[text] = true
	}
	l.log.Log(context.Background(), level, "tray library", "err", text)
	return len(p), nil
}
