package conn

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"

	"gatewatch/conn/sim"
	"gatewatch/conn/wire"
)

// TestSameAsTheClientLibrary records what a simulator says in a session, and gives it to a session of ours and to the
// client library: both understand the same ticks, orders, executions, contracts and codes.
func TestSameAsTheClientLibrary(t *testing.T) {
	for _, version := range versions {
		said := recordSession(t, version)
		ours, theirs := understood(t, said), understoodByLibrary(t, version, said)
		t.Logf("version %d: %d bytes: %d ticks, %d news of orders, %d contracts, %d codes",
			version, len(said), len(ours.ticks), len(ours.news), len(ours.details), len(ours.codes))
		kinds := map[OrderNewsKind]int{}
		for _, n := range ours.news {
			kinds[n.Kind]++
		}
		if len(ours.ticks) < 50 || len(kinds) < 6 || len(ours.details) < 4 || len(ours.codes) < 3 {
			t.Errorf("version %d: the session was too short: %v", version, kinds)
		}
		same(t, "tick", ours.ticks, theirs.ticks)
		same(t, "news", ours.news, theirs.news)
		same(t, "contract", ours.details, theirs.details)
		same(t, "code", ours.codes, theirs.codes)
	}
}

func same[T any](t *testing.T, what string, ours, theirs []T) {
	t.Helper()
	for i := range max(len(ours), len(theirs)) {
		switch {
		case i >= len(ours):
			t.Errorf("%s %d is missing: %+v", what, i, theirs[i])
		case i >= len(theirs):
			t.Errorf("%s %d is one too many: %+v", what, i, ours[i])
		case !reflect.DeepEqual(ours[i], theirs[i]):
			t.Errorf("%s %d:\n%+v\nthe library:\n%+v", what, i, ours[i], theirs[i])
		default:
			continue
		}
		return
	}
}

