package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// replyKind says under which id an answer travels and from which version on its body is protobuf. A family turns at
// the same step as its requests do.
type replyKind struct {
	id         int
	protoSince int
}

var replyKinds = map[protoreflect.Name]replyKind{
	"OrderStatus":             {wire.MsgOrderStatus, verBinaryID},
	"ErrorMessage":            {wire.MsgError, verBinaryID},
	"OpenOrder":               {wire.MsgOpenOrder, verBinaryID},
	"AccountValue":            {6, verProtoAccounts},
	"PortfolioValue":          {7, verProtoAccounts},
	"AccountUpdateTime":       {8, verProtoAccounts},
	"NextValidId":             {wire.MsgNextValidID, verProtoRest3},
	"ContractData":            {wire.MsgContractDetails, verProtoContracts},
	"ExecutionDetails":        {wire.MsgExecution, verBinaryID},
	"ManagedAccounts":         {wire.MsgManagedAccounts, verProtoAccounts},
	"CurrentTime":             {wire.MsgCurrentTime, verProtoRest3},
	"ContractDataEnd":         {wire.MsgContractDetailsEnd, verProtoContracts},
	"OpenOrdersEnd":           {wire.MsgOpenOrdersEnd, verBinaryID},
	"AccountDataEnd":          {54, verProtoAccounts},
	"ExecutionDetailsEnd":     {wire.MsgExecutionsEnd, verBinaryID},
	"TickSnapshotEnd":         {wire.MsgTickSnapshotEnd, verProtoMarketData},
	"MarketDataType":          {wire.MsgMarketDataType, verProtoMarketData},
	"CommissionAndFeesReport": {wire.MsgCommission, verProtoRest1},
	"Position":                {61, verProtoAccounts},
	"PositionEnd":             {62, verProtoAccounts},
	"AccountSummary":          {63, verProtoAccounts},
	"AccountSummaryEnd":       {64, verProtoAccounts},
	"PositionMulti":           {71, verProtoAccounts},
	"PositionMultiEnd":        {72, verProtoAccounts},
	"AccountUpdateMulti":      {73, verProtoAccounts},
	"AccountUpdateMultiEnd":   {74, verProtoAccounts},
	"TickReqParams":           {wire.MsgTickReqParams, verProtoMarketData},
	"MarketRule":              {wire.MsgMarketRule, verProtoRest2},
	"CompletedOrder":          {wire.MsgCompletedOrder, verProtoOpenOrders},
	"CompletedOrdersEnd":      {wire.MsgCompletedOrdersEnd, verProtoOpenOrders},
	"CurrentTimeInMillis":     {109, verProtoRest3},
	"ConfigResponse":          {110, verConfigRequests},
}

// message appends the fields that follow the id. The numbers written first in many of them are the message's own
// version, which old clients used to tell its shapes apart.
func (t *textWriter) message(m proto.Message) {
	switch m := m.(type) {
	case *protobuf.TickSnapshotEnd:
		t.int(1)
		t.int(int64(m.GetReqId()))
	case *protobuf.TickReqParams:
		t.int(int64(m.GetReqId()))
		t.str(m.GetMinTick())
		t.str(m.GetBboExchange())
		t.int(int64(m.GetSnapshotPermissions()))
	case *protobuf.MarketDataType:
		t.int(1)
		t.int(int64(m.GetReqId()))
		t.int(int64(m.GetMarketDataType()))
	case *protobuf.NextValidId:
		t.int(1)
		t.int(int64(m.GetOrderId()))
	case *protobuf.ManagedAccounts:
		t.int(1)
		t.str(m.GetAccountsList())
	case *protobuf.CurrentTime:
		t.int(1)
		t.int(m.GetCurrentTime())
	case *protobuf.CurrentTimeInMillis:
		t.int(m.GetCurrentTimeInMillis())
	case *protobuf.ErrorMessage:
		t.errorMessage(m)
	case *protobuf.OrderStatus:
		t.orderStatus(m)
	case *protobuf.OpenOrder:
		t.openOrder(m)
	case *protobuf.OpenOrdersEnd:
		t.int(1)
	case *protobuf.CompletedOrder:
		t.completedOrder(m)
	case *protobuf.CompletedOrdersEnd:
	case *protobuf.ExecutionDetails:
		t.executionDetails(m)
	case *protobuf.ExecutionDetailsEnd:
		t.int(1)
		t.int(int64(m.GetReqId()))
	case *protobuf.CommissionAndFeesReport:
		t.commission(m)
	case *protobuf.ContractData:
		t.contractData(m)
	case *protobuf.MarketRule:
		t.int(int64(m.GetMarketRuleId()))
		t.int(int64(len(m.GetPriceIncrements())))
		for _, p := range m.GetPriceIncrements() {
			t.float(p.GetLowEdge())
			t.float(p.GetIncrement())
		}
	case *protobuf.ContractDataEnd:
		t.int(1)
		t.int(int64(m.GetReqId()))
	default:
		t.accountMessage(m)
	}
}

