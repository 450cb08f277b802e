package ib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatewatch/conn/wire"
)

// Details is what Gateway knows of a contract.
type Details = wire.Details

const maxDetails = 200

var errNoDetails = errors.New("gateway knows nothing of this contract")

// Details asks for all contracts that c can mean, in Gateway's order; there is at least one if there is no error. The
// error is a [*RequestError] if Gateway refuses, with code 200 if it knows no such contract, and an [*UnansweredError]
// if it does not answer in time.
func (s *Session) Details(ctx context.Context, c Contract) ([]Details, error) {
	b := s.socket.pending
	number, asked, err := b.askContract()
	if err != nil {
		return nil, err
	}
	defer b.endContract(number, nil)
	unanswered := &UnansweredError{Question: QuestionDetails, About: nameOf(&c), After: questionLimit}
	ctx, cancel := context.WithTimeoutCause(ctx, questionLimit, unanswered)
	defer cancel()
	if err := s.send(ctx, wire.ContractDetails(detailsBase+number, c)); err != nil {
		return nil, err
	}
	if err := s.await(ctx, asked.over); err != nil {
		return nil, err
	}
	return asked.list, asked.err
}

// nameOf returns what a person calls a contract.
func nameOf(c *Contract) string {
	switch {
	case c.Symbol != "":
		return c.Symbol
	case c.Local != "":
		return c.Local
	}
	return fmt.Sprint("conId ", c.ConID)
}

// askContract gives the next question about a contract a number that none has which is under way.
func (b *pending) askContract() (int64, *answer[Details], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.contracts) >= maxEnquiry {
		return 0, nil, fmt.Errorf("%d questions about contracts are under way; wait for their answers",
			len(b.contracts))
	}
	for taken := true; taken; {
		b.lastContract = b.lastContract%maxEnquiry + 1
		_, taken = b.contracts[b.lastContract]
	}
	a := &answer[Details]{over: make(chan struct{})}
	b.contracts[b.lastContract] = a
	return b.lastContract, a, nil
}

// putContract adds one contract to an answer. What comes for a number that no one waits for is dropped.
func (b *pending) putContract(number int64, d Details) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch a := b.contracts[number]; {
	case a == nil:
	case len(a.list) == maxDetails:
		delete(b.contracts, number)
		a.end(fmt.Errorf("more than %d contracts are meant: name the contract more closely", maxDetails))
	default:
		a.list = append(a.list, d)
	}
}

// endContract completes an answer, unless it is complete already.
func (b *pending) endContract(number int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.contracts[number]
	if a == nil {
		return
	}
	if err == nil && len(a.list) == 0 {
		err = errNoDetails
	}
	delete(b.contracts, number)
	a.end(err)
}

// PriceStep is the distance between two prices that a contract can have, from a price on.
type PriceStep = wire.PriceStep

// ruleLimit is how long the answer about a market rule is waited for.
const ruleLimit = 5 * time.Second

// PriceSteps asks for the steps between the prices of a contract, by the number of its market rule. They are in order;
// rules are kept as long as the session lasts.
func (s *Session) PriceSteps(ctx context.Context, d Details) ([]PriceStep, error) {
	a, known := s.socket.pending.rule(d.Rule)
	if !known {
		unanswered := fmt.Errorf("gateway did not answer about market rule %d within %v", d.Rule, ruleLimit)
		ctx, cancel := context.WithTimeoutCause(ctx, ruleLimit, unanswered)
		defer cancel()
		if err := s.send(ctx, wire.MarketRule(d.Rule)); err != nil {
			return nil, err
		}
		if err := s.await(ctx, a.over); err != nil {
			return nil, err
		}
	}
	steps := slices.Clone(a.list)
	for i := range steps {
		steps[i].From *= d.Magnifier
		steps[i].Step *= d.Magnifier
	}
	return steps, nil
}

// rule returns the answer about a market rule, and whether it is complete. Gateway answers by the number of the rule.
func (b *pending) rule(id int64) (a *answer[PriceStep], known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a = b.rules[id]; a == nil {
		a = &answer[PriceStep]{over: make(chan struct{})}
		b.rules[id] = a
	}
	return a, isClosed(a.over)
}

// putRule keeps a rule that is awaited.
func (b *pending) putRule(id int64, steps []PriceStep) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.rules[id]; a != nil && !isClosed(a.over) {
		a.list = steps
		a.end(nil)
	}
}
