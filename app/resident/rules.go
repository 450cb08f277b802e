package resident

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/app/strict"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
	"gatewatch/engine/rules"
)

// Rules returns what GET /rules answers.
func (t *trading) Rules() api.Rules {
	if t.ledger == nil {
		unread := []settings.Problem{{Text: "the rules are not read while no orders can be placed"}}
		return api.Rules{Path: t.file.Path, Problems: unread, Reason: wording.RecordUnusable + wording.StatusSays}
	}
	list := api.Rules{Path: t.file.Path, Reason: t.conn.mayEdit()}
	text, problems := t.file.Trouble()
	list.Problems = problems
	if text != "" && len(problems) == 0 {
		list.Problems = []settings.Problem{{Text: text}}
	}
	list.MayEdit = list.Reason == ""
	maxAge := time.Duration(t.maxTickAge.Load())
	for _, v := range t.set.Views() {
		one := api.RuleView{
			Rule: v.Rule, Text: rulebook.Text(v.Rule), State: v.State, Since: api.Stamp(v.Since),
			Why: wording.RuleWhy(v, maxAge), WhyID: string(v.Waiting), WhyCode: v.Code, Delayed: v.Delayed,
			TriggerCount: v.TriggerCount, LastTriggered: api.Moment(v.TriggeredAt), Candidates: candidatesOf(v.Choices),
		}
		if !v.PriceAt.IsZero() {
			one.Price, one.PriceAt = priced(v.Price), api.Moment(v.PriceAt)
		}
		if v.Contract != (ib.Contract{}) {
			one.Contract = wording.Contract(v.Contract)
		}
		list.Rules = append(list.Rules, one)
	}
	return list
}

// priced returns a price without the last digits of one that was computed: the middle of 1.1 and 1.2.
func priced(v float64) *float64 {
	return new(math.Round(v*1e8) / 1e8)
}

// RulesText returns what GET /rules/text answers.
func (t *trading) RulesText() (api.FileText, string, error) {
	if t.ledger == nil {
		return api.FileText{}, "", t.conflict()
	}
	return t.file.Text()
}

// SaveRules replaces rules.json.
func (t *trading) SaveRules(_ context.Context, body []byte, tag string) error {
	if t.ledger == nil {
		return t.conflict()
	}
	if reason := t.conn.mayEdit(); reason != "" {
		return &api.Conflict{Reason: reason}
	}
	return t.file.Save(body, tag)
}

func candidatesOf(list []ib.Details) (out []api.Candidate) {
	for _, d := range list {
		text := wording.Contract(d.Contract)
		if d.Expiry != "" {
			text += " " + wording.OneLine(d.Expiry)
		}
		out = append(out, api.Candidate{
			Instrument: rules.InstrumentOf(d.Contract), Name: wording.OneLine(d.Name),
			Text: text,
		})
	}
	return out
}

func find(list []rules.Rule, name string) int {
	return slices.IndexFunc(list, func(one rules.Rule) bool { return one.Name == name })
}

// SaveRule writes a rule into rules.json.
func (t *trading) SaveRule(_ context.Context, name string, text []byte) error {
	if reason := t.conn.mayEdit(); reason != "" {
		return &api.Conflict{Reason: reason}
	}
	rule, err := rulebook.ParseRule("rule", text)
	if err != nil {
		return err
	}
	return t.edit(func(list []rules.Rule) ([]rules.Rule, error) {
		at := find(list, name)
		if name != "" && at < 0 {
			return nil, api.ErrNoRule
		}
		if other := find(list, rule.Name); other >= 0 && other != at {
			return nil, strict.Problems{{
				File: "rule", Line: 1, Column: 1, Key: "name",
				Text: fmt.Sprintf("%q is the name of another rule; choose another", rule.Name),
			}}
		}
		if at < 0 {
			return append(list, rule), nil
		}
		list[at] = rule
		return list, nil
	})
}

// DeleteRule takes a rule out of rules.json.
func (t *trading) DeleteRule(_ context.Context, name string) error {
	return t.edit(func(list []rules.Rule) ([]rules.Rule, error) {
		at := find(list, name)
		if at < 0 {
			return nil, api.ErrNoRule
		}
		return slices.Delete(list, at, at+1), nil
	})
}

