// Package rulebook reads, checks, writes and follows rules.json, the trader's rules, and says them in words. The limits
// of single keys stand in the struct tags of [rules.Rule], as package strict describes them; what concerns more than
// one key stands here.
package rulebook

import (
	"fmt"

	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

//go:generate go test -run "^(TestGenerated|TestDocsKeys)$" -update .

var (
	file = strict.Kind{Name: "rules", Empty: "write {} for no rules", MaxSize: 1 << 21}
	one  = strict.Kind{Name: "rule", Empty: "write a rule in { }", MaxSize: 1 << 16}
)

// Book is what is in a rules file.
type Book struct {
	Rules    []rules.Rule    // those that are in order, as in the file
	Problems strict.Problems // what is wrong with the others, or with the file; nil if nothing is
	Broken   bool            // the file could not be read, so that no one knows which rules it means
}

// content is a rules file; the most that its list takes is [rules.MaxRules].
type content struct {
	Schema string       `json:"$schema" doc:"The schema that editors use for completion and checking. It has no effect on the program."`
	Rules  []rules.Rule `json:"rules" doc:"The rules." count:"0..1000"`
}

// Parse reads the content of a rules file; name is the file's name in problems. A rule that is at fault is left out,
// and so is one with the name of a rule above it, be that in order or not, and what exceeds [rules.MaxRules].
func Parse(name string, data []byte) Book {
	var c content
	r := file.Read(name, data, &c)
	if c.Rules == nil && !r.Counts("rules") {
		return Book{Problems: r.Problems(), Broken: true}
	}
	var b Book
	seen := map[string]bool{}
	for i, rule := range c.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		at := strict.Join(path, "name")
		if rule.Name != "" && r.Sound(at) {
			if seen[rule.Name] {
				r.Wrong(at, fmt.Sprintf("%q is the name of a rule above; choose another", rule.Name))
			}
			seen[rule.Name] = true
		}
		if check(r, path, &rule); r.Sound(path) {
			b.Rules = append(b.Rules, rule)
		}
	}
	b.Problems = r.Problems()
	return b
}

// ParseRule reads one rule that stands alone. The error is [strict.Problems].
func ParseRule(name string, data []byte) (rules.Rule, error) {
	var rule rules.Rule
	r := one.Read(name, data, &rule)
	check(r, "", &rule)
	if problems := r.Problems(); problems != nil {
		return rules.Rule{}, problems
	}
	return rule, nil
}
