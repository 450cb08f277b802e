package conn_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

// versions are server versions that are spoken.
var versions = []int{213, 219, 225}

const orderPatience = 60 * time.Second

// desk is a supervisor on a simulated gateway, with what its sessions say about orders.
type desk struct {
	t   *testing.T
	gw  *sim.Gateway
	sup *conn.Supervisor

	unread map[*conn.Session][]conn.OrderNews // taken from a session and not looked at yet
}

func newDesk(t *testing.T, cfg sim.Config, change func(*conn.Config)) *desk {
	t.Helper()
	if cfg.Farms == nil {
		cfg.Farms = []sim.Farm{}
	}
	gw, err := sim.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gw.Close() })
	return (&desk{t: t, gw: gw}).run(17, change)
}

// another returns a desk with another client id at the same gateway.
func (d *desk) another(client int) *desk { return (&desk{t: d.t, gw: d.gw}).run(client, nil) }

// usualLimits are close to those of the program. A busy computer may miss them.
func usualLimits(c *conn.Config) {
	c.Soft, c.Hard, c.ProofOfLife = 1500*time.Millisecond, 10*time.Second, 250*time.Millisecond
}

// run runs the desk's supervisor until the test ends.
func (d *desk) run(client int, change func(*conn.Config)) *desk {
	d.t.Helper()
	c := conn.Config{
		Host: "127.0.0.1", Port: d.gw.Port(), ClientID: client, Mode: conn.AnyMode, ConnectTimeout: 20 * time.Second,
		Poll: time.Second, Soft: 20 * time.Second, Hard: time.Minute, ProofOfLife: 20 * time.Second,
		Delays: []time.Duration{20 * time.Millisecond}, Stable: 10 * time.Second, WatchLocalPort: true,
	}
	if change != nil {
		change(&c)
	}
	sup, err := conn.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	var run sync.WaitGroup
	run.Go(func() { sup.Run(ctx) })
	d.t.Cleanup(func() {
		cancel()
		run.Wait()
	})
	d.sup = sup
	return d
}

func (d *desk) until(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(orderPatience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("waited in vain until %s; %+v", what, d.sup.Snapshot())
		}
	}
}

// session waits for one whose guard is open.
func (d *desk) session() *conn.Session {
	d.t.Helper()
	var s *conn.Session
	d.until("the guard is open", func() bool {
		s = d.sup.Session()
		return s != nil && s.Guard() == nil
	})
	return s
}

func (d *desk) do(verb string) {
	d.t.Helper()
	if _, err := d.gw.Do(verb, nil); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) price(p float64) {
	d.t.Helper()
	if err := d.gw.SetPrice("AAPL", p); err != nil {
		d.t.Fatal(err)
	}
}

// news takes order news until ok is true of one piece, which it returns.
func (d *desk) news(s *conn.Session, what string, ok func(conn.OrderNews) bool) conn.OrderNews {
	d.t.Helper()
	limit := time.After(orderPatience)
	var seen []conn.OrderNews
	if d.unread == nil {
		d.unread = map[*conn.Session][]conn.OrderNews{}
	}
	for {
		list := append(d.unread[s], s.Orders().Take()...)
		for i, n := range list {
			seen = append(seen, n)
			if ok(n) {
				d.unread[s] = list[i+1:]
				return n
			}
		}
		d.unread[s] = nil
		select {
		case <-s.Orders().Ready():
		case <-limit:
			d.t.Fatalf("waited in vain for %s; %+v", what, seen)
		}
	}
}

func (d *desk) status(s *conn.Session, id int64, status string) conn.OrderNews {
	d.t.Helper()
	return d.news(s, fmt.Sprintf("order %d to be %s", id, status), func(n conn.OrderNews) bool {
		return n.Kind == conn.OrderStatus && n.ID == id && n.Status == status
	})
}

var apple = conn.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}

func buy(ref string, quantity, limit float64) conn.Order {
	o := conn.Order{Ref: ref, Contract: apple, Side: conn.Buy, Type: conn.Market, Quantity: quantity}
	if limit != 0 {
		o.Type, o.LimitPrice = conn.Limit, limit
	}
	return o
}

