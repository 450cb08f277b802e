package notice

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"sync"

	"gatewatch/app/strict"
)

// The readers of reminders of the end of support for Gateway's version, each with its own, and what is said once.
const (
	OnDesktop    = "desktop"
	ByAlerts     = "alerts"
	OfHiddenIcon = "hidden_icon"
)

var reminderFile = strict.Kind{Name: "reminders", MaxSize: 64 << 10}

// Reminders remember over restarts what each reader was reminded of.
type Reminders struct {
	Path string
	Log  *slog.Logger
	mu   sync.Mutex // held while the file is read or written
}

// Last returns what a reader was reminded of in earlier runs.
func (r *Reminders) Last(reader string) Reminded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read()[reader]
}

// Remember keeps what a reader was reminded of. What cannot be written is repeated after the next start.
func (r *Reminders) Remember(reader string) func(Reminded) {
	return func(t Reminded) {
		r.mu.Lock()
		defer r.mu.Unlock()
		all := r.read()
		all[reader] = t
		text, err := json.MarshalIndent(all, "", "  ")
		if err == nil {
			err = strict.Save(r.Path, append(text, '\n'))
		}
		if err != nil {
			r.Log.Warn("reminders cannot be kept", "err", err)
		}
	}
}

func (r *Reminders) read() map[string]Reminded {
	all := map[string]Reminded{}
	text, err := reminderFile.ReadFile(r.Path)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Log.Warn("reminders cannot be read", "err", err)
	}
	if all == nil { // the file says null
		all = map[string]Reminded{}
	}
	return all
}
