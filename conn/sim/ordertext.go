package sim

import "github.com/scmhub/ibapi/protobuf"

// Order condition types.
const (
	condPrice         = 1
	condTime          = 3
	condMargin        = 4
	condExecution     = 5
	condVolume        = 6
	condPercentChange = 7
)

// placeOrderText is an order as a client sends it, in versions 176 to 202.
func placeOrderText(f *form, m *protobuf.PlaceOrderRequest) {
	f.id(&m.OrderId)
	c, o := part(f, &m.Contract), part(f, &m.Order)
	f.contract(c)
	f.all(&c.SecIdType, &c.SecId)
	f.orderHead(o)
	f.flag(&o.Transmit)
	f.all(&o.ParentId, &o.BlockOrder, &o.SweepToFill, &o.DisplaySize, &o.TriggerMethod, &o.OutsideRth, &o.Hidden)
	if c.GetSecType() == "BAG" {
		f.comboLegs(c)
		f.tags(&o.SmartComboRoutingParams)
	}
	f.fixed("") // shares allocation
	f.all(&o.DiscretionaryAmt, &o.GoodAfterTime, &o.GoodTillDate, &o.FaGroup, &o.FaMethod, &o.FaPercentage)
	if f.version < verNoFAProfile {
		f.fixed("")
	}
	f.all(&o.ModelCode)
	f.shortSale(o)
	f.all(&o.OcaType, &o.Rule80A, &o.SettlingFirm, &o.AllOrNone, &o.MinQty, &o.PercentOffset)
	f.fixed("0", "0", "", "0") // eTradeOnly, firmQuoteOnly, nbboPriceCap, auction strategy
	f.orderBox(o)
	f.all(&o.OverridePercentageConstraints)
	f.volatility(o, true)
	f.all(&o.TrailStopPrice, &o.TrailingPercent)
	f.scale(o)
	f.all(&o.ScaleTable, &o.ActiveStartTime, &o.ActiveStopTime)
	f.hedge(o)
	f.all(&o.OptOutSmartRouting, &o.ClearingAccount, &o.ClearingIntent, &o.NotHeld)
	f.deltaNeutral(c)
	f.algo(o)
	f.all(&o.AlgoId, &o.WhatIf, &o.OrderMiscOptions, &o.Solicited, &o.RandomizeSize, &o.RandomizePrice)
	f.peggedToBenchmark(o)
	f.conditions(o)
	f.all(&o.AdjustedOrderType, &o.TriggerPrice, &o.LmtPriceOffset, &o.AdjustedStopPrice, &o.AdjustedStopLimitPrice,
		&o.AdjustedTrailingAmount, &o.AdjustableTrailingUnit, &o.ExtOperator)
	tier := part(f, &o.SoftDollarTier)
	if f.all(&tier.Name, &tier.Value); tier.Name == nil && tier.Value == nil {
		o.SoftDollarTier = nil
	}
	f.all(&o.CashQty, &o.Mifid2DecisionMaker, &o.Mifid2DecisionAlgo, &o.Mifid2ExecutionTrader, &o.Mifid2ExecutionAlgo,
		&o.DontUseAutoPriceForHedge, &o.IsOmsContainer, &o.DiscretionaryUpToLimitPrice, &o.UsePriceMgmtAlgo,
		&o.Duration, &o.PostToAts, &o.AutoCancelParent, &o.AdvancedErrorOverride, &o.ManualOrderTime)
	if c.GetExchange() == "IBKRATS" {
		f.all(&o.MinTradeQty)
	}
	offsets := o.GetOrderType() == "PEG MID"
	if o.GetOrderType() == "PEG BEST" {
		f.all(&o.MinCompeteSize, &o.CompeteAgainstBestOffset)
		offsets = o.CompeteAgainstBestOffset == nil // "up to mid", sent as infinity
	}
	if offsets {
		f.all(&o.MidOffsetAtWhole, &o.MidOffsetAtHalf)
	}
	f.customer(o)
	if f.version >= verRFQ && f.version < verUndoRFQ {
		f.fixed("", "")
	}
	f.since(verIncludeOvernight, &o.IncludeOvernight)
	f.since(verCMETagging, &o.ManualOrderIndicator)
	f.since(verImbalanceOnly, &o.ImbalanceOnly)
}

// since are fields that a version adds.
func (f *form) since(version int, fields ...any) {
	if f.version >= version {
		f.opt(fields...)
	}
}

