package sim_test

import (
	"slices"

	"github.com/scmhub/ibapi"
)

// apiCall is one call of the API: what ends the wait for it, and how two clients make it.
type apiCall struct {
	name string // in IBKR's documents
	// want is the callback with the answer, "error N", or empty: the protocol answers only if something is wrong.
	want string
	// since is the first version that has the call, awaits whether ib_async waits for its answer.
	since  int
	awaits bool
	// of names the call whose number is used again.
	of   string
	make func(c *ibapi.EClient, id int64) // nil: the library has no such call
	// js is the same with @stoqey/ib, where c is the client, id the number, and stk, eur, es are contracts; jsWant is
	// its answer if it has another name there.
	js, jsWant string
}

// jsAnswer is the name of the answer with @stoqey/ib.
func (c apiCall) jsAnswer() string {
	if c.jsWant != "" {
		return c.jsWant
	}
	return c.want
}

const account = "DU1234567"

func euro() *ibapi.Contract {
	c := ibapi.NewContract()
	c.Symbol, c.SecType, c.Exchange, c.Currency = "EUR", "CASH", "IDEALPRO", "USD"
	return c
}

// scan asks for the stocks that gained most.
func scan() *ibapi.ScannerSubscription {
	s := ibapi.NewScannerSubscription()
	s.Instrument, s.LocationCode, s.ScanCode = "STK", "STK.US.MAJOR", "TOP_PERC_GAIN"
	return s
}

func whatIf() *ibapi.Order {
	o := limitOrder("BUY", "1", 1)
	o.WhatIf = true
	return o
}

type client = *ibapi.EClient

// calls is every call of the API, in the order in which they are made.
var calls = slices.Concat(accountCalls, dataCalls)

