package ledger

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

func turn(t *testing.T, g *sim.Gateway, i Intent, to sim.Turn) {
	t.Helper()
	if err := g.TurnOrder(i.Order.Ref, to); err != nil {
		t.Fatal(err)
	}
}

// hasty is a listener whose ledger asks soon.
func hasty(t *testing.T, g *sim.Gateway) *listener {
	t.Helper()
	return listen(t, g, func(l *Ledger) { l.patience = 200 * time.Millisecond })
}

// bracket places an order that fills at a price of 101, with a stop and a profit.
func (d *desk) bracket(t *testing.T, s *ib.Session, limit float64) (entry, stop, profit Intent) {
	t.Helper()
	exit := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Stop, Quantity: 4, StopPrice: 80}
	gain := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Limit, Quantity: 4, LimitPrice: 120}
	list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(4, limit), exit, gain}})
	if err != nil {
		t.Fatal(err)
	}
	return list[0], list[1], list[2]
}

// TestInactive has a working order become inactive, live and among the completed ones, and work again. It is reported
// at once, in the words of IBKR.
func TestInactive(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	held := c.rests(t, s)
	turn(t, g, held, sim.Turn{Code: 404, Text: "held while shares are located", Status: "Inactive", WhyHeld: "locate"})
	eventually(t, "it is held", func() bool { return c.intent(held).WhyHeld == "locate" })
	if i := c.intent(held); i.State != Inactive || i.Status != "Inactive" || i.Done() || i.Code != 404 || !i.Warning {
		t.Errorf("%+v", i)
	}
	c.alarmed(t, held, Inactive)
	turn(t, g, held, sim.Turn{Status: "Submitted"})
	if i := c.state(t, held.Order.Ref, Working); i.Status != "Submitted" || i.WhyHeld != "" {
		t.Errorf("%+v", i)
	}
	turn(t, g, held, sim.Turn{Status: "Inactive"})
	c.alarmed(t, held, Inactive, Inactive)

	ended := c.rests(t, s)
	turn(t, g, ended, sim.Turn{Status: "Inactive", Ended: true, Silent: true, Text: "no shares"})
	c.ledger.mu.Lock()
	c.ledger.ids[ended.key()].wonder(c.ledger.now(), true)
	c.ledger.mu.Unlock()
	if i := c.state(t, ended.Order.Ref, Inactive); !i.Done() || i.Detail != "no shares" {
		t.Errorf("%+v", i)
	}
	c.alarmed(t, ended, Inactive)
}

// TestRejections has orders be rejected with codes that say so and with those that no one knows, before and behind the
// first open order, as cancelled and as inactive.
func TestRejections(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	for _, f := range []sim.OrderFault{
		{Refuse: true, Turn: sim.Turn{Code: 203}},
		{Refuse: true, Turn: sim.Turn{Code: 99999}},
		{Early: true, Turn: sim.Turn{Code: 10289, Status: "Inactive"}},
		{Early: true, Turn: sim.Turn{Code: 99999, Status: "Cancelled"}},
		{Turn: sim.Turn{Code: 460, Status: "Cancelled"}},
		{Turn: sim.Turn{Code: 203, Status: "Inactive"}},
		{Turn: sim.Turn{Code: 10318, Status: "Inactive", Ended: true}},
		{Turn: sim.Turn{Code: 99999, Status: "Inactive"}},
		{Turn: sim.Turn{Code: 201, Status: "Inactive", Late: true}},
		{Turn: sim.Turn{Code: 203, Status: "Cancelled", Silent: true}}, // and so it has to be asked
	} {
		f.Turn.Text = "no"
		g.FaultOrders(f)
		placed, err := c.place(s, order(1, 90))
		if err != nil {
			t.Fatal(err)
		}
		i := c.state(t, placed.Order.Ref, Rejected)
		if i.Code != f.Turn.Code || i.Detail != "no" || i.Warning {
			t.Errorf("%+v: %+v", f, i)
		}
		eventually(t, "it is reported", func() bool { return slices.Contains(c.alarms(i), string(Rejected)) })
	}
	// What is no rejection is kept, and that is all.
	for _, code := range []int{399, 2109, 10349, 88888} {
		g.FaultOrders(sim.OrderFault{Turn: sim.Turn{Code: code, Text: "mind"}})
		placed, err := c.place(s, order(1, 90))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is a warning", func() bool { return c.intent(placed).Warning })
		if i := c.intent(placed); i.State != Working || i.Code != code || i.Detail != "mind" || len(c.alarms(i)) != 0 {
			t.Errorf("%+v, reported %v", i, c.alarms(i))
		}
	}
}

