package resident

import (
	"context"
	"log/slog"
	"sync/atomic"

	"gatewatch/app/alert"
	"gatewatch/app/notice"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"
)

// notifications decide what people should know, on the desktop and elsewhere, each by its own settings.
type notifications struct {
	conn      *connection
	mute      *mute
	reminders *notice.Reminders
	failures  *failures
	demo      bool
	direct    chan notice.Notice // to the desktop, as they are
	log       *slog.Logger

	desktop, remote atomic.Pointer[notice.Settings]
}

// configure puts settings in effect.
func (n *notifications) configure(s settings.Settings) {
	quiet := func(from, until string) notice.Quiet {
		var q notice.Quiet
		var err, err2 error
		q.FromHour, q.FromMinute, err = settings.ParseClock(from)
		q.UntilHour, q.UntilMinute, err2 = settings.ParseClock(until)
		if err != nil || err2 != nil { // none are set
			return notice.Quiet{}
		}
		return q
	}
	desktop := notice.Settings{
		Off: !s.Notices.Desktop, After: s.Notices.DesktopAfter(),
		Quiet:  quiet(s.Notices.QuietFrom, s.Notices.QuietUntil),
		Weekly: s.Notices.WeeklyReminder(), ClientID: s.Gateway.ClientID,
	}
	remote := desktop
	remote.Off, remote.After, remote.Quiet = false, s.Alerts.After(), quiet(s.Alerts.QuietFrom, s.Alerts.QuietUntil)
	n.desktop.Store(&desktop)
	n.remote.Store(&remote)
}

// toDesktop shows notifications until ctx ends. Clicks on them connect, or open the window.
func (n *notifications) toDesktop(ctx context.Context, events *conn.EventStream, reports *engine.ReportStream, connect,
	open func(),
) {
	sender := notice.NewSender(notice.Options{OnConnect: connect, OnOpen: open, Log: n.log})
	defer sender.Close()
	notice.Run(ctx, notice.Config{
		Events: events, Reports: reports, Snapshot: n.conn.Snapshot, Settings: &n.desktop, Muted: n.mute.muted,
		Demo: n.demo, Direct: n.direct,
		Reminded: n.reminders.Last(notice.OnDesktop), Remember: n.reminders.Remember(notice.OnDesktop),
		Sender: sender, Failing: func(err error) { n.failures.set(wording.FailingNotifications, err) }, Log: n.log,
	})
}

// toAlerts puts alerts into the outbox until ctx ends.
func (n *notifications) toAlerts(ctx context.Context, box *alert.Outbox, events *conn.EventStream,
	reports *engine.ReportStream,
) {
	notice.Run(ctx, notice.Config{
		Events: retrying{events, box.Retry}, Reports: reports, Snapshot: n.conn.Snapshot, Settings: &n.remote,
		Demo:     n.demo,
		Reminded: n.reminders.Last(notice.ByAlerts), Remember: n.reminders.Remember(notice.ByAlerts),
		Sender: remoteSender{box}, Keep: true, Log: n.log,
		Failing: func(err error) { n.failures.set(wording.FailingAlerts, err) },
	})
}
