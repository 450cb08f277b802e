package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"go.uber.org/goleak"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/app/home"
	"gatewatch/app/settings"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("LINK_TEST_HANG"); dir != "" {
		hang(dir)
	}
	goleak.VerifyTestMain(m)
}

// hang plays a resident program that hangs: it holds the lock of a home and does not quit.
func hang(dir string) {
	l := flock.New(home.At(dir).LockFile())
	if ok, err := l.TryLock(); !ok || err != nil {
		os.Exit(9)
	}
	fmt.Println("locked")
	for { // select {} would end a program without cgo
		time.Sleep(time.Hour)
	}
}

// silentServer accepts connections and answers nothing.
func silentServer(t *testing.T) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return "http://" + ln.Addr().String()
}

// TestHungOrNotRunning has a program hang, end and come back: each is reported once.
func TestHungOrNotRunning(t *testing.T) {
	card := filepath.Join(t.TempDir(), "api.json")
	b := &backend{}
	s := serve(t, b, card)
	l, heard := run(t, card)
	next(t, heard.status)
	b.hangs.Store(true)
	if err := next(t, heard.lost); !errors.Is(err, api.ErrNotResponding) {
		t.Errorf("it hangs: %v", err)
	}
	if err := l.Command(t.Context(), (*api.Client).Connect); !errors.Is(err, api.ErrNotResponding) {
		t.Errorf("connect while it hangs: %v", err)
	}
	s.Close(context.Background())
	if err := next(t, heard.lost); errors.Is(err, api.ErrNotResponding) {
		t.Errorf("it is gone: %v", err)
	}
	b.hangs.Store(false)
	s = serve(t, b, card)
	defer s.Close(context.Background())
	next(t, heard.status)
	if err := l.Command(t.Context(), (*api.Client).Connect); err != nil {
		t.Errorf("connect again: %v", err)
	}
}

// patience bounds every wait.
const patience = time.Minute

// backend is a resident program without anything behind it.
type backend struct {
	server.Backend
	mu      sync.Mutex
	port    int
	failure error
	asked   []string
	nudge   chan struct{} // of the last subscriber
	hangs   atomic.Bool
}

func (b *backend) Status() api.Status { return api.Status{Seq: 1} }

// Answers hangs while the supervisor does.
func (b *backend) Answers(ctx context.Context) error {
	if b.hangs.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (b *backend) Subscribe() (<-chan struct{}, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nudge = make(chan struct{}, 1)
	b.nudge <- struct{}{}
	return b.nudge, func() {}
}

func (b *backend) ask(what string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, what)
	return b.failure
}

func (b *backend) Connect(context.Context) error    { return b.ask("connect") }
func (b *backend) Disconnect(context.Context) error { return b.ask("disconnect") }
func (b *backend) Show(context.Context) error       { return b.ask("show") }

func (b *backend) Settings() api.SettingsView {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := api.SettingsView{Settings: settings.Default(), Defaults: settings.Default()}
	v.Settings.Gateway.Port = b.port
	return v
}

func (b *backend) SaveSettings(_ context.Context, body []byte, _ string) error {
	s, err := settings.Parse("", body)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.port = s.Gateway.Port
	return nil
}

func serve(t *testing.T, b *backend, card string) *server.Server {
	t.Helper()
	s, err := server.Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := home.WriteCard(card, s.Card()); err != nil {
		t.Fatal(err)
	}
	return s
}

// heard is everything that a link has passed on.
type heard struct {
	status   chan api.Status
	settings chan api.SettingsView
	lost     chan error
	show     chan struct{}
	quit     chan struct{}
}

