package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"gatewatch/app/api/jsonhttp"
	"gatewatch/engine/rules"
)

// askLimit bounds what has to ask Gateway before it can be answered.
const askLimit = 20 * time.Second

// ErrNoContract means that an instrument means no contract that IBKR knows.
var ErrNoContract = errors.New("no contract matches; look at symbol, type, exchange and currency")

// RuleSave is the body of POST /rules/save.
type RuleSave struct {
	Name string     `json:"name,omitempty"` // of the rule that is replaced; empty: it is a new one
	Rule rules.Rule `json:"rule"`
}

// RuleName is the body of the requests that mean one rule.
type RuleName struct {
	Name string `json:"name"`
}

// Candidates is the answer to POST /instruments/resolve.
type Candidates struct {
	Candidates []Candidate `json:"candidates"`
}

// RulePreviewRequest is the body of POST /rules/preview: a rule, or as long as it is not complete its instrument.
type RulePreviewRequest struct {
	Rule       *rules.Rule       `json:"rule,omitempty"`
	Instrument *rules.Instrument `json:"instrument,omitempty"` // of which only the price is wanted
}

// RulePreview is the answer to POST /rules/preview: how a rule would stand now if it were active. It watches nothing
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
}

// rules returns what GET /rules answers.
func (s *Server) rules() Rules {
	r := s.backend.Rules()
	r.Problems = present(r.Problems)
	r.Rules = slices.Clone(present(r.Rules))
	for i := range r.Rules {
		r.Rules[i].Candidates = present(r.Rules[i].Candidates)
	}
	return r
}

// present returns a list that is never null in JSON.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) saveRule(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Name string          `json:"name"`
		Rule json.RawMessage `json:"rule"` // as it came: what is wrong is told by its place
	}
	if !jsonhttp.Decode(w, r, &asked, func() bool {
		return len(asked.Rule) > 0
	}, `{"name": "OLD NAME, or empty", "rule": {...}}`) {
		return
	}
	ctx, cancel := jsonhttp.Patient(w, r, askLimit)
	defer cancel()
	s.ruled(w, s.backend.SaveRule(ctx, asked.Name, asked.Rule))
}

// onRule answers a request that means one rule.
func (s *Server) onRule(do func(context.Context, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked RuleName
		if !jsonhttp.Decode(w, r, &asked, func() bool { return asked.Name != "" }, `{"name": "NAME OF A RULE"}`) {
			return
		}
		ctx, cancel := jsonhttp.Patient(w, r, askLimit)
		defer cancel()
		s.ruled(w, do(ctx, asked.Name))
	}
}

func (s *Server) previewRule(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Rule       json.RawMessage   `json:"rule"` // as it came: what is wrong is told by its place
		Instrument *rules.Instrument `json:"instrument"`
	}
	one := func() bool { return (len(asked.Rule) > 0) != (asked.Instrument != nil) }
	if !jsonhttp.Decode(w, r, &asked, one, `{"rule": {...}} or {"instrument": {...}}`) {
		return
	}
	ctx, cancel := jsonhttp.Patient(w, r, askLimit)
	defer cancel()
	var p RulePreview
	var err error
	if asked.Instrument != nil {
		p, err = s.backend.PreviewInstrument(ctx, *asked.Instrument)
	} else {
		p, err = s.backend.PreviewRule(ctx, asked.Rule)
	}
	if err != nil {
		failed(w, err, http.StatusInternalServerError)
		return
	}
	jsonhttp.Answer(w, http.StatusOK, p)
}

// ruled answers a request that was to change rules and ended with err.
func (s *Server) ruled(w http.ResponseWriter, err error) {
	if err != nil {
		failed(w, err, http.StatusInternalServerError)
		return
	}
	jsonhttp.Answer(w, http.StatusOK, s.rules())
}

func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	var asked rules.Instrument
	named := func() bool { return asked.ConID != 0 || asked.Symbol != "" || asked.Local != "" }
	if !jsonhttp.Decode(w, r, &asked, named, `an instrument such as {"symbol": "AAPL", "currency": "USD"}`) {
		return
	}
	ctx, cancel := jsonhttp.Patient(w, r, askLimit)
	defer cancel()
	found, err := s.backend.Resolve(ctx, asked)
	if err == nil && len(found) == 0 {
		err = ErrNoContract
	}
	if err != nil {
		failed(w, err, http.StatusServiceUnavailable)
		return
	}
	jsonhttp.Answer(w, http.StatusOK, Candidates{found})
}

// Rules asks for the rules and how they stand.
func (c *Client) Rules(ctx context.Context) (Rules, error) { return get[Rules](ctx, c, "/rules") }

// SaveRule has a rule checked and written as a draft, in place of the one with the given name, or as a new one if that
// is empty. It returns all rules as they stand then. The error is [settings.Problems] if the rule is at fault,
// [ErrNoRule], or a [*Conflict].
func (c *Client) SaveRule(ctx context.Context, name string, rule rules.Rule) (Rules, error) {
	return request[Rules](ctx, c, "/rules/save", RuleSave{name, rule}, ErrNoRule)
}

// ActivateRule has a rule watch prices and returns all rules as they stand then. The error is [ErrNoRule] or a
// [*Conflict].
func (c *Client) ActivateRule(ctx context.Context, name string) (Rules, error) {
	return request[Rules](ctx, c, "/rules/activate", RuleName{name}, ErrNoRule)
}

// DeactivateRule makes a draft of a rule. Otherwise it is like [Client.ActivateRule].
func (c *Client) DeactivateRule(ctx context.Context, name string) (Rules, error) {
	return request[Rules](ctx, c, "/rules/deactivate", RuleName{name}, ErrNoRule)
}

// DeleteRule removes a rule. Otherwise it is like [Client.ActivateRule].
func (c *Client) DeleteRule(ctx context.Context, name string) (Rules, error) {
	return request[Rules](ctx, c, "/rules/delete", RuleName{name}, ErrNoRule)
}

// PreviewRule asks how a rule would stand now if it were active, or for the price of an instrument. The error is
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

// request posts a request, with a body unless in is nil, and returns the answer. Where what it means is not there, it
// returns the error missing.
func request[T any](ctx context.Context, c *Client, path string, in any, missing error) (out T, err error) {
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return out, err
		}
	}
	return send[T](ctx, c, http.MethodPost, path, body, "rule", missing)
}

// send sends a request and returns the answer, or the error of the backend that the answer stands for: problems are
// those of a file.
func send[T any](ctx context.Context, c *Client, method, path string, body []byte, file string, missing error,
	tag ...string,
) (out T, err error) {
	raw, err := c.exchange(ctx, c.waiting(requestLimit), method, path, body, tag...)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if refused, ok := errors.AsType[*failure](err); ok {
		err = refused.meaning(file, missing)
	}
	return out, err
}

func (f *failure) meaning(file string, missing error) error {
	switch said := f.said; {
	case f.code == http.StatusConflict:
		return &Conflict{said.Error}
	case f.code == http.StatusPreconditionRequired:
		return &Unconfirmed{said.Error}
	case f.code == http.StatusGatewayTimeout:
		return &Unanswered{said.Error}
	case f.code == http.StatusPreconditionFailed:
		return ErrChanged
	case f.code == http.StatusNotFound && missing != nil:
		return missing
	case f.code == http.StatusUnprocessableEntity && len(said.Problems) > 0:
		return said.problems(file)
	case f.code == http.StatusUnprocessableEntity && said.Error == ErrNoContract.Error():
		return ErrNoContract
	case f.code == http.StatusUnprocessableEntity:
		return errors.New(said.Error)
	}
	return f
}
