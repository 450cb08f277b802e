package sim_test

import (
	"fmt"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi"
)

// TestLibraryEveryVersion drives the client library through a session at every version the simulator speaks. A field
// in the wrong place at any version shows up as a wrong value here, or as a decoder panic in TestMain.
func TestLibraryEveryVersion(t *testing.T) {
	for v := sim.MinVersion; v <= sim.MaxVersion; v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			g := startSim(t, sim.Config{ServerVersion: v, NextOrderID: 41, TickRate: 100})
			r := connect(t, g, 7)
			if got := r.client.ServerVersion(); got != min(v, 225) { // the library's highest
				t.Fatalf("negotiated %d, want %d", got, v)
			}
			checkTime(t, r, v)
			checkMarketData(t, r)
			checkContracts(t, r, v)
			checkOrders(t, r, v)
			checkAccounts(t, r)
			for _, e := range r.all("error") {
				if e.code == 320 || e.code == 321 || e.code == 505 || e.code == 508 {
					t.Errorf("unexpected error %d: %s", e.code, e.text)
				}
			}
			if len(g.State().Rejected) != 1 || g.State().Rejected["invalid"] != 1 { // the unknown symbol
				t.Errorf("rejected: %v", g.State().Rejected)
			}
		})
	}
}

func checkTime(t *testing.T, r *recorder, v int) {
	t.Helper()
	r.client.ReqCurrentTime()
	if e, _ := r.byName(t, "currentTime", 0); time.Since(time.Unix(e.id, 0)).Abs() > 5*time.Second {
		t.Errorf("current time %d", e.id)
	}
	if v >= 197 {
		r.client.ReqCurrentTimeInMillis()
		if e, _ := r.byName(t, "currentTimeInMillis", 0); time.Since(time.UnixMilli(e.id)).Abs() > 5*time.Second {
			t.Errorf("current time in ms %d", e.id)
		}
	}
}

func checkMarketData(t *testing.T, r *recorder) {
	t.Helper()
	r.client.ReqMktData(11, stock("AAPL"), "", false, false, nil)
	if e, _ := r.byName(t, "tickReqParams", 0); e.id != 11 || e.price != 0.01 {
		t.Errorf("tickReqParams %+v", e)
	}
	if e, _ := r.byName(t, "marketDataType", 0); e.id != 11 || e.code != 1 {
		t.Errorf("marketDataType %+v", e)
	}
	for _, kind := range []int64{ibapi.BID, ibapi.ASK, ibapi.LAST} {
		e, _ := r.await(t, "tick price", 0, func(e event) bool { return e.name == "tickPrice" && e.code == kind })
		if e.id != 11 || e.price < 200 || e.price > 260 {
			t.Errorf("tick %d: %+v", kind, e)
		}
	}
	for _, kind := range []int64{ibapi.BID_SIZE, ibapi.ASK_SIZE, ibapi.LAST_SIZE, ibapi.VOLUME} {
		r.await(t, "tick size", 0, func(e event) bool {
			return e.name == "tickSize" && e.code == kind && e.text != "0" && e.text != "NaN"
		})
	}
	start := r.len()
	for range 5 { // ticks go on
		_, start = r.byName(t, "tickPrice", start)
	}
	r.client.CancelMktData(11)
	r.client.ReqMktData(12, stock("MSFT"), "", true, false, nil)
	r.await(t, "snapshot end", 0, func(e event) bool { return e.name == "tickSnapshotEnd" && e.id == 12 })
	r.client.ReqMktData(13, stock("NOSUCH"), "", false, false, nil)
	r.await(t, "error 200", 0, func(e event) bool { return e.name == "error" && e.code == 200 && e.id == 13 })
}

