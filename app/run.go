package main

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
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/tray"
	"gatewatch/conn"
	"gatewatch/engine"
)

type runCmd struct {
	Headless bool `help:"Run without a tray and without a window."`
	Demo     bool `help:"Connect to a simulated gateway inside the program, which plays a short story of faults."`
}

// stopLimit bounds a clean stop.
const stopLimit = 800 * time.Millisecond

// resident is the running program.
type resident struct {
	home    home
	demo    *demo // nil unless --demo
	log     *slog.Logger
	level   *slog.LevelVar
	screen  *console
	started time.Time
	sup     *conn.Supervisor

	hub    hub
	window shower

	settings atomic.Pointer[settings.Settings]
	changing sync.Mutex // one change of settings at a time

	mu      sync.Mutex
	api     *api.Server
	problem string // why settings.json is not in force, empty if it is
}

func (r runCmd) Run(ctx context.Context, c *cli) error {
	h := homeAt(c.Home)
	var story *demo
	if r.Demo {
		var err error
		if story, err = newDemo(ctx); err != nil {
			return err
		}
		defer story.close()
		if c.Home == "" { // a demo leaves the user's own folders alone
			h = homeAt(story.dir)
		}
	}
	if err := h.make(); err != nil {
		return err
	}
	release, err := h.claim()
	if errors.Is(err, errAlreadyRuns) {
		where := ""
		if card, err := api.ReadCard(h.card()); err == nil {
			where = " at " + card.URL
		}
		return fmt.Errorf("another Gatewatch already runs with this home (%s)%s; `gatewatch status` shows it", h.state, where)
	}
	if err != nil {
		return err
	}
	defer release()
	if !r.Headless {
		leaveOwnConsole()
	}
	// A reader of stdout or stderr that goes away is no reason to end.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	stdout, stderr := newOutlet(os.Stdout), newOutlet(os.Stderr)
	defer stdout.Close()
	defer stderr.Close()
	return newResident(h, story, stdout).run(ctx, stderr, !r.Headless)
}

func newResident(h home, story *demo, stdout io.Writer) *resident {
	r := &resident{home: h, demo: story, level: new(slog.LevelVar), started: time.Now()}
	r.screen = &console{out: stdout, clientID: func() int { return r.settings.Load().Gateway.ClientID }}
	return r
}

// run keeps the program going until ctx ends or the user quits; with a face it shows the tray, where there is one.
func (r *resident) run(ctx context.Context, stderr io.Writer, face bool) error {
	log, file := newLog(r.home.log(), stderr, r.level)
	defer file.Close()
	r.log = log
	tuneMemory()

	s, problem, err := loadSettings(r.home)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if problem != nil {
		log.Error("settings refused, the last good ones are in force", "err", problem)
	}
	if err := r.accept(s); err != nil {
		return &exitError{exitUsage, err}
	}
	cfg, err := connConfig(r.inForce(s))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if r.sup, err = conn.New(cfg, log); err != nil {
		return &exitError{exitUsage, err}
	}
	if err := r.openAPI(s.API.Port); err != nil {
		return err
	}
	defer r.closeAPI()
	log.Info("started", "version", version, "settings", r.home.settings(), "state", r.home.state, "api", r.api.URL())
	r.screen.say("gatewatch", fmt.Sprintf("%s · API %s · settings %s", version, r.api.URL(), r.home.settings()))

	if face {
		if ok, reason := tray.Available(); !ok {
			face = false
			log.Info("no desktop here, running headless", "reason", reason)
			r.screen.say("gatewatch", "No desktop here ("+reason+"): running as with --headless.")
		}
	}
	r.work(ctx, s, face)
	log.Info("stopped", "uptime", time.Since(r.started).Round(time.Second))
	r.screen.say("gatewatch", "stopped")
	return nil
}

// work runs everything until ctx ends and waits for all of it.
func (r *resident) work(ctx context.Context, s settings.Settings, face bool) {
	told, endTold := r.sup.Events()
	defer endTold()
	logged, endLogged := r.sup.Events()
	defer endLogged()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tellers, workers sync.WaitGroup
	// The tellers end with the supervisor, when it has told all there is.
	tellers.Go(func() { r.screen.follow(context.Background(), told, r.sup.Snapshot) })
	tellers.Go(func() { r.logEvents(logged) })
	workers.Go(func() { r.hub.run(ctx, r.sup) })
	workers.Go(func() { r.watchSettings(ctx, s) })
	if r.demo != nil {
		eng := engine.New(r.sup, r.demo.instruments, r.demo, r.log)
		workers.Go(func() { eng.Run(ctx) })
		workers.Go(func() { r.demo.tell(ctx, r.screen, eng) })
	}
	if face {
		notices, endNotices := r.sup.Events()
		defer endNotices()
		workers.Go(func() { r.sendNotices(ctx, notices) })
	}
	workers.Go(func() { r.sup.Run(ctx) })
	if face { // on this goroutine, which is the one that some desktops insist on
		r.showTray(ctx, cancel)
	}
	<-ctx.Done()
	workers.Wait()
	tellers.Wait()
}

