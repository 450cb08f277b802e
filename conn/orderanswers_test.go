package conn_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestAnswersAreNotMixedUp leaves a question about open orders, and asks again: the end of the first answer is not
// taken for that of the second.
func TestAnswersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sim.Config{MaxMessageRate: -1, OpenOrdersOnConnect: true}, nil)
	s := d.session()
	for i := range 20 {
		if err := s.Place(int64(i+1), buy(fmt.Sprint("ref-", i), 1, 50), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	d.news(s, "the last order", func(n ib.OrderNews) bool { return n.Ref == "ref-19" })
	for range 50 {
		s.Orders().Take(nil) // the session would wait
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Microsecond)
		_, err := s.OpenOrders(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		open, err := s.OpenOrders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refs := map[string]bool{}
		for _, n := range open {
			refs[n.Ref] = true
		}
		if len(refs) != 20 {
			t.Fatalf("%d of 20 orders in the answer", len(refs))
		}
	}
	// A new session gets its orders unasked, with an end of their own.
	d.do("drop")
	<-s.Done()
	s = d.session()
	refs := map[string]bool{}
	open, err := s.OpenOrders(t.Context())
	for _, n := range open {
		refs[n.Ref] = true
	}
	if err != nil || len(refs) != 20 {
		t.Errorf("%d of 20 orders in the answer, %v", len(refs), err)
	}
}

// TestExecutionsOfOthers has another client id fill an order: it is not among ours.
func TestExecutionsOfOthers(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, nil)
		d.price(100)
		other := d.another(3)
		for i, one := range []*desk{other, d} {
			s := one.session()
			if err := s.Place(int64(i+1), buy(fmt.Sprint("ref-", i), 1, 0), ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			one.status(s, int64(i+1), "Filled")
		}
		fills, err := d.session().Executions(t.Context())
		if err != nil || len(fills) != 1 || fills[0].Ref != "ref-1" {
			t.Errorf("version %d: %+v, %v", v, fills, err)
		}
	}
}

// TestQuestionsOnTheWire has Gateway leave each question unanswered once, and refuse those of a read-only API.
func TestQuestionsOnTheWire(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, Farms: []sim.Farm{}}, nil)
		s := d.session()
		if err := s.Place(1, buy("rests", 1, 50), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.status(s, 1, "Submitted")
		if err := s.Place(2, buy("filled", 1, 0), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.status(s, 2, "Filled")
		for q, ask := range map[sim.Question]func(context.Context) ([]ib.OrderNews, error){
			sim.OpenOrders: s.OpenOrders, sim.CompletedOrders: s.CompletedOrders, sim.Executions: s.Executions,
		} {
			if err := d.gw.LeaveUnanswered(q, 1); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := ask(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("version %d, %s: %v", v, q, err)
			}
			list, err := ask(t.Context())
			want := map[sim.Question]string{
				sim.OpenOrders: "rests", sim.CompletedOrders: "filled",
				sim.Executions: "filled",
			}[q]
			if err != nil || len(list) != 1 || list[0].Ref != want {
				t.Errorf("version %d, %s: %+v, %v", v, q, list, err)
			}
		}
		d.gw.ReadOnly(true)
		var refused *ib.RequestError
		if _, err := s.OpenOrders(t.Context()); !errors.As(err, &refused) || refused.Code != 321 ||
			refused.Question != ib.QuestionOpenOrders {
			t.Errorf("version %d: %v", v, err)
		}
		if _, err := s.CompletedOrders(t.Context()); !errors.As(err, &refused) ||
			refused.Question != ib.QuestionCompletedOrders {
			t.Errorf("version %d: %v", v, err)
		}
		if list, err := s.Executions(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("version %d: %+v, %v", v, list, err)
		}
	}
}

// TestWhoseNews: everything that is said of orders carries the number of its session and the client id of the order,
// or, where Gateway does not say it, that of the session.
func TestWhoseNews(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, nil)
		d.price(100)
		s := d.session()
		if err := s.Place(1, buy("one", 1, 0), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		seen := map[ib.OrderNewsKind]bool{}
		check := func(n ib.OrderNews) {
			seen[n.Kind] = true
			if n.Session != s.Number() || n.Kind != ib.OrderCommission && n.Client != int64(s.ClientID()) {
				t.Errorf("version %d, session %d of client id %d: %+v", v, s.Number(), s.ClientID(), n)
			}
		}
		d.news(s, "the commission", func(n ib.OrderNews) bool { check(n); return n.Kind == ib.OrderCommission })
		if err := s.Cancel(77); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the error", func(n ib.OrderNews) bool {
			check(n)
			return n.Kind == ib.OrderError && n.Code == 10147
		})
		for _, kind := range []ib.OrderNewsKind{ib.OrderOpen, ib.OrderStatus, ib.OrderFilled, ib.OrderError} {
			if !seen[kind] {
				t.Errorf("version %d: nothing of kind %d", v, kind)
			}
		}
	}
}
