package resident

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// heard is a log that passes on its messages.
type heard chan string

func (h heard) Enabled(context.Context, slog.Level) bool      { return true }
func (h heard) Handle(_ context.Context, r slog.Record) error { h <- r.Message; return nil }
func (h heard) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h heard) WithGroup(string) slog.Handler                 { return h }

// TestQuitWaitsForAnOrder has the program asked to end while the desk is busy with an order.
func TestQuitWaitsForAnOrder(t *testing.T) {
	for name, ask := range map[string]func(e *ending, signal context.CancelFunc){
		"asked to quit": func(e *ending, _ context.CancelFunc) { e.Quit(); e.Quit() },
		"by a signal":   func(_ *ending, signal context.CancelFunc) { signal() },
	} {
		t.Run(name, func(t *testing.T) {
			said := make(heard, 100)
			orders, err := ledger.Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer orders.Close()
			busy, release := make(chan struct{}), make(chan struct{})
			// the desk is busy with an order as long as this takes
			desk := engine.NewDesk(orders, engine.Limits{}, func(engine.Report) {
				close(busy)
				<-release
			}, slog.New(said))
			desk.Arm()
			e := newEnding((&trading{desk: desk, logs: logs{log: slog.New(said)}}).finish, slog.New(said))
			ctx, signal := context.WithCancel(t.Context())
			defer signal()
			until, end := e.until(ctx)
			defer end()
			placed := make(chan struct{})
			go func() {
				defer close(placed)
				_, _ = desk.Place(engine.Ticket{})
			}()
			<-busy
			ask(e, signal)
			for waits := false; !waits; {
				select {
				case text := <-said:
					waits = text == "trading is off"
				case <-until.Done():
					t.Error("the program ends in the middle of an order")
					waits = true
				}
			}
			if until.Err() != nil {
				t.Error("the program does not wait for the order")
			}
			close(release)
			<-until.Done()
			<-placed
			if armed, _ := desk.Armed(); armed {
				t.Error("another order could follow")
			}
		})
	}
}

// TestSessionEnds has the desktop end the session while the tray still has its goroutine, as on Windows: when the
// program has been told it may be killed, since trading is disarmed, all has ended and that is written down.
func TestSessionEnds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "settings.json"),
		[]byte(`{"api": {"port": 0}, "gateway": {"port": 1}, "trading": {"arm_at_start": true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProgram(home.At(dir), "dev", nil, io.Discard, io.Discard)
	defer p.logFile.Close()
	done := make(chan error, 1)
	go func() { done <- p.run(t.Context(), nil, false, new(atomic.Bool)) }()
	if !eventually(t, func() bool {
		card, err := home.ReadCard(home.At(dir).Card())
		if err != nil {
			return false
		}
		st, _, err := api.NewClient(card).Status(t.Context())
		return err == nil && st.Trading.Armed && st.Attempt.Number > 0
	}) {
		t.Fatal("it does not run")
	}
	p.backend.SessionEnds()
	select {
	case <-p.backend.ending.done:
	default:
		t.Error("something still runs")
	}
	if armed, _ := p.backend.trading.desk.Armed(); armed {
		t.Error("an order could still leave")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "connection_log.json")); err != nil ||
		!bytes.Contains(text, []byte(`"event":"stopped"`)) {
		t.Errorf("%s, %v", text, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
