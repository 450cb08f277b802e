package sim_test

import (
	"github.com/scmhub/ibapi"
)

// answers is a client of the library that keeps the callbacks of every call, beside those that recorder keeps.
type answers struct{ recorder }

func (a *answers) got(name string, id int64) { a.add(event{name: name, id: id}) }

func (a *answers) value(name string, id int64, price float64, text string) {
	a.add(event{name: name, id: id, price: price, text: text})
}

func (a *answers) MktDepthExchanges(d []ibapi.DepthMktDataDescription) {
	a.value("mktDepthExchanges", -1, float64(len(d)), d[0].Exchange)
}
func (a *answers) NewsProviders([]ibapi.NewsProvider) { a.got("newsProviders", -1) }
func (a *answers) FamilyCodes(f []ibapi.FamilyCode) {
	a.value("familyCodes", -1, float64(len(f)), f[0].AccountID)
}
func (a *answers) ScannerParameters(xml string)                  { a.value("scannerParameters", -1, 0, xml) }
func (a *answers) ReceiveFA(_ ibapi.FaDataType, xml string)      { a.value("receiveFA", -1, 0, xml) }
func (a *answers) MarketRule(id int64, _ []ibapi.PriceIncrement) { a.got("marketRule", -1) }
func (a *answers) SymbolSamples(id int64, d []ibapi.ContractDescription) {
	a.value("symbolSamples", id, float64(len(d)), d[0].Contract.Symbol)
}
func (a *answers) SoftDollarTiers(id int64, _ []ibapi.SoftDollarTier) { a.got("softDollarTiers", id) }
func (a *answers) UserInfo(id int64, _ string)                        { a.got("userInfo", id) }
func (a *answers) SmartComponents(id int64, s []ibapi.SmartComponent) {
	first := ""
	if len(s) > 0 {
		first = s[0].Exchange
	}
	a.value("smartComponents", id, float64(len(s)), first)
}

func (a *answers) SecurityDefinitionOptionParameter(
	id int64, exchange string, underlying int64, class, multiplier string, expirations []string, strikes []float64,
) {
	a.value("securityDefinitionOptionParameter", id, strikes[0], expirations[0])
}

func (a *answers) SecurityDefinitionOptionParameterEnd(id int64) {
	a.got("securityDefinitionOptionParameterEnd", id)
}

func (a *answers) HistoricalData(id int64, b *ibapi.Bar) {
	a.add(event{name: "historicalData", id: id, price: b.Close, text: b.Date, bar: b})
}

func (a *answers) HistoricalDataEnd(id int64, start, end string) {
	a.value("historicalDataEnd", id, 0, start+"/"+end)
}

func (a *answers) HistoricalDataUpdate(id int64, b *ibapi.Bar) {
	a.value("historicalDataUpdate", id, b.Close, b.Date)
}
func (a *answers) HeadTimestamp(id int64, at string) { a.value("headTimestamp", id, 0, at) }
func (a *answers) HistogramData(id int64, d []ibapi.HistogramData) {
	a.value("histogramData", id, d[0].Price, d[0].Size.String())
}

func (a *answers) HistoricalSchedule(id int64, start, end, zone string, s []ibapi.HistoricalSession) {
	a.value("historicalSchedule", id, float64(len(s)), zone)
}

func (a *answers) HistoricalTicks(id int64, ticks []ibapi.HistoricalTick, done bool) {
	a.value("historicalTicks", id, ticks[0].Price, "")
}

func (a *answers) HistoricalTicksBidAsk(id int64, ticks []ibapi.HistoricalTickBidAsk, done bool) {
	a.value("historicalTicksBidAsk", id, ticks[0].PriceAsk, ticks[0].SizeAsk.String())
}

func (a *answers) HistoricalTicksLast(id int64, ticks []ibapi.HistoricalTickLast, done bool) {
	a.value("historicalTicksLast", id, ticks[0].Price, ticks[0].Exchange)
}

func (a *answers) RealtimeBar(id, at int64, open, high, low, c float64, volume, wap ibapi.Decimal, count int64) {
	a.value("realtimeBar", id, c, volume.String())
}

func (a *answers) TickByTickAllLast(
	id, kind, at int64, price float64, size ibapi.Decimal, attrib ibapi.TickAttribLast, exchange, conditions string,
) {
	a.value("tickByTickAllLast", id, price, exchange)
}

func (a *answers) TickByTickBidAsk(
	id, at int64, bid, ask float64, bidSize, askSize ibapi.Decimal, attrib ibapi.TickAttribBidAsk,
) {
	a.value("tickByTickBidAsk", id, ask, askSize.String())
}

func (a *answers) TickByTickMidPoint(id, at int64, price float64) {
	a.value("tickByTickMidPoint", id, price, "")
}

func (a *answers) Pnl(id int64, daily, unrealized, realized float64) { a.value("pnl", id, daily, "") }
func (a *answers) PnlSingle(id int64, size ibapi.Decimal, daily, unrealized, realized, value float64) {
	a.value("pnlSingle", id, daily, size.String())
}

func (a *answers) DisplayGroupList(id int64, groups string) {
	a.value("displayGroupList", id, 0, groups)
}

func (a *answers) DisplayGroupUpdated(id int64, contract string) {
	a.value("displayGroupUpdated", id, 0, contract)
}

func (a *answers) ScannerData(
	id, rank int64, d *ibapi.ContractDetails, distance, benchmark, projection, legs string,
) {
	a.value("scannerData", id, float64(rank), d.Contract.Symbol)
}
func (a *answers) ScannerDataEnd(id int64) { a.got("scannerDataEnd", id) }
func (a *answers) HistoricalNewsEnd(id int64, more bool) {
	a.got("historicalNewsEnd", id)
}

func (a *answers) UpdateNewsBulletin(id, kind int64, text, exchange string) {
	a.value("updateNewsBulletin", -1, 0, text)
}

func (a *answers) UpdateMktDepth(id, position, operation, side int64, price float64, size ibapi.Decimal) {
	a.value("updateMktDepth", id, price, size.String())
}

func (a *answers) UpdateMktDepthL2(
	id, position int64, maker string, operation, side int64, price float64, size ibapi.Decimal, smart bool,
) {
	a.value("updateMktDepthL2", id, price, maker)
}
