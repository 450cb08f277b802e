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

// data asks for market data of a stock with generic ticks, or for a snapshot.
func (w *wire) data(id int32, symbol, generics string, snapshot bool) {
	w.t.Helper()
	if w.version >= 206 {
		w.sendProto(1, &protobuf.MarketDataRequest{
			ReqId: &id, Contract: wireStock(symbol), GenericTickList: &generics, Snapshot: &snapshot,
		})
		return
	}
	once := 0
	if snapshot {
		once = 1
	}
	w.send(1, 11, id, 0, symbol, "STK", "", "", "", "", "SMART", "", "USD", "", "", 0, generics, once, 0, "")
}

func (w *wire) dataType(kind int32) {
	w.t.Helper()
	if w.version >= 206 {
		w.sendProto(59, &protobuf.MarketDataTypeRequest{MarketDataType: &kind})
	} else {
		w.send(59, 1, kind)
	}
}

// story reads messages, each as a short word: type 3, error 10167, tick 4, end.
func (w *wire) story(last string) (words []string) {
	w.t.Helper()
	for end := time.Now().Add(patience); !slices.Contains(words, last); {
		b, err := w.frame(time.Until(end))
		if err != nil {
			w.t.Fatalf("%v behind %v, waiting for %q", err, words, last)
		}
		m := w.parse(b)
		switch m.id {
		case 4:
			words = append(words, "error "+strconv.Itoa(int(w.errorOf(m).GetErrorCode())))
		case 57:
			words = append(words, "end")
		case 58:
			if m.proto {
				var p protobuf.MarketDataType
				_ = proto.Unmarshal(m.body, &p)
				words = append(words, fmt.Sprintf("type %d", p.GetMarketDataType()))
			} else {
				words = append(words, "type "+m.fields[2])
			}
		default:
			if k, ok := tickOf(m); ok {
				words = append(words, fmt.Sprintf("tick %d", k.kind))
			}
		}
	}
	return words
}

// errorOf reads an error.
func (w *wire) errorOf(m message) *protobuf.ErrorMessage {
	var e protobuf.ErrorMessage
	if m.proto {
		_ = proto.Unmarshal(m.body, &e)
		return &e
	}
	f := m.fields
	if w.version < 194 {
		f = f[1:]
	}
	id, _ := strconv.Atoi(f[0])
	code, _ := strconv.Atoi(f[1])
	return &protobuf.ErrorMessage{Id: new(int32(id)), ErrorCode: new(int32(code)), ErrorMsg: &f[2]}
}

// TestDataTypes has clients with and without live data ask for live, frozen and delayed data.
func TestDataTypes(t *testing.T) {
	for _, c := range []struct {
		code  int // with which the subscription is answered; 0: none
		asked int32
		want  string
	}{
		{0, 0, "type 1, tick 45, tick 4"},
		{0, 2, "type 1, tick 45, tick 4"}, // the market is open
		{0, 3, "type 1, tick 45, tick 4"}, // live data come first
		{10167, 3, "type 3, error 10167, tick 88, tick 68"},
		{10167, 4, "type 3, error 10167, tick 88, tick 68"},
		{10167, 1, "error 354"},
		{10089, 3, "type 3, error 10089, tick 88, tick 68"},
		{10089, 1, "error 10089"},
		{10090, 1, "type 1, error 10090, tick 45, tick 4"},
		{10091, 1, "type 1, error 10091, tick 45, tick 4"},
		{354, 3, "error 354"},
		{10168, 3, "error 10168"},
		{10186, 1, "error 10186"},
		{200, 1, "error 200"},
	} {
		for _, v := range []int{176, 225} {
			g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 0.001})
			w := ready(t, g, v, 1)
			if c.asked != 0 {
				w.dataType(c.asked)
			}
			if err := g.RefuseData("AAPL", c.code, min(c.code, 1)); err != nil {
				t.Fatal(err)
			}
			w.data(1, "AAPL", "", false)
			words := strings.Split(c.want, ", ")
			if got := strings.Join(w.story(words[len(words)-1]), ", "); got != c.want {
				t.Errorf("version %d, code %d, type %d: %s, want %s", v, c.code, c.asked, got, c.want)
			}
			if strings.HasPrefix(c.want, "error") {
				w.alive()
				w.data(1, "AAPL", "", false) // its number is free, and the fault has passed
				w.story("tick 4")
			}
		}
	}
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, NoLiveData: true})
	w := ready(t, g, 225, 1)
	w.data(1, "AAPL", "", false)
	w.errorCode(354)
	w.dataType(3)
	w.data(1, "AAPL", "", false)
	if got := w.story("tick 68"); got[0] != "type 3" || got[1] != "error 10167" {
		t.Errorf("without live data: %v", got)
	}
}

