package resident

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"gatewatch/app/notice"
	"gatewatch/app/strict"
)

// Those who are told of the end of support for Gateway's version, each for itself.
const (
	onDesktop = "desktop"
	byAlerts  = "alerts"
)

// told returns what one of them was told in the runs before.
func (r *resident) told(reader string) notice.Told {
	r.reminding.Lock()
	defer r.reminding.Unlock()
	return r.readReminders()[reader]
}

// remember keeps what one of them was told. What cannot be written is told again after the next start.
func (r *resident) remember(reader string) func(notice.Told) {
	return func(t notice.Told) {
		r.reminding.Lock()
		defer r.reminding.Unlock()
		all := r.readReminders()
		all[reader] = t
		text, err := json.MarshalIndent(all, "", "  ")
		if err == nil {
			err = strict.Save(r.home.Reminders(), append(text, '\n'))
		}
		if err != nil {
			r.log.Warn("reminders cannot be kept", "err", err)
		}
	}
}

func (r *resident) readReminders() map[string]notice.Told {
	all := map[string]notice.Told{}
	text, err := os.ReadFile(r.home.Reminders())
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