// ActivateRule makes a rule watch prices.
func (t *trading) ActivateRule(ctx context.Context, name string) error {
	if t.ledger == nil {
		return t.conflict()
	}
	if reason := t.conn.mayEdit(); reason != "" {
		return &api.Conflict{Reason: reason}
	}
	return resolved(t.set.Activate(ctx, name))
}

// resolved turns an error of what resolves instruments into one of the API.
func resolved(err error) error {
	var unclear *rules.NotResolvedError
	switch {
	case errors.Is(err, rules.ErrNoRule):
		return api.ErrNoRule
	case errors.As(err, new(*ib.UnansweredError)):
		return answered(err)
	case errors.As(err, &unclear), errors.As(err, new(*ib.RequestError)), errors.Is(err, rules.ErrChanged),
		errors.Is(err, ib.ErrSessionOver), errors.Is(err, context.DeadlineExceeded):
		return &api.Conflict{Reason: wording.OneLine(err.Error())}
	}
	return err
}

// PreviewRule returns what a rule would do now if it were active.
func (t *trading) PreviewRule(ctx context.Context, text []byte) (api.RulePreview, error) {
	rule, err := rulebook.ParseRule("rule", text)
	if err != nil {
		return api.RulePreview{}, err
	}
	return t.preview(ctx, rule)
}

// PreviewInstrument returns the price of an instrument.
func (t *trading) PreviewInstrument(ctx context.Context, in rules.Instrument) (api.RulePreview, error) {
	return t.preview(ctx, rules.Rule{Instrument: in, AllowDelayed: true})
}

func (t *trading) preview(ctx context.Context, rule rules.Rule) (p api.RulePreview, err error) {
	if t.ledger == nil {
		return p, t.conflict()
	}
	if reason := t.conn.mayEdit(); reason != "" {
		return p, &api.Conflict{Reason: reason}
	}
	v, err := t.set.Preview(ctx, rule)
	if err != nil {
		return p, resolved(err)
	}
	maxAge := time.Duration(t.maxTickAge.Load())
	p = api.RulePreview{
		Contract: wording.Contract(v.Contract), Currency: wording.OneLine(v.Contract.Currency), Delayed: v.Delayed,
		Would: v.Would, Why: wording.Waiting(v.View, maxAge),
	}
	if len(rule.Conditions) > 0 {
		p.Text, p.Shown = rulebook.Text(rule), wording.Preview(v, maxAge)
	}
	if !v.PriceAt.IsZero() {
		p.Price, p.PriceAt = priced(v.Price), api.Moment(v.PriceAt)
	}
	if v.Worth != 0 {
		p.OrderValue = &v.Worth
	}
	return p, nil
}

// DeactivateRule makes a rule a draft.
func (t *trading) DeactivateRule(_ context.Context, name string) error {
	if t.ledger == nil {
		return t.conflict()
	}
	err := t.set.Deactivate(name)
	switch {
	case errors.Is(err, rules.ErrNoRule):
		return api.ErrNoRule
	case err != nil:
		return fmt.Errorf("the rule is deactivated, but this cannot be written: %w. Gatewatch keeps trying; until it "+
			"succeeds, a restart would activate the rule again", err)
	}
	return nil
}

// Resolve looks for the contracts that an instrument can mean.
func (t *trading) Resolve(ctx context.Context, in rules.Instrument) ([]api.Candidate, error) {
	if reason := t.conn.mayEdit(); reason != "" {
		return nil, &api.Conflict{Reason: reason}
	}
	list, err := t.conn.details(ctx, in.Contract())
	if refused, ok := errors.AsType[*ib.RequestError](err); ok && refused.Code == 200 {
		return nil, api.ErrNoContract
	}
	return candidatesOf(list), answered(err)
}

// edit changes the rules in rules.json.
func (t *trading) edit(change func([]rules.Rule) ([]rules.Rule, error)) error {
	if t.ledger == nil {
		return t.conflict()
	}
	return t.file.Edit(change)
}
