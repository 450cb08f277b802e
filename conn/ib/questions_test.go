package ib

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// asked starts a question, and returns where its answer arrives.
type reply struct {
	list []OrderNews
	err  error
}

func asked(ask func(context.Context) ([]OrderNews, error)) <-chan reply {
	got := make(chan reply, 1)
	go func() {
		list, err := ask(context.Background())
		got <- reply{list, err}
	}()
	synctest.Wait()
	return got
}

func refsOf(list []OrderNews) (refs string) {
	for _, n := range list {
		refs += n.Ref
	}
	return refs
}

// receive plays Gateway's answer.
func (b *pending) receive(kind Question, refs string) {
	news := map[Question]OrderNewsKind{
		QuestionOpenOrders: OrderOpen, QuestionCompletedOrders: OrderCompleted,
	}[kind]
	for _, r := range refs {
		b.put(OrderNews{Kind: news, Ref: string(r)})
	}
	b.end(kind)
}

// TestQuestionsThatStayUnanswered has Gateway leave questions unanswered, or answer them when no one waits any more. An
// answer is whole, and of the time after its question, whichever of them it was that Gateway has answered.
func TestQuestionsThatStayUnanswered(t *testing.T) {
	for _, kind := range []Question{QuestionOpenOrders, QuestionCompletedOrders} {
		for late := range 4 { // how many of three unanswered questions are answered after all, before the fourth
			for half := range 2 {
				synctest.Test(t, func(t *testing.T) {
					s, l := placing()
					question := map[Question]func(context.Context) ([]OrderNews, error){
						QuestionOpenOrders: s.OpenOrders, QuestionCompletedOrders: s.CompletedOrders,
					}[kind]
					for range 3 {
						began := time.Now()
						r := <-asked(question)
						unanswered, ok := errors.AsType[*UnansweredError](r.err)
						if !ok || unanswered.Question != kind || time.Since(began) != questionLimit {
							t.Fatalf("after %v: %v", time.Since(began), r.err)
						}
					}
					if half == 1 { // half of an answer comes when no one waits
						l.pending.put(OrderNews{Kind: OrderOpen, Ref: "x"})
					}
					requests := len(l.handed())
					got := asked(question)
					for range late {
						l.pending.receive(kind, "old")
						synctest.Wait()
					}
					for len(l.handed()) > requests { // Gateway answers what was asked since, in order
						requests++
						l.pending.receive(kind, "new")
						synctest.Wait()
					}
					if r := <-got; r.err != nil || refsOf(r.list) != "new" {
						t.Errorf("%s, %d late answers: %q, %v", kind, late, refsOf(r.list), r.err)
					}
				})
			}
		}
	}
}

// TestAnswersWithoutEnd has Gateway mention orders without end, asked and unasked.
func TestAnswersWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		b := l.pending
		for range 1000 {
			b.put(OrderNews{Kind: OrderOpen})
		}
		if len(b.asked) != 1 {
			t.Errorf("%d ends are expected after orders that no one has asked about", len(b.asked))
		}
		got := asked(s.OpenOrders)
		for range maxAnswer + 1 {
			b.put(OrderNews{Kind: OrderOpen})
		}
		if r := <-got; !errors.Is(r.err, errEndless) {
			t.Errorf("%d orders, %v", len(r.list), r.err)
		}
	})
}

// TestExecutionsAreTold by the number of the question, so that a late answer is no one's.
func TestExecutionsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		if r := <-asked(s.Executions); !errors.As(r.err, new(*UnansweredError)) {
			t.Fatal(r.err)
		}
		got := asked(s.Executions)
		l.pending.endExecutions(1, nil)
		l.pending.put(OrderNews{Kind: OrderFilled, Ref: "a"})
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("the end of the first answer was taken for that of the second")
		}
		l.pending.endExecutions(2, nil)
		if r := <-got; r.err != nil || refsOf(r.list) != "a" || len(l.handed()) != 2 {
			t.Errorf("%+v after %d requests", r, len(l.handed()))
		}
		got = asked(s.Executions)
		l.pending.endExecutions(3, &RequestError{Question: QuestionExecutions, Code: 321})
		if r := <-got; ReadOnly(r.err) || !errors.As(r.err, new(*RequestError)) {
			t.Errorf("%v", r.err)
		}
	})
}

