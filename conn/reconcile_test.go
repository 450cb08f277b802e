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

	"gatewatch/conn/ib"
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
			fmt.Errorf("ask: %w", &ib.UnansweredError{Question: ib.QuestionCompletedOrders}), "completed_orders",
			true,
		},
		"refused": {
			&ib.RequestError{Question: ib.QuestionExecutions, Code: 321, Text: "no"},
			"gateway refuses: code 321: no", false,
		},
		"disk": {errors.New("write down orders: no space left"), "write down orders: no space left", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fail atomic.Bool
				var runs atomic.Int64
				cfg := testConfig(4002)
				cfg.Reconcile = func(ctx context.Context, _ *ib.Session) error {
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
					confirmed := n.State == Connected && n.Cause == ib.CauseNone && n.Guard == ib.GuardReconciling
					unconfirmed := n.State == Degraded && n.Cause == ib.CauseUnconfirmed && n.Detail == c.detail &&
						n.Guard == ib.GuardUnconfirmed
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
				if n.State != Connected || n.Guard != ib.GuardOpen || (n.Session != first) != c.replaced {
					t.Errorf("in the end %+v", n)
				}
				b.stop()
				lost := slices.DeleteFunc(b.events, func(e Event) bool { return e.Kind != EventLost })
				if len(lost) != 0 != c.replaced || c.replaced && (lost[0].Cause != ib.CauseUnconfirmed ||
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
		cfg.Reconcile = func(context.Context, *ib.Session) error {
			runs.Add(1)
			switch {
			case unanswered.Load():
				return &ib.UnansweredError{Question: ib.QuestionOpenOrders}
			case refuses.Load():
				return fmt.Errorf("ask: %w", &ib.RequestError{Question: ib.QuestionOpenOrders, Code: 321})
			}
			return nil
		}
		b := newBubble(t, cfg, nil)
		first := b.after(5 * time.Second).Session
		is := func(n *Snapshot, state State, cause ib.Cause, guard ib.GuardReason) {
			t.Helper()
			if n.State != state || n.Cause != cause || n.Guard != guard || n.Session != first {
				t.Errorf("%+v", n)
			}
		}
		is(b.s.Snapshot(), Degraded, ib.CauseReadOnly, ib.GuardReadOnly)
		unanswered.Store(true)
		is(b.after(10*time.Minute), Degraded, ib.CauseReadOnly, ib.GuardReadOnly)
		if limit := int64(10*time.Minute/readOnlyLook) + 2; runs.Load() > limit {
			t.Errorf("asked %d times, at most %d were expected", runs.Load(), limit)
		}
		unanswered.Store(false)
		refuses.Store(false)
		is(b.after(readOnlyLook), Connected, ib.CauseNone, ib.GuardOpen)

		// Someone ticks the box. What is about other requests does not count.
		refuses.Store(true)
		before := runs.Load()
		for _, request := range []int64{7, 1} {
			b.g.present().post(inNews{ib.Said{Session: first, Request: request, Code: 321}})
		}
		is(b.after(time.Minute), Connected, ib.CauseNone, ib.GuardOpen)
		if runs.Load() != before {
			t.Error("a refusal of market data led to a look at orders")
		}
		b.g.present().post(inNews{ib.Said{Session: first, Request: 0, Code: 321}}) // an order is refused
		is(b.after(time.Millisecond), Degraded, ib.CauseReadOnly, ib.GuardReadOnly)
		b.g.present().code(1100)
		b.after(time.Second)
		b.g.present().code(1102)
		is(b.after(time.Second), Degraded, ib.CauseReadOnly, ib.GuardReadOnly)
		refuses.Store(false)
		is(b.after(readOnlyLook), Connected, ib.CauseNone, ib.GuardOpen)

		// Someone else finds that nothing is answered.
		unanswered.Store(true)
		b.s.Session().Recheck()
		is(b.after(time.Millisecond), Connected, ib.CauseNone, ib.GuardReconciling)
		is(b.after(2*time.Second), Degraded, ib.CauseUnconfirmed, ib.GuardUnconfirmed)
		unanswered.Store(false)
		is(b.after(2*time.Second), Connected, ib.CauseNone, ib.GuardOpen)
	})
}
