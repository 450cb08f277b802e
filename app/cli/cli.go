// Package cli contains the commands that ask the running program, or read what is on disk.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

// Program is the Gatewatch that a command is about.
type Program struct {
	Home    home.Home
	Version string // of this executable
}

// client returns a client of the running program.
func (p Program) client() (*api.Client, error) {
	card, err := home.FindCard(p.Home.Card())
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
		done = wording.Sentence(a.Message)
	}
	fmt.Fprintln(Stdout, done)
	return nil
}

// printList prints what get asks for, as JSON or as write has it for people.
func printList[T any](ctx context.Context, p Program, asJSON bool,
	get func(*api.Client, context.Context) (T, error), write func(io.Writer, T) error,
) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	list, err := get(client, ctx)
	switch {
	case err != nil:
		return home.Explain(err)
	case asJSON:
		return printJSON(list)
	}
	return write(Stdout, list)
}

func printJSON(v any) error {
	enc := json.NewEncoder(Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
