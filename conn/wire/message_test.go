package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// inProto returns the payload of a message in protobuf.
func inProto(t testing.TB, number int, m proto.Message) []byte {
	t.Helper()
	body, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return numbered(number+ProtoBase, body)
}

func numbered(number int, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(number)), body...)
}

// decoders decode each message.
var decoders = map[int]func(Message) (any, error){
	MsgTickPrice:          func(m Message) (any, error) { return m.Tick() },
	MsgTickSize:           func(m Message) (any, error) { return m.Tick() },
	MsgOrderStatus:        func(m Message) (any, error) { return m.OrderNews() },
	MsgError:              func(m Message) (any, error) { return m.Error() },
	MsgOpenOrder:          func(m Message) (any, error) { return m.OrderNews() },
	MsgNextValidID:        func(m Message) (any, error) { return m.NextValidID() },
	MsgContractDetails:    contractIn,
	MsgBondDetails:        contractIn,
	MsgExecution:          func(m Message) (any, error) { return m.OrderNews() },
	MsgManagedAccounts:    func(m Message) (any, error) { return m.ManagedAccounts() },
	MsgTickGeneric:        func(m Message) (any, error) { return m.Tick() },
	MsgTickString:         func(m Message) (any, error) { return m.Tick() },
	MsgCurrentTime:        func(m Message) (any, error) { return m.CurrentTime() },
	MsgContractDetailsEnd: func(m Message) (any, error) { return m.End() },
	MsgOpenOrdersEnd:      func(m Message) (any, error) { return m.End() },
	MsgExecutionsEnd:      func(m Message) (any, error) { return m.End() },
	MsgMarketDataType:     func(m Message) (any, error) { return m.Tick() },
	MsgCommission:         func(m Message) (any, error) { return m.OrderNews() },
	MsgReroute:            func(m Message) (any, error) { return m.Reroute() },
	MsgMarketRule:         ruleOf,
	MsgCompletedOrder:     func(m Message) (any, error) { return m.OrderNews() },
	MsgCompletedOrdersEnd: func(m Message) (any, error) { return m.End() },
	MsgPosition:           func(m Message) (any, error) { return m.Position() },
	MsgPortfolio:          func(m Message) (any, error) { return m.Portfolio() },
	MsgPositionsEnd:       func(m Message) (any, error) { return m.End() },
	MsgAccountEnd:         func(m Message) (any, error) { return m.End() },
	MsgConfig:             func(m Message) (any, error) { return m.Config() },
}

// contract is what a message says of a contract, rule what one says of a market rule.
type (
	contract struct {
		Request int64
		Known   *Details
	}
	rule struct {
		Number int64
		Steps  []PriceStep
	}
)

func contractIn(m Message) (any, error) {
	request, known, err := m.ContractDetails()
	return contract{request, known}, err
}

func ruleOf(m Message) (any, error) {
	number, steps, err := m.MarketRule()
	return rule{number, steps}, err
}

// open decodes a payload.
func open(payload []byte) (number int, got any, err error) {
	m, err := Split(payload)
	if err != nil || m.Number == 0 {
		return 0, nil, err
	}
	got, err = decoders[m.Number](m)
	return m.Number, got, err
}