func checkContracts(t *testing.T, r *recorder, v int) {
	t.Helper()
	r.client.ReqContractDetails(21, stock("AAPL"))
	e, at := r.byName(t, "contractDetails", 0)
	d := e.details
	if e.id != 21 || d.Contract.ConID != 265598 || d.Contract.Symbol != "AAPL" ||
		d.Contract.PrimaryExchange != "NASDAQ" ||
		d.Contract.TradingClass != "NMS" || d.MinTick != 0.01 || d.MarketName != "NMS" ||
		d.TimeZoneID != "US/Eastern" ||
		d.StockType != "COMMON" || d.SuggestedSizeIncrement.String() != "100" || d.PriceMagnifier != 1 ||
		d.MarketRuleIDs != "26,26,26,26,26,26,26,26" {
		t.Errorf("AAPL: %+v %+v", d, d.Contract)
	}
	r.byName(t, "contractDetailsEnd", at)
	es := ibapi.NewContract()
	es.Symbol, es.SecType, es.Exchange, es.Currency = "ES", "FUT", "CME", "USD"
	r.client.ReqContractDetails(22, es)
	_, end := r.await(t, "end of ES", at, func(e event) bool { return e.name == "contractDetailsEnd" && e.id == 22 })
	var months []event
	for _, e := range r.all("contractDetails") {
		if e.id == 22 {
			months = append(months, e)
		}
	}
	if len(months) != 3 {
		t.Fatalf("%d ES contracts, want 3", len(months))
	}
	c := months[0].details.Contract
	if c.Multiplier != "50" || len(c.LastTradeDateOrContractMonth) != 8 || c.LocalSymbol[:2] != "ES" ||
		months[0].details.UnderSecType != "IND" {
		t.Errorf("ES: %+v", c)
	}
	if v >= 182 && c.LastTradeDate != c.LastTradeDateOrContractMonth {
		t.Errorf("last trade date %q", c.LastTradeDate)
	}
	eur := ibapi.NewContract()
	eur.Symbol, eur.SecType, eur.Exchange, eur.Currency = "EUR", "CASH", "IDEALPRO", "USD"
	r.client.ReqContractDetails(23, eur)
	if e, _ := r.byName(t, "contractDetails", end); e.details.Contract.ConID != 12087792 ||
		e.details.Contract.LocalSymbol != "EUR.USD" {
		t.Errorf("EUR.USD: %+v", e.details.Contract)
	}
}

// richOrder sets fields all over the order message, so that a shift by one field cannot go unseen.
func richOrder(v int) *ibapi.Order {
	o := limitOrder("BUY", "120", 1.25)
	o.OrderRef, o.Account = "gw-4711", "DU1234567"
	o.OCAGroup, o.OutsideRTH, o.Hidden, o.GoodTillDate, o.Rule80A = "oca1", true, true, "20301231 12:00:00 UTC", "I"
	o.DiscretionaryAmt, o.MinQty, o.DisplaySize, o.TriggerMethod, o.ModelCode = 0.5, 3, 20, 2, "model1"
	o.AllOrNone, o.SweepToFill, o.BlockOrder = true, true, true
	o.AlgoStrategy, o.AlgoParams = "Adaptive", []ibapi.TagValue{{Tag: "adaptivePriority", Value: "Normal"}}
	o.ClearingIntent, o.Solicited, o.RandomizeSize = "Away", true, true
	o.SoftDollarTier = ibapi.SoftDollarTier{Name: "tier", Value: "val"}
	o.ScaleInitLevelSize, o.ScaleSubsLevelSize, o.ScalePriceIncrement = 10, 5, 0.1
	o.ScalePriceAdjustValue, o.ScaleProfitOffset, o.ScaleAutoReset = 0.2, 0.3, true
	o.HedgeType, o.HedgeParam = "P", "2"
	o.Duration, o.PostToAts, o.AutoCancelParent, o.CashQty = 60, 4, true, 100.5
	if v >= 183 {
		o.CustomerAccount = "cust"
	}
	if v >= 184 {
		o.ProfessionalCustomer = true
	}
	if v >= 189 {
		o.IncludeOvernight = true
	}
	if v >= 192 {
		o.ManualOrderIndicator = 1
	}
	if v >= 199 {
		o.ImbalanceOnly = true
	}
	return o
}