// openOrderText is an open order: some 136 fields whose presence depends on the version.
func openOrderText(f *form, m *protobuf.OpenOrder) {
	c, o, s := part(f, &m.Contract), part(f, &m.Order), part(f, &m.OrderState)
	f.all(&m.OrderId)
	f.contract(c)
	f.orderHead(o)
	f.all(&o.ClientId, &o.PermId, &o.OutsideRth, &o.Hidden, &o.DiscretionaryAmt, &o.GoodAfterTime)
	f.fixed("") // shares allocation
	f.orderAdvisor(o)
	f.shortSale(o)
	f.fixed("0") // auction strategy
	f.orderBox(o)
	f.opt(&o.DisplaySize)
	f.all(&o.BlockOrder, &o.SweepToFill, &o.AllOrNone)
	f.opt(&o.MinQty)
	f.all(&o.OcaType)
	f.fixed("0", "0", "") // eTradeOnly, firmQuoteOnly, nbboPriceCap
	f.all(&o.ParentId, &o.TriggerMethod)
	f.volatility(o, true)
	f.opt(&o.TrailStopPrice, &o.TrailingPercent)
	f.fixed("", "") // basisPoints and their type
	f.all(&c.ComboLegsDescrip)
	f.comboLegs(c)
	f.tags(&o.SmartComboRoutingParams)
	f.scale(o)
	f.hedge(o)
	f.all(&o.OptOutSmartRouting, &o.ClearingAccount, &o.ClearingIntent, &o.NotHeld)
	f.deltaNeutral(c)
	f.algo(o)
	f.all(&o.Solicited)
	f.whatIf(o, s)
	f.all(&o.RandomizeSize, &o.RandomizePrice)
	f.peggedToBenchmark(o)
	f.conditions(o)
	f.opt(&o.AdjustedOrderType, &o.TriggerPrice, &o.TrailStopPrice, &o.LmtPriceOffset, &o.AdjustedStopPrice,
		&o.AdjustedStopLimitPrice, &o.AdjustedTrailingAmount)
	f.all(&o.AdjustableTrailingUnit)
	tier := part(f, &o.SoftDollarTier)
	f.all(&tier.Name, &tier.Value, &tier.DisplayName)
	f.opt(&o.CashQty)
	f.all(&o.DontUseAutoPriceForHedge, &o.IsOmsContainer, &o.DiscretionaryUpToLimitPrice)
	f.opt(&o.UsePriceMgmtAlgo, &o.Duration, &o.PostToAts)
	f.all(&o.AutoCancelParent)
	f.pegBest(o)
	f.customer(o)
	f.since(verBondAccrued, &o.BondAccruedInterest)
	f.since(verIncludeOvernight, &o.IncludeOvernight)
	f.since(verCMETaggingOpen, &o.ExtOperator, &o.ManualOrderIndicator)
	f.since(verSubmitter, &o.Submitter)
	f.since(verImbalanceOnly, &o.ImbalanceOnly)
}

// completedOrderText is a completed order, close to an open order but not the same.
func completedOrderText(f *form, m *protobuf.CompletedOrder) {
	c, o, s := part(f, &m.Contract), part(f, &m.Order), part(f, &m.OrderState)
	f.contract(c)
	f.orderHead(o)
	f.all(&o.PermId, &o.OutsideRth, &o.Hidden, &o.DiscretionaryAmt, &o.GoodAfterTime)
	f.orderAdvisor(o)
	f.shortSale(o)
	f.orderBox(o)
	f.opt(&o.DisplaySize)
	f.all(&o.SweepToFill, &o.AllOrNone)
	f.opt(&o.MinQty)
	f.all(&o.OcaType, &o.TriggerMethod)
	f.volatility(o, false)
	f.opt(&o.TrailStopPrice, &o.TrailingPercent)
	f.all(&c.ComboLegsDescrip)
	f.comboLegs(c)
	f.tags(&o.SmartComboRoutingParams)
	f.scale(o)
	f.hedge(o)
	f.all(&o.ClearingAccount, &o.ClearingIntent, &o.NotHeld)
	f.deltaNeutral(c)
	f.algo(o)
	f.all(&o.Solicited, &s.Status, &o.RandomizeSize, &o.RandomizePrice)
	f.peggedToBenchmark(o)
	f.conditions(o)
	f.opt(&o.TrailStopPrice, &o.LmtPriceOffset, &o.CashQty)
	f.all(&o.DontUseAutoPriceForHedge, &o.IsOmsContainer, &o.AutoCancelDate, &o.FilledQuantity, &o.RefFuturesConId,
		&o.AutoCancelParent, &o.Shareholder, &o.ImbalanceOnly)
	f.bool(o.GetRouteMarketableToBbo() == 1)
	f.all(&o.ParentPermId, &s.CompletedTime, &s.CompletedStatus)
	f.pegBest(o)
	f.customer(o)
	f.since(verSubmitter, &o.Submitter)
}

