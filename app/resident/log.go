package resident

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

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
	if isTerminal(os.Stderr) {
		screen = atLeast{screen, slog.LevelWarn}
	}
	return slog.New(both{screen, slog.NewTextHandler(file, options)}), file
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
