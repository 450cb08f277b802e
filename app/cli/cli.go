// Package cli has the commands that ask the running program, or read what is on disk.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"gatewatch/app/api"
	"gatewatch/app/home"
)

// Program is the Gatewatch that a command is about.
type Program struct {
	Home    home.Home
	Version string // of this executable
}

// client returns a client of the running program.
func (p Program) client() (*api.Client, error) {
	card, err := api.FindCard(p.Home.Card())
	if err != nil {
		return nil, home.Explain(err)
	}
	return api.NewClient(card), nil
}

// command sends a command, and prints the program's answer, or done if that has no text.
func (p Program) command(ctx context.Context, do func(*api.Client, context.Context) (api.Answer, error),
	done string,
) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	a, err := do(client, ctx)
	if err != nil {
		return home.Explain(err)
	}
	if a.Message != "" {
		done = strings.ToUpper(a.Message[:1]) + a.Message[1:] + "."
	}
	fmt.Println(done)
	return nil
}

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// orDash shows that a cell of a table is empty on purpose.
func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
