package sim_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// TestReference checks what the look-ups say, in text and in protobuf.
func TestReference(t *testing.T) {
	for _, version := range []int{176, 225} {
		g := startSim(t, sim.Config{
			ServerVersion: version, Farms: []sim.Farm{}, MaxMessageRate: -1, Accounts: []string{"DU1", "DU2"},
		})
		a := follow(t, g, 0)
		for i, c := range []struct {
			make       func(id int64)
			name, text string
			price      float64
		}{
			{func(id int64) { a.client.ReqMatchingSymbols(id, "aap") }, "symbolSamples", "AAPL", 1},
			{func(id int64) { a.client.ReqMatchingSymbols(id, "Toyota") }, "symbolSamples", "7203", 1},
			{func(id int64) { a.client.ReqMatchingSymbols(id, "I") }, "symbolSamples", "QQQ", 4},
			{func(int64) { a.client.ReqFamilyCodes() }, "familyCodes", "*", 1},
			{func(id int64) { a.client.ReqSmartComponents(id, "9c0001") }, "smartComponents", "AMEX", 20},
			{func(id int64) { a.client.ReqSmartComponents(id, "000000") }, "smartComponents", "", 0},
			{func(int64) { a.client.ReqMktDepthExchanges() }, "mktDepthExchanges", "ISLAND", 7},
			{func(int64) { a.client.ReqNewsProviders() }, "newsProviders", "", 0},
			{func(id int64) { a.client.ReqSoftDollarTiers(id) }, "softDollarTiers", "", 0},
			{func(id int64) { a.client.QueryDisplayGroups(id) }, "displayGroupList", "1|2|3|4|5|6|7", 0},
			{func(id int64) { a.client.ReqScannerSubscription(id, scan(), nil, nil) }, "scannerData", "", 0},
		} {
			from, id := a.len(), int64(i+1)
			c.make(id)
			e, _ := a.await(t, fmt.Sprintf("version %d: %s", version, c.name), from, func(e event) bool {
				return e.name == "error" || e.name == c.name
			})
			if e.name != c.name || c.text != "" && e.text != c.text || e.price != c.price {
				t.Errorf("version %d: %+v, want %s %s %v", version, e, c.name, c.text, c.price)
			}
		}
		from := a.len()
		a.client.ReqScannerParameters()
		if e, _ := a.byName(t, "scannerParameters", from); !strings.Contains(e.text,
			"<scanCode>TOP_PERC_GAIN</scanCode>") {
			t.Errorf("version %d: %s", version, e.text)
		}
		a.client.RequestFA(ibapi.GROUPS)
		if e, _ := a.byName(t, "receiveFA", from); !strings.Contains(e.text, "<ListOfGroups>") {
			t.Errorf("version %d: %s", version, e.text)
		}
	}
}

// TestOptionChains lists the options on what is simulated, and ends the list of everything else at once.
func TestOptionChains(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	for _, version := range []int{176, 225} {
		w := ready(t, g, version, int32(version))
		for _, c := range []struct {
			symbol, exchange, kind string
			conID                  int32
			count                  int
		}{
			{"AAPL", "", "STK", 265598, 11},
			{"AAPL", "", "STK", 265599, 0},
			{"MSFT", "", "STK", 265598, 0},
			{"AAPL", "", "IND", 265598, 0},
			{"EUR", "", "CASH", 12087792, 0},
		} {
			if version < 212 {
				w.send(78, 5, c.symbol, c.exchange, c.kind, c.conID)
			} else {
				w.sendProto(78, &protobuf.SecDefOptParamsRequest{
					ReqId: proto.Int32(5), UnderlyingSymbol: &c.symbol, FutFopExchange: &c.exchange,
					UnderlyingSecType: &c.kind,
					UnderlyingConId:   &c.conID,
				})
			}
			got := 0
			for {
				b, err := w.frame(patience)
				if err != nil {
					t.Fatal(err)
				}
				m := w.parse(b)
				if m.id == 76 {
					break
				}
				if m.id == 75 {
					got++
				}
				if m.id == 75 && !m.proto && (len(m.fields) < 40 || m.fields[1] != "SMART" && got == 1 ||
					m.fields[4] != "100") {
					t.Errorf("version %d: %q", version, m.fields)
				}
			}
			if got != c.count {
				t.Errorf("version %d: %s %s %d: %d chains, want %d", version, c.symbol, c.kind, c.conID, got, c.count)
			}
		}
	}
}

