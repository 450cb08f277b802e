package conn

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gatewatch/conn/wire"
)

// PriceStep is the distance between two prices that a contract can have, from a price on.
type PriceStep struct {
	From float64 `json:"from"`
	Step float64 `json:"step"`
}

// ruleLimit is how long the answer about a market rule is waited for.
const ruleLimit = 5 * time.Second

// marketRules are the market rules of a session, by number. Gateway answers by the number of the rule.
type marketRules struct {
	mu      sync.Mutex
	known   map[int64][]PriceStep
	waiting map[int64]chan struct{} // closed when it is known
}

// find returns a rule, or what to wait for.
func (m *marketRules) find(id int64) (steps []PriceStep, known <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if steps, ok := m.known[id]; ok {
		return steps, nil
	}
	if m.waiting == nil {
		m.known, m.waiting = map[int64][]PriceStep{}, map[int64]chan struct{}{}
	}
	if m.waiting[id] == nil {
		m.waiting[id] = make(chan struct{})
	}
	return nil, m.waiting[id]
}

// put takes down a rule that somebody waits for.
func (m *marketRules) put(id int64, steps []PriceStep) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.waiting[id]; c != nil {
		m.known[id] = steps
		delete(m.waiting, id)
		close(c)
	}
}

// PriceSteps asks for the market rule with a number; see [Details]. The steps are in order, and kept as long as the session lasts.
func (s *Session) PriceSteps(ctx context.Context, rule int64) ([]PriceStep, error) {
	b := s.link.waiting()
	steps, known := b.rules.find(rule)
	if known == nil {
		return steps, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, ruleLimit, fmt.Errorf("gateway did not answer about market rule %d within %v", rule, ruleLimit))
	defer cancel()
	if err := s.send(ctx, wire.AskMarketRule{Rule: rule}); err != nil {
		return nil, err
	}
	select {
	case <-known:
		steps, _ = b.rules.find(rule)
		return steps, nil
	case <-s.link.over():
		return nil, ErrSessionOver
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// marketRule returns the number of the market rule that holds at an exchange, 0 if that cannot be told. Both lists are separated by
// commas and belong together.
func marketRule(exchange, exchanges, rules string) (rule int64) {
	ids := strings.Split(rules, ",")
	at := slices.Index(strings.Split(exchanges, ","), exchange)
	if first := ids[0]; (at < 0 || at >= len(ids)) && !slices.ContainsFunc(ids, func(id string) bool { return id != first }) {
		at = 0 // it is the same everywhere
	}
	if at < 0 || at >= len(ids) {
		return 0
	}
	if _, err := fmt.Sscan(ids[at], &rule); err != nil {
		return 0
	}
	return rule
}
