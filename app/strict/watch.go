package strict

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	settle    = 100 * time.Millisecond // quiet after the last event before the file is read
	pollEvery = 5 * time.Second        // for changes no one announced: network drives, links, lost events
)

// ErrNoFile means that there is something under a file's name that is no file, such as a folder, a pipe, which would be
// waited for, or a link that leads nowhere.
var ErrNoFile = errors.New("not a regular file")

// Open opens a file for reading. The error wraps [fs.ErrNotExist] only if there is nothing under that name, and
// [ErrNoFile] if it is no file.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, link := os.Lstat(path); link == nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w: a link that leads nowhere",
				ErrNoFile)}
		}
	}
	var f *os.File
	if err == nil && info.Mode().IsRegular() {
		if f, err = os.OpenFile(path, os.O_RDONLY|noWait, 0); err == nil {
			info, err = f.Stat() // something else may have been put in its place
		}
	}
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNoFile}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile returns the content of a file of this kind, one byte more than its limit at most. The error wraps
// [fs.ErrNotExist] only if there is nothing under that name, and [ErrNoFile] if it is no file.
func (k Kind) ReadFile(path string) ([]byte, error) {
	var f *os.File
	if err := whileOthersUse(func() (err error) { f, err = Open(path); return err }); err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(k.MaxSize)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Name, err)
	}
	return data, nil
}

// ReadText returns the whole content of a file of this kind; found is false and the error nil if there is none.
func (k Kind) ReadText(path string) (text []byte, found bool, err error) {
	text, err = k.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err == nil && len(text) > k.MaxSize:
		err = fmt.Errorf("read %s: the file is larger than %d KiB", k.Name, k.MaxSize>>10)
	}
	return text, true, err
}

// Watcher follows a file while the program runs. Set the fields, then call [Watcher.Run] once. The functions are called
// one at a time from the goroutine of Run and must return soon.
type Watcher struct {
	Kind Kind
	Path string

	// OnContent receives the content at the first look, and each that differs from the one before or follows an error.
	OnContent func([]byte)
	// OnError is called once when a file that was there is gone (fs.ErrNotExist), and when the file cannot be read.
	OnError func(error)

	seen    []byte      // content at the last look
	present bool        // whether there was a file at the last look
	failed  string      // the error at the last look, "" if all was well
	stat    os.FileInfo // of the file at the last look, nil if there was none or it could not be read
}

// Run watches until ctx ends. It looks at the file at once, so that no change since it was loaded is lost; a file that
// is missing then is no error. Where the system cannot announce changes, a look every five seconds finds them.
func (w *Watcher) Run(ctx context.Context) {
	var events chan fsnotify.Event
	var failures chan error
	var watch func()
	if notifier, err := fsnotify.NewWatcher(); err == nil {
		defer notifier.Close()
		events, failures = notifier.Events, notifier.Errors
		watch = w.watchFolder(notifier)
	}
	w.run(ctx, events, failures, watch)
}

// watchFolder returns a function that makes the notifier watch the folder of the file, now and after the folder was
// replaced. The folder, because editors put a new file in the place of the old one.
func (w *Watcher) watchFolder(notifier *fsnotify.Watcher) func() {
	folder := filepath.Dir(w.Path)
	var watched os.FileInfo
	return func() {
		now, err := os.Stat(folder)
		if err != nil {
			watched = nil
		} else if watched == nil || !os.SameFile(watched, now) {
			if notifier.Add(folder) == nil {
				watched = now
			}
		}
	}
}

// run is Run with its sources of events; watch, if not nil, renews them.
func (w *Watcher) run(ctx context.Context, events <-chan fsnotify.Event, failures <-chan error, watch func()) {
	if watch == nil {
		watch = func() {}
	}
	poll := time.Tick(pollEvery)
	watch()
	w.look()
	quiet := time.NewTimer(settle)
	quiet.Stop()
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			if strings.EqualFold(filepath.Base(event.Name), filepath.Base(w.Path)) {
				quiet.Reset(settle)
			}
		case <-failures: // events may have been lost
			quiet.Reset(settle)
		case <-poll:
			watch()
			if w.touched() {
				quiet.Reset(settle)
			}
		case <-quiet.C:
			w.look()
		}
	}
}

// touched tells whether the file seems to be another than at the last look.
func (w *Watcher) touched() bool {
	now, err := os.Stat(w.Path)
	if err != nil || w.stat == nil {
		return (err == nil) != (w.stat != nil)
	}
	return !os.SameFile(now, w.stat) || !now.ModTime().Equal(w.stat.ModTime()) || now.Size() != w.stat.Size()
}

// look reads the file and tells what is new.
func (w *Watcher) look() {
	w.stat, _ = os.Stat(w.Path) // before the content: a change between the two is found at the next poll
	data, err := w.Kind.ReadFile(w.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if w.present {
			w.fail(err)
		}
		w.present, w.seen = false, nil
		return
	case err != nil:
		if err.Error() != w.failed {
			w.fail(err)
		}
		w.present, w.seen, w.stat = true, nil, nil // so that the next poll tries again
		return
	case w.seen != nil && bytes.Equal(data, w.seen):
		return
	}
	w.present, w.seen, w.failed = true, data, ""
	w.OnContent(data)
}

func (w *Watcher) fail(err error) {
	w.failed = err.Error()
	w.OnError(err)
}