// logEvents writes every event to the structured log.
func (r *resident) logEvents(events *conn.EventStream) {
	for {
		e, ok := events.Next(context.Background())
		if !ok {
			return
		}
		level := slog.LevelInfo
		switch e.Kind {
		case conn.EventLost, conn.EventUpstreamLost, conn.EventSuspected, conn.EventAttemptFailed, conn.EventCompeting:
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
		if e.Duration != 0 {
			attrs = append(attrs, slog.Duration("duration", e.Duration.Round(time.Millisecond)))
		}
		r.log.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
	}
}

// inForce returns the settings as they apply to this run: the demo has a gateway of its own.
func (r *resident) inForce(s settings.Settings) settings.Settings {
	if r.demo != nil {
		s.Gateway.Host, s.Gateway.Port, s.Gateway.Mode = "127.0.0.1", r.demo.gateway.Port(), "any"
		s.ResetMinutes, s.ResetWindows = 0, nil
	}
	return s
}

// accept puts settings in force as far as they are not the supervisor's business, and keeps them as the last good.
func (r *resident) accept(s settings.Settings) error {
	if _, err := connConfig(s); err != nil {
		return err
	}
	r.level.Set(s.Log.Severity())
	r.settings.Store(&s)
	if err := settings.Save(r.home.lastGood(), s); err != nil {
		r.log.Warn("the last good settings could not be kept", "err", err)
	}
	if err := settings.WriteSchema(r.home.config); err != nil {
		r.log.Warn("the settings schema could not be written", "err", err)
	}
	return nil
}

func (r *resident) watchSettings(ctx context.Context, s settings.Settings) {
	w := &settings.Watcher{
		Path: r.home.settings(), Current: s,
		OnChange: func(s settings.Settings) { r.reconfigure(ctx, s) },
		OnRecovered: func() {
			r.setProblem("")
			r.log.Info("settings are good again")
		},
		OnError: func(err error) {
			r.setProblem(err.Error())
			r.log.Error("settings refused, those before stay in force", "err", err)
			r.screen.say("SETTINGS", strings.ReplaceAll(err.Error(), "\n", "\n"+strings.Repeat(" ", 24)))
			r.screen.say("SETTINGS", "Refused; those before stay in force.")
		},
	}
	w.Run(ctx)
}

// reconfigure puts changed settings in force while the program runs.
func (r *resident) reconfigure(ctx context.Context, s settings.Settings) {
	r.changing.Lock()
	defer r.changing.Unlock()
	if len(settings.Diff(*r.settings.Load(), s)) == 0 {
		return
	}
	old := *r.settings.Load()
	cfg, err := connConfig(r.inForce(s))
	if err == nil {
		err = r.sup.Configure(ctx, cfg)
	}
	if err != nil {
		r.log.Error("settings refused, those before stay in force", "err", err)
		return
	}
	if err := r.accept(s); err != nil {
		r.log.Error("settings refused", "err", err)
		return
	}
	r.hub.nudge()
	r.log.Info("settings changed", "keys", strings.Join(settings.Diff(old, s), " "))
	if s.API.Port != old.API.Port && s.API.Port != r.apiPort() {
		if err := r.openAPI(s.API.Port); err != nil {
			r.log.Error("api stays where it is", "err", err)
			return
		}
		r.screen.say("API", r.apiURL())
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

// openAPI listens on the given port and closes the server before it, if there was one.
func (r *resident) openAPI(port int) error {
	srv, err := api.Listen(port, r, r.log)
	if err != nil {
		return err
	}
	if err := api.WriteCard(r.home.card(), srv); err != nil {
		srv.Close(context.Background())
		return err
	}
	r.mu.Lock()
	old := r.api
	r.api = srv
	r.mu.Unlock()
	if old != nil {
		closeServer(old)
	}
	return nil
}

func (r *resident) closeAPI() {
	r.mu.Lock()
	defer r.mu.Unlock()
	api.RemoveCard(r.home.card(), r.api)
	closeServer(r.api)
}

func closeServer(s *api.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit/4)
	defer cancel()
	s.Close(ctx)
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

// tempHome returns a new folder for a demo.
func tempHome() (string, error) {
	dir, err := os.MkdirTemp("", "gatewatch-demo-")
	if err != nil {
		return "", err
	}
	return filepath.Clean(dir), nil
}
