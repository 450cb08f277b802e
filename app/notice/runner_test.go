package notice

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

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
	r := &runner{
		events: make(stream, 100), desk: &desk{begin: time.Now()}, logs: new(bytes.Buffer),
		done: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	cfg := Config{
		Events: r.events, Snapshot: func() *conn.Snapshot {
			return &conn.Snapshot{Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002}}
		},
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

func (r *runner) send(e conn.Event) {
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