func (t *textWriter) accountMessage(m proto.Message) {
	switch m := m.(type) {
	case *protobuf.AccountValue:
		t.int(2)
		t.strs(m.GetKey(), m.GetValue(), m.GetCurrency(), m.GetAccountName())
	case *protobuf.PortfolioValue:
		c := m.GetContract()
		t.int(8)
		t.contractHead(c)
		t.strs(multiplierText(c), c.GetPrimaryExch(), c.GetCurrency(), c.GetLocalSymbol(), c.GetTradingClass())
		t.str(m.GetPosition())
		for _, f := range []float64{
			m.GetMarketPrice(), m.GetMarketValue(), m.GetAverageCost(), m.GetUnrealizedPNL(),
			m.GetRealizedPNL(),
		} {
			t.float(f)
		}
		t.str(m.GetAccountName())
	case *protobuf.AccountUpdateTime:
		t.int(1)
		t.str(m.GetTimeStamp())
	case *protobuf.AccountDataEnd:
		t.int(1)
		t.str(m.GetAccountName())
	case *protobuf.Position:
		c := m.GetContract()
		t.int(3)
		t.str(m.GetAccount())
		t.contract(c)
		t.str(m.GetPosition())
		t.float(m.GetAvgCost())
	case *protobuf.PositionEnd:
		t.int(1)
	case *protobuf.AccountSummary:
		t.int(1)
		t.int(int64(m.GetReqId()))
		t.strs(m.GetAccount(), m.GetTag(), m.GetValue(), m.GetCurrency())
	case *protobuf.AccountSummaryEnd:
		t.int(1)
		t.int(int64(m.GetReqId()))
	case *protobuf.PositionMulti:
		t.int(1)
		t.int(int64(m.GetReqId()))
		t.str(m.GetAccount())
		t.contract(m.GetContract())
		t.str(m.GetPosition())
		t.float(m.GetAvgCost())
		t.str(m.GetModelCode())
	case *protobuf.PositionMultiEnd:
		t.int(1)
		t.int(int64(m.GetReqId()))
	case *protobuf.AccountUpdateMulti:
		t.int(1)
		t.int(int64(m.GetReqId()))
		t.strs(m.GetAccount(), m.GetModelCode(), m.GetKey(), m.GetValue(), m.GetCurrency())
	case *protobuf.AccountUpdateMultiEnd:
		t.int(1)
		t.int(int64(m.GetReqId()))
	default:
		panic(fmt.Sprintf("sim: no text form of %T", m))
	}
}

func (t *textWriter) errorMessage(m *protobuf.ErrorMessage) {
	if t.version < verErrorTime {
		t.int(2)
	}
	t.int(int64(m.GetId()))
	t.int(int64(m.GetErrorCode()))
	t.str(m.GetErrorMsg())
	t.str(m.GetAdvancedOrderRejectJson())
	if t.version >= verErrorTime {
		t.int(m.GetErrorTime())
	}
}

func (t *textWriter) orderStatus(m *protobuf.OrderStatus) {
	t.int(int64(m.GetOrderId()))
	t.strs(m.GetStatus(), m.GetFilled(), m.GetRemaining())
	t.float(m.GetAvgFillPrice())
	t.int(m.GetPermId())
	t.int(int64(m.GetParentId()))
	t.float(m.GetLastFillPrice())
	t.int(int64(m.GetClientId()))
	t.str(m.GetWhyHeld())
	t.float(m.GetMktCapPrice())
}

