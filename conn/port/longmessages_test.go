package port_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port/record"
)

// TestLongMessagesPass has Gateway send messages that are not kept in memory whole, between short ones and with notices
// to the program at the same time: they arrive unchanged. What is learned from a long one is learned; one that is too
// long for that, and a request that is too long, end the connection.
func TestLongMessagesPass(t *testing.T) {
	for _, version := range []int{176, 210} {
		g := newTap(t, version)
		r := newRig(t, g.port(), nil)
		c := startRaw(t, r.number, version, 7)
		p := g.peer(0)
		var want, got []byte
		for i, size := range []int{5 << 20, 100, 64<<10 - 8, 64 << 10, 70_000, 3, 2 << 20} {
			want = append(want, textFrame(version, 17, strings.Repeat(string(rune('a'+i)), size))...)
		}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_, _ = p.tcp.Write(want)
		}()
		r.conn.set(func(n *conn.Snapshot) { n.Cause = ib.CauseSilent })
		_ = c.tcp.SetReadDeadline(time.Now().Add(patience))
		for notices := 0; len(got) < len(want) || notices == 0; {
			payload, err := c.in.Next()
			frame := frameOf(payload)
			if _, n := c.in.Long(); err != nil && n > 0 {
				frame = nil
				err = c.in.Pieces(n, func(piece []byte) { frame = append(frame, piece...) })
			}
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(frame, []byte("Gatewatch")) {
				notices++
				continue
			}
			got = append(got, frame...)
		}
		if <-sent; !bytes.Equal(got, want) {
			t.Fatalf("version %d: %d bytes came of %d, or others", version, len(got), len(want))
		}
		p.send(version, 9, "1", strings.Repeat("1", 1<<20))
		c.ends()

		r.conn.set(func(n *conn.Snapshot) { n.Cause = ib.CauseNone })
		until(t, "the port is open", func() bool { return r.Status().Listening })
		c = startRaw(t, r.number, version, 8)
		request := textFrame(version, 1, strings.Repeat("x", 300<<10))
		_, _ = c.tcp.Write(request)
		c.ends()
	}
}

// ends reads until the connection ends.
func (c *raw) ends() {
	c.t.Helper()
	for {
		if _, _, err := c.next(); err != nil {
			if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
				c.t.Error("the connection stays")
			}
			return
		}
	}
}

// part returns a field of a protobuf message that is a message.
func part(number protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), m)
}

// TestOrderInParts sends an order in parts, which protobuf joins: what is recorded is what Gateway gets.
func TestOrderInParts(t *testing.T) {
	g := newTap(t, 213)
	r := newRig(t, g.port(), nil)
	c := startRaw(t, r.number, 213, 7)
	var whole protobuf.PlaceOrderRequest
	if err := proto.Unmarshal(orderFrame(213, 5, "LMT", 1.5)[8:], &whole); err != nil {
		t.Fatal(err)
	}
	marshal := func(m proto.Message) []byte {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	later, again := int32(4), "ref"
	whole.Order.ParentId = &later
	body := slices.Concat([]byte{8, 5}, part(2, marshal(whole.Contract)), part(3, marshal(whole.Order)), part(2, nil),
		part(4, []byte{8, 6}), part(3, marshal(&protobuf.Order{OrderRef: &again})), part(4, []byte{24, 7}))
	c.write(frameOf([]byte{0, 0, 0, 203}, body...))
	until(t, "the order is sent", func() bool { return r.order(5).State == record.Sent })
	if o := r.order(5); o.Words != "BUY 1 AAPL STK LMT 1.5 GTC" || o.Ref != "ref" || o.Held || o.Parent != 4 {
		t.Errorf("%+v", o)
	}
	if len(r.Orders()) != 3 {
		t.Errorf("%+v", r.Orders())
	}
}

// TestStopInALongMessage has Gateway stop in the middle of a long message. Nothing else can be said to its program
// then, not even that its orders are refused, and the connection ends.
func TestStopInALongMessage(t *testing.T) {
	g := newTap(t, 176)
	r := &rig{t: t, number: freePort(t), stall: time.Second}
	runRig(r, newScripted(g.port()), nil)
	c, good := startRaw(t, r.number, 176, 7), startRaw(t, r.number, 176, 8)
	frame := textFrame(176, 17, strings.Repeat("x", 1<<20))
	_, _ = g.peer(0).tcp.Write(frame[:100_000])
	if got, err := io.ReadAll(c.tcp); err != nil || len(got) != 100_000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	good.text(49, "1")
	g.peer(1).send(176, 49, "1", "5")
	good.await("the time", func(n int, _ []byte) bool { return n == 49 })
}
