package sim

import (
	"maps"
	"slices"
	"strconv"

	"github.com/scmhub/ibapi/protobuf"
)

// openOrder writes the text form of an open order: some 136 fields whose presence depends on the version.
func (t *textWriter) openOrder(m *protobuf.OpenOrder) {
	c, o, s := m.GetContract(), m.GetOrder(), m.GetOrderState()
	t.int(int64(m.GetOrderId()))
	t.contract(c)
	t.orderHead(o)
	t.int(int64(o.GetClientId()))
	t.int(o.GetPermId())
	t.bool(o.GetOutsideRth())
	t.bool(o.GetHidden())
	t.float(o.GetDiscretionaryAmt())
	t.str(o.GetGoodAfterTime())
	t.str("") // shares allocation, no longer used
	t.orderAdvisor(o)
	t.shortSale(o)
	t.int(0) // auction strategy
	t.orderBox(o)
	t.bool(o.GetBlockOrder())
	t.bool(o.GetSweepToFill())
	t.bool(o.GetAllOrNone())
	t.optInt(o.MinQty)
	t.int(int64(o.GetOcaType()))
	t.bool(false) // eTradeOnly, no longer used
	t.bool(false) // firmQuoteOnly, no longer used
	t.str("")     // nbboPriceCap, no longer used
	t.int(int64(o.GetParentId()))
	t.int(int64(o.GetTriggerMethod()))
	t.volatility(o, true)
	t.optFloat(o.TrailStopPrice)
	t.optFloat(o.TrailingPercent)
	t.str("") // basisPoints
	t.str("") // basisPointsType
	t.comboLegs(c)
	t.tagValues(o.GetSmartComboRoutingParams())
	t.scale(o)
	t.hedge(o)
	t.bool(o.GetOptOutSmartRouting())
	t.strs(o.GetClearingAccount(), o.GetClearingIntent())
	t.bool(o.GetNotHeld())
	t.deltaNeutral(c)
	t.algo(o)
	t.bool(o.GetSolicited())
	t.whatIf(o, s)
	t.bool(o.GetRandomizeSize())
	t.bool(o.GetRandomizePrice())
	t.peggedToBenchmark(o)
	t.conditions(o)
	t.str(o.GetAdjustedOrderType())
	t.optFloat(o.TriggerPrice)
	t.optFloat(o.TrailStopPrice)
	t.optFloat(o.LmtPriceOffset)
	t.optFloat(o.AdjustedStopPrice)
	t.optFloat(o.AdjustedStopLimitPrice)
	t.optFloat(o.AdjustedTrailingAmount)
	t.int(int64(o.GetAdjustableTrailingUnit()))
	tier := o.GetSoftDollarTier()
	t.strs(tier.GetName(), tier.GetValue(), tier.GetDisplayName())
	t.optFloat(o.CashQty)
	t.bool(o.GetDontUseAutoPriceForHedge())
	t.bool(o.GetIsOmsContainer())
	t.bool(o.GetDiscretionaryUpToLimitPrice())
	t.optInt(o.UsePriceMgmtAlgo)
	t.optInt(o.Duration)
	t.optInt(o.PostToAts)
	t.bool(o.GetAutoCancelParent())
	t.pegBest(o)
	if t.version >= verCustomerAccount {
		t.str(o.GetCustomerAccount())
	}
	if t.version >= verProfessional {
		t.bool(o.GetProfessionalCustomer())
	}
	if t.version >= verBondAccrued {
		t.str(o.GetBondAccruedInterest())
	}
	if t.version >= verIncludeOvernight {
		t.bool(o.GetIncludeOvernight())
	}
	if t.version >= verCMETaggingOpen {
		t.str(o.GetExtOperator())
		t.optInt(o.ManualOrderIndicator)
	}
	if t.version >= verSubmitter {
		t.str(o.GetSubmitter())
	}
	if t.version >= verImbalanceOnly {
		t.bool(o.GetImbalanceOnly())
	}
}

