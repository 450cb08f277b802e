package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Request is one of the requests below.
type Request interface {
	// encode returns the number of the request and its body.
	encode() (number int, body proto.Message, err error)
}

// Append appends a request as a frame. With an error, which is about what is in the request, there is none.
func Append(dst []byte, r Request) ([]byte, error) {
	number, body, err := r.encode()
	if err != nil {
		return dst, err
	}
	framed, start := BeginFrame(dst)
	framed = binary.BigEndian.AppendUint32(framed, uint32(number+ProtoBase))
	framed, err = proto.MarshalOptions{}.MarshalAppend(framed, body)
	if err != nil { // a text that is not UTF-8
		return dst, fmt.Errorf("request %d cannot be written: %w", number, err)
	}
	return EndFrame(framed, start), nil
}

// StartAPI signs on.
type StartAPI struct{ Client int64 }

// CurrentTime asks for Gateway's time.
type CurrentTime struct{}

// MarketDataTypes says of which type market data may be: 1 live, 3 delayed where there is no live data.
type MarketDataTypes struct{ Type int }

// Subscribe asks for streaming market data.
type Subscribe struct {
	Request  int64
	Contract Contract
}

// Unsubscribe ends a subscription.
type Unsubscribe struct{ Request int64 }

// PlaceOrder places an order, or changes the open one with its id.
type PlaceOrder struct {
	ID           int64
	Contract     Contract
	Ref          string
	Action       string // BUY, SELL
	Type         string // MKT, LMT, …
	Quantity     float64
	Limit        float64 // 0 if it has none, like those below
	Aux          float64 // stop price or trail amount
	Percent      float64 // trail percent
	TIF          string
	OutsideHours bool
	Account      string
	Parent       int64
	Hold         bool // is not transmitted yet
}

// CancelOrder cancels an order of the same client id.
type CancelOrder struct{ ID int64 }

// OpenOrders asks for the orders of the same client id that are not done.
type OpenOrders struct{}

// AllOpenOrders asks for the orders of all client ids that are not done.
type AllOpenOrders struct{}

// CompletedOrders asks for the orders that are done.
type CompletedOrders struct{ APIOnly bool }

// Executions asks for the executions of a client id since midnight.
type Executions struct{ Request, Client int64 }

// AskContract asks for all contracts that one can mean.
type AskContract struct {
	Request  int64
	Contract Contract
}

// AskMarketRule asks for the price steps of a market rule.
type AskMarketRule struct{ Rule int64 }

// integer turns a number into the 32 bits that it has on the wire.
func integer(name string, v int64) (*int32, error) {
	if v < math.MinInt32 || v > math.MaxInt32 {
		return nil, fmt.Errorf("%s %d is out of range", name, v)
	}
	return proto.Int32(int32(v)), nil
}

// filled returns a text as it is on the wire: an empty one is left out.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// yes returns a flag as it is on the wire: one that is not set is left out.
func yes(v bool) *bool {
	if !v {
		return nil
	}
	return &v
}

