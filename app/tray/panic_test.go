package tray

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/assets"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// brittleBar panics at its first paint.
type brittleBar struct {
	painted int
}

func (b *brittleBar) setTooltip(string) {
	if b.painted++; b.painted == 1 {
		panic("injected")
	}
}
func (b *brittleBar) setIcon(assets.Icon)    {}
func (b *brittleBar) setTitle(Entry, string) {}
func (b *brittleBar) show(Entry)             {}
func (b *brittleBar) hide(Entry)             {}
func (b *brittleBar) check(Entry, bool)      {}

// TestPanicInThePaint: a panic while painting is reported, and the next picture is painted.
func TestPanicInThePaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes := make(chan struct{}, 1)
		var port atomic.Int64
		told := 0
		cfg := (&program{
			snapshot: func() *conn.Snapshot {
				return &conn.Snapshot{State: conn.Connected, Since: time.Now(), Gateway: ib.Gateway{
					Port: int(port.Load()),
				}}
			},
			changes: changes,
			panicked: func(what any, stack []byte) {
				if told++; what != "injected" || !strings.Contains(string(stack), "brittleBar") {
					t.Errorf("%v %s", what, stack)
				}
			},
		}).config(slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		b, done := &brittleBar{}, make(chan struct{})
		go func() { defer close(done); newTray(cfg).follow(ctx, b, View{}) }()
		synctest.Wait()
		port.Store(4002)
		changes <- struct{}{}
		synctest.Wait()
		if told != 1 || b.painted != 2 {
			t.Errorf("told %d times, painted %d times", told, b.painted)
		}
		cancel()
		<-done
	})
}

// TestSteady: a loop that panicked starts again, but not after the end.
func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		cfg := (&program{panicked: func(any, []byte) { told++ }}).config(slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		newTray(cfg).steady(ctx, func() { panic("injected") })
		if told != 3 {
			t.Errorf("told %d times in 2.5 s", told)
		}
		newTray(cfg).steady(ctx, func() {})
	})
}
