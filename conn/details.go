package conn

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gatewatch/conn/wire"
)

// Details is what Gateway knows of a contract.
type Details struct {
	Contract   Contract // named in full
	Name       string   // in words, such as APPLE INC
	MinTick    float64  // least step between two prices, whatever they are; 0 where Gateway names none
	Rule       int64    // number of the market rule at the contract's exchange, for [Session.PriceSteps]; 0 where Gateway names none
	Multiplier float64  // what one point of the price is worth; 1 where the contract has none
	Expiry     string   // last trading day, YYYYMMDD, or month, YYYYMM; empty where there is none
}

// maxDetails bounds an answer about contracts.
const maxDetails = 200

// errNoDetails stands for an answer with nothing in it.
var errNoDetails = errors.New("gateway knows nothing of this contract")

// Details asks for all contracts that c can mean, in Gateway's order; there is at least one if there is no error. The error is a
// *[RequestError] if Gateway refuses: 200 if it knows no such contract; and an *[UnansweredError] if it does not answer in time.
func (s *Session) Details(ctx context.Context, c Contract) ([]Details, error) {
	b := s.link.waiting()
	number, asked, err := b.enquiries.begin()
	if err != nil {
		return nil, err
	}
	defer b.enquiries.end(number, nil)
	ctx, cancel := context.WithTimeoutCause(ctx, questionLimit, &UnansweredError{Question: QuestionDetails, About: nameOf(&c), After: questionLimit})
	defer cancel()
	if err := s.send(ctx, wire.AskContract{Request: detailsBase + number, Contract: wire.Contract(c)}); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	select {
	case <-asked.over:
		return asked.list, asked.err
	case <-s.link.over():
		return nil, ErrSessionOver
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
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

// enquiries are the questions about contracts that are under way, by number. What comes for a number that nobody waits for is
// dropped.
type enquiries struct {
	mu   sync.Mutex
	last int64
	open map[int64]*enquiry
}

// enquiry is one question. Its answer is complete once over is closed.
type enquiry struct {
	list []Details
	err  error
	over chan struct{}
}

// begin gives the next question a number that none has which is under way.
func (e *enquiries) begin() (int64, *enquiry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		e.open = map[int64]*enquiry{}
	}
	if len(e.open) >= maxEnquiry {
		return 0, nil, fmt.Errorf("%d questions about contracts are under way; wait for their answers", len(e.open))
	}
	for taken := true; taken; {
		e.last = e.last%maxEnquiry + 1
		_, taken = e.open[e.last]
	}
	one := &enquiry{over: make(chan struct{})}
	e.open[e.last] = one
	return e.last, one, nil
}

// put takes down one contract.
func (e *enquiries) put(number int64, d Details) {
	e.mu.Lock()
	defer e.mu.Unlock()
	one := e.open[number]
	if one == nil {
		return
	}
	if len(one.list) == maxDetails {
		e.close(number, fmt.Errorf("more than %d contracts are meant: name the contract more closely", maxDetails))
		return
	}
	one.list = append(one.list, d)
}

// end completes an answer, unless it is complete already.
func (e *enquiries) end(number int64, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if one := e.open[number]; one != nil {
		if err == nil && len(one.list) == 0 {
			err = errNoDetails
		}
		e.close(number, err)
	}
}

func (e *enquiries) close(number int64, err error) {
	one := e.open[number]
	if one.err = err; err != nil {
		one.list = nil
	}
	delete(e.open, number)
	close(one.over)
}
