//go:build !windows && !darwin

package notice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"gatewatch/app/tray/sessionbus"
	"gatewatch/app/wording"
)

// NewSender returns the Sender of this desktop: org.freedesktop.Notifications on the session bus. It connects when
// there is something to show, and again when bus or server were restarted.
func NewSender(o Options) Sender {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &freedesktop{o: o}
}

const (
	serverName = "org.freedesktop.Notifications"
	serverPath = "/org/freedesktop/Notifications"
	iconName   = "gatewatch"

	busLimit = time.Second // for connecting to the bus

	actionConnect = "connect"
	actionOpen    = "default" // the specification's name for a click on the notice itself
)

// markup escapes what a server that takes markup would read as such.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var errClosed = errors.New("sender is closed")

type freedesktop struct {
	o       Options
	showing sync.Mutex // one Show at a time

	mu      sync.Mutex
	closed  bool
	bus     *dbus.Conn
	server  string            // unique name of the server that caps and ids belong to
	caps    map[string]bool   // asked once of each server
	ids     map[string]uint32 // of what is shown, by key
	workers sync.WaitGroup
}

// Show implements [Sender].
func (f *freedesktop) Show(ctx context.Context, n Notice) error {
	f.showing.Lock()
	defer f.showing.Unlock()
	err := f.show(ctx, n)
	if err != nil && gone(err) && ctx.Err() == nil {
		// Bus or server went away since the last notice, or in the middle of this one.
		err = f.show(ctx, n)
	}
	if err != nil {
		return fmt.Errorf("send a notification by %s: %w", serverName, err)
	}
	return nil
}

func (f *freedesktop) show(ctx context.Context, n Notice) error {
	bus, err := f.connect(ctx)
	if err != nil {
		return err
	}
	server, caps, err := f.meet(ctx, bus)
	if err != nil {
		return err
	}
	f.mu.Lock()
	replaces := f.ids[n.Key]
	f.mu.Unlock()

	body := n.Body
	if caps["body-markup"] {
		body = markup.Replace(body)
	}
	actions := []string{}
	if caps["actions"] {
		if f.o.OnOpen != nil {
			actions = append(actions, actionOpen, wording.OpenWindow)
		}
		if f.o.OnConnect != nil && n.Connect {
			actions = append(actions, actionConnect, wording.ConnectNow)
		}
	}
	hints := map[string]dbus.Variant{
		"urgency":       dbus.MakeVariant(byte(1)),
		"desktop-entry": dbus.MakeVariant(iconName),
	}
	if n.Urgent {
		hints["urgency"] = dbus.MakeVariant(byte(2))
	}
	switch n.Kind {
	case Lost, Unstable:
		hints["category"] = dbus.MakeVariant("network.disconnected")
	case Back, Calm:
		hints["category"] = dbus.MakeVariant("network.connected")
	}
	var id uint32
	err = bus.Object(server, serverPath).CallWithContext(ctx, serverName+".Notify", 0,
		appName, replaces, iconName, n.Title, body, actions, hints, int32(-1)).Store(&id)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server == server && f.ids != nil {
		f.ids[n.Key] = id
	}
	return nil
}

// connect returns the connection to the bus, a new one if there is none that lives.
func (f *freedesktop) connect(ctx context.Context) (*dbus.Conn, error) {
	f.mu.Lock()
	bus, closed := f.bus, f.closed
	f.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	if bus != nil && bus.Connected() {
		return bus, nil
	}
	bus, err := sessionbus.Dial(ctx, busLimit)
	if err != nil {
		return nil, err
	}
	signals := make(chan *dbus.Signal, 16)
	bus.Signal(signals)
	if err := bus.AddMatchSignalContext(ctx, dbus.WithMatchInterface(serverName),
		dbus.WithMatchObjectPath(serverPath)); err != nil {
		bus.Close()
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		bus.Close()
		return nil, errClosed
	}
	f.bus, f.server, f.caps, f.ids = bus, "", nil, nil
	f.workers.Go(func() { f.listen(signals) })
	return bus, nil
}

// meet returns the server that runs now, started if need be, and what it can do. An id is only good for the server that
// gave it: another one may have given it to a stranger's notice.
func (f *freedesktop) meet(ctx context.Context, bus *dbus.Conn) (string, map[string]bool, error) {
	var server string
	ask := func() error {
		return bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, serverName).Store(&server)
	}
	if err := ask(); err != nil {
		var started uint32
		if err := bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, serverName,
			uint32(0)).Store(&started); err != nil {
			return "", nil, err
		}
		if err := ask(); err != nil {
			return "", nil, err
		}
	}
	f.mu.Lock()
	if f.server == server {
		defer f.mu.Unlock()
		return server, f.caps, nil
	}
	f.mu.Unlock()
	var list []string
	err := bus.Object(server, serverPath).CallWithContext(ctx, serverName+".GetCapabilities", 0).Store(&list)
	if err != nil && (gone(err) || ctx.Err() != nil) {
		return "", nil, err
	}
	caps := map[string]bool{}
	for _, c := range list {
		caps[c] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server, f.caps, f.ids = server, caps, map[string]uint32{}
	return server, caps, nil
}

// gone reports whether an error says that the other side has gone.
func gone(err error) bool {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		switch e.Name {
		case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
			"org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected":
			return true
		}
		return false
	}
	return !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) && !errors.Is(err, errClosed)
}

// listen takes the clicks of one connection until it closes.
func (f *freedesktop) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		if len(s.Body) < 2 {
			continue
		}
		id, ok := s.Body[0].(uint32)
		if !ok {
			continue
		}
		f.mu.Lock()
		key, ours := "", false
		if s.Sender == f.server { // anyone on the bus can send a signal
			for k, shown := range f.ids {
				if shown == id {
					key, ours = k, true
				}
			}
		}
		if ours && s.Name == serverName+".NotificationClosed" {
			delete(f.ids, key)
		}
		closed := f.closed
		f.mu.Unlock()
		if !ours || closed || s.Name != serverName+".ActionInvoked" {
			continue
		}
		switch s.Body[1] {
		case actionConnect:
			f.call(f.o.OnConnect)
		case actionOpen:
			f.call(f.o.OnOpen)
		}
	}
}

// call runs a callback on a goroutine of its own.
func (f *freedesktop) call(callback func()) {
	if callback == nil {
		return
	}
	f.workers.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				f.o.Log.Error("panic after a click on a notice", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		callback()
	})
}

// Close implements [Sender].
func (f *freedesktop) Close() error {
	f.mu.Lock()
	f.closed = true
	bus := f.bus
	f.mu.Unlock()
	if bus != nil {
		bus.Close()
	}
	done := make(chan struct{})
	go func() {
		f.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(endLimit):
		f.o.Log.Warn("a click on a notice is still being worked on")
	}
	return nil
}
