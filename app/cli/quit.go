package cli

import (
	"context"
	"fmt"

	"gatewatch/app/home"
)

// Quit ends the running program.
type Quit struct{}

// Run returns when the program has exited.
func (Quit) Run(ctx context.Context, p Program) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	if _, err := client.Quit(ctx); err != nil {
		return home.Explain(err)
	}
	if err := p.Home.AwaitExit(ctx); err != nil {
		return err
	}
	fmt.Fprintln(Stdout, "Gatewatch has ended.")
	return nil
}
