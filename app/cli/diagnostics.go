package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"gatewatch/app/api"
	"gatewatch/app/diagnostics"
	"gatewatch/app/home"
	"gatewatch/app/region"
	"gatewatch/app/settings"
)

// Diagnostics creates a report for bug reports.
type Diagnostics struct {
	Goroutines bool   `help:"Include the stacks of all goroutines of the running program."`
	Output     string `help:"Write into this file instead of stdout." type:"path" placeholder:"FILE"`
}

// Run asks the running program. Where none runs, or does not answer, what is on disk has to do.
func (d Diagnostics) Run(ctx context.Context, p Program) error {
	text, err := "", error(nil)
	card, cardErr := home.FindCard(p.Home.Card())
	if cardErr == nil {
		text, err = api.NewClient(card).Diagnostics(ctx, d.Goroutines)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if text == "" || err != nil {
		if text, err = onDisk(p, card.Token); err != nil {
			return err
		}
	}
	if d.Output == "" {
		_, err = io.WriteString(Stdout, text)
		return err
	}
	if err := os.WriteFile(d.Output, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write diagnostics: %w", err)
	}
	fmt.Fprintln(Stdout, "Written to", d.Output)
	return nil
}

// onDisk reports by what is on disk alone.
func onDisk(p Program, token string) (string, error) {
	s, problem, err := p.Home.LoadSettings(region.Look())
	if err != nil {
		s = settings.Default()
	}
	source := diagnostics.SourceOf(p.Home, s, p.Version, token)
	source.Refused = problem != nil || err != nil
	var text strings.Builder
	err = diagnostics.Write(&text, source)
	return text.String(), err
}