// TestUnknownCodeDestroysNothing sends an error that no one knows about an exit: its order is not cancelled.
func TestUnknownCodeDestroysNothing(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	for _, early := range []bool{true, false} {
		g.FaultOrders(sim.OrderFault{Type: "STP", Early: early, Turn: sim.Turn{Code: 88888}})
		entry, stop, _ := c.bracket(t, s, 90)
		eventually(t, "it was asked", func() bool { return c.intent(stop).Warning })
		if i := c.intent(stop); i.State != Working || i.Code != 88888 {
			t.Errorf("%+v", i)
		}
		if i := c.state(t, entry.Order.Ref, Working); i.ToCancel {
			t.Errorf("%+v", i)
		}
	}
}

// TestStopIsLost has the stop of a position end: refused, held, cancelled by someone else, forgotten. That is an alarm
// of its own. The order of a stop that ends before anything is filled is cancelled.
func TestStopIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		turn  sim.Turn
		want  OrderState
		keeps bool // the order, if nothing of it is filled
	}{
		"rejected":                   {sim.Turn{Code: 201, Status: "Inactive"}, Rejected, false},
		"cancelled with an error":    {sim.Turn{Code: 203, Status: "Cancelled"}, Rejected, false},
		"inactive":                   {sim.Turn{Status: "Inactive"}, Inactive, false},
		"held":                       {sim.Turn{Status: "Inactive", WhyHeld: "locate"}, Inactive, true},
		"completed as inactive":      {sim.Turn{Status: "Inactive", Ended: true}, Inactive, false},
		"a word that nobody knows":   {sim.Turn{Status: "Suspended"}, Inactive, true},
		"cancelled by somebody else": {sim.Turn{Status: "Cancelled"}, Cancelled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, sim.Config{})
			d := hasty(t, g)
			s := d.session(t)
			entry, stop, _ := d.bracket(t, s, 101)
			d.state(t, entry.Order.Ref, Filled)
			d.state(t, stop.Order.Ref, Working)
			turn(t, g, stop, c.turn)
			d.state(t, stop.Order.Ref, c.want)
			eventually(t, "the position is reported", func() bool {
				return slices.Contains(d.alarms(stop), unprotected)
			})
			if !d.intent(stop).Unprotected || c.want != Cancelled && !slices.Contains(d.alarms(stop), string(c.want)) {
				t.Errorf("%+v, %v", d.intent(stop), d.alarms(stop))
			}

			entry, stop, _ = d.bracket(t, s, 90)
			d.state(t, entry.Order.Ref, Working)
			d.state(t, stop.Order.Ref, Working)
			turn(t, g, stop, c.turn)
			d.state(t, stop.Order.Ref, c.want)
			if c.keeps {
				eventually(t, "it was asked", func() bool {
					d.ledger.mu.Lock()
					defer d.ledger.mu.Unlock()
					return d.ledger.ids[stop.key()].doubt.IsZero()
				})
				d.state(t, entry.Order.Ref, Working)
			} else {
				d.state(t, entry.Order.Ref, Cancelled)
			}
			if slices.Contains(d.alarms(stop), unprotected) {
				t.Errorf("nothing was filled: %v", d.alarms(stop))
			}
		})
	}
}