// TestOrderStates has a gateway give orders every state that says why, at every form of the messages.
func TestOrderStates(t *testing.T) {
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			d := newDesk(t, sim.Config{ServerVersion: v}, nil)
			d.price(100)
			s := d.session()
			entry, stop := buy("entry", 5, 90), buy("stop", 5, 0)
			entry.Hold, stop.Side, stop.Type, stop.StopPrice, stop.Parent = true, conn.Sell, conn.Stop, 80, 1
			for n, o := range []conn.Order{entry, stop} {
				if err := s.Place(int64(n+1), o); err != nil {
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
			if err := s.Place(3, buy("cut", 1, 90)); err != nil {
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
			if err := s.Place(first, buy("ref-1", 10, 0)); err != nil {
				t.Fatal(err)
			}
			fill := d.news(s, "the second fill", func(n conn.OrderNews) bool {
				return n.Kind == conn.OrderFilled && n.Total == 10
			})
			if fill.ID != first || fill.Ref != "ref-1" || fill.Client != 17 || fill.Side != conn.Buy ||
				fill.Filled != 5 ||
				fill.Price != 100.01 || fill.PermID == 0 || fill.Execution == "" || fill.At == "" ||
				fill.Symbol != "AAPL" {
				t.Errorf("fill %+v", fill)
			}

			// A limit order that rests, is changed, and cancelled.
			if err := s.Place(first+1, buy("ref-2", 7, 90)); err != nil {
				t.Fatal(err)
			}
			d.status(s, first+1, "Submitted")
			changed := buy("ref-2", 8, 91)
			if err := s.Place(first+1, changed); err != nil {
				t.Fatal(err)
			}
			d.news(s, "the change", func(n conn.OrderNews) bool {
				return n.Kind == conn.OrderOpen && n.ID == first+1 && n.Quantity == 8
			})
			open, err := s.OpenOrders(t.Context())
			if err != nil || len(open) == 0 {
				t.Fatalf("open orders: %+v, %v", open, err)
			}
			n := open[len(open)-1]
			if n.ID != first+1 || n.Ref != "ref-2" || n.Status != "Submitted" || n.Side != conn.Buy ||
				n.Type != conn.Limit || n.Quantity != 8 || n.Client != 17 {
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
				if n.Kind != conn.OrderCompleted || n.PermID == 0 {
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

			// What Gateway refuses is told with the order's id.
			if err := s.Place(first+2, buy("ref-3", 1, 90.001)); err != nil {
				t.Fatal(err)
			}
			refusal := d.news(s, "a refusal", func(n conn.OrderNews) bool {
				return n.Kind == conn.OrderError && n.ID == first+2
			})
			if refusal.Code != 110 {
				t.Errorf("refusal %+v", refusal)
			}
		})
	}
}

// exit returns an order that closes what another has bought.
func exit(ref string, quantity, limit, stop float64, parent int64, hold bool) conn.Order {
	o := conn.Order{
		Ref: ref, Contract: apple, Side: conn.Sell, Type: conn.Limit, Quantity: quantity, LimitPrice: limit,
		Parent: parent, Hold: hold,
	}
	if stop != 0 {
		o.Type, o.LimitPrice, o.StopPrice = conn.Stop, 0, stop
	}
	return o
}

// TestBrackets places parents with two exits each, and has them filled, cancelled and refused.
func TestBrackets(t *testing.T) {
	for _, v := range versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			d := newDesk(t, sim.Config{ServerVersion: v, TickRate: 0.001, MaxMessageRate: -1}, nil)
			d.price(100)
			s := d.session()
			place := func(id int64, o conn.Order) {
				t.Helper()
				if err := s.Place(id, o); err != nil {
					t.Fatal(err)
				}
			}
			held := func(ref string, limit float64) conn.Order {
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
			for id, hold := range map[int64]bool{10: false, 20: true} {
				d.price(100)
				place(id, held(fmt.Sprint("in-", id), 95))
				place(id+1, exit(fmt.Sprint("profit-", id), 10, 110, 0, id, true))
				place(id+2, exit(fmt.Sprint("loss-", id), 10, 0, 90, id, hold))
				d.until("Gateway has them", func() bool { return state(fmt.Sprint("loss-", id)) != "" })
				if err := s.Cancel(id); err != nil {
					t.Fatal(err)
				}
				left := map[int64]bool{id: true, id + 1: true, id + 2: true}
				d.news(s, "three cancellations", func(n conn.OrderNews) bool {
					if n.Kind == conn.OrderError && n.Code == 202 {
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
			d.news(s, "three refusals", func(n conn.OrderNews) bool {
				if n.Kind == conn.OrderError {
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
		if err := s.Place(1, buy("ref", 10, 101)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "half of it", func(n conn.OrderNews) bool {
			return n.Kind == conn.OrderStatus && n.Filled == 5 && n.Remaining == 5
		})
		if err := s.Place(1, buy("ref", 8, 99)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the change", func(n conn.OrderNews) bool {
			return n.Kind == conn.OrderStatus && n.Filled == 5 && n.Remaining == 3
		})
		open, err := s.OpenOrders(t.Context())
		if err != nil || len(open) == 0 || open[len(open)-1].ID != 1 || open[0].Quantity != 8 ||
			open[0].Status != "Submitted" {
			t.Errorf("version %d: open orders %+v, %v", v, open, err)
		}
		// No less than is filled: the change is refused, the order stays.
		if err := s.Place(1, buy("ref", 5, 99)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "a refusal", func(n conn.OrderNews) bool {
			return n.Kind == conn.OrderError && n.ID == 1 && n.Code == 201
		})
		d.price(100.50) // its old limit would be met
		d.price(98)
		d.price(98)
		end := d.news(s, "the last fill", func(n conn.OrderNews) bool {
			return n.Kind == conn.OrderFilled && n.Total == 8
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
		if err := s.Place(1, buy("ref", 20, 99)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "a refusal", func(n conn.OrderNews) bool {
			return n.Kind == conn.OrderError && n.ID == 1 && n.Code == 103
		})
	}
}

// TestDelayedData asks for delayed data, and for live data again.
func TestDelayedData(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, TickRate: 0.001}, nil)
		s := d.session()
		for request, delayed := range []bool{false, true, false} {
			if request > 0 { // without it, live
				if err := s.MarketDataType(delayed); err != nil {
					t.Fatal(err)
				}
			}
			if delayed { // live data come first
				if err := d.gw.RefuseData("", 10167, 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Subscribe(int64(request+1), apple); err != nil {
				t.Fatal(err)
			}
			got := map[conn.TickField]bool{}
			d.until("there are ticks", func() bool {
				for _, k := range s.Ticks().Take(nil) {
					if k.Request == int64(request+1) {
						got[k.Field] = k.Delayed
					}
				}
				return len(got) >= 8
			})
			for field, was := range got {
				if was != delayed {
					t.Errorf("version %d: field %d is delayed %v, want %v", v, field, was, delayed)
				}
			}
		}
	}
	d := newDesk(t, sim.Config{}, nil)
	over := d.session()
	d.do("drop")
	<-over.Done()
	if err := over.MarketDataType(true); !errors.Is(err, conn.ErrSessionOver) {
		t.Errorf("asked of a session that is over: %v", err)
	}
}

// TestOrderTypes has the gateway tell what it understood.
func TestOrderTypes(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, nil)
		d.price(100)
		s := d.session()
		for i, o := range []conn.Order{
			{Side: conn.Sell, Type: conn.Limit, LimitPrice: 120},
			{Side: conn.Sell, Type: conn.Stop, StopPrice: 80},
			{Side: conn.Sell, Type: conn.StopLimit, StopPrice: 80, LimitPrice: 79},
			{Side: conn.Sell, Type: conn.Trail, TrailAmount: 5},
			{Side: conn.Sell, Type: conn.Trail, TrailPercent: 10},
		} {
			o.Ref, o.Contract, o.Quantity, o.TIF, o.OutsideHours = fmt.Sprint("type-", i), apple, 2.5, "GTC", true
			if err := s.Place(int64(i+1), o); err != nil {
				t.Fatal(err)
			}
			n := d.news(s, "the order", func(n conn.OrderNews) bool {
				return n.Kind == conn.OrderOpen && n.ID == int64(i+1)
			})
			if n.Type != o.Type || n.Side != o.Side || n.Quantity != 2.5 || n.Ref != o.Ref {
				t.Errorf("version %d: placed %+v, told %+v", v, o, n)
			}
		}
		open, err := s.OpenOrders(t.Context())
		if err != nil || len(open) < 5 {
			t.Errorf("version %d: %d open orders, %v", v, len(open), err)
		}
	}
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	d := newDesk(t, sim.Config{}, nil)
	s := d.session()
	good := buy("ref", 1, 100)
	for name, c := range map[string]struct {
		id     int64
		change func(*conn.Order)
		want   string
	}{
		"id 0":            {0, func(*conn.Order) {}, "order id 0"},
		"id too high":     {1<<31 - 1<<24, func(*conn.Order) {}, "order id"},
		"no reference":    {1, func(o *conn.Order) { o.Ref = "" }, "order reference"},
		"NUL in it":       {1, func(o *conn.Order) { o.Ref = "a\x00b" }, "order reference"},
		"long reference":  {1, func(o *conn.Order) { o.Ref = strings.Repeat("x", 41) }, "order reference"},
		"side":            {1, func(o *conn.Order) { o.Side = "HOLD" }, "side"},
		"type":            {1, func(o *conn.Order) { o.Type = "MOC" }, "order type"},
		"nothing":         {1, func(o *conn.Order) { o.Quantity = 0 }, "quantity"},
		"less":            {1, func(o *conn.Order) { o.Quantity = -1 }, "quantity"},
		"not a number":    {1, func(o *conn.Order) { o.Quantity = nan() }, "quantity"},
		"too much":        {1, func(o *conn.Order) { o.Quantity = 1e12 }, "quantity"},
		"no limit":        {1, func(o *conn.Order) { o.LimitPrice = 0 }, "needs a limit price"},
		"limit no number": {1, func(o *conn.Order) { o.LimitPrice = nan() }, "limit price is no number"},
		"stop too many":   {1, func(o *conn.Order) { o.StopPrice = 1 }, "has no stop price"},
		"two trails": {1, func(o *conn.Order) {
			o.Type, o.LimitPrice, o.TrailAmount, o.TrailPercent = conn.Trail, 0, 1, 1
		}, "either"},
		"trail without": {1, func(o *conn.Order) { o.Type, o.LimitPrice = conn.Trail, 0 }, "either"},
	} {
		o := good
		c.change(&o)
		if err := s.Place(c.id, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if n := d.gw.State().Counters.Orders; n != 0 {
		t.Errorf("%d orders arrived", n)
	}
}

func nan() float64 { var zero float64; return zero / zero }

// TestNoOrderWhileShut tries to place orders in every state in which none may leave.
func TestNoOrderWhileShut(t *testing.T) {
	var reconciled atomic.Bool
	d := newDesk(t, sim.Config{}, func(c *conn.Config) {
		c.Reconcile = func(ctx context.Context, _ *conn.Session) error {
			for !reconciled.Load() {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Millisecond):
				}
			}
			return nil
		}
	})
	refused := func(s *conn.Session, want conn.GuardReason) {
		t.Helper()
		var shut *conn.GuardError
		if err := s.Place(1, buy("ref", 1, 90)); !errors.As(err, &shut) || shut.Reason != want {
			t.Errorf("placed: %v, want %s", err, want)
		}
	}
	d.until("there is a session", func() bool { return d.sup.Session() != nil })
	s := d.sup.Session()
	refused(s, conn.GuardReconciling)
	reconciled.Store(true)
	s = d.session()
	reconciled.Store(false)
	d.do("1100")
	d.until("upstream is lost", func() bool { return !d.sup.Snapshot().Layers.Upstream })
	refused(s, conn.GuardUpstream)
	d.do("1102")
	d.until("upstream is back", func() bool { return d.sup.Snapshot().Layers.Upstream })
	refused(s, conn.GuardReconciling)
	reconciled.Store(true)
	s = d.session()
	d.do("drop")
	<-s.Done()
	refused(s, conn.GuardSocket)
	if n := d.gw.State().Counters.Orders; n != 0 {
		t.Errorf("%d orders arrived", n)
	}
	if err := s.Cancel(1); !errors.Is(err, conn.ErrSessionOver) {
		t.Errorf("cancelled on a session that is over: %v", err)
	}
	if _, err := s.OpenOrders(t.Context()); !errors.Is(err, conn.ErrSessionOver) {
		t.Errorf("asked on a session that is over: %v", err)
	}
}

// TestTheGuardShutsWhileAnOrderWaits fills the pace limit, so that orders wait behind other requests, and shuts the
// guard meanwhile: none of those that wait leaves.
func TestTheGuardShutsWhileAnOrderWaits(t *testing.T) {
	t.Parallel()
	// The gateway does not count: on a busy machine it may read in one second what took two to be written.
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, MaxMessageRate: -1}, nil)
		s := d.session()
		for i := range 60 { // 45 a second leave
			if err := s.Unsubscribe(int64(i + 1)); err != nil {
				t.Fatal(err)
			}
		}
		failed := make(chan error, 3)
		for i := range 3 {
			go func() { failed <- s.Place(int64(i+1), buy(fmt.Sprint("ref-", i), 1, 90)) }()
		}
		time.Sleep(20 * time.Millisecond) // until they are on their way; sooner is fine as well
		d.do("1100")
		for range 3 {
			var shut *conn.GuardError
			if err := <-failed; !errors.As(err, &shut) || shut.Reason != conn.GuardUpstream {
				t.Errorf("version %d: placed: %v", v, err)
			}
		}
		d.do("1102")
		s = d.session()
		if err := s.Place(4, buy("last", 1, 90)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the last one", func(n conn.OrderNews) bool { return n.Ref == "last" })
		if open, err := s.OpenOrders(t.Context()); err != nil || slices.ContainsFunc(open, func(n conn.OrderNews) bool {
			return n.Ref != "last"
		}) {
			t.Errorf("version %d: open orders %+v, %v", v, open, err)
		}
	}
}

// TestPermissionIsWithdrawnWhileAnOrderWaits has orders wait behind the pace limit while what allows them goes: they do
// not leave, though the guard is open.
func TestPermissionIsWithdrawnWhileAnOrderWaits(t *testing.T) {
	t.Parallel()
	withdrawn := errors.New("disarmed")
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, MaxMessageRate: -1}, nil)
		s := d.session()
		var asked atomic.Int64
		var disarmed atomic.Bool
		allowed := func() error {
			asked.Add(1)
			if disarmed.Load() {
				return withdrawn
			}
			return nil
		}
		if err := s.PlaceIf(1, buy("first", 1, 90), conn.Conditions{Allowed: allowed}); err != nil ||
			asked.Load() != 1 {
			t.Errorf("version %d: placed: %v, asked %d times", v, err, asked.Load())
		}
		d.news(s, "the first one", func(n conn.OrderNews) bool { return n.Ref == "first" })
		for i := range 60 { // 45 a second leave
			if err := s.Unsubscribe(int64(i + 1)); err != nil {
				t.Fatal(err)
			}
		}
		failed := make(chan error, 3)
		for i := range 3 {
			go func() {
				failed <- s.PlaceIf(int64(i+2), buy(fmt.Sprint("ref-", i), 1, 90), conn.Conditions{Allowed: allowed})
			}()
		}
		disarmed.Store(true)
		for range 3 {
			if err := <-failed; !errors.Is(err, withdrawn) {
				t.Errorf("version %d: placed: %v", v, err)
			}
		}
		if asked.Load() != 4 {
			t.Errorf("version %d: asked %d times", v, asked.Load())
		}
		// The ids are free again, and Place asks no one.
		if err := s.Place(2, buy("last", 1, 90)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the last one", func(n conn.OrderNews) bool { return n.Ref == "last" })
		if n := d.gw.State().Counters.Orders; n != 2 {
			t.Errorf("version %d: %d orders arrived", v, n)
		}
	}
}

// TestPrepared has an order wait for what is done before it may leave, for longer than a silent gateway is trusted:
// nothing of it arrives meanwhile, nor of what is asked for behind it, and the connection is watched. One that cannot
// be prepared never arrives.
func TestPrepared(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, func(c *conn.Config) { c.Soft = 2 * time.Second })
		s := d.session()
		s.Orders()
		failed := errors.New("the disk is full")
		err := s.PlaceIf(1, buy("unprepared", 1, 90), conn.Conditions{Prepare: func() error { return failed }})
		if !errors.Is(err, failed) {
			t.Errorf("version %d: placed: %v", v, err)
		}
		answered := make(chan error, 1)
		err = s.PlaceIf(2, buy("prepared", 1, 90), conn.Conditions{Prepare: func() error {
			go func() {
				open, err := s.OpenOrders(t.Context())
				if err == nil && (len(open) == 0 || open[0].Ref != "prepared") {
					err = fmt.Errorf("open orders: %+v", open)
				}
				answered <- err
			}()
			time.Sleep(3 * time.Second) // longer than Gateway may take to answer
			if n := d.gw.State().Counters.Orders; n != 0 || len(answered) != 0 || s.Guard() != nil {
				return fmt.Errorf("%d orders arrived, %d answers, %w", n, len(answered), s.Guard())
			}
			return nil
		}})
		if err != nil {
			t.Errorf("version %d: placed: %v", v, err)
		}
		if err := <-answered; err != nil {
			t.Errorf("version %d: %v", v, err)
		}
		if n := d.gw.State().Counters.Orders; n != 1 || d.sup.Session() != s {
			t.Errorf("version %d: %d orders arrived; %+v", v, n, d.sup.Snapshot())
		}
	}
}

// TestDropsWhileOrdersAreSent drops the connection again and again while orders are sent: each that was not sent is not
// in the gateway, each that was sent or is of unknown fate is there once at most.
func TestDropsWhileOrdersAreSent(t *testing.T) {
	d := newDesk(t, sim.Config{MaxMessageRate: -1}, nil)
	fates := map[string]error{}
	id := int64(0)
	for round := range 40 {
		s := d.session()
		drop := d.gw.State().Counters.Orders + int64(round%8) // when so many have arrived
		go func() {
			for d.gw.State().Counters.Orders < drop {
				time.Sleep(100 * time.Microsecond)
			}
			_, _ = d.gw.Do("drop", nil)
		}()
		for range 30 {
			id++
			ref := fmt.Sprint("ref-", id)
			err := s.Place(id, buy(ref, 1, 50))
			if fates[ref] = err; err != nil {
				break
			}
		}
		<-s.Done()
	}
	s := d.session()
	there := map[string]int64{}
	open, err := s.OpenOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range open {
		if old, ok := there[n.Ref]; ok && old != n.PermID {
			t.Errorf("%s is there twice", n.Ref)
		}
		there[n.Ref] = n.PermID
	}
	sent, unknown, lost := 0, 0, 0
	for ref, err := range fates {
		_, arrived := there[ref]
		var shut *conn.GuardError
		switch {
		case err == nil:
			if sent++; !arrived {
				lost++
			}
		case errors.Is(err, conn.ErrFateUnknown):
			unknown++
		case errors.Is(err, conn.ErrSessionOver) || errors.As(err, &shut):
			if arrived {
				t.Errorf("%s was not sent (%v) and is there", ref, err)
			}
		default:
			t.Errorf("%s: %v", ref, err)
		}
	}
	if sent < 40 {
		t.Errorf("%d sent", sent)
	}
	t.Logf("%d sent, %d of them lost with the connection, %d unknown, of %d", sent, lost, unknown, len(fates))
}

// TestAnswersAreNotMixedUp leaves a question about open orders, and asks again: the end of the first answer is not
// taken for that of the second.
func TestAnswersAreNotMixedUp(t *testing.T) {
	d := newDesk(t, sim.Config{MaxMessageRate: -1, OpenOrdersOnConnect: true}, nil)
	s := d.session()
	for i := range 20 {
		if err := s.Place(int64(i+1), buy(fmt.Sprint("ref-", i), 1, 50)); err != nil {
			t.Fatal(err)
		}
	}
	d.news(s, "the last order", func(n conn.OrderNews) bool { return n.Ref == "ref-19" })
	for range 50 {
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
	// A new session is told its orders unasked, with an end of their own.
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

// TestExecutionsOfOthers has another client id fill an order: it is not told among ours.
func TestExecutionsOfOthers(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, nil)
		d.price(100)
		other := d.another(3)
		for i, one := range []*desk{other, d} {
			s := one.session()
			if err := s.Place(int64(i+1), buy(fmt.Sprint("ref-", i), 1, 0)); err != nil {
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
		if err := s.Place(1, buy("rests", 1, 50)); err != nil {
			t.Fatal(err)
		}
		d.status(s, 1, "Submitted")
		if err := s.Place(2, buy("filled", 1, 0)); err != nil {
			t.Fatal(err)
		}
		d.status(s, 2, "Filled")
		for q, ask := range map[sim.Question]func(context.Context) ([]conn.OrderNews, error){
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
		var refused *conn.RequestError
		if _, err := s.OpenOrders(t.Context()); !errors.As(err, &refused) || refused.Code != 321 ||
			refused.Question != conn.QuestionOpenOrders {
			t.Errorf("version %d: %v", v, err)
		}
		if _, err := s.CompletedOrders(t.Context()); !errors.As(err, &refused) ||
			refused.Question != conn.QuestionCompletedOrders {
			t.Errorf("version %d: %v", v, err)
		}
		if list, err := s.Executions(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("version %d: %+v, %v", v, list, err)
		}
	}
}

// TestCancelIsWritten has requests to cancel wait behind others for their turn: when Cancel returns, Gateway has been
// given them.
func TestCancelIsWritten(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, MaxMessageRate: -1}, nil)
		s := d.session()
		if err := s.Place(1, buy("one", 1, 90)); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the order", func(n conn.OrderNews) bool { return n.Ref == "one" })
		before := int64(0)
		if v == 192 || v == 225 {
			before = 95 // 45 a second leave
		}
		for i := range before {
			if err := s.Unsubscribe(i + 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Cancel(1); err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		if n := int64(d.gw.State().Counters.Requests); n < before-5 { // those are on their way
			t.Errorf("version %d: %d of %d requests that were made before have arrived", v, n, before)
		}
		d.status(s, 1, "Cancelled")
		for _, id := range []int64{-1, 0, conn.MaxOrderID + 1, 1<<31 - 1} {
			if err := s.Cancel(id); err == nil {
				t.Errorf("version %d: asked to cancel order %d", v, id)
			}
		}
		d.do("drop")
		<-s.Done()
		if err := s.Cancel(1); !errors.Is(err, conn.ErrSessionOver) {
			t.Errorf("version %d: %v", v, err)
		}
	}
}

// TestWhoseNews holds that everything that is said of orders carries the number of its session and the client id of the
// order, or, where that is not told, that of the session.
func TestWhoseNews(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, nil)
		d.price(100)
		s := d.session()
		if err := s.Place(1, buy("one", 1, 0)); err != nil {
			t.Fatal(err)
		}
		seen := map[conn.OrderNewsKind]bool{}
		check := func(n conn.OrderNews) {
			seen[n.Kind] = true
			if n.Session != s.Number() || n.Kind != conn.OrderCommission && n.Client != int64(s.ClientID()) {
				t.Errorf("version %d, session %d of client id %d: %+v", v, s.Number(), s.ClientID(), n)
			}
		}
		d.news(s, "the commission", func(n conn.OrderNews) bool { check(n); return n.Kind == conn.OrderCommission })
		if err := s.Cancel(77); err != nil {
			t.Fatal(err)
		}
		d.news(s, "the error", func(n conn.OrderNews) bool {
			check(n)
			return n.Kind == conn.OrderError && n.Code == 10147
		})
		for _, kind := range []conn.OrderNewsKind{conn.OrderOpen, conn.OrderStatus, conn.OrderFilled, conn.OrderError} {
			if !seen[kind] {
				t.Errorf("version %d: nothing of kind %d", v, kind)
			}
		}
	}
}