func TestMessages(t *testing.T) {
	apple := &protobuf.Contract{
		ConId: proto.Int32(265598), Symbol: proto.String("AAPL"), SecType: proto.String("STK"),
		Exchange:    proto.String("SMART"),
		PrimaryExch: proto.String("NASDAQ"), Currency: proto.String("USD"), LocalSymbol: proto.String("AAPL"),
		Multiplier: proto.Float64(100), LastTradeDateOrContractMonth: proto.String("20261218 15:00 US/Central"),
	}
	appleOf := Contract{265598, "AAPL", "STK", "SMART", "NASDAQ", "USD", "AAPL"}
	anOrder := &protobuf.Order{
		ClientId: proto.Int32(3), PermId: proto.Int64(1 << 40), ParentId: proto.Int32(6), OrderRef: proto.String("ref"),
		Action: proto.String("BUY"), OrderType: proto.String("LMT"), TotalQuantity: proto.String("100.5"),
		FilledQuantity: proto.String("2"),
		LmtPrice:       proto.Float64(-1),
		AuxPrice:       proto.Float64(math.MaxFloat64), TrailingPercent: proto.Float64(1.5),
		Deactivate: proto.Bool(true),
	}
	state := &protobuf.OrderState{
		Status: proto.String("Submitted"), CompletedStatus: proto.String("Cancelled by Trader"),
		RejectReason: proto.String("no"),
	}
	working := OrderNews{
		Kind: OrderOpen, ID: 7, Client: 3, PermID: 1 << 40, Parent: 6, Ref: "ref", Side: "BUY",
		Type:     "LMT",
		Quantity: 100.5, Filled: 2, Limit: -1, Percent: 1.5, Status: "Inactive", Detail: "Cancelled by Trader",
	}
	done := working
	done.Kind, done.ID = OrderCompleted, 0
	for _, c := range []struct {
		name    string
		payload []byte
		number  int
		want    any
	}{
		{"price", inProto(t, 1, &protobuf.TickPrice{
			ReqId: proto.Int32(2), TickType: proto.Int32(Bid), Price: proto.Float64(1.25), Size: proto.String("300"),
			AttrMask: proto.Int32(1),
		}), MsgTickPrice, Tick{Request: 2, Type: Bid, Value: 1.25, Size: 300}},
		{
			"size", inProto(t, 2,
				&protobuf.TickSize{ReqId: proto.Int32(2), TickType: proto.Int32(AskSize), Size: proto.String("0")}),
			MsgTickSize,
			Tick{Request: 2, Type: AskSize},
		},
		{
			"string", inProto(t, 46,
				&protobuf.TickString{
					ReqId: proto.Int32(2), TickType: proto.Int32(LastTime),
					Value: proto.String("1796086800"),
				}),
			MsgTickString,
			Tick{Request: 2, Type: LastTime, Size: math.Inf(1), Text: []byte("1796086800")},
		},
		{
			"generic", inProto(t, 45,
				&protobuf.TickGeneric{ReqId: proto.Int32(2), TickType: proto.Int32(halted), Value: proto.Float64(1)}),
			MsgTickGeneric,
			Tick{Request: 2, Type: halted, Value: 1, Size: math.Inf(1)},
		},
		{
			"error", inProto(t, 4,
				&protobuf.ErrorMessage{
					Id: proto.Int32(-1), ErrorCode: proto.Int32(1100),
					ErrorMsg: proto.String("lost"),
				}),
			MsgError,
			Error{-1, 1100, "lost"},
		},
		{
			"error in text", numbered(4, []byte("-1\x001100\x00lost\x00\x001796086800000\x00")), MsgError,
			Error{-1, 1100, "lost"},
		},
		{"error in old text", numbered(4, []byte("2\x00-1\x00326\x00in use\x00")), MsgError, Error{-1, 326, "in use"}},
		{
			"error in old text with rejection", numbered(4, []byte("2\x007\x00201\x00no\x00{}\x00")), MsgError,
			Error{7, 201, "no"},
		},
		{"error about request 2", numbered(4, []byte("2\x00321\x00no\x00\x000\x00")), MsgError, Error{2, 321, "no"}},
		{"error all in text", []byte("4\x002\x00-1\x00326\x00in use\x00"), MsgError, Error{-1, 326, "in use"}},
		{"id", inProto(t, 9, &protobuf.NextValidId{OrderId: proto.Int32(11)}), MsgNextValidID, int64(11)},
		{"id in text", numbered(9, []byte("1\x0011\x00")), MsgNextValidID, int64(11)},
		{
			"accounts", inProto(t, 15, &protobuf.ManagedAccounts{AccountsList: proto.String("DU1,U2,")}),
			MsgManagedAccounts,
			[]string{"DU1", "U2"},
		},
		{"accounts in text", []byte("15\x001\x00DU1\x00"), MsgManagedAccounts, []string{"DU1"}},
		{
			"time", inProto(t, 49, &protobuf.CurrentTime{CurrentTime: proto.Int64(1796086800)}), MsgCurrentTime,
			int64(1796086800),
		},
		{"time in text", numbered(49, []byte("1\x001796086800\x00")), MsgCurrentTime, int64(1796086800)},
		{"status", inProto(t, 3, &protobuf.OrderStatus{
			OrderId: proto.Int32(7), Status: proto.String("Filled"), Filled: proto.String("100.5"),
			Remaining:    proto.String("0"),
			AvgFillPrice: proto.Float64(9.5), PermId: proto.Int64(5), ParentId: proto.Int32(6),
			ClientId: proto.Int32(3), WhyHeld: proto.String("locate"),
		}), MsgOrderStatus, OrderNews{
			Kind: OrderStatus, ID: 7, Client: 3, PermID: 5, Parent: 6, Status: "Filled", WhyHeld: "locate",
			Filled: 100.5,
			Price:  9.5,
		}},
		{
			"open order",
			inProto(t, 5,
				&protobuf.OpenOrder{OrderId: proto.Int32(7), Contract: apple, Order: anOrder, OrderState: state}),
			MsgOpenOrder, working,
		},
		{
			"completed order",
			inProto(t, 101, &protobuf.CompletedOrder{Contract: apple, Order: anOrder, OrderState: state}),
			MsgCompletedOrder, done,
		},
		{"execution", inProto(t, 11, &protobuf.ExecutionDetails{
			ReqId: proto.Int32(9), Contract: apple, Execution: &protobuf.Execution{
				OrderId: proto.Int32(7), ExecId: proto.String("0001.01"),
				Time: proto.String("20261201 10:00:00 US/Eastern"),
				Side: proto.String("BOT"), Shares: proto.String("2"), Price: proto.Float64(9.5), PermId: proto.Int64(5),
				ClientId: proto.Int32(3), CumQty: proto.String("100"), OrderRef: proto.String("ref"),
			},
		}), MsgExecution, OrderNews{
			Kind: OrderFilled, Execution: "0001.01", Ref: "ref", ID: 7, Client: 3, PermID: 5,
			Side:   "BUY",
			Filled: 2, Total: 100, Price: 9.5,
		}},
		{"commission", inProto(t, 59, &protobuf.CommissionAndFeesReport{
			ExecId: proto.String("0001.01"), CommissionAndFees: proto.Float64(1.02), Currency: proto.String("USD"),
			YieldRedemptionDate: proto.String(""),
		}), MsgCommission, OrderNews{Kind: OrderCommission, Execution: "0001.01", Price: 1.02, Currency: "USD"}},
		{"commission without an amount", inProto(t, 59, &protobuf.CommissionAndFeesReport{
			ExecId: proto.String("0001.01"), CommissionAndFees: proto.Float64(math.MaxFloat64),
			RealizedPNL: proto.Float64(math.MaxFloat64), Currency: proto.String("USD"),
		}), MsgCommission, OrderNews{Execution: "0001.01", Currency: "USD"}},
		{"correction without a number of shares", inProto(t, 11, &protobuf.ExecutionDetails{
			Execution: &protobuf.Execution{ExecId: proto.String("0001.02"), CumQty: proto.String("100")},
		}), MsgExecution, OrderNews{Execution: "0001.02", Total: 100}},
		{"execution that is taken back", inProto(t, 11, &protobuf.ExecutionDetails{
			Execution: &protobuf.Execution{ExecId: proto.String("0001.02"), Shares: proto.String("0")},
		}), MsgExecution, OrderNews{Kind: OrderFilled, Execution: "0001.02"}},
		{"open order with an id in the order", inProto(t, 5, &protobuf.OpenOrder{
			Order: &protobuf.Order{OrderId: proto.Int32(7)},
		}), MsgOpenOrder, OrderNews{Kind: OrderOpen, ID: 7}},
		{"commission of a closing trade", inProto(t, 59, &protobuf.CommissionAndFeesReport{
			ExecId: proto.String("0001.01"), CommissionAndFees: proto.Float64(1.02), RealizedPNL: proto.Float64(-7.5),
		}), MsgCommission, OrderNews{
			Kind: OrderCommission, Execution: "0001.01", Price: 1.02, Realised: -7.5,
			Closes: true,
		}},
		{"contract", inProto(t, 10, &protobuf.ContractData{
			ReqId: proto.Int32(4), Contract: apple, ContractDetails: &protobuf.ContractDetails{
				LongName: proto.String("APPLE INC"), MinTick: proto.String("0.01"),
				ValidExchanges: proto.String("SMART,NASDAQ"),
				MarketRuleIds:  proto.String("26,26"), SecIdList: map[string]string{"ISIN": "US0378331005"},
			},
		}), MsgContractDetails, contract{4, &Details{
			Contract: appleOf,
			Name:     "APPLE INC", MinTick: 0.01, Rule: 26, Multiplier: 100, Magnifier: 1, Expiry: "20261218",
		}}},
		{"contract with prices in cents", inProto(t, 10, &protobuf.ContractData{
			Contract: &protobuf.Contract{Symbol: proto.String("ZC"), Multiplier: proto.Float64(5000)},
			ContractDetails: &protobuf.ContractDetails{
				MinTick: proto.String("0.0025"), PriceMagnifier: proto.Int32(100),
			},
		}), MsgContractDetails, contract{0, &Details{
			Contract: Contract{Symbol: "ZC"}, MinTick: 0.25, Multiplier: 50, Magnifier: 100,
		}}},
		{"future without a multiplier", inProto(t, 10, &protobuf.ContractData{
			Contract:        &protobuf.Contract{SecType: proto.String("FUT")},
			ContractDetails: &protobuf.ContractDetails{MinTick: proto.String("0.25")},
		}), MsgContractDetails, contract{0, &Details{Contract: Contract{Type: "FUT"}, MinTick: 0.25, Magnifier: 1}}},
		{"bond", inProto(t, 18, &protobuf.ContractData{
			ReqId: proto.Int32(4), Contract: &protobuf.Contract{ConId: proto.Int32(15960357)},
			ContractDetails: &protobuf.ContractDetails{LongName: proto.String("IBM 3.3 01/27/27")},
		}), MsgBondDetails, contract{4, &Details{
			Contract: Contract{ConID: 15960357}, Name: "IBM 3.3 01/27/27", Multiplier: 1, Magnifier: 1,
		}}},
		{
			"market rule",
			inProto(t, 93,
				&protobuf.MarketRule{MarketRuleId: proto.Int32(26), PriceIncrements: []*protobuf.PriceIncrement{
					{LowEdge: proto.Float64(0), Increment: proto.Float64(0.0001)},
					{LowEdge: proto.Float64(1), Increment: proto.Float64(0.01)},
				}}), MsgMarketRule,
			rule{26, []PriceStep{{0, 0.0001}, {1, 0.01}}},
		},
		{
			"data type",
			inProto(t, 58, &protobuf.MarketDataType{ReqId: proto.Int32(2), MarketDataType: proto.Int32(3)}),
			MsgMarketDataType,
			Tick{Request: 2, Type: 3, Size: math.Inf(1)},
		},
		{"end of open orders", inProto(t, 53, &protobuf.OpenOrdersEnd{}), MsgOpenOrdersEnd, int64(0)},
		{"end of completed orders", inProto(t, 102, &protobuf.CompletedOrdersEnd{}), MsgCompletedOrdersEnd, int64(0)},
		{
			"end of executions", inProto(t, 55, &protobuf.ExecutionDetailsEnd{ReqId: proto.Int32(9)}), MsgExecutionsEnd,
			int64(9),
		},
		{
			"end of contracts", inProto(t, 52, &protobuf.ContractDataEnd{ReqId: proto.Int32(4)}), MsgContractDetailsEnd,
			int64(4),
		},
		{"position", inProto(t, 61, &protobuf.Position{
			Account: proto.String("DU1"), Contract: apple, Position: proto.String("-100.5"),
			AvgCost: proto.Float64(230.5),
		}), MsgPosition, Position{
			Account: "DU1", Contract: appleOf, Quantity: proto.Float64(-100.5),
			AverageCost: proto.Float64(230.5),
		}},
		{"position of which nothing is known", inProto(t, 61, &protobuf.Position{
			Position: proto.String("many"), AvgCost: proto.Float64(math.MaxFloat64),
		}), MsgPosition, Position{}},
		{"portfolio", inProto(t, 7, &protobuf.PortfolioValue{
			AccountName: proto.String("DU1"), Contract: apple, Position: proto.String("0"),
			MarketPrice: proto.Float64(231), MarketValue: proto.Float64(0), AverageCost: proto.Float64(230.5),
			UnrealizedPNL: proto.Float64(-1.25), RealizedPNL: proto.Float64(3),
		}), MsgPortfolio, Portfolio{
			Position{Account: "DU1", Contract: appleOf, Quantity: proto.Float64(0), AverageCost: proto.Float64(230.5)},
			proto.Float64(0), proto.Float64(-1.25),
		}},
		{"end of positions", inProto(t, 62, &protobuf.PositionEnd{}), MsgPositionsEnd, int64(0)},
		{"end of an account", inProto(t, 54, &protobuf.AccountDataEnd{}), MsgAccountEnd, int64(0)},
		{"no use for it", inProto(t, 111, &protobuf.UpdateConfigResponse{}), 0, nil},
		{"number of tomorrow", numbered(412, []byte("\xff")), 0, nil},
		{"text where protobuf is due", numbered(1, []byte("6\x00")), 0, nil},
		{"number without a message", numbered(ProtoBase, nil), 0, nil},
	} {
		number, got, err := open(c.payload)
		if tick, ok := got.(Tick); ok {
			tick.Size = unNaN(tick.Size)
			got = tick
		}
		if err != nil || number != c.number || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: message %d, %+v, %v\nwant %d, %+v", c.name, number, got, err, c.number, c.want)
		}
	}
}

