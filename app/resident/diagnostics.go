package resident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/diagnostics"
)

// Messages returns what GET /messages answers.
func (r *resident) Messages() (list api.Messages) {
	for _, m := range r.sup.Messages() {
		list.Messages = append(list.Messages, api.Message{
			Code: m.Code, Text: m.Text, First: m.First.Local().Round(time.Millisecond), Last: m.Last.Local().Round(time.Millisecond), Count: m.Count,
		})
	}
	return list
}

// Diagnostics returns what GET /diagnostics answers.
func (r *resident) Diagnostics(_ context.Context, goroutines bool) (string, error) {
	r.mu.Lock()
	token, refused := r.api.Token(), r.problem != ""
	r.mu.Unlock()
	s := diagnostics.SourceOf(r.home, *r.settings.Load(), r.version, token)
	s.Refused, s.Goroutines = refused, goroutines
	s.Running = &diagnostics.Running{Status: r.Status(), Alerts: r.Alerts(), Unopened: r.noTrading}
	s.Running.Messages = map[int]uint64{}
	for _, m := range r.sup.Messages() {
		s.Running.Messages[m.Code] += m.Count
	}
	if r.trade != nil {
		m := r.tradingMetrics()
		s.Running.Rules, s.Running.Orders, s.Running.Blocked = words(m.Rules), words(m.Orders), m.Blocked
	}
	var text strings.Builder
	err := diagnostics.Write(&text, s)
	return text.String(), err
}

// words returns counts by the words that they are counted by.
func words[K ~string](counts map[K]int) map[string]int {
	list := map[string]int{}
	for key, n := range counts {
		list[string(key)] = n
	}
	return list
}

// CopyDiagnostics puts diagnostics into the clipboard, or, where that cannot be done, into a file that it brings before the user.
func (r *resident) CopyDiagnostics(ctx context.Context) error {
	text, err := r.Diagnostics(ctx, false)
	if err != nil {
		return err
	}
	return r.bringDiagnostics(ctx, text)
}

func (r *resident) bringDiagnostics(ctx context.Context, text string) error {
	err := copyText(ctx, text, r.childEnv())
	if err == nil {
		r.log.Info("diagnostics are in the clipboard")
		return nil
	}
	path := filepath.Join(r.home.State, "diagnostics.txt")
	if writeErr := os.WriteFile(path, []byte(text), 0o600); writeErr != nil {
		return fmt.Errorf("neither clipboard nor file takes the diagnostics: %w", errors.Join(err, writeErr))
	}
	r.log.Info("diagnostics are in a file: the clipboard cannot be used", "path", path, "err", err)
	if err := openWithDesktop(ctx, path, r.childEnv()); err != nil {
		return openWithDesktop(ctx, r.home.State, r.childEnv())
	}
	return nil
}
