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

// still starts a gateway whose market stands at 100.00 to 100.01.
func still(t testing.TB, cfg sim.Config) *sim.Gateway {
	t.Helper()
	cfg.Farms, cfg.TickRate = []sim.Farm{}, 0.001
	g := startSim(t, cfg)
	pin(t, g, 100)
	return g
}

func tif(text string) func(*protobuf.Order) { return func(o *protobuf.Order) { o.Tif = &text } }

// statusesOf reads the statuses of an order up to the wanted one.
func (w *wire) statusesOf(id int32, last string) (list []string) {
	w.t.Helper()
	for {
		var s protobuf.OrderStatus
		if err := proto.Unmarshal(w.next(3).body, &s); err != nil {
			w.t.Fatal(err)
		}
		if s.GetOrderId() != id {
			continue
		}
		if list = append(list, s.GetStatus()); s.GetStatus() == last {
			return list
		}
	}
}

// TestStatuses looks at the statuses that orders pass through.
func TestStatuses(t *testing.T) {
	g := still(t, sim.Config{})
	w := ready(t, g, 225, 1)
	for id, c := range []struct {
		kind  string
		price float64
		tif   string
		want  []string
	}{
		{"MKT", 0, "", []string{"PreSubmitted", "Filled"}},
		{"LMT", 90, "", []string{"PreSubmitted", "Submitted", "PendingCancel", "Cancelled"}},
		{"STP", 110, "", []string{"PreSubmitted", "Cancelled"}},
		{"LMT", 90, "IOC", []string{"PreSubmitted", "PendingCancel", "Cancelled"}},
		{"LMT", 90, "FOK", []string{"PreSubmitted", "Inactive"}},
		{"LMT", 101, "FOK", []string{"PreSubmitted", "Filled"}},
	} {
		n := int32(id + 1)
		w.place(n, "BUY", c.kind, 10, c.price, "", tif(c.tif))
		if slices.Contains(c.want, "Cancelled") && c.tif == "" {
			w.cancel(n)
		}
		if got := w.statusesOf(n, c.want[len(c.want)-1]); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %v, want %v", c.kind, c.tif, got, c.want)
		}
	}
	w.sendProto(99, &protobuf.CompletedOrdersRequest{ApiOnly: new(true)})
	for n := range 6 {
		var o protobuf.CompletedOrder
		if err := proto.Unmarshal(w.next(101).body, &o); err != nil || o.GetOrder().GetTotalQuantity() != "10" {
			t.Errorf("completed order %d has the quantity %q, %v", n+1, o.GetOrder().GetTotalQuantity(), err)
		}
	}
	w.place(9, "BUY", "STP", 10, 110, "")
	if s := w.status(9, "PreSubmitted"); s.GetWhyHeld() != "trigger" {
		t.Errorf("held by %q", s.GetWhyHeld())
	}
}

// TestStrictness has orders refused that the real gateway refuses.
func TestStrictness(t *testing.T) {
	g := still(t, sim.Config{})
	w := ready(t, g, 225, 1)
	for _, c := range []struct {
		name   string
		change func(*protobuf.Contract, *protobuf.Order)
		code   int
	}{
		{"exchange", func(c *protobuf.Contract, _ *protobuf.Order) { c.Exchange = nil }, 321},
		{"conId alone", func(c *protobuf.Contract, _ *protobuf.Order) {
			c.ConId, c.Exchange = proto.Int32(265598), nil
		}, 321},
		{"another symbol than its conId's", func(c *protobuf.Contract, _ *protobuf.Order) {
			c.ConId, c.Symbol = proto.Int32(265598), new("MSFT")
		}, 200},
		{"another currency than its conId's", func(c *protobuf.Contract, _ *protobuf.Order) {
			c.ConId, c.Currency = proto.Int32(265598), new("EUR")
		}, 200},
		{"type", func(_ *protobuf.Contract, o *protobuf.Order) { o.OrderType = new("FEELINGS") }, 321},
		{"no date", func(_ *protobuf.Contract, o *protobuf.Order) { o.Tif = new("GTD") }, 334},
		{"date in words", func(_ *protobuf.Contract, o *protobuf.Order) {
			o.Tif, o.GoodTillDate = new("GTD"), new("tomorrow")
		}, 391},
		{"date gone by", func(_ *protobuf.Contract, o *protobuf.Order) {
			o.Tif, o.GoodTillDate = new("GTD"), new("20200101 12:00:00 US/Eastern")
		}, 334},
		{"smallest part", func(_ *protobuf.Contract, o *protobuf.Order) {
			o.TotalQuantity = new("0.00001")
		}, 321},
		{"stop at the opening", func(_ *protobuf.Contract, o *protobuf.Order) {
			o.OrderType, o.AuxPrice, o.Tif = new("STP"), proto.Float64(90), new("OPG")
		}, 387},
		{"limit at the close", func(_ *protobuf.Contract, o *protobuf.Order) {
			o.OrderType = new("LOC")
		}, 321},
		{"continuous future", func(c *protobuf.Contract, _ *protobuf.Order) {
			c.Symbol, c.SecType, c.Exchange = new("ES"), new("CONTFUT"), new("CME")
		}, 321},
	} {
		contract := wireStock("AAPL")
		order := &protobuf.Order{
			Action: new("BUY"), OrderType: new("MKT"), TotalQuantity: new("1"),
			Transmit: new(true),
		}
		c.change(contract, order)
		w.sendProto(3, &protobuf.PlaceOrderRequest{OrderId: proto.Int32(7), Contract: contract, Order: order})
		if e := w.errorCode(c.code); e.GetId() != 7 {
			t.Errorf("%s: error for %d", c.name, e.GetId())
		}
	}
	w.quiet()
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
	w.place(7, "BUY", "MKT", 1_000_000, 0, "") // for which the account has not the money
	if e := w.errorCode(201); e.GetId() != 7 {
		t.Errorf("refused for %d", e.GetId())
	}
	w.status(7, "Inactive")
	w.place(8, "BUY", "LMT", 1000, 90, "", leg(0, false))
	w.place(9, "SELL", "LMT", 1_000_000, 110, "", leg(8, true)) // more than its parent
	w.errorCode(201)
	w.status(9, "Inactive")
	w.place(8, "BUY", "LMT", 1000, 90, "")
	w.status(8, "Submitted")
	w.place(8, "BUY", "LMT", 1_000_000, 90, "")
	w.errorCode(201)
	if o := g.State().Orders[1]; o.Quantity != 1000 || o.Status != "Submitted" {
		t.Errorf("%+v", o)
	}
	other := ready(t, g, 225, 2)
	other.place(6, "BUY", "LMT", 1, 90, "") // ids are counted per client id
	other.status(6, "Submitted")
}

