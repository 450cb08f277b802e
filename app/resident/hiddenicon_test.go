package resident

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/notice"
	"gatewatch/app/wording"
	"gatewatch/conn/nudge"
)

// TestHiddenIcon starts again and again while Windows hides the icon: that is said once, and only where it can be seen.
func TestHiddenIcon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reminders.json")
	start := func(hidden bool, err error, prepare func(*notifications)) (said int) {
		synctest.Test(t, func(t *testing.T) {
			log := slog.New(slog.DiscardHandler)
			n := &notifications{
				mute: &mute{Subscribers: &nudge.Subscribers{}}, reminders: &notice.Reminders{Path: path, Log: log},
				log: log, direct: make(chan notice.Notice, 1),
			}
			n.desktop.Store(&notice.Settings{})
			if prepare != nil {
				prepare(n)
			}
			n.sayHiddenIcon(t.Context(), func() (bool, error) { return hidden, err })
			if said = len(n.direct); said == 1 {
				if got := <-n.direct; got.Title != wording.HiddenIconTitle || got.Body == "" || got.Key == "" {
					t.Errorf("%+v", got)
				}
			}
		})
		return said
	}
	off := func(n *notifications) { n.desktop.Store(&notice.Settings{Off: true}) }
	muted := func(n *notifications) { n.mute.until = time.Now().Add(time.Hour) }
	for i, c := range []struct {
		hidden  bool
		err     error
		prepare func(*notifications)
		want    int
	}{
		{},
		{err: errors.New("no registry")},
		{hidden: true, prepare: off},
		{hidden: true, prepare: muted},
		{hidden: true, want: 1},
		{hidden: true},
	} {
		if got := start(c.hidden, c.err, c.prepare); got != c.want {
			t.Errorf("start %d: said %d times, want %d", i, got, c.want)
		}
	}
}
