package sim_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// tick is one tick of any kind.
type tick struct {
	kind  int32
	value string
}

// nextTick reads the next tick, passing over everything else.
func (w *wire) nextTick() tick {
	w.t.Helper()
	for {
		b, err := w.frame(patience)
		if err != nil {
			w.t.Fatalf("waiting for a tick: %v", err)
		}
		if k, ok := tickOf(w.parse(b)); ok {
			return k
		}
	}
}

// awaitTick reads ticks until ok accepts one.
func (w *wire) awaitTick(what string, ok func(tick) bool) tick {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if k := w.nextTick(); ok(k) {
			return k
		}
	}
	w.t.Fatalf("no tick: %s", what)
	return tick{}
}

func (w *wire) untilTick(want tick) {
	w.t.Helper()
	w.awaitTick(fmt.Sprint(want), func(k tick) bool { return k == want })
}

func tickOf(m message) (tick, bool) {
	if !slices.Contains([]int{1, 2, 45, 46}, m.id) {
		return tick{}, false
	}
	if !m.proto {
		kind, _ := strconv.Atoi(m.fields[2])
		return tick{int32(kind), m.fields[3]}, true
	}
	switch m.id {
	case 1:
		var p protobuf.TickPrice
		_ = proto.Unmarshal(m.body, &p)
		return tick{p.GetTickType(), strconv.FormatFloat(p.GetPrice(), 'f', -1, 64)}, true
	case 2:
		var p protobuf.TickSize
		_ = proto.Unmarshal(m.body, &p)
		return tick{p.GetTickType(), p.GetSize()}, true
	case 45:
		var p protobuf.TickGeneric
		_ = proto.Unmarshal(m.body, &p)
		return tick{p.GetTickType(), strconv.FormatFloat(p.GetValue(), 'f', -1, 64)}, true
	}
	var p protobuf.TickString
	_ = proto.Unmarshal(m.body, &p)
	return tick{p.GetTickType(), p.GetValue()}, true
}

const recording = `time,symbol,field,value
# a quiet minute
0,AAPL,bid,100
0,AAPL,ask,100.02
0,AAPL,last,100.01
0,MSFT,bid,50
0.3,AAPL,bid_size,700
300ms,AAPL,bid,100.01
0.6,AAPL,last,101
0.6,AAPL,volume,5000
0.7,AAPL,halted,1
0.7,AAPL,halted,0
0.8,AAPL,bid,-1
`

// TestReplay follows a file, over text and protobuf, from the first subscription on.
func TestReplay(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, Replay: recording})
		w := ready(t, g, v, 1)
		w.subscribe(1, "AAPL")
		var got []string
		for !slices.Contains(got, "1=-1") {
			k := w.nextTick()
			if k.kind != 45 {
				got = append(got, fmt.Sprintf("%d=%s", k.kind, k.value))
			}
		}
		// First what the market begins with, then the rows that were due at once, then the others.
		text := strings.Join(got, " ")
		const end = "4=100.01 0=700 1=100.01 4=101 6=101 8=5000 49=1 49=0 1=-1"
		if !strings.HasPrefix(text, "4=100.01 5=100 49=0 8=5000 ") || !strings.HasSuffix(text, end) {
			t.Errorf("version %d: %s", v, text)
		}
		if err := g.SetPrice("AAPL", 5); err == nil {
			t.Error("the price of a replayed symbol can be set")
		}
	}
}

// TestReplayFillsOrders has an order filled by a price of the file that lasts no time at all.
func TestReplayFillsOrders(t *testing.T) {
	g := startSim(t, sim.Config{
		Farms: []sim.Farm{}, Speed: 100,
		Replay: "0,AAPL,bid,100\n10,AAPL,bid,90\n10,AAPL,bid,100\n",
	})
	w := ready(t, g, 225, 1)
	w.sendProto(3, &protobuf.PlaceOrderRequest{
		OrderId: proto.Int32(1), Contract: wireStock("AAPL"),
		Order: &protobuf.Order{
			Action: new("BUY"), TotalQuantity: new("1"), OrderType: new("LMT"),
			LmtPrice: proto.Float64(95),
			Transmit: new(true),
		},
	})
	var x protobuf.ExecutionDetails
	if err := proto.Unmarshal(w.next(11).body, &x); err != nil || x.GetExecution().GetPrice() != 90.01 {
		t.Errorf("filled at %v, %v; want 90.01", x.GetExecution().GetPrice(), err)
	}
}

func TestReplayErrors(t *testing.T) {
	for text, want := range map[string]string{
		"time,symbol,field,value\n":        "no rows",
		"0,AAPL,bid\n":                     "line 1",
		"0,AAPL,bid,100\n1,AAPL,bid\n":     "line 2",
		"# first\n\n0,AAPL,bid,\"1\n":      "line 3",
		"1,AAPL,bid,100\n0,AAPL,bid,100\n": "line 2: time",
		"x,AAPL,bid,100\n":                 "line 1: time",
		"1e20,AAPL,bid,100\n":              "line 1: time",
		"-1,AAPL,bid,100\n":                "line 1: time",
		"0,AAPL,mid,100\n":                 "line 1: unknown field",
		"0,AAPL,bid,cheap\n":               "line 1: value",
		"0,AAPL,bid,NaN\n":                 "line 1: value",
		"0,AAPL,bid,0\n":                   "line 1: price",
		"0,AAPL,bid_size,-1\n":             "line 1: bid_size",
		"0,AAPL,volume,0.5\n":              "line 1: volume",
		"0,NOSUCH,bid,1\n":                 "unknown symbol",
		"2026-01-05T14:30:00Z,AAPL,bid,1\n2026-01-05T14:29:00Z,AAPL,bid,1": "line 2: time",
	} {
		g, err := sim.Start(t.Context(), sim.Config{Replay: text})
		if err == nil {
			_ = g.Close()
			t.Errorf("%q: no error", text)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, times := range [][2]string{
		{"0", "1.5"},
		{"0s", "1m30s"},
		{"2026-01-05 14:30:00", "2026-01-05 14:30:00.25"},
		{"20260105 14:30:00", "20260105 14:30:01"},
		{"1767623400", "1767623400.25"},
		{"1767623400000", "1767623400250"},
	} {
		g, err := sim.Start(t.Context(),
			sim.Config{Replay: times[0] + ",AAPL,bid,1\n" + times[1] + ",EUR.USD,ask,1.1\n"})
		if err != nil {
			t.Errorf("%v: %v", times, err)
			continue
		}
		_ = g.Close()
	}
}
