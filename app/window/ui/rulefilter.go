package ui

import (
	"cmp"
	"slices"
	"strings"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// ruleFilter says which rules are listed, and in which order.
type ruleFilter struct {
	words string // all of them have to occur in name, text or contract
	state rules.State
	sort  string // one of ruleSorts
}

const anyState = "All states"

// ruleStates are the states by which rules can be filtered.
var ruleStates = []rules.State{rules.Draft, rules.Active, rules.Triggered, rules.Done, rules.Failed}

// ruleSorts are the orders in which rules can be listed; the first is that of the file.
var ruleSorts = []string{"As in the file", "By name", "By state", "Newest change"}

// stateRank is the place of a state in a list by state: what a person has to see to comes first.
var stateRank = []rules.State{rules.Failed, rules.Triggered, rules.Active, rules.Draft, rules.Done}

func (f ruleFilter) takes(r *api.RuleView) bool {
	if f.state != "" && r.State != f.state {
		return false
	}
	return matches(r.Rule.Name+" "+r.Text+" "+r.Contract, f.words)
}

// matches reports whether all words of a search occur in a text.
func matches(in, words string) bool {
	in = strings.ToLower(in)
	for word := range strings.FieldsSeq(strings.ToLower(words)) {
		if !strings.Contains(in, word) {
			return false
		}
	}
	return true
}

// apply returns the rules that are listed.
func (f ruleFilter) apply(all []api.RuleView) []api.RuleView {
	var list []api.RuleView
	for i := range all {
		if f.takes(&all[i]) {
			list = append(list, all[i])
		}
	}
	name := func(a, b api.RuleView) int {
		return strings.Compare(strings.ToLower(a.Rule.Name), strings.ToLower(b.Rule.Name))
	}
	switch f.sort {
	case ruleSorts[1]:
		slices.SortStableFunc(list, name)
	case ruleSorts[2]:
		slices.SortStableFunc(list, func(a, b api.RuleView) int {
			return cmp.Or(slices.Index(stateRank, a.State)-slices.Index(stateRank, b.State), name(a, b))
		})
	case ruleSorts[3]:
		slices.SortStableFunc(list, func(a, b api.RuleView) int { return b.Since.Compare(a.Since) })
	}
	return list
}

// copyName returns a name for a copy of a rule that no rule has.
func copyName(name string, all []api.RuleView) string {
	for n := 1; ; n++ {
		one := name + " copy"
		if n > 1 {
			one += " " + number(float64(n))
		}
		if !slices.ContainsFunc(all, func(r api.RuleView) bool { return r.Rule.Name == one }) {
			return one
		}
	}
}
