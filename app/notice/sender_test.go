//go:build !windows && !darwin

package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"gatewatch/app/tray/sessionbus"
	"gatewatch/app/tray/sessionbus/bustest"
	"gatewatch/conn"
)

// patient bounds every wait in these tests.
const patient = time.Minute

// note is what a server was asked to show.
type note struct {
	App      string
	Replaces uint32
	ID       uint32 // what it answered
	Icon     string
	Summary  string
	Body     string
	Actions  []string
	Hints    map[string]dbus.Variant
	Timeout  int32
}

// server is an org.freedesktop.Notifications.
type server struct {
	t     *testing.T
	bus   *dbus.Conn
	caps  []string
	notes chan note
	hang  chan struct{} // if not nil, no answer before it is closed
	waits chan struct{} // yields a value when an answer begins to wait for that
	dies  bool          // instead of answering

	mu    sync.Mutex
	next  uint32
	asked int // for its capabilities
}

func startServer(t *testing.T, first uint32, hang chan struct{}, caps ...string) *server {
	t.Helper()
	s := &server{
		t: t, bus: bustest.Connect(t), caps: caps, notes: make(chan note, 10), next: first, hang: hang,
		waits: make(chan struct{}, 10),
	}
	if err := s.bus.Export(s, serverPath, serverName); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bus.RequestName(serverName, 0); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) GetCapabilities() ([]string, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.caps, nil
}

