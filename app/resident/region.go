package resident

import (
	"context"
	"errors"
	"os"
	"time"

	"gatewatch/app/region"
	"gatewatch/app/wording"
	"gatewatch/conn/calendar"
)

// sayRegion says what was found of the region of this computer: that a jts.ini is ignored, and without a settings file
// which reset window applies.
func (c *configuration) sayRegion(windows calendar.Calendar) {
	f := c.here
	if f.Ignored != "" {
		c.log.Warn("jts.ini is ignored, at least a part of it", "reason", string(f.Ignored))
	}
	if _, err := os.Lstat(c.home.Settings()); err == nil || c.demo {
		return
	}
	c.log.Info("no settings.json: the reset window of a region applies", "region", string(f.Applies()),
		"suggested", string(f.Suggested()))
	c.screen.Say("gatewatch", wording.ResetWindow(f, windows, time.Now()))
	if f.Suggested() != region.Unknown {
		c.screen.Say("gatewatch", "Save it with one click in the window or on the page: `gatewatch open`.")
	}
}

// watchZone shows until ctx ends when this computer is in another time zone than at the start: this process stays in
// that one.
func (c *configuration) watchZone(ctx context.Context) {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		var moved error
		if zone := c.here.Moved(time.Now()); zone != "" {
			moved = errors.New("it is " + zone)
		}
		if c.failures.set(wording.FailingZone, moved) && moved != nil {
			c.log.Warn("the time zone of this computer has changed; this process keeps the one before")
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}
