package ui

import (
	"fmt"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

// staleAfter is the age from which a price is marked as old.
const staleAfter = time.Minute

// watches reports whether a rule can be deactivated; otherwise it can be activated.
func watches(s rules.State) bool { return s == rules.Active || s == rules.Triggered }

// ruleCard is what is shown of a rule.
type ruleCard struct {
	shape             Shape
	name, word, since string
	text              string
	price             string
	old               bool // the price is, or it is delayed
	facts             string
	why               string
	bad               bool // why is something to see to
	on                bool // it can be deactivated, otherwise activated
}

// ruleCardOf returns what is shown of a rule while the resident program is there or not.
func ruleCardOf(r *api.RuleView, here bool, now time.Time) ruleCard {
	c := ruleCard{
		shape: named[api.RuleShape(r.State)], name: plain(r.Rule.Name),
		word: upper(plain(string(r.State))),
		text: plain(r.Text),
		why:  plain(r.Why), bad: r.State == rules.Failed, on: watches(r.State),
	}
	if !r.Since.IsZero() {
		c.since = "since " + clock(r.Since, now)
	}
	if !here {
		c.shape, c.word, c.since = Unknown, "Was "+strings.ToLower(c.word), ""
		return c
	}
	c.price, c.old = priceLine(r, now)
	var facts []string
	if contract := plain(r.Contract); contract != "" {
		facts = append(facts, contract)
	}
	switch {
	case r.TriggerCount == 1 && r.LastTriggered != nil:
		facts = append(facts, "triggered "+clock(*r.LastTriggered, now))
	case r.TriggerCount > 1 && r.LastTriggered != nil:
		facts = append(facts, fmt.Sprintf("triggered %d times, last %s", r.TriggerCount, clock(*r.LastTriggered, now)))
	}
	if len(r.Candidates) > 1 {
		facts = append(facts, fmt.Sprintf("can mean %d contracts; Edit lets you choose", len(r.Candidates)))
	}
	c.facts = strings.Join(facts, " · ")
	return c
}

// priceLine returns the newest price that a rule has seen, with its age; old is true if it is not to be relied on.
func priceLine(r *api.RuleView, now time.Time) (line string, old bool) {
	if r.Price == nil {
		if r.State == rules.Active {
			return "No price yet", true
		}
		return "", false
	}
	which := "Price"
	if len(r.Rule.Conditions) > 0 {
		which = wordFor("price", r.Rule.Conditions[0].Price)
	}
	return priceWords(which, *r.Price, r.PriceAt, r.Delayed, now)
}

// priceWords says a price with its age; old is true if it is not to be relied on.
func priceWords(which string, price float64, at *time.Time, delayed bool, now time.Time) (line string, old bool) {
	line = which + " " + number(price)
	if at != nil {
		age := now.Sub(*at)
		switch {
		case age < 2*time.Second:
			line += " · now"
		case age < staleAfter:
			line += " · " + span(age) + " ago"
		default:
			line, old = line+" · old: "+span(age)+" ago", true
		}
	}
	if delayed {
		line, old = line+" · delayed", true
	}
	return line, old
}

// ruleProblem returns what is wrong in rules.json, in one line.
func ruleProblem(p *settings.Problem) string {
	line := plain(p.Text)
	if key := plain(p.Key); key != "" {
		line = key + ": " + line
	}
	if p.Line > 0 {
		line = fmt.Sprintf("Line %d, column %d: %s", p.Line, p.Column, line)
	}
	return line
}
