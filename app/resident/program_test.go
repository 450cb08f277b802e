package resident

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// brittleScreen panics at the first line that says so, and takes the others.
type brittleScreen struct {
	mu     sync.Mutex
	broken bool
	text   bytes.Buffer
}

func (b *brittleScreen) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.broken && bytes.Contains(p, []byte("CONNECTED")) {
		b.broken = true
		panic("injected for DU1234567\nand more")
	}
	return b.text.Write(p)
}

func (b *brittleScreen) says(what string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), what)
}

// TestAPartFails has a part of the whole program panic: the connection and everything else go on, GET /status and the
// metrics tell of it, and the part goes on with what comes next.
func TestAPartFails(t *testing.T) {
	gateway := simtest.Start(t, sim.Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	dir := t.TempDir()
	settings := fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d}, "reconnect": {"delays_seconds": [0.05]}}`, gateway.Port())
	if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	screen := &brittleScreen{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	p := newProgram(home.At(dir), "dev", nil, screen, io.Discard)
	defer p.logFile.Close()
	go func() { done <- p.run(ctx, nil, false, new(atomic.Bool)) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	var card api.Card
	var st api.Status
	var err error
	if !eventually(t, func() bool {
		if card, err = home.ReadCard(home.At(dir).Card()); err != nil {
			return false
		}
		st, _, err = api.NewClient(card).Status(t.Context())
		return err == nil && st.Connected && len(st.Faults) > 0
	}) {
		t.Fatalf("no fault is told: %+v, %v", st, err)
	}
	if f := st.Faults[0]; f.Part != "console" || f.Count != 1 || f.Last != "injected for •••" || f.Gone ||
		f.LastAt.IsZero() {
		t.Errorf("%+v", f)
	}
	res, err := http.Get(card.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(body), `gatewatch_faults_total{part="console"} 1`) ||
		!strings.Contains(string(body), `gatewatch_faults_total{part="engine"} 0`) {
		t.Errorf("%s, %v", body, err)
	}
	gateway.Drop()
	if !eventually(t, func() bool { return screen.says("back after") }) {
		t.Error("the part does not go on")
	}
	text, err := os.ReadFile(home.At(dir).Log())
	if err != nil || !strings.Contains(string(text), "brittleScreen") || strings.Contains(string(text), "DU1234567") {
		t.Errorf("the log says %s, %v", text, err)
	}
}