// completedOrder writes the text form of a completed order, close to an open order's but not the same.
func (t *textWriter) completedOrder(m *protobuf.CompletedOrder) {
	c, o, s := m.GetContract(), m.GetOrder(), m.GetOrderState()
	t.contract(c)
	t.orderHead(o)
	t.int(o.GetPermId())
	t.bool(o.GetOutsideRth())
	t.bool(o.GetHidden())
	t.float(o.GetDiscretionaryAmt())
	t.str(o.GetGoodAfterTime())
	t.orderAdvisor(o)
	t.shortSale(o)
	t.orderBox(o)
	t.bool(o.GetSweepToFill())
	t.bool(o.GetAllOrNone())
	t.optInt(o.MinQty)
	t.int(int64(o.GetOcaType()))
	t.int(int64(o.GetTriggerMethod()))
	t.volatility(o, false)
	t.optFloat(o.TrailStopPrice)
	t.optFloat(o.TrailingPercent)
	t.comboLegs(c)
	t.tagValues(o.GetSmartComboRoutingParams())
	t.scale(o)
	t.hedge(o)
	t.strs(o.GetClearingAccount(), o.GetClearingIntent())
	t.bool(o.GetNotHeld())
	t.deltaNeutral(c)
	t.algo(o)
	t.bool(o.GetSolicited())
	t.str(s.GetStatus())
	t.bool(o.GetRandomizeSize())
	t.bool(o.GetRandomizePrice())
	t.peggedToBenchmark(o)
	t.conditions(o)
	t.optFloat(o.TrailStopPrice)
	t.optFloat(o.LmtPriceOffset)
	t.optFloat(o.CashQty)
	t.bool(o.GetDontUseAutoPriceForHedge())
	t.bool(o.GetIsOmsContainer())
	t.strs(o.GetAutoCancelDate(), o.GetFilledQuantity())
	t.int(int64(o.GetRefFuturesConId()))
	t.bool(o.GetAutoCancelParent())
	t.str(o.GetShareholder())
	t.bool(o.GetImbalanceOnly())
	t.bool(o.GetRouteMarketableToBbo() == 1)
	t.int(o.GetParentPermId())
	t.strs(s.GetCompletedTime(), s.GetCompletedStatus())
	t.pegBest(o)
	if t.version >= verCustomerAccount {
		t.str(o.GetCustomerAccount())
	}
	if t.version >= verProfessional {
		t.bool(o.GetProfessionalCustomer())
	}
	if t.version >= verSubmitter {
		t.str(o.GetSubmitter())
	}
}

func (t *textWriter) orderHead(o *protobuf.Order) {
	t.strs(o.GetAction(), o.GetTotalQuantity(), o.GetOrderType())
	t.optFloat(o.LmtPrice)
	t.optFloat(o.AuxPrice)
	t.strs(o.GetTif(), o.GetOcaGroup(), o.GetAccount(), o.GetOpenClose())
	t.int(int64(o.GetOrigin()))
	t.str(o.GetOrderRef())
}

func (t *textWriter) orderAdvisor(o *protobuf.Order) {
	t.strs(o.GetFaGroup(), o.GetFaMethod(), o.GetFaPercentage())
	if t.version < verNoFAProfile {
		t.str("") // faProfile
	}
	t.strs(o.GetModelCode(), o.GetGoodTillDate(), o.GetRule80A())
	t.optFloat(o.PercentOffset)
	t.str(o.GetSettlingFirm())
}

func (t *textWriter) shortSale(o *protobuf.Order) {
	t.int(int64(o.GetShortSaleSlot()))
	t.str(o.GetDesignatedLocation())
	if o.ExemptCode == nil {
		t.int(-1)
	} else {
		t.int(int64(o.GetExemptCode()))
	}
}

func (t *textWriter) orderBox(o *protobuf.Order) {
	t.optFloat(o.StartingPrice)
	t.optFloat(o.StockRefPrice)
	t.optFloat(o.Delta)
	t.optFloat(o.StockRangeLower)
	t.optFloat(o.StockRangeUpper)
	t.optInt(o.DisplaySize)
}

func (t *textWriter) volatility(o *protobuf.Order, open bool) {
	t.optFloat(o.Volatility)
	t.int(int64(o.GetVolatilityType()))
	t.str(o.GetDeltaNeutralOrderType())
	t.optFloat(o.DeltaNeutralAuxPrice)
	if o.GetDeltaNeutralOrderType() != "" {
		t.int(int64(o.GetDeltaNeutralConId()))
		if open {
			t.strs(o.GetDeltaNeutralSettlingFirm(), o.GetDeltaNeutralClearingAccount(),
				o.GetDeltaNeutralClearingIntent(), o.GetDeltaNeutralOpenClose())
		}
		t.bool(o.GetDeltaNeutralShortSale())
		t.int(int64(o.GetDeltaNeutralShortSaleSlot()))
		t.str(o.GetDeltaNeutralDesignatedLocation())
	}
	t.bool(o.GetContinuousUpdate())
	t.int(int64(o.GetReferencePriceType()))
}

func (t *textWriter) comboLegs(c *protobuf.Contract) {
	t.str(c.GetComboLegsDescrip())
	t.int(int64(len(c.GetComboLegs())))
	prices := 0
	for _, leg := range c.GetComboLegs() {
		t.int(int64(leg.GetConId()))
		t.int(int64(leg.GetRatio()))
		t.strs(leg.GetAction(), leg.GetExchange())
		t.int(int64(leg.GetOpenClose()))
		t.int(int64(leg.GetShortSalesSlot()))
		t.str(leg.GetDesignatedLocation())
		t.int(int64(leg.GetExemptCode()))
		if leg.PerLegPrice != nil {
			prices++
		}
	}
	if prices == 0 {
		t.int(0)
		return
	}
	t.int(int64(len(c.GetComboLegs())))
	for _, leg := range c.GetComboLegs() {
		t.optFloat(leg.PerLegPrice)
	}
}

func (t *textWriter) tagValues(tags map[string]string) {
	t.int(int64(len(tags)))
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		t.strs(tag, tags[tag])
	}
}

