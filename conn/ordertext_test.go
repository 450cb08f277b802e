package conn

import (
	"bufio"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/sim"
)

// sent is a message as a gateway has sent it.
type sent struct {
	version int
	payload []byte
}

// sentOrders are orders as gateways send them, open and completed, plain and with everything in them.
func sentOrders(tb testing.TB) []sent {
	tb.Helper()
	return sentIn(tb, "testdata/orders.txt")
}

func sentIn(tb testing.TB, file string) (list []sent) {
	tb.Helper()
	f, err := os.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var version int
		var quoted string
		if _, err := fmt.Sscanf(lines.Text(), "%d %q", &version, &quoted); err != nil {
			tb.Fatalf("%v: %s", err, lines.Text())
		}
		list = append(list, sent{version, []byte(quoted)})
	}
	return list
}

// everything is an order with all that changes which fields its message has.
func everything(ref string) *ibapi.Order {
	o := ibapi.NewOrder()
	o.Action, o.OrderType, o.TotalQuantity, o.LmtPrice, o.OrderRef = "BUY", "LMT", ibapi.StringToDecimal("3"), 50, ref
	o.HedgeType, o.HedgeParam = "D", "1"
	o.AlgoStrategy, o.AlgoParams = "Adaptive", []ibapi.TagValue{{Tag: "adaptivePriority", Value: "Normal"}}
	o.ScaleInitLevelSize, o.ScalePriceIncrement, o.ScaleProfitOffset = 1, 0.5, 1
	o.DeltaNeutralOrderType, o.DeltaNeutralAuxPrice = "LMT", 1
	price := ibapi.CreateOrderCondition(ibapi.PriceOrderCondition).(*ibapi.PriceCondition)
	price.ConID, price.Exchange, price.Price, price.IsMore = 265598, "SMART", 250.5, true
	at := ibapi.CreateOrderCondition(ibapi.TimeOrderCondition).(*ibapi.TimeCondition)
	at.Time = "20300101 12:00:00 UTC"
	margin := ibapi.CreateOrderCondition(ibapi.MarginOrderCondition).(*ibapi.MarginCondition)
	margin.Percent = 30
	fill := ibapi.CreateOrderCondition(ibapi.ExecutionOrderCondition).(*ibapi.ExecutionCondition)
	fill.SecType, fill.Exchange, fill.Symbol = "STK", "SMART", "MSFT"
	volume := ibapi.CreateOrderCondition(ibapi.VolumeOrderCondition).(*ibapi.VolumeCondition)
	volume.ConID, volume.Exchange, volume.Volume = 265598, "SMART", 1000
	change := ibapi.CreateOrderCondition(ibapi.PercentChangeOrderCondition).(*ibapi.PercentChangeCondition)
	change.ConID, change.Exchange, change.ChangePercent = 265598, "SMART", 2.5
	o.Conditions = []ibapi.OrderCondition{price, at, margin, fill, volume, change}
	return o
}

