package sim_test

import (
	"strconv"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

func itoa(i int) string { return strconv.Itoa(i) }

// waitFor polls a condition of the gateway's own state until it holds.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("condition did not come true")
		}
	}
}

// place sends an order for AAPL by protobuf; change may adjust it.
func (w *wire) place(id int32, action, kind string, qty int, price float64, ref string,
	change ...func(*protobuf.Order),
) {
	w.t.Helper()
	o := &protobuf.Order{
		Action: &action, OrderType: &kind, TotalQuantity: new(itoa(qty)), OrderRef: &ref,
		Transmit: new(true),
	}
	switch kind {
	case "LMT":
		o.LmtPrice = &price
	case "STP", "MIT", "TRAIL":
		o.AuxPrice = &price
	}
	for _, c := range change {
		c(o)
	}
	w.sendProto(3, &protobuf.PlaceOrderRequest{OrderId: &id, Contract: wireStock("AAPL"), Order: o})
}

// status reads order states until that order has the wanted one.
func (w *wire) status(id int32, want string) *protobuf.OrderStatus {
	w.t.Helper()
	for {
		var s protobuf.OrderStatus
		if err := proto.Unmarshal(w.next(3).body, &s); err != nil {
			w.t.Fatal(err)
		}
		if s.GetOrderId() == id && s.GetStatus() == want {
			return &s
		}
	}
}

func (w *wire) cancel(id int32) {
	w.t.Helper()
	w.sendProto(4, &protobuf.CancelOrderRequest{OrderId: &id})
}

func pin(t testing.TB, g *sim.Gateway, price float64) {
	t.Helper()
	if err := g.SetPrice("AAPL", price); err != nil {
		t.Fatal(err)
	}
}

func TestOrderTypes(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100) // bid 100.00, ask 100.01
	w.place(1, "BUY", "MKT", 10, 0, "")
	if s := w.status(1, "Filled"); s.GetAvgFillPrice() != 100.01 {
		t.Errorf("bought at %v, want the ask", s.GetAvgFillPrice())
	}
	w.place(2, "SELL", "MKT", 10, 0, "")
	if s := w.status(2, "Filled"); s.GetAvgFillPrice() != 100 {
		t.Errorf("sold at %v, want the bid", s.GetAvgFillPrice())
	}
	w.place(3, "BUY", "LMT", 10, 99, "")
	w.status(3, "Submitted")
	w.place(4, "SELL", "STP", 10, 98, "")
	w.status(4, "PreSubmitted")
	w.place(5, "BUY", "MIT", 10, 97, "")
	w.status(5, "PreSubmitted")
	w.place(6, "SELL", "TRAIL", 10, 3, "") // stop at 97
	w.status(6, "PreSubmitted")
	pin(t, g, 99.5)
	w.place(7, "BUY", "LMT", 10, 98, "", func(o *protobuf.Order) { o.Tif = new("IOC") })
	w.status(7, "Cancelled")
	pin(t, g, 98.99) // ask 99.00
	if s := w.status(3, "Filled"); s.GetAvgFillPrice() != 99 {
		t.Errorf("limit filled at %v", s.GetAvgFillPrice())
	}
	pin(t, g, 98)
	w.status(4, "Filled")
	pin(t, g, 102) // pulls the trailing stop up to 99
	pin(t, g, 98.5)
	w.status(6, "Filled")
	w.cancel(5)
	w.status(5, "Cancelled")
}

func TestPartialFills(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, PartialFills: 3})
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "MKT", 100, 0, "parts")
	for _, want := range []struct{ size, cum string }{{"34", "34"}, {"34", "68"}, {"32", "100"}} {
		var x protobuf.ExecutionDetails
		if err := proto.Unmarshal(w.next(11).body, &x); err != nil {
			t.Fatal(err)
		}
		e := x.GetExecution()
		if e.GetShares() != want.size || e.GetCumQty() != want.cum || e.GetOrderRef() != "parts" {
			t.Errorf("execution %s of %s, want %s of %s", e.GetShares(), e.GetCumQty(), want.size, want.cum)
		}
	}
	if s := w.status(1, "Filled"); s.GetFilled() != "100" || s.GetRemaining() != "0" {
		t.Errorf("%v", s)
	}
}

