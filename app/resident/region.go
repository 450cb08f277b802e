package resident

import (
	"os"
	"time"

	"gatewatch/app/region"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// sayRegion says what was found of the region of this computer: that a jts.ini is ignored, and without a settings file
// which reset window applies.
func (r *resident) sayRegion(windows conn.Calendar) {
	f := r.here
	if f.Ignored != "" {
		r.log.Warn("jts.ini is ignored, at least a part of it", "reason", string(f.Ignored))
	}
	if _, err := os.Lstat(r.home.Settings()); err == nil || r.demo != nil {
		return
	}
	r.log.Info("no settings.json: the reset window of a region applies", "region", string(f.Applies()),
		"suggested", string(f.Suggested()))
	r.screen.say("gatewatch", wording.ResetWindow(f, windows, time.Now()))
	if f.Suggested() != region.Unknown {
		r.screen.say("gatewatch", "Save it with one click in the window or on the page: `gatewatch open`.")
	}
}
