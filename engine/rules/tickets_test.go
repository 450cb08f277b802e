package rules

import (
	"reflect"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// TestTickets makes orders of rules.
func TestTickets(t *testing.T) {
	contract := ib.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}
	other := ib.Contract{Symbol: "MSFT", Type: "STK", Exchange: "SMART", Currency: "USD"}
	at := func(bid, ask, last float64) *watch {
		w := &watch{contract: contract}
		for i, v := range []float64{bid, ask, last} {
			w.quotes[i] = quote{value: v, known: v != 0, at: time.Duration(v)}
		}
		return w
	}
	type orders []string
	for name, c := range map[string]struct {
		order    Order
		own      *watch
		price    string // of the condition
		foreign  bool   // it is about another instrument
		want     orders
		market   float64
		missing  bool
		text     string
		minTicks float64
	}{
		"at the market": {
			Order{Side: "BUY", Type: "MKT"},
			at(99, 101, 100), "last", false,
			orders{"BUY 3 AAPL MKT"},
			101, false, "AAPL last 100", 0.05,
		},
		"sold": {
			Order{Side: "SELL", Type: "MKT"},
			at(99, 101, 100), "last", false,
			orders{"SELL 3 AAPL MKT"},
			99, false, "AAPL last 100", 0.05,
		},
		"no ask": {
			Order{Side: "BUY", Type: "MKT"},
			at(99, 0, 100), "bid", false,
			orders{"BUY 3 AAPL MKT"},
			100,
			false, "AAPL bid 99", 0.05,
		},
		"no last": {
			Order{Side: "SELL", Type: "MKT"},
			at(0, 101, 0), "ask", false,
			orders{"SELL 3 AAPL MKT"},
			0,
			false, "AAPL ask 101", 0.05,
		},
		"no price": {
			Order{Side: "BUY", Type: "MKT"},
			at(0, 0, 0), "last", false,
			orders{"BUY 3 AAPL MKT"},
			0,
			false, "", 0.05,
		},
		"fixed prices": {
			Order{Side: "BUY", Type: "STP LMT", LimitPrice: new(100.01), StopPrice: new(99.99)},
			at(0, 0, 0),
			"last", false,
			orders{"BUY 3 AAPL STP LMT 99.99 100.01"},
			0, false, "", 0.05,
		},
		"trail": {
			Order{Side: "SELL", Type: "TRAIL", TrailAmount: new(2.0)},
			at(99, 101, 100), "last", false,
			orders{"SELL 3 AAPL TRAIL 2"},
			99, false, "AAPL last 100", 0.05,
		},
		"trail percent": {
			Order{Side: "SELL", Type: "TRAIL", TrailPercent: new(2.0)},
			at(99, 101, 100), "last", false,
			orders{"SELL 3 AAPL TRAIL 2 %"},
			99, false, "AAPL last 100", 0.05,
		},
		"offsets of what is bought are rounded down": {
			Order{
				Side: "BUY", Type: "LMT", LimitOffset: new(-1.01),
				TakeProfit: &Exit{Offset: new(2.01)}, StopLoss: &Exit{Offset: new(-3.01)},
			},
			at(98, 102, 100), "last", false,
			orders{"BUY 3 AAPL LMT 98.95", "SELL 3 AAPL LMT 102.05", "SELL 3 AAPL STP 97"},
			102, false, "AAPL last 100", 0.05,
		},
		"offsets of what is sold are rounded up": {
			Order{
				Side: "SELL", Type: "LMT", LimitOffset: new(1.01),
				TakeProfit: &Exit{Offset: new(-2.01)}, StopLoss: &Exit{Offset: new(3.04)},
			},
			at(98, 102, 100), "last", false,
			orders{"SELL 3 AAPL LMT 101.05", "BUY 3 AAPL LMT 97.95", "BUY 3 AAPL STP 103.05"},
			98, false, "AAPL last 100", 0.05,
		},
		"a stop is rounded to what is near": {
			Order{Side: "BUY", Type: "STP", StopOffset: new(1.02)},
			at(98, 102, 100), "bid", false,
			orders{"BUY 3 AAPL STP 99"},
			102, false, "AAPL bid 98", 0.05,
		},
		"the price of the condition counts": {
			Order{Side: "BUY", Type: "LMT", LimitOffset: new(1.0)},
			at(98, 102, 110), "mid", false,
			orders{"BUY 3 AAPL LMT 101"},
			102, false, "AAPL mid 100", 0.05,
		},
		"the last price counts where the condition's is not known": {
			Order{Side: "BUY", Type: "LMT", LimitOffset: new(1.0)},
			at(0, 102, 110), "mid", false,
			orders{"BUY 3 AAPL LMT 111"},
			102, false, "", 0.05,
		},
		"the last price counts for a condition on something else": {
			Order{Side: "BUY", Type: "LMT", LimitOffset: new(1.0)},
			at(98, 102, 110), "bid", true,
			orders{"BUY 3 AAPL LMT 111"},
			102, false, "MSFT bid 7", 0.05,
		},
		"no reference": {
			Order{Side: "BUY", Type: "LMT", LimitOffset: new(1.0)},
			at(98, 102, 0), "bid", true, nil, 102, true,
			"MSFT bid 7", 0.05,
		},
		"no reference for an exit": {
			Order{Side: "BUY", Type: "LMT", LimitPrice: new(100.0), StopLoss: &Exit{Offset: new(-1.0)}},
			at(98, 102, 0), "bid",
			true, nil, 102, true, "MSFT bid 7", 0.05,
		},
		"no reference for the first of two": {
			Order{Side: "BUY", Type: "STP LMT", LimitOffset: new(1.0), StopPrice: new(5.0)},
			at(98, 102, 0), "bid", true, nil,
			102, true, "MSFT bid 7", 0.05,
		},
		"fixed exits need no reference": {
			Order{
				Side: "BUY", Type: "LMT", LimitPrice: new(100.0),
				TakeProfit: &Exit{Price: new(120.01)}, StopLoss: &Exit{Price: new(90.01)},
			},
			at(98, 102, 0), "bid", true,
			orders{"BUY 3 AAPL LMT 100", "SELL 3 AAPL LMT 120.01", "SELL 3 AAPL STP 90.01"},
			102, false, "MSFT bid 7", 0.05,
		},
		"nobody knows the tick": {
			Order{Side: "BUY", Type: "LMT", LimitOffset: new(0.001)},
			at(98, 102, 100), "last", false,
			orders{"BUY 3 AAPL LMT 100.001"},
			102, false, "AAPL last 100", 0,
		},
	} {
		c.order.Quantity, c.order.TIF, c.order.OutsideHours, c.order.Account = 3, "IOC", true, "DU1"
		foreign := &watch{contract: other}
		foreign.quotes[bid] = quote{value: 7, known: true}
		e := &entry{rule: Rule{Name: "r", Conditions: []Condition{{Price: c.price}, {Price: c.price}}, Action: Action{
			Order: &c.order,
		}}}
		e.Contracts = []*resolved{{Contract: contract, MinTick: c.minTicks, Multiplier: 5}}
		a := &active{entry: e, own: c.own}
		for range 2 { // of two that say the same, one is enough
			w := c.own
			if c.foreign {
				w = foreign
			}
			a.conditions = append(a.conditions, condition{watch: w, price: prices[c.price]})
		}
		ticket, err := a.ticket(nil, 0, 0, 0)
		if (err != nil) != c.missing || c.missing && err != errNoReference {
			t.Errorf("%s: %v", name, err)
		}
		if got := a.text(); got != c.text {
			t.Errorf("%s: %q, want %q", name, got, c.text)
		}
		if ticket.Price != c.market || ticket.Multiplier != 5 || ticket.Rule != "r" {
			t.Errorf("%s: %+v", name, ticket)
		}
		if c.missing {
			continue
		}
		got := orders{engine.Describe(&ticket.Order)}
		for i := range ticket.Exits {
			got = append(got, engine.Describe(&ticket.Exits[i]))
			if x := ticket.Exits[i]; (x.LimitPrice != 0) != (x.Type == ib.Limit) ||
				(x.StopPrice != 0) != (x.Type == ib.Stop) || x.TIF != "GTC" || !x.OutsideHours ||
				x.Account != "DU1" || x.Contract != contract {
				t.Errorf("%s: %+v", name, x)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if o := ticket.Order; o.TIF != "IOC" || !o.OutsideHours || o.Account != "DU1" || o.Contract != contract {
			t.Errorf("%s: %+v", name, o)
		}
	}
	a := &active{entry: &entry{}}
	if ticket, err := a.ticket(nil, 0, 0, 0); err != nil || ticket.Rule != "" {
		t.Errorf("%+v, %v", ticket, err)
	}
}
