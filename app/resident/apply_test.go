package resident

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/app/home"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// started runs the whole program on a home with settings, and returns what ends it.
func started(t *testing.T, text string) (p *program, end func()) {
	t.Helper()
	h := home.At(t.TempDir())
	if err := os.WriteFile(h.Settings(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = newProgram(h, "dev", nil, io.Discard, io.Discard)
	t.Cleanup(func() { p.logFile.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.run(ctx, nil, false, new(atomic.Bool)) }()
	if !eventually(t, func() bool {
		_, err := home.ReadCard(h.Card())
		return err == nil
	}) {
		t.Fatal("it does not run")
	}
	return p, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func listen(t *testing.T) (ln net.Listener, port int) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, ln.Addr().(*net.TCPAddr).Port
}

// TestApply changes a setting of each consumer and changes it back.
func TestApply(t *testing.T) {
	t.Setenv("TEST_HOOK", "http://127.0.0.1:1/hook")
	gateway, gatewayPort := listen(t)
	free, apiPort := listen(t)
	free.Close()
	dialled := make(chan struct{}, 1)
	go func() {
		for {
			c, err := gateway.Accept()
			if err != nil {
				return
			}
			c.Close()
			select {
			case dialled <- struct{}{}:
			default:
			}
		}
	}()
	p, end := started(t, `{"api": {"port": 0}, "gateway": {"port": 1}, "trading": {"arm_at_start": true}}`)
	defer end()
	c := p.settings.consumers
	old := *p.settings.current.Load()
	s := old
	s.Gateway.Port, s.Gateway.ClientID, s.API.Port, s.Log.Level, s.Webhook.URL = gatewayPort, 18, apiPort, "debug",
		"env:TEST_HOOK"
	s.Notices.DesktopAfterSeconds, s.Notices.Desktop, s.Alerts.AfterSeconds, s.Trading.MaxTickAgeSeconds = 77, false,
		78, 2.5
	s.MarketHours = settings.MarketHours{Days: []string{"mon"}, Open: "09:30", Close: "16:00", Timezone: "UTC"}
	inEffect := map[string]func() bool{
		"log": func() bool { return p.settings.consumers.level.Level() == slog.LevelDebug },
		"desktop": func() bool {
			return !slices.Contains(p.desktop.Env(), "TEST_HOOK=http://127.0.0.1:1/hook")
		},
		"desktop notifications": func() bool {
			n := p.notifications.desktop.Load()
			return n.After == 77*time.Second && n.Off
		},
		"remote notifications": func() bool {
			n := p.notifications.remote.Load()
			return n.After == 78*time.Second && !n.Off
		},
		"client id of notices": func() bool { return p.notifications.desktop.Load().ClientID == 18 },
		"alert channels": func() bool {
			c.alerts.mu.Lock()
			defer c.alerts.mu.Unlock()
			return c.alerts.config.Webhook != nil
		},
		"uptime":         func() bool { return c.history.hours.Load().Location == time.UTC },
		"hours of rules": func() bool { return c.trading.marketHours.Load().Location == time.UTC },
		"age of ticks":   func() bool { return c.trading.maxTickAge.Load() == int64(2500*time.Millisecond) },
		"API":            func() bool { return p.servers.port() == apiPort },
	}
	expect := func(when string, want bool) {
		t.Helper()
		for name, ok := range inEffect {
			if ok() != want {
				t.Errorf("%s: %s in effect: %v", when, name, !want)
			}
		}
	}
	expect("at the start", false)
	if armed, _ := c.trading.desk.Armed(); !armed {
		t.Error("trading is not on at the start")
	}
	if err := c.Apply(old, s); err != nil {
		t.Fatal(err)
	}
	expect("after Apply", true)
	if armed, _ := c.trading.desk.Armed(); armed {
		t.Error("trading is on with another client id")
	}
	select {
	case <-dialled:
	case <-time.After(patience):
		t.Error("the new port of Gateway is not dialled")
	}
	want := fmt.Sprintf("http://127.0.0.1:%d", apiPort)
	if card, err := home.ReadCard(p.home.Card()); err != nil || card.URL != want {
		t.Errorf("api.json has %s, %v", card.URL, err)
	}
	if err := c.Apply(s, old); err != nil {
		t.Fatal(err)
	}
	delete(inEffect, "API") // port 0 is any port, also the present one
	if p.servers.port() == apiPort {
		inEffect["API"] = func() bool { return false }
	}
	expect("after Apply of the old settings", false)
}

// TestApplyRefused has the connection refuse settings, since it has ended: no other part has them either.
func TestApplyRefused(t *testing.T) {
	free, apiPort := listen(t)
	free.Close()
	p, end := started(t, `{"api": {"port": 0}, "gateway": {"port": 1}}`)
	old := *p.settings.current.Load()
	url := p.servers.url()
	end()
	s := old
	s.API.Port, s.Log.Level, s.Trading.MaxTickAgeSeconds = apiPort, "debug", 2.5
	if err := p.settings.consumers.Apply(old, s); !errors.Is(err, conn.ErrNotRunning) {
		t.Fatal(err)
	}
	if p.settings.consumers.level.Level() == slog.LevelDebug ||
		p.servers.url() != url || p.backend.trading.maxTickAge.Load() == int64(
		2500*time.Millisecond) {
		t.Error("settings that were refused are in effect")
	}
	if _, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", apiPort)); err == nil {
		t.Error("the API answers at a port that was refused")
	}
	// The same by the API: the file is as before.
	text, err := settings.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(p.home.Settings())
	if err := p.settings.SaveSettings(t.Context(), text, ""); !errors.Is(err, conn.ErrNotRunning) {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(p.home.Settings()); err != nil || string(after) != string(before) {
		t.Errorf("settings.json was %s and is %s, %v", before, after, err)
	}
	if _, err := os.Stat(filepath.Join(p.home.State, "settings.last-good.json")); err != nil {
		t.Error(err)
	}
}

// TestPortThatWasTaken has another program have the port of the API at the start, and let it go.
func TestPortThatWasTaken(t *testing.T) {
	other, port := listen(t)
	p, end := started(t, fmt.Sprintf(`{"api": {"port": %d}, "gateway": {"port": 1}}`, port))
	defer end()
	before := p.servers.current()
	healthy := func(srv *server.Server) {
		t.Helper()
		c := api.NewClient(srv.Card())
		defer c.Close()
		if _, _, err := c.Status(t.Context()); err != nil {
			t.Errorf("%s: %v", srv.URL(), err)
		}
	}
	p.settings.takePort()
	if p.servers.current() != before || p.servers.port() == port {
		t.Fatalf("it is at port %d, which is taken", p.servers.port())
	}
	other.Close()
	p.settings.takePort()
	if p.servers.port() != port {
		t.Fatalf("it is at port %d, want %d", p.servers.port(), port)
	}
	healthy(before)
	healthy(p.servers.current())
	now := p.servers.current()
	p.settings.takePort()
	if p.servers.current() != now {
		t.Error("it was replaced again")
	}
	text := fmt.Appendf(nil, `{"api": {"port": %d}, "gateway": {"port": 1}}`, before.Port())
	if err := p.settings.SaveSettings(t.Context(), text, ""); err != nil {
		t.Fatal(err)
	}
	if p.servers.current() != before {
		t.Fatalf("it is at port %d, want %d, which is its own", p.servers.port(), before.Port())
	}
	healthy(before)
	for { // the one in between ends
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			break
		}
		c.Close()
		time.Sleep(time.Millisecond)
	}
}

// TestAcceptedIsInEffect changes the mode of accounts: once they are shown, trading is off.
func TestAcceptedIsInEffect(t *testing.T) {
	p, end := started(t, `{"api": {"port": 0}, "gateway": {"port": 1, "mode": "paper"}, "trading": {"arm_at_start": true}}`)
	defer end()
	s := *p.settings.current.Load()
	s.Gateway.Mode = string(ib.Live)
	text, err := settings.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.settings.SaveSettings(t.Context(), text, ""); err != nil {
		t.Fatal(err)
	}
	if armed, _ := p.backend.trading.desk.Armed(); armed || p.backend.Settings().Settings.Gateway.Mode != string(
		ib.Live) {
		t.Errorf("armed: %v, with %+v", armed, p.backend.Settings())
	}
}

// TestFollowComesLate has the watcher deliver what it read before other settings were saved: those stay.
func TestFollowComesLate(t *testing.T) {
	p, end := started(t, `{"api": {"port": 0}, "gateway": {"port": 1}}`)
	defer end()
	before := *p.settings.current.Load()
	saved := before
	saved.Trading.OrdersPerDay = 7
	body, err := settings.Marshal(saved)
	if err == nil {
		err = p.settings.SaveSettings(t.Context(), body, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	p.settings.follow(before)
	if got := p.settings.current.Load().Trading.OrdersPerDay; got != 7 {
		t.Errorf("%d orders per day, want 7", got)
	}
}