// TestOrdersWithEverything has a gateway at the last version with orders in text send one that kills the library as it is.
func TestOrdersWithEverything(t *testing.T) {
	g, err := sim.Start(t.Context(), sim.Config{ServerVersion: 203, Farms: []sim.Farm{}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	sup, r := startRecorded(t, testConfig(g.Port()))
	await(t, sup, "READY", 10*time.Second, connected)
	s := sup.Session()
	news := s.Orders() // keeps what is told from now on
	going, _ := s.link.books().passage.add(1, Conditions{})
	if err := s.link.call(t.Context(), func(l *library) {
		l.client.PlaceOrder(1, contractOf(Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}), everything("all"))
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-going.done; err != nil {
		t.Fatal(err)
	}
	told := func(kind OrderNewsKind) func() bool {
		return func() bool {
			for _, n := range news.Take() {
				if n.Kind == OrderError && n.Code != 202 {
					t.Fatalf("%+v", n)
				}
				if n.Kind == kind && n.Ref == "all" {
					return true
				}
			}
			return false
		}
	}
	eventually(t, "the open order", told(OrderOpen))
	if err := s.Cancel(1); err != nil {
		t.Fatal(err)
	}
	done, err := s.CompletedOrders(t.Context())
	if err != nil || len(done) != 1 || done[0].Ref != "all" || done[0].Status != "Cancelled" {
		t.Errorf("completed %+v, %v", done, err)
	}
	if n := len(r.of(EventLost)); n != 0 {
		t.Errorf("%d sessions were lost", n)
	}
}

// TestTextOrders walks through orders as they came, and cuts and changes them.
func TestTextOrders(t *testing.T) {
	list := sentOrders(t)
	if len(list) < 6 {
		t.Fatalf("%d orders", len(list))
	}
	for i, o := range list {
		id, v, err := checkFrame(o.payload, o.version)
		if err != nil || v != pass {
			t.Errorf("order %d: %v, %v", i, v, err)
			continue
		}
		clean := withoutConditions(frame(o.payload), id, o.version)
		if _, v, err := checkFrame(clean[4:], o.version); err != nil || v != pass {
			t.Errorf("order %d without conditions: %v, %v", i, v, err)
		}
		if again := withoutConditions(clean, id, o.version); string(again) != string(clean) {
			t.Errorf("order %d still has conditions", i)
		}
		if o.version >= versionBinaryID && o.payload[3] > protoBase {
			continue // the checks of protobuf are the library's own
		}
		for n := len(o.payload) - 1; n > 4; n -= 7 {
			if _, _, err := checkFrame(o.payload[:n], o.version); err == nil {
				t.Errorf("order %d passes when it is cut to %d of %d bytes", i, n, len(o.payload))
				break
			}
		}
	}
}

// TestPassage has requests come late, twice and for nobody.
func TestPassage(t *testing.T) {
	var p passage
	first, ok := p.add(1, Conditions{})
	if !ok {
		t.Fatal("not added")
	}
	if _, ok := p.add(1, Conditions{}); ok {
		t.Error("two orders with one id are on their way")
	}
	p.leave(first)
	second, _ := p.add(1, Conditions{})
	if got := p.take(1); got != nil {
		t.Error("the request of an order that was left is taken for that of the next")
	}
	if got := p.take(1); got != second {
		t.Error("the next order's request is not known")
	}
	p.leave(second) // it has passed: nothing is left to come
	third, _ := p.add(1, Conditions{})
	if got := p.take(1); got != third || p.take(1) != nil || p.take(2) != nil {
		t.Error("requests are mixed up")
	}
	if !third.claim() || third.claim() {
		t.Error("claimed other than once")
	}
	if p.drop(1, ErrNotSent); len(third.done) != 0 {
		t.Error("an order that has passed is dropped")
	}
	for range 2 { // two are left, whose requests come late
		one, _ := p.add(3, Conditions{})
		p.leave(one)
	}
	late, _ := p.add(3, Conditions{})
	for n, want := range []*passing{nil, nil, late} {
		if got := p.take(3); got != want {
			t.Errorf("the %d. of two late requests and a third is taken for %+v", n+1, got)
		}
	}
	if len(p.stale) != 0 {
		t.Errorf("late requests are still awaited: %v", p.stale)
	}
	passing, _ := p.add(5, Conditions{})
	passing.claim()
	if p.drop(5, ErrNotSent); len(passing.done) != 0 {
		t.Error("an order that is being written is dropped")
	}
	fourth, _ := p.add(4, Conditions{})
	if p.drop(4, ErrNotSent); <-fourth.done != ErrNotSent {
		t.Error("an order that the library refuses is not dropped")
	}
}

// TestEarlyOrders has Gateway tell open orders unasked, with an end like that of an answer.
func TestEarlyOrders(t *testing.T) {
	open := func(b *books, ref string) { b.put(OrderNews{Kind: OrderOpen, Ref: ref}) }
	refs := func(list []OrderNews) (s string) {
		for _, n := range list {
			s += n.Ref
		}
		return s
	}
	ask := func(b *books) *answer { return b.begin(askOpen) }
	for name, c := range map[string]struct {
		before func(*books)
		want   string
	}{
		"half told":                  {func(b *books) { open(b, "A") }, "AB"},
		"told to the end":            {func(b *books) { open(b, "A"); b.end(askOpen) }, "B"},
		"an order was placed":        {func(b *books) { open(b, "A"); b.settle(); open(b, "X") }, "B"},
		"long ago":                   {func(b *books) { b.begun = b.begun.Add(-earlyFor); open(b, "A") }, "B"},
		"a question was left":        {func(b *books) { a := ask(b); open(b, "A"); b.leave(askOpen, a); b.end(askOpen) }, "B"},
		"a question was never asked": {func(b *books) { open(b, "A"); a := ask(b); b.withdraw(askOpen, a, a.number) }, "AB"},
		"one that had an end":        {func(b *books) { open(b, "A"); a := ask(b); b.end(askOpen); b.withdraw(askOpen, a, a.number) }, "B"},
		"a question was answered":    {func(b *books) { ask(b); open(b, "A"); b.end(askOpen) }, "B"},
	} {
		b := newBooks(newestVersion)
		c.before(b)
		a := ask(b)
		open(b, "B")
		b.end(askOpen)
		if got := refs((<-a.over).list); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
