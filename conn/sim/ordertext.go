package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Order condition types.
const (
	condPrice         = 1
	condTime          = 3
	condMargin        = 4
	condExecution     = 5
	condVolume        = 6
	condPercentChange = 7
)

// textPlaceOrder reads the text form of an order, versions 176 to 202.
func textPlaceOrder(r *textReader) proto.Message {
	m := &protobuf.PlaceOrderRequest{OrderId: r.requestID(), Contract: r.contract(), Order: &protobuf.Order{}}
	c, o := m.Contract, m.Order
	c.SecIdType, c.SecId = r.optStr(), r.optStr()
	o.Action, o.TotalQuantity, o.OrderType = r.optStr(), r.decimal(), r.optStr()
	o.LmtPrice, o.AuxPrice = r.optFloat(), r.optFloat()
	o.Tif, o.OcaGroup, o.Account, o.OpenClose = r.optStr(), r.optStr(), r.optStr(), r.optStr()
	o.Origin = r.optInt()
	o.OrderRef = r.optStr()
	o.Transmit = proto.Bool(r.bool())
	o.ParentId = r.optInt()
	o.BlockOrder, o.SweepToFill = r.optBool(), r.optBool()
	o.DisplaySize, o.TriggerMethod = r.optInt(), r.optInt()
	o.OutsideRth, o.Hidden = r.optBool(), r.optBool()
	if c.GetSecType() == "BAG" {
		r.orderCombo(c, o)
	}
	r.str() // shares allocation, no longer used
	o.DiscretionaryAmt = r.optFloat()
	o.GoodAfterTime, o.GoodTillDate = r.optStr(), r.optStr()
	o.FaGroup, o.FaMethod, o.FaPercentage = r.optStr(), r.optStr(), r.optStr()
	if r.version < verNoFAProfile {
		r.str()
	}
	o.ModelCode = r.optStr()
	o.ShortSaleSlot, o.DesignatedLocation, o.ExemptCode = r.optInt(), r.optStr(), r.optInt()
	o.OcaType = r.optInt()
	o.Rule80A, o.SettlingFirm = r.optStr(), r.optStr()
	o.AllOrNone, o.MinQty, o.PercentOffset = r.optBool(), r.optInt(), r.optFloat()
	r.bool()     // eTradeOnly
	r.bool()     // firmQuoteOnly
	r.optFloat() // nbboPriceCap
	r.optInt()   // auction strategy
	o.StartingPrice, o.StockRefPrice, o.Delta = r.optFloat(), r.optFloat(), r.optFloat()
	o.StockRangeLower, o.StockRangeUpper = r.optFloat(), r.optFloat()
	o.OverridePercentageConstraints = r.optBool()
	r.orderVolatility(o)
	o.TrailStopPrice, o.TrailingPercent = r.optFloat(), r.optFloat()
	r.orderScale(o)
	o.HedgeType = r.optStr()
	if o.HedgeType != nil {
		o.HedgeParam = r.optStr()
	}
	o.OptOutSmartRouting = r.optBool()
	o.ClearingAccount, o.ClearingIntent = r.optStr(), r.optStr()
	o.NotHeld = r.optBool()
	r.deltaNeutral(c)
	o.AlgoStrategy = r.optStr()
	if o.AlgoStrategy != nil {
		o.AlgoParams = r.tagPairs()
	}
	o.AlgoId = r.optStr()
	o.WhatIf = r.optBool()
	o.OrderMiscOptions = r.tagValues()
	o.Solicited = r.optBool()
	o.RandomizeSize, o.RandomizePrice = r.optBool(), r.optBool()
	if o.GetOrderType() == "PEG BENCH" {
		o.ReferenceContractId, o.IsPeggedChangeAmountDecrease = r.optInt(), r.optBool()
		o.PeggedChangeAmount, o.ReferenceChangeAmount, o.ReferenceExchangeId = r.optFloat(), r.optFloat(), r.optStr()
	}
	r.orderConditions(o)
	o.AdjustedOrderType = r.optStr()
	o.TriggerPrice, o.LmtPriceOffset = r.optFloat(), r.optFloat()
	o.AdjustedStopPrice, o.AdjustedStopLimitPrice, o.AdjustedTrailingAmount = r.optFloat(), r.optFloat(), r.optFloat()
	o.AdjustableTrailingUnit = r.optInt()
	o.ExtOperator = r.optStr()
	if name, value := r.optStr(), r.optStr(); name != nil || value != nil {
		o.SoftDollarTier = &protobuf.SoftDollarTier{Name: name, Value: value}
	}
	o.CashQty = r.optFloat()
	o.Mifid2DecisionMaker, o.Mifid2DecisionAlgo = r.optStr(), r.optStr()
	o.Mifid2ExecutionTrader, o.Mifid2ExecutionAlgo = r.optStr(), r.optStr()
	o.DontUseAutoPriceForHedge, o.IsOmsContainer, o.DiscretionaryUpToLimitPrice = r.optBool(), r.optBool(), r.optBool()
	o.UsePriceMgmtAlgo, o.Duration, o.PostToAts = r.optInt(), r.optInt(), r.optInt()
	o.AutoCancelParent = r.optBool()
	o.AdvancedErrorOverride, o.ManualOrderTime = r.optStr(), r.optStr()
	r.orderPegBest(c, o)
	r.orderTail(o)
	return m
}

