package rules

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"gatewatch/conn/sim"
	"gatewatch/conn/wire"
	"gatewatch/engine/ledger"
)

// stranger is another program at Gateway.
type stranger struct{ net.Conn }

func newStranger(t *testing.T, g *sim.Gateway) stranger {
	t.Helper()
	c, err := net.Dial("tcp4", fmt.Sprint("127.0.0.1:", g.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := stranger{c}
	s.write(t, wire.Hello(), nil)
	in := wire.NewReader(c)
	if _, _, err := in.Reply(); err != nil {
		t.Fatal(err)
	}
	frame, err := wire.Frame(wire.StartAPI(99))
	s.write(t, frame, err)
	for m := (wire.Message{}); m.Number != wire.MsgNextValidID; {
		if m, err = in.Message(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s stranger) write(t *testing.T, frame []byte, err error) {
	t.Helper()
	if err == nil {
		_, err = s.Write(frame)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cancels cancels the orders of all programs, as the button of TWS does.
func (s stranger) cancels(t *testing.T) {
	t.Helper()
	frame, start := wire.BeginFrame(nil)
	s.write(t, wire.EndFrame(binary.BigEndian.AppendUint32(frame, 58+wire.ProtoBase), start), nil)
}

// cancelsOne cancels an order of another program.
func (s stranger) cancelsOne(t *testing.T, id int64) {
	t.Helper()
	frame, err := wire.Frame(wire.CancelOrder(id))
	s.write(t, frame, err)
}

// gone waits until all orders from one on are cancelled.
func gone(t *testing.T, g *sim.Gateway, from int) {
	t.Helper()
	eventually(t, "they are cancelled", func() bool {
		rest := g.State().Orders[from:]
		return !slices.ContainsFunc(rest, func(o sim.OrderState) bool { return o.Status != "Cancelled" })
	})
}

// TestCancelledByOthers has another program cancel all orders, those of rules with their exits among them: before and
// after the order is filled, exits first and last, and while Gatewatch is not connected. They all end as cancelled, no
// rule triggers while its condition stays met, and a position without its stop is known to be one.
func TestCancelledByOthers(t *testing.T) {
	for name, c := range map[string]struct {
		limit  float64 // of the order: 50 rests, 200 fills
		cancel func(t *testing.T, st *stack, g *sim.Gateway, s stranger)
	}{
		"before the fill": {50, func(t *testing.T, _ *stack, _ *sim.Gateway, s stranger) { s.cancels(t) }},
		"after the fill":  {200, func(t *testing.T, _ *stack, _ *sim.Gateway, s stranger) { s.cancels(t) }},
		"exits first": {50, func(t *testing.T, st *stack, g *sim.Gateway, s stranger) {
			for _, i := range slices.Backward(st.ledger.Intents()) {
				s.cancelsOne(t, i.ID)
			}
		}},
		"while it is not connected": {50, func(t *testing.T, st *stack, g *sim.Gateway, s stranger) {
			if err := st.sup.Disconnect(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.cancels(t)
			gone(t, g, 0)
			if err := st.sup.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		"after the fill, not connected": {200, func(t *testing.T, st *stack, g *sim.Gateway, s stranger) {
			if err := st.sup.Disconnect(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.cancels(t)
			gone(t, g, 1)
			if err := st.sup.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := with(order("often", Order{
				Side: "BUY", Quantity: 3, Type: "LMT", LimitPrice: new(c.limit), TIF: "GTC",
				TakeProfit: &Exit{Price: new(300.0)}, StopLoss: &Exit{Price: new(10.0)},
			}), func(r *Rule) {
				r.CooldownSeconds, r.Conditions[0] = 0.2, Condition{Price: "bid", Is: "at_or_above", Value: 101}
			})
			st, g := trade(t, rule)
			s := newStranger(t, g)
			eventually(t, "prices come", func() bool { return st.eng.Counts().Evaluated > 10 })
			move(t, g, 101.5)
			eventually(t, "the order and its exits are there", func() bool {
				all := st.ledger.Intents()
				return len(all) == 3 && !slices.ContainsFunc(all, func(i ledger.Intent) bool {
					return i.State != ledger.Working && !(i.State == ledger.Filled && c.limit == 200)
				}) && (c.limit == 50 || all[0].State == ledger.Filled)
			})
			c.cancel(t, st, g, s)
			eventually(t, "all is over", func() bool {
				return !slices.ContainsFunc(st.ledger.Intents(), func(i ledger.Intent) bool { return !i.Done() })
			})
			for n, i := range st.ledger.Intents() {
				want := ledger.Cancelled
				if n == 0 && c.limit == 200 {
					want = ledger.Filled
				}
				if i.State != want {
					t.Errorf("%+v", i)
				}
			}
			eventually(t, "what it means is known", func() bool {
				lost := slices.ContainsFunc(st.ledger.Intents(), func(i ledger.Intent) bool { return i.Unprotected })
				return lost == (c.limit == 200)
			})
			eventually(t, "the rule is active", func() bool { return st.view(t, "often").State == Active })
			before := st.eng.Counts().Evaluated
			at := time.Now()
			eventually(t, "prices have come", func() bool {
				return st.eng.Counts().Evaluated > before+50 && time.Since(at) > 500*time.Millisecond
			})
			if v := st.view(t, "often"); v.TriggerCount != 1 || v.State != Active {
				t.Errorf("%+v", v)
			}
			move(t, g, 100)
			eventually(t, "it is below", func() bool { return st.view(t, "often").Price == 100 })
			move(t, g, 101.5)
			eventually(t, "it has triggered again", func() bool { return st.view(t, "often").TriggerCount == 2 })
		})
	}
}
