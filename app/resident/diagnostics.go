package resident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"gatewatch/app/desktop"
	"gatewatch/app/diagnostics"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

// bugReport is the report for bug reports, which has no personal data.
type bugReport struct {
	home    home.Home
	status  *status
	servers *servers
	desktop *desktop.Desktop
	log     *slog.Logger
}

// Diagnostics returns what GET /diagnostics answers.
func (r *bugReport) Diagnostics(_ context.Context, goroutines bool) (string, error) {
	st := r.status
	s := diagnostics.SourceOf(r.home, *st.settings.current.Load(), st.version, r.servers.current().Token())
	s.Refused, s.Goroutines = st.failures.text(wording.FailingSettings) != "", goroutines
	s.Running = &diagnostics.Running{Status: st.Status(), Alerts: st.alerts.Alerts(), Unopened: st.trading.why}
	s.Running.Messages = map[int]uint64{}
	for _, m := range st.conn.said.All() {
		s.Running.Messages[m.Code] += m.Count
	}
	if st.trading.ledger != nil {
		m := st.trading.metrics()
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

// copy puts diagnostics into the clipboard, or, where that fails, into a file that it opens.
func (r *bugReport) copy(ctx context.Context) error {
	text, err := r.Diagnostics(ctx, false)
	if err != nil {
		return err
	}
	return r.hand(ctx, text)
}

func (r *bugReport) hand(ctx context.Context, text string) error {
	err := r.desktop.Copy(ctx, text)
	if err == nil {
		r.log.Info("diagnostics are in the clipboard")
		return nil
	}
	path := filepath.Join(r.home.State, "diagnostics.txt")
	if writeErr := os.WriteFile(path, []byte(text), 0o600); writeErr != nil {
		return fmt.Errorf("neither clipboard nor file takes the diagnostics: %w", errors.Join(err, writeErr))
	}
	r.log.Info("diagnostics are in a file: the clipboard cannot be used", "path", path, "err", err)
	if err := r.desktop.Open(ctx, path); err != nil {
		return r.desktop.Open(ctx, r.home.State)
	}
	return nil
}