// TestStopIsNotLost has the stop of a position end because the position does, or because it is wanted.
func TestStopIsNotLost(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	entry, stop, profit := c.bracket(t, s, 101)
	c.state(t, entry.Order.Ref, Filled)
	c.state(t, stop.Order.Ref, Working)
	if err := g.SetPrice("AAPL", 121); err != nil {
		t.Fatal(err)
	}
	c.state(t, profit.Order.Ref, Filled)
	c.state(t, stop.Order.Ref, Cancelled)
	if err := g.SetPrice("AAPL", 100); err != nil {
		t.Fatal(err)
	}
	wanted, other, _ := c.bracket(t, s, 101)
	c.state(t, wanted.Order.Ref, Filled)
	c.state(t, other.Order.Ref, Working)
	if err := c.ledger.Cancel(s, other.ID); err != nil {
		t.Fatal(err)
	}
	c.state(t, other.Order.Ref, Cancelled)
	eventually(t, "nothing is doubtful", func() bool { return len(c.ledger.doubtful(s)) == 0 })
	for _, i := range []Intent{stop, other} {
		if i = c.intent(i); i.Unprotected || len(c.alarms(i)) != 0 {
			t.Errorf("%+v, %v", i, c.alarms(i))
		}
	}
}

// TestChangeIsRefused has changes be refused, ignored and confirmed. What is shown is what Gateway has, and the next
// change begins with that.
func TestChangeIsRefused(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	placed, err := c.place(s, order(5, 90))
	if err != nil {
		t.Fatal(err)
	}
	i := c.state(t, placed.Order.Ref, Working)
	for _, code := range []int{201, 110, 10147, 99999, 0} { // the last one is ignored
		g.FaultOrders(sim.OrderFault{Change: true, Refuse: true, Turn: sim.Turn{Code: code, Text: "no"}})
		asked, err := c.ledger.Change(s, i.ID, func(o *ib.Order) { o.Quantity = 7 }, nil)
		if err != nil || asked.Order.Quantity != 5 || asked.Asked == nil && asked.Refused == nil {
			t.Fatalf("%+v, %v", asked, err)
		}
		eventually(t, "it is refused", func() bool { return c.intent(i).Refused != nil })
		if now := c.intent(i); now.Asked != nil || now.Refused.Quantity != 7 || now.Order.Quantity != 5 ||
			now.State != Working {
			t.Errorf("%d: %+v", code, now)
		}
	}
	if got := c.alarms(i); len(got) != 5 || slices.ContainsFunc(got, func(k string) bool { return k != refused }) {
		t.Errorf("told %v", got)
	}
	if _, err := c.ledger.Change(s, i.ID, func(o *ib.Order) { o.LimitPrice = 91 }, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is confirmed", func() bool { return c.intent(i).Order.LimitPrice == 91 })
	if now := c.intent(i); now.Asked != nil || now.Refused != nil || now.Order.Quantity != 5 ||
		g.State().Orders[0].Quantity != 5 {
		t.Errorf("%+v; %+v", now, g.State().Orders[0])
	}
	if err := g.SetPrice("AAPL", 90); err != nil {
		t.Fatal(err)
	}
	c.state(t, i.Order.Ref, Filled)
}

// TestExecutionsAlone fills orders of which Gateway sends nothing but executions, and then forgets them.
func TestExecutionsAlone(t *testing.T) {
	g := startGateway(t, sim.Config{PartialFills: 2, SpreadFills: true, TickRate: 0.001})
	c := hasty(t, g)
	s := c.session(t)
	place := func(f sim.OrderFault) Intent {
		t.Helper()
		g.FaultOrders(f)
		placed, err := c.place(s, order(4, 101))
		if err != nil {
			t.Fatal(err)
		}
		return placed
	}
	told := place(sim.OrderFault{Mute: true})
	eventually(t, "it was asked", func() bool { i := c.intent(told); return i.State == Working && i.Filled == 2 })
	if err := g.SetPrice("AAPL", 100); err != nil { // which fills the rest
		t.Fatal(err)
	}
	c.state(t, told.Order.Ref, Filled)
	gone := place(sim.OrderFault{Mute: true, Hide: true})
	if i := c.state(t, gone.Order.Ref, Unknown); i.Filled != 2 {
		t.Errorf("%+v", i)
	}
	c.alarmed(t, gone, Unknown)
	if err := g.SetPrice("AAPL", 100); err != nil {
		t.Fatal(err)
	}
	c.state(t, gone.Order.Ref, Filled)
}

// TestCancellingIsRefused has Gateway say that it cannot cancel orders: it is asked what became of them.
func TestCancellingIsRefused(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	for want, to := range map[OrderState]sim.Turn{
		Filled:    {Status: "Filled", Silent: true},
		Cancelled: {Status: "Cancelled", Silent: true},
		Unknown:   {},
	} {
		g.FaultOrders(sim.OrderFault{Hide: want == Unknown})
		placed, err := c.place(s, order(1, 90))
		if err != nil {
			t.Fatal(err)
		}
		i := c.state(t, placed.Order.Ref, Working)
		turn(t, g, i, to)
		if err := c.ledger.Cancel(s, i.ID); err != nil {
			t.Fatal(err)
		}
		c.state(t, i.Order.Ref, want)
	}
}

// TestBracketIsCut has the connection die behind each order of a bracket. An order without its exits is cancelled
// afterwards, or it is an alarm if something of it was filled.
func TestBracketIsCut(t *testing.T) {
	for behind := range 2 {
		g := startGateway(t, sim.Config{})
		c := hasty(t, g)
		s := c.session(t)
		g.FaultOrders(sim.OrderFault{After: behind, Cut: true})
		exit := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Stop, Quantity: 4, StopPrice: 80}
		list, _ := c.ledger.Place(s, Batch{Orders: []ib.Order{order(4, 101), exit, exit}})
		c.state(t, list[0].Order.Ref, Cancelled)
		for n, o := range g.State().Orders {
			if o.Status != "Cancelled" || o.Filled != 0 || n > behind {
				t.Errorf("cut behind %d: %+v", behind, o)
			}
		}
		for _, i := range []Intent{c.intent(list[1]), c.intent(list[2])} {
			if i.State != Unknown {
				continue
			}
			if err := c.ledger.Cancel(c.session(t), i.ID); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(c.ledger.Cancelling().Open, func(one Cancellation) bool {
				return one.Order.ID == i.ID && !one.Refused
			}) {
				t.Errorf("cut behind %d: no cancellation of order %d waits until Gateway tells of it", behind, i.ID)
			}
			if after := c.intent(i); after.State != Unknown {
				t.Errorf("cut behind %d: %+v", behind, after)
			}
		}
		if i := c.intent(list[2]); i.State != Unknown && i.State != NotSent {
			t.Errorf("cut behind %d: %+v", behind, i)
		}
	}
	// The gateway has let it go all the same.
	g := startGateway(t, sim.Config{})
	c := hasty(t, g)
	s := c.session(t)
	exit := ib.Order{Contract: aapl, Side: ib.Sell, Type: ib.Stop, Quantity: 4, StopPrice: 80}
	g.FaultOrders(sim.OrderFault{Cut: true, Turn: sim.Turn{Status: "Filled", Silent: true}})
	list, _ := c.ledger.Place(s, Batch{Orders: []ib.Order{order(4, 101), exit}})
	c.state(t, list[0].Order.Ref, Filled)
	eventually(t, "the position is reported", func() bool {
		return slices.Contains(c.alarms(list[1]), unprotected)
	})
}