var accountCalls = []apiCall{
	{name: "reqIds", want: "nextValidId", make: func(c client, _ int64) { c.ReqIDs(1) }, js: "c.reqIds()"},
	{
		name: "reqManagedAccts", want: "managedAccounts",
		make: func(c client, _ int64) { c.ReqManagedAccts() },
		js:   "c.reqManagedAccts()",
	},
	{
		name: "reqCurrentTime", want: "currentTime", awaits: true,
		make: func(c client, _ int64) { c.ReqCurrentTime() },
		js:   "c.reqCurrentTime()",
	},
	{
		name: "reqCurrentTimeInMillis", want: "currentTimeInMillis", since: 197,
		make: func(c client, _ int64) { c.ReqCurrentTimeInMillis() },
	},
	{
		name: "setServerLogLevel",
		make: func(c client, _ int64) { c.SetServerLogLevel(2) },
		js:   "c.setServerLogLevel(2)",
	},

	// The account.
	{
		name: "reqAccountUpdates", want: "accountDownloadEnd", awaits: true,
		make: func(c client, _ int64) { c.ReqAccountUpdates(true, account) },
		js:   "c.reqAccountUpdates(true, account)",
	},
	{
		name: "reqAccountUpdatesMulti", want: "accountUpdateMultiEnd", awaits: true,
		make: func(c client, id int64) { c.ReqAccountUpdatesMulti(id, account, "", false) },
		js:   "c.reqAccountUpdatesMulti(id, account, '', false)",
	},
	{
		name: "cancelAccountUpdatesMulti", of: "reqAccountUpdatesMulti",
		make: func(c client, id int64) { c.CancelAccountUpdatesMulti(id) },
		js:   "c.cancelAccountUpdatesMulti(id)",
	},
	{
		name: "reqAccountSummary", want: "accountSummaryEnd", awaits: true,
		make: func(c client, id int64) { c.ReqAccountSummary(id, "All", "NetLiquidation,$LEDGER:ALL") },
		js:   "c.reqAccountSummary(id, 'All', 'NetLiquidation,$LEDGER:ALL')",
	},
	{
		name: "cancelAccountSummary", of: "reqAccountSummary",
		make: func(c client, id int64) { c.CancelAccountSummary(id) },
		js:   "c.cancelAccountSummary(id)",
	},
	{
		name: "reqPositions", want: "positionEnd", awaits: true,
		make: func(c client, _ int64) { c.ReqPositions() },
		js:   "c.reqPositions()",
	},
	{name: "cancelPositions", make: func(c client, _ int64) { c.CancelPositions() }, js: "c.cancelPositions()"},
	{
		name: "reqPositionsMulti", want: "positionMultiEnd",
		make: func(c client, id int64) { c.ReqPositionsMulti(id, account, "") },
		js:   "c.reqPositionsMulti(id, account, '')",
	},
	{
		name: "cancelPositionsMulti", of: "reqPositionsMulti",
		make: func(c client, id int64) { c.CancelPositionsMulti(id) },
		js:   "c.cancelPositionsMulti(id)",
	},
	{
		name: "reqPnL", want: "pnl",
		make: func(c client, id int64) { c.ReqPnL(id, account, "") },
		js:   "c.reqPnL(id, account, '')",
	},
	{name: "cancelPnL", of: "reqPnL", make: func(c client, id int64) { c.CancelPnL(id) }, js: "c.cancelPnL(id)"},
	{
		name: "reqPnLSingle", want: "pnlSingle",
		make: func(c client, id int64) { c.ReqPnLSingle(id, account, "", 265598) },
		js:   "c.reqPnLSingle(id, account, '', 265598)",
	},
	{
		name: "cancelPnLSingle", of: "reqPnLSingle",
		make: func(c client, id int64) { c.CancelPnLSingle(id) },
		js:   "c.cancelPnLSingle(id)",
	},
	{
		name: "reqFamilyCodes", want: "familyCodes",
		make: func(c client, _ int64) { c.ReqFamilyCodes() },
		js:   "c.reqFamilyCodes()",
	},
	{
		name: "reqUserInfo", want: "userInfo", awaits: true,
		make: func(c client, id int64) { c.ReqUserInfo(id) },
		js:   "c.reqUserInfo(id)",
	},
	{
		name: "reqSoftDollarTiers", want: "softDollarTiers",
		make: func(c client, id int64) { c.ReqSoftDollarTiers(id) },
		js:   "c.reqSoftDollarTiers(id)",
	},
	{
		name: "requestFA", want: "receiveFA", awaits: true,
		make: func(c client, _ int64) { c.RequestFA(ibapi.GROUPS) },
		js:   "c.requestFA(1)",
	},
	{
		name: "replaceFA", want: "error 322",
		make: func(c client, id int64) { c.ReplaceFA(id, ibapi.GROUPS, "<ListOfGroups/>") },
		js:   "c.replaceFA(id, 1, '<ListOfGroups/>')",
	},

	// Orders.
	{
		name: "reqOpenOrders", want: "openOrderEnd", awaits: true,
		make: func(c client, _ int64) { c.ReqOpenOrders() },
		js:   "c.reqOpenOrders()",
	},
	{
		name: "reqAllOpenOrders", want: "openOrderEnd", awaits: true,
		make: func(c client, _ int64) { c.ReqAllOpenOrders() },
		js:   "c.reqAllOpenOrders()",
	},
	{
		name: "reqAutoOpenOrders",
		make: func(c client, _ int64) { c.ReqAutoOpenOrders(true) },
		js:   "c.reqAutoOpenOrders(true)",
	},
	{
		name: "reqCompletedOrders", want: "completedOrdersEnd", awaits: true,
		make: func(c client, _ int64) { c.ReqCompletedOrders(false) },
		js:   "c.reqCompletedOrders(false)",
	},
	{
		name: "reqExecutions", want: "execDetailsEnd", awaits: true,
		make: func(c client, id int64) { c.ReqExecutions(id, ibapi.NewExecutionFilter()) },
		js:   "c.reqExecutions(id, {})",
	},
	{
		name: "placeOrder (what-if)", want: "openOrder", awaits: true,
		make: func(c client, id int64) { c.PlaceOrder(id, stock("AAPL"), whatIf()) },
		js:   "c.placeOrder(id, stk, {...order, whatIf: true})",
	},
	{
		name: "placeOrder", want: "orderStatus",
		make: func(c client, id int64) { c.PlaceOrder(id, stock("AAPL"), limitOrder("BUY", "1", 1)) },
		js:   "c.placeOrder(id, stk, order)",
	},
	{
		name: "cancelOrder", want: "orderStatus", of: "placeOrder",
		make: func(c client, id int64) { c.CancelOrder(id, ibapi.NewOrderCancel()) },
		js:   "c.cancelOrder(id)",
	},
	{
		name: "reqGlobalCancel",
		make: func(c client, _ int64) { c.ReqGlobalCancel(ibapi.NewOrderCancel()) },
		js:   "c.reqGlobalCancel({})",
	},
	{
		name: "exerciseOptions", want: "error 322",
		make: func(c client, id int64) { c.ExerciseOptions(id, stock("AAPL"), 1, 1, account, 0, "", "", false) },
		js:   "c.exerciseOptions(id, stk, 1, 1, account, 0)",
	},

	// Contracts.
	{
		name: "reqContractDetails", want: "contractDetailsEnd", awaits: true,
		make: func(c client, id int64) { c.ReqContractDetails(id, stock("AAPL")) },
		js:   "c.reqContractDetails(id, stk)",
	},
	{
		name: "cancelContractData", since: 215, of: "reqContractDetails",
		make: func(c client, id int64) { c.CancelContractData(id) },
	},
	{
		name: "reqMatchingSymbols", want: "symbolSamples", awaits: true,
		make: func(c client, id int64) { c.ReqMatchingSymbols(id, "AA") },
		js:   "c.reqMatchingSymbols(id, 'AA')",
	},
	{
		name: "reqSecDefOptParams", want: "securityDefinitionOptionParameterEnd", awaits: true,
		make: func(c client, id int64) { c.ReqSecDefOptParams(id, "AAPL", "", "STK", 265598) },
		js:   "c.reqSecDefOptParams(id, 'AAPL', '', 'STK', 265598)",
	},
	{
		name: "reqMarketRule", want: "marketRule", awaits: true,
		make: func(c client, _ int64) { c.ReqMarketRule(26) },
		js:   "c.reqMarketRule(26)",
	},
	{
		name: "reqSmartComponents", want: "smartComponents", awaits: true,
		make: func(c client, id int64) { c.ReqSmartComponents(id, "9c0001") },
		js:   "c.reqSmartComponents(id, '9c0001')",
	},
	{
		name: "reqMktDepthExchanges", want: "mktDepthExchanges", awaits: true,
		make: func(c client, _ int64) { c.ReqMktDepthExchanges() },
		js:   "c.reqMktDepthExchanges()",
	},
}
