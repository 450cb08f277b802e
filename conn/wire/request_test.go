package wire

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// requestTypes are the client library's types of the requests.
var requestTypes = map[int]func() proto.Message{
	ReqMarketData:       func() proto.Message { return &protobuf.MarketDataRequest{} },
	ReqCancelMarketData: func() proto.Message { return &protobuf.CancelMarketData{} },
	ReqPlaceOrder:       func() proto.Message { return &protobuf.PlaceOrderRequest{} },
	ReqCancelOrder:      func() proto.Message { return &protobuf.CancelOrderRequest{} },
	ReqOpenOrders:       func() proto.Message { return &protobuf.OpenOrdersRequest{} },
	ReqAllOpenOrders:    func() proto.Message { return &protobuf.AllOpenOrdersRequest{} },
	ReqExecutions:       func() proto.Message { return &protobuf.ExecutionRequest{} },
	ReqContractDetails:  func() proto.Message { return &protobuf.ContractDataRequest{} },
	ReqCurrentTime:      func() proto.Message { return &protobuf.CurrentTimeRequest{} },
	ReqMarketDataType:   func() proto.Message { return &protobuf.MarketDataTypeRequest{} },
	ReqStartAPI:         func() proto.Message { return &protobuf.StartApiRequest{} },
	ReqMarketRule:       func() proto.Message { return &protobuf.MarketRuleRequest{} },
	ReqCompletedOrders:  func() proto.Message { return &protobuf.CompletedOrdersRequest{} },
	ReqPositions:        func() proto.Message { return &protobuf.PositionsRequest{} },
	ReqAccountUpdates:   func() proto.Message { return &protobuf.AccountDataRequest{} },
	ReqConfig:           func() proto.Message { return &protobuf.ConfigRequest{} },
}

// read decodes the payload of a request with the client library's type.
func read(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, payload []byte,
) (number int, body proto.Message) {
	t.Helper()
	if len(payload) < 4 {
		t.Fatalf("request of %d bytes", len(payload))
	}
	number = int(binary.BigEndian.Uint32(payload)) - ProtoBase
	if requestTypes[number] == nil {
		t.Fatalf("request %d", number)
	}
	body = requestTypes[number]()
	if err := proto.Unmarshal(payload[4:], body); err != nil {
		t.Fatal(err)
	}
	if unknown := body.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		t.Fatalf("request %d has fields %x that the library does not know", number, unknown)
	}
	return number, body
}

// eclient is the client library, connected to a listener that keeps what it writes.
type eclient struct {
	*ibapi.EClient
	frames *Reader
}

