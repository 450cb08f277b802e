package resident

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/api"
	"gatewatch/app/crash"
	"gatewatch/app/demo"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/metrics"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/tray"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/engine"
)

// Options say how to run.
type Options struct {
	Home     home.Home
	Version  string
	Headless bool // without a tray and without a window
	Demo     bool // against a simulated gateway inside the program
}

// stopLimit bounds a clean stop.
const stopLimit = 800 * time.Millisecond

// resident is the running program.
type resident struct {
	home    home.Home
	version string
	lock    *home.Lock    // of the home; nil in tests of parts
	moved   []string      // what was no file and lay in the place of one
	demo    *demo.Gateway // nil unless --demo
	here    region.Found
	log     *slog.Logger
	logFile io.Closer
	level   *slog.LevelVar
	screen  *console
	started time.Time
	sup     *conn.Supervisor

	hub    hub
	parts  crash.Parts   // what must not be able to end the program
	last   *crash.Report // of the run before; nil if that has not crashed
	news   engine.Reports
	window shower
	keeper *history.Keeper
	alerts atomic.Pointer[alert.Outbox] // nil until its file is open
	meter  *metrics.Metrics
	trade  *trading // nil if orders cannot be remembered, and so not be placed
	hours  atomic.Pointer[history.Hours]

	settings atomic.Pointer[settings.Settings]
	changing sync.Mutex // one change of settings at a time

	reminding sync.Mutex // held by who reads or writes reminders.json

	mu      sync.Mutex
	api     *api.Server
	problem string // why settings.json is not in force, empty if it is

	serving    context.Context // ends with the API
	endServing context.CancelFunc
	leaving    sync.WaitGroup // servers at ports before

	alertsOpen chan struct{} // closed when alerts is set

	noTrading string // why there is no trading
	noFiles   string // why files of the home cannot be written; under mu
	noAlerts  string // why no alerts are sent; under mu
	noNotices string // why notifications cannot be shown; under mu

	quit     chan struct{} // closed by Quit
	askQuit  sync.Once
	workDone chan struct{} // closed when all parts have ended, but the tray
	login    login
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
		if h.Flag == "" { // a demo leaves the user's own folders alone
			h = home.At(gateway.Dir)
		}
		h = h.WithTrading(gateway.Dir, gateway.Dir) // orders on a simulated gateway are not the user's
	}
	unmade, moved := h.Make(), h.Sweep()
	if errors.Is(unmade, syscall.ENOTDIR) {
		return unmade // a file was named instead of a folder
	}
	lock, err := takeHome(ctx, h, o.Version, o.Headless)
	if errors.Is(err, errShown) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	if !o.Headless {
		leaveOwnConsole()
	}
	// A reader of stdout or stderr that goes away is no reason to end.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	stdout, stderr := newAsyncWriter(os.Stdout), newAsyncWriter(os.Stderr)
	defer stdout.Close()
	defer stderr.Close()
	r := newResident(h, gateway, stdout)
	r.version, r.lock = o.Version, lock
	r.noFiles, r.moved = said(unmade), moved
	return r.run(ctx, stderr, !o.Headless)
}

func newResident(h home.Home, gateway *demo.Gateway, stdout io.Writer) *resident {
	r := &resident{home: h, demo: gateway, level: new(slog.LevelVar), started: time.Now(), alertsOpen: make(chan struct{}), quit: make(chan struct{}), workDone: make(chan struct{})}
	r.serving, r.endServing = context.WithCancel(context.Background())
	r.screen = &console{out: stdout, clientID: func() int { return r.settings.Load().Gateway.ClientID }}
	return r
}

// run keeps the program going until ctx ends or the user quits; with a face it shows the tray, where there is one.
func (r *resident) run(ctx context.Context, stderr io.Writer, face bool) error {
	log, file := newLog(r.home.Log(), stderr, r.level)
	defer file.Close()
	r.log, r.logFile = log, file
	r.parts.Log, r.parts.Hide, r.parts.Changed = log, hideLine, r.hub.nudge
	defer r.catchCrashes()()
	for _, name := range r.moved {
		log.Warn("something that is not a file was in the place of a file, and was moved aside", "now", name)
	}
	tuneMemory()

	r.here = region.Look()
	s, problem, err := r.home.LoadSettings(r.here)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	if problem != nil {
		log.Error("settings.json is at fault; the last good settings are in effect, or the defaults", "err", problem)
	}
	p, err := r.plan(s)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	r.take(p)
	r.openLedger()
	defer r.closeLedger()
	r.sayRegion(p.conn.Calendar)
	p.conn.Reconcile = r.reconcile()
	if r.sup, err = conn.New(p.conn, log); err != nil {
		return exit.With(exit.Usage, err)
	}
	r.keeper = history.NewKeeper(r.home.State, r.started, r.crashBefore(), log)
	if err := r.openTrading(s); err != nil {
		return err
	}
	r.meter = r.newMetrics()
	defer r.closeAlerts()
	ctx, end := r.untilQuit(ctx)
	defer end()
	if err := r.openAPI(s.API.Port); err != nil {
		return err
	}
	defer r.closeAPI()
	log.Info("started", "version", r.version, "settings", r.home.Settings(), "state", r.home.State, "api", r.api.URL())
	r.screen.say("gatewatch", fmt.Sprintf("%s · API %s · settings %s", r.version, r.api.URL(), r.home.Settings()))

	if face {
		if ok, reason := tray.Available(); !ok {
			face = false
			log.Info("no desktop here, running headless", "reason", reason)
			r.screen.say("gatewatch", "No desktop here ("+reason+"): running as with --headless.")
		}
	}
	r.work(ctx, face)
	log.Info("stopped", "uptime", time.Since(r.started).Round(time.Second))
	r.screen.say("gatewatch", "stopped")
	return nil
}

