package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// history is bars, ticks and sessions of the past, and the bars and ticks that follow.
var history = subject{
	requests: map[int]*requestKind{
		20: requestAs("reqHistoricalData", verProtoHistory, formOf(historicalDataRequestText),
			(*Gateway).historicalData),
		25: requestAs("cancelHistoricalData", verProtoHistory, inOrder(1), cancelHistoricalData),
		50: requestAs("reqRealTimeBars", verProtoHistory, inOrder(3), (*Gateway).realTimeBars),
		51: requestAs("cancelRealTimeBars", verProtoHistory, inOrder(1),
			accepted(func(c *conn, m *protobuf.CancelRealTimeBars) { c.unfollow("bars", m.GetReqId()) })),
		87: requestAs("reqHeadTimestamp", verProtoHistory, formOf(func(f *form, m *protobuf.HeadTimestampRequest) {
			f.dated(&m.ReqId, &m.Contract)
			f.all(&m.UseRTH, &m.WhatToShow, &m.FormatDate)
		}), (*Gateway).headTimestamp),
		90: requestAs("cancelHeadTimestamp", verProtoHistory, inOrder(0), ignored[*protobuf.CancelHeadTimestamp]),
		88: requestAs("reqHistogramData", verProtoHistory, formOf(func(f *form, m *protobuf.HistogramDataRequest) {
			f.dated(&m.ReqId, &m.Contract)
			f.all(&m.UseRTH, &m.TimePeriod)
		}), (*Gateway).histogram),
		89: requestAs("cancelHistogramData", verProtoHistory, inOrder(0), ignored[*protobuf.CancelHistogramData]),
		96: requestAs("reqHistoricalTicks", verProtoHistory, formOf(func(f *form, m *protobuf.HistoricalTicksRequest) {
			f.dated(&m.ReqId, &m.Contract)
			f.all(&m.StartDateTime, &m.EndDateTime, &m.NumberOfTicks,
				&m.WhatToShow, &m.UseRTH, &m.IgnoreSize, &m.MiscOptions)
		}), (*Gateway).historicalTicks),
		97: requestAs("reqTickByTickData", verProtoHistory, inOrder(0), (*Gateway).tickByTick),
		98: requestAs("cancelTickByTickData", verProtoHistory, inOrder(0),
			accepted(func(c *conn, m *protobuf.CancelTickByTick) { c.unfollow("ticks", m.GetReqId()) })),
		107: requestAs("cancelHistoricalTicks", 0, nil,
			ignored[*protobuf.CancelHistoricalTicks]).from(verCancelContract),
	},
	replies: map[protoreflect.Name]reply{
		"HistoricalData":        {17, verProtoHistory, formOf(historicalDataText)},
		"HistoricalDataEnd":     {108, verProtoHistory, inOrder(0)},
		"HistoricalDataUpdate":  {90, verProtoHistory, formOf(historicalDataUpdateText)},
		"HistoricalSchedule":    {106, verProtoHistory, inOrder(0)},
		"HeadTimestamp":         {88, verProtoHistory, inOrder(0)},
		"HistogramData":         {89, verProtoHistory, inOrder(0)},
		"RealTimeBarTick":       {50, verProtoHistory, inOrder(3)},
		"HistoricalTicks":       {96, verProtoHistory, formOf(historicalTicksText)},
		"HistoricalTicksBidAsk": {97, verProtoHistory, formOf(historicalTicksBidAskText)},
		"HistoricalTicksLast":   {98, verProtoHistory, formOf(historicalTicksLastText)},
		"TickByTickData":        {99, verProtoHistory, formOf(tickByTickText)},
	},
}

// barsReply is bars with the times that only their old text form carries; later these are a message of their own.
type barsReply struct {
	*protobuf.HistoricalData
	end *protobuf.HistoricalDataEnd
}

// dated is what requests begin with whose contract may have expired.
func (f *form) dated(id **int32, contract **protobuf.Contract) {
	f.id(id)
	c := part(f, contract)
	f.contract(c)
	f.all(&c.IncludeExpired)
}

func historicalDataRequestText(f *form, m *protobuf.HistoricalDataRequest) {
	f.dated(&m.ReqId, &m.Contract)
	f.all(&m.EndDateTime, &m.BarSizeSetting, &m.Duration, &m.UseRTH, &m.WhatToShow, &m.FormatDate)
	if m.Contract.GetSecType() == "BAG" {
		f.requestLegs(m.Contract)
	}
	f.all(&m.KeepUpToDate, &m.ChartOptions)
}

func historicalDataText(f *form, m barsReply) {
	f.all(&m.ReqId)
	if f.version < verHistoryEnd {
		f.all(&m.end.StartDateStr, &m.end.EndDateStr)
	}
	f.all(&m.HistoricalDataBars)
}

func historicalDataUpdateText(f *form, m *protobuf.HistoricalDataUpdate) {
	b := part(f, &m.HistoricalDataBar)
	f.all(&m.ReqId, &b.BarCount, &b.Date, &b.Open, &b.Close, &b.High, &b.Low, &b.WAP, &b.Volume)
}

func historicalTicksText(f *form, m *protobuf.HistoricalTicks) {
	f.all(&m.ReqId)
	each(f, &m.HistoricalTicks, func(t *protobuf.HistoricalTick) {
		f.all(&t.Time)
		f.fixed(noAttributes)
		f.all(&t.Price, &t.Size)
	})
	f.all(&m.IsDone)
}

func historicalTicksBidAskText(f *form, m *protobuf.HistoricalTicksBidAsk) {
	f.all(&m.ReqId)
	each(f, &m.HistoricalTicksBidAsk, func(t *protobuf.HistoricalTickBidAsk) {
		f.all(&t.Time)
		f.fixed(noAttributes)
		f.all(&t.PriceBid, &t.PriceAsk, &t.SizeBid, &t.SizeAsk)
	})
	f.all(&m.IsDone)
}

func historicalTicksLastText(f *form, m *protobuf.HistoricalTicksLast) {
	f.all(&m.ReqId)
	each(f, &m.HistoricalTicksLast, func(t *protobuf.HistoricalTickLast) {
		f.all(&t.Time)
		f.fixed(noAttributes)
		f.all(&t.Price, &t.Size, &t.Exchange, &t.SpecialConditions)
	})
	f.all(&m.IsDone)
}

// noAttributes is the mask of a tick without attributes, as all simulated ones are.
const noAttributes = "0"

func tickByTickText(f *form, m *protobuf.TickByTickData) {
	f.all(&m.ReqId, &m.TickType)
	switch tick := m.GetTick().(type) {
	case *protobuf.TickByTickData_HistoricalTickLast:
		t := tick.HistoricalTickLast
		f.all(&t.Time, &t.Price, &t.Size)
		f.fixed(noAttributes)
		f.all(&t.Exchange, &t.SpecialConditions)
	case *protobuf.TickByTickData_HistoricalTickBidAsk:
		t := tick.HistoricalTickBidAsk
		f.all(&t.Time, &t.PriceBid, &t.PriceAsk, &t.SizeBid, &t.SizeAsk)
		f.fixed(noAttributes)
	case *protobuf.TickByTickData_HistoricalTickMidPoint:
		f.all(&tick.HistoricalTickMidPoint.Time, &tick.HistoricalTickMidPoint.Price)
	}
}
