package conn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestReconcilingFails has questions about orders stay unanswered: the session is degraded after the second time and
// replaced after the fifth, and what it says names the question.
func TestReconcilingFails(t *testing.T) {
	for name, c := range map[string]struct {
		err      error
		detail   string
		replaced bool
	}{
		"unanswered": {
			fmt.Errorf("ask: %w", &UnansweredError{Question: QuestionCompletedOrders}), "completed_orders",
			true,
		},
		"refused": {
			&RequestError{Question: QuestionExecutions, Code: 321, Text: "no"},
			"gateway refuses: code 321: no", false,
		},
		"disk": {errors.New("write down orders: no space left"), "write down orders: no space left", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fail atomic.Bool
				var runs atomic.Int64
				cfg := testConfig(4002)
				cfg.Reconcile = func(ctx context.Context, _ *Session) error {
					time.Sleep(10 * time.Second)
					runs.Add(1)
					if fail.Load() && ctx.Err() == nil {
						return c.err
					}
					return ctx.Err()
				}
				fail.Store(true)
				b := newBubble(t, cfg, nil)
				first := b.after(5 * time.Second).Session
				for failed := range 7 {
					n := b.s.Snapshot()
					confirmed := n.State == Connected && n.Cause == CauseNone && n.Guard == GuardReconciling
					unconfirmed := n.State == Degraded && n.Cause == CauseUnconfirmed && n.Detail == c.detail &&
						n.Guard == GuardUnconfirmed
					if failed < 2 && !confirmed || failed >= 2 && (failed < 5 || !c.replaced) &&
						(!unconfirmed || n.Session != first) {
						t.Fatalf("after %d failures: %+v", failed, n)
					}
					if failed == 5 && c.replaced {
						if n.Session == first && n.Session != 0 || n.Lost != 1 {
							t.Fatalf("after %d failures: %+v", failed, n)
						}
						break
					}
					for runs.Load() == int64(failed) {
						b.after(100 * time.Millisecond)
					}
				}
				fail.Store(false)
				n := b.after(time.Minute)
				if n.State != Connected || n.Guard != GuardOpen || (n.Session != first) != c.replaced {
					t.Errorf("in the end %+v", n)
				}
				b.stop()
				lost := slices.DeleteFunc(b.events, func(e Event) bool { return e.Kind != EventLost })
				if len(lost) != 0 != c.replaced || c.replaced && (lost[0].Cause != CauseUnconfirmed ||
					lost[0].Detail != c.detail) {
					t.Errorf("lost: %+v", lost)
				}
			})
		})
	}
}

// TestReadOnly has Gateway's API be read-only at first, then be set so again in the middle of a session, which an
// order's refusal says. The session is kept.
func TestReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refuses, unanswered atomic.Bool
		var runs atomic.Int64
		refuses.Store(true)
		cfg := testConfig(4002)
		cfg.Reconcile = func(context.Context, *Session) error {
			runs.Add(1)
			switch {
			case unanswered.Load():
				return &UnansweredError{Question: QuestionOpenOrders}
			case refuses.Load():
				return fmt.Errorf("ask: %w", &RequestError{Question: QuestionOpenOrders, Code: 321})
			}
			return nil
		}
		b := newBubble(t, cfg, nil)
		first := b.after(5 * time.Second).Session
		is := func(n *Snapshot, state State, cause Cause, guard GuardReason) {
			t.Helper()
			if n.State != state || n.Cause != cause || n.Guard != guard || n.Session != first {
				t.Errorf("%+v", n)
			}
		}
		is(b.s.Snapshot(), Degraded, CauseReadOnly, GuardReadOnly)
		unanswered.Store(true)
		is(b.after(10*time.Minute), Degraded, CauseReadOnly, GuardReadOnly)
		if limit := int64(10*time.Minute/readOnlyLook) + 2; runs.Load() > limit {
			t.Errorf("asked %d times, at most %d were expected", runs.Load(), limit)
		}
		unanswered.Store(false)
		refuses.Store(false)
		is(b.after(readOnlyLook), Connected, CauseNone, GuardOpen)

		// Someone ticks the box. What is about other requests does not count.
		refuses.Store(true)
		before := runs.Load()
		for _, request := range []int64{7, 1} {
			b.g.present().post(inCode{session: first, request: request, code: 321})
		}
		is(b.after(time.Minute), Connected, CauseNone, GuardOpen)
		if runs.Load() != before {
			t.Error("a refusal of market data led to a look at orders")
		}
		b.g.present().post(inCode{session: first, request: 0, code: 321}) // an order is refused
		is(b.after(time.Millisecond), Degraded, CauseReadOnly, GuardReadOnly)
		b.g.present().code(1100)
		b.after(time.Second)
		b.g.present().code(1102)
		is(b.after(time.Second), Degraded, CauseReadOnly, GuardReadOnly)
		refuses.Store(false)
		is(b.after(readOnlyLook), Connected, CauseNone, GuardOpen)

		// Someone else finds that nothing is answered.
		unanswered.Store(true)
		b.s.Session().Recheck()
		is(b.after(time.Millisecond), Connected, CauseNone, GuardReconciling)
		is(b.after(2*time.Second), Degraded, CauseUnconfirmed, GuardUnconfirmed)
		unanswered.Store(false)
		is(b.after(2*time.Second), Connected, CauseNone, GuardOpen)
	})
}
