// Package resident is the program that runs: it keeps the connection, trades, and serves tray, window and API.
//
// Each type has one job and gets what it needs when it is made, in [newProgram] and [program.open]. Settings reach
// all of them through [consumers.Apply]. What the API and the tray may ask of the whole is declared there:
// server.Backend and tray.Program.
package resident

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"gatewatch/app/alert"
	"gatewatch/app/console"
	"gatewatch/app/crash"
	"gatewatch/app/demo"
	"gatewatch/app/desktop"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/logging"
	"gatewatch/app/login"
	"gatewatch/app/notice"
	"gatewatch/app/programs"
	"gatewatch/app/region"
	"gatewatch/app/rulebook"
	"gatewatch/app/rulefile"
	"gatewatch/app/secrets"
	"gatewatch/app/settings"
	"gatewatch/app/tray"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/nudge"
	"gatewatch/engine"
)

// Options say how to run.
type Options struct {
	Home     home.Home
	Version  string
	Headless bool // without a tray and without a window
	Demo     bool // against a simulated gateway inside the program

	// LogStderr writes the structured log to stderr, too, which happens anyway unless stdout is a terminal: that has
	// the same in lines for people.
	LogStderr bool

	Orders *atomic.Bool // set when all is read that a start reads, and orders can be sent from then on
}

// Run runs the program until ctx ends or the user quits. Where one runs already, it opens the window of that one.
func Run(ctx context.Context, o Options) error {
	h := o.Home
	var gateway *demo.Gateway
	if o.Demo {
		var err error
		if gateway, err = demo.Start(); err != nil {
			return err
		}
		defer gateway.Close()
		if h.Flag == "" { // a demo does not touch the user's own folders
			h = home.At(gateway.Dir)
		}
		h = h.WithTrading(gateway.Dir, gateway.Dir) // orders on a simulated gateway are not the user's
	}
	unmade, moved := h.Make(), h.Sweep()
	if errors.Is(unmade, syscall.ENOTDIR) {
		return unmade // a file was named instead of a folder
	}
	lock, err := h.Take(ctx, o.Version, o.Headless)
	if errors.Is(err, home.ErrShown) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	if !o.Headless {
		console.LeaveOwn()
	}
	// A reader of stdout or stderr that goes away is no reason to end.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	stdout := console.NewAsyncWriter(os.Stdout)
	defer stdout.Close()
	var stderr io.Writer
	if o.LogStderr || !term.IsTerminal(int(os.Stdout.Fd())) {
		w := console.NewAsyncWriter(os.Stderr)
		defer w.Close()
		stderr = w
	}
	p := newProgram(h, o.Version, gateway, stdout, stderr)
	defer p.logFile.Close()
	p.lock = lock
	p.failures.set(wording.FailingFiles, unmade)
	return p.run(ctx, moved, !o.Headless, o.Orders)
}

// logs are the structured log and what of it is also printed.
type logs struct {
	log     *slog.Logger // for all parts of the program
	events  *slog.Logger // for what the console says in its own words
	logFile *logging.File
}

// shared is what many parts of the program use.
type shared struct {
	home    home.Home
	version string
	demo    *demo.Gateway // nil unless --demo
	started time.Time
	logs
	screen   *console.Console
	changes  *nudge.Subscribers
	failures *failures
	reports  *engine.Reports // about rules, orders and the program
	faults   *crash.Parts    // restarts parts that panic
}

// program is the whole program.
type program struct {
	shared
	lock          *home.Lock // nil in tests of parts
	crashes       *crashes
	mute          *mute
	desktop       *desktop.Desktop
	servers       *servers
	notifications *notifications
	settings      *configuration
	backend       *backend
}

// newProgram makes all parts. None of them runs yet.
func newProgram(h home.Home, version string, gateway *demo.Gateway, stdout, stderr io.Writer) *program {
	level := new(slog.LevelVar)
	screen := console.New(stdout)
	screen.Demo = gateway != nil
	log, events, file := logging.New(h.Log(), stderr, screen, level)
	logs := logs{log, events, file}
	p := &program{shared: shared{
		home: h, version: version, demo: gateway, started: time.Now(), logs: logs,
		screen: screen, changes: &nudge.Subscribers{}, reports: &engine.Reports{},
	}}
	p.faults = &crash.Parts{Log: log, Hide: hideLine, Changed: p.changes.Nudge}
	p.failures = &failures{changes: p.changes}
	p.crashes = &crashes{home: h, reports: p.reports, screen: p.screen, log: log}
	p.mute, p.desktop = newMute(h.Muted(), p.changes, log), &desktop.Desktop{}
	p.servers = &servers{card: h.Card(), failures: p.failures, screen: p.screen, log: log}

	conn := &connection{changes: p.changes, log: log}
	history := &connectionLog{folder: h.State}
	trading := &trading{
		conn: conn, reports: p.reports, changes: p.changes, logs: logs,
		file: &rulefile.File{Path: h.Rules, Changed: p.changes.Nudge, Screen: p.screen, Log: log, Events: events},
	}
	relay := programs.New(filepath.Dir(h.Orders), p.reports, history.note, p.changes.Nudge, func(err error) bool {
		return p.failures.set(wording.FailingPrograms, err)
	}, log)
	secrets := secrets.New(&alert.Secrets{File: h.Secrets()}, func(err error) bool {
		return p.failures.set(wording.FailingSecrets, err)
	}, log)
	alerts := &alerts{
		path: h.Alerts(), version: version, connected: func() bool { return conn.Snapshot().Connected() },
		secrets: secrets, failures: p.failures, log: log, opened: make(chan struct{}),
	}
	p.notifications = &notifications{
		conn: conn, mute: p.mute, reminders: &notice.Reminders{Path: h.Reminders(), Log: log}, failures: p.failures,
		demo: gateway != nil, direct: make(chan notice.Notice), log: log,
	}
	p.settings = &configuration{
		home: h, demo: gateway != nil, failures: p.failures, changes: p.changes, screen: p.screen, log: log,
		events: p.events,
		consumers: &consumers{
			demo: gateway, level: level, screen: p.screen, desktop: p.desktop, history: history, alerts: alerts,
			notifications: p.notifications, trading: trading, relay: relay, conn: conn, servers: p.servers,
		},
	}
	status := &status{
		version: version, started: p.started, conn: conn, trading: trading, relay: relay, history: history,
		alerts:   alerts,
		settings: p.settings, mute: p.mute, failures: p.failures, parts: p.faults,
	}
	p.backend = &backend{
		status: status, connection: conn, trading: trading, positions: &positions{conn: conn},
		Relay: relay, configuration: p.settings,
		connectionLog: history, alerts: alerts, Secrets: secrets,
		Login: login.New(h.Flag, gateway != nil, p.changes.Nudge, log),
		window: &desktop.Window{
			Card: h.Card(), Server: func() desktop.API { return p.servers.current() }, Demo: gateway != nil,
			Desktop: p.desktop, Parts: p.faults, Log: log,
		},
		bugReport: &bugReport{home: h, status: status, servers: p.servers, desktop: p.desktop, log: log},
		ending:    newEnding(trading.finish, log), mute: p.mute, Subscribers: p.changes,
	}
	p.servers.backend = p.backend
	return p
}

