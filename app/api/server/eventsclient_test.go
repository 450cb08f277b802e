package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/api/sse"
	"gatewatch/conn"
	"gatewatch/conn/nudge"
)

// player is a backend whose status a test sets.
type player struct {
	Backend
	mu       sync.Mutex
	st       api.Status
	view     api.SettingsView
	news     nudge.Subscribers
	refusal  error
	saved    []byte
	commands []string
	hangs    atomic.Bool
}

// Answers hangs while the supervisor does.
func (p *player) Answers(ctx context.Context) error {
	if p.hangs.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (p *player) set(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.st.Seq = seq
	p.news.Nudge()
}

func (p *player) Status() api.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.st
}

func (p *player) Subscribe() (<-chan struct{}, func()) { return p.news.Subscribe() }

func (p *player) command(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, name)
	return nil
}

func (p *player) Connect(context.Context) error    { return p.command("connect") }
func (p *player) Disconnect(context.Context) error { return p.command("disconnect") }
func (p *player) Show(context.Context) error       { return p.command("show") }
func (p *player) Settings() api.SettingsView       { return p.view }

func (p *player) SaveSettings(_ context.Context, body []byte, _ string) error {
	p.saved = body
	return p.refusal
}

// answering starts a server and returns a client for it.
func answering(t *testing.T, p *player) (*Server, *api.Client) {
	t.Helper()
	s, err := Listen(0, p, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s, api.NewClient(s.Card())
}

func TestFollow(t *testing.T) {
	p := &player{st: api.Status{State: conn.Connected, Seq: 1}}
	s, c := answering(t, p)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seqs, shown := make(chan uint64, 10), make(chan struct{}, 10)
	ended := make(chan error)
	go func() {
		ended <- c.Follow(ctx, true, func(st api.Status) {
			seqs <- st.Seq
		}, func() { shown <- struct{}{} }, func() { t.Error("quit") })
	}()
	if got := <-seqs; got != 1 {
		t.Errorf("first status has seq %d", got)
	}
	p.set(2)
	if got := <-seqs; got != 2 {
		t.Errorf("second status has seq %d", got)
	}
	if n := s.ShowWindow(); n != 1 {
		t.Errorf("%d windows listen", n)
	}
	<-shown
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestFollowIsNoWindowUnlessItSaysSo(t *testing.T) {
	p := &player{}
	s, c := answering(t, p)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	first := make(chan struct{}, 1)
	go func() {
		ended <- c.Follow(ctx, false, func(api.Status) {
			first <- struct{}{}
		}, func() { t.Error("shown") }, func() { t.Error("quit") })
	}()
	<-first
	if n := s.ShowWindow(); n != 0 {
		t.Errorf("%d windows listen", n)
	}
	cancel()
	<-ended
}

func TestFollowEndsWithTheServer(t *testing.T) {
	p := &player{}
	s, err := Listen(0, p, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(s.Card())
	first, ended := make(chan struct{}, 1), make(chan error)
	follow := func() error {
		return c.Follow(context.Background(), true, func(api.Status) {
			first <- struct{}{}
		}, func() {}, func() { t.Error("quit") })
	}
	go func() { ended <- follow() }()
	<-first
	s.Close(context.Background())
	if err := <-ended; err == nil || errors.Is(err, api.ErrNotRunning) {
		t.Errorf("a server that ends: %v", err)
	}
	if err := follow(); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("a server that is gone: %v", err)
	}
	// The next one has another token.
	other, _ := answering(t, p)
	c = api.NewClient(api.Card{URL: other.URL(), Token: s.Token()})
	if err := follow(); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("a server of another life: %v", err)
	}
}

func TestFollowLearnsThatTheProgramEnds(t *testing.T) {
	s, err := Listen(0, &player{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(s.Card())
	var windows sync.WaitGroup
	var quits atomic.Int32
	first := make(chan struct{}, 2)
	for _, window := range []bool{true, false} {
		windows.Go(func() {
			if err := c.Follow(context.Background(), window, func(api.Status) {
				first <- struct{}{}
			}, func() {}, func() { quits.Add(1) }); !errors.Is(err, sse.ErrEnded) {
				t.Errorf("ended with %v", err)
			}
		})
		<-first
	}
	s.End(context.Background())
	windows.Wait()
	if n := quits.Load(); n != 2 {
		t.Errorf("%d of 2 were told", n)
	}
}

// TestHungSupervisor has the HTTP server answer while the supervisor of the connection hangs: no heartbeat and no event
// is sent, and GET /status says so.
func TestHungSupervisor(t *testing.T) {
	p := &player{st: api.Status{State: conn.Connected, Seq: 1}}
	s, c := answering(t, p)
	seen := make(chan uint64, 10)
	ctx, cancel := context.WithCancel(t.Context())
	follow := func() error {
		return c.Follow(ctx, false, func(st api.Status) { seen <- st.Seq }, func() {}, func() {})
	}
	ended := make(chan error)
	go func() { ended <- follow() }()
	if seq := <-seen; seq != 1 {
		t.Errorf("the first status has seq %d", seq)
	}
	p.hangs.Store(true)
	p.set(2)
	if err := <-ended; !errors.Is(err, api.ErrNotResponding) {
		t.Errorf("the stream of a program that hangs: %v", err)
	}
	if len(seen) != 0 {
		t.Error("a status is sent that may be of any age")
	}
	if _, _, err := c.Status(t.Context()); !errors.Is(err, api.ErrNotResponding) {
		t.Errorf("the status of a program that hangs: %v", err)
	}
	if res, body := ask(t, s, "GET", "/status", ""); res.StatusCode != http.StatusGatewayTimeout ||
		!strings.Contains(body, "not responding") {
		t.Errorf("GET /status: %s %s", res.Status, body)
	}
	p.hangs.Store(false)
	go func() { ended <- follow() }()
	if seq := <-seen; seq != 2 {
		t.Errorf("the status after that has seq %d", seq)
	}
	cancel()
	<-ended
}