func (t *textWriter) executionDetails(m *protobuf.ExecutionDetails) {
	e := m.GetExecution()
	t.int(int64(m.GetReqId()))
	t.int(int64(e.GetOrderId()))
	t.contract(m.GetContract())
	t.strs(e.GetExecId(), e.GetTime(), e.GetAcctNumber(), e.GetExchange(), e.GetSide(), e.GetShares())
	t.float(e.GetPrice())
	t.int(e.GetPermId())
	t.int(int64(e.GetClientId()))
	t.bool(e.GetIsLiquidation())
	t.str(e.GetCumQty())
	t.float(e.GetAvgPrice())
	t.strs(e.GetOrderRef(), e.GetEvRule())
	t.optFloat(e.EvMultiplier)
	t.str(e.GetModelCode())
	t.int(int64(e.GetLastLiquidity()))
	if t.version >= verPendingPrice {
		t.bool(e.GetIsPriceRevisionPending())
	}
	if t.version >= verSubmitter {
		t.str(e.GetSubmitter())
	}
}

// unsetDouble is how a text session spells "no value" in a field that may not stay empty.
const unsetDouble = "1.7976931348623157E308"

func (t *textWriter) commission(m *protobuf.CommissionAndFeesReport) {
	t.int(1)
	t.str(m.GetExecId())
	t.float(m.GetCommissionAndFees())
	t.str(m.GetCurrency())
	if m.RealizedPNL == nil {
		t.str(unsetDouble)
	} else {
		t.float(m.GetRealizedPNL())
	}
	if m.BondYield == nil {
		t.str(unsetDouble)
	} else {
		t.float(m.GetBondYield())
	}
	t.str(m.GetYieldRedemptionDate())
}

// contractHead writes conId to right, contract the whole block that order and execution messages share.
func (t *textWriter) contractHead(c *protobuf.Contract) {
	t.int(int64(c.GetConId()))
	t.strs(c.GetSymbol(), c.GetSecType(), c.GetLastTradeDateOrContractMonth())
	t.float(c.GetStrike())
	t.str(c.GetRight())
}

func (t *textWriter) contract(c *protobuf.Contract) {
	t.contractHead(c)
	t.strs(multiplierText(c), c.GetExchange(), c.GetCurrency(), c.GetLocalSymbol(), c.GetTradingClass())
}

func multiplierText(c *protobuf.Contract) string {
	if c.Multiplier == nil {
		return ""
	}
	return strconv.FormatFloat(c.GetMultiplier(), 'f', -1, 64)
}

func (t *textWriter) contractData(m *protobuf.ContractData) {
	c, d := m.GetContract(), m.GetContractDetails()
	t.int(int64(m.GetReqId()))
	t.strs(c.GetSymbol(), c.GetSecType())
	// Text sessions carry the last trade date, hour and zone in one field.
	t.str(strings.TrimSpace(c.GetLastTradeDateOrContractMonth()))
	if t.version >= verLastTradeDate {
		t.str(c.GetLastTradeDate())
	}
	t.float(c.GetStrike())
	t.strs(c.GetRight(), c.GetExchange(), c.GetCurrency(), c.GetLocalSymbol(), d.GetMarketName(), c.GetTradingClass())
	t.int(int64(c.GetConId()))
	t.strs(d.GetMinTick(), multiplierText(c), d.GetOrderTypes(), d.GetValidExchanges())
	t.int(int64(d.GetPriceMagnifier()))
	t.int(int64(d.GetUnderConId()))
	t.strs(d.GetLongName(), c.GetPrimaryExch(), d.GetContractMonth(), d.GetIndustry(), d.GetCategory(),
		d.GetSubcategory(),
		d.GetTimeZoneId(), d.GetTradingHours(), d.GetLiquidHours(), d.GetEvRule())
	t.int(int64(d.GetEvMultiplier()))
	t.int(int64(len(d.GetSecIdList())))
	for _, tag := range slices.Sorted(maps.Keys(d.GetSecIdList())) {
		t.strs(tag, d.GetSecIdList()[tag])
	}
	t.int(int64(d.GetAggGroup()))
	t.strs(d.GetUnderSymbol(), d.GetUnderSecType(), d.GetMarketRuleIds(), d.GetRealExpirationDate(), d.GetStockType(),
		d.GetMinSize(), d.GetSizeIncrement(), d.GetSuggestedSizeIncrement())
	if t.version >= verIneligibility {
		t.int(0) // ineligibility reasons: the simulated contracts have none
	}
}