// run keeps the program going until ctx ends or the user quits; withTray shows the tray, where there is a desktop.
func (p *program) run(ctx context.Context, moved []string, withTray bool, orders *atomic.Bool) error {
	defer p.crashes.catch()()
	for _, name := range moved {
		p.log.Warn(movedAside, "now", name)
	}
	tuneMemory()
	p.settings.here = region.Look()
	s, problem, err := p.home.LoadSettings(p.settings.here)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	p.settings.defaults.Store(errors.Is(problem, home.ErrDefaults))
	if problem != nil {
		p.log.Error("settings.json is at fault; the last good settings are in effect, or the defaults", "err", problem)
	}
	b := p.backend
	defer b.trading.closeLedger()
	if err := p.open(s); err != nil {
		return err
	}
	defer b.alerts.close()
	orders.Store(true)
	ctx, end := b.ending.until(ctx)
	defer end()
	if err := p.servers.open(s.API.Port); err != nil {
		return err
	}
	defer p.servers.close()
	p.log.Info("started", "version", p.version, "settings", p.home.Settings(), "state", p.home.State, "api",
		p.servers.url())
	if p.demo != nil {
		p.screen.Say(wording.Demo, "Gatewatch connects to a simulated gateway inside this program. No order is real.")
	}
	p.screen.Say("gatewatch", fmt.Sprintf("%s · API %s · settings %s", p.version, p.servers.url(), p.home.Settings()))
	if p.demo != nil { // its folder is not the one in which commands look
		p.screen.Say("demo", fmt.Sprintf("In another terminal: %s status --home \"%s\"", os.Args[0], p.home.Flag))
	}

	if withTray {
		if ok, reason := tray.Available(); !ok {
			withTray = false
			p.log.Info("no desktop here, running headless", "reason", reason)
			p.screen.Say("gatewatch", "No desktop here ("+reason+"): running as with --headless.")
		}
	}
	p.work(ctx, withTray)
	p.log.Info("stopped", "uptime", time.Since(p.started).Round(time.Second))
	p.screen.Say("gatewatch", "stopped")
	return nil
}

// open opens what the program keeps on disk, and makes supervisor and engine, with the settings of the start.
func (p *program) open(s settings.Settings) error {
	b := p.backend
	c, err := p.settings.consumers.check(s)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	p.settings.consumers.push(c)
	p.settings.keep(s)
	// The schema is written where a record of orders was opened, which that of a demo is not.
	unrecorded := missing(p.home.Orders) && !missing(filepath.Join(filepath.Dir(p.home.Rules), rulebook.SchemaRef))
	b.trading.openLedger(p.home.Orders)
	p.settings.sayRegion(c.conn.Calendar)
	b.connectionLog.keeper = history.NewKeeper(p.home.State, p.started, p.crashes.before(), p.log)
	if c.conn.First, err = history.FirstRun(p.home.State); err != nil {
		p.log.Warn("it is not known whether there was a connection before", "err", err)
	}
	if unrecorded && b.trading.ledger != nil && !c.conn.First && err == nil {
		p.log.Error("the record of orders is missing; an empty one begins", "path", p.home.Orders)
		p.failures.set(wording.FailingLostOrders, errors.New(p.home.Orders))
	}
	if b.connection.Supervisor, err = conn.New(c.conn, p.events); err != nil {
		return exit.With(exit.Usage, err)
	}
	if err := b.trading.open(c.settings); err != nil {
		return err
	}
	b.Relay.Begin()
	b.Relay.Supervisor = b.connection.Supervisor
	if err := b.Relay.Configure(c.settings); err != nil {
		return err
	}
	b.status.meter = b.status.newMetrics()
	return nil
}

// tuneMemory keeps the heap small: the program is idle most of the time, and collections are cheap for it. What only
// the start needed is given back to the system a minute later; by itself Go keeps a megabyte of it. The limit bounds
// what a flood from Gateway leaves between two collections.
func tuneMemory() {
	time.AfterFunc(time.Minute, debug.FreeOSMemory)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(44 << 20)
	}
}
