package sim

import (
	"math"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// int32 reads a number; an empty field is 0.
func (r *textReader) int32() int32 {
	if v := r.optInt(); v != nil {
		return *v
	}
	return 0
}

// optInt reads a number that may be unset: empty or 2147483647.
func (r *textReader) optInt() *int32 {
	s := r.str()
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		r.fail("field %d: %.40q is not an integer", r.pos, s)
		return nil
	}
	if n == math.MaxInt32 {
		return nil
	}
	v := int32(n)
	return &v
}

// optFloat reads a number that may be unset: empty or the largest double.
func (r *textReader) optFloat() *float64 {
	s := r.str()
	if s == "" || strings.EqualFold(s, "infinity") { // competeAgainstBestOffset "up to mid" travels as infinity
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail("field %d: %.40q is not a number", r.pos, s)
		return nil
	}
	if f == math.MaxFloat64 {
		return nil
	}
	return &f
}

func (r *textReader) bool() bool {
	switch s := r.str(); s {
	case "", "0", "false":
		return false
	case "1", "true":
		return true
	default:
		r.fail("field %d: %.40q is not a boolean", r.pos, s)
		return false
	}
}

// optBool leaves false unset, as the protobuf clients do.
func (r *textReader) optBool() *bool {
	if r.bool() {
		return proto.Bool(true)
	}
	return nil
}

// decimal reads a quantity and keeps its text.
func (r *textReader) decimal() *string {
	s := r.str()
	if s == "" {
		return nil
	}
	if f, err := strconv.ParseFloat(s, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail("field %d: %.40q is not a quantity", r.pos, s)
		return nil
	}
	return &s
}

// messageVersion reads the version number many requests start with.
func (r *textReader) messageVersion() {
	if v := r.int32(); v < 1 && r.err == nil {
		r.fail("message version %d", v)
	}
}

// requestID reads the id the answers will carry.
func (r *textReader) requestID() *int32 {
	v := r.int32()
	if r.err == nil {
		r.reqID = &v
	}
	return &v
}

// count reads how many entries follow; each takes at least one field.
func (r *textReader) count() int {
	n := r.int32()
	if n < 0 || int(n) > len(r.fields)-r.pos {
		r.fail("field %d: count %d", r.pos, n)
		return 0
	}
	return int(n)
}

// tagValues reads "tag=value;tag=value;" (official form) in one field.
func (r *textReader) tagValues() map[string]string {
	s := r.str()
	if s == "" {
		return nil
	}
	m := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSuffix(s, ";"), ";") {
		tag, value, ok := strings.Cut(part, "=")
		if !ok {
			r.fail("field %d: %.40q is not a list of tag=value", r.pos, s)
			return nil
		}
		m[tag] = value
	}
	return m
}

func (r *textReader) multiplier() *float64 {
	s := r.str()
	if s == "" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		r.fail("field %d: multiplier %.40q", r.pos, s)
		return nil
	}
	return &f
}

// contract reads conId to tradingClass as market data, order and contract requests send it.
func (r *textReader) contract() *protobuf.Contract {
	return &protobuf.Contract{
		ConId: r.optInt(), Symbol: r.optStr(), SecType: r.optStr(), LastTradeDateOrContractMonth: r.optStr(),
		Strike: r.optFloat(), Right: r.optStr(), Multiplier: r.multiplier(),
		Exchange: r.optStr(), PrimaryExch: r.optStr(), Currency: r.optStr(), LocalSymbol: r.optStr(),
		TradingClass: r.optStr(),
	}
}

func (r *textReader) comboLegs(c *protobuf.Contract) {
	for range r.count() {
		c.ComboLegs = append(c.ComboLegs, &protobuf.ComboLeg{
			ConId: r.optInt(), Ratio: r.optInt(), Action: r.optStr(), Exchange: r.optStr(),
		})
	}
}

