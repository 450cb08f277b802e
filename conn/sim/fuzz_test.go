package sim

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"gatewatch/conn/wire"
)

func textFrame(version, id int, fields ...any) []byte {
	var b strings.Builder
	if version >= verBinaryID {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(id)))
	} else {
		fmt.Fprintf(&b, "%d\x00", id)
	}
	for _, f := range fields {
		fmt.Fprintf(&b, "%v\x00", f)
	}
	return []byte(b.String())
}

// FuzzRequest feeds arbitrary payloads to the parser at arbitrary versions: it never panics, and returns either a
// request it can name or a refusal with a reason, a code and a text that fits into an answer.
func FuzzRequest(f *testing.F) {
	f.Add(176, textFrame(176, wire.ReqCurrentTime, 1))
	f.Add(176, textFrame(176, wire.ReqStartAPI, 2, 7, ""))
	f.Add(178, textFrame(178, wire.ReqMarketData, 11, 5, 0, "AAPL", "STK", "", "", "", "", "SMART", "", "USD", "", "",
		0, "", 0, 0, ""))
	f.Add(200, textFrame(200, wire.ReqExecutions, 3, 1, 0, "", "", "", "", "", "", "", 2, 20260101, 20260102))
	f.Add(202, textFrame(202, wire.ReqContractDetails, 8, 1, 0, "ES", "FUT", "202612", "", "", "", "CME", "", "USD", "",
		"", 0, "", "", ""))
	f.Add(193, textFrame(193, wire.ReqPlaceOrder, append([]any{5, 265598}, repeat("", 110)...)...))
	f.Add(187, textFrame(187, wire.ReqCancelOrder, 1, 5, "", "", "", ""))
	f.Add(225, append([]byte{0, 0, 0, 201},
		mustMarshal(f, &protobuf.MarketDataRequest{ReqId: proto.Int32(1), Contract: &protobuf.Contract{
			Symbol: new("AAPL"),
		}})...))
	f.Add(225, append([]byte{0, 0, 0, 203},
		mustMarshal(f, &protobuf.PlaceOrderRequest{OrderId: proto.Int32(1), Order: &protobuf.Order{
			LmtPrice: proto.Float64(1),
		}})...))
	f.Add(225, []byte{0, 0, 0, 220, 8, 5})
	f.Add(201, []byte{})
	f.Add(176, []byte("3\x005\x00"))
	f.Fuzz(func(t *testing.T, version int, payload []byte) {
		if version < MinVersion || version > MaxVersion {
			return
		}
		req, e := parseRequest(version, payload)
		switch {
		case e != nil && req != nil, e == nil && req == nil:
			t.Fatalf("request %v and refusal %v", req, e)
		case e != nil:
			if e.Reason == "" || e.Code == 0 || e.Text == "" || strings.ContainsRune(e.Text, 0) {
				t.Fatalf("refusal %+v", e)
			}
		case req.kind == nil || (req.message == nil) != (req.kind.message == nil):
			t.Fatalf("request %+v", req)
		}
		if e == nil && req.message != nil { // whatever came in can go out again, in both forms
			if m, ok := req.message.(*protobuf.PlaceOrderRequest); ok && m.Order != nil && m.Contract != nil {
				appendFrame(nil, version, &protobuf.OpenOrder{
					OrderId: m.OrderId, Contract: m.Contract, Order: m.Order,
					OrderState: &protobuf.OrderState{},
				})
				appendFrame(nil, version, &protobuf.CompletedOrder{
					Contract: m.Contract, Order: m.Order,
					OrderState: &protobuf.OrderState{},
				})
			}
		}
	})
}

func repeat(v any, n int) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func mustMarshal(f *testing.F, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzHello feeds arbitrary hellos to the negotiation: it never picks a version that one of the sides lacks.
func FuzzHello(f *testing.F) {
	f.Add([]byte("v100..225"), 225)
	f.Add([]byte("v100..178 +PACEAPI"), 193)
	f.Add([]byte("v176"), 176)
	f.Fuzz(func(t *testing.T, hello []byte, own int) {
		if own < MinVersion || own > MaxVersion {
			return
		}
		if v, err := negotiate(hello, own); err == nil && (v < MinVersion || v > own) {
			t.Fatalf("negotiated %d", v)
		}
	})
}

// FuzzScript feeds arbitrary scripts to the parser.
func FuzzScript(f *testing.F) {
	f.Add("at 5s drop\nafter 3s 1100\nloop 60s")
	f.Add("every 30s notice code=354 text=\"no data\"")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript(text)
		if (s == nil) == (err == nil) {
			t.Fatalf("script %v, error %v", s, err)
		}
	})
}

