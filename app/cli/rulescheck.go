package cli

import (
	"fmt"
	"os"
	"text/tabwriter"

	"gatewatch/app/exit"
	"gatewatch/app/rulebook"
	"gatewatch/app/wording"
)

type checkRulesCmd struct {
	File string `arg:"" type:"path" help:"Rules file to check."`
}

// Run reads the file as the resident program would. Nothing is put in force, and none has to run.
func (r checkRulesCmd) Run() error {
	book, found, err := rulebook.Load(r.File)
	switch {
	case err != nil:
		return err
	case !found:
		return exit.With(exit.Usage, fmt.Errorf("there is no file %s", r.File))
	case len(book.Problems) > 0:
		return exit.With(exit.Usage, fmt.Errorf("not in order:\n%w", book.Problems))
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, rule := range book.Rules {
		fmt.Fprintf(w, "%s\t%s\n", wording.OneLine(rule.Name), wording.OneLine(rulebook.Text(rule)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("The file is in order.")
	return nil
}
