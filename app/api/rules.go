package api

import (
	"context"
	"time"

	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

// Rules is the answer to GET /rules.
type Rules struct {
	Path     string             `json:"path"`     // of rules.json
	Problems []settings.Problem `json:"problems"` // what is wrong in rules.json; the rules that are right are in effect
	Rules    []RuleView         `json:"rules"`    // in the order of the file
	MayEdit  bool               `json:"may_edit"` // rules can be saved and activated
	Reason   string             `json:"reason"`   // why they cannot, for people
}

// RuleView is a rule and its state.
type RuleView struct {
	Rule  rules.Rule  `json:"rule"`
	Text  string      `json:"text"`  // the rule in a sentence
	State rules.State `json:"state"` //
	Shape string      `json:"shape"` // its sign: up, working, over, down or unknown
	Since time.Time   `json:"since"` // when the state was entered
	Why   string      `json:"why"`   // why it has not triggered, or what came of it, for people
	// why an active rule has not triggered, for programs; stable, such as no_data or old_price
	WhyID         string      `json:"why_id"`
	WhyCode       int         `json:"why_code"`   // IB's code of that; 0 if there is none
	Price         *float64    `json:"price"`      // newest price of the first condition; null if there is none
	PriceAt       *time.Time  `json:"price_at"`   // when that came
	Delayed       bool        `json:"delayed"`    // that price is delayed
	TriggerCount  int         `json:"fired"`      // how often, since it was activated
	LastTriggered *time.Time  `json:"last_fired"` //
	Contract      string      `json:"contract"`   // what the instrument was resolved to; empty if it was not yet
	Candidates    []Candidate `json:"candidates"` // what it may mean, if that is more than one contract
}

// Candidate is a contract that an instrument can mean.
type Candidate struct {
	Instrument rules.Instrument `json:"instrument"` // which means this one alone
	Name       string           `json:"name"`       // of the company, or of the contract
	Text       string           `json:"text"`       // the contract in short
}

// RuleSave is the body of POST /rules/save.
type RuleSave struct {
	Name string     `json:"name,omitempty"` // of the rule that is replaced; empty: it is a new one
	Rule rules.Rule `json:"rule"`
}

// RuleName is the body of the requests that mean one rule.
type RuleName struct {
	Name string `json:"name"`
}

// RuleChange is what a request does to one rule: it is the end of the request's path.
type RuleChange string

const (
	ActivateRule   RuleChange = "activate"   // it watches prices
	DeactivateRule RuleChange = "deactivate" // it is a draft
	DeleteRule     RuleChange = "delete"
)

// Candidates is the answer to POST /instruments/resolve.
type Candidates struct {
	Candidates []Candidate `json:"candidates"`
}

// RulePreviewRequest is the body of POST /rules/preview: a rule, or as long as it is not complete its instrument.
type RulePreviewRequest struct {
	Rule       *rules.Rule       `json:"rule,omitempty"`
	Instrument *rules.Instrument `json:"instrument,omitempty"` // of which only the price is wanted
}

// RulePreview is the answer to POST /rules/preview: what a rule would do now if it were active. It watches nothing
// after some seconds, and never triggers.
type RulePreview struct {
	Text     string     `json:"text"`     // the rule in a sentence; empty for an instrument
	Contract string     `json:"contract"` // what the instrument means
	Currency string     `json:"currency"` // of the value
	Price    *float64   `json:"price"`    // of the first condition, else the last one; null: none that may be relied on
	PriceAt  *time.Time `json:"price_at"`
	Delayed  bool       `json:"delayed"` // that price is delayed
	// whether the rule would trigger now; unknown without prices that may be relied on
	Would rules.Verdict `json:"would_trigger"`
	Why   string        `json:"why"` // why it would not, or why that is unknown, for people
	// what its order would be worth by its own price, or by that of the market; null: not known, or it places none
	OrderValue *float64 `json:"order_value"`
	// what its order would be worth and whether it would trigger now, in lines for people; empty for an instrument
	Shown string `json:"shown"`
}

// RuleShape returns the sign of the state of a rule.
func RuleShape(state rules.State) string {
	switch state {
	case rules.Active:
		return "up"
	case rules.Triggered:
		return "working"
	case rules.Done:
		return "over"
	case rules.Failed:
		return "down"
	}
	return "unknown" // a draft
}

// Rules asks for the rules and their states.
func (c *Client) Rules(ctx context.Context) (Rules, error) { return get[Rules](ctx, c, "/rules") }

// SaveRule checks a rule and writes it as a draft, in place of the one with the given name, or as a new one if that
// is empty. It returns all rules with their states then. The error is [settings.Problems] if the rule is at fault,
// [ErrNoRule], or a [*Conflict].
func (c *Client) SaveRule(ctx context.Context, name string, rule rules.Rule) (Rules, error) {
	return request[Rules](ctx, c, "/rules/save", RuleSave{name, rule}, ErrNoRule)
}

// ChangeRule changes a rule, and returns all rules with their states then. The error is [ErrNoRule] or a [*Conflict].
func (c *Client) ChangeRule(ctx context.Context, change RuleChange, name string) (Rules, error) {
	return request[Rules](ctx, c, "/rules/"+string(change), RuleName{name}, ErrNoRule)
}

// PreviewRule asks what a rule would do now if it were active, or for the price of an instrument. The error is
// [settings.Problems] if the rule is at fault, a [*Conflict] or an [*Unanswered].
func (c *Client) PreviewRule(ctx context.Context, asked RulePreviewRequest) (RulePreview, error) {
	return request[RulePreview](ctx, c, "/rules/preview", asked, nil)
}

// Resolve asks for the contracts that an instrument can mean. The error is an [ErrNoContract] if there is none, a
// [*Conflict] or an [*Unanswered].
func (c *Client) Resolve(ctx context.Context, in rules.Instrument) ([]Candidate, error) {
	found, err := request[Candidates](ctx, c, "/instruments/resolve", in, nil)
	return found.Candidates, err
}