// TestRandomOrders runs random orders, prices, cancels and upstream losses through the book and checks what must hold
// after each of them.
func TestRandomOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, err := Start(t.Context(), Config{
			TickRate: 0.001, PartialFills: rapid.IntRange(1, 4).Draw(t, "parts"),
			SpreadFills: rapid.Bool().Draw(t, "spread"),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		c := &conn{g: g, version: 225, clientID: 1}
		for i := range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				_ = g.SetPrice("AAPL", float64(rapid.IntRange(90, 110).Draw(t, "price")))
			case 1:
				g.Notice(rapid.SampledFrom([]int{1100, 1101, 1102}).Draw(t, "code"), "")
			case 2:
				g.mu.Lock()
				_ = g.cancelOrder(c, &protobuf.CancelOrderRequest{
					OrderId: new(int32(rapid.IntRange(0, i+1).Draw(t, "cancel"))),
				})
				g.mu.Unlock()
			default:
				m := &protobuf.PlaceOrderRequest{
					OrderId:  new(int32(rapid.IntRange(1, i+1).Draw(t, "id"))),
					Contract: &protobuf.Contract{ConId: proto.Int32(265598)},
					Order: &protobuf.Order{
						Action: new(rapid.SampledFrom([]string{"BUY", "SELL"}).Draw(t, "action")),
						OrderType: new(rapid.SampledFrom([]string{"MKT", "LMT", "STP", "TRAIL", "MIT"}).
							Draw(t, "type")),
						TotalQuantity: new(itoa(rapid.IntRange(0, 50).Draw(t, "qty"))),
						LmtPrice:      new(float64(rapid.IntRange(90, 110).Draw(t, "limit"))),
						AuxPrice:      new(float64(rapid.IntRange(1, 110).Draw(t, "aux"))),
						ParentId:      new(int32(rapid.IntRange(0, i).Draw(t, "parent"))),
						Transmit:      new(rapid.Bool().Draw(t, "transmit")),
						Tif:           new(rapid.SampledFrom([]string{"DAY", "GTC", "IOC"}).Draw(t, "tif")),
					},
				}
				g.mu.Lock()
				_ = g.placeOrder(c, m)
				g.mu.Unlock()
			}
			g.mu.Lock()
			checkBook(t, g)
			g.mu.Unlock()
		}
	})
}

func checkBook(t *rapid.T, g *Gateway) {
	filled, held := map[int64]float64{}, 0.0
	execIDs := map[string]bool{}
	for _, x := range g.book.executions {
		e := x.details.GetExecution()
		var size float64
		if _, err := fmt.Sscan(e.GetShares(), &size); err != nil || size <= 0 {
			t.Fatalf("execution of %q shares", e.GetShares())
		}
		filled[e.GetPermId()] += size
		if e.GetSide() == "SLD" {
			size = -size
		}
		held += size
		if execIDs[e.GetExecId()] {
			t.Fatalf("execution id %s twice", e.GetExecId())
		}
		execIDs[e.GetExecId()] = true
	}
	for _, o := range g.book.orders {
		switch {
		case o.filled > o.qty, o.status == statusFilled && o.filled != o.qty:
			t.Fatalf("order %d: %s with %v of %v", o.key.id, o.status, o.filled, o.qty)
		case filled[o.permID] != o.filled:
			t.Fatalf("order %d filled %v, executions say %v", o.key.id, o.filled, filled[o.permID])
		case o.held && (o.done() || !g.upstreamLost):
			t.Fatalf("order %d is held: %s, upstream lost %v", o.key.id, o.status, g.upstreamLost)
		case o.parent != nil && o.filled > 0 && !o.parent.frees():
			t.Fatalf("order %d was filled before its parent, which is %s", o.key.id, o.parent.status)
		case o.parent != nil && o.parent.done() && !o.parent.frees() && !o.done():
			t.Fatalf("order %d is %s, its parent %s", o.key.id, o.status, o.parent.status)
		}
		if int64(o.key.id) >= g.book.next {
			t.Fatalf("order id %d is not below the next one, %d", o.key.id, g.book.next)
		}
	}
	if p := g.book.positions[positionKey{"DU1234567", 265598}]; p != nil && p.size != held {
		t.Fatalf("position %v, executions say %v", p.size, held)
	}
}