// TestCancelForeign cancels another client's order.
func TestCancelForeign(t *testing.T) {
	g := still(t, sim.Config{})
	w, other := ready(t, g, 225, 1), ready(t, g, 225, 2)
	w.place(5, "BUY", "LMT", 10, 90, "")
	w.status(5, "Submitted")
	other.cancel(5)
	if s := other.status(5, "Cancelled"); s.GetClientId() != 2 {
		t.Errorf("client id %d", s.GetClientId())
	}
	if e := other.errorCode(202); e.GetId() != 5 {
		t.Errorf("%v", e)
	}
	if s := w.status(5, "Cancelled"); s.GetClientId() != 1 {
		t.Errorf("the owner is shown client id %d", s.GetClientId())
	}
	other.cancel(5)
	other.errorCode(10147)
}

// TestKept has an order, and a change, that is not transmitted.
func TestKept(t *testing.T) {
	g := still(t, sim.Config{})
	w := ready(t, g, 225, 1)
	w.place(1, "BUY", "LMT", 10, 101, "", leg(0, false))
	w.quiet()
	w.place(1, "BUY", "LMT", 10, 90, "", leg(0, true))
	w.status(1, "Submitted")
	w.place(1, "BUY", "LMT", 10, 91, "", leg(0, false))
	w.quiet()
	w.place(1, "BUY", "LMT", 20, 92, "", leg(0, true))
	if s := w.status(1, "Submitted"); s.GetRemaining() != "20" {
		t.Errorf("%v", s)
	}
}

// TestAuctions has orders wait for auctions, and some be good for the day, until a date, and for ever.
func TestAuctions(t *testing.T) {
	g := still(t, sim.Config{TradingHours: true})
	now := time.Now().In(newYork(t))
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location()).Sub(now)
	g.ClockSkew(noon) // no day may end before the test wants it
	w := ready(t, g, 225, 1)
	w.place(1, "BUY", "MKT", 10, 0, "", tif("OPG"))
	w.place(2, "BUY", "MOC", 10, 0, "")
	limit := func(o *protobuf.Order) { o.LmtPrice = proto.Float64(90) }
	w.place(3, "BUY", "LOC", 10, 0, "", limit)
	w.place(4, "BUY", "LMT", 10, 90, "", tif("GTD"), func(o *protobuf.Order) {
		o.GoodTillDate = new(time.Now().Add(10 * 24 * time.Hour).UTC().Format("20060102-15:04:05"))
	})
	w.place(5, "BUY", "LMT", 10, 90, "")
	w.place(6, "BUY", "LMT", 10, 90, "", tif("GTC"))
	w.status(4, "Submitted")
	w.status(6, "Submitted")
	if got := statuses(g); !slices.Equal(got, []string{
		"PreSubmitted", "PreSubmitted", "PreSubmitted", "Submitted", "Submitted", "Submitted",
	}) {
		t.Errorf("%v", got)
	}
	if err := g.HoldAuction("AAPL", false); err != nil {
		t.Fatal(err)
	}
	w.status(1, "Filled")
	g.ClockSkew(noon + 7*24*time.Hour) // over many a close
	w.status(2, "Filled")
	w.status(3, "Cancelled")
	w.status(5, "Cancelled") // at the end of the day
	if got := statuses(g); !slices.Equal(got, []string{
		"Filled", "Filled", "Cancelled", "Submitted", "Cancelled", "Submitted",
	}) {
		t.Errorf("%v", got)
	}
	g.ClockSkew(noon + 11*24*time.Hour)
	w.status(4, "Cancelled")
	w.errorCode(202)
}

