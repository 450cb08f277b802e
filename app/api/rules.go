package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"gatewatch/app/settings"
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
	if !decode(w, r, &asked, func() bool {
		return len(asked.Rule) > 0
	}, `{"name": "OLD NAME, or empty", "rule": {...}}`) {
		return
	}
	ctx, cancel := patient(w, r, askLimit)
	defer cancel()
	s.ruled(w, s.backend.SaveRule(ctx, asked.Name, asked.Rule))
}

// onRule answers a request that means one rule.
func (s *Server) onRule(do func(context.Context, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked RuleName
		if !decode(w, r, &asked, func() bool { return asked.Name != "" }, `{"name": "NAME OF A RULE"}`) {
			return
		}
		ctx, cancel := patient(w, r, askLimit)
		defer cancel()
		s.ruled(w, do(ctx, asked.Name))
	}
}

// ruled answers a request that was to change rules and ended with err.
func (s *Server) ruled(w http.ResponseWriter, err error) {
	if err != nil {
		refuseFile(w, err)
		return
	}
	answer(w, http.StatusOK, s.rules())
}

func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	var asked rules.Instrument
	named := func() bool { return asked.ConID != 0 || asked.Symbol != "" || asked.Local != "" }
	if !decode(w, r, &asked, named, `an instrument such as {"symbol": "AAPL", "currency": "USD"}`) {
		return
	}
	ctx, cancel := patient(w, r, askLimit)
	defer cancel()
	found, err := s.backend.Resolve(ctx, asked)
	if err == nil && len(found) == 0 {
		err = ErrNoContract
	}
	var bad settings.Problems
	var conflict *Conflict
	switch {
	case err == nil:
		answer(w, http.StatusOK, Candidates{found})
	case errors.As(err, &conflict):
		fail(w, http.StatusConflict, err.Error())
	case errors.As(err, new(*Unanswered)):
		fail(w, http.StatusGatewayTimeout, err.Error())
	case errors.Is(err, ErrNoContract), errors.As(err, &bad):
		fail(w, http.StatusUnprocessableEntity, err.Error())
	default:
		fail(w, http.StatusServiceUnavailable, err.Error())
	}
}

// Rules asks for the rules and how they stand.
func (c *Client) Rules(ctx context.Context) (r Rules, err error) {
	raw, err := c.do(ctx, http.MethodGet, "/rules")
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	return r, err
}

// SaveRule has a rule checked and written as a draft, in place of the one with the given name, or as a new one if that
// is empty. It returns all rules as they stand then. The error is [settings.Problems] if the rule is at fault,
// [ErrNoRule], or a [*Conflict].
func (c *Client) SaveRule(ctx context.Context, name string, rule rules.Rule) (r Rules, err error) {
	err = c.ask(ctx, "/rules/save", RuleSave{name, rule}, &r, ErrNoRule)
	return r, err
}

// ActivateRule has a rule watch prices and returns all rules as they stand then. The error is [ErrNoRule] or a
// [*Conflict].
func (c *Client) ActivateRule(ctx context.Context, name string) (r Rules, err error) {
	err = c.ask(ctx, "/rules/activate", RuleName{name}, &r, ErrNoRule)
	return r, err
}

// DeactivateRule makes a draft of a rule. Otherwise it is like [Client.ActivateRule].
func (c *Client) DeactivateRule(ctx context.Context, name string) (r Rules, err error) {
	err = c.ask(ctx, "/rules/deactivate", RuleName{name}, &r, ErrNoRule)
	return r, err
}

// DeleteRule removes a rule. Otherwise it is like [Client.ActivateRule].
func (c *Client) DeleteRule(ctx context.Context, name string) (r Rules, err error) {
	err = c.ask(ctx, "/rules/delete", RuleName{name}, &r, ErrNoRule)
	return r, err
}

// Resolve asks for the contracts that an instrument can mean. The error is an [ErrNoContract] if there is none, a
// [*Conflict] or an [*Unanswered].
func (c *Client) Resolve(ctx context.Context, in rules.Instrument) ([]Candidate, error) {
	var found Candidates
	err := c.ask(ctx, "/instruments/resolve", in, &found, nil)
	return found.Candidates, err
}

// ask sends a request, with a body unless in is nil, and reads the answer. Where what it means is not there, it returns
// the error missing.
func (c *Client) ask(ctx context.Context, path string, in, out any, missing error) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	waiting := *c.http
	waiting.Timeout = askLimit + 10*time.Second
	raw, err := c.exchange(ctx, &waiting, http.MethodPost, path, body)
	var failed *failure
	if !errors.As(err, &failed) {
		if err == nil {
			err = json.Unmarshal(raw, out)
		}
		return err
	}
	switch said := failed.said; {
	case failed.code == http.StatusConflict:
		return &Conflict{said.Error}
	case failed.code == http.StatusPreconditionRequired:
		return &Unconfirmed{said.Error}
	case failed.code == http.StatusGatewayTimeout:
		return &Unanswered{said.Error}
	case failed.code == http.StatusNotFound && missing != nil:
		return missing
	case failed.code == http.StatusUnprocessableEntity && len(said.Problems) > 0:
		return said.problems("rule")
	case failed.code == http.StatusUnprocessableEntity && said.Error == ErrNoContract.Error():
		return ErrNoContract
	case failed.code == http.StatusUnprocessableEntity:
		return errors.New(said.Error)
	}
	return err
}
