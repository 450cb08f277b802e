package resident

import (
	"context"
	"sync"

	"gatewatch/app/alert"
	"gatewatch/app/demo"
	"gatewatch/app/logging"
	"gatewatch/app/tray"
)

// work runs all parts until ctx ends, and waits for them.
func (p *program) work(ctx context.Context, withTray bool) {
	b, sup := p.backend, p.backend.connection.Supervisor
	printed, endPrinted := sup.Events()
	defer endPrinted()
	logged, endLogged := sup.Events()
	defer endLogged()
	kept, endKept := sup.Events()
	defer endKept()
	reports, endReports := p.reports.Subscribe()
	defer endReports()
	var readers, workers sync.WaitGroup
	reader := func(part string, f func()) { readers.Go(func() { p.faults.Run(ctx, part, f) }) }
	worker := func(part string, f func()) { workers.Go(func() { p.faults.Run(ctx, part, f) }) }
	// The readers end with the supervisor, when they have read its last event.
	reader("console", func() { p.screen.Follow(context.Background(), printed, sup.Snapshot) })
	reader("log", func() { logging.Events(p.events, b.status.meter.Take, logged) })
	reader("history", func() { b.connectionLog.keeper.Run(context.Background(), kept) })
	worker("snapshots", func() { b.connection.follow(ctx) })
	toAlerts, endToAlerts := sup.Events()
	defer endToAlerts()
	reportsToAlerts, endReportsToAlerts := p.reports.Subscribe()
	defer endReportsToAlerts()
	worker("secrets", func() { b.alerts.secrets.Watch(ctx) })
	worker("alerts file", func() { b.alerts.open(ctx) })
	worker("delivery", func() { b.alerts.with(ctx, func(box *alert.Outbox) { box.Run(ctx) }) })
	worker("alerts", func() {
		b.alerts.with(ctx, func(box *alert.Outbox) { p.notifications.toAlerts(ctx, box, toAlerts, reportsToAlerts) })
	})
	icon := &trayProgram{
		Subscribers: p.changes, mute: p.mute, ending: b.ending, backend: b, desktop: p.desktop, parts: p.faults,
		folder: p.home.State, log: p.log, ctx: ctx,
	}
	if withTray {
		toDesktop, endToDesktop := sup.Events()
		defer endToDesktop()
		reportsToDesktop, endReportsToDesktop := p.reports.Subscribe()
		defer endReportsToDesktop()
		worker("notices", func() {
			p.notifications.toDesktop(ctx, toDesktop, reportsToDesktop, icon.connect, icon.open)
		})
		worker("hidden icon", func() { p.notifications.sayHiddenIcon(ctx, tray.Hidden) })
	}
	p.crashes.report() // all that read reports have subscribed by now
	worker("settings", func() { p.settings.watch(ctx) })
	worker("time zone", func() { p.settings.watchZone(ctx) })
	worker("reports", func() { logging.Reports(ctx, p.events, p.screen, reports, p.changes.Nudge) })
	worker("login", func() { b.Login.Watch(ctx) })
	if p.lock != nil {
		watch := &homeWatch{
			home: p.home, lock: p.lock, trading: b.trading, settings: p.settings, servers: p.servers,
			failures: p.failures,
			logFile:  p.logFile, log: p.log,
		}
		worker("home", func() { watch.run(ctx) })
	}
	worker("programs", func() { b.Relay.Run(ctx) })
	if t := b.trading; t.ledger != nil {
		worker("engine", func() { t.runEngine(ctx, t.engine.Run) })
		worker("rules", func() { t.file.Watch(ctx) })
		if p.demo != nil {
			worker("demo", func() { demo.Play(ctx, b, p.log, p.screen.Say) })
		}
	}
	workers.Go(func() { b.connection.run(ctx) })
	go func() {
		<-ctx.Done()
		workers.Wait()
		readers.Wait()
		close(b.ending.done)
	}()
	if withTray { // on this goroutine, which is the one that some desktops insist on, and which cannot do that twice
		if !p.faults.Do("tray", func() { p.showTray(icon) }) {
			p.faults.Gone("tray")
		}
	}
	<-b.ending.done
}

// showTray shows the icon until ctx ends. It belongs to the main goroutine.
func (p *program) showTray(icon *trayProgram) {
	tray.Run(icon.ctx, tray.Config{
		Connection: p.backend.connection, Program: icon, Monochrome: p.settings.current.Load().Tray.Monochrome,
		Log: p.log,
	})
}
