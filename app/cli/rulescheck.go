package cli

import (
	"fmt"

	"gatewatch/app/exit"
	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
)

type checkRulesCmd struct {
	File string `arg:"" type:"path" help:"Rules file to check."`
	JSON bool   `help:"Print the result as JSON: ok, rules, problems."`
}

// checkedRules is what rules check prints with --json.
type checkedRules struct {
	OK       bool              `json:"ok"`
	Rules    []checkedRule     `json:"rules"` // those without a problem
	Problems settings.Problems `json:"problems"`
}

type checkedRule struct {
	Name string `json:"name"`
	Text string `json:"text"` // the rule in a sentence
}

// Run reads the file as the resident program would, which need not run. Nothing takes effect.
func (r checkRulesCmd) Run() error {
	book, found, err := rulebook.Load(r.File)
	switch {
	case err != nil:
		return err
	case !found:
		return exit.With(exit.Usage, fmt.Errorf("there is no file %s", r.File))
	}
	if r.JSON {
		if err := printJSON(checkedOf(book)); err != nil {
			return err
		}
	}
	if len(book.Problems) > 0 {
		return exit.With(exit.Usage, fmt.Errorf("not in order:\n%w", book.Problems))
	}
	if r.JSON {
		return nil
	}
	t := table{rows: [][]string{{"Rule", "What it does"}}}
	for _, rule := range book.Rules {
		t.row(wording.OneLine(rule.Name), wording.OneLine(rulebook.Text(rule)))
	}
	if err := t.write(Stdout); err != nil {
		return err
	}
	fmt.Fprintln(Stdout, "The file is in order.")
	return nil
}

func checkedOf(book rulebook.Book) checkedRules {
	checked := checkedRules{OK: len(book.Problems) == 0, Rules: []checkedRule{}, Problems: settings.Problems{}}
	checked.Problems = append(checked.Problems, book.Problems...) // never null in JSON
	for _, rule := range book.Rules {
		checked.Rules = append(checked.Rules, checkedRule{rule.Name, rulebook.Text(rule)})
	}
	return checked
}
