package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conn.EventStream is what Run reads in the program.
var _ Events = (*conn.EventStream)(nil)

// stream is a source of events.
type stream chan conn.Event

func (s stream) Next(ctx context.Context) (conn.Event, bool) {
	select {
	case e, ok := <-s:
		return e, ok
	case <-ctx.Done():
		return conn.Event{}, false
	}
}

// desk is a desktop that notes what it is shown.
type desk struct {
	begin time.Time
	show  func(ctx context.Context, n Notice) error // nil: takes everything

	mu    sync.Mutex
	shown []string
}

func (d *desk) Show(ctx context.Context, n Notice) error {
	if d.show != nil {
		if err := d.show(ctx, n); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown = append(d.shown, fmt.Sprintf("%v %s %s", time.Since(d.begin), n.Kind, n.Key))
	return nil
}

func (d *desk) Close() error { return nil }

func (d *desk) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.shown)
}

// runner is a Run under way in a bubble.
type runner struct {
	events stream
	desk   *desk
	logs   *bytes.Buffer // read it after end
	cancel context.CancelFunc
	done   chan struct{}
}

func startRun(t *testing.T, change func(*Config)) *runner {
	r := &runner{events: make(stream, 100), desk: &desk{begin: time.Now()}, logs: new(bytes.Buffer), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	cfg := Config{
		Events: r.events, Snapshot: func() *conn.Snapshot { return &conn.Snapshot{Gateway: conn.Gateway{Host: "127.0.0.1", Port: 4002}} },
		Sender: r.desk, Log: slog.New(slog.NewTextHandler(r.logs, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	go func() {
		defer close(r.done)
		Run(ctx, cfg)
	}()
	return r
}

func (r *runner) tell(e conn.Event) {
	e.At = time.Now()
	r.events <- e
	synctest.Wait()
}

func (r *runner) end() {
	r.cancel()
	<-r.done
}

func (r *runner) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := r.desk.list(); !slices.Equal(got, want) {
		t.Errorf("shown\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, nil)
		r.tell(started)
		time.Sleep(s)
		r.tell(connected)
		time.Sleep(h)
		r.tell(lostNow)
		time.Sleep(20 * s)
		r.tell(connected)
		time.Sleep(h)
		r.expect(t, "1h0m6s lost incident-2", "1h0m31s back incident-2")
		close(r.events) // the supervisor has ended
		<-r.done
		r.cancel()
		if r.logs.Len() != 0 {
			t.Error(r.logs)
		}
	})
}

func TestRunFollowsSettingsAndMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		limit, until := 5*s, time.Time{}
		r := startRun(t, func(c *Config) {
			c.ClientID = func() int { return 7 }
			c.After = func() time.Duration { mu.Lock(); defer mu.Unlock(); return limit }
			c.Muted = func(time.Time) time.Time { mu.Lock(); defer mu.Unlock(); return until }
		})
		r.tell(connected)
		mu.Lock()
		limit = time.Minute
		mu.Unlock()
		time.Sleep(h)
		r.tell(lostNow)
		time.Sleep(h)
		r.tell(connected)
		time.Sleep(h)
		want := []string{"1h1m0s lost incident-1", "2h0m10s back incident-1"}
		r.expect(t, want...)
		mu.Lock()
		until = time.Now().Add(24 * h)
		mu.Unlock()
		r.tell(lostNow)
		time.Sleep(h)
		r.expect(t, want...)
		mu.Lock()
		until = time.Time{} // unmuted by hand: nobody nudges, it is noticed within a minute
		mu.Unlock()
		time.Sleep(m + s)
		if got := r.desk.list(); len(got) != 3 || !strings.HasSuffix(got[2], "lost incident-2") {
			t.Errorf("shown %v", got)
		}
		r.end()
	})
}

func TestRunWithADesktopThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		var mu sync.Mutex
		hanging := true
		r := startRun(t, nil)
		r.desk.show = func(ctx context.Context, n Notice) error {
			mu.Lock()
			calls++
			hangs := hanging
			mu.Unlock()
			if hangs {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		r.tell(connected)
		for range 3 { // the events are read all the same
			time.Sleep(m)
			r.tell(lostNow)
			time.Sleep(30 * s)
			r.tell(connected)
		}
		time.Sleep(m)
		mu.Lock()
		hanging = false
		if calls != 6 {
			t.Errorf("%d calls, want 6", calls)
		}
		mu.Unlock()
		time.Sleep(20 * m)
		r.expect(t)
		r.tell(lostNow)
		time.Sleep(m)
		if got := r.desk.list(); len(got) != 1 || !strings.HasSuffix(got[0], "lost incident-4") {
			t.Errorf("shown %v", got)
		}
		r.end()
		if log := r.logs.String(); strings.Count(log, "cannot be shown") != 1 || !strings.Contains(log, "shown again") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestRunEndsWhileTheDesktopHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		r := startRun(t, nil)
		r.desk.show = func(context.Context, Notice) error { <-free; return nil } // heeds nothing
		r.tell(connected)
		time.Sleep(m)
		r.tell(lostNow)
		time.Sleep(10 * s)
		begin := time.Now()
		r.end()
		if took := time.Since(begin); took > 2*s {
			t.Errorf("ending took %v", took)
		}
		close(free)
	})
}

func TestRunWithADesktopThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, nil)
		fails := 0
		r.desk.show = func(context.Context, Notice) error {
			if fails++; fails == 2 {
				panic("bad desktop")
			}
			return errors.New("no desktop")
		}
		r.tell(connected)
		for range 3 {
			time.Sleep(h)
			r.tell(lostNow)
			time.Sleep(m)
			r.tell(connected)
		}
		time.Sleep(m)
		r.end()
		if log := r.logs.String(); fails != 6 || strings.Count(log, "\n") != 1 || !strings.Contains(log, "no desktop") {
			t.Errorf("%d failures, log:\n%s", fails, log)
		}
	})
}

func TestOutbox(t *testing.T) {
	o := newOutbox(nil, slog.New(slog.DiscardHandler))
	for i := range 2 * outboxLimit {
		o.put(Notice{Key: fmt.Sprint(i % (outboxLimit + 4)), Title: fmt.Sprint(i)})
	}
	for i := range 10 {
		o.put(Notice{Key: fmt.Sprint(i % 5), Title: fmt.Sprint(2*outboxLimit - 10 + i)})
	}
	seen := map[string]bool{}
	last := ""
	for n, ok := o.take(); ok; n, ok = o.take() {
		if seen[n.Key] {
			t.Errorf("two notices with key %s wait", n.Key)
		}
		seen[n.Key], last = true, n.Title
	}
	if len(seen) > outboxLimit || last != fmt.Sprint(2*outboxLimit-1) {
		t.Errorf("%d wait, the last is %s", len(seen), last)
	}
}

func TestLogged(t *testing.T) {
	var b bytes.Buffer
	l := Logged(slog.New(slog.NewTextHandler(&b, nil)))
	if err := l.Show(t.Context(), Notice{Kind: Lost, Title: "Gone", Body: "a\nb"}); err != nil || l.Close() != nil {
		t.Error(err)
	}
	if got := b.String(); !strings.Contains(got, `title=Gone body="a\nb"`) {
		t.Error(got)
	}
}
