package cli

import (
	"github.com/alecthomas/kong"

	"gatewatch/app/cli/cmdline"
	"gatewatch/app/exit"
)

// Help shows the help of Gatewatch or of a command.
type Help struct {
	Command []string `arg:"" optional:"" help:"Command, such as rules activate; without it the list of all commands."`
}

// Run shows what COMMAND --help shows.
func (h Help) Run(k *kong.Context) error {
	node := k.Model.Node
	for _, word := range h.Command {
		if node = cmdline.Command(node, word); node == nil {
			return exit.With(exit.Usage, cmdline.Mistake(k.Model, h.Command, nil))
		}
	}
	_, _ = k.Kong.Parse(append(h.Command, "--help")) // which, behind the help, misses the command's arguments
	return nil
}