// orderTail reads what versions 183 to 202 append.
func (r *textReader) orderTail(o *protobuf.Order) {
	if r.version >= verCustomerAccount {
		o.CustomerAccount = r.optStr()
	}
	if r.version >= verProfessional {
		o.ProfessionalCustomer = r.optBool()
	}
	if r.version >= verRFQ && r.version < verUndoRFQ {
		r.str()
		r.optInt()
	}
	if r.version >= verIncludeOvernight {
		o.IncludeOvernight = r.optBool()
	}
	if r.version >= verCMETagging {
		o.ManualOrderIndicator = r.optInt()
	}
	if r.version >= verImbalanceOnly {
		o.ImbalanceOnly = r.optBool()
	}
}

func (r *textReader) orderCombo(c *protobuf.Contract, o *protobuf.Order) {
	for range r.count() {
		c.ComboLegs = append(c.ComboLegs, &protobuf.ComboLeg{
			ConId: r.optInt(), Ratio: r.optInt(), Action: r.optStr(), Exchange: r.optStr(), OpenClose: r.optInt(),
			ShortSalesSlot: r.optInt(), DesignatedLocation: r.optStr(), ExemptCode: r.optInt(),
		})
	}
	for i := range r.count() {
		price := r.optFloat()
		if i < len(c.ComboLegs) {
			c.ComboLegs[i].PerLegPrice = price
		}
	}
	o.SmartComboRoutingParams = r.tagPairs()
}

// tagPairs reads a count and that many tag and value fields.
func (r *textReader) tagPairs() map[string]string {
	n := r.count()
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		tag := r.str()
		m[tag] = r.str()
	}
	return m
}

func (r *textReader) orderVolatility(o *protobuf.Order) {
	o.Volatility, o.VolatilityType = r.optFloat(), r.optInt()
	o.DeltaNeutralOrderType, o.DeltaNeutralAuxPrice = r.optStr(), r.optFloat()
	if o.DeltaNeutralOrderType != nil {
		o.DeltaNeutralConId = r.optInt()
		o.DeltaNeutralSettlingFirm, o.DeltaNeutralClearingAccount, o.DeltaNeutralClearingIntent = r.optStr(),
			r.optStr(), r.optStr()
		o.DeltaNeutralOpenClose, o.DeltaNeutralShortSale = r.optStr(), r.optBool()
		o.DeltaNeutralShortSaleSlot, o.DeltaNeutralDesignatedLocation = r.optInt(), r.optStr()
	}
	o.ContinuousUpdate, o.ReferencePriceType = r.optBool(), r.optInt()
}

func (r *textReader) orderScale(o *protobuf.Order) {
	o.ScaleInitLevelSize, o.ScaleSubsLevelSize, o.ScalePriceIncrement = r.optInt(), r.optInt(), r.optFloat()
	if o.GetScalePriceIncrement() > 0 {
		o.ScalePriceAdjustValue, o.ScalePriceAdjustInterval, o.ScaleProfitOffset = r.optFloat(), r.optInt(),
			r.optFloat()
		o.ScaleAutoReset, o.ScaleInitPosition = r.optBool(), r.optInt()
		o.ScaleInitFillQty, o.ScaleRandomPercent = r.optInt(), r.optBool()
	}
	o.ScaleTable, o.ActiveStartTime, o.ActiveStopTime = r.optStr(), r.optStr(), r.optStr()
}

// orderConditions reads the conditions in the order of IBKR's own clients: connector, comparison, value, contract.
func (r *textReader) orderConditions(o *protobuf.Order) {
	n := r.count()
	for range n {
		c := &protobuf.OrderCondition{Type: proto.Int32(r.int32())}
		switch s := r.str(); s {
		case "a", "o":
			c.IsConjunctionConnection = proto.Bool(s == "a")
		default:
			r.fail("field %d: condition connector %.10q", r.pos, s)
		}
		if c.GetType() != condExecution {
			c.IsMore = proto.Bool(r.bool())
		}
		switch c.GetType() {
		case condPrice:
			c.Price, c.ConId, c.Exchange, c.TriggerMethod = r.optFloat(), r.optInt(), r.optStr(), r.optInt()
		case condTime:
			c.Time = r.optStr()
		case condMargin:
			c.Percent = r.optInt()
		case condExecution:
			c.SecType, c.Exchange, c.Symbol = r.optStr(), r.optStr(), r.optStr()
		case condVolume:
			c.Volume, c.ConId, c.Exchange = r.optInt(), r.optInt(), r.optStr()
		case condPercentChange:
			c.ChangePercent, c.ConId, c.Exchange = r.optFloat(), r.optInt(), r.optStr()
		default:
			r.fail("condition type %d", c.GetType())
		}
		if r.err != nil {
			return
		}
		o.Conditions = append(o.Conditions, c)
	}
	if n > 0 {
		o.ConditionsIgnoreRth, o.ConditionsCancelOrder = r.optBool(), r.optBool()
	}
}

func (r *textReader) orderPegBest(c *protobuf.Contract, o *protobuf.Order) {
	if c.GetExchange() == "IBKRATS" {
		o.MinTradeQty = r.optInt()
	}
	offsets := o.GetOrderType() == "PEG MID"
	if o.GetOrderType() == "PEG BEST" {
		o.MinCompeteSize, o.CompeteAgainstBestOffset = r.optInt(), r.optFloat()
		offsets = o.CompeteAgainstBestOffset == nil // "up to mid", sent as infinity
	}
	if offsets {
		o.MidOffsetAtWhole, o.MidOffsetAtHalf = r.optFloat(), r.optFloat()
	}
}
