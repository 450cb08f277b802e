package conn_test

import (
	"testing"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestPositions follows positions over the wire: those there are, a fill, and one that is closed.
func TestPositions(t *testing.T) {
	cost := 190.5
	for _, accounts := range []int{1, 2} {
		in := &sim.Initial{Accounts: []sim.InitialAccount{{ID: "DU1111111", Positions: []sim.InitialPosition{
			{Symbol: "AAPL", Quantity: 100, AverageCost: &cost}, {Symbol: "MSFT", Quantity: -20},
		}}}}
		if accounts == 2 {
			in.Accounts = append(in.Accounts, sim.InitialAccount{ID: "DU2222222"})
		}
		d := newDesk(t, sim.Config{Initial: in, TickRate: 0.001}, nil)
		d.price(200)
		s := d.session()
		list, err := s.Positions(t.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		a, m := list[0], list[1]
		if a.Account != "DU1111111" || a.Contract.Symbol != "AAPL" || a.Contract.Currency != "USD" ||
			*a.Quantity != 100 || *a.AverageCost != 190.5 || m.Contract.Symbol != "MSFT" || *m.Quantity != -20 {
			t.Errorf("%+v", list)
		}
		switch valued := a.Value != nil && a.Unrealised != nil; {
		case valued != (accounts == 1):
			t.Errorf("with %d accounts: %+v", accounts, a)
		case valued && (*a.Value != 20000 || *a.Unrealised != 950 || a.ValuedAt.IsZero()):
			t.Errorf("worth %v, gained %v, at %v", *a.Value, *a.Unrealised, a.ValuedAt)
		}
		asked := len(d.gw.Requests("reqPositions"))
		sell := ib.Order{
			Ref: "close", Contract: apple, Side: ib.Sell, Type: ib.Market, Quantity: 100, Account: "DU1111111",
		}
		if err := s.Place(1, sell, ib.Conditions{}); err != nil {
			t.Fatal(err)
		}
		d.until("the position is closed", func() bool {
			list, err = s.Positions(t.Context())
			return err == nil && len(list) == 1 && list[0].Contract.Symbol == "MSFT"
		})
		if n := len(d.gw.Requests("reqPositions")); n != asked || asked != 1 {
			t.Errorf("asked %d times, then %d", asked, n)
		}
	}
}

// TestPositionsAfterDataLoss: after 1101 Gateway follows positions no more, and is asked again. Source: IBKR's API
// reference, "Message codes": market and account data subscription requests must be resubmitted.
func TestPositionsAfterDataLoss(t *testing.T) {
	in := &sim.Initial{Accounts: []sim.InitialAccount{{ID: "DU1111111", Positions: []sim.InitialPosition{
		{Symbol: "AAPL", Quantity: 100}, {Symbol: "MSFT", Quantity: -20},
	}}}}
	d := newDesk(t, sim.Config{Initial: in, TickRate: 0.001}, nil)
	d.price(200)
	s := d.session()
	if list, err := s.Positions(t.Context()); err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	d.gw.Notice(1100, "")
	d.until("upstream is lost", func() bool { return d.sup.Snapshot().State == conn.UpstreamLost })
	d.gw.Notice(1101, "")
	d.until("the guard is open", func() bool { return d.sup.Snapshot().GuardOpen() })
	sell := ib.Order{
		Ref: "close", Contract: apple, Side: ib.Sell, Type: ib.Market, Quantity: 100, Account: "DU1111111",
	}
	if err := s.Place(1, sell, ib.Conditions{}); err != nil {
		t.Fatal(err)
	}
	d.until("the position is closed", func() bool {
		list, err := s.Positions(t.Context())
		return err == nil && len(list) == 1 && list[0].Contract.Symbol == "MSFT"
	})
	if n := len(d.gw.Requests("reqPositions")); n != 2 {
		t.Errorf("asked %d times", n)
	}
}
