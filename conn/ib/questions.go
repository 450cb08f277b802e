package ib

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gatewatch/conn/nudge"
	"gatewatch/conn/wire"
)

// This file is how a session asks about orders. Gateway may leave a question unanswered, and answers late: the answers
// about open and completed orders carry no number, so a late end looks like that of the next answer. It answers in
// order, though, so of the questions that were asked the nth end can only be about the nth or a later one. An answer
// counts only when its own end, counted so, has come; what an earlier question still brings is not mixed in. As a
// question that was never answered brings no end, one more is asked for each end that may be about an older one.

// Question names something that Gateway is asked. Its text is stable.
type Question string

// The questions that can stay unanswered.
const (
	QuestionOpenOrders      Question = "open_orders"
	QuestionCompletedOrders Question = "completed_orders"
	QuestionExecutions      Question = "executions"
	QuestionDetails         Question = "contract_details"
	QuestionPositions       Question = "positions"
)

// questionLimit is how long Gateway may take to answer a question.
const questionLimit = 10 * time.Second

// asking numbers the requests about orders whose answers end with a message of their own.
type asking uint8

const (
	askOpen asking = iota
	askCompleted
	askExecutions
	askCount
)

var questions = [askCount]Question{QuestionOpenOrders, QuestionCompletedOrders, QuestionExecutions}

type question struct {
	answer[OrderNews]
	number int64
	again  chan struct{} // yields a value for each end that may be about an older question
}

// OpenOrders asks for the orders of this client id that are not done. Gateway refuses it with code 321 while its API is
// read-only.
func (s *Session) OpenOrders(ctx context.Context) ([]OrderNews, error) {
	return s.ask(ctx, askOpen, func(int64) wire.Request { return wire.OpenOrders() })
}

// CompletedOrders asks for the orders that were placed by any program and are done, as far back as Gateway knows them,
// which is about a day. Gateway refuses it with code 321 while its API is read-only, and is known to leave it
// unanswered.
func (s *Session) CompletedOrders(ctx context.Context) ([]OrderNews, error) {
	return s.ask(ctx, askCompleted, func(int64) wire.Request { return wire.CompletedOrders(true) })
}

// Executions asks for the executions of this client id since midnight in Gateway's zone; it returns no others.
func (s *Session) Executions(ctx context.Context) ([]OrderNews, error) {
	return s.ask(ctx, askExecutions, func(number int64) wire.Request {
		return wire.Executions(executions+number%executionNumbers, s.socket.client)
	})
}

