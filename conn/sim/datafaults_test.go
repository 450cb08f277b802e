package sim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// noTicks fails the test if a tick of a request comes within the time of silence.
func (w *wire) noTicks(what string) {
	w.t.Helper()
	end := time.Now().Add(2 * silence)
	for {
		b, err := w.frame(time.Until(end))
		if err != nil {
			return
		}
		if k, ok := tickOf(w.parse(b)); ok {
			w.t.Errorf("%s: tick %d", what, k.kind)
			return
		}
	}
}

// TestHalt stops trading in a symbol.
func TestHalt(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 100})
		w, trader := ready(t, g, v, 1), ready(t, g, 225, 2)
		w.data(1, "AAPL", "", false)
		w.story("tick 1")
		if err := g.Halt("AAPL", 2); err != nil {
			t.Fatal(err)
		}
		w.untilTick(tick{49, "2"})
		w.noTicks("halted")
		trader.place(1, "BUY", "MKT", 1, 0, "")
		trader.alive()
		if o := g.State().Orders; len(o) != 1 || o[0].Filled != 0 {
			t.Errorf("version %d: orders %+v", v, o)
		}
		if err := g.Halt("", 0); err != nil {
			t.Fatal(err)
		}
		w.untilTick(tick{49, "0"})
		w.story("tick 4")
		waitFor(t, func() bool { return g.State().Orders[0].Filled == 1 })
	}
}

// TestNoQuotes takes the bid and the ask of a symbol away.
func TestNoQuotes(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 100})
		w, trader := ready(t, g, v, 1), ready(t, g, 225, 2)
		w.data(1, "AAPL", "", false)
		if _, err := g.Do("price", map[string]string{"symbol": "AAPL", "price": "-1"}); err != nil {
			t.Fatal(err)
		}
		w.untilTick(tick{1, "-1"})
		w.untilTick(tick{2, "-1"})
		trader.place(1, "SELL", "MKT", 1, 0, "")
		trader.alive()
		if o := g.State().Orders; len(o) != 1 || o[0].Filled != 0 {
			t.Errorf("version %d: orders %+v", v, o)
		}
		if err := g.SetPrice("AAPL", 100); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return g.State().Orders[0].Filled == 1 })
		w.untilTick(tick{1, "100"})
	}
}

// TestFarmStopsItsInstruments breaks the farm of US stocks: those of others go on.
func TestFarmStopsItsInstruments(t *testing.T) {
	for name, stop := range map[string][2]func(*sim.Gateway){
		"farm": {
			func(g *sim.Gateway) { g.Farm(2103, "usfarm") },
			func(g *sim.Gateway) { g.Farm(2104, "usfarm") },
		},
		"competing session": {
			func(g *sim.Gateway) { _ = g.Compete("AAPL", true) },
			func(g *sim.Gateway) { _ = g.Compete("AAPL", false) },
		},
		"clear": {
			func(g *sim.Gateway) { _ = g.Compete("AAPL", true); g.Farm(2103, "usfarm"); _ = g.Halt("AAPL", 1) },
			func(g *sim.Gateway) { _ = g.Clear() },
		},
	} {
		g := startSim(t, sim.Config{TickRate: 100})
		w := ready(t, g, 225, 1)
		w.data(1, "AAPL", "", false)
		euro := &protobuf.Contract{ConId: proto.Int32(12087792), Exchange: new("IDEALPRO")}
		w.sendProto(1, &protobuf.MarketDataRequest{ReqId: proto.Int32(2), Contract: euro})
		flows := func() map[int32]bool {
			ids := map[int32]bool{}
			for end := time.Now().Add(2 * silence); ; {
				b, err := w.frame(time.Until(end))
				if err != nil {
					return ids
				}
				if m := w.parse(b); m.id == 1 {
					var p protobuf.TickPrice
					_ = proto.Unmarshal(m.body, &p)
					ids[p.GetReqId()] = true
				}
			}
		}
		waitFor(t, func() bool { return len(flows()) == 2 })
		stop[0](g)
		flows()
		if ids := flows(); ids[1] || !ids[2] {
			t.Errorf("%s: ticks of %v, want of 2 only", name, ids)
		}
		stop[1](g)
		waitFor(t, func() bool { return len(flows()) == 2 })
		if f := g.State().Faults; len(f) > 0 {
			t.Errorf("%s: faults %v", name, f)
		}
	}
}

// TestHistoryFaults refuses requests for bars, and ends those that run.
func TestHistoryFaults(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 100})
	w := ready(t, g, 225, 1)
	bars := func(id int32) {
		w.sendProto(50, &protobuf.RealTimeBarsRequest{
			ReqId: &id, Contract: wireStock("AAPL"), BarSize: proto.Int32(5), WhatToShow: new("TRADES"),
		})
	}
	history := func(id int32) {
		w.sendProto(20, &protobuf.HistoricalDataRequest{
			ReqId: &id, Contract: wireStock("AAPL"), Duration: new("1 D"),
			BarSizeSetting: new("1 hour"),
			WhatToShow:     new("TRADES"), KeepUpToDate: new(true), FormatDate: proto.Int32(1),
		})
	}
	for _, code := range []int{162, 420} {
		if err := g.RefuseHistory("AAPL", code, 2); err != nil {
			t.Fatal(err)
		}
		if f := g.State().Faults; !slices.Contains(f, "refuse-history") {
			t.Errorf("faults %v", f)
		}
		bars(1)
		w.errorCode(code)
		history(2)
		if e := w.errorCode(code); e.GetId() != 2 || !strings.Contains(e.GetErrorMsg(), "pacing violation") {
			t.Errorf("%d %s", e.GetId(), e.GetErrorMsg())
		}
	}
	bars(1)
	history(2)
	w.next(50)
	w.next(17)
	if err := g.StopBars("", 10182); err != nil {
		t.Fatal(err)
	}
	ids := []int32{w.errorCode(10182).GetId(), w.errorCode(10182).GetId()}
	slices.Sort(ids)
	if !slices.Equal(ids, []int32{1, 2}) {
		t.Errorf("ended %v", ids)
	}
	bars(1) // its number is free
	w.next(50)
}
