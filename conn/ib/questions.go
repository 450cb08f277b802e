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
//
// Gateway may send a list of the open orders by itself when a session begins, with the same end. So one that comes
// unasked, before any list has ended, counts as the answer to a question, too.

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

type question struct {
	answer[OrderNews]
	kind   Question
	number int64         // which the end of an answer about executions carries
	again  chan struct{} // yields a value for each end that may be about an older question: it is asked once more
}

// OpenOrders asks for the orders of this client id that are not done. Gateway refuses it with code 321 while its API is
// read-only.
func (s *Session) OpenOrders(ctx context.Context) ([]OrderNews, error) {
	return s.ask(ctx, QuestionOpenOrders, func(int64) wire.Request { return wire.OpenOrders() })
}

// CompletedOrders asks for the orders that were placed by any program and are done, as far back as Gateway knows them,
// which is about a day. Gateway refuses it with code 321 while its API is read-only, and is known to leave it
// unanswered.
func (s *Session) CompletedOrders(ctx context.Context) ([]OrderNews, error) {
	return s.ask(ctx, QuestionCompletedOrders, func(int64) wire.Request { return wire.CompletedOrders(true) })
}

// Executions asks for the executions of this client id since midnight in Gateway's zone; it returns no others.
func (s *Session) Executions(ctx context.Context) ([]OrderNews, error) {
	return s.ask(ctx, QuestionExecutions, func(number int64) wire.Request {
		return wire.Executions(executions+number, s.socket.client)
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
func (s *Session) ask(ctx context.Context, kind Question, request func(int64) wire.Request) ([]OrderNews, error) {
	b := s.socket.pending
	ctx, cancel := context.WithTimeoutCause(ctx, questionLimit, &UnansweredError{
		Question: kind,
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
	defer b.leave(a)
	for {
		if err := s.send(ctx, request(a.number)); err != nil {
			b.withdraw(a)
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

// begin awaits an answer. The caller has the turn.
func (b *pending) begin(kind Question) *question {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number = (b.number + 1) % executionNumbers
	a := &question{
		answer: answer[OrderNews]{over: make(chan struct{})}, kind: kind, number: b.number,
		again: make(chan struct{}, 16),
	}
	if b.awaited[kind] = a; kind != QuestionExecutions {
		b.asked = append(b.asked, a)
	}
	return a
}

// withdraw forgets a question that is not sent: no end comes for it.
func (b *pending) withdraw(a *question) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.asked, a); i >= 0 {
		b.asked = slices.Delete(b.asked, i, i+1)
	}
}

// leave says that no one waits for an answer any more. Its end may still come.
func (b *pending) leave(a *question) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.awaited[a.kind] == a {
		b.awaited[a.kind], a.list = nil, nil
	}
}

// oldest returns the place of the oldest question of a kind whose end may come, below 0 if there is none.
func (b *pending) oldest(kind Question) int {
	return slices.IndexFunc(b.asked, func(q *question) bool { return q.kind == kind })
}

// end takes the end of an answer that carries no number.
func (b *pending) end(kind Question) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listed = b.listed || kind == QuestionOpenOrders
	i := b.oldest(kind)
	if i < 0 {
		return
	}
	oldest, a := b.asked[i], b.awaited[kind]
	b.asked = slices.Delete(b.asked, i, i+1)
	switch {
	case a == nil:
	case a != oldest:
		a.list, b.asked = nil, append(b.asked, a)
		nudge.Send(a.again)
	default:
		b.reply(a, nil)
	}
}

// endExecutions takes the end of the answer about executions to the question with a number.
func (b *pending) endExecutions(number int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.awaited[QuestionExecutions]; a != nil && a.number == number {
		b.reply(a, err)
	}
}

// refuse takes a refusal that carries no number. It is about the oldest question that is awaited; else about the oldest
// one.
func (b *pending) refuse(code int, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) == 0 {
		return
	}
	i := max(0, slices.IndexFunc(b.asked, func(q *question) bool { return q == b.awaited[q.kind] }))
	a := b.asked[i]
	b.asked = slices.Delete(b.asked, i, i+1)
	if b.awaited[a.kind] == a {
		b.reply(a, &RequestError{Question: a.kind, Code: code, Text: text})
	}
}

func (b *pending) reply(a *question, err error) {
	a.end(err)
	b.awaited[a.kind] = nil
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
