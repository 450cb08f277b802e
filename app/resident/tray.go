package resident

import (
	"context"
	"time"

	"gatewatch/app/notice"
	"gatewatch/app/tray"
	"gatewatch/conn"
	"gatewatch/engine"
)

// clickLimit bounds what a click in the tray or on a notice asks of the rest of the program.
const clickLimit = 5 * time.Second

// showTray shows the icon until ctx ends or the user quits. It belongs to the main goroutine.
func (r *resident) showTray(ctx context.Context) {
	changes, end := r.hub.Subscribe()
	defer end()
	do := func(what string, f func(context.Context) error) func() {
		return func() { r.click(ctx, what, f) }
	}
	open := do("open", r.Show)
	tray.Run(ctx, tray.Config{
		View:         r.view,
		Changes:      changes,
		OnOpen:       open,
		OnSettings:   open,
		OnConnect:    do("connect", r.Connect),
		OnDisconnect: do("disconnect", r.Disconnect),
		OnArm:        do("turn on trading", func(ctx context.Context) error { return r.Arm(ctx, false) }),
		OnArmLive:    do("turn on live trading", func(ctx context.Context) error { return r.Arm(ctx, true) }),
		OnDisarm:     do("disarm", r.Disarm),
		OnCancelAll:  do("cancel orders", r.CancelOrders),
		OnMute:       r.hub.Mute,
		OnDiagnose:   do("copy diagnostics", r.CopyDiagnostics),
		OnPanic:      func(what any, stack []byte) { r.parts.Failed("tray", what, stack) },
		OnOpenLogs:   do("open logs", func(ctx context.Context) error { return openWithDesktop(ctx, r.home.State, r.childEnv()) }),
		OnLogin:      do("launch at login", r.toggleLogin),
		OnQuit:       r.Quit,
		OnSessionEnd: r.sessionEnds,
		OnNoHost:     open,
		Monochrome:   r.settings.Load().Tray.Monochrome,
		Log:          r.log,
	})
}

// view is what the tray shows at now.
func (r *resident) view(now time.Time) tray.View {
	s := r.sup.Snapshot()
	r.hub.look(s)
	return tray.ViewOf(s, now, tray.Extra{
		Today: r.today(now), DownSince: r.hub.DownSince(), Muted: r.hub.Muted(now), Trading: r.trayTrading(), AtLogin: r.atLogin(),
	})
}

// sendNotices tells on the desktop what the trader should know, until ctx ends. Settings are asked each time, so a
// change is heeded at once.
func (r *resident) sendNotices(ctx context.Context, events *conn.EventStream, reports *engine.ReportStream) {
	sender := notice.NewSender(notice.Options{
		OnConnect: func() { r.click(ctx, "connect", r.Connect) },
		OnOpen:    func() { r.click(ctx, "open", r.Show) },
		Log:       r.log,
	})
	defer sender.Close()
	notice.Run(ctx, notice.Config{
		Events: events, Reports: reports, Snapshot: r.sup.Snapshot,
		Muted: func(now time.Time) time.Time {
			if !r.settings.Load().Notices.Desktop {
				return now.AddDate(1, 0, 0)
			}
			return r.hub.Muted(now)
		},
		After:    func() time.Duration { return r.settings.Load().Notices.DesktopAfter() },
		Quiet:    func() notice.Quiet { n := r.settings.Load().Notices; return quietOf(n.QuietFrom, n.QuietUntil) },
		Weekly:   r.weekly,
		Told:     r.told(onDesktop),
		Remember: r.remember(onDesktop),
		ClientID: func() int { return r.settings.Load().Gateway.ClientID },
		Sender:   sender, Failing: r.noticesFail, Log: r.log,
	})
}

// click does what a click asks for and logs what came of it.
func (r *resident) click(ctx context.Context, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, clickLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		r.log.Warn("tray action failed", "click", what, "err", err)
	}
}
