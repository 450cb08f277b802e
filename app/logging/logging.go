// Package logging has the structured log: a file, stderr, and what of it the console prints.
package logging

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"gatewatch/app/console"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"
)

// both sends records to two handlers.
type both [2]slog.Handler

func (b both) Enabled(ctx context.Context, l slog.Level) bool {
	return b[0].Enabled(ctx, l) || b[1].Enabled(ctx, l)
}

func (b both) Handle(ctx context.Context, r slog.Record) error {
	var errs error
	for _, h := range b {
		if h.Enabled(ctx, r.Level) {
			errs = errors.Join(errs, h.Handle(ctx, r.Clone()))
		}
	}
	return errs
}

func (b both) WithAttrs(a []slog.Attr) slog.Handler {
	return both{b[0].WithAttrs(a), b[1].WithAttrs(a)}
}

func (b both) WithGroup(n string) slog.Handler {
	return both{b[0].WithGroup(n), b[1].WithGroup(n)}
}

// warnings prints what is a warning or worse on the console, in a line for people.
type warnings struct {
	screen *console.Console
	attrs  []slog.Attr
}

func (w warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (w warnings) Handle(_ context.Context, r slog.Record) error {
	text, details := r.Message, []string{}
	add := func(a slog.Attr) bool {
		if a.Key == "err" {
			text += ": " + a.Value.String()
		} else {
			details = append(details, a.Key+" "+a.Value.String())
		}
		return true
	}
	for _, a := range w.attrs {
		add(a)
	}
	r.Attrs(add)
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	w.screen.Say(strings.ToLower(r.Level.String()), wording.Line(text, warningLimit))
	return nil
}

// warningLimit bounds a warning on the console.
const warningLimit = 1000

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler {
	return warnings{w.screen, append(slices.Clone(w.attrs), a...)}
}

// WithGroup is not used in Gatewatch.
func (w warnings) WithGroup(string) slog.Handler { return w }

// New writes structured text to a rotated file, and to stderr unless that is nil: then the console prints warnings. log
// is for all parts of the program, events for what the console says in its own words.
func New(path string, stderr io.Writer, screen *console.Console, level *slog.LevelVar) (
	log, events *slog.Logger, file *File,
) {
	said := &counts{of: map[string]*count{}}
	file = &File{
		rotated: &lumberjack.Logger{Filename: path, MaxSize: 10 /* MB */, MaxBackups: 5, MaxAge: 90 /* days */},
		said:    said,
	}
	if withinLine(path) {
		file.waiting = []byte("\n")
	}
	options := &slog.HandlerOptions{Level: level}
	written := slog.Handler(slog.NewTextHandler(file, options))
	if stderr != nil {
		log = slog.New(bounded{both{slog.NewTextHandler(stderr, options), written}, said})
		return log, log, file
	}
	log = slog.New(bounded{both{warnings{screen: screen}, written}, said})
	return log, slog.New(bounded{written, said}), file
}

// File is the rotated log file. Entries that cannot be written wait; where they are too many, the later ones are left
// out and counted.
type File struct {
	rotated *lumberjack.Logger
	said    *counts

	mu      sync.Mutex
	waiting []byte // what could not be written yet
	leftOut int    // entries that came after that
}

// mostWaiting bounds what waits, in bytes.
const mostWaiting = 64 << 10

// Write writes an entry, behind what could not be written before.
func (f *File) Write(entry []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.flush(); err != nil && (f.leftOut > 0 || len(f.waiting)+len(entry) > mostWaiting) {
		f.leftOut++
		return 0, err
	}
	f.waiting = append(f.waiting, entry...)
	return len(entry), f.flush()
}

// Problem returns why the file cannot be written, nil if it can. What could not be written is tried again.
func (f *File) Problem() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flush()
}

// flush writes what waits, and then how much was left out.
func (f *File) flush() error {
	for len(f.waiting) > 0 {
		n, err := f.write(f.waiting)
		f.waiting = append(f.waiting[:0], f.waiting[n:]...)
		if err != nil {
			return err
		}
		if f.leftOut > 0 {
			var entry bytes.Buffer
			slog.New(slog.NewTextHandler(&entry, nil)).Warn("the log could not be written, entries are missing",
				"entries", f.leftOut)
			f.waiting, f.leftOut = entry.Bytes(), 0
		}
	}
	return nil
}

// withinLine reports whether a file ends within a line, as after a disk that was full.
func withinLine(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	last := make([]byte, 1)
	_, err = f.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// write does not wait for what is no file, such as a pipe.
func (f *File) write(text []byte) (int, error) {
	path := f.rotated.Filename
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return 0, &fs.PathError{Op: "write", Path: path, Err: errors.New("not a regular file")}
	}
	return f.rotated.Write(text)
}

// Reopen makes the next entry open the file where it was, in case it was deleted or moved.
func (f *File) Reopen() { _ = f.rotated.Close() }

// Close says what was left out, and closes the file.
func (f *File) Close() error {
	f.said.end()
	return f.rotated.Close()
}

