package sim_test

import (
	"strconv"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// value reads account values until one with that tag comes.
func (w *wire) value(tag string) float64 {
	w.t.Helper()
	for {
		var v protobuf.AccountValue
		if err := proto.Unmarshal(w.next(6).body, &v); err != nil {
			w.t.Fatal(err)
		}
		if v.GetKey() == tag {
			f, err := strconv.ParseFloat(v.GetValue(), 64)
			if err != nil {
				w.t.Fatal(err)
			}
			return f
		}
	}
}

// summary is the same for an account summary.
func (w *wire) summary(tag string) string {
	w.t.Helper()
	for {
		var v protobuf.AccountSummary
		if err := proto.Unmarshal(w.next(63).body, &v); err != nil {
			w.t.Fatal(err)
		}
		if v.GetTag() == tag {
			return v.GetValue()
		}
	}
}

// TestAccountMoves follows an account through a fill, a price and three minutes.
func TestAccountMoves(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 0.001})
	w, reader := ready(t, g, 225, 1), ready(t, g, 225, 2)
	pin(t, g, 100)
	w.sendProto(6, &protobuf.AccountDataRequest{Subscribe: new(true), AcctCode: new("DU1234567")})
	w.next(54)
	reader.sendProto(62, &protobuf.AccountSummaryRequest{
		ReqId: proto.Int32(9), Group: new("All"), Tags: new("NetLiquidation,InitMarginReq"),
	})
	reader.next(64)
	w.place(1, "BUY", "MKT", 1000, 0, "") // at 100.01, for a commission of 5
	if cash := w.value("TotalCashValue"); cash != 1_000_000-100_010-5 {
		t.Errorf("cash of %v after a fill", cash)
	}
	w.next(7)
	reader.quiet()
	pin(t, g, 110)
	g.ClockSkew(3 * time.Minute)
	if net := w.value("NetLiquidation"); net != 1_000_000+110_000-100_010-5 {
		t.Errorf("worth %v after a price", net)
	}
	var p protobuf.PortfolioValue
	err := proto.Unmarshal(w.next(7).body, &p)
	if err != nil || p.GetMarketPrice() != 110 || p.GetContract().GetPrimaryExch() != "NASDAQ" {
		t.Errorf("%v, %v", &p, err)
	}
	if net := reader.summary("NetLiquidation"); net != "1009985.00" {
		t.Errorf("worth %s in the summary", net)
	}
	if tied := reader.summary("InitMarginReq"); tied != "27500.00" {
		t.Errorf("%s tied up", tied)
	}
}

// TestListingExchange looks at the exchanges of positions.
func TestListingExchange(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	future := &protobuf.Contract{
		Symbol: new("ES"), SecType: new("CONTFUT"),
		Exchange: new("CME"),
	}
	w.sendProto(9, &protobuf.ContractDataRequest{ReqId: proto.Int32(1), Contract: future})
	var d protobuf.ContractData
	if err := proto.Unmarshal(w.next(10).body, &d); err != nil {
		t.Fatal(err)
	}
	lead := &protobuf.Contract{ConId: d.Contract.ConId, Exchange: new("CME")}
	order := &protobuf.Order{
		Action: new("BUY"), OrderType: new("MKT"), TotalQuantity: new("1"),
		Transmit: new(true),
	}
	w.sendProto(3, &protobuf.PlaceOrderRequest{OrderId: proto.Int32(1), Contract: lead, Order: order})
	w.status(1, "Filled")
	w.place(2, "BUY", "MKT", 1, 0, "")
	w.status(2, "Filled")
	w.sendProto(61, &protobuf.PositionsRequest{})
	got := map[string]string{}
	for range 2 {
		var p protobuf.Position
		if err := proto.Unmarshal(w.next(61).body, &p); err != nil {
			t.Fatal(err)
		}
		got[p.GetContract().GetSymbol()] = p.GetContract().GetExchange()
	}
	if got["AAPL"] != "NASDAQ" || got["ES"] != "" {
		t.Errorf("%q", got)
	}
}
