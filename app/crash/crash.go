// Package crash is about panics: those that end the program, and those that need not.
//
// [Catch] has the runtime write whatever ends the program into crash.log, also the panic of a goroutine that no one
// here has started and what no code can recover from, such as concurrent writes to a map. [Take] finds that file at the
// next start, takes secrets out of it and keeps it with its time.
//
// [Parts] run what the connection can do without: a panic in one of them is logged and counted, and the part starts
// again.
package crash

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const (
	name = "crash.log"
	// keep is how many crashes are kept on disk.
	keep = 5
	// maxSize bounds how much of one is: stacks of all goroutines take some 50 KB.
	maxSize = 1 << 20
	// stamp is the time in the name of a file that is kept. Names sort by it.
	stamp = "20060102-150405"
)

// Catch writes what ends this process to crash.log in dir, with the stacks of all goroutines, beside stderr. The
// returned function ends that, and belongs to an orderly end.
func Catch(dir string) (end func(), err error) {
	path := filepath.Join(dir, name)
	if err := noPipe(path); err != nil {
		return nil, fmt.Errorf("keep crashes: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep crashes: %w", err)
	}
	defer f.Close() // the runtime has its own handle
	if err := debug.SetCrashOutput(f, debug.CrashOptions{}); err != nil {
		return nil, fmt.Errorf("keep crashes in %s: %w", path, err)
	}
	debug.SetTraceback("all")
	return func() {
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{}) // cannot fail without a file
		if info, err := os.Stat(path); err == nil && info.Size() == 0 {
			os.Remove(path)
		}
	}, nil
}

// Report is what is known of a crash.
type Report struct {
	At    time.Time // when the program ended
	What  string    // in one line, such as "panic: runtime error: index out of range"
	Path  string    // of the file that is kept
	Again bool      // the one before it was less than an hour ago
}

// Take returns the crash that the run before has ended in, nil if there was none, and keeps its file under another
// name, without what hide takes out of it. Of those that are kept the oldest are removed. With an error the report may
// be there all the same.
func Take(dir string, hide func(string) string) (*Report, error) {
	path := filepath.Join(dir, name)
	text, at, err := read(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last crash: %w", err)
	}
	shown := hide(strings.ToValidUTF8(string(text), "\uFFFD"))
	r := &Report{At: at, What: firstLine(shown), Path: path}
	kept, err := keptIn(dir)
	if err != nil {
		return r, err
	}
	if len(kept) > 0 {
		if info, err := os.Stat(kept[len(kept)-1]); err == nil {
			r.Again = at.Sub(info.ModTime()).Abs() < time.Hour
		}
	}
	aside := filepath.Join(dir, "crash-"+at.Format(stamp)+".log")
	if err := os.WriteFile(aside, []byte(shown), 0o600); err != nil {
		return r, fmt.Errorf("keep the last crash: %w", err)
	}
	r.Path = aside
	err = errors.Join(os.Chtimes(aside, at, at), os.Remove(path))
	if !slices.Contains(kept, aside) {
		kept = append(kept, aside)
	}
	for _, old := range kept[:max(0, len(kept)-keep)] {
		err = errors.Join(err, os.Remove(old))
	}
	return r, err
}

// keptIn returns the paths of the crashes that are kept, the oldest first.
func keptIn(dir string) (kept []string, err error) {
	entries, err := os.ReadDir(dir) // sorted by name
	for _, e := range entries {
		if ok, _ := filepath.Match("crash-*.log", e.Name()); ok {
			kept = append(kept, filepath.Join(dir, e.Name()))
		}
	}
	return kept, err
}

// noPipe returns an error if there is something that is no file at a path: a pipe would be waited for.
func noPipe(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return nil
}

func read(path string) (text []byte, at time.Time, err error) {
	if err := noPipe(path); err != nil {
		return nil, at, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, at, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, at, err
	}
	text, err = io.ReadAll(io.LimitReader(f, maxSize))
	return text, info.ModTime(), err
}

// firstLine returns the line that says what happened. The runtime may put others before it. What a fatal error is about
// goes to stderr alone: then the function in which it came up has to do.
func firstLine(text string) string {
	first, running := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, begin := range []string{"panic: ", "fatal error: ", "unexpected fault"} {
			if strings.HasPrefix(line, begin) {
				return line
			}
		}
		if first == "" {
			first = line
			running = strings.HasPrefix(line, "goroutine ")
			continue
		}
		if end := strings.LastIndex(line, "("); running && end > 0 && !strings.HasSuffix(line[:end], ".fatal") {
			return "fatal error in " + line[:end]
		}
	}
	return first
}
