package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/engine/rules"
)

// askLimit bounds what has to ask Gateway before it can be answered.
const askLimit = 20 * time.Second

// RulesBackend is the part of a [Backend] about rules.
type RulesBackend interface {
	Rules() api.Rules
	// RulesText returns the text of rules.json, and its tag.
	RulesText() (api.FileText, string, error)
	// SaveRules checks, writes and applies a whole file of rules, all of it or nothing. Its errors are those of
	// SaveSettings, and a Conflict while not connected.
	SaveRules(ctx context.Context, body []byte, tag string) error
	// SaveRule writes a rule down as a draft, in place of the one with the given name, or as a new one if that is
	// empty. It returns settings.Problems if the rule is at fault, and a Conflict while not connected.
	SaveRule(ctx context.Context, name string, rule []byte) error
	// ActivateRule makes a rule watch prices. It returns ErrNoRule, or a Conflict while not connected.
	ActivateRule(ctx context.Context, name string) error
	DeactivateRule(ctx context.Context, name string) error
	// PreviewRule returns what a rule would do now if it were active, PreviewInstrument only the price. They return
	// settings.Problems if the rule is at fault, and a Conflict while not connected.
	PreviewRule(ctx context.Context, rule []byte) (api.RulePreview, error)
	PreviewInstrument(ctx context.Context, in rules.Instrument) (api.RulePreview, error)
	DeleteRule(ctx context.Context, name string) error
	// Resolve looks for the contracts that an instrument can mean. It returns a Conflict while not connected.
	Resolve(ctx context.Context, in rules.Instrument) ([]api.Candidate, error)
}

// rules returns what GET /rules answers.
func (s *Server) rules() api.Rules {
	r := s.backend.Rules()
	r.Problems = present(r.Problems)
	r.Rules = slices.Clone(present(r.Rules))
	for i := range r.Rules {
		r.Rules[i].Candidates, r.Rules[i].Shape = present(r.Rules[i].Candidates), api.RuleShape(r.Rules[i].State)
	}
	return r
}

func (s *Server) saveRule(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Name string          `json:"name"`
		Rule json.RawMessage `json:"rule"` // as it came: an error says where it is
	}
	if !jsonhttp.Decode(w, r, &asked, func() bool {
		return len(asked.Rule) > 0
	}, `{"name": "OLD NAME, or empty", "rule": {...}}`) {
		return
	}
	s.changeRules(w, r, func(ctx context.Context) error { return s.backend.SaveRule(ctx, asked.Name, asked.Rule) })
}

// onRule answers a request that means one rule.
func (s *Server) onRule(do func(context.Context, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked api.RuleName
		if !jsonhttp.Decode(w, r, &asked, func() bool { return asked.Name != "" }, `{"name": "NAME OF A RULE"}`) {
			return
		}
		s.changeRules(w, r, func(ctx context.Context) error { return do(ctx, asked.Name) })
	}
}

func (s *Server) previewRule(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Rule       json.RawMessage   `json:"rule"` // as it came: an error says where it is
		Instrument *rules.Instrument `json:"instrument"`
	}
	one := func() bool { return (len(asked.Rule) > 0) != (asked.Instrument != nil) }
	if !jsonhttp.Decode(w, r, &asked, one, `{"rule": {...}} or {"instrument": {...}}`) {
		return
	}
	answer(w, r, askLimit, http.StatusInternalServerError, func(ctx context.Context) (api.RulePreview, error) {
		if asked.Instrument != nil {
			return s.backend.PreviewInstrument(ctx, *asked.Instrument)
		}
		return s.backend.PreviewRule(ctx, asked.Rule)
	})
}

// changeRules changes rules, and answers with all of them.
func (s *Server) changeRules(w http.ResponseWriter, r *http.Request, change func(context.Context) error) {
	answer(w, r, askLimit, http.StatusInternalServerError, func(ctx context.Context) (api.Rules, error) {
		if err := change(ctx); err != nil {
			return api.Rules{}, err
		}
		return s.rules(), nil
	})
}

func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	var asked rules.Instrument
	named := func() bool { return asked.ConID != 0 || asked.Symbol != "" || asked.Local != "" }
	if !jsonhttp.Decode(w, r, &asked, named, `an instrument such as {"symbol": "AAPL", "currency": "USD"}`) {
		return
	}
	answer(w, r, askLimit, http.StatusServiceUnavailable, func(ctx context.Context) (api.Candidates, error) {
		found, err := s.backend.Resolve(ctx, asked)
		if err == nil && len(found) == 0 {
			err = api.ErrNoContract
		}
		return api.Candidates{Candidates: found}, err
	})
}
