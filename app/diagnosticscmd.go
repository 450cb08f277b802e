package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/api"
	"gatewatch/app/diagnostics"
	"gatewatch/app/settings"
)

type diagnosticsCmd struct {
	Goroutines bool   `help:"With the stacks of all goroutines of the running program."`
	Output     string `help:"Write into this file instead of stdout." type:"path" placeholder:"FILE"`
}

// Run asks the running program. Where none runs, or does not answer, what is on disk has to do.
func (d diagnosticsCmd) Run(ctx context.Context, c *cli) error {
	h := homeAt(c.Home)
	text, err := "", error(nil)
	card, cardErr := api.FindCard(h.card())
	if cardErr == nil {
		text, err = api.NewClient(card).Diagnostics(ctx, d.Goroutines)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if text == "" || err != nil {
		if text, err = onDisk(h, card.Token); err != nil {
			return err
		}
	}
	if d.Output == "" {
		_, err = os.Stdout.WriteString(text)
		return err
	}
	if err := os.WriteFile(d.Output, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write diagnostics: %w", err)
	}
	fmt.Println("Written to", d.Output)
	return nil
}

// sourceAt is what every report begins with.
func sourceAt(h home, s settings.Settings, token string) diagnostics.Source {
	return diagnostics.Source{
		Version: version, Now: time.Now(), Settings: s, Secret: alert.Secret, Secrets: []string{token},
		ConfigDir: h.config, StateDir: h.state, LogFile: h.log(),
	}
}

// onDisk reports by what is on disk alone.
func onDisk(h home, token string) (string, error) {
	s, problem, err := loadSettings(h)
	if err != nil {
		s = settings.Default()
	}
	source := sourceAt(h, s, token)
	source.Refused = problem != nil || err != nil
	var text strings.Builder
	err = diagnostics.Write(&text, source)
	return text.String(), err
}

// Diagnostics returns what GET /diagnostics answers.
func (r *resident) Diagnostics(_ context.Context, goroutines bool) (string, error) {
	r.mu.Lock()
	token, refused := r.api.Token(), r.problem != ""
	r.mu.Unlock()
	s := sourceAt(r.home, *r.settings.Load(), token)
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
	path := filepath.Join(r.home.state, "diagnostics.txt")
	if writeErr := os.WriteFile(path, []byte(text), 0o600); writeErr != nil {
		return fmt.Errorf("neither clipboard nor file takes the diagnostics: %w", errors.Join(err, writeErr))
	}
	r.log.Info("diagnostics are in a file: the clipboard cannot be used", "path", path, "err", err)
	if err := openWithDesktop(ctx, path, r.childEnv()); err != nil {
		return openWithDesktop(ctx, r.home.state, r.childEnv())
	}
	return nil
}