// TestOlderRecord reads an order as it was written down before its status and its changes were.
func TestOlderRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	text := `{"id":41,"client":17,"at":"2026-11-30T10:00:00Z","order":{"Ref":"gw-old","Contract":{"Symbol":"AAPL","Type":"STK","Exchange":"SMART",` +
		`"Currency":"USD"},"Side":"BUY","Type":"LMT","Quantity":5,"LimitPrice":91},"fate":"working","changed":"2026-11-30T10:00:01Z",` +
		`"perm_id":7,"filled":2,"altered":true,"shares":{"a":2}}`
	if err := l.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(intentBucket).Put([]byte("gw-old"), []byte(text))
	}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = openLedger(t, path)
	list := l.Intents()
	if len(list) != 1 || list[0].State != Working || list[0].Filled != 2 || list[0].Order.LimitPrice != 91 ||
		list[0].Asked != nil || list[0].Done() {
		t.Fatalf("%+v", list)
	}
	// Gateway says what became of the change.
	i, news := l.Learn(ib.OrderNews{
		Kind: ib.OrderOpen, ID: 41, Client: 17, PermID: 7, Ref: "gw-old",
		Status: "Submitted", Quantity: 10, Limit: 90,
	})
	if !news || i.Order.Quantity != 10 || i.Order.LimitPrice != 90 || i.Status != "Submitted" {
		t.Errorf("%+v", i)
	}
}