func (s *server) Notify(app string, replaces uint32, icon, summary, body string, actions []string,
	hints map[string]dbus.Variant, timeout int32,
) (uint32, *dbus.Error) {
	if s.hang != nil {
		s.waits <- struct{}{}
		<-s.hang
	}
	s.mu.Lock()
	dies := s.dies
	s.mu.Unlock()
	if dies { // what the bus says of a server that ended
		if _, err := s.bus.ReleaseName(serverName); err != nil {
			s.t.Error(err)
		}
		return 0, dbus.NewError("org.freedesktop.DBus.Error.NoReply", nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := replaces
	if id == 0 {
		id, s.next = s.next, s.next+1
	}
	s.notes <- note{app, replaces, id, icon, summary, body, actions, hints, timeout}
	return id, nil
}

func (s *server) got() note {
	s.t.Helper()
	select {
	case n := <-s.notes:
		return n
	case <-time.After(patient):
		s.t.Fatal("nothing was shown")
	}
	return note{}
}

func (s *server) signal(name string, id uint32, body any) {
	s.t.Helper()
	if err := s.bus.Emit(serverPath, serverName+"."+name, id, body); err != nil {
		s.t.Fatal(err)
	}
}

func newTestSender(t *testing.T, o Options) Sender {
	t.Helper()
	f := NewSender(o)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func show(t *testing.T, s Sender, n Notice) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	if err := s.Show(ctx, n); err != nil {
		t.Fatal(err)
	}
}

var (
	lostNotice = Notice{
		Kind: Lost, Key: "incident-3", Title: "Lost & gone", Body: "a <b>b</b> & c\n<script>",
		Urgent: true, Connect: true,
	}
	backNotice = Notice{Kind: Back, Key: "incident-3", Title: "Reconnected", Body: "It is."}
)

func TestServerShowsLostAndBackInOnePlace(t *testing.T) {
	bustest.Start(t)
	srv := startServer(t, 41, nil, "body", "body-markup", "actions")
	f := newTestSender(t, Options{OnConnect: func() {}, OnOpen: func() {}})
	show(t, f, lostNotice)
	n := srv.got()
	if n.App != "Gatewatch" || n.Replaces != 0 || n.Summary != "Lost & gone" || n.Timeout != -1 ||
		n.Icon != "gatewatch" {
		t.Errorf("lost: %+v", n)
	}
	if want := "a &lt;b&gt;b&lt;/b&gt; &amp; c\n&lt;script&gt;"; n.Body != want {
		t.Errorf("body %q, want %q", n.Body, want)
	}
	if want := []string{"default", "Open window", "connect", "Connect now"}; !slices.Equal(n.Actions, want) {
		t.Errorf("actions %q, want %q", n.Actions, want)
	}
	if n.Hints["urgency"].Value() != byte(2) || n.Hints["desktop-entry"].Value() != "gatewatch" {
		t.Errorf("hints %v", n.Hints)
	}
	show(t, f, backNotice)
	n = srv.got()
	if n.Replaces != 41 || n.Hints["urgency"].Value() != byte(1) ||
		!slices.Equal(n.Actions, []string{"default", "Open window"}) {
		t.Errorf("back: %+v", n)
	}
	// Another incident stands beside it.
	other := lostNotice
	other.Key = "incident-4"
	show(t, f, other)
	if n = srv.got(); n.Replaces != 0 || n.ID != 42 {
		t.Errorf("another: %+v", n)
	}
	// One that was closed is not replaced.
	for end := time.Now().Add(patient); ; {
		srv.signal("NotificationClosed", 42, uint32(2))
		time.Sleep(10 * time.Millisecond) // nothing shows that the signal has arrived: the loop tries again
		show(t, f, other)
		if n = srv.got(); n.Replaces == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a closed notice is still replaced")
		}
	}
	if srv.asked != 1 {
		t.Errorf("asked for capabilities %d times", srv.asked)
	}
}

func TestServerWithoutCapabilities(t *testing.T) {
	bustest.Start(t)
	srv := startServer(t, 1, nil)
	f := newTestSender(t, Options{OnConnect: func() {}, OnOpen: func() {}})
	show(t, f, lostNotice)
	if n := srv.got(); n.Body != lostNotice.Body || len(n.Actions) != 0 {
		t.Errorf("%+v", n)
	}
}

func TestClicks(t *testing.T) {
	bustest.Start(t)
	srv := startServer(t, 41, nil, "actions")
	clicks := make(chan string, 10)
	var logs bytes.Buffer
	f := newTestSender(t, Options{
		OnConnect: func() { clicks <- "connect"; panic("as planned") }, OnOpen: func() { clicks <- "open" },
		Log: slog.New(slog.NewTextHandler(&logs, nil)),
	})
	show(t, f, lostNotice)
	id := srv.got().ID
	stranger := bustest.Connect(t)
	if err := stranger.Emit(serverPath, serverName+".ActionInvoked", id, "connect"); err != nil {
		t.Fatal(err)
	}
	srv.signal("ActionInvoked", id+1, "connect") // of another program
	srv.signal("ActionInvoked", id, "other")
	srv.signal("ActionInvoked", id, "default")
	srv.signal("ActionInvoked", id, "connect")
	srv.signal("ActionInvoked", id, "connect")
	count := map[string]int{}
	for range 3 {
		select {
		case c := <-clicks:
			count[c]++
		case <-time.After(patient):
			t.Fatal("no click arrives")
		}
	}
	if fmt.Sprint(count) != "map[connect:2 open:1]" {
		t.Errorf("clicks %v", count)
	}
	f.Close()
	select {
	case c := <-clicks:
		t.Errorf("one more click: %s", c)
	default:
	}
	if n := strings.Count(logs.String(), "as planned"); n != 2 {
		t.Errorf("%d panics logged", n)
	}
	if err := f.Show(t.Context(), lostNotice); !errors.Is(err, errClosed) {
		t.Errorf("show after close: %v", err)
	}
}

func TestServerRestarts(t *testing.T) {
	bustest.Start(t)
	srv := startServer(t, 41, nil, "actions")
	clicks := make(chan string, 10)
	f := newTestSender(t, Options{OnConnect: func() { clicks <- "connect" }})
	show(t, f, lostNotice)
	old := srv.got().ID
	srv.bus.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	if err := f.Show(ctx, backNotice); err == nil {
		t.Error("shown by nobody")
	}
	// The new one may have given the old id to a stranger.
	srv = startServer(t, old, nil, "body-markup")
	show(t, f, lostNotice)
	n := srv.got()
	if n.Replaces != 0 || len(n.Actions) != 0 || !strings.Contains(n.Body, "&lt;") {
		t.Errorf("by the new server: %+v", n)
	}
	srv.signal("ActionInvoked", n.ID, "connect")
	select {
	case <-clicks:
	case <-time.After(patient):
		t.Error("no click arrives from the new server")
	}
}

func TestServerDiesWhileItIsAsked(t *testing.T) {
	bustest.Start(t)
	first := startServer(t, 41, nil)
	first.mu.Lock()
	first.dies = true
	first.mu.Unlock()
	second := startServer(t, 7, nil) // waits for the name
	f := newTestSender(t, Options{})
	show(t, f, lostNotice)
	if n := second.got(); n.ID != 7 || n.Replaces != 0 {
		t.Errorf("%+v", n)
	}
}

func TestBusRestarts(t *testing.T) {
	bustest.Start(t)
	srv := startServer(t, 41, nil)
	f := newTestSender(t, Options{})
	show(t, f, lostNotice)
	srv.got()
	// The connection breaks under it.
	f.(*freedesktop).bus.Close()
	show(t, f, backNotice)
	srv.got()
	// Another bus.
	bustest.Start(t)
	srv = startServer(t, 41, nil)
	f.(*freedesktop).bus.Close()
	show(t, f, backNotice)
	if n := srv.got(); n.Replaces != 0 {
		t.Errorf("%+v", n)
	}
}

func TestServerThatNeverAnswers(t *testing.T) {
	bustest.Start(t)
	hang := make(chan struct{})
	srv := startServer(t, 41, hang)
	f := newTestSender(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	shown := make(chan error, 1)
	go func() { shown <- f.Show(ctx, lostNotice) }()
	select {
	case <-srv.waits:
	case <-time.After(patient):
		t.Fatal("the server was not asked")
	}
	cancel()
	select {
	case err := <-shown:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("show: %v", err)
		}
	case <-time.After(patient):
		t.Fatal("it waits for the server")
	}
	close(hang) // it comes round
	srv.got()
	show(t, f, backNotice)
	srv.got()
}

func TestNoOneThere(t *testing.T) {
	for name, address := range map[string]string{
		"no bus": "disabled:", "dead bus": "unix:path=" + filepath.Join(t.TempDir(), "dead"), "no server": "",
	} {
		t.Run(name, func(t *testing.T) {
			if address == "" {
				bustest.Start(t)
			} else {
				t.Setenv(sessionbus.Variable, address)
			}
			f := newTestSender(t, Options{})
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), patient)
				if err := f.Show(ctx, lostNotice); err == nil || ctx.Err() != nil {
					t.Errorf("show: %v", err)
				}
				cancel()
			}
		})
	}
}

