package rules

import (
	"encoding/json"
	"strings"
	"time"

	"gatewatch/conn"
	"gatewatch/engine"
)

// This file is how the orders of rules are written down before they are wanted, and what becomes of them when the computer goes down.

// ready is what is written down of the order of a rule that may fire, and of its exits; nothing if its contract is not known.
func (r *Rule) ready(contracts []*resolved) []conn.Order {
	if len(contracts) == 0 || contracts[0] == nil {
		return nil
	}
	return engine.Ready(r.orders(contracts[0].Contract, named)...)
}

// named is the pricer of who knows no price to add an offset to.
func named(fixed, _ *float64, _ func(float64) float64) float64 { return value(fixed) }

// lookBack stops the rules that could fire when the computer went down: that one of them has fired may be nowhere on the disk. Should
// Gateway have an order of theirs, it is taken in.
func (s *Set) lookBack() {
	stopped := map[string][]byte{}
	for note, text := range s.notes {
		var r record
		name, ok := strings.CutPrefix(note, notePrefix)
		if !ok || json.Unmarshal(text, &r) != nil || len(r.Ready) == 0 || len(r.Contracts) == 0 || r.Contracts[0] == nil {
			continue
		}
		if r.State == Active && s.cfg.Ledger.WentDown() {
			r.fail(time.Now().UTC(), FailedWentDown, 0, "")
			stopped[note] = r.note()
			s.cfg.Report(engine.Report{Kind: engine.ReportFailed, At: r.Since, Rule: name, Reason: r.Reason})
		}
		if r.Reason == FailedWentDown {
			for _, o := range r.Ready {
				s.cfg.Ledger.Expect(engine.Intent{Rule: name, At: r.Since, Order: o, Multiplier: r.Contracts[0].Multiplier})
			}
		}
	}
	if n := len(stopped); n > 0 {
		s.cfg.Log.Warn("the computer went down while trading was on: rules that could trigger are stopped", "rules", n)
	}
	err := s.write(stopped)
	if err != nil {
		s.remember(stopped) // and the next start finds out again
	} else if s.cfg.Ledger.WentDown() {
		err = s.cfg.Ledger.Recovered()
	}
	if err != nil {
		s.cfg.Log.Error("it cannot be written down that rules were stopped", "err", err)
	}
}