// bounded writes each message so many times a minute at most: what others on the computer or Gateway can cause as often
// as they like must not push older entries out of the log. At the end of the minute an entry says how many were left
// out.
type bounded struct {
	slog.Handler
	said *counts
}

// perMinute is how often one message is written in a minute. At the level debug all are.
const perMinute = 100

type counts struct {
	mu    sync.Mutex
	of    map[string]*count // by message
	ended bool
}

// count is how often a message has come since its minute began. The last one is that of those that were left out.
type count struct {
	began time.Time
	n     int
	last  slog.Record
	to    slog.Handler
}

func (b bounded) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && !b.said.take(r, b.Handler) {
		return nil
	}
	return b.Handler.Handle(ctx, r)
}

// take counts an entry, and returns whether it may be written.
func (c *counts) take(r slog.Record, to slog.Handler) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.of[r.Message]
	if said == nil || said.n <= perMinute && r.Time.Sub(said.began).Abs() >= time.Minute {
		said = &count{began: r.Time}
		c.of[r.Message] = said
	}
	said.n++
	if said.n == perMinute+1 && !c.ended {
		time.AfterFunc(time.Minute-r.Time.Sub(said.began), func() { c.over(r.Message) })
	}
	if said.n <= perMinute || c.ended {
		return true
	}
	said.last, said.to = r, to
	return false
}

// over ends the minute of a message of which entries were left out: it writes the last one, and how many there were.
func (c *counts) over(message string) {
	c.mu.Lock()
	said := c.of[message]
	delete(c.of, message)
	c.mu.Unlock()
	if said == nil || said.to == nil {
		return
	}
	last := said.last.Clone()
	last.AddAttrs(slog.Int("left_out", said.n-perMinute-1))
	_ = said.to.Handle(context.Background(), last)
}

// end ends the minutes of all messages. What comes later is written.
func (c *counts) end() {
	c.mu.Lock()
	c.ended = true
	messages := slices.Collect(maps.Keys(c.of))
	c.mu.Unlock()
	for _, message := range messages {
		c.over(message)
	}
}

func (b bounded) WithAttrs(a []slog.Attr) slog.Handler {
	return bounded{b.Handler.WithAttrs(a), b.said}
}

func (b bounded) WithGroup(n string) slog.Handler { return bounded{b.Handler.WithGroup(n), b.said} }

// Events writes every event to the structured log, and counts it.
func Events(log *slog.Logger, count func(conn.Event), events *conn.EventStream) {
	for {
		e, ok := events.Next(context.Background())
		if !ok {
			return
		}
		count(e)
		level := slog.LevelInfo
		switch e.Kind {
		case conn.EventLost, conn.EventUpstreamLost, conn.EventSuspected, conn.EventAttemptFailed, conn.EventCompeting,
			conn.EventOrdersBlocked:
			level = slog.LevelWarn
		}
		if !log.Enabled(context.Background(), level) {
			continue
		}
		attrs := []slog.Attr{slog.Uint64("seq", e.Seq), slog.String("state", string(e.State))}
		if e.Session != 0 {
			attrs = append(attrs, slog.Uint64("session", e.Session))
		}
		if e.Attempt != 0 {
			attrs = append(attrs, slog.Int("attempt", e.Attempt))
		}
		if e.Cause != "" {
			attrs = append(attrs, slog.String("cause", string(e.Cause)))
		}
		if e.Code != 0 {
			attrs = append(attrs, slog.Int("code", e.Code))
		}
		if e.Detail != "" {
			attrs = append(attrs, slog.String("detail", e.Detail))
		}
		if len(e.Tried) > 1 {
			attrs = append(attrs, slog.String("tried", wording.Tried(e.Tried)))
		}
		if e.Farm != "" {
			attrs = append(attrs, slog.String("farm", string(e.Farm)))
		}
		if e.More != 0 {
			attrs = append(attrs, slog.Uint64("more", e.More))
		}
		if e.Duration != 0 {
			attrs = append(attrs, slog.Duration("duration", e.Duration.Round(time.Millisecond)))
		}
		log.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
	}
}

// Reports writes reports about rules and orders to log and console, until ctx ends. All of those that are not about a
// program are written: their number is that of what Gatewatch does itself.
func Reports(ctx context.Context, log *slog.Logger, screen *console.Console, reports *engine.ReportStream,
	changed func(),
) {
	all := log
	if b, ok := log.Handler().(bounded); ok {
		all = slog.New(b.Handler)
	}
	for {
		report, ok := reports.Next(ctx)
		if !ok {
			return
		}
		level := slog.LevelWarn
		if report.Kind == engine.ReportTriggered {
			level = slog.LevelInfo
		}
		to := all
		if report.Program != "" {
			to = log
		}
		to.Log(ctx, level, string(report.Kind), "rule", report.Rule, "program", report.Program, "text", report.Text,
			"reason", report.Reason, "code", report.Code, "detail", report.Detail, "more", report.More)
		screen.Say("orders", wording.ReportTitle(report)+": "+wording.Report(report))
		changed()
	}
}
