package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// ticks are one message of each kind of which there are many.
func ticks(t testing.TB) [][]byte {
	return [][]byte{
		inProto(t, MsgTickPrice, &protobuf.TickPrice{
			ReqId: proto.Int32(2_130_706_433), TickType: proto.Int32(Bid), Price: proto.Float64(187.25),
			Size:     proto.String("300"),
			AttrMask: proto.Int32(1),
		}),
		inProto(t, MsgTickSize, &protobuf.TickSize{
			ReqId: proto.Int32(2_130_706_433), TickType: proto.Int32(Volume), Size: proto.String("51234567.25"),
		}),
		inProto(t, MsgTickString, &protobuf.TickString{
			ReqId: proto.Int32(2_130_706_433), TickType: proto.Int32(LastTime), Value: proto.String("1796086800"),
		}),
		inProto(t, MsgTickGeneric, &protobuf.TickGeneric{
			ReqId: proto.Int32(2_130_706_433), TickType: proto.Int32(halted), Value: proto.Float64(1),
		}),
	}
}

// halted is a tick type that nothing here keeps.
const halted = 49

// decodeTick decodes a tick as a session does, without putting it anywhere.
func decodeTick(payload []byte) (request int64, err error) {
	m, err := Split(payload)
	if err != nil {
		return 0, err
	}
	t, err := m.Tick()
	if m.Number == MsgTickString {
		t.Seconds()
	}
	return t.Request, err
}