func checkOrders(t *testing.T, r *recorder, v int) {
	t.Helper()
	r.client.PlaceOrder(41, stock("AAPL"), richOrder(v))
	e, at := r.byName(t, "openOrder", 0)
	checkRich(t, "open", v, e.order)
	if e.id != 41 || e.order.ClientID != 7 || e.order.PermID == 0 || e.contract.ConID != 265598 ||
		e.state.Status != "PreSubmitted" {
		t.Errorf("open order %d: %+v %+v", e.id, e.order, e.contract)
	}
	perm := e.order.PermID
	e, at = r.byName(t, "orderStatus", at)
	if s := e.status; s.status != "PreSubmitted" || s.filled != "0" || s.remaining != "120" || s.perm != perm ||
		s.client != 7 {
		t.Errorf("status %+v", s)
	}
	_, at = r.await(t, "working", at, func(e event) bool {
		return e.name == "orderStatus" && e.status.status == "Submitted"
	})
	changed := richOrder(v)
	changed.LmtPrice = 1.5
	r.client.PlaceOrder(41, stock("AAPL"), changed)
	if e, at = r.byName(t, "openOrder", at); e.order.LmtPrice != 1.5 || e.order.PermID != perm {
		t.Errorf("modified order: limit %v perm %d", e.order.LmtPrice, e.order.PermID)
	}
	r.client.PlaceOrder(42, stock("SPY"), marketOrder("BUY", "10"))
	x, _ := r.byName(t, "execDetails", at)
	if x.id != -1 || x.exec.OrderID != 42 || x.exec.Side != "BOT" || x.exec.Shares.String() != "10" ||
		x.exec.CumQty.String() != "10" ||
		x.exec.AcctNumber != "DU1234567" || x.exec.ClientID != 7 || x.exec.Price < 500 ||
		x.exec.AvgPrice != x.exec.Price ||
		x.contract.Symbol != "SPY" || x.exec.LastLiquidity != 2 || x.exec.ExecID == "" {
		t.Errorf("execution %+v %+v", x.exec, x.contract)
	}
	f, at := r.await(t, "filled", at, func(e event) bool {
		return e.name == "orderStatus" && e.id == 42 && e.status.status == "Filled"
	})
	if f.status.filled != "10" || f.status.remaining != "0" || f.status.avg != x.exec.Price {
		t.Errorf("fill status %+v", f.status)
	}
	fees, at := r.byName(t, "commission", at)
	if fees.fees.ExecID != x.exec.ExecID || fees.fees.CommissionAndFees != 1 || fees.fees.Currency != "USD" {
		t.Errorf("commission %+v", fees.fees)
	}
	r.client.ReqOpenOrders()
	if e, at = r.byName(t, "openOrder", at); e.id != 41 {
		t.Errorf("open order id %d", e.id)
	}
	_, at = r.byName(t, "openOrderEnd", at)
	r.client.CancelOrder(41, ibapi.NewOrderCancel())
	_, at = r.await(t, "cancelled", at, func(e event) bool {
		return e.name == "orderStatus" && e.id == 41 && e.status.status == "Cancelled"
	})
	_, at = r.await(t, "error 202", at, func(e event) bool { return e.name == "error" && e.id == 41 && e.code == 202 })
	r.client.ReqCompletedOrders(true)
	e, at = r.byName(t, "completedOrder", at)
	checkRich(t, "completed", v, e.order)
	if e.state.Status != "Cancelled" || e.order.PermID != perm || e.state.CompletedTime == "" ||
		e.contract.ConID != 265598 {
		t.Errorf("completed %+v %+v", e.state, e.order)
	}
	if e, at = r.byName(t, "completedOrder", at); e.state.Status != "Filled" ||
		e.order.FilledQuantity.String() != "10" || e.state.CompletedStatus != "Filled Size: 10" {
		t.Errorf("completed %+v %v", e.state, e.order.FilledQuantity)
	}
	_, at = r.byName(t, "completedOrdersEnd", at)
	filter := ibapi.NewExecutionFilter()
	filter.Symbol = "SPY"
	r.client.ReqExecutions(31, filter)
	if e, at = r.byName(t, "execDetails", at); e.id != 31 || e.exec.ExecID != x.exec.ExecID {
		t.Errorf("execution %+v", e.exec)
	}
	r.await(t, "end of executions", at, func(e event) bool { return e.name == "execDetailsEnd" && e.id == 31 })
	r.client.ReqIDs(1)
	if e, _ := r.byName(t, "nextValidId", at); e.id != 43 {
		t.Errorf("next id %d", e.id)
	}
}

