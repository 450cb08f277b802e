//go:build !windows && !darwin

package tray

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"

	"gatewatch/app/tray/sessionbus"
)

// busLimit bounds the wait for the session bus to answer.
const busLimit = time.Second

// Available reports whether there is a desktop to show a tray on, and if not, why. A desktop is a session bus that
// answers; whether it has a place for icons only shows later, and may change.
func Available() (ok bool, reason string) {
	c, err := sessionbus.Dial(context.Background(), busLimit)
	if err != nil {
		return false, err.Error()
	}
	c.Close()
	return true, ""
}

// label escapes what a menu reads as a mnemonic.
func label(title string) string { return strings.ReplaceAll(title, "_", "__") }

// run shows the tray by the library's goroutines until ctx ends.
func (t *tray) run(ctx context.Context) {
	bus, err := sessionbus.Dial(ctx, busLimit)
	if err != nil {
		t.noHost(err.Error())
		<-ctx.Done()
		return
	}
	defer bus.Close()
	if address, err := sessionbus.Address(); err == nil {
		// The library looks for itself, and would start a bus where it finds none.
		os.Setenv(sessionbus.Variable, address)
	}

	// Handler and title are fixed when the library exports them. Icon and tooltip set before that are exported, too.
	systray.SetOnTapped(func() { t.act(OpenWindow) })
	systray.SetTitle(Name)
	b := newBar(t)
	v := t.view(View{})
	b.setIcon(v.Icon)
	b.setTooltip(v.Tooltip)
	built, whole := make(chan struct{}), false
	start, end := systray.RunWithExternalLoop(func() {
		defer close(built)
		whole = t.guarded(func() { b.build(v) })
	}, nil)
	start() // exports and returns
	<-built
	if !whole {
		panic("the menu cannot be built") // for the caller of Run
	}

	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	b.listen(ctx, t, &workers)
	workers.Go(func() { t.follow(ctx, b, v) })
	workers.Go(func() { t.steady(ctx, func() { t.watchHost(ctx, bus) }) })
	<-ctx.Done()
	cancel()
	workers.Wait()
	end()
}

const watcherName = "org.kde.StatusNotifierWatcher"

// watchHost logs whether the desktop has a place for icons. The library registers the icon by itself.
func (t *tray) watchHost(ctx context.Context, bus *dbus.Conn) {
	news := make(chan *dbus.Signal, 8)
	bus.Signal(news)
	err := bus.AddMatchSignalContext(ctx,
		dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcherName))
	if err != nil {
		return
	}
	var there bool
	_ = bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, watcherName).Store(&there)
	patience := time.After(t.cfg.HostWait)
	warned := false
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-news:
			if !ok {
				t.cfg.Log.Warn("the session bus has ended, and the tray with it")
				return
			}
			if len(s.Body) < 3 || s.Body[0] != watcherName {
				continue
			}
			owner, _ := s.Body[2].(string)
			there = owner != ""
			if there && warned {
				t.cfg.Log.Info("a tray has come, the icon is shown")
				warned = false
			}
		case <-patience:
			if !there {
				warned = true
				t.noHost("nothing on this desktop shows icons (StatusNotifier)")
			}
		}
	}
}
