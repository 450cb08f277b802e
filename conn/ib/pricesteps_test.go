package ib

import (
	"reflect"
	"slices"
	"testing"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// TestPriceSteps asks for the market rules of contracts over the wire.
func TestPriceSteps(t *testing.T) {
	for _, v := range ibtest.Versions {
		g := simtest.Start(t, sim.Config{ServerVersion: v})
		s := signOn(t, g.Port())
		for _, c := range []struct {
			contract Contract
			tick     float64
			want     []PriceStep
		}{
			{
				Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"},
				0.01,
				[]PriceStep{{From: 0, Step: 0.01}},
			},
			{Contract{Symbol: "GAW", Type: "STK", Exchange: "SMART", Currency: "GBP"}, 0.01, []PriceStep{ // in pence
				{From: 0, Step: 0.01},
				{From: 500, Step: 0.1},
				{From: 1000, Step: 0.2},
				{From: 2000, Step: 0.5},
				{From: 5000, Step: 1},
				{From: 10000, Step: 2},
			}},
			{Contract{Symbol: "7203", Type: "STK", Exchange: "TSEJ", Currency: "JPY"}, 0.1, []PriceStep{
				{From: 0, Step: 0.1},
				{From: 1000, Step: 0.5},
				{From: 3000, Step: 1},
				{From: 10000, Step: 5},
				{From: 30000, Step: 10},
				{From: 100000, Step: 50},
				{From: 300000, Step: 100},
				{From: 1000000, Step: 500},
			}},
		} {
			for range 2 { // the second time from memory
				list, err := s.Details(t.Context(), c.contract)
				if err != nil || len(list) != 1 || list[0].MinTick != c.tick {
					t.Fatalf("version %d: %+v, %v", v, list, err)
				}
				asked := g.State().Counters.Requests
				steps, err := s.PriceSteps(t.Context(), list[0])
				if err != nil || !reflect.DeepEqual(steps, c.want) {
					t.Errorf("version %d, %s: %v, %v", v, c.contract.Symbol, steps, err)
				}
				if again, err := s.PriceSteps(t.Context(), list[0]); err != nil ||
					!slices.Equal(again, steps) ||
					g.State().Counters.Requests > asked+1 {
					t.Errorf("version %d: %v, %v, asked %d times", v, again, err, g.State().Counters.Requests-asked)
				}
			}
		}
	}
}

// TestOddMarketRules sends market rules with steps that no one can use, about a contract whose prices are in pence.
func TestOddMarketRules(t *testing.T) {
	for _, v := range ibtest.Versions {
		g := ibtest.NewScripted(t, v)
		s := signOn(t, g.Port())
		tell := func(id int, numbers ...float64) {
			m := &protobuf.MarketRule{MarketRuleId: proto.Int32(int32(id))}
			for i := 0; i < len(numbers); i += 2 {
				m.PriceIncrements = append(
					m.PriceIncrements,
					&protobuf.PriceIncrement{LowEdge: &numbers[i], Increment: &numbers[i+1]},
				)
			}
			body, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			g.Peer().Send(ibtest.Frame(append([]byte{0, 0, 1, 37}, body...))) // 93 + 200
		}
		type answer struct {
			steps []PriceStep
			err   error
		}
		got := make(chan answer, 1)
		go func() {
			steps, err := s.PriceSteps(t.Context(), Details{Rule: 26, Magnifier: 100})
			got <- answer{steps, err}
		}()
		ibtest.Eventually(t, "the rule is waited for", func() bool {
			m := s.socket.pending
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.rules[26] != nil
		})
		tell(27, 0, 9) // no one asked
		tell(26, 1, 0.01, 0, 0.0001, 5, 0, 6, -1, 7, 1.7976931348623157e308)
		if a := <-got; a.err != nil ||
			!slices.Equal(a.steps, []PriceStep{{From: 0, Step: 0.01}, {From: 100, Step: 1}}) {
			t.Errorf("version %d: %+v", v, a)
		}
	}
}