// TestRefusedQuestions has a code without a number refuse questions about orders: it is about the one that is under
// way, or else the oldest that may still be answered.
func TestRefusedQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		say := func(request int64, code int, text string) {
			l.receiveError(wire.Error{Request: request, Code: code, Text: text})
		}
		for _, id := range []int64{-1, 0, 1<<31 - 1} {
			open := asked(s.OpenOrders)
			for _, other := range []struct {
				id   int64
				code int
			}{{-1, 2104}, {-1, 100}, {5, 321}, {marketBase + 1, 321}, {detailsBase + 1, 321}, {executions + 1, 321}} {
				say(other.id, other.code, "")
			}
			synctest.Wait()
			if len(open) != 0 {
				t.Fatalf("%+v", <-open)
			}
			say(id, 321, "refused")
			r := <-open
			if refused, ok := errors.AsType[*RequestError](r.err); !ok || !ReadOnly(r.err) ||
				refused.Question != QuestionOpenOrders || refused.Text != "refused" {
				t.Errorf("with number %d: %v", id, r.err)
			}
		}
		if r := <-asked(s.OpenOrders); ReadOnly(r.err) || r.err == nil {
			t.Fatal(r.err)
		}
		completed := asked(s.CompletedOrders)
		say(-1, 321, "")
		if r := <-completed; !ReadOnly(r.err) {
			t.Errorf("%v: the refusal was taken for one of an older question", r.err)
		}
		// A dialog about write access may hold the refusal back until the question has been asked again.
		again := asked(s.OpenOrders)
		say(-1, 321, "")
		if r := <-again; !ReadOnly(r.err) {
			t.Errorf("%v", r.err)
		}
		say(-1, 321, "") // of the second, when no one waits
		if n := len(l.pending.asked); n != 0 {
			t.Errorf("%d questions may still be answered", n)
		}
	})
}

// TestQuestionsWait has questions be given up, or never be asked: the next one is asked all the same.
func TestQuestionsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		l.fill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.OpenOrders(ctx); !errors.Is(err, context.DeadlineExceeded) ||
			len(l.pending.asked) != 0 {
			t.Errorf("never asked: %v", err)
		}
		l.handed()
		l.sent = nil
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.OpenOrders(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up: %v", err)
		}
		got := asked(s.OpenOrders)
		second := asked(s.OpenOrders)
		requests := 0
		for _, answer := range []<-chan reply{got, second} {
			synctest.Wait()
			from := fmt.Sprint(len(l.handed())) // no answer to an earlier request is one
			for requests < len(l.handed()) && len(answer) == 0 {
				requests++
				l.pending.receive(QuestionOpenOrders, fmt.Sprint(requests))
				synctest.Wait()
			}
			if r := <-answer; r.err != nil || refsOf(r.list) < from {
				t.Errorf("%+v, want an answer from %s on", r, from)
			}
		}
	})
}

// TestDetailsThatHang has Gateway say nothing about a contract.
func TestDetailsThatHang(t *testing.T) {
	for name, c := range map[string]Contract{"AAPL": ibtest.SomeStock, "ESZ6": {Local: "ESZ6"}, "conId 5": {ConID: 5}} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := placing()
			_, err := s.Details(t.Context(), c)
			want := UnansweredError{Question: QuestionDetails, About: name, After: questionLimit}
			if unanswered, ok := errors.AsType[*UnansweredError](err); !ok || *unanswered != want ||
				errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			if text := fmt.Sprintf("gateway did not answer contract_details about %s within 10s",
				name); err.Error() != text {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestUnaskedOrders has Gateway send open orders unasked, as a list with an end like that of an answer or one by one.
func TestUnaskedOrders(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string // orders, and . for the end of their list, before and after the question
		want          string // new: what Gateway answers
		requests      int
	}{
		"none":                        {"", "", "new", 1},
		"none, as a list":             {".", "", "new", 1},
		"none, as a list, afterwards": {"", ".", "", 1},
		"all before":                  {"AB.", "", "new", 1},
		"all afterwards":              {"", "AB.", "AB", 1},
		"some before":                 {"A", "B.", "new", 2},
		"all but the end before":      {"AB", ".", "new", 2},
		"no list":                     {"AAB", "", "new", 2},
		"a list, and more":            {"AB.A", "", "new", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, l := placing()
			say := func(orders string) {
				for _, r := range orders {
					if r == '.' {
						l.pending.end(QuestionOpenOrders)
					} else {
						l.pending.put(OrderNews{Kind: OrderOpen, Ref: string(r)})
					}
				}
				synctest.Wait()
			}
			say(c.before)
			got := asked(s.OpenOrders)
			say(c.after)
			requests := 0
			for ; requests < len(l.handed()); requests++ {
				l.pending.receive(QuestionOpenOrders, "new")
				synctest.Wait()
			}
			if r := <-got; r.err != nil || refsOf(r.list) != c.want || requests != c.requests {
				t.Errorf("%s: %q after %d requests, %v", name, refsOf(r.list), requests, r.err)
			}
		})
	}
}
