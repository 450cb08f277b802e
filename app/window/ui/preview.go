package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/rulebook"
	"gatewatch/app/wording"
	"gatewatch/engine/rules"
)

// previewer keeps asking what a rule would do now, as long as someone looks at it.
type previewer struct {
	send    func(api.RulePreviewRequest)
	wanted  string // what is looked at, as JSON; empty: nothing
	sent    string // what was asked for last
	at      time.Time
	waiting bool             // for the answer to that
	answer  *api.RulePreview // to what is wanted; nil: none yet
	failed  string           // why there is none
}

// previewEvery is how often the same is asked again; something else is asked for at once, and at most each second.
const previewEvery = 2 * time.Second

// want asks for a preview where it is time for that. What cannot be answered is not asked again as it is.
func (p *previewer) want(req api.RulePreviewRequest, now time.Time) {
	key := keyOfPreview(req)
	if key != p.wanted {
		p.wanted, p.answer, p.failed = key, nil, ""
	}
	since := now.Sub(p.at).Abs()
	if key == "" || p.waiting || since < time.Second || key == p.sent && (since < previewEvery || p.failed != "") {
		return
	}
	p.sent, p.at, p.waiting = key, now, true
	p.send(req)
}

// take takes in an answer.
func (p *previewer) take(req api.RulePreviewRequest, answer api.RulePreview, err error) {
	p.waiting = false
	if keyOfPreview(req) != p.wanted {
		return
	}
	if p.answer, p.failed = &answer, ""; err != nil {
		p.answer, p.failed = nil, reasonOf(err)
		if conflict, ok := errors.AsType[*api.Conflict](err); ok {
			p.failed = plain(conflict.Reason)
		}
	}
}

func keyOfPreview(req api.RulePreviewRequest) string {
	if req.Rule == nil && req.Instrument == nil {
		return ""
	}
	text, err := json.Marshal(req)
	if err != nil {
		return "" // no number of a rule is infinite
	}
	return string(text)
}

// price says what the price of the instrument is, with its age, or that there is none.
func (p *previewer) price(rule *rules.Rule, now time.Time) (line string, old bool) {
	switch a := p.answer; {
	case p.wanted == "":
		return "", false
	case p.failed != "":
		return "No price: " + p.failed, true
	case a == nil:
		return "Asking for the price…", false
	case a.Price == nil:
		return "No price", true
	default:
		which := "Price"
		if rule != nil && len(rule.Conditions) > 0 {
			which = wordFor("price", rule.Conditions[0].Price)
		}
		return priceWords(which, *a.Price, a.PriceAt, a.Delayed, now)
	}
}

// readBack says what a rule does, what its order would be worth now, and whether it would trigger now.
func (p *previewer) readBack(rule *rules.Rule) string {
	said := wording.AskingForPrice
	switch {
	case p.failed != "":
		said = wording.Sentence(wording.CannotBeAsked + p.failed)
	case p.answer != nil:
		said = p.answer.Shown
	}
	return plain(rulebook.Text(*rule)) + "\n" + said
}

// worths are what the orders of several rules would be worth, by rule as [keyOfPreview] has it.
type worths map[string]worth

// worth is what the order of one rule would be worth.
type worth struct {
	asked    int      // times
	amount   *float64 // nil: not known
	currency string
}

// mostAsked is how often it is asked what an order would be worth: the first answers may come before the first price.
const mostAsked = 3

func (w worths) at(r *rules.Rule) worth { return w[keyOfPreview(api.RulePreviewRequest{Rule: r})] }

func (w worth) asking() bool { return w.amount == nil && w.asked < mostAsked }

// next returns the rule that is to be asked about, nil if all that can be known is.
func (w worths) next(list []*api.RuleView) *rules.Rule {
	for _, r := range list {
		if r.Rule.Action.Order != nil && w.at(&r.Rule).asking() {
			return &r.Rule
		}
	}
	return nil
}

// take takes in an answer. What cannot be answered is not asked again.
func (w worths) take(req api.RulePreviewRequest, answer api.RulePreview, err error) {
	if w == nil || req.Rule == nil {
		return
	}
	key := keyOfPreview(req)
	one := worth{w[key].asked + 1, answer.OrderValue, answer.Currency}
	if err != nil {
		one = worth{asked: mostAsked}
	}
	w[key] = one
}

// of says what the order of a rule would be worth, after a blank; empty if it places none.
func (w worths) of(r *rules.Rule) string {
	one := w.at(r)
	switch {
	case r.Action.Order == nil:
		return ""
	case one.asking():
		return " Asking for its value…"
	case one.amount == nil:
		return " Its value is not known."
	}
	return " Worth about " + wording.Money(*one.amount, one.currency) + "."
}

// total says what the orders of rules would be worth together, by currency, and of how many that is not known.
func (w worths) total(list []*api.RuleView) string {
	sums := map[string]float64{}
	orders, asking, unknown := 0, 0, 0
	for _, r := range list {
		if r.Rule.Action.Order == nil {
			continue
		}
		orders++
		switch one := w.at(&r.Rule); {
		case one.asking():
			asking++
		case one.amount == nil:
			unknown++
		default:
			sums[one.currency] += *one.amount
		}
	}
	var parts []string
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		parts = append(parts, "about "+wording.Money(sums[currency], currency))
	}
	if asking > 0 {
		parts = append(parts, fmt.Sprintf("the value of %d is still asked for", asking))
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("the value of %d is not known", unknown))
	}
	if orders == 0 {
		return "None of them places an order."
	}
	return fmt.Sprintf("With trading turned on, they may place orders (%d): %s.", orders, strings.Join(parts, ", "))
}