// work runs everything until ctx ends and waits for all of it.
func (r *resident) work(ctx context.Context, face bool) {
	told, endTold := r.sup.Events()
	defer endTold()
	logged, endLogged := r.sup.Events()
	defer endLogged()
	kept, endKept := r.sup.Events()
	defer endKept()
	reports, endReports := r.news.Subscribe()
	defer endReports()
	var tellers, workers sync.WaitGroup
	teller := func(part string, f func()) { tellers.Go(func() { r.parts.Run(ctx, part, f) }) }
	worker := func(part string, f func()) { workers.Go(func() { r.parts.Run(ctx, part, f) }) }
	// The tellers end with the supervisor, when it has told all there is.
	teller("console", func() { r.screen.follow(context.Background(), told, r.sup.Snapshot) })
	teller("log", func() { r.logEvents(logged) })
	teller("history", func() { r.keeper.Run(context.Background(), kept) })
	worker("hub", func() { r.hub.run(ctx, r.sup) })
	alerted, endAlerted := r.sup.Events()
	defer endAlerted()
	toAlerts, endToAlerts := r.news.Subscribe()
	defer endToAlerts()
	worker("alerts file", func() { r.openAlerts(ctx) })
	worker("delivery", func() { r.withAlerts(ctx, func(box *alert.Outbox) { box.Run(ctx) }) })
	worker("alerts", func() { r.withAlerts(ctx, func(box *alert.Outbox) { r.sendAlerts(ctx, box, alerted, toAlerts) }) })
	if face {
		notices, endNotices := r.sup.Events()
		defer endNotices()
		toNotices, endToNotices := r.news.Subscribe()
		defer endToNotices()
		worker("notices", func() { r.sendNotices(ctx, notices, toNotices) })
	}
	r.tellCrash() // everybody who wants to hear of it listens by now
	worker("settings", func() { r.watchSettings(ctx, *r.settings.Load()) })
	worker("reports", func() { r.tellReports(ctx, reports) })
	worker("login", func() { r.watchLogin(ctx) })
	if r.lock != nil {
		worker("home", func() { r.watchHome(ctx) })
	}
	if t := r.trade; t != nil {
		worker("engine", func() { r.runEngine(ctx, t.engine.Run) })
		worker("rules", func() { r.watchRules(ctx) })
		if r.demo != nil {
			worker("demo", func() { demo.Play(ctx, r, r.log, r.screen.say) })
		}
	}
	workers.Go(func() { r.supervise(ctx) })
	go func() {
		<-ctx.Done()
		workers.Wait()
		tellers.Wait()
		close(r.workDone)
	}()
	if face { // on this goroutine, which is the one that some desktops insist on, and which cannot do that twice
		if !r.parts.Do("tray", func() { r.showTray(ctx) }) {
			r.parts.Gone("tray")
		}
	}
	<-r.workDone
}

// logEvents writes every event to the structured log, and counts it.
func (r *resident) logEvents(events *conn.EventStream) {
	for {
		e, ok := events.Next(context.Background())
		if !ok {
			return
		}
		r.meter.Take(e)
		level := slog.LevelInfo
		switch e.Kind {
		case conn.EventLost, conn.EventUpstreamLost, conn.EventSuspected, conn.EventAttemptFailed, conn.EventCompeting,
			conn.EventOrdersBlocked:
			level = slog.LevelWarn
		}
		if !r.log.Enabled(context.Background(), level) {
			continue
		}
		attrs := []slog.Attr{slog.Uint64("seq", e.Seq), slog.String("state", string(e.State))}
		if e.Session != 0 {
			attrs = append(attrs, slog.Uint64("session", e.Session))
		}
		if e.Attempt != 0 {
			attrs = append(attrs, slog.Int("attempt", e.Attempt))
		}
		if e.Cause != "" {
			attrs = append(attrs, slog.String("cause", string(e.Cause)))
		}
		if e.Code != 0 {
			attrs = append(attrs, slog.Int("code", e.Code))
		}
		if e.Detail != "" {
			attrs = append(attrs, slog.String("detail", e.Detail))
		}
		if e.Farm != "" {
			attrs = append(attrs, slog.String("farm", string(e.Farm)))
		}
		if e.More != 0 {
			attrs = append(attrs, slog.Uint64("more", e.More))
		}
		if e.Duration != 0 {
			attrs = append(attrs, slog.Duration("duration", e.Duration.Round(time.Millisecond)))
		}
		r.log.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
	}
}

func (r *resident) setProblem(text string) {
	r.mu.Lock()
	r.problem = text
	r.mu.Unlock()
	r.hub.nudge()
}

func (r *resident) apiPort() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.api.Port()
}

func (r *resident) apiURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.api.URL()
}

// openAPI listens on the given port.
func (r *resident) openAPI(port int) error {
	srv, err := api.Listen(port, r, r.log)
	if err != nil {
		return err
	}
	if err := api.WriteCard(r.home.Card(), srv); err != nil { // written when it can be
		r.log.Error("api.json cannot be written", "err", err)
		r.filesFail(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.api = srv
	return nil
}

func (r *resident) closeAPI() {
	r.endServing()
	r.leaving.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	api.RemoveCard(r.home.Card(), r.api)
	closeServer(r.api.End)
}

func closeServer(do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit/4)
	defer cancel()
	do(ctx)
}

// tuneMemory keeps the heap small: the program idles most of its life, and pays for a collection gladly.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(64 << 20)
	}
}
