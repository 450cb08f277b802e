package rulebook

import (
	"context"
	"errors"
	"io/fs"

	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

// Load reads the file at path; found is false and the error nil if there is none. An error means that a file that is there
// could not be read; what is wrong with its content stands in the book.
func Load(path string) (b Book, found bool, err error) {
	data, err := file.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Book{}, false, nil
	case err != nil:
		return Book{Broken: true}, true, err
	}
	return Parse(path, data), true, nil
}

// Watcher follows a rules file while the program runs. Set the fields, then call [Watcher.Run] once. The functions are
// called one at a time from the goroutine of Run and must return soon; each may be nil.
type Watcher struct {
	Path    string
	Current []rules.Rule // what is in force when Run starts

	// OnBook receives the content at the start, if there is a file, and each new one. The rules are in force from now on.
	// Those of a broken book are the ones read last: a file that is being edited stops nothing.
	OnBook func(Book)
	// OnError is told once when a file that was there is gone (fs.ErrNotExist), and when the file cannot be read. The
	// rules read last stay in force. The next book ends that.
	OnError func(error)
}

// Run watches until ctx ends. It looks at the file at once; a file that is missing then is no error. Where the system cannot
// announce changes, a look every five seconds finds them.
func (w *Watcher) Run(ctx context.Context) {
	(&strict.Watcher{Kind: file, Path: w.Path, OnContent: w.content, OnError: w.fail}).Run(ctx)
}

func (w *Watcher) content(data []byte) {
	b := Parse(w.Path, data)
	if b.Broken {
		b.Rules = w.Current
	}
	w.Current = b.Rules
	if w.OnBook != nil {
		w.OnBook(b)
	}
}

func (w *Watcher) fail(err error) {
	if w.OnError != nil {
		w.OnError(err)
	}
}
