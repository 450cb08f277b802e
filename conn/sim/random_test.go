package sim

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"gatewatch/conn/wire"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var (
	someStrings = []string{
		"", "AAPL", "EUR", "STK", "CASH", "FUT", "SMART", "IDEALPRO", "USD", "1 D", "60 S", "1 Y", "100000 S", "1 min",
		"1 secs",
		"1 day", "1 month", "TRADES", "BID_ASK", "SCHEDULE", "MIDPOINT", "Last", "BidAsk",
		"20240105 16:00:00 US/Eastern",
		"20990105-16:00:00", "DU1234567", "3 days", "TOP_PERC_GAIN", "STK.US", "9c0001", "\x00", "ü", "-1",
	}
	someInts   = []int64{0, 1, 2, 5, 7, -1, 26, 265598, 12087792, math.MaxInt32, math.MinInt32}
	someFloats = []float64{0, 1, -1, 230, math.NaN(), math.Inf(1), math.MaxFloat64}
)

// scramble sets some fields of a message to values that requests have, and to values that they must not have.
func scramble(r *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.IsList() || f.IsMap() || r.IntN(4) == 0 {
			continue
		}
		switch f.Kind() {
		case protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(someStrings[r.IntN(len(someStrings))]))
		case protoreflect.Int32Kind:
			m.Set(f, protoreflect.ValueOfInt32(int32(someInts[r.IntN(len(someInts))])))
		case protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(someInts[r.IntN(len(someInts))]))
		case protoreflect.DoubleKind:
			m.Set(f, protoreflect.ValueOfFloat64(someFloats[r.IntN(len(someFloats))]))
		case protoreflect.BoolKind:
			m.Set(f, protoreflect.ValueOfBool(r.IntN(2) == 0))
		case protoreflect.MessageKind:
			if depth > 0 {
				scramble(r, m.Mutable(f).Message(), depth-1)
			}
		}
	}
}

// TestRandomRequests sends requests of every kind with random fields: the session goes on.
func TestRandomRequests(t *testing.T) {
	g, err := Start(context.Background(), Config{Farms: []Farm{}, MaxMessageRate: -1, AnswerEveryTime: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	tcp, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	write := func(id uint32, body []byte) {
		t.Helper()
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
		frame = append(binary.BigEndian.AppendUint32(frame, id+wire.ProtoBase), body...)
		if _, err := tcp.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tcp.Write([]byte("API\x00\x00\x00\x00\x04v225")); err != nil {
		t.Fatal(err)
	}
	start, err := proto.Marshal(&protobuf.StartApiRequest{ClientId: proto.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	write(wire.ReqStartAPI, start)
	const seed = 1
	r := rand.New(rand.NewPCG(seed, seed))
	ids := slices.Sorted(maps.Keys(requestKinds))
	for i := range 1000 {
		id := ids[i%len(ids)]
		kind := requestKinds[id]
		if kind.message == nil || id == wire.ReqStartAPI || id == wire.ReqCurrentTime {
			continue
		}
		m := kind.message()
		scramble(r, m.ProtoReflect(), 2)
		body, err := proto.MarshalOptions{}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		write(uint32(id), body)
		write(wire.ReqCurrentTime, nil)
		_ = tcp.SetReadDeadline(time.Now().Add(20 * time.Second))
		for answered := false; !answered; {
			b, err := wire.ReadFrame(tcp)
			if err != nil {
				t.Fatalf("after %s %v: %v", kind.name, m, err)
			}
			answered = len(b) >= 4 && binary.BigEndian.Uint32(b) == wire.ReqCurrentTime+wire.ProtoBase
		}
	}
}
