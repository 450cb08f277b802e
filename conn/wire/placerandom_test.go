package wire

import (
	"bytes"
	"math"
	"testing"

	"github.com/scmhub/ibapi"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// TestOrdersAreTheLibrarys places and cancels orders of every kind that can be placed here: what is written has exactly
// the fields that the client library writes, with its values.
func TestOrdersAreTheLibrarys(t *testing.T) {
	e := newEClient(t, 17)
	if _, err := e.frames.Next(); err != nil { // the start of its session
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		price := func(name string) float64 {
			p := float64(rapid.IntRange(1, 1e9).Draw(rt, name)) / 1e4
			if rapid.IntRange(0, 9).Draw(rt, name+" is below 0") == 0 {
				p = -p
			}
			return p
		}
		word := func(name string, words ...string) string { return rapid.SampledFrom(words).Draw(rt, name) }
		places := rapid.IntRange(0, 7).Draw(rt, "decimal places")
		id := int64(rapid.IntRange(1, math.MaxInt32-1).Draw(rt, "id"))
		o := Order{
			Ref: word("ref", "", "gw-7f3a", "ü"), Side: Side(word("side", "BUY", "SELL")),
			TIF: word("tif", "", "DAY", "GTC", "IOC"), Account: word("account", "", "DU1234567"),
			Type: OrderType(word("type", "MKT", "LMT", "STP", "STP LMT", "TRAIL")), Hold: rapid.Bool().Draw(rt, "hold"),
			OutsideHours: rapid.Bool().Draw(rt, "outside"), Parent: int64(rapid.IntRange(0, 9).Draw(rt, "parent")),
			Quantity: float64(rapid.IntRange(1, 1e9).Draw(rt, "quantity")) / math.Pow10(places),
			Contract: Contract{
				ConID:    int64(rapid.IntRange(0, math.MaxInt32-1).Draw(rt, "con id")),
				Symbol:   word("symbol", "", "AAPL", "EUR"),
				Type:     word("kind", "", "STK", "CASH", "FUT", "CFD"),
				Exchange: word("exchange", "", "SMART", "IDEALPRO"),
				Primary:  word("primary", "", "NASDAQ"), Currency: word("currency", "", "USD"),
				Local: word("local", "", "ESZ6"),
			},
		}
		switch o.Type {
		case "LMT":
			o.LimitPrice = price("limit")
		case "STP":
			o.StopPrice = price("stop")
		case "STP LMT":
			o.LimitPrice, o.StopPrice = price("limit"), price("stop")
		case "TRAIL":
			if rapid.Bool().Draw(rt, "in percent") {
				o.TrailPercent = math.Abs(price("percent"))
			} else {
				o.TrailAmount = math.Abs(price("amount"))
			}
		}
		c := ibapi.NewContract()
		c.ConID, c.Symbol, c.SecType = o.Contract.ConID, o.Contract.Symbol, o.Contract.Type
		c.Exchange = o.Contract.Exchange
		c.PrimaryExchange, c.Currency, c.LocalSymbol = o.Contract.Primary, o.Contract.Currency, o.Contract.Local
		c.Strike = ibapi.UNSET_FLOAT
		lib := ibapi.NewOrder()
		lib.OrderID, lib.OrderRef, lib.Action, lib.OrderType, lib.TIF = id, o.Ref, string(o.Side), string(o.Type), o.TIF
		lib.Account, lib.Transmit, lib.OutsideRTH, lib.ParentID = o.Account, !o.Hold, o.OutsideHours, o.Parent
		var r Request
		lib.TotalQuantity = ibapi.StringToDecimal(*r.quantity(o.Quantity))
		for value, to := range map[*float64]*float64{
			&o.LimitPrice: &lib.LmtPrice, &o.StopPrice: &lib.AuxPrice, &o.TrailPercent: &lib.TrailingPercent,
		} {
			if *value != 0 {
				*to = *value
			}
		}
		if o.TrailAmount != 0 {
			lib.AuxPrice = o.TrailAmount
		}
		e.PlaceOrder(id, c, lib)
		e.same(rt, PlaceOrder(id, &o))
		e.CancelOrder(id, ibapi.NewOrderCancel())
		e.same(rt, CancelOrder(id))
	})
}

// same compares the next request that the client library writes with one of ours.
func (e *eclient) same(t *rapid.T, ours Request) {
	theirs, err := e.frames.Next()
	if err != nil {
		t.Fatal(err)
	}
	number, want := read(t, theirs)
	frame, err := Frame(ours)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := ReadFrame(bytes.NewReader(frame))
	if err != nil {
		t.Fatal(err)
	}
	if n, got := read(t, payload); n != number || !proto.Equal(got, want) {
		t.Fatalf("request %d\n%v\nwant %d\n%v", n, got, number, want)
	}
}