func (f *form) orderHead(o *protobuf.Order) {
	f.all(&o.Action)
	f.quantity(&o.TotalQuantity)
	f.all(&o.OrderType)
	f.opt(&o.LmtPrice, &o.AuxPrice)
	f.all(&o.Tif, &o.OcaGroup, &o.Account, &o.OpenClose, &o.Origin, &o.OrderRef)
}

func (f *form) orderAdvisor(o *protobuf.Order) {
	f.all(&o.FaGroup, &o.FaMethod, &o.FaPercentage)
	if f.version < verNoFAProfile {
		f.fixed("")
	}
	f.all(&o.ModelCode, &o.GoodTillDate, &o.Rule80A)
	f.opt(&o.PercentOffset)
	f.all(&o.SettlingFirm)
}

func (f *form) shortSale(o *protobuf.Order) {
	f.all(&o.ShortSaleSlot, &o.DesignatedLocation)
	if f.in == nil && o.ExemptCode == nil {
		f.int(-1)
	} else {
		f.all(&o.ExemptCode)
	}
}

func (f *form) orderBox(o *protobuf.Order) {
	f.opt(&o.StartingPrice, &o.StockRefPrice, &o.Delta, &o.StockRangeLower, &o.StockRangeUpper)
}

func (f *form) volatility(o *protobuf.Order, clearing bool) {
	f.opt(&o.Volatility)
	f.all(&o.VolatilityType, &o.DeltaNeutralOrderType)
	f.opt(&o.DeltaNeutralAuxPrice)
	if o.GetDeltaNeutralOrderType() != "" {
		f.all(&o.DeltaNeutralConId)
		if clearing {
			f.all(&o.DeltaNeutralSettlingFirm, &o.DeltaNeutralClearingAccount, &o.DeltaNeutralClearingIntent,
				&o.DeltaNeutralOpenClose)
		}
		f.all(&o.DeltaNeutralShortSale, &o.DeltaNeutralShortSaleSlot, &o.DeltaNeutralDesignatedLocation)
	}
	f.all(&o.ContinuousUpdate, &o.ReferencePriceType)
}

// comboLegs are legs, and their prices if there are any.
func (f *form) comboLegs(c *protobuf.Contract) {
	prices := 0
	each(f, &c.ComboLegs, func(leg *protobuf.ComboLeg) {
		f.all(&leg.ConId, &leg.Ratio, &leg.Action, &leg.Exchange, &leg.OpenClose, &leg.ShortSalesSlot,
			&leg.DesignatedLocation, &leg.ExemptCode)
		if leg.PerLegPrice != nil {
			prices = len(c.ComboLegs)
		}
	})
	for i := range f.count(prices) {
		leg := &protobuf.ComboLeg{}
		if i < len(c.ComboLegs) {
			leg = c.ComboLegs[i]
		}
		f.opt(&leg.PerLegPrice)
	}
}

func (f *form) scale(o *protobuf.Order) {
	f.opt(&o.ScaleInitLevelSize, &o.ScaleSubsLevelSize, &o.ScalePriceIncrement)
	if o.GetScalePriceIncrement() > 0 {
		f.opt(&o.ScalePriceAdjustValue, &o.ScalePriceAdjustInterval, &o.ScaleProfitOffset)
		f.all(&o.ScaleAutoReset)
		f.opt(&o.ScaleInitPosition, &o.ScaleInitFillQty)
		f.all(&o.ScaleRandomPercent)
	}
}

func (f *form) hedge(o *protobuf.Order) {
	if f.all(&o.HedgeType); o.GetHedgeType() != "" {
		f.all(&o.HedgeParam)
	}
}

func (f *form) deltaNeutral(c *protobuf.Contract) {
	has := new(c.DeltaNeutralContract != nil)
	if f.all(&has); value(has) {
		d := part(f, &c.DeltaNeutralContract)
		f.all(&d.ConId, &d.Delta, &d.Price)
	}
}