// TestTicksDoNotAllocate: a tick costs no memory between the stream and its values.
func TestTicksDoNotAllocate(t *testing.T) {
	var stream []byte
	for _, p := range ticks(t) {
		stream = append(stream, framed(string(p))...)
	}
	from := bytes.NewReader(stream)
	r := NewReader(from)
	if n := testing.AllocsPerRun(1000, func() {
		from.Reset(stream)
		for {
			payload, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if request, err := decodeTick(payload); err != nil || request != 2_130_706_433 {
				t.Fatalf("%d, %v", request, err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d ticks", n, len(ticks(t)))
	}
}

func TestSeconds(t *testing.T) {
	for value, want := range map[string]int64{
		"1796086800": 1796086800, "9223372036854775807": 1<<63 - 1,
		"": 0, "0": 0, "-1": 0, "soon": 0, "9223372036854775808": 0, "00000000000000000001": 0, "1796086800.5": 0,
		"\xff": 0,
	} {
		at, ok := Tick{Text: []byte(value)}.Seconds()
		if ok != (want != 0) || ok && at != want {
			t.Errorf("%q is %d, %v", value, at, ok)
		}
	}
}

// TestNumbersAreTheLibrarys: numbers mean what they mean to the client library.
func TestNumbersAreTheLibrarys(t *testing.T) {
	for ours, theirs := range map[int64]int64{
		ReqMarketData: ibapi.REQ_MKT_DATA, ReqCancelMarketData: ibapi.CANCEL_MKT_DATA, ReqPlaceOrder: ibapi.PLACE_ORDER,
		ReqCancelOrder: ibapi.CANCEL_ORDER, ReqOpenOrders: ibapi.REQ_OPEN_ORDERS, ReqExecutions: ibapi.REQ_EXECUTIONS,
		ReqContractDetails: ibapi.REQ_CONTRACT_DATA, ReqCurrentTime: ibapi.REQ_CURRENT_TIME,
		ReqMarketDataType: ibapi.REQ_MARKET_DATA_TYPE, ReqStartAPI: ibapi.START_API,
		ReqMarketRule:      ibapi.REQ_MARKET_RULE,
		ReqCompletedOrders: ibapi.REQ_COMPLETED_ORDERS,
		ReqConfig:          ibapi.REQ_CONFIG, ReqPositions: ibapi.REQ_POSITIONS,
		ReqAccountUpdates: ibapi.REQ_ACCT_DATA,
	} {
		if ours != theirs {
			t.Errorf("request %d is %d", ours, theirs)
		}
	}
	for ours, theirs := range map[int64]int64{
		MsgTickPrice: ibapi.TICK_PRICE, MsgTickSize: ibapi.TICK_SIZE, MsgOrderStatus: ibapi.ORDER_STATUS,
		MsgError:     ibapi.ERR_MSG,
		MsgOpenOrder: ibapi.OPEN_ORDER, MsgNextValidID: ibapi.NEXT_VALID_ID,
		MsgContractDetails: ibapi.CONTRACT_DATA,
		MsgBondDetails:     ibapi.BOND_CONTRACT_DATA,
		MsgExecution:       ibapi.EXECUTION_DATA, MsgManagedAccounts: ibapi.MANAGED_ACCTS,
		MsgTickGeneric: ibapi.TICK_GENERIC,
		MsgTickString:  ibapi.TICK_STRING, MsgCurrentTime: ibapi.CURRENT_TIME,
		MsgContractDetailsEnd: ibapi.CONTRACT_DATA_END,
		MsgOpenOrdersEnd:      ibapi.OPEN_ORDER_END, MsgExecutionsEnd: ibapi.EXECUTION_DATA_END,
		MsgTickSnapshotEnd: ibapi.TICK_SNAPSHOT_END, MsgMarketDataType: ibapi.MARKET_DATA_TYPE,
		MsgCommission: ibapi.COMMISSION_AND_FEES_REPORT, MsgTickReqParams: ibapi.TICK_REQ_PARAMS,
		MsgMarketRule: ibapi.MARKET_RULE, MsgReroute: ibapi.REROUTE_MKT_DATA_REQ,
		MsgConfig: ibapi.CONFIG_RESPONSE, MsgPosition: ibapi.POSITION_DATA,
		MsgPositionsEnd: ibapi.POSITION_END, MsgPortfolio: ibapi.PORTFOLIO_VALUE,
		MsgAccountEnd:     ibapi.ACCT_DOWNLOAD_END,
		MsgCompletedOrder: ibapi.COMPLETED_ORDER, MsgCompletedOrdersEnd: ibapi.COMPLETED_ORDERS_END,
	} {
		if ours != theirs {
			t.Errorf("message %d is %d", ours, theirs)
		}
	}
	for ours, theirs := range map[int64]int64{
		BidSize: ibapi.BID_SIZE, Bid: ibapi.BID, Ask: ibapi.ASK, AskSize: ibapi.ASK_SIZE, Last: ibapi.LAST,
		LastSize: ibapi.LAST_SIZE,
		High:     ibapi.HIGH, Low: ibapi.LOW, Volume: ibapi.VOLUME, Close: ibapi.CLOSE, Open: ibapi.OPEN,
		LastTime:   ibapi.LAST_TIMESTAMP,
		DelayedBid: ibapi.DELAYED_BID, DelayedAsk: ibapi.DELAYED_ASK,
		DelayedLast:    ibapi.DELAYED_LAST,
		DelayedBidSize: ibapi.DELAYED_BID_SIZE, DelayedAskSize: ibapi.DELAYED_ASK_SIZE,
		DelayedLastSize: ibapi.DELAYED_LAST_SIZE,
		DelayedHigh:     ibapi.DELAYED_HIGH, DelayedLow: ibapi.DELAYED_LOW, DelayedVolume: ibapi.DELAYED_VOLUME,
		DelayedClose: ibapi.DELAYED_CLOSE, DelayedOpen: ibapi.DELAYED_OPEN,
		DelayedLastTime: ibapi.DELAYED_LAST_TIMESTAMP,
	} {
		if ours != theirs {
			t.Errorf("tick type %d is %d", ours, theirs)
		}
	}
	if ProtoBase != ibapi.PROTOBUF_MSG_ID {
		t.Errorf("protobuf begins at %d", ibapi.PROTOBUF_MSG_ID)
	}
	for request, since := range ibapi.PROTOBUF_MSG_IDS {
		if requestTypes[int(request)] != nil && since > Oldest {
			t.Errorf("request %d is text up to version %d", request, since)
		}
	}
}

func BenchmarkDecodeTick(b *testing.B) {
	payloads := ticks(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := decodeTick(payloads[i%len(payloads)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeTickGenerated is what the generated types take for the same.
func BenchmarkDecodeTickGenerated(b *testing.B) {
	payloads := ticks(b)
	types := []proto.Message{
		&protobuf.TickPrice{}, &protobuf.TickSize{}, &protobuf.TickString{},
		&protobuf.TickGeneric{},
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := proto.Unmarshal(payloads[i%len(payloads)][4:], types[i%len(types)]); err != nil {
			b.Fatal(err)
		}
	}
}