// recordSession plays a day with a simulator and returns all frames that it has sent.
func recordSession(t *testing.T, version int) []byte {
	t.Helper()
	g, err := sim.Start(t.Context(), sim.Config{
		ServerVersion: version, TickRate: 50, PartialFills: 2,
		MaxMessageRate: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	r := &recording{}
	port := r.listen(t, g.Addr())
	sup, err := New(testConfig(port), quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { sup.Run(ctx); close(ran) }()
	defer func() { cancel(); <-ran; r.wait() }()
	await(t, sup, "READY", 10*time.Second, connected)
	playDay(t, g, sup.Session())
	return r.taken()
}

// playDay asks for everything that a session can ask for.
func playDay(t *testing.T, g *sim.Gateway, s *Session) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	news := s.Orders()
	var told []OrderNews
	until := func(what string, ok func(OrderNews) bool) {
		t.Helper()
		eventually(t, what, func() bool {
			told = append(told, news.Take(nil)...)
			for _, n := range told {
				if ok(n) {
					return true
				}
			}
			return false
		})
	}
	status := func(id int64, status string) {
		t.Helper()
		until(status, func(n OrderNews) bool { return n.Kind == OrderStatus && n.ID == id && n.Status == status })
	}
	must(s.Subscribe(1, someStock))
	must(s.Subscribe(2, Contract{Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD"}))
	must(s.MarketDataType(true))
	must(s.Subscribe(3, Contract{Symbol: "MSFT", Type: "STK", Exchange: "SMART", Currency: "USD"}))
	must(g.SetPrice("AAPL", 100))
	for i, o := range []Order{
		{Ref: "limit", Contract: someStock, Side: Buy, Type: Limit, Quantity: 4, LimitPrice: 95},
		{Ref: "trail", Contract: someStock, Side: Sell, Type: Trail, Quantity: 1, TrailPercent: 5, TIF: "GTC"},
		{Ref: "refused", Contract: someStock, Side: Buy, Type: Limit, Quantity: 1, LimitPrice: 90.001},
		{Ref: "market", Contract: someStock, Side: Buy, Type: Market, Quantity: 10, OutsideHours: true},
		{
			Ref: "parent", Contract: someStock, Side: Buy, Type: StopLimit, Quantity: 1, StopPrice: 120,
			LimitPrice: 121,
			Hold:       true,
		},
	} {
		must(s.Place(int64(i+1), o, Conditions{}))
	}
	exit := Order{Ref: "exit", Contract: someStock, Side: Sell, Type: Stop, Quantity: 1, StopPrice: 80, Parent: 5}
	must(s.Place(6, exit, Conditions{}))
	status(4, "Filled")
	status(6, "PreSubmitted")
	until("a refusal", func(n OrderNews) bool { return n.Kind == OrderError && n.ID == 3 })
	_, err := s.OpenOrders(t.Context())
	must(err)
	must(s.Cancel(2))
	status(2, "Cancelled")
	must(g.SetPrice("AAPL", 94))
	status(1, "Filled")
	until("a commission", func(n OrderNews) bool { return n.Kind == OrderCommission })
	must(g.CorrectExecution("limit", 1))
	_, err = s.Executions(t.Context())
	must(err)
	_, err = s.CompletedOrders(t.Context())
	must(err)
	future := Contract{Symbol: "ES", Type: "FUT", Exchange: "CME", Currency: "USD"}
	for _, c := range []Contract{someStock, future, {Symbol: "NONE", Type: "STK"}} {
		list, err := s.Details(t.Context(), c)
		if err == nil {
			_, err = s.PriceSteps(t.Context(), list[0].Rule)
			must(err)
		}
	}
	g.Notice(1100, "")
	g.Notice(1102, "")
	g.Notice(399, "ü")
	received := func() uint64 { n, _ := s.Ticks().Counts(); return n }
	begun := received()
	eventually(t, "ticks", func() bool { return received() > begun+100 })
}

// recording is what went from a gateway to a client.
type recording struct {
	mu    sync.Mutex
	bytes []byte
	parts sync.WaitGroup
}

func (r *recording) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes = append(r.bytes, b...)
	return len(b), nil
}

func (r *recording) wait() { r.parts.Wait() }

// taken returns the whole frames that were recorded so far.
func (r *recording) taken() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	whole := 0
	for whole+4 <= len(r.bytes) {
		next := whole + 4 + int(binary.BigEndian.Uint32(r.bytes[whole:]))
		if next > len(r.bytes) {
			break
		}
		whole = next
	}
	return slices.Clone(r.bytes[:whole])
}

// listen passes one connection on to a gateway, and returns where it is to be made.
func (r *recording) listen(t *testing.T, gateway string) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.parts.Go(func() {
		defer ln.Close()
		client, err := ln.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp4", gateway)
		if err != nil {
			t.Error(err)
			return
		}
		r.parts.Go(func() {
			_, _ = io.Copy(server, client)
			server.Close()
		})
		_, _ = io.Copy(io.MultiWriter(r, client), server)
	})
	return ln.Addr().(*net.TCPAddr).Port
}

// understanding is what was understood of a recording, in order.
type understanding struct {
	ticks   []Tick
	news    []OrderNews
	details []Details
	codes   []inCode
}

// code notes a code; which of them concern one question alone is not the library's to know.
func (u *understanding) code(code int, text string) {
	u.codes = append(u.codes, inCode{code: code, text: text})
}

// understood gives a recording to a session of ours.
func understood(t *testing.T, said []byte) *understanding {
	t.Helper()
	u := &understanding{}
	s := offline(func(in input) {
		switch in := in.(type) {
		case inCode:
			u.code(in.code, in.text)
		}
	})
	s.pending.wanted.Store(true)
	var asked []*answer[Details]
	for range 3 {
		_, one, err := s.pending.askContract()
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, one)
	}
	reply := 4 + int(said[3])
	for framed := said[reply:]; len(framed) > 0; {
		n := 4 + int(binary.BigEndian.Uint32(framed))
		s.peerSays(t, framed[:n])
		framed = framed[n:]
		for _, k := range s.ticks.Take(nil) {
			k.At = 0
			u.ticks = append(u.ticks, k)
		}
		u.news = append(u.news, s.pending.news.Take(nil)...)
	}
	for _, one := range asked {
		u.details = append(u.details, one.list...)
	}
	return u
}

// understoodByLibrary gives a recording to the client library.
func understoodByLibrary(t *testing.T, version int, said []byte) *understanding {
	t.Helper()
	ibapi.SetLogLevel(7) // none: it logs account data at info level
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l := &reference{kinds: map[int64]dataKind{}, over: make(chan struct{})}
	client := ibapi.NewEClient(l)
	ended := client.Ctx().Done()
	connected := make(chan error, 1)
	go func() { connected <- client.Connect("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, 17) }()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.ReadFull(c, make([]byte, 4))
	_, _ = wire.ReadFrame(c)
	reply := 4 + int(said[3])
	if _, err := c.Write(said[:reply]); err != nil {
		t.Fatal(err)
	}
	if err := <-connected; err != nil {
		t.Fatal(err)
	}
	client.ReqCurrentTime()
	for range 2 { // with startApi: all of the library's goroutines run then, as they have to before the connection ends
		if _, err := wire.ReadFrame(c); err != nil {
			t.Fatal(err)
		}
	}
	rest := append(slices.Clone(said[reply:]), protoMessage(wire.MsgCurrentTime, -5)...)
	if _, err := c.Write(rest); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.over:
	case <-ended:
		t.Fatalf("version %d: the library gave up", version)
	case <-time.After(time.Minute):
		t.Fatalf("version %d: the library is stuck", version)
	}
	return &l.understanding
}

// reference understands messages by the client library's decoder. Its callbacks come from one goroutine.
type reference struct {
	ibapi.Wrapper
	understanding
	kinds    map[int64]dataKind
	sizeless bool
	over     chan struct{}
}

func (l *reference) CurrentTime(unix int64) {
	if unix == -5 {
		close(l.over)
	}
}

func (l *reference) Error(request, _ int64, code int64, text, _ string) {
	l.code(int(code), text)
	if request >= 1 && request < marketBase {
		l.put(OrderNews{Kind: OrderError, ID: request, Client: 17, Code: int(code), Detail: text})
	}
}

func (l *reference) put(n OrderNews) {
	n.Session = 1
	l.news = append(l.news, n)
}

func (l *reference) tick(request int64, typ int, value float64) {
	if typ < 0 || typ >= len(tickTypes) || tickTypes[typ].field == 0 {
		return
	}
	f, data := tickTypes[typ], l.kinds[request]
	l.ticks = append(l.ticks, Tick{
		Request: request - marketBase, Field: f.field, Delayed: f.delayed || data.delayed, Old: data.old, Value: value,
	})
}

func (l *reference) TickPriceProtoBuf(p *protobuf.TickPrice) { l.sizeless = p.Size == nil }
func (l *reference) TickSizeProtoBuf(p *protobuf.TickSize)   { l.sizeless = p.Size == nil }

func (l *reference) TickPrice(request int64, typ ibapi.TickType, price float64, _ ibapi.TickAttrib) {
	l.tick(request, int(typ), realPrice(price))
}

func (l *reference) TickSize(request int64, typ ibapi.TickType, size ibapi.Decimal) {
	if v := size.Float(); !l.sizeless && v >= 0 && wire.Real(v) == v {
		l.tick(request, int(typ), v)
	}
}

func (l *reference) TickString(request int64, typ ibapi.TickType, value string) {
	at, err := strconv.ParseInt(value, 10, 64)
	if err == nil && at > 0 && (typ == ibapi.LAST_TIMESTAMP || typ == ibapi.DELAYED_LAST_TIMESTAMP) {
		l.tick(request, int(typ), float64(at))
	}
}

func (l *reference) MarketDataType(request, typ int64) {
	kind, ok := dataKinds[int(typ)]
	if !ok && typ != 1 {
		kind = dataKind{old: true}
	}
	if l.kinds[request] != kind {
		l.kinds[request] = kind
		l.ticks = append(l.ticks, Tick{
			Request: request - marketBase, Field: DataKind, Delayed: kind.delayed, Old: kind.old, Value: float64(typ),
		})
	}
}

func number(d ibapi.Decimal) float64 { return wire.Real(d.Float()) }

func describedByLibrary(n OrderNews, o *ibapi.Order, state *ibapi.OrderState) OrderNews {
	n.Client, n.PermID, n.Ref = o.ClientID, o.PermID, o.OrderRef
	n.Side, n.Type = Side(o.Action), OrderType(o.OrderType)
	n.Quantity, n.Filled = number(o.TotalQuantity), number(o.FilledQuantity)
	n.Limit, n.Aux, n.Percent, n.Parent = wire.Real(o.LmtPrice), wire.Real(o.AuxPrice), wire.Real(o.TrailingPercent),
		o.ParentID
	if n.Status, n.Detail = state.Status, state.CompletedStatus; n.Detail == "" {
		n.Detail = state.RejectReason
	}
	if o.Deactivate {
		n.Status = "Inactive"
	}
	return n
}

func (l *reference) OpenOrder(id int64, _ *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) {
	if !o.WhatIf {
		l.put(describedByLibrary(OrderNews{Kind: OrderOpen, ID: id}, o, state))
	}
}

func (l *reference) CompletedOrder(_ *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) {
	l.put(describedByLibrary(OrderNews{Kind: OrderCompleted}, o, state))
}

func (l *reference) OrderStatus(
	id int64, status string, filled, _ ibapi.Decimal, average float64, permID, parent int64, _ float64,
	client int64,
	whyHeld string, _ float64,
) {
	l.put(OrderNews{
		Kind: OrderStatus, ID: id, Client: client, PermID: permID, Parent: parent, Status: status, WhyHeld: whyHeld,
		Filled: number(filled), Price: wire.Real(average),
	})
}

func (l *reference) ExecDetails(_ int64, _ *ibapi.Contract, e *ibapi.Execution) {
	n := OrderNews{
		Kind: OrderFilled, ID: e.OrderID, Client: e.ClientID, PermID: e.PermID, Ref: e.OrderRef, Execution: e.ExecID,
		Filled: number(e.Shares), Total: number(e.CumQty), Price: wire.Real(e.Price),
	}
	switch e.Side {
	case "BOT":
		n.Side = Buy
	case "SLD":
		n.Side = Sell
	}
	l.put(n)
}

func (l *reference) CommissionAndFeesReport(r ibapi.CommissionAndFeesReport) {
	l.put(OrderNews{
		Kind: OrderCommission, Execution: r.ExecID, Price: wire.Real(r.CommissionAndFees), Currency: r.Currency,
		// the library does not say whether it was sent
		Realised: wire.Real(r.RealizedPNL), Closes: wire.Real(r.RealizedPNL) != 0,
	})
}

func (l *reference) ContractDetails(_ int64, d *ibapi.ContractDetails) {
	c := &d.Contract
	one := Details{
		Contract: Contract{
			ConID: c.ConID, Symbol: c.Symbol, Type: c.SecType, Exchange: c.Exchange, Primary: c.PrimaryExchange,
			Currency: c.Currency, Local: c.LocalSymbol,
		},
		Name: d.LongName, MinTick: math.Max(0, wire.Real(d.MinTick)), Multiplier: 1,
		Expiry: c.LastTradeDateOrContractMonth,
	}
	if at := slices.Index(strings.Split(d.ValidExchanges, ","), c.Exchange); at >= 0 {
		one.Rule, _ = strconv.ParseInt(strings.Split(d.MarketRuleIDs, ",")[at], 10, 64)
	}
	if m, err := strconv.ParseFloat(c.Multiplier, 64); err == nil && wire.Real(m) > 0 {
		one.Multiplier = m
	}
	l.details = append(l.details, one)
}