func TestOrderRefusals(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, OwnCancelsOnly: true})
	w := ready(t, g, 225, 1)
	other := ready(t, g, 225, 2)
	w.place(1, "BUY", "LMT", 10, 1, "")
	w.status(1, "Submitted")
	w.place(2, "BUY", "MKT", 10, 0, "")
	w.status(2, "Filled")
	for _, c := range []struct {
		name string
		do   func()
		on   *wire
		code int
	}{
		{"duplicate id", func() { w.place(2, "BUY", "MKT", 10, 0, "") }, w, 103},
		{"other side", func() { w.place(1, "SELL", "LMT", 10, 1, "") }, w, 105},
		{"zero", func() { w.place(9, "BUY", "MKT", 0, 0, "") }, w, 434},
		{"action", func() { w.place(9, "HOLD", "MKT", 1, 0, "") }, w, 321},
		{"type", func() { w.place(9, "BUY", "FEELINGS", 1, 0, "") }, w, 321},
		{"limit without price", func() {
			w.place(9, "BUY", "LMT", 1, 0, "", func(o *protobuf.Order) { o.LmtPrice = nil })
		}, w, 321},
		{"off tick", func() { w.place(9, "BUY", "LMT", 1, 1.001, "") }, w, 110},
		{"account", func() {
			w.place(9, "BUY", "MKT", 1, 0, "", func(o *protobuf.Order) { o.Account = new("U9") })
		}, w, 321},
		{"tif", func() {
			w.place(9, "BUY", "MKT", 1, 0, "", func(o *protobuf.Order) { o.Tif = new("NEVER") })
		}, w, 321},
		{"cancel unknown", func() { w.cancel(77) }, w, 10147},
		{"cancel of another client's", func() { other.cancel(1) }, other, 10147},
		{"cancel filled", func() { w.cancel(2) }, w, 10148},
	} {
		c.do()
		if e := c.on.errorCode(c.code); e.GetId() < 1 {
			t.Errorf("%s: error for id %d", c.name, e.GetId())
		}
	}
	if s := g.State(); len(s.Orders) != 2 || s.Orders[0].Status != "Submitted" {
		t.Errorf("orders %+v", s.Orders)
	}
	// The id of a refused order stays free, and an id below one that was used does not.
	w.place(9, "BUY", "LMT", 1, 1, "")
	w.status(9, "Submitted")
	w.place(5, "BUY", "LMT", 1, 1, "")
	if e := w.errorCode(103); e.GetId() != 5 {
		t.Errorf("%v", e)
	}
}

func TestHeldOrders(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "LMT", 10, 50, "")
	w.status(1, "Submitted")
	g.Notice(1100, "")
	w.place(2, "BUY", "MKT", 10, 0, "held")
	w.status(2, "PendingSubmit")
	w.cancel(1)
	w.status(1, "PendingCancel")
	w.quiet()
	if o := g.State().Orders[1]; !o.Held || o.Ref != "held" {
		t.Errorf("order %+v is not held", o)
	}
	g.Notice(1102, "")
	w.status(1, "Cancelled") // both go out now
	w.status(2, "Filled")

	// A restart loses neither the held order nor the client's interest in it.
	g.Notice(1100, "")
	w.place(3, "BUY", "MKT", 10, 0, "over the restart")
	w.status(3, "PendingSubmit")
	g.Restart(0)
	waitFor(t, func() bool { return g.State().Listening })
	if o := g.State().Orders[2]; o.Status != "Filled" || o.Held {
		t.Errorf("after the restart %+v", o)
	}

	strict := startSim(t, sim.Config{Farms: []sim.Farm{}, RejectOrdersUpstreamLost: true})
	w = ready(t, strict, 225, 1)
	strict.Notice(1100, "")
	w.errorCode(1100)
	w.place(1, "BUY", "MKT", 10, 0, "")
	w.errorCode(201)
	if n := len(strict.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestReuseIDs(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, NextOrderID: 5, ReuseIDs: true})
	w := ready(t, g, 225, 1)
	w.place(5, "BUY", "MKT", 1, 0, "first")
	w.status(5, "Filled")
	g.Restart(0)
	waitFor(t, func() bool { return g.State().Listening })
	w = dial(t, g)
	if _, err := w.hello("v100..225"); err != nil {
		t.Fatal(err)
	}
	w.startAPI(1)
	var next protobuf.NextValidId
	if err := proto.Unmarshal(w.next(9).body, &next); err != nil || next.GetOrderId() != 5 {
		t.Fatalf("next id %d, want 5 again", next.GetOrderId())
	}
	w.place(5, "BUY", "MKT", 1, 0, "second")
	w.status(5, "Filled")
	w.sendProto(7, &protobuf.ExecutionRequest{ReqId: proto.Int32(1), ExecutionFilter: &protobuf.ExecutionFilter{}})
	perms := map[int64]string{}
	for range 2 {
		var x protobuf.ExecutionDetails
		if err := proto.Unmarshal(w.next(11).body, &x); err != nil {
			t.Fatal(err)
		}
		perms[x.GetExecution().GetPermId()] = x.GetExecution().GetOrderRef()
	}
	if len(perms) != 2 {
		t.Errorf("executions %v, want two orders under one id", perms)
	}
}

