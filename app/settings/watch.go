package settings

import (
	"context"

	"gatewatch/app/strict"
)

// Watcher follows a settings file while the program runs. Set the fields, then call [Watcher.Run] once. The functions
// are called one at a time from the goroutine of Run and must return soon; each may be nil.
type Watcher struct {
	Path    string
	Current Settings // what is in effect when Run starts

	// OnChange receives settings that differ from those before ($schema apart); they are in effect from now on.
	OnChange func(Settings)
	// OnError is called once per content that cannot be used ([Problems]), once when a file that was there is gone
	// (fs.ErrNotExist), and when the file cannot be read. The last good settings stay in effect.
	OnError func(error)
	// OnRecovered is called when, after an error about the file, it is good again; before OnChange, if that follows.
	OnRecovered func()

	failed bool // whether an error was the last report about the file
}

// Run watches until ctx ends. It looks at the file at once, so that no change since it was loaded is lost; a file that
// is missing then is no error. Where the system cannot announce changes, a look every five seconds finds them.
func (w *Watcher) Run(ctx context.Context) {
	(&strict.Watcher{Kind: file, Path: w.Path, OnContent: w.content, OnError: w.fail}).Run(ctx)
}

func (w *Watcher) content(data []byte) {
	s, err := Parse(w.Path, data)
	if err != nil {
		w.fail(err)
		return
	}
	if w.failed {
		w.failed = false
		if w.OnRecovered != nil {
			w.OnRecovered()
		}
	}
	if len(Diff(w.Current, s)) > 0 {
		w.Current = s
		if w.OnChange != nil {
			w.OnChange(s)
		}
	}
}

func (w *Watcher) fail(err error) {
	w.failed = true
	if w.OnError != nil {
		w.OnError(err)
	}
}