func (r *textReader) deltaNeutral(c *protobuf.Contract) {
	if r.bool() {
		c.DeltaNeutralContract = &protobuf.DeltaNeutralContract{
			ConId: r.optInt(), Delta: r.optFloat(),
			Price: r.optFloat(),
		}
	}
}

func textStartAPI(r *textReader) proto.Message {
	r.messageVersion()
	return &protobuf.StartApiRequest{ClientId: proto.Int32(r.int32()), OptionalCapabilities: r.optStr()}
}

func textMktData(r *textReader) proto.Message {
	r.messageVersion()
	m := &protobuf.MarketDataRequest{ReqId: r.requestID(), Contract: r.contract()}
	if m.Contract.GetSecType() == "BAG" {
		r.comboLegs(m.Contract)
	}
	r.deltaNeutral(m.Contract)
	m.GenericTickList = r.optStr()
	m.Snapshot = r.optBool()
	m.RegulatorySnapshot = r.optBool()
	m.MarketDataOptions = r.tagValues()
	return m
}

func textContractData(r *textReader) proto.Message {
	r.messageVersion()
	m := &protobuf.ContractDataRequest{ReqId: r.requestID(), Contract: r.contract()}
	m.Contract.IncludeExpired = r.optBool()
	m.Contract.SecIdType = r.optStr()
	m.Contract.SecId = r.optStr()
	m.Contract.IssuerId = r.optStr()
	return m
}

func textExecutions(r *textReader) proto.Message {
	r.messageVersion()
	m := &protobuf.ExecutionRequest{ReqId: r.requestID()}
	f := &protobuf.ExecutionFilter{
		ClientId: r.optInt(), AcctCode: r.optStr(), Time: r.optStr(), Symbol: r.optStr(),
		SecType: r.optStr(), Exchange: r.optStr(), Side: r.optStr(),
	}
	if r.version >= verExecutionDays {
		f.LastNDays = r.optInt()
		for range r.count() {
			f.SpecificDates = append(f.SpecificDates, r.int32())
		}
	}
	m.ExecutionFilter = f
	return m
}

func textCancelOrder(r *textReader) proto.Message {
	if r.version < verCMETagging {
		r.messageVersion()
	}
	m := &protobuf.CancelOrderRequest{OrderId: r.requestID(), OrderCancel: &protobuf.OrderCancel{
		ManualOrderCancelTime: r.optStr(),
	}}
	if r.version >= verRFQ && r.version < verUndoRFQ {
		r.str()
		r.str()
		r.optInt()
	}
	if r.version >= verCMETagging {
		m.OrderCancel.ExtOperator = r.optStr()
		m.OrderCancel.ManualOrderIndicator = r.optInt()
	}
	return m
}

func textGlobalCancel(r *textReader) proto.Message {
	m := &protobuf.GlobalCancelRequest{OrderCancel: &protobuf.OrderCancel{}}
	if r.version < verCMETagging {
		r.messageVersion()
		return m
	}
	m.OrderCancel.ExtOperator = r.optStr()
	m.OrderCancel.ManualOrderIndicator = r.optInt()
	return m
}

func textAccountSummary(r *textReader) proto.Message {
	r.messageVersion()
	return &protobuf.AccountSummaryRequest{ReqId: r.requestID(), Group: r.optStr(), Tags: r.optStr()}
}

func textAcctData(r *textReader) proto.Message {
	r.messageVersion()
	return &protobuf.AccountDataRequest{Subscribe: proto.Bool(r.bool()), AcctCode: r.optStr()}
}

func textAcctUpdatesMulti(r *textReader) proto.Message {
	r.messageVersion()
	return &protobuf.AccountUpdatesMultiRequest{
		ReqId: r.requestID(), Account: r.optStr(), ModelCode: r.optStr(),
		LedgerAndNLV: r.optBool(),
	}
}

func textPositionsMulti(r *textReader) proto.Message {
	r.messageVersion()
	return &protobuf.PositionsMultiRequest{ReqId: r.requestID(), Account: r.optStr(), ModelCode: r.optStr()}
}
