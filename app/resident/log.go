package resident

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"gatewatch/app/console"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"

	"gopkg.in/natefinch/lumberjack.v2"
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

// atLeast raises the level of a handler.
type atLeast struct {
	slog.Handler
	min slog.Level
}

func (a atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= a.min && a.Handler.Enabled(ctx, l)
}

// newLog writes structured text to a rotated file and to stderr. On a terminal, where the lines for people on stdout
// already tell the story, stderr shows warnings and errors alone.
func newLog(path string, stderr io.Writer, level *slog.LevelVar) (*slog.Logger, io.Closer) {
	file := &lumberjack.Logger{Filename: path, MaxSize: 10 /* MB */, MaxBackups: 5, MaxAge: 90 /* days */}
	options := &slog.HandlerOptions{Level: level}
	var screen slog.Handler = slog.NewTextHandler(stderr, options)
	if console.IsTerminal(os.Stderr) {
		screen = atLeast{screen, slog.LevelWarn}
	}
	return slog.New(both{screen, slog.NewTextHandler(file, options)}), file
}

// logEvents writes every event to the structured log, and counts it.
func logEvents(log *slog.Logger, count func(conn.Event), events *conn.EventStream) {
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

// logReports writes reports about rules and orders to log and console, until ctx ends.
func logReports(ctx context.Context, log *slog.Logger, screen *console.Console, reports *engine.ReportStream, changes *changes) {
	for {
		report, ok := reports.Next(ctx)
		if !ok {
			return
		}
		level := slog.LevelWarn
		if report.Kind == engine.ReportFired {
			level = slog.LevelInfo
		}
		log.Log(ctx, level, string(report.Kind), "rule", report.Rule, "text", report.Text, "reason", report.Reason, "code", report.Code, "detail", report.Detail)
		screen.Say("orders", wording.ReportTitle(report)+": "+wording.Report(report))
		changes.nudge()
	}
}