// send encodes a request and hands it over to be written. With an error it never leaves.
func (s *Session) send(ctx context.Context, r wire.Request) error {
	frame, err := wire.Frame(r)
	if err != nil {
		return err
	}
	if err = s.socket.send(ctx, &request{frame: frame}); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// await waits until something is over, and no longer than the session lasts.
func (s *Session) await(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-over:
		return nil
	case <-s.socket.closed:
		return ErrSessionOver
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask makes a request and returns what is said until its end. Everything also arrives at Orders. The error is an
// *[UnansweredError] if Gateway does not answer in time, and a *[RequestError] if it refuses.
func (s *Session) ask(ctx context.Context, kind asking, request func(number int64) wire.Request) ([]OrderNews, error) {
	b := s.socket.pending
	ctx, cancel := context.WithTimeoutCause(ctx, questionLimit, &UnansweredError{
		Question: questions[kind],
		After:    questionLimit,
	})
	defer cancel()
	select {
	case b.turn[kind] <- struct{}{}: // one at a time
		defer func() { <-b.turn[kind] }()
	case <-s.socket.closed:
		return nil, ErrSessionOver
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	a := b.begin(kind)
	defer b.leave(kind, a)
	for number := a.number; ; number = b.register(kind) {
		if err := s.send(ctx, request(number)); err != nil {
			b.withdraw(kind, a, number)
			return nil, err
		}
		select {
		case <-a.over:
			return a.list, a.err
		case <-a.again:
		case <-s.socket.closed:
			return nil, ErrSessionOver
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// begin awaits an answer. The caller has the turn. Gateway may send open orders by itself at the beginning of a
// session, and their end looks like the end of the answer: what came before belongs to it.
func (b *pending) begin(kind asking) *question {
	number := b.register(kind)
	b.mu.Lock()
	defer b.mu.Unlock()
	a := &question{answer[OrderNews]{over: make(chan struct{})}, number, make(chan struct{}, 16)}
	if kind == askOpen {
		a.list, b.early = b.early, nil
	}
	b.answers[kind] = a
	if len(a.list) > maxEarly {
		b.reply(kind, errEndless)
	}
	return a
}

// register gives a question a number and notes that its end may come.
func (b *pending) register(kind asking) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.numbers++
	if kind != askExecutions { // whose ends carry a number
		b.asked[kind] = append(b.asked[kind], b.numbers)
	}
	return b.numbers
}

// withdraw forgets a question that was never asked.
func (b *pending) withdraw(kind asking, a *question, number int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.Index(b.asked[kind], number)
	if at < 0 {
		return // the end of what was sent unasked was taken for the end of the answer
	}
	b.asked[kind] = slices.Delete(b.asked[kind], at, at+1)
	if kind == askOpen && b.answers[kind] == a && number == a.number {
		b.early = a.list
	}
}

// leave says that no one waits for an answer any more. Its end may still come.
func (b *pending) leave(kind asking, a *question) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answers[kind] == a {
		b.answers[kind] = nil
	}
}

// end takes the end of an answer that carries no number.
func (b *pending) end(kind asking) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kind == askOpen {
		b.early = nil // what was sent unasked was complete, or is part of the answer
	}
	oldest := b.oldest(kind)
	if oldest == 0 {
		return
	}
	b.asked[kind] = b.asked[kind][1:]
	a := b.answers[kind]
	switch {
	case a == nil:
	case oldest < a.number:
		a.list = nil
		nudge.Send(a.again)
	default:
		b.reply(kind, nil)
	}
}

// endExecutions takes the end of the answer about executions to the question with a number.
func (b *pending) endExecutions(number int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.answers[askExecutions]; a != nil && a.number%executionNumbers == number {
		b.reply(askExecutions, err)
	}
}

// refuse takes a refusal that carries no number. It is about the question that is awaited; else about the oldest
// one.
func (b *pending) refuse(code int, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kind := askCount
	for _, k := range []asking{askOpen, askCompleted} {
		if b.oldest(k) != 0 && (kind == askCount || b.precedes(k, kind)) {
			kind = k
		}
	}
	if kind == askCount {
		return
	}
	b.asked[kind] = b.asked[kind][1:]
	if b.answers[kind] != nil {
		b.reply(kind, &RequestError{Question: questions[kind], Code: code, Text: text})
	}
}

// precedes reports whether a refusal is about a question of kind k rather than one of kind other.
func (b *pending) precedes(k, other asking) bool {
	if waited := b.answers[k] != nil; waited != (b.answers[other] != nil) {
		return waited
	}
	return b.oldest(k) < b.oldest(other)
}

// oldest returns the number of the oldest question of a kind whose end may come, 0 if there is none.
func (b *pending) oldest(kind asking) int64 {
	if len(b.asked[kind]) == 0 {
		return 0
	}
	return b.asked[kind][0]
}

func (b *pending) reply(kind asking, err error) {
	b.answers[kind].end(err)
	b.answers[kind] = nil
}

// unnumbered reports whether the number of an error is that of no request. Gateway says -1, 0, or the highest there is.
func unnumbered(request int64) bool { return request <= 0 || request == 1<<31-1 }

// UnansweredError says that Gateway left a question unanswered.
type UnansweredError struct {
	Question Question
	About    string // symbol of the contract, where the question is about one
	After    time.Duration
}

func (e *UnansweredError) Error() string {
	if e.About != "" {
		return fmt.Sprintf("gateway did not answer %s about %s within %v", e.Question, e.About, e.After)
	}
	return fmt.Sprintf("gateway did not answer %s within %v", e.Question, e.After)
}