func run(t *testing.T, card string) (*Link, heard) {
	t.Helper()
	h := heard{
		make(chan api.Status, 100), make(chan api.SettingsView, 100), make(chan error, 100),
		make(chan struct{}, 100), make(chan struct{}, 100),
	}
	l := New(card, Face{
		Status: func(s api.Status) { h.status <- s }, Settings: func(v api.SettingsView) { h.settings <- v },
		Lost: func(err error) { h.lost <- err }, Show: func() { h.show <- struct{}{} },
		Quit: func() { h.quit <- struct{}{} },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return l, h
}

func next[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for a %T", v)
	}
	return v
}

func TestFindsTheResidentProgramAgain(t *testing.T) {
	card := filepath.Join(t.TempDir(), "api.json")
	l, heard := run(t, card)
	if err := next(t, heard.lost); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("nobody there: %v", err)
	}
	if err := l.Command(context.Background(), (*api.Client).Connect); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("connect with nobody there: %v", err)
	}
	for range 2 {
		b := &backend{}
		s := serve(t, b, card)
		next(t, heard.status)
		if s.ShowWindow() != 1 {
			t.Error("it is no window for the resident program")
		}
		next(t, heard.show)
		if err := l.Command(context.Background(), (*api.Client).Connect); err != nil || len(b.asked) != 1 {
			t.Errorf("connect: %v, asked %v", err, b.asked)
		}
		s.Close(context.Background())
		next(t, heard.lost)
	}
	if len(heard.quit) > 0 {
		t.Error("a server that moved, or crashed, is taken for the end of the program")
	}
	s := serve(t, &backend{}, card)
	next(t, heard.status)
	s.End(context.Background())
	next(t, heard.quit)
	next(t, heard.lost)
	// Once a loss is passed on it is not passed on again.
	if err := os.WriteFile(card, []byte("{nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * retry) // for what must not happen
	select {
	case err := <-heard.lost:
		t.Errorf("passed on again: %v", err)
	default:
	}
}

func TestTellsSettings(t *testing.T) {
	card := filepath.Join(t.TempDir(), "api.json")
	b := &backend{port: 1}
	s := serve(t, b, card)
	defer s.Close(context.Background())
	l, heard := run(t, card)
	if v := next(t, heard.settings); v.Settings.Gateway.Port != 1 {
		t.Errorf("port %d", v.Settings.Gateway.Port)
	}
	b.mu.Lock()
	b.port = 2
	b.nudge <- struct{}{}
	b.mu.Unlock()
	for end := time.Now().Add(patience); next(t, heard.settings).Settings.Gateway.Port != 2; {
		if time.Now().After(end) {
			t.Fatal("the change is not passed on")
		}
	}
	l.Save(context.Background(), []byte(`{"gateway":{"port":3}}`), func(v api.SettingsView, err error) {
		if err != nil || v.Settings.Gateway.Port != 3 {
			t.Errorf("saved: port %d, %v", v.Settings.Gateway.Port, err)
		}
	})
	l.Save(context.Background(), []byte(`{"gateway":{"port":-1}}`), func(_ api.SettingsView, err error) {
		var refused settings.Problems
		if !errors.As(err, &refused) || refused[0].Key != "gateway.port" {
			t.Errorf("refused: %v", err)
		}
	})
	b.mu.Lock()
	b.failure = errors.New("stopping")
	b.mu.Unlock()
	if err := l.Command(context.Background(), (*api.Client).Disconnect); err == nil {
		t.Error("a refused command is taken for done")
	}
}

// TestStrangerOnTheOldPort has another program answer where the resident one did: the window believes nothing of it,
// and does not send it the token.
func TestStrangerOnTheOldPort(t *testing.T) {
	const token = "THE-TOKEN-OF-THE-DEAD"
	var heard atomic.Value
	heard.Store("")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		heard.Store(heard.Load().(string) + string(dump))
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: status\ndata: {\"connected\": true}\n\n")
	}))
	defer s.Close()
	card := filepath.Join(t.TempDir(), "api.json")
	if err := os.WriteFile(card, fmt.Appendf(nil, `{"url": %q, "token": %q}`, s.URL, token), 0o600); err != nil {
		t.Fatal(err)
	}
	l, told := run(t, card)
	if err := next(t, told.lost); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("lost: %v", err)
	}
	if err := l.Command(context.Background(), (*api.Client).Connect); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("connect: %v", err)
	}
	time.Sleep(2 * retry) // for what must not happen
	if len(told.status) > 0 || len(told.settings) > 0 || len(told.show) > 0 || len(told.quit) > 0 {
		t.Error("the stranger is believed")
	}
	if text := heard.Load().(string); text == "" || strings.Contains(text, token) {
		t.Errorf("it heard %s", text)
	}
}