// TestDisplayGroups has two subscriptions to a group see what one of them shows in it.
func TestDisplayGroups(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	a := follow(t, g, 1)
	a.client.SubscribeToGroupEvents(1, 2)
	a.client.SubscribeToGroupEvents(2, 2)
	a.client.SubscribeToGroupEvents(3, 3)
	_, from := a.await(t, "the third group", 0, func(e event) bool {
		return e.name == "displayGroupUpdated" && e.id == 3
	})
	a.client.UpdateDisplayGroup(1, "265598@SMART")
	for id := range int64(2) {
		a.await(t, "an update", from, func(e event) bool { return e.id == id+1 && e.text == "265598@SMART" })
	}
	a.client.UnsubscribeFromGroupEvents(1)
	a.client.UpdateDisplayGroup(1, "272093@SMART")
	if e, _ := a.byName(t, "error", from); e.id != 1 || e.code != 322 {
		t.Errorf("%+v", e)
	}
	a.client.SubscribeToGroupEvents(9, 8)
	if e, _ := a.await(t, "a refusal", from, func(e event) bool { return e.id == 9 }); e.code != 322 {
		t.Errorf("%+v", e)
	}
	for _, e := range a.since(from) {
		if e.name == "displayGroupUpdated" && e.id == 3 {
			t.Errorf("%+v", e)
		}
	}
}

// TestUnsupported has what is not simulated end with an error that no client takes for a warning, and its cancels with
// nothing. The session goes on.
func TestUnsupported(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	for _, version := range []int{176, 193, 203} {
		w := ready(t, g, version, int32(version))
		for _, c := range []struct {
			id     int
			fields []any
			reqID  int32
			code   int
		}{
			{21, []any{2, 7, 0, "AAPL"}, 7, 322},
			{52, []any{2, 8, 0, "AAPL"}, 8, 10358},
			{54, []any{3, 9, 0, "AAPL"}, 9, 322},
			{55, []any{3, 10, 0, "AAPL"}, 10, 322},
			{65, []any{1, "name", "1"}, -1, 322},
			{66, []any{1, "data"}, -1, 322},
			{72, []any{1, "name", "1", "key"}, -1, 322},
			{73, []any{1, "data", "answer"}, -1, 322},
			{77777, []any{1}, -1, 505},
			{199, []any{1}, -1, 505},
		} {
			w.send(c.id, c.fields...)
			if e := w.errorCode(c.code); e.GetId() != c.reqID {
				t.Errorf("version %d: message %d: %v", version, c.id, e)
			}
		}
		for _, id := range []int{13, 23, 53, 56, 57} {
			w.send(id, append([]any{1}, []any{5}[:min(1, max(0, id-13))]...)...)
		}
		for _, id := range []int{89, 90, 101, 103} {
			w.send(id, 5)
		}
		if version < 201 {
			w.quiet()
		}
		w.alive()
	}
}

// TestEmptyRequests sends every request of the protocol with its number alone, and with an empty contract: the session
// goes on.
func TestEmptyRequests(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	w := ready(t, g, 225, 1)
	for id := 1; id <= 120; id++ {
		if id == 71 { // startApi
			continue
		}
		for _, body := range []string{"", "\x08\x07", "\x08\x07\x12\x00", "\x08\x07\x10\x01"} {
			w.write(framed(string(binary.BigEndian.AppendUint32(nil, uint32(id+200))) + body))
		}
		w.send(id)
		w.alive()
	}
}
