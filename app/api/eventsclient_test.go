package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api/sse"
	"gatewatch/conn"
)

// player is a backend whose status a test sets.
type player struct {
	Backend
	mu       sync.Mutex
	st       Status
	view     SettingsView
	nudges   []chan struct{}
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
	for _, c := range p.nudges {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (p *player) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.st
}

func (p *player) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nudges = append(p.nudges, c)
	return c, func() {}
}

func (p *player) command(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, name)
	return nil
}

func (p *player) Connect(context.Context) error    { return p.command("connect") }
func (p *player) Disconnect(context.Context) error { return p.command("disconnect") }
func (p *player) Show(context.Context) error       { return p.command("show") }
func (p *player) Settings() SettingsView           { return p.view }

func (p *player) SaveSettings(_ context.Context, body []byte, _ string) error {
	p.saved = body
	return p.refusal
}

// answering starts a server and returns a client for it.
func answering(t *testing.T, p *player) (*Server, *Client) {
	t.Helper()
	s, err := Listen(0, p, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s, NewClient(s.Card())
}

func TestFollow(t *testing.T) {
	p := &player{st: Status{State: conn.Connected, Seq: 1}}
	s, c := answering(t, p)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seqs, shown := make(chan uint64, 10), make(chan struct{}, 10)
	ended := make(chan error)
	go func() {
		ended <- c.Follow(ctx, true, func(st Status) {
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
		ended <- c.Follow(ctx, false, func(Status) {
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
	c := NewClient(s.Card())
	first, ended := make(chan struct{}, 1), make(chan error)
	follow := func() error {
		return c.Follow(context.Background(), true, func(Status) {
			first <- struct{}{}
		}, func() {}, func() { t.Error("quit") })
	}
	go func() { ended <- follow() }()
	<-first
	s.Close(context.Background())
	if err := <-ended; err == nil || errors.Is(err, ErrNotRunning) {
		t.Errorf("a server that ends: %v", err)
	}
	if err := follow(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a server that is gone: %v", err)
	}
	// The next one has another token.
	other, _ := answering(t, p)
	c = NewClient(Card{URL: other.URL(), Token: s.Token()})
	if err := follow(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a server of another life: %v", err)
	}
}

func TestFollowLearnsThatTheProgramEnds(t *testing.T) {
	s, err := Listen(0, &player{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(s.Card())
	var windows sync.WaitGroup
	var quits atomic.Int32
	first := make(chan struct{}, 2)
	for _, window := range []bool{true, false} {
		windows.Go(func() {
			if err := c.Follow(context.Background(), window, func(Status) {
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

// TestFollowGarbage sees to it that whatever a stream carries, it ends with an error and is not believed.
func TestFollowGarbage(t *testing.T) {
	good, err := json.Marshal(Status{State: conn.Paused})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind, body string
		code       int
		statuses   int
		want       string
	}{
		"not a stream": {kind: "text/html", body: "<p>hello", code: 200, want: "instead of events"},
		"refused":      {kind: "application/json", body: `{"error":"too many streams"}`, code: 503, want: "503"},
		"no JSON": {
			kind: "text/event-stream", body: "event: status\ndata: {oops\n\n", code: 200,
			want: "status in the stream",
		},
		"endless line": {
			kind: "text/event-stream", body: "data: " + strings.Repeat("x", 2*sse.MaxEvent), code: 200,
			want: "too long",
		},
		"endless event": {kind: "text/event-stream", body: strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n",
			1100), code: 200, want: "too long"},
		"ends at once": {kind: "text/event-stream", body: "", code: 200, want: "ended"},
		"ends within":  {kind: "text/event-stream", body: "event: status\ndata: {}\n", code: 200, want: "ended"},
		"noise between": {kind: "text/event-stream", body: "\x00\xff\n: alive\n\nid: 7\nretry: x\n\nevent: " +
			"other\ndata: {\n\nevent: status\ndata: " + string(good) + "\n\n", code: 200, statuses: 1, want: "ended"},
		"no space, CRLF": {kind: "text/event-stream; charset=utf-8", body: "event:status\r\ndata:" + string(good) +
			"\r\n\r\n", code: 200, statuses: 1, want: "ended"},
		"data in two lines": {
			kind: "text/event-stream", body: "event: status\ndata: {\ndata: }\n\n", code: 200,
			statuses: 1, want: "ended",
		},
		"redirect elsewhere": {kind: "text/plain", body: "", code: 302, want: "302"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "http://192.0.2.1/")
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.body)
			}))
			defer srv.Close()
			n := 0
			client := NewClient(Card{URL: srv.URL})
			client.http.Transport = http.DefaultTransport // as if it had proved what it is
			err := client.Follow(context.Background(), false, func(Status) {
				n++
			}, func() { t.Error("shown") }, func() { t.Error("quit") })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ended with %v, want %q", err, c.want)
			}
			if n != c.statuses {
				t.Errorf("%d statuses, want %d", n, c.statuses)
			}
		})
	}
}

// TestFollowGivesUpOnSilence plays a server that says something for a while and then nothing more.
func TestFollowGivesUpOnSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClient(Card{URL: "http://127.0.0.1:1", PID: 1234})
		c.http.Transport = slow(func(w io.Writer) {
			for range 10 { // for longer than a request may take
				time.Sleep(keepAlive)
				fmt.Fprint(w, ": alive\n\n")
			}
			fmt.Fprint(w, "event: status\ndata: {\"seq\":")
			time.Sleep(time.Second)
			fmt.Fprint(w, "9}\n\n")
		})
		var seq uint64
		began := time.Now()
		err := c.Follow(t.Context(), true, func(st Status) { seq = st.Seq }, func() {}, func() {})
		if !errors.Is(err, ErrNotResponding) || !strings.Contains(err.Error(), "1234") || seq != 9 {
			t.Errorf("ended with %v, seq %d", err, seq)
		}
		if quiet := time.Since(began) - 10*keepAlive - time.Second; quiet < 2*keepAlive || quiet > sse.Silence {
			t.Errorf("silent for %v, which is to be noticed within %v and not before two heartbeats are missing", quiet,
				sse.Silence)
		}
	})
}

// TestHungSupervisor has the HTTP server answer while the supervisor of the connection hangs: no heartbeat and no event
// is sent, and GET /status says so.
func TestHungSupervisor(t *testing.T) {
	p := &player{st: Status{State: conn.Connected, Seq: 1}}
	s, c := answering(t, p)
	seen := make(chan uint64, 10)
	ctx, cancel := context.WithCancel(t.Context())
	follow := func() error {
		return c.Follow(ctx, false, func(st Status) { seen <- st.Seq }, func() {}, func() {})
	}
	ended := make(chan error)
	go func() { ended <- follow() }()
	if seq := <-seen; seq != 1 {
		t.Errorf("the first status has seq %d", seq)
	}
	p.hangs.Store(true)
	p.set(2)
	if err := <-ended; !errors.Is(err, ErrNotResponding) {
		t.Errorf("the stream of a program that hangs: %v", err)
	}
	if len(seen) != 0 {
		t.Error("a status is sent that may be of any age")
	}
	if _, _, err := c.Status(t.Context()); !errors.Is(err, ErrNotResponding) {
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

// TestSilentServerInWords asks a program that accepts connections and does not answer.
func TestSilentServerInWords(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := NewClient(Card{URL: "http://" + ln.Addr().String(), Token: "x", PID: 77})
	began := time.Now()
	if _, _, err := c.Status(t.Context()); !errors.Is(err, ErrNotResponding) ||
		!strings.HasSuffix(err.Error(), "not responding (process 77)") {
		t.Errorf("status: %v", err)
	}
	t.Logf("noticed after %v", time.Since(began))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Guard(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("guard, given up: %v", err)
	}
}

// slow is a transport without a network whose answer is a stream that never ends.
type slow func(io.Writer)

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	out, in := io.Pipe()
	go s(in)
	context.AfterFunc(r.Context(), func() { in.CloseWithError(r.Context().Err()) })
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: out, Request: r,
	}, nil
}
