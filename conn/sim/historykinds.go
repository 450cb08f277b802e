package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// history is bars, ticks and sessions of the past, and the bars and ticks that follow.
var history = subject{
	requests: map[int]*requestKind{
		20: requestAs("reqHistoricalData", verProtoHistory, textHistoricalData, (*Gateway).historicalData),
		25: requestAs("cancelHistoricalData", verProtoHistory, func(r *textReader) *protobuf.CancelHistoricalData {
			r.messageVersion()
			return &protobuf.CancelHistoricalData{ReqId: r.requestID()}
		}, cancelHistoricalData),
		50: requestAs("reqRealTimeBars", verProtoHistory, func(r *textReader) *protobuf.RealTimeBarsRequest {
			r.messageVersion()
			return &protobuf.RealTimeBarsRequest{
				ReqId: r.requestID(), Contract: r.contract(), BarSize: r.optInt(), WhatToShow: r.optStr(),
				UseRTH:              r.optBool(),
				RealTimeBarsOptions: r.tagValues(),
			}
		}, (*Gateway).realTimeBars),
		51: requestAs("cancelRealTimeBars", verProtoHistory, func(r *textReader) *protobuf.CancelRealTimeBars {
			r.messageVersion()
			return &protobuf.CancelRealTimeBars{ReqId: r.requestID()}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.CancelRealTimeBars) *requestError {
			c.unfollow("bars", m.GetReqId())
			return nil
		}),
		87: requestAs("reqHeadTimestamp", verProtoHistory, func(r *textReader) *protobuf.HeadTimestampRequest {
			return &protobuf.HeadTimestampRequest{
				ReqId: r.requestID(), Contract: r.datedContract(), UseRTH: r.optBool(), WhatToShow: r.optStr(),
				FormatDate: r.optInt(),
			}
		}, (*Gateway).headTimestamp),
		90: requestAs("cancelHeadTimestamp", verProtoHistory, func(r *textReader) *protobuf.CancelHeadTimestamp {
			return &protobuf.CancelHeadTimestamp{ReqId: r.requestID()}
		}, ignored),
		88: requestAs("reqHistogramData", verProtoHistory, func(r *textReader) *protobuf.HistogramDataRequest {
			return &protobuf.HistogramDataRequest{
				ReqId: r.requestID(), Contract: r.datedContract(), UseRTH: r.optBool(), TimePeriod: r.optStr(),
			}
		}, (*Gateway).histogram),
		89: requestAs("cancelHistogramData", verProtoHistory, func(r *textReader) *protobuf.CancelHistogramData {
			return &protobuf.CancelHistogramData{ReqId: r.requestID()}
		}, ignored),
		96: requestAs("reqHistoricalTicks", verProtoHistory, func(r *textReader) *protobuf.HistoricalTicksRequest {
			return &protobuf.HistoricalTicksRequest{
				ReqId: r.requestID(), Contract: r.datedContract(), StartDateTime: r.optStr(), EndDateTime: r.optStr(),
				NumberOfTicks: r.optInt(), WhatToShow: r.optStr(), UseRTH: r.optBool(), IgnoreSize: r.optBool(),
				MiscOptions: r.tagValues(),
			}
		}, (*Gateway).historicalTicks),
		97: requestAs("reqTickByTickData", verProtoHistory, func(r *textReader) *protobuf.TickByTickRequest {
			return &protobuf.TickByTickRequest{
				ReqId: r.requestID(), Contract: r.contract(), TickType: r.optStr(), NumberOfTicks: r.optInt(),
				IgnoreSize: r.optBool(),
			}
		}, (*Gateway).tickByTick),
		98: requestAs("cancelTickByTickData", verProtoHistory, func(r *textReader) *protobuf.CancelTickByTick {
			return &protobuf.CancelTickByTick{ReqId: r.requestID()}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.CancelTickByTick) *requestError {
			c.unfollow("ticks", m.GetReqId())
			return nil
		}),
		107: {
			name: "cancelHistoricalTicks", minVersion: verCancelHistorTicks,
			message: newMessage[protobuf.CancelHistoricalTicks], text: protoOnly,
			answer: func(*Gateway, *conn, *request) *requestError { return nil },
		},
	},
	replies: map[protoreflect.Name]reply{
		"HistoricalData": replyAs(17, verProtoHistory, func(t *textWriter, m barsReply) {
			t.int(int64(m.GetReqId()))
			if t.version < verHistoryEnd {
				t.strs(m.end.GetStartDateStr(), m.end.GetEndDateStr())
			}
			t.int(int64(len(m.GetHistoricalDataBars())))
			for _, b := range m.GetHistoricalDataBars() {
				t.str(b.GetDate())
				t.floats(b.GetOpen(), b.GetHigh(), b.GetLow(), b.GetClose())
				t.strs(b.GetVolume(), b.GetWAP())
				t.int(int64(b.GetBarCount()))
			}
		}),
		"HistoricalDataEnd": replyAs(108, verProtoHistory, func(t *textWriter, m *protobuf.HistoricalDataEnd) {
			t.int(int64(m.GetReqId()))
			t.strs(m.GetStartDateStr(), m.GetEndDateStr())
		}),
		"HistoricalDataUpdate": replyAs(90, verProtoHistory, func(t *textWriter, m *protobuf.HistoricalDataUpdate) {
			b := m.GetHistoricalDataBar()
			t.int(int64(m.GetReqId()))
			t.int(int64(b.GetBarCount()))
			t.str(b.GetDate())
			t.floats(b.GetOpen(), b.GetClose(), b.GetHigh(), b.GetLow())
			t.strs(b.GetWAP(), b.GetVolume())
		}),
		"HistoricalSchedule": replyAs(106, verProtoHistory, func(t *textWriter, m *protobuf.HistoricalSchedule) {
			t.int(int64(m.GetReqId()))
			t.strs(m.GetStartDateTime(), m.GetEndDateTime(), m.GetTimeZone())
			t.int(int64(len(m.GetHistoricalSessions())))
			for _, s := range m.GetHistoricalSessions() {
				t.strs(s.GetStartDateTime(), s.GetEndDateTime(), s.GetRefDate())
			}
		}),
		"HeadTimestamp": replyAs(88, verProtoHistory, func(t *textWriter, m *protobuf.HeadTimestamp) {
			t.int(int64(m.GetReqId()))
			t.str(m.GetHeadTimestamp())
		}),
		"HistogramData": replyAs(89, verProtoHistory, func(t *textWriter, m *protobuf.HistogramData) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetHistogramDataEntries())))
			for _, e := range m.GetHistogramDataEntries() {
				t.float(e.GetPrice())
				t.str(e.GetSize())
			}
		}),
		"RealTimeBarTick": replyAs(50, verProtoHistory, func(t *textWriter, m *protobuf.RealTimeBarTick) {
			t.int(3)
			t.int(int64(m.GetReqId()))
			t.int(m.GetTime())
			t.floats(m.GetOpen(), m.GetHigh(), m.GetLow(), m.GetClose())
			t.strs(m.GetVolume(), m.GetWAP())
			t.int(int64(m.GetCount()))
		}),
		"HistoricalTicks": replyAs(96, verProtoHistory, func(t *textWriter, m *protobuf.HistoricalTicks) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetHistoricalTicks())))
			for _, tick := range m.GetHistoricalTicks() {
				t.int(tick.GetTime())
				t.int(0)
				t.float(tick.GetPrice())
				t.str(tick.GetSize())
			}
			t.bool(m.GetIsDone())
		}),
		"HistoricalTicksBidAsk": replyAs(97, verProtoHistory, func(t *textWriter, m *protobuf.HistoricalTicksBidAsk) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetHistoricalTicksBidAsk())))
			for _, tick := range m.GetHistoricalTicksBidAsk() {
				t.int(tick.GetTime())
				t.int(0)
				t.floats(tick.GetPriceBid(), tick.GetPriceAsk())
				t.strs(tick.GetSizeBid(), tick.GetSizeAsk())
			}
			t.bool(m.GetIsDone())
		}),
		"HistoricalTicksLast": replyAs(98, verProtoHistory, func(t *textWriter, m *protobuf.HistoricalTicksLast) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetHistoricalTicksLast())))
			for _, tick := range m.GetHistoricalTicksLast() {
				t.int(tick.GetTime())
				t.int(0)
				t.float(tick.GetPrice())
				t.strs(tick.GetSize(), tick.GetExchange(), tick.GetSpecialConditions())
			}
			t.bool(m.GetIsDone())
		}),
		"TickByTickData": replyAs(99, verProtoHistory, func(t *textWriter, m *protobuf.TickByTickData) {
			t.int(int64(m.GetReqId()))
			t.int(int64(m.GetTickType()))
			switch tick := m.GetTick().(type) {
			case *protobuf.TickByTickData_HistoricalTickLast:
				t.int(tick.HistoricalTickLast.GetTime())
				t.float(tick.HistoricalTickLast.GetPrice())
				t.str(tick.HistoricalTickLast.GetSize())
				t.int(0)
				t.strs(tick.HistoricalTickLast.GetExchange(), tick.HistoricalTickLast.GetSpecialConditions())
			case *protobuf.TickByTickData_HistoricalTickBidAsk:
				t.int(tick.HistoricalTickBidAsk.GetTime())
				t.floats(tick.HistoricalTickBidAsk.GetPriceBid(), tick.HistoricalTickBidAsk.GetPriceAsk())
				t.strs(tick.HistoricalTickBidAsk.GetSizeBid(), tick.HistoricalTickBidAsk.GetSizeAsk())
				t.int(0)
			case *protobuf.TickByTickData_HistoricalTickMidPoint:
				t.int(tick.HistoricalTickMidPoint.GetTime())
				t.float(tick.HistoricalTickMidPoint.GetPrice())
			}
		}),
	},
}

// barsReply is bars with the times that only their old text form carries; later these are a message of their own.
type barsReply struct {
	*protobuf.HistoricalData
	end *protobuf.HistoricalDataEnd
}

func textHistoricalData(r *textReader) *protobuf.HistoricalDataRequest {
	m := &protobuf.HistoricalDataRequest{
		ReqId: r.requestID(), Contract: r.datedContract(), EndDateTime: r.optStr(), BarSizeSetting: r.optStr(),
		Duration: r.optStr(),
		UseRTH:   r.optBool(), WhatToShow: r.optStr(), FormatDate: r.optInt(),
	}
	if m.Contract.GetSecType() == "BAG" {
		r.comboLegs(m.Contract)
	}
	m.KeepUpToDate = r.optBool()
	m.ChartOptions = r.tagValues()
	return m
}

// datedContract reads a contract that may have expired.
func (r *textReader) datedContract() *protobuf.Contract {
	c := r.contract()
	c.IncludeExpired = r.optBool()
	return c
}