func newEClient(t *testing.T, client int64) *eclient {
	t.Helper()
	ibapi.SetLogLevel(7) // none
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	e := &eclient{EClient: ibapi.NewEClient(&ibapi.Wrapper{})}
	connected := make(chan error, 1)
	go func() { connected <- e.Connect("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, client) }()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	var sign [4]byte
	if _, err := c.Read(sign[:]); err != nil || string(sign[:]) != "API\x00" {
		t.Fatalf("%q, %v", sign, err)
	}
	e.frames = NewReader(c)
	if _, err := e.frames.Next(); err != nil {
		t.Fatal(err)
	}
	reply, start := BeginFrame(nil)
	if _, err := c.Write(EndFrame(append(reply, "225\x0020261201 01:00:00 UTC\x00"...), start)); err != nil {
		t.Fatal(err)
	}
	if err := <-connected; err != nil {
		t.Fatal(err)
	}
	return e
}

// TestRequestsAreTheLibrarys: every request is the one that the client library writes.
func TestRequestsAreTheLibrarys(t *testing.T) {
	e := newEClient(t, 17)
	theirs := &ibapi.Contract{
		ConID: 265598, Symbol: "AAPL", SecType: "STK", Exchange: "SMART", PrimaryExchange: "NASDAQ", Currency: "USD",
		LocalSymbol: "AAPL", Strike: ibapi.UNSET_FLOAT,
	}
	ours := Contract{
		ConID: 265598, Symbol: "AAPL", Type: "STK", Exchange: "SMART", Primary: "NASDAQ", Currency: "USD",
		Local: "AAPL",
	}
	order := func(kind string, change func(*ibapi.Order)) *ibapi.Order {
		o := ibapi.NewOrder()
		o.OrderID, o.OrderRef, o.Account, o.Action, o.OrderType, o.TIF = 7, "ref", "DU1", "BUY", kind, "DAY"
		o.TotalQuantity = ibapi.StringToDecimal("100.25")
		change(o)
		return o
	}
	mine := func(kind OrderType, change func(*Order)) Request {
		o := Order{
			Contract: ours, Ref: "ref", Account: "DU1", Side: "BUY", Type: kind, TIF: "DAY", Quantity: 100.25,
		}
		change(&o)
		return PlaceOrder(7, &o)
	}
	for _, c := range []struct {
		name string
		ours Request
		lib  func()
	}{
		{"start", StartAPI(17), func() {}}, // Connect has written it
		{"time", CurrentTime(), e.ReqCurrentTime},
		{"live data", MarketDataType(1), func() { e.ReqMarketDataType(1) }},
		{"delayed data", MarketDataType(3), func() { e.ReqMarketDataType(3) }},
		{
			"subscribe",
			Subscribe(2_130_706_433, ours),
			func() { e.ReqMktData(2_130_706_433, theirs, "", false, false, nil) },
		},
		{"subscribe by symbol", Subscribe(1, Contract{Symbol: "ES", Type: "FUT"}), func() {
			e.ReqMktData(1, &ibapi.Contract{Symbol: "ES", SecType: "FUT", Strike: ibapi.UNSET_FLOAT}, "", false, false,
				nil)
		}},
		{"unsubscribe", Unsubscribe(3), func() { e.CancelMktData(3) }},
		{"cancel", CancelOrder(7), func() { e.CancelOrder(7, ibapi.NewOrderCancel()) }},
		{"open orders", OpenOrders(), e.ReqOpenOrders},
		{"open orders of all", AllOpenOrders(), e.ReqAllOpenOrders},
		{"completed orders", CompletedOrders(true), func() { e.ReqCompletedOrders(true) }},
		{"all completed orders", CompletedOrders(false), func() { e.ReqCompletedOrders(false) }},
		{"executions", Executions(9, 17), func() {
			filter := ibapi.NewExecutionFilter()
			filter.ClientID = 17
			e.ReqExecutions(9, filter)
		}},
		{"contract", ContractDetails(4, ours), func() { e.ReqContractDetails(4, theirs) }},
		{"market rule", MarketRule(26), func() { e.ReqMarketRule(26) }},
		{"positions", Positions(), e.ReqPositions},
		{"account updates", AccountUpdates(), func() { e.ReqAccountUpdates(true, "") }},
		{"config", ReadConfig(8), func() { e.ReqConfigProtoBuf(&protobuf.ConfigRequest{ReqId: proto.Int32(8)}) }},
		{
			"market order", mine("MKT", func(*Order) {}),
			func() { e.PlaceOrder(7, theirs, order("MKT", func(*ibapi.Order) {})) },
		},
		{"limit order", mine("LMT", func(o *Order) { o.LimitPrice, o.OutsideHours = -1.5, true }), func() {
			e.PlaceOrder(7, theirs, order("LMT", func(o *ibapi.Order) { o.LmtPrice, o.OutsideRTH = -1.5, true }))
		}},
		{"stop limit order", mine("STP LMT", func(o *Order) { o.LimitPrice, o.StopPrice, o.Parent = 2, 3, 6 }), func() {
			e.PlaceOrder(7, theirs,
				order("STP LMT", func(o *ibapi.Order) { o.LmtPrice, o.AuxPrice, o.ParentID = 2, 3, 6 }))
		}},
		{"trailing order", mine("TRAIL", func(o *Order) { o.TrailPercent, o.Hold = 1.25, true }), func() {
			e.PlaceOrder(7, theirs,
				order("TRAIL", func(o *ibapi.Order) { o.TrailingPercent, o.Transmit = 1.25, false }))
		}},
	} {
		c.lib()
		payload, err := e.frames.Next()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		number, want := read(t, payload)
		frame, err := Frame(c.ours)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		payload, err = ReadFrame(bytes.NewReader(frame))
		if err != nil {
			t.Errorf("%s: %x, %v", c.name, frame, err)
			continue
		}
		if n, got := read(t, payload); n != number || !proto.Equal(got, want) {
			t.Errorf("%s is request %d\n%v\nwant %d\n%v", c.name, n, got, number, want)
		}
	}
}

// TestRequestsOutOfRange: nothing is written that Gateway would take for something else.
func TestRequestsOutOfRange(t *testing.T) {
	for _, r := range []Request{
		StartAPI(1 << 31),
		Subscribe(-1<<40, Contract{}),
		Subscribe(1, Contract{ConID: 1 << 31}),
		Subscribe(1, Contract{Symbol: "A\xff"}),
		Unsubscribe(1 << 31),
		CancelOrder(1<<32 + 7),
		Executions(1, 1<<31),
		ContractDetails(1<<31, Contract{}),
		MarketRule(1 << 31),
		ReadConfig(1 << 31),
		PlaceOrder(1<<31, &Order{Quantity: 1}),
		PlaceOrder(1, &Order{Parent: 1 << 31, Quantity: 1}),
		PlaceOrder(1, &Order{Contract: Contract{ConID: 1 << 31}, Quantity: 1}),
		PlaceOrder(1, &Order{Ref: "\xff", Quantity: 1}),
		PlaceOrder(1, &Order{}),
		PlaceOrder(1, &Order{Quantity: 0.00000001}),
	} {
		if out, err := Frame(r); err == nil || out != nil || strings.Contains(err.Error(), "\xff") {
			t.Errorf("%+v: %q, %v", r, out, err)
		}
	}
}