// price returns a price as it is on the wire: one that is not set is left out.
func price(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

func (r StartAPI) encode() (int, proto.Message, error) {
	client, err := integer("client id", r.Client)
	return ReqStartAPI, &protobuf.StartApiRequest{ClientId: client}, err
}

func (CurrentTime) encode() (int, proto.Message, error) {
	return ReqCurrentTime, &protobuf.CurrentTimeRequest{}, nil
}

func (r MarketDataTypes) encode() (int, proto.Message, error) {
	kind, err := integer("type of market data", int64(r.Type))
	return ReqMarketDataType, &protobuf.MarketDataTypeRequest{MarketDataType: kind}, err
}

func (r Subscribe) encode() (int, proto.Message, error) {
	p := &protobuf.MarketDataRequest{}
	var err error
	if p.ReqId, err = integer("request number", r.Request); err == nil {
		p.Contract, err = contract(&r.Contract)
	}
	return ReqMarketData, p, err
}

func (r Unsubscribe) encode() (int, proto.Message, error) {
	id, err := integer("request number", r.Request)
	return ReqCancelMarketData, &protobuf.CancelMarketData{ReqId: id}, err
}

func (r CancelOrder) encode() (int, proto.Message, error) {
	id, err := integer("order id", r.ID)
	return ReqCancelOrder, &protobuf.CancelOrderRequest{OrderId: id, OrderCancel: &protobuf.OrderCancel{}}, err
}

func (OpenOrders) encode() (int, proto.Message, error) {
	return ReqOpenOrders, &protobuf.OpenOrdersRequest{}, nil
}

func (AllOpenOrders) encode() (int, proto.Message, error) {
	return ReqAllOpenOrders, &protobuf.AllOpenOrdersRequest{}, nil
}

func (r CompletedOrders) encode() (int, proto.Message, error) {
	return ReqCompletedOrders, &protobuf.CompletedOrdersRequest{ApiOnly: yes(r.APIOnly)}, nil
}

func (r Executions) encode() (int, proto.Message, error) {
	p := &protobuf.ExecutionRequest{ExecutionFilter: &protobuf.ExecutionFilter{}}
	var err error
	if p.ReqId, err = integer("request number", r.Request); err == nil {
		p.ExecutionFilter.ClientId, err = integer("client id", r.Client)
	}
	return ReqExecutions, p, err
}

func (r AskContract) encode() (int, proto.Message, error) {
	p := &protobuf.ContractDataRequest{}
	var err error
	if p.ReqId, err = integer("request number", r.Request); err == nil {
		p.Contract, err = contract(&r.Contract)
	}
	return ReqContractDetails, p, err
}

func (r AskMarketRule) encode() (int, proto.Message, error) {
	rule, err := integer("market rule", r.Rule)
	return ReqMarketRule, &protobuf.MarketRuleRequest{MarketRuleId: rule}, err
}

func contract(c *Contract) (*protobuf.Contract, error) {
	id, err := integer("contract id", c.ConID)
	return &protobuf.Contract{
		ConId: id, Symbol: filled(c.Symbol), SecType: filled(c.Type), Exchange: filled(c.Exchange),
		PrimaryExch: filled(c.Primary), Currency: filled(c.Currency), LocalSymbol: filled(c.Local),
	}, err
}

// encode writes the fields that the client library writes, also those without a meaning here: Gateway is used to them.
func (r PlaceOrder) encode() (int, proto.Message, error) {
	zero, none := proto.Int32(0), proto.Float64(0)
	id, err := integer("order id", r.ID)
	if err != nil {
		return 0, nil, err
	}
	parent, err := integer("order id of the parent", r.Parent)
	if err != nil {
		return 0, nil, err
	}
	contract, err := contract(&r.Contract)
	if err != nil {
		return 0, nil, err
	}
	size, err := quantity(r.Quantity)
	if err != nil {
		return 0, nil, err
	}
	return ReqPlaceOrder, &protobuf.PlaceOrderRequest{
		OrderId: id, Contract: contract, AttachedOrders: &protobuf.AttachedOrders{},
		Order: &protobuf.Order{
			OrderId: id, ParentId: parent, Action: filled(r.Action), TotalQuantity: &size, OrderType: filled(r.Type),
			LmtPrice: price(r.Limit), AuxPrice: price(r.Aux), TrailingPercent: price(r.Percent), Tif: filled(r.TIF),
			Account: filled(r.Account), OutsideRth: yes(r.OutsideHours), OrderRef: filled(r.Ref),
			Transmit: yes(!r.Hold),

			ClientId: zero, PermId: proto.Int64(0), DisplaySize: zero, OcaType: zero, TriggerMethod: zero, Origin: zero,
			ShortSaleSlot: zero, ExemptCode: proto.Int32(-1), DeltaNeutralConId: zero, DeltaNeutralShortSaleSlot: zero,
			DiscretionaryAmt: none, ReferenceContractId: zero, PeggedChangeAmount: none, ReferenceChangeAmount: none,
			AdjustableTrailingUnit: zero, SoftDollarTier: &protobuf.SoftDollarTier{},
		},
	}, nil
}

// decimals is how many decimal places a quantity may have.
const decimals = 7

// quantity writes a quantity as text.
func quantity(v float64) (string, error) {
	s := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', decimals, 64), "0"), ".")
	if !(v > 0) || math.IsInf(v, 0) || s == "0" || s == "" {
		return "", fmt.Errorf("quantity %v: a number above 0 is needed", v)
	}
	return s, nil
}
