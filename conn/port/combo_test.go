package port_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn/ib"
	"gatewatch/conn/port/record"
)

// protoFrame is a message in protobuf.
func protoFrame(t testing.TB, number int, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return frameOf(binary.BigEndian.AppendUint32(nil, uint32(number+200)), b...)
}

// TestCombo has the legs of a combo be executed, two contracts of each for one of the order: only executions of the
// combo itself say how much of it is filled.
func TestCombo(t *testing.T) {
	for _, version := range versions {
		g := newTap(t, version)
		r := newRig(t, g.port(), nil)
		c := startRaw(t, r.number, version, 7)
		p := g.peer(0)
		order, execution := func() []byte {
			f := make([]string, 28+6)
			f[0], f[2], f[3], f[15], f[16], f[17], f[26] = "5", "SPY", "BAG", "BUY", "2", "MKT", "1"
			return textFrame(version, 3, f...)
		}, func(secType, total string) []byte {
			f := make([]string, 32)
			f[1], f[4], f[20], f[21], f[23] = "5", secType, "77", "7", total
			return textFrame(version, 11, f...)
		}
		if version >= 203 {
			order = func() []byte {
				return protoFrame(t, 3, &protobuf.PlaceOrderRequest{
					OrderId: proto.Int32(5), Contract: &protobuf.Contract{SecType: proto.String("BAG")},
					Order: &protobuf.Order{TotalQuantity: proto.String("2"), Transmit: proto.Bool(true)},
				})
			}
			execution = func(secType, total string) []byte {
				return protoFrame(t, 11, &protobuf.ExecutionDetails{
					Contract: &protobuf.Contract{SecType: proto.String(secType)},
					Execution: &protobuf.Execution{
						OrderId: proto.Int32(5), PermId: proto.Int64(77), ClientId: proto.Int32(7),
						CumQty: proto.String(total),
					},
				})
			}
		}
		c.write(order())
		until(t, "the order is sent", func() bool { return r.order(5).State == record.Sent })
		for _, step := range []struct {
			secType, total string
			state          record.State
			filled         string
		}{{"OPT", "2", record.Working, ""}, {"BAG", "1", record.Working, "1"}, {"BAG", "2", record.Filled, "2"}} {
			_, _ = p.tcp.Write(execution(step.secType, step.total))
			c.await("the execution", func(n int, _ []byte) bool { return n == 11 })
			if o := r.order(5); o.State != step.state || o.Filled != step.filled {
				t.Errorf("version %d, %s %s: %+v", version, step.secType, step.total, o)
			}
		}
	}
}

// TestAttachedOfARefusedOrder cancels the stop that Gateway would have made of an order that was refused: Gateway would
// look for its number among the orders of other client ids.
func TestAttachedOfARefusedOrder(t *testing.T) {
	g := newTap(t, 226)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 226, 7)
	p := g.peer(0)
	before := len(p.bytes())
	order := protoFrame(t, 3, &protobuf.PlaceOrderRequest{
		OrderId: proto.Int32(5), Contract: &protobuf.Contract{}, Order: &protobuf.Order{Transmit: proto.Bool(true)},
		AttachedOrders: &protobuf.AttachedOrders{SlOrderId: proto.Int32(6)},
	})
	r.conn.close(ib.GuardUpstream)
	c.write(order)
	if id, code, _ := c.error(); id != 5 || code != 201 {
		t.Errorf("error %d for %d", code, id)
	}
	c.write(cancelFrame(226, 6))
	if id, code, _ := c.error(); id != 6 || code != 10147 {
		t.Errorf("error %d for %d", code, id)
	}
	if n := len(p.bytes()); n != before {
		t.Error("the cancellation reached Gateway")
	}
	r.conn.close(ib.GuardOpen)
	c.write(order)
	until(t, "its stop is known", func() bool { return r.order(6).State == record.Sent })
	want := append(order, cancelFrame(226, 6)...)
	c.write(cancelFrame(226, 6))
	if got := p.await(t, before+len(want))[before:]; !bytes.Equal(got, want) {
		t.Errorf("%q reached Gateway", got)
	}
}