func checkRich(t *testing.T, where string, v int, o *ibapi.Order) {
	t.Helper()
	want := richOrder(v)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"action", o.Action, want.Action},
		{"type", o.OrderType, want.OrderType},
		{"tif", o.TIF, want.TIF},
		{"orderRef", o.OrderRef, want.OrderRef},
		{"account", o.Account, want.Account},
		{"ocaGroup", o.OCAGroup, want.OCAGroup},
		{"outsideRth", o.OutsideRTH, want.OutsideRTH},
		{"hidden", o.Hidden, want.Hidden},
		{"goodTillDate", o.GoodTillDate, want.GoodTillDate},
		{"rule80A", o.Rule80A, want.Rule80A},
		{"discretionary", o.DiscretionaryAmt, want.DiscretionaryAmt},
		{"minQty", o.MinQty, want.MinQty},
		{"displaySize", o.DisplaySize, want.DisplaySize},
		{"trigger", o.TriggerMethod, want.TriggerMethod},
		{"model", o.ModelCode, want.ModelCode},
		{"allOrNone", o.AllOrNone, want.AllOrNone},
		{"sweep", o.SweepToFill, want.SweepToFill},
		{"algo", o.AlgoStrategy, want.AlgoStrategy},
		{"algoParams", fmt.Sprint(o.AlgoParams), fmt.Sprint(want.AlgoParams)},
		{"clearingIntent", o.ClearingIntent, want.ClearingIntent},
		{"solicited", o.Solicited, want.Solicited},
		{"randomize", o.RandomizeSize, want.RandomizeSize},
		{"scaleInit", o.ScaleInitLevelSize, want.ScaleInitLevelSize},
		{"scaleIncrement", o.ScalePriceIncrement, want.ScalePriceIncrement},
		{"scaleOffset", o.ScaleProfitOffset, want.ScaleProfitOffset},
		{"scaleReset", o.ScaleAutoReset, want.ScaleAutoReset},
		{"hedge", o.HedgeType + o.HedgeParam, want.HedgeType + want.HedgeParam},
		{"cashQty", o.CashQty, want.CashQty},
		{"autoCancelParent", o.AutoCancelParent, want.AutoCancelParent},
		{"minTradeQty", o.MinTradeQty, want.MinTradeQty},
		{"customer", o.CustomerAccount, want.CustomerAccount},
		{"professional", o.ProfessionalCustomer, want.ProfessionalCustomer},
	} {
		if c.got != c.want {
			t.Errorf("version %d, %s order: %s = %v, want %v", v, where, c.name, c.got, c.want)
		}
	}
	if where == "completed" {
		return
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"lmtPrice", o.LmtPrice, want.LmtPrice},
		{"auxPrice", o.AuxPrice, want.AuxPrice},
		{"quantity", o.TotalQuantity, want.TotalQuantity},
		{"block", o.BlockOrder, want.BlockOrder},
		{"tier", o.SoftDollarTier.Name + o.SoftDollarTier.Value, "tierval"},
		{"duration", o.Duration, want.Duration},
		{"postToAts", o.PostToAts, want.PostToAts},
		{"overnight", o.IncludeOvernight, want.IncludeOvernight},
	} {
		if c.got != c.want {
			t.Errorf("version %d, %s order: %s = %v, want %v", v, where, c.name, c.got, c.want)
		}
	}
	if v >= 193 && o.ManualOrderIndicator != want.ManualOrderIndicator {
		t.Errorf("version %d: manualOrderIndicator = %d", v, o.ManualOrderIndicator)
	}
	if v >= 199 && !o.ImbalanceOnly {
		t.Errorf("version %d: imbalanceOnly lost", v)
	}
}

func checkAccounts(t *testing.T, r *recorder) {
	t.Helper()
	r.client.ReqPositions()
	p, at := r.byName(t, "position", 0)
	if p.text != "DU1234567" || p.contract.Symbol != "SPY" || p.list[0] != "10" || p.price < 500 {
		t.Errorf("position %+v", p)
	}
	r.byName(t, "positionEnd", at)
	r.client.ReqAccountSummary(51, "All", "NetLiquidation,BuyingPower")
	s, at := r.byName(t, "accountSummary", 0)
	if s.list[0] != "DU1234567" || s.list[1] != "NetLiquidation" || s.list[3] != "USD" {
		t.Errorf("summary %+v", s.list)
	}
	r.await(t, "end of summary", at, func(e event) bool { return e.name == "accountSummaryEnd" && e.id == 51 })
	r.client.CancelAccountSummary(51)
	r.client.ReqAccountUpdates(true, "DU1234567")
	r.await(t, "net liquidation", 0, func(e event) bool {
		return e.name == "accountValue" && e.list[0] == "DU1234567" && e.list[1] == "NetLiquidation"
	})
	if e, _ := r.byName(t, "portfolio", 0); e.contract.Symbol != "SPY" || e.contract.PrimaryExchange != "ARCA" ||
		e.text != "DU1234567" || e.list[0] != "10" {
		t.Errorf("portfolio %+v", e)
	}
	r.byName(t, "accountTime", 0)
	if e, _ := r.byName(t, "accountDownloadEnd", 0); e.text != "DU1234567" {
		t.Errorf("download end %q", e.text)
	}
	r.client.ReqAccountUpdates(false, "DU1234567")
	r.client.ReqPositionsMulti(52, "DU1234567", "")
	r.await(t, "multi positions", 0, func(e event) bool {
		return e.name == "positionMulti" && e.contract.Symbol == "SPY" && e.list[0] == "10"
	})
	r.await(t, "multi positions end", 0, func(e event) bool { return e.name == "positionMultiEnd" && e.id == 52 })
	r.client.ReqAccountUpdatesMulti(53, "DU1234567", "", true)
	r.await(t, "multi value", 0, func(e event) bool {
		return e.name == "accountUpdateMulti" && e.list[1] == "NetLiquidation" && e.list[3] == "USD"
	})
	r.await(t, "multi values end", 0, func(e event) bool { return e.name == "accountUpdateMultiEnd" && e.id == 53 })
}