func (f *form) algo(o *protobuf.Order) {
	if f.all(&o.AlgoStrategy); o.GetAlgoStrategy() != "" {
		f.tags(&o.AlgoParams)
	}
}

// unsetDouble is how a text session spells "no value" in a field that may not stay empty.
const unsetDouble = "1.7976931348623157E308"

// double writes a number that may be unset, but not empty.
func (f *form) double(fields ...*float64) {
	for _, v := range fields {
		if v == nil {
			f.str(unsetDouble)
		} else {
			f.float(*v)
		}
	}
}

func (f *form) whatIf(o *protobuf.Order, s *protobuf.OrderState) {
	f.all(&o.WhatIf, &s.Status)
	f.double(s.InitMarginBefore, s.MaintMarginBefore, s.EquityWithLoanBefore, s.InitMarginChange, s.MaintMarginChange,
		s.EquityWithLoanChange, s.InitMarginAfter, s.MaintMarginAfter, s.EquityWithLoanAfter)
	f.opt(&s.CommissionAndFees, &s.MinCommissionAndFees, &s.MaxCommissionAndFees, &s.CommissionAndFeesCurrency)
	f.since(verOrderPreview, &s.MarginCurrency,
		&s.InitMarginBeforeOutsideRTH, &s.MaintMarginBeforeOutsideRTH, &s.EquityWithLoanBeforeOutsideRTH,
		&s.InitMarginChangeOutsideRTH, &s.MaintMarginChangeOutsideRTH, &s.EquityWithLoanChangeOutsideRTH,
		&s.InitMarginAfterOutsideRTH, &s.MaintMarginAfterOutsideRTH, &s.EquityWithLoanAfterOutsideRTH,
		&s.SuggestedSize, &s.RejectReason)
	if f.version >= verOrderPreview {
		f.fixed("0") // order allocations: the simulated gateway has no advisor accounts
	}
	f.all(&s.WarningText)
}

func (f *form) peggedToBenchmark(o *protobuf.Order) {
	if o.GetOrderType() == "PEG BENCH" {
		f.all(&o.ReferenceContractId, &o.IsPeggedChangeAmountDecrease, &o.PeggedChangeAmount, &o.ReferenceChangeAmount,
			&o.ReferenceExchangeId)
	}
}

// conditions are in the order of IBKR's own clients: connector, comparison, value, contract.
func (f *form) conditions(o *protobuf.Order) {
	each(f, &o.Conditions, f.condition)
	if len(o.Conditions) > 0 {
		f.all(&o.ConditionsIgnoreRth, &o.ConditionsCancelOrder)
	}
}

func (f *form) condition(c *protobuf.OrderCondition) {
	f.all(&c.Type)
	connector := new("o")
	if c.GetIsConjunctionConnection() {
		connector = new("a")
	}
	f.all(&connector)
	if s := value(connector); s != "a" && s != "o" {
		f.in.fail("field %d: condition connector %.10q", f.in.pos, s)
	}
	if f.in != nil {
		c.IsConjunctionConnection = new(value(connector) == "a")
	}
	if c.GetType() != condExecution {
		f.flag(&c.IsMore)
	}
	switch c.GetType() {
	case condPrice:
		f.all(&c.Price, &c.ConId, &c.Exchange, &c.TriggerMethod)
	case condTime:
		f.all(&c.Time)
	case condMargin:
		f.all(&c.Percent)
	case condExecution:
		f.all(&c.SecType, &c.Exchange, &c.Symbol)
	case condVolume:
		f.all(&c.Volume, &c.ConId, &c.Exchange)
	case condPercentChange:
		f.all(&c.ChangePercent, &c.ConId, &c.Exchange)
	default:
		if f.in != nil {
			f.in.fail("condition type %d", c.GetType())
		}
	}
}

// customer is what versions 183 and 184 add.
func (f *form) customer(o *protobuf.Order) {
	f.since(verCustomerAccount, &o.CustomerAccount)
	f.since(verProfessional, &o.ProfessionalCustomer)
}

// pegBest are the attributes of PEG BEST and PEG MID.
func (f *form) pegBest(o *protobuf.Order) {
	f.opt(&o.MinTradeQty, &o.MinCompeteSize, &o.CompeteAgainstBestOffset, &o.MidOffsetAtWhole, &o.MidOffsetAtHalf)
}