// TestSnapshots asks for the present market.
func TestSnapshots(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 100, Speed: 40})
		w := ready(t, g, v, 1)
		w.data(1, "AAPL", "233", true)
		w.errorCode(321)
		w.data(1, "AAPL", "", true)
		seen := map[string]bool{}
		for _, word := range w.story("end") {
			if seen[word] {
				t.Errorf("version %d: %s twice", v, word)
			}
			seen[word] = true
		}
		for _, word := range []string{"tick 1", "tick 2", "tick 4", "tick 9", "tick 14"} {
			if !seen[word] {
				t.Errorf("version %d: no %s", v, word)
			}
		}
		w.quiet()
		if n := g.State().Connections[0].Subscriptions; n != 0 {
			t.Errorf("version %d: %d subscriptions are left", v, n)
		}
		g.Farm(2103, "usfarm")
		w.errorCode(2103)
		begin := time.Now()
		w.data(2, "AAPL", "", true)
		w.data(2, "AAPL", "", false)
		w.errorCode(322)
		if got := w.story("end"); len(got) != 1 {
			t.Errorf("version %d: %v without data", v, got)
		}
		if d := time.Since(begin); d < 11*time.Second/40*9/10 {
			t.Errorf("version %d: it ended after %v", v, d)
		}
	}
}

// TestLines has two clients use up the lines of market data.
func TestLines(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 0.001, MaxLines: 3})
	one, two := ready(t, g, 225, 1), ready(t, g, 176, 2)
	one.data(1, "AAPL", "", false)
	one.data(2, "AAPL", "", false)
	one.alive()
	two.data(1, "MSFT", "", false)
	two.story("tick 4")
	two.data(2, "SPY", "", false)
	if e := two.errorCode(101); e.GetId() != 2 {
		t.Errorf("error for request %d", e.GetId())
	}
	two.data(3, "SPY", "", true) // takes none
	two.story("end")
	one.sendProto(2, &protobuf.CancelMarketData{ReqId: proto.Int32(2)})
	waitFor(t, func() bool { return g.State().Connections[0].Subscriptions == 1 })
	two.data(2, "SPY", "", false)
	two.story("tick 4")

	free := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 0.001, MaxLines: -1, MaxMessageRate: -1})
	w := ready(t, free, 225, 1)
	for i := range int32(150) {
		w.data(i, "AAPL", "", false)
	}
	waitFor(t, func() bool { return free.State().Connections[0].Subscriptions == 150 })
	usual := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 0.001, MaxMessageRate: -1})
	w = ready(t, usual, 225, 1)
	for i := range int32(101) {
		w.data(i, "AAPL", "", false)
	}
	if e := w.errorCode(101); e.GetId() != 100 {
		t.Errorf("request %d is one too many", e.GetId())
	}
}

// TestGenericTicks asks for ticks beyond the usual ones.
func TestGenericTicks(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 100})
		w := ready(t, g, v, 1)
		w.data(1, "AAPL", "233,999", false)
		if e := w.errorCode(321); !strings.Contains(e.GetErrorMsg(), "233(RTVolume)") {
			t.Errorf("version %d: %s", v, e.GetErrorMsg())
		}
		w.data(1, "AAPL", "233, 236,mdoff,292:BRFG,221", false)
		first := w.story("tick 48")
		for _, want := range []string{"tick 46", "tick 89", "tick 37"} {
			if !slices.Contains(first, want) {
				t.Errorf("version %d: no %s in %v", v, want, first)
			}
		}
		var before int64
		for range 3 {
			k := w.awaitTick("RTVolume", func(k tick) bool { return k.kind == 48 })
			f := strings.Split(k.value, ";")
			if len(f) != 6 || f[5] != "true" || len(f[2]) != 13 {
				t.Fatalf("version %d: trade %q", v, k.value)
			}
			price, _ := strconv.ParseFloat(f[0], 64)
			average, _ := strconv.ParseFloat(f[4], 64)
			size, _ := strconv.ParseInt(f[1], 10, 64)
			volume, _ := strconv.ParseInt(f[3], 10, 64)
			if price < 200 || average < 200 || size < 1 || volume < before+size {
				t.Errorf("version %d: trade %q after a volume of %d", v, k.value, before)
			}
			before = volume
		}
	}
}