// TestNoTradingHours moves the clock over many a close: only what has a date of its own ends.
func TestNoTradingHours(t *testing.T) {
	g := still(t, sim.Config{})
	w := ready(t, g, 225, 1)
	w.place(1, "BUY", "LMT", 10, 90, "")
	w.place(2, "BUY", "MOC", 10, 0, "")
	w.place(3, "BUY", "LMT", 10, 90, "", tif("GTD"), func(o *protobuf.Order) {
		o.GoodTillDate = new(time.Now().Add(2 * 24 * time.Hour).UTC().Format("20060102-15:04:05"))
	})
	w.status(3, "Submitted")
	g.ClockSkew(7 * 24 * time.Hour)
	w.status(3, "Cancelled")
	if got := statuses(g); !slices.Equal(got, []string{"Submitted", "PreSubmitted", "Cancelled"}) {
		t.Errorf("%v", got)
	}
}

// TestLocate has shares be looked for before they are sold short.
func TestLocate(t *testing.T) {
	g := still(t, sim.Config{})
	w := ready(t, g, 225, 1)
	if err := g.HardToBorrow("AAPL", true); err != nil {
		t.Fatal(err)
	}
	w.place(1, "SELL", "MKT", 10, 0, "")
	if e := w.errorCode(404); e.GetId() != 1 {
		t.Errorf("%v", e)
	}
	if s := w.status(1, "Inactive"); s.GetWhyHeld() != "locate" {
		t.Errorf("held by %q", s.GetWhyHeld())
	}
	w.place(2, "BUY", "MKT", 5, 0, "")
	w.status(2, "Filled")
	w.place(3, "SELL", "MKT", 5, 0, "") // has them
	w.status(3, "Filled")
	if err := g.HardToBorrow("AAPL", false); err != nil {
		t.Fatal(err)
	}
	w.status(1, "Filled")
}

// TestContractDetails looks at what details say of a stock, a pair and a future, and at the month of a continuous
// future.
func TestContractDetails(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	ask := func(c *protobuf.Contract) (list []*protobuf.ContractData) {
		t.Helper()
		w.sendProto(9, &protobuf.ContractDataRequest{ReqId: proto.Int32(1), Contract: c})
		for {
			b, err := w.frame(patience)
			if err != nil {
				t.Fatal(err)
			}
			m := w.parse(b)
			if m.id != 10 {
				return list
			}
			d := &protobuf.ContractData{}
			if err := proto.Unmarshal(m.body, d); err != nil {
				t.Fatal(err)
			}
			list = append(list, d)
		}
	}
	byISIN := &protobuf.Contract{
		SecType: new("STK"), SecIdType: new("ISIN"), SecId: new("US0378331005"),
		Exchange: new("SMART"),
	}
	list := ask(byISIN)
	if len(list) != 1 || list[0].Contract.GetSymbol() != "AAPL" {
		t.Fatalf("%v", list)
	}
	d := list[0].ContractDetails
	rules := d.GetMarketRuleIds()
	if d.GetSecIdList()["ISIN"] != "US0378331005" || rules == "" ||
		strings.Count(rules, ",") != strings.Count(d.GetValidExchanges(), ",") {
		t.Errorf("%v", d)
	}
	for _, c := range []*protobuf.Contract{
		{
			Symbol: new("EUR"), SecType: new("CASH"), Currency: new("USD"),
			Exchange: new("IDEALPRO"),
		},
		{Symbol: new("ES"), SecType: new("CONTFUT"), Exchange: new("CME")},
	} {
		list := ask(c)
		if len(list) != 1 || list[0].Contract.GetSecType() != c.GetSecType() {
			t.Fatalf("%v", list)
		}
		over := 0
		for session := range strings.SplitSeq(list[0].ContractDetails.GetTradingHours(), ";") {
			if begin, end, ok := strings.Cut(session, "-"); ok && begin[:8] != end[:8] {
				over++
			}
		}
		if over < 3 {
			t.Errorf("%s trades %s", c.GetSymbol(), list[0].ContractDetails.GetTradingHours())
		}
	}
}
