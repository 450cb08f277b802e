package resident

import (
	"context"
	"time"

	"gatewatch/app/notice"
	"gatewatch/app/wording"
)

// hiddenIconAfter is how long after the start Windows has surely noted where the icon is.
const hiddenIconAfter = 20 * time.Second

// sayHiddenIcon says once, ever, how to get the icon out of the overflow of Windows 11, if hidden reports that it is
// there.
func (n *notifications) sayHiddenIcon(ctx context.Context, hidden func() (bool, error)) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(hiddenIconAfter):
	}
	if n.reminders.Last(notice.OfHiddenIcon) != (notice.Reminded{}) {
		return
	}
	is, err := hidden()
	if err != nil {
		n.log.Info("it is not known whether the tray icon is hidden", "err", err)
	}
	if !is || n.desktop.Load().Off || !n.mute.muted(time.Now()).IsZero() {
		return
	}
	select {
	case n.direct <- notice.Notice{
		Kind: notice.HiddenIcon, Key: string(notice.HiddenIcon), At: time.Now(),
		Title: wording.HiddenIconTitle, Body: wording.HiddenIcon,
	}:
		n.reminders.Remember(notice.OfHiddenIcon)(notice.Reminded{From: "overflow"})
	case <-ctx.Done():
	}
}