func (t *textWriter) scale(o *protobuf.Order) {
	t.optInt(o.ScaleInitLevelSize)
	t.optInt(o.ScaleSubsLevelSize)
	t.optFloat(o.ScalePriceIncrement)
	if o.GetScalePriceIncrement() > 0 {
		t.optFloat(o.ScalePriceAdjustValue)
		t.optInt(o.ScalePriceAdjustInterval)
		t.optFloat(o.ScaleProfitOffset)
		t.bool(o.GetScaleAutoReset())
		t.optInt(o.ScaleInitPosition)
		t.optInt(o.ScaleInitFillQty)
		t.bool(o.GetScaleRandomPercent())
	}
}

func (t *textWriter) hedge(o *protobuf.Order) {
	t.str(o.GetHedgeType())
	if o.GetHedgeType() != "" {
		t.str(o.GetHedgeParam())
	}
}

func (t *textWriter) deltaNeutral(c *protobuf.Contract) {
	d := c.GetDeltaNeutralContract()
	t.bool(d != nil)
	if d != nil {
		t.int(int64(d.GetConId()))
		t.float(d.GetDelta())
		t.float(d.GetPrice())
	}
}

func (t *textWriter) algo(o *protobuf.Order) {
	t.str(o.GetAlgoStrategy())
	if o.GetAlgoStrategy() != "" {
		t.tagValues(o.GetAlgoParams())
	}
}

func (t *textWriter) whatIf(o *protobuf.Order, s *protobuf.OrderState) {
	t.bool(o.GetWhatIf())
	t.str(s.GetStatus())
	for _, margin := range []*float64{
		s.InitMarginBefore, s.MaintMarginBefore, s.EquityWithLoanBefore,
		s.InitMarginChange, s.MaintMarginChange, s.EquityWithLoanChange,
		s.InitMarginAfter, s.MaintMarginAfter, s.EquityWithLoanAfter,
	} {
		if margin == nil {
			t.str(unsetDouble)
		} else {
			t.str(strconv.FormatFloat(*margin, 'f', -1, 64))
		}
	}
	t.optFloat(s.CommissionAndFees)
	t.optFloat(s.MinCommissionAndFees)
	t.optFloat(s.MaxCommissionAndFees)
	t.str(s.GetCommissionAndFeesCurrency())
	if t.version >= verOrderPreview {
		t.str(s.GetMarginCurrency())
		for _, f := range []*float64{
			s.InitMarginBeforeOutsideRTH, s.MaintMarginBeforeOutsideRTH, s.EquityWithLoanBeforeOutsideRTH,
			s.InitMarginChangeOutsideRTH, s.MaintMarginChangeOutsideRTH, s.EquityWithLoanChangeOutsideRTH,
			s.InitMarginAfterOutsideRTH, s.MaintMarginAfterOutsideRTH, s.EquityWithLoanAfterOutsideRTH,
		} {
			t.optFloat(f)
		}
		t.strs(s.GetSuggestedSize(), s.GetRejectReason())
		t.int(0) // order allocations: the simulated gateway has no advisor accounts
	}
	t.str(s.GetWarningText())
}

func (t *textWriter) peggedToBenchmark(o *protobuf.Order) {
	if o.GetOrderType() != "PEG BENCH" {
		return
	}
	t.int(int64(o.GetReferenceContractId()))
	t.bool(o.GetIsPeggedChangeAmountDecrease())
	t.float(o.GetPeggedChangeAmount())
	t.float(o.GetReferenceChangeAmount())
	t.str(o.GetReferenceExchangeId())
}

func (t *textWriter) conditions(o *protobuf.Order) {
	t.int(int64(len(o.GetConditions())))
	for _, c := range o.GetConditions() {
		t.int(int64(c.GetType()))
		if c.GetIsConjunctionConnection() {
			t.str("a")
		} else {
			t.str("o")
		}
		if c.GetType() != condExecution {
			t.bool(c.GetIsMore())
		}
		switch c.GetType() {
		case condPrice:
			t.float(c.GetPrice())
			t.int(int64(c.GetConId()))
			t.str(c.GetExchange())
			t.int(int64(c.GetTriggerMethod()))
		case condTime:
			t.str(c.GetTime())
		case condMargin:
			t.int(int64(c.GetPercent()))
		case condExecution:
			t.strs(c.GetSecType(), c.GetExchange(), c.GetSymbol())
		case condVolume:
			t.int(int64(c.GetVolume()))
			t.int(int64(c.GetConId()))
			t.str(c.GetExchange())
		case condPercentChange:
			t.float(c.GetChangePercent())
			t.int(int64(c.GetConId()))
			t.str(c.GetExchange())
		}
	}
	if len(o.GetConditions()) > 0 {
		t.bool(o.GetConditionsIgnoreRth())
		t.bool(o.GetConditionsCancelOrder())
	}
}

// pegBest writes the PEG BEST / PEG MID attributes.
func (t *textWriter) pegBest(o *protobuf.Order) {
	t.optInt(o.MinTradeQty)
	t.optInt(o.MinCompeteSize)
	t.optFloat(o.CompeteAgainstBestOffset)
	t.optFloat(o.MidOffsetAtWhole)
	t.optFloat(o.MidOffsetAtHalf)
}
