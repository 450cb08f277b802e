package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fatih/color"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/engine/rules"
)

// Rules shows and changes rules.
type Rules struct {
	List       listRulesCmd      `cmd:"" default:"withargs" help:"Show the rules, their states and why (the default)."`
	Check      checkRulesCmd     `cmd:"" help:"Check a rules file; Gatewatch need not run."`
	Activate   activateRuleCmd   `cmd:"" help:"Activate a rule: it watches prices."`
	Deactivate deactivateRuleCmd `cmd:"" help:"Deactivate a rule: it is a draft and does nothing."`
	Delete     deleteRuleCmd     `cmd:"" help:"Delete a rule."`
}

type listRulesCmd struct {
	JSON bool `help:"Print the answer of GET /rules as it is."`
}

func (l listRulesCmd) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, l.JSON, (*api.Client).Rules, writeRules)
}

// writeRules writes rules as a table for people.
func writeRules(out io.Writer, list api.Rules) error {
	switch {
	case len(list.Rules) == 0 && len(list.Problems) == 0:
		fmt.Fprintf(out, "%s They are kept in %s.\n", wording.NoRules, wording.OneLine(list.Path))
	case len(list.Rules) > 0:
		t := table{rows: [][]string{{"Rule", "State", "What it does", "Why"}}, paint: paintRule}
		for _, r := range list.Rules {
			t.row(wording.OneLine(r.Rule.Name), string(r.State), wording.OneLine(r.Text),
				cmp.Or(wording.OneLine(r.Why), none))
		}
		if err := t.write(out); err != nil {
			return err
		}
	}
	for _, p := range list.Problems {
		if p.Line == 0 { // it is about all of the file
			fmt.Fprintf(out, "%s: %s\n", wording.OneLine(list.Path), wording.OneLine(p.Text))
			continue
		}
		fmt.Fprintf(out, "%s:%d:%d: %s: %s\n", wording.OneLine(list.Path), p.Line, p.Column, wording.OneLine(p.Key),
			wording.OneLine(p.Text))
	}
	if list.Reason != "" {
		fmt.Fprintln(out, wording.NoRuleEdits+wording.Sentence(wording.OneLine(list.Reason)))
	}
	return nil
}

func paintRule(column int, text string) *color.Color {
	if column == 1 {
		return ruleColor(rules.State(text))
	}
	return nil
}

type ruleArg struct {
	Name string `arg:"" help:"Name of the rule." complete:"rules"`
}

type activateRuleCmd struct{ ruleArg }

func (a activateRuleCmd) Run(ctx context.Context, p Program) error {
	return p.changeRule(ctx, api.ActivateRule, a.Name)
}

type deactivateRuleCmd struct{ ruleArg }

func (d deactivateRuleCmd) Run(ctx context.Context, p Program) error {
	return p.changeRule(ctx, api.DeactivateRule, d.Name)
}

type deleteRuleCmd struct{ ruleArg }

func (d deleteRuleCmd) Run(ctx context.Context, p Program) error {
	return p.changeRule(ctx, api.DeleteRule, d.Name)
}

// changeRule changes one rule and prints its state.
func (p Program) changeRule(ctx context.Context, change api.RuleChange, name string) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	list, err := client.ChangeRule(ctx, change, name)
	switch {
	case errors.Is(err, api.ErrNoRule):
		return fmt.Errorf("no rule is called %q; `gatewatch rules` lists them", wording.OneLine(name))
	case err != nil:
		return home.Explain(err)
	}
	for _, r := range list.Rules {
		if r.Rule.Name == name {
			text := wording.OneLine(name) + ": " + string(r.State)
			if r.Why != "" {
				text += "; " + wording.OneLine(r.Why)
			}
			fmt.Fprintln(Stdout, text)
			return nil
		}
	}
	fmt.Fprintln(Stdout, "Deleted.")
	return nil
}
