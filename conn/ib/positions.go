package ib

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gatewatch/conn/wire"
)

// This file is how a session asks about positions. Gateway follows them from then on: what it says of a position
// replaces what it said before, so that late and repeated answers do no harm. Nothing depends on these answers.

// Position is what an account holds of one instrument, as Gateway has reported it last. What it did not report is nil.
type Position struct {
	wire.Portfolio
	// ValuedAt is when Value and Unrealised were reported, which Gateway does about every three minutes; UTC.
	ValuedAt time.Time
}

// maxPositions bounds the positions of a session.
const maxPositions = 5000

type positionKey struct {
	account string
	conID   int64
	symbol  string
}

func keyOf(p *wire.Position) positionKey {
	return positionKey{p.Account, p.Contract.ConID, p.Contract.Symbol}
}

// positions is what Gateway has reported of positions in a session.
type positions struct {
	mu     sync.Mutex
	asked  time.Time // zero: never
	held   map[positionKey]wire.Position
	values map[positionKey]Position // reported with the account
	all    chan struct{}            // closed when all positions were reported
	valued chan struct{}            // closed when all values of the account were
	more   bool                     // there are more than are kept
}

func newPositions() *positions {
	return &positions{
		held: map[positionKey]wire.Position{}, values: map[positionKey]Position{}, all: make(chan struct{}),
		valued: make(chan struct{}),
	}
}

// valueLimit is how long values are waited for: they are not needed.
const valueLimit = 2 * time.Second

// Positions returns the open positions of all accounts, by account and symbol. Where the login has one account, Gateway
// also reports what they are worth. The first call in a session asks, and so does the first one after Gateway has lost
// its data (code 1101); Gateway reports each change from then on. The error is an *[UnansweredError] if Gateway has not
// reported all positions in time.
func (s *Session) Positions(ctx context.Context) ([]Position, error) {
	p := s.socket.pending.positions.Load()
	ctx, cancel := context.WithTimeoutCause(ctx, questionLimit, &UnansweredError{
		Question: QuestionPositions, After: questionLimit,
	})
	defer cancel()
	if p.ask(time.Now()) {
		if err := s.askPositions(ctx); err != nil {
			p.mu.Lock()
			p.asked = time.Time{}
			p.mu.Unlock()
			return nil, err
		}
	}
	if err := s.await(ctx, p.all); err != nil {
		return nil, err
	}
	if s.gateway.Accounts == 1 {
		soon, cancel := context.WithTimeout(ctx, valueLimit)
		defer cancel()
		_ = s.await(soon, p.valued) // without them the positions are known all the same
	}
	return p.list()
}

// ask reports whether Gateway is to be asked: once, and again where it has left that unanswered.
func (p *positions) ask(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.all) || !p.asked.IsZero() && now.Sub(p.asked).Abs() < questionLimit {
		return false
	}
	p.asked = now
	return true
}

func (s *Session) askPositions(ctx context.Context) error {
	if s.gateway.Accounts == 1 {
		if err := s.send(ctx, wire.AccountUpdates()); err != nil {
			return err
		}
	}
	return s.send(ctx, wire.Positions())
}

// list returns the open positions. A value of another quantity than is held is none of this position.
func (p *positions) list() ([]Position, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more {
		return nil, fmt.Errorf("there are more than %d positions", maxPositions)
	}
	list := make([]Position, 0, len(p.held))
	for key, h := range p.held {
		one := Position{Portfolio: wire.Portfolio{Position: h}}
		if v, ok := p.values[key]; ok && h.Quantity != nil && v.Quantity != nil && *h.Quantity == *v.Quantity {
			one.Value, one.Unrealised, one.ValuedAt = v.Value, v.Unrealised, v.ValuedAt
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Position) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Contract.Symbol, b.Contract.Symbol),
			cmp.Compare(a.Contract.ConID, b.Contract.ConID))
	})
	return list, nil
}

// put takes down what Gateway reports of a position. One of which no quantity is known stays.
func (p *positions) put(one wire.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(&one)
	if one.Quantity != nil && *one.Quantity == 0 {
		delete(p.held, key)
		return
	}
	if _, known := p.held[key]; !known && len(p.held) >= maxPositions {
		p.more = true
		return
	}
	p.held[key] = one
}

// value takes down what Gateway reports a position to be worth.
func (p *positions) value(one wire.Portfolio, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(&one.Position)
	if _, known := p.values[key]; known || len(p.values) < maxPositions {
		p.values[key] = Position{one, now.UTC()}
	}
}

// end notes that all positions, or all values, were reported: unasked, it is what Gateway was still saying when it lost
// the data.
func (p *positions) end(over chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked.IsZero() && !isClosed(over) {
		close(over)
	}
}
