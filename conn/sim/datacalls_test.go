package sim_test

import (
	"github.com/scmhub/ibapi"
)

var dataCalls = []apiCall{
	// Market data.
	{
		name: "reqMarketDataType",
		make: func(c client, _ int64) { c.ReqMarketDataType(1) },
		js:   "c.reqMarketDataType(1)",
	},
	{
		name: "reqMktData", want: "tickPrice",
		make: func(c client, id int64) { c.ReqMktData(id, stock("AAPL"), "233", false, false, nil) },
		js:   "c.reqMktData(id, stk, '233', false, false)",
	},
	{
		name: "cancelMktData", of: "reqMktData",
		make: func(c client, id int64) { c.CancelMktData(id) },
		js:   "c.cancelMktData(id)",
	},
	{
		name: "reqMktData (snapshot)", want: "tickSnapshotEnd", awaits: true,
		make: func(c client, id int64) { c.ReqMktData(id, stock("AAPL"), "", true, false, nil) },
		js:   "c.reqMktData(id, stk, '', true, false)",
	},
	{
		name: "reqMktDepth", want: "updateMktDepthL2",
		make: func(c client, id int64) { c.ReqMktDepth(id, stock("AAPL"), 5, true, nil) },
		js:   "c.reqMktDepth(id, stk, 5, true, [])",
	},
	{
		name: "cancelMktDepth", of: "reqMktDepth",
		make: func(c client, id int64) { c.CancelMktDepth(id, true) },
		js:   "c.cancelMktDepth(id, true)",
	},
	{
		name: "reqMktDepth (currency)", want: "updateMktDepth",
		make: func(c client, id int64) { c.ReqMktDepth(id, euro(), 5, false, nil) },
		js:   "c.reqMktDepth(id, eur, 5, false, [])",
	},
	{
		name: "reqTickByTickData (Last)", want: "tickByTickAllLast",
		make: func(c client, id int64) { c.ReqTickByTickData(id, stock("AAPL"), "Last", 0, true) },
		js:   "c.reqTickByTickData(id, stk, 'Last', 0, true)",
	},
	{
		name: "cancelTickByTickData", of: "reqTickByTickData (Last)",
		make: func(c client, id int64) { c.CancelTickByTickData(id) },
		js:   "c.cancelTickByTickData(id)",
	},
	{
		name: "reqTickByTickData (AllLast, 10)", want: "historicalTicksLast",
		make: func(c client, id int64) { c.ReqTickByTickData(id, stock("AAPL"), "AllLast", 10, true) },
		js:   "c.reqTickByTickData(id, stk, 'AllLast', 10, true)",
	},
	{
		name: "reqTickByTickData (BidAsk)", want: "tickByTickBidAsk",
		make: func(c client, id int64) { c.ReqTickByTickData(id, euro(), "BidAsk", 0, true) },
		js:   "c.reqTickByTickData(id, eur, 'BidAsk', 0, true)",
	},
	{
		name: "reqTickByTickData (MidPoint)", want: "tickByTickMidPoint",
		make: func(c client, id int64) { c.ReqTickByTickData(id, euro(), "MidPoint", 0, true) },
		js:   "c.reqTickByTickData(id, eur, 'MidPoint', 0, true)",
	},
	{
		name: "reqRealTimeBars", want: "realtimeBar",
		make: func(c client, id int64) { c.ReqRealTimeBars(id, stock("AAPL"), 5, "TRADES", false, nil) },
		js:   "c.reqRealTimeBars(id, stk, 5, 'TRADES', false)",
	},
	{
		name: "cancelRealTimeBars", of: "reqRealTimeBars",
		make: func(c client, id int64) { c.CancelRealTimeBars(id) },
		js:   "c.cancelRealTimeBars(id)",
	},

	// The past.
	{name: "reqHistoricalData", want: "historicalDataEnd", awaits: true, make: func(c client, id int64) {
		c.ReqHistoricalData(id, stock("AAPL"), "", "1 D", "1 min", "TRADES", true, 1, false, nil)
	}, js: "c.reqHistoricalData(id, stk, '', '1 D', '1 min', 'TRADES', 1, 1, false)", jsWant: "historicalData"},
	{name: "reqHistoricalData (keepUpToDate)", want: "historicalDataUpdate", make: func(c client, id int64) {
		c.ReqHistoricalData(id, stock("AAPL"), "", "1800 S", "5 secs", "TRADES", false, 2, true, nil)
	}, js: "c.reqHistoricalData(id, stk, '', '1800 S', '5 secs', 'TRADES', 0, 2, true)"},
	{
		name: "cancelHistoricalData", want: "error 162", of: "reqHistoricalData (keepUpToDate)",
		make: func(c client, id int64) { c.CancelHistoricalData(id) },
		js:   "c.cancelHistoricalData(id)",
	},
	{name: "reqHistoricalData (SCHEDULE)", want: "historicalSchedule", awaits: true, make: func(c client, id int64) {
		c.ReqHistoricalData(id, stock("AAPL"), "", "5 D", "1 day", "SCHEDULE", true, 1, false, nil)
	}, js: "c.reqHistoricalData(id, stk, '', '5 D', '1 day', 'SCHEDULE', 1, 1, false)"},
	{
		name: "reqHeadTimeStamp", want: "headTimestamp", awaits: true,
		make: func(c client, id int64) { c.ReqHeadTimeStamp(id, stock("AAPL"), "TRADES", true, 1) },
		js:   "c.reqHeadTimestamp(id, stk, 'TRADES', true, 1)",
	},
	{
		name: "cancelHeadTimeStamp", of: "reqHeadTimeStamp",
		make: func(c client, id int64) { c.CancelHeadTimeStamp(id) },
		js:   "c.cancelHeadTimestamp(id)",
	},
	{
		name: "reqHistogramData", want: "histogramData", awaits: true,
		make: func(c client, id int64) { c.ReqHistogramData(id, stock("AAPL"), true, "3 days") },
		js:   "c.reqHistogramData(id, stk, true, 3, 'DAY')",
	},
	{
		name: "cancelHistogramData", of: "reqHistogramData",
		make: func(c client, id int64) { c.CancelHistogramData(id) },
		js:   "c.cancelHistogramData(id)",
	},
	{name: "reqHistoricalTicks (TRADES)", want: "historicalTicksLast", awaits: true, make: func(c client, id int64) {
		c.ReqHistoricalTicks(id, stock("AAPL"), "", "20240105 12:00:00 US/Eastern", 10, "TRADES", true, true, nil)
	}, js: "c.reqHistoricalTicks(id, stk, '', '20240105 12:00:00 US/Eastern', 10, 'TRADES', 1, true)"},
	{name: "reqHistoricalTicks (BID_ASK)", want: "historicalTicksBidAsk", make: func(c client, id int64) {
		c.ReqHistoricalTicks(id, euro(), "20240105 12:00:00 US/Eastern", "", 10, "BID_ASK", true, true, nil)
	}, js: "c.reqHistoricalTicks(id, eur, '20240105 12:00:00 US/Eastern', '', 10, 'BID_ASK', 1, true)"},
	{name: "reqHistoricalTicks (MIDPOINT)", want: "historicalTicks", make: func(c client, id int64) {
		c.ReqHistoricalTicks(id, euro(), "20240105-17:00:00", "", 10, "MIDPOINT", true, true, nil)
	}, js: "c.reqHistoricalTicks(id, eur, '20240105-17:00:00', '', 10, 'MIDPOINT', 1, true)"},
	{
		name: "cancelHistoricalTicks", since: 215, of: "reqHistoricalTicks (TRADES)",
		make: func(c client, id int64) { c.CancelHistoricalTicks(id) },
	},

	// News, calendar, fundamentals, scanner.
	{
		name: "reqNewsProviders", want: "newsProviders", awaits: true,
		make: func(c client, _ int64) { c.ReqNewsProviders() },
		js:   "c.reqNewsProviders()",
	},
	{
		name: "reqNewsArticle", want: "error 10172", awaits: true,
		make: func(c client, id int64) { c.ReqNewsArticle(id, "BRFG", "BRFG$1", nil) },
		js:   "c.reqNewsArticle(id, 'BRFG', 'BRFG$1')",
	},
	{
		name: "reqHistoricalNews", want: "historicalNewsEnd", awaits: true,
		make: func(c client, id int64) { c.ReqHistoricalNews(id, 265598, "BRFG", "", "", 10, nil) },
		js:   "c.reqHistoricalNews(id, 265598, 'BRFG', '', '', 10)",
	},
	{
		name: "reqNewsBulletins", want: "updateNewsBulletin",
		make: func(c client, _ int64) { c.ReqNewsBulletins(true) },
		js:   "c.reqNewsBulletins(true)",
	},
	{
		name: "cancelNewsBulletins",
		make: func(c client, _ int64) { c.CancelNewsBulletins() },
		js:   "c.cancelNewsBulletins()",
	},
	{
		name: "reqWshMetaData", want: "error 10276", awaits: true,
		make: func(c client, id int64) { c.ReqWshMetaData(id) },
		js:   "c.reqWshMetaData(id)",
	},
	{
		name: "cancelWshMetaData", of: "reqWshMetaData",
		make: func(c client, id int64) { c.CancelWshMetaData(id) },
		js:   "c.reqCancelWshMetaData(id)",
	},
	{
		name: "reqWshEventData", want: "error 10276", awaits: true,
		make: func(c client, id int64) { c.ReqWshEventData(id, ibapi.NewWshEventData()) },
		js:   "c.reqWshEventData(id, 265598)",
	},
	{
		name: "cancelWshEventData", of: "reqWshEventData",
		make: func(c client, id int64) { c.CancelWshEventData(id) },
		js:   "c.reqCancelWshEventData(id)",
	},
	{
		name: "reqFundamentalData", want: "error 10358", awaits: true,
		js: "c.reqFundamentalData(id, stk, 'ReportSnapshot')",
	},
	{name: "cancelFundamentalData", of: "reqFundamentalData", js: "c.cancelFundamentalData(id)"},
	{
		name: "reqScannerParameters", want: "scannerParameters", awaits: true,
		make: func(c client, _ int64) { c.ReqScannerParameters() },
		js:   "c.reqScannerParameters()",
	},
	{
		name: "reqScannerSubscription", want: "scannerDataEnd", awaits: true,
		make: func(c client, id int64) { c.ReqScannerSubscription(id, scan(), nil, nil) },
		js: "c.reqScannerSubscription(id, {instrument: 'STK', locationCode: 'STK.US.MAJOR', scanCode: " +
			"ib.ScanCode.TOP_PERC_GAIN})",
	},
	{
		name: "cancelScannerSubscription", want: "error 162", of: "reqScannerSubscription",
		make: func(c client, id int64) { c.CancelScannerSubscription(id) },
		js:   "c.cancelScannerSubscription(id)",
	},
	{
		name: "calculateImpliedVolatility", want: "error 322", awaits: true,
		make: func(c client, id int64) { c.CalculateImpliedVolatility(id, stock("AAPL"), 5, 230, nil) },
		js:   "c.calculateImpliedVolatility(id, stk, 5, 230)",
	},
	{
		name: "cancelCalculateImpliedVolatility", of: "calculateImpliedVolatility",
		make: func(c client, id int64) { c.CancelCalculateImpliedVolatility(id) },
		js:   "c.cancelCalculateImpliedVolatility(id)",
	},
	{
		name: "calculateOptionPrice", want: "error 322", awaits: true,
		make: func(c client, id int64) { c.CalculateOptionPrice(id, stock("AAPL"), 0.3, 230, nil) },
		js:   "c.calculateOptionPrice(id, stk, 0.3, 230)",
	},
	{
		name: "cancelCalculateOptionPrice", of: "calculateOptionPrice",
		make: func(c client, id int64) { c.CancelCalculateOptionPrice(id) },
		js:   "c.cancelCalculateOptionPrice(id)",
	},

	// The rest.
	{
		name: "queryDisplayGroups", want: "displayGroupList",
		make: func(c client, id int64) { c.QueryDisplayGroups(id) },
		js:   "c.queryDisplayGroups(id)",
	},
	{
		name: "subscribeToGroupEvents", want: "displayGroupUpdated",
		make: func(c client, id int64) { c.SubscribeToGroupEvents(id, 1) },
		js:   "c.subscribeToGroupEvents(id, 1)",
	},
	{
		name: "updateDisplayGroup", want: "displayGroupUpdated", of: "subscribeToGroupEvents",
		make: func(c client, id int64) { c.UpdateDisplayGroup(id, "265598@SMART") },
		js:   "c.updateDisplayGroup(id, '265598@SMART')",
	},
	{
		name: "unsubscribeFromGroupEvents", of: "subscribeToGroupEvents",
		make: func(c client, id int64) { c.UnsubscribeFromGroupEvents(id) },
		js:   "c.unsubscribeFromGroupEvents(id)",
	},
	{name: "verifyRequest", want: "error 322", make: func(c client, _ int64) { c.VerifyRequest("test", "1") }},
	{name: "verifyMessage", want: "error 322", make: func(c client, _ int64) { c.VerifyMessage("data") }},
	{
		name: "verifyAndAuthRequest", want: "error 322",
		make: func(c client, _ int64) { c.VerifyAndAuthRequest("test", "1", "key") },
	},
	{name: "reqConfig", want: "configResponse", since: 219, make: func(c client, id int64) { reqConfig(c, id) }},
	{
		name: "updateConfig", want: "error 10357", since: 221,
		make: func(c client, id int64) { updateConfig(c, id) },
	},
}
