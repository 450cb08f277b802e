package resident

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"gatewatch/app/notice"
	"gatewatch/app/strict"
)

// The readers of reminders of the end of support for Gateway's version, each with its own, and what is said once.
const (
	onDesktop    = "desktop"
	byAlerts     = "alerts"
	ofHiddenIcon = "hidden_icon"
)

// reminders remember over restarts what each reader was reminded of.
type reminders struct {
	path string
	log  *slog.Logger
	mu   sync.Mutex // held while the file is read or written
}

// told returns what a reader was reminded of in earlier runs.
func (r *reminders) told(reader string) notice.Told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read()[reader]
}

// remember keeps what a reader was reminded of. What cannot be written is repeated after the next start.
func (r *reminders) remember(reader string) func(notice.Told) {
	return func(t notice.Told) {
		r.mu.Lock()
		defer r.mu.Unlock()
		all := r.read()
		all[reader] = t
		text, err := json.MarshalIndent(all, "", "  ")
		if err == nil {
			err = strict.Save(r.path, append(text, '\n'))
		}
		if err != nil {
			r.log.Warn("reminders cannot be kept", "err", err)
		}
	}
}

func (r *reminders) read() map[string]notice.Told {
	all := map[string]notice.Told{}
	text, err := os.ReadFile(r.path)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Warn("reminders cannot be read", "err", err)
	}
	if all == nil { // the file says null
		all = map[string]notice.Told{}
	}
	return all
}