func TestExecutionFilter(t *testing.T) {
	g := bare(t)
	now := time.Now().In(newYork(t))
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	g.ClockSkew(noon.Sub(now)) // no day may end meanwhile
	today, _ := strconv.Atoi(noon.Format("20060102"))
	w := ready(t, g, 225, 3)
	w.place(1, "BUY", "MKT", 5, 0, "")
	w.status(1, "Filled")
	for _, c := range []struct {
		f    *protobuf.ExecutionFilter
		want int
	}{
		{&protobuf.ExecutionFilter{}, 1},
		{nil, 1},
		{&protobuf.ExecutionFilter{
			ClientId: proto.Int32(3), Symbol: new("AAPL"), SecType: new("STK"),
			Side: new("BUY"), Exchange: new("SMART"),
		}, 1},
		{&protobuf.ExecutionFilter{ClientId: proto.Int32(4)}, 0},
		{&protobuf.ExecutionFilter{Symbol: new("MSFT")}, 0},
		{&protobuf.ExecutionFilter{Side: new("SELL")}, 0},
		{&protobuf.ExecutionFilter{AcctCode: new("U2")}, 0},
		{&protobuf.ExecutionFilter{Time: new("20200101-00:00:00")}, 1},
		{&protobuf.ExecutionFilter{Time: new("20990101 00:00:00 US/Eastern")}, 0},
		{&protobuf.ExecutionFilter{LastNDays: proto.Int32(2)}, 1},
		{&protobuf.ExecutionFilter{SpecificDates: []int32{20200101}}, 0},
		{&protobuf.ExecutionFilter{SpecificDates: []int32{int32(today)}}, 1},
	} {
		w.sendProto(7, &protobuf.ExecutionRequest{ReqId: proto.Int32(1), ExecutionFilter: c.f})
		if n := w.countExecutions(); n != c.want {
			t.Errorf("%v: %d executions, want %d", c.f, n, c.want)
		}
	}
	// Tomorrow it is history: only a filter that names days still finds it.
	g.ClockSkew(noon.Sub(now) + 24*time.Hour)
	for days, want := range map[int32]int{0: 0, 2: 1} {
		w.sendProto(7, &protobuf.ExecutionRequest{ReqId: proto.Int32(1), ExecutionFilter: &protobuf.ExecutionFilter{
			LastNDays: &days,
		}})
		if n := w.countExecutions(); n != want {
			t.Errorf("a day later, last %d days: %d executions, want %d", days, n, want)
		}
	}
	for _, bad := range []*protobuf.ExecutionFilter{{Time: new("yesterday")}, {Side: new("HOLD")}} {
		w.sendProto(7, &protobuf.ExecutionRequest{ReqId: proto.Int32(1), ExecutionFilter: bad})
		w.errorCode(321)
	}
}

// countExecutions reads executions up to their end.
func (w *wire) countExecutions() (n int) {
	w.t.Helper()
	for {
		b, err := w.frame(patience)
		if err != nil {
			w.t.Fatal(err)
		}
		if m := w.parse(b); m.id == 11 {
			n++
		} else if m.id == 55 {
			return n
		}
	}
}
