package rules

import (
	"context"
	"errors"
	"fmt"

	"gatewatch/conn/ib"
)

// resolved is the contract that an instrument means.
type resolved struct {
	Contract   ib.Contract `json:"contract"`
	Name       string      `json:"name"`
	MinTick    float64     `json:"min_tick"`
	Multiplier float64     `json:"multiplier"`
	// Steps are those between prices, in order; empty if they are not known.
	Steps []ib.PriceStep `json:"steps,omitempty"`
}

// NotResolvedError means that an instrument cannot be distinguished from others, or does not exist.
type NotResolvedError struct {
	Instrument Instrument
	Candidates []ib.Details // what it can mean; empty: nothing
	Err        error        // what Gateway said, may be nil
}

func (e *NotResolvedError) Error() string {
	if len(e.Candidates) > 1 {
		return fmt.Sprintf("%s can mean %d contracts", e.Instrument, len(e.Candidates))
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Instrument, e.Err)
	}
	return fmt.Sprintf("%s: there is no such contract", e.Instrument)
}

func (e *NotResolvedError) Unwrap() error { return e.Err }

// resolve finds the contracts of a rule.
func (s *Set) resolve(ctx context.Context, r *Rule) ([]*resolved, error) {
	wanted := r.instruments()
	contracts := make([]*resolved, len(wanted))
	for i, in := range wanted {
		if in == nil {
			continue
		}
		list, err := s.cfg.Resolve(ctx, in.Contract())
		refused := (*ib.RequestError)(nil)
		switch {
		case errors.As(err, &refused) && refused.Code == 200:
			return nil, &NotResolvedError{Instrument: *in, Err: err}
		case err != nil:
			return nil, err
		case len(list) != 1:
			return nil, &NotResolvedError{Instrument: *in, Candidates: list}
		}
		contracts[i] = &resolved{
			Contract: list[0].Contract, Name: list[0].Name, MinTick: list[0].MinTick,
			Multiplier: list[0].Multiplier,
		}
		if i == 0 && list[0].Rule != 0 { // only the rule's own instrument is traded
			contracts[i].Steps = s.steps(ctx, list[0])
		}
	}
	return contracts, nil
}

// steps returns the price steps of a contract, nil if they cannot be had: then the least step counts.
func (s *Set) steps(ctx context.Context, d ib.Details) []ib.PriceStep {
	if s.cfg.PriceSteps == nil {
		return nil
	}
	steps, err := s.cfg.PriceSteps(ctx, d)
	if err != nil {
		s.cfg.Log.Warn("price steps are not known, the least one counts", "market_rule", d.Rule, "err", err)
	}
	return steps
}

// Contract returns the instrument as it is asked for.
func (in Instrument) Contract() ib.Contract {
	c := ib.Contract{
		ConID: in.ConID, Symbol: in.Symbol, Type: in.Type, Exchange: in.Exchange, Primary: in.Primary,
		Currency: in.Currency, Local: in.Local,
	}
	if c.Type == "" && c.ConID == 0 {
		c.Type = "STK"
	}
	if c.Exchange == "" {
		switch c.Type {
		case "CASH":
			c.Exchange = "IDEALPRO"
		case "STK", "":
			c.Exchange = "SMART"
		}
	}
	return c
}

// InstrumentOf returns the instrument that means a contract alone.
func InstrumentOf(c ib.Contract) Instrument {
	return Instrument{
		ConID: c.ConID, Symbol: c.Symbol, Type: c.Type, Exchange: c.Exchange, Primary: c.Primary, Currency: c.Currency,
		Local: c.Local,
	}
}

// String returns the instrument in short, such as "AAPL" or "EUR CASH".
func (in Instrument) String() string {
	switch {
	case in.Local != "":
		return in.Local
	case in.Symbol == "":
		return fmt.Sprint("conId ", in.ConID)
	case in.Type == "" || in.Type == "STK":
		return in.Symbol
	case in.Type == "CASH" && in.Currency != "":
		return in.Symbol + "." + in.Currency
	}
	return in.Symbol + " " + in.Type
}