// TestRunOnADesktop plays an outage through all three rooms.
func TestRunOnADesktop(t *testing.T) {
	bustest.Start(t)
	srv := startServer(t, 41, nil, "actions", "body-markup")
	clicks := make(chan string, 1)
	f := newTestSender(t, Options{OnConnect: func() {
		select {
		case clicks <- "connect":
		default:
		}
	}})
	r := startRun(t, func(c *Config) {
		c.Sender = f
		c.Settings = new(atomic.Pointer[Settings])
		c.Settings.Store(&Settings{After: 20 * time.Millisecond})
	})
	at := func(e conn.Event, ago time.Duration) { // as from a machine that was slow
		e.At = time.Now().Add(-ago)
		r.events <- e
	}
	at(connected, time.Hour)
	at(lostNow, 5*time.Minute)
	lost := srv.got()
	for clicked, end := false, time.Now().Add(patient); !clicked; {
		srv.signal("ActionInvoked", lost.ID, "connect") // the first may come before the answer that tells the id
		select {
		case <-clicks:
			clicked = true
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatal("no click arrives")
		}
	}
	at(connected, time.Minute)
	back := srv.got()
	if back.Replaces != lost.ID || !strings.HasPrefix(back.Summary, "Reconnected after 4 min ") {
		t.Errorf("back: %+v", back)
	}
	r.end()
}
