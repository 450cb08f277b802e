package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gatewatch/app/api"
	"gatewatch/conn"
)

// brittle is a backend that panics where it is told to.
type brittle struct {
	fakeBackend
	where  atomic.Value // string
	mu     sync.Mutex
	panics []string
}

func (b *brittle) breaks(where string) {
	if b.where.Load() == where {
		panic("injected in " + where)
	}
}

func (b *brittle) Status() api.Status {
	b.breaks("status")
	return b.fakeBackend.Status()
}

func (b *brittle) Connect(ctx context.Context) error {
	b.breaks("connect")
	return b.fakeBackend.Connect(ctx)
}

func (b *brittle) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half an answer")
		_ = http.NewResponseController(w).Flush()
		b.breaks("metrics")
	})
}

func (b *brittle) Panicked(what any, stack []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panics = append(b.panics, fmt.Sprint(what))
	if !strings.Contains(string(stack), "(*brittle).breaks") {
		b.panics = append(b.panics, "not its stack: "+string(stack))
	}
}

// TestAPanicIsAnAnswer has requests fail inside: each is answered with an error, or cut off where an answer had begun,
// is told to the backend, and the server goes on.
func TestAPanicIsAnAnswer(t *testing.T) {
	b := &brittle{fakeBackend: fakeBackend{status: api.Status{State: conn.Connected}}}
	s := serve(t, b)
	for _, c := range []struct{ where, method, path string }{
		{"status", "GET", "/status"},
		{"connect", "POST", "/connect_ib"},
	} {
		b.where.Store(c.where)
		res, body := ask(t, s, c.method, c.path, "")
		if res.StatusCode != 500 || !strings.Contains(body, "failed inside") || strings.Contains(body, "injected") {
			t.Errorf("%s: %s %s", c.path, res.Status, body)
		}
	}
	b.where.Store("metrics")
	if res, err := http.Get(s.URL() + "/metrics"); err == nil {
		if _, err = io.ReadAll(res.Body); err == nil {
			t.Error("half an answer passes for a whole one")
		}
		res.Body.Close()
	}
	b.where.Store("")
	if res, _ := ask(t, s, "GET", "/status", ""); res.StatusCode != 200 {
		t.Errorf("afterwards: %s", res.Status)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := strings.Join(b.panics, ", "); got != "injected in status, injected in connect, injected in metrics" {
		t.Error(got)
	}
}

func TestDiagnostics(t *testing.T) {
	s := serve(t, &fakeBackend{})
	c := api.NewClient(s.Card())
	for _, goroutines := range []bool{false, true} {
		if text, err := c.Diagnostics(t.Context(), goroutines); err != nil ||
			text != fmt.Sprint("goroutines ", goroutines) {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, header := range []string{"Authorization: -", "Authorization: Bearer x"} {
		if res, body := ask(t, s, "GET", "/diagnostics", "", header); res.StatusCode != 401 ||
			strings.Contains(body, "goroutines") {
			t.Errorf("%s: %s %s", header, res.Status, body)
		}
	}
}