// TestBadMessages holds which bytes are not the protocol.
func TestBadMessages(t *testing.T) {
	tag := func(field protowire.Number, kind protowire.Type) []byte { return protowire.AppendTag(nil, field, kind) }
	tooGreat := protowire.AppendVarint(tag(1, protowire.VarintType), 1<<32)
	for _, c := range []struct {
		name    string
		payload []byte
	}{
		{"nothing", nil},
		{"three bytes", []byte{0, 0, 0}},
		{"number 0", numbered(0, nil)},
		{"number beyond all", numbered(maxNumber+1, nil)},
		{"text", []byte("HTTP/1.1 400 Bad Request\r\n")},
		{"digits", []byte("400 Bad Request\x00")},
		{"another message all in text", []byte("5\x00")},
		{"number of many digits", []byte("99999999999999999999\x00")},
		{"field cut off", numbered(201, []byte{8})},
		{"length beyond the end", numbered(204, []byte{34, 9, 'a'})},
		{"group without an end", numbered(201, tag(9, protowire.StartGroupType))},
		{"end of no group", numbered(205, tag(9, protowire.EndGroupType))},
		{"field 0", numbered(201, []byte{0, 1})},
		{"field beyond all", numbered(201, protowire.AppendVarint(nil, 1<<32))},
		{"number of 33 bits in a tick", numbered(201, tooGreat)},
		{"number of 33 bits in a status", numbered(203, tooGreat)},
		{
			"number of 33 bits inside an order",
			numbered(205, protowire.AppendBytes(tag(3, protowire.BytesType), tooGreat)),
		},
		{
			"varint of eleven bytes",
			numbered(249, append(tag(1, protowire.VarintType), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"...)),
		},
		{"error in text without a code", numbered(4, []byte("-1\x00"))},
		{"error in text with words for a code", numbered(4, []byte("-1\x00lost\x00text\x00"))},
		{"error in text cut off", numbered(4, []byte("-1\x001100\x00lo"))},
		{"id in text with words", numbered(9, []byte("1\x00one\x00"))},
		{"id in text beyond all", numbered(9, []byte("1\x0099999999999999999999\x00"))},
		{"accounts in text cut off", numbered(15, []byte("1\x00"))},
		{"time in text cut off", numbered(49, []byte("1\x00179"))},
	} {
		number, got, err := open(c.payload)
		if _, bad := errors.AsType[*ProtocolError](err); !bad || strings.ContainsAny(err.Error(), "\x00\n") {
			t.Errorf("%s: message %d, %+v, %v", c.name, number, got, err)
		}
	}
}

// TestTextsFromOutside: a text that is not UTF-8 loses no message, and none is longer than it may be.
func TestTextsFromOutside(t *testing.T) {
	field := func(dst []byte, n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(dst, n, protowire.BytesType), s)
	}
	number := func(dst []byte, n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), v)
	}
	err := field(number(number(nil, 1, 7), 3, 201), 4, "rejet\xe9: prix")
	exec := field(field(number(nil, 1, 7), 2, "0001.01"), 14, "ref\xff")
	exec = number(field(field(exec, 7, "40"), 12, "100"), 10, 3)
	details := field(field(nil, 7, "SOCI\xc9T\xc9"), 4, "SMART")
	details = field(details, 17, string(field(field(nil, 1, "IS\xffIN"), 2, "x")))
	for _, c := range []struct {
		payload []byte
		want    any
	}{
		{numbered(204, err), Error{7, 201, "rejet\uFFFD: prix"}},
		{numbered(4, []byte("7\x00201\x00rejet\xe9\x00\x00\x00")), Error{7, 201, "rejet\uFFFD"}},
		{numbered(204, field(nil, 4, strings.Repeat("é", 600))), Error{0, 0, strings.Repeat("é", 512)}},
		{numbered(204, field(nil, 4, "x"+strings.Repeat("é", 600))), Error{0, 0, "x" + strings.Repeat("é", 511)}},
		{numbered(215, field(nil, 1, "DU1,\xff2")), []string{"DU1", "\uFFFD2"}},
		{numbered(211, field(number(nil, 1, 9), 3, string(exec))), OrderNews{
			Kind: OrderFilled, Execution: "0001.01", Ref: "ref\uFFFD", ID: 7, Client: 3, Filled: 40, Total: 100,
		}},
		{
			numbered(210, field(field(number(nil, 1, 4), 2, string(field(nil, 2, "\xf0A"))), 3, string(details))),
			contract{4, &Details{
				Contract: Contract{Symbol: "\uFFFDA"}, Name: "SOCI\uFFFDT\uFFFD", Multiplier: 1, Magnifier: 1,
			}},
		},
	} {
		_, got, err := open(c.payload)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%.40q: %+v, %v\nwant %+v", c.payload, got, err, c.want)
		}
	}
}
