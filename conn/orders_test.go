package conn_test

import (
	"fmt"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestOrderStates has a gateway give orders every state that says why, at every form of the messages.
func TestOrderStates(t *testing.T) {
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			d := newDesk(t, sim.Config{ServerVersion: v}, nil)
			d.price(100)
			s := d.session()
			entry, stop := buy("entry", 5, 90), buy("stop", 5, 0)
			entry.Hold, stop.Side, stop.Type, stop.StopPrice, stop.Parent = true, ib.Sell, ib.Stop, 80, 1
			for n, o := range []ib.Order{entry, stop} {
				if err := s.Place(int64(n+1), o, ib.Conditions{}); err != nil {
					t.Fatal(err)
				}
			}
			if n := d.status(s, 2, "PreSubmitted"); n.WhyHeld != "child,trigger" || n.Parent != 1 {
				t.Errorf("%+v", n)
			}
			turn := func(ref string, to sim.Turn) {
				t.Helper()
				if err := d.gw.TurnOrder(ref, to); err != nil {
					t.Fatal(err)
				}
			}
			turn("stop", sim.Turn{Status: "Inactive", WhyHeld: "locate"})
			if n := d.status(s, 2, "Inactive"); n.WhyHeld != "locate" {
				t.Errorf("%+v", n)
			}
			turn("entry", sim.Turn{Status: "PendingCancel"})
			d.status(s, 1, "PendingCancel")
			list, err := s.OpenOrders(t.Context())
			if err != nil || len(list) != 2 || list[0].Status != "PendingCancel" || list[0].Limit != 90 ||
				list[1].Status != "Inactive" || list[1].WhyHeld != "locate" ||
				list[1].Aux != 80 || list[1].Parent != 1 || list[1].Quantity != 5 {
				t.Errorf("%+v, %v", list, err)
			}
			turn("stop", sim.Turn{Status: "Inactive", Ended: true, Silent: true, Text: "no shares"})
			if list, err = s.CompletedOrders(t.Context()); err != nil || len(list) != 1 ||
				list[0].Status != "Inactive" || list[0].Detail != "no shares" {
				t.Errorf("%+v, %v", list, err)
			}
			d.gw.FaultOrders(sim.OrderFault{Cut: true})
			if err := s.Place(3, buy("cut", 1, 90), ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			<-s.Done()
			if o := d.gw.State().Orders; len(o) != 3 || o[2].Ref != "cut" || o[2].Status != "Submitted" {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestAnOrdersLife places, changes, fills and cancels orders at every form of the messages.
func TestAnOrdersLife(t *testing.T) {
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			next := int64(40)
			if v%2 == 1 {
				next = 1_790_000_000 // after a program that numbers its orders by the clock
			}
			d := newDesk(t, sim.Config{ServerVersion: v, NextOrderID: next, PartialFills: 2}, nil)
			d.price(100) // bid 100.00, ask 100.01
			s := d.session()
			first := s.FirstOrderID()
			if first != next {
				t.Errorf("ids begin at %d", first)
			}
			if err := s.Place(first, buy("ref-1", 10, 0), ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			fill := d.news(s, "the second fill", func(n ib.OrderNews) bool {
				return n.Kind == ib.OrderFilled && n.Total == 10
			})
			if fill.ID != first || fill.Ref != "ref-1" || fill.Client != 17 || fill.Side != ib.Buy ||
				fill.Filled != 5 ||
				fill.Price != 100.01 || fill.PermID == 0 || fill.Execution == "" {
				t.Errorf("fill %+v", fill)
			}

			// A limit order that rests, is changed, and cancelled.
			if err := s.Place(first+1, buy("ref-2", 7, 90), ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			d.status(s, first+1, "Submitted")
			changed := buy("ref-2", 8, 91)
			if err := s.Place(first+1, changed, ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			d.news(s, "the change", func(n ib.OrderNews) bool {
				return n.Kind == ib.OrderOpen && n.ID == first+1 && n.Quantity == 8
			})
			open, err := s.OpenOrders(t.Context())
			if err != nil || len(open) == 0 {
				t.Fatalf("open orders: %+v, %v", open, err)
			}
			n := open[len(open)-1]
			if n.ID != first+1 || n.Ref != "ref-2" || n.Status != "Submitted" || n.Side != ib.Buy ||
				n.Type != ib.Limit || n.Quantity != 8 || n.Client != 17 {
				t.Errorf("open order %+v", n)
			}
			if err := s.Cancel(first + 1); err != nil {
				t.Fatal(err)
			}
			d.status(s, first+1, "Cancelled")
			if open, err := s.OpenOrders(t.Context()); err != nil || len(open) != 0 {
				t.Errorf("open orders: %+v, %v", open, err)
			}

			done, err := s.CompletedOrders(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			states := map[string]string{}
			for _, n := range done {
				states[n.Ref] = n.Status
				if n.Kind != ib.OrderCompleted || n.PermID == 0 {
					t.Errorf("completed %+v", n)
				}
			}
			if len(states) != 2 || states["ref-1"] != "Filled" || states["ref-2"] != "Cancelled" {
				t.Errorf("completed orders %v", states)
			}
			fills, err := s.Executions(t.Context())
			if err != nil || len(fills) != 2 || fills[0].Ref != "ref-1" || fills[0].Filled+fills[1].Filled != 10 {
				t.Errorf("executions %+v, %v", fills, err)
			}

			// A refusal of Gateway's comes with the order's id.
			if err := s.Place(first+2, buy("ref-3", 1, 90.001), ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			refusal := d.news(s, "a refusal", func(n ib.OrderNews) bool {
				return n.Kind == ib.OrderError && n.ID == first+2
			})
			if refusal.Code != 110 {
				t.Errorf("refusal %+v", refusal)
			}
		})
	}
}

// TestBrackets places parents with two exits each, and has them filled, cancelled and refused.
func TestBrackets(t *testing.T) {
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			d := newDesk(t, sim.Config{ServerVersion: v, TickRate: 0.001, MaxMessageRate: -1}, nil)
			d.price(100)
			s := d.session()
			place := func(id int64, o ib.Order) {
				t.Helper()
				if err := s.Place(id, o, ib.Conditions{}); err != nil {
					t.Fatal(err)
				}
			}
			held := func(ref string, limit float64) ib.Order {
				o := buy(ref, 10, limit)
				o.Hold = true
				return o
			}
			state := func(ref string) string {
				for _, o := range d.gw.State().Orders {
					if o.Ref == ref {
						return o.Status
					}
				}
				return ""
			}

			// What is held waits however the market moves; the last leg lets all go.
			place(1, held("in-1", 0))
			place(2, exit("profit-1", 10, 110, 0, 1, true))
			d.until("Gateway has both", func() bool { return state("profit-1") != "" })
			d.price(111)
			d.price(100)
			if n := d.gw.State().Counters.Executions; n != 0 {
				t.Fatalf("%d fills of orders that are held", n)
			}
			place(3, exit("loss-1", 10, 0, 90, 1, false))
			d.status(s, 1, "Filled")
			d.status(s, 2, "Submitted")
			d.price(110)
			d.status(s, 2, "Filled")
			d.status(s, 3, "Cancelled")

			// Exits wait for their parent, and the stop cancels the limit.
			d.price(100)
			place(4, held("in-2", 95))
			place(5, exit("profit-2", 10, 110, 0, 4, true))
			place(6, exit("loss-2", 10, 0, 90, 4, false))
			d.status(s, 6, "PreSubmitted")
			d.price(120)
			if state("in-2") != "Submitted" || state("profit-2") != "PreSubmitted" ||
				state("loss-2") != "PreSubmitted" {
				t.Errorf("before the parent is filled: %+v", d.gw.State().Orders)
			}
			d.price(94)
			d.status(s, 4, "Filled")
			d.price(90)
			d.status(s, 6, "Filled")
			d.status(s, 5, "Cancelled")

			// Cancelling the parent cancels its exits, held or not.
			for id, hold := int64(10), false; id <= 20; id, hold = id+10, true {
				d.price(100)
				place(id, held(fmt.Sprint("in-", id), 95))
				place(id+1, exit(fmt.Sprint("profit-", id), 10, 110, 0, id, true))
				place(id+2, exit(fmt.Sprint("loss-", id), 10, 0, 90, id, hold))
				d.until("Gateway has them", func() bool { return state(fmt.Sprint("loss-", id)) != "" })
				if err := s.Cancel(id); err != nil {
					t.Fatal(err)
				}
				left := map[int64]bool{id: true, id + 1: true, id + 2: true}
				d.news(s, "three cancellations", func(n ib.OrderNews) bool {
					if n.Kind == ib.OrderError && n.Code == 202 {
						delete(left, n.ID)
					}
					return len(left) == 0
				})
			}

			// An exit that is cancelled leaves the others; a held parent that comes again without Hold takes its exits
			// along.
			place(30, held("in-30", 95))
			place(31, exit("profit-30", 10, 110, 0, 30, true))
			place(32, exit("loss-30", 10, 0, 90, 30, true))
			d.until("Gateway has them", func() bool { return state("loss-30") != "" })
			if err := s.Cancel(32); err != nil {
				t.Fatal(err)
			}
			d.status(s, 32, "Cancelled")
			place(30, buy("in-30", 10, 101))
			d.status(s, 30, "Filled")
			d.status(s, 31, "Submitted")

			// A parent that is refused takes its exits along.
			place(40, held("in-40", 90.001))
			place(41, exit("profit-40", 10, 110, 0, 40, true))
			place(42, exit("loss-40", 10, 0, 90, 40, false))
			refused := map[int64]int{}
			d.news(s, "three refusals", func(n ib.OrderNews) bool {
				if n.Kind == ib.OrderError {
					refused[n.ID] = n.Code
				}
				return refused[42] != 0
			})
			if refused[40] != 110 || refused[41] != 135 || refused[42] != 135 {
				t.Errorf("refusals %v", refused)
			}
		})
	}
}

// TestChangesInPart changes an order of which a part is filled.
func TestChangesInPart(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, TickRate: 0.001, PartialFills: 2, SpreadFills: true}, nil)
		d.price(100)
		s := d.session()
		if err := s.Place(1, buy("ref", 10, 101), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "half of it", func(n ib.OrderNews) bool {
			return n.Kind == ib.OrderStatus && n.Filled == 5
		})
		if err := s.Place(1, buy("ref", 8, 99), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the change", func(n ib.OrderNews) bool {
			return n.Kind == ib.OrderOpen && n.Quantity == 8
		})
		open, err := s.OpenOrders(t.Context())
		if err != nil || len(open) == 0 || open[len(open)-1].ID != 1 || open[0].Quantity != 8 ||
			open[0].Status != "Submitted" {
			t.Errorf("version %d: open orders %+v, %v", v, open, err)
		}
		// No less than is filled: the change is refused, the order stays.
		if err := s.Place(1, buy("ref", 5, 99), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "a refusal", func(n ib.OrderNews) bool {
			return n.Kind == ib.OrderError && n.ID == 1 && n.Code == 201
		})
		d.price(100.50) // its old limit would be met
		d.price(98)
		d.price(98)
		end := d.news(s, "the last fill", func(n ib.OrderNews) bool {
			return n.Kind == ib.OrderFilled && n.Total == 8
		})
		if end.Price > 99 || end.Ref != "ref" {
			t.Errorf("version %d: %+v", v, end)
		}
		fills, err := s.Executions(t.Context())
		sum := 0.0
		for _, n := range fills {
			sum += n.Filled
		}
		if err != nil || sum != 8 {
			t.Errorf("version %d: %v filled by %+v, %v", v, sum, fills, err)
		}
		// What is done cannot be changed.
		if err := s.Place(1, buy("ref", 20, 99), ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.news(s, "a refusal", func(n ib.OrderNews) bool {
			return n.Kind == ib.OrderError && n.ID == 1 && n.Code == 103
		})
	}
}
