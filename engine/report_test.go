package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

// TestReportsWhatBecomesOfOrders tells of a rejection and of an unknown state once each.
func TestReportsWhatBecomesOfOrders(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90.001), Rule: "odd"})
	if err != nil {
		t.Fatal(err)
	}
	c.state(t, list[0].Order.Ref, ledger.Rejected)
	for range 2 {
		c.orders.Learn(ib.OrderNews{
			Kind: ib.OrderError, ID: list[0].ID, Client: clientID, Code: 201,
			Detail: "again",
		})
		c.orders.Learn(ib.OrderNews{
			Kind: ib.OrderStatus, ID: list[0].ID, Client: clientID, PermID: 99,
			Status: "Inactive",
		})
	}
	if told := c.told(); len(told) != 1 || told[0].Kind != ReportRejected || told[0].Code != 110 ||
		told[0].Rule != "odd" || !strings.HasPrefix(told[0].Text, "BUY 1 AAPL LMT 90.001") {
		t.Errorf("%+v", told)
	}
	c.follow(ledger.Intent{ID: 7, State: ledger.Unknown, Order: order(1, 1)})
	c.follow(ledger.Intent{ID: 7, State: ledger.Unknown, Order: order(1, 1)})
	c.follow(ledger.Intent{ID: 8, State: ledger.Working, Order: order(1, 1)})
	if told := c.told(); len(told) != 2 || told[1].Kind != ReportUnknown {
		t.Errorf("%+v", told)
	}
}

// TestReportsAlarms has the ledger tell what a person should know at once, and tell it again.
func TestReportsAlarms(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90), Rule: "dip"})
	if err != nil {
		t.Fatal(err)
	}
	i := c.state(t, list[0].Order.Ref, ledger.Working)
	told := func(what string, want Report) {
		t.Helper()
		all := c.told()
		last := Report{}
		if len(all) > 0 {
			last = all[len(all)-1]
		}
		if last.At.IsZero() {
			t.Errorf("%s: %+v", what, all)
		}
		if last.At = (time.Time{}); last != want || len(all) != 1 {
			t.Errorf("%s: %+v, want %+v", what, all, want)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reports = nil
	}
	text := "BUY 1 AAPL LMT 90"
	for range 2 {
		c.orders.Learn(ib.OrderNews{
			Kind: ib.OrderOpen, Session: s.Number(), ID: i.ID, Client: clientID, PermID: i.PermID + 9, Ref: "theirs",
			Status: "Submitted",
		})
	}
	told("an order of others with the id of one of ours", Report{
		Kind: ReportForeign, Rule: "dip", Text: text, Order: i.ID,
		Detail: fmt.Sprintf("client id %d, order id %d, permId %d", clientID, i.ID, i.PermID+9),
	})
	c.reportOverdue([]ledger.Cancellation{{Order: i}, {Order: i, Refused: true, Code: 10148, Detail: "no"}})
	told("two orders that live on", Report{
		Kind: ReportNotCancelled, Rule: "dip", Text: text, Order: i.ID, More: 1, Code: 10148, Detail: "no",
	})
	asked := order(2, 90)
	i.Refused = &asked
	c.follow(i)
	c.follow(i)
	told("a change that was refused", Report{
		Kind: ReportNotChanged, Rule: "dip", Text: "BUY 2 AAPL LMT 90", Order: i.ID, Status: i.Status,
	})
	i.State, i.Status, i.WhyHeld = ledger.Inactive, "Inactive", "locate"
	c.follow(i)
	c.follow(i)
	told("an order that does not work", Report{
		Kind: ReportInactive, Rule: "dip", Text: text, Order: i.ID, Status: "Inactive", WhyHeld: "locate",
	})
	i.State, i.Status, i.WhyHeld, i.Unprotected = ledger.Cancelled, "Cancelled", "", true
	c.follow(i)
	c.follow(i)
	told("a stop that does not work", Report{
		Kind: ReportUnprotected, Rule: "dip", Text: text, Order: i.ID, Status: "Cancelled",
	})
}

// TestOverdueIsReported has Gateway confirm no cancellation, for as long as the ledger waits for that.
func TestOverdueIsReported(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
	if err != nil {
		t.Fatal(err)
	}
	c.state(t, list[0].Order.Ref, ledger.Working)
	g.DiscardCancels(-1)
	if err := c.orders.Cancel(s, list[0].ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is reported", func() bool {
		told := c.told()
		return len(told) == 1 && told[0].Kind == ReportNotCancelled && told[0].Order == list[0].ID
	})
}

// TestNoOrderIDsLeft has Gateway offer the last order id: a person is told once, and then what to do.
func TestNoOrderIDsLeft(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: ib.MaxOrderID - 1})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	for id := ib.MaxOrderID - 1; id <= ib.MaxOrderID; id++ {
		if list, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); err != nil || list[0].ID != int64(id) {
			t.Fatalf("%+v, %v", list, err)
		}
	}
	if _, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != BlockedOrderIDs ||
		!errors.Is(err, ledger.ErrNoOrderID) {
		t.Errorf("%v", err)
	}
	told := c.told()
	if len(told) != 2 || told[0].Kind != ReportFewIDs || told[0].More != 1 || told[1].Kind != ReportBlocked ||
		told[1].Reason != BlockedOrderIDs {
		t.Errorf("%+v", told)
	}
}

func TestDescribe(t *testing.T) {
	c := stocks[0].Contract
	future := ib.Contract{ConID: 5, Symbol: "ES", Local: "ESZ6"}
	for want, o := range map[string]ib.Order{
		"BUY 100 AAPL LMT 230.5": {
			Contract: c, Side: ib.Buy, Type: ib.Limit, Quantity: 100,
			LimitPrice: 230.5,
		},
		"SELL 0.5 AAPL STP LMT 229 228": {
			Contract: c, Side: ib.Sell, Type: ib.StopLimit, Quantity: 0.5,
			LimitPrice: 228, StopPrice: 229,
		},
		"SELL 1 ESZ6 TRAIL 2.5 %": {
			Contract: future, Side: ib.Sell, Type: ib.Trail, Quantity: 1,
			TrailPercent: 2.5,
		},
		"BUY 3 5 MKT": {
			Contract: ib.Contract{ConID: 5}, Side: ib.Buy, Type: ib.Market,
			Quantity: 3,
		},
	} {
		if got := Describe(&o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
