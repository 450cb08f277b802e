package sim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scanner is the market scanner. It scans the simulated US stocks.
var scanner = subject{
	requests: map[int]*requestKind{
		22: requestAs("reqScannerSubscription", verProtoScanner, formOf(scannerSubscriptionText), (*Gateway).scan),
		23: requestAs("cancelScannerSubscription", verProtoScanner, inOrder(1), cancelScan),
		24: requestAs("reqScannerParameters", verProtoScanner, inOrder(1),
			accepted(func(c *conn, _ *protobuf.ScannerParametersRequest) {
				c.sendLocked(&protobuf.ScannerParameters{Xml: new(scannerParameters)})
			})),
	},
	replies: map[protoreflect.Name]reply{
		"ScannerParameters": {19, verProtoScanner, inOrder(1)},
		"ScannerData":       {20, verProtoScanner, formOf(scannerDataText)},
	},
}

func scannerSubscriptionText(f *form, m *protobuf.ScannerSubscriptionRequest) {
	f.id(&m.ReqId)
	s := part(f, &m.ScannerSubscription)
	f.all(&s.NumberOfRows, &s.Instrument, &s.LocationCode, &s.ScanCode, &s.AbovePrice, &s.BelowPrice, &s.AboveVolume,
		&s.MarketCapAbove, &s.MarketCapBelow, &s.MoodyRatingAbove, &s.MoodyRatingBelow, &s.SpRatingAbove,
		&s.SpRatingBelow, &s.MaturityDateAbove, &s.MaturityDateBelow, &s.CouponRateAbove, &s.CouponRateBelow,
		&s.ExcludeConvertible, &s.AverageOptionVolumeAbove, &s.ScannerSettingPairs, &s.StockTypeFilter,
		&s.ScannerSubscriptionFilterOptions, &s.ScannerSubscriptionOptions)
}

func scannerDataText(f *form, m *protobuf.ScannerData) {
	f.messageVersion(3)
	f.all(&m.ReqId)
	each(f, &m.ScannerDataElement, func(e *protobuf.ScannerDataElement) {
		c := part(f, &e.Contract)
		f.all(&e.Rank)
		f.contractHead(c)
		f.all(&c.Exchange, &c.Currency, &c.LocalSymbol, &e.MarketName, &c.TradingClass, &e.Distance, &e.Benchmark,
			&e.Projection, &e.ComboKey)
	})
}

// scannerParameters is the part of a gateway's document that concerns what is simulated.
const scannerParameters = `<?xml version="1.0" encoding="UTF-8"?>
<ScanParameterResponse>
<InstrumentList varName="instrumentList"><Instrument><name>US Stocks</name><type>STK</type><secType>STK</secType></Instrument></InstrumentList>
<LocationTree varName="locationTree"><Location><displayName>US Stocks</displayName><locationCode>STK.US</locationCode>
<instruments>STK</instruments><LocationTree varName="locationTree"><Location><displayName>Listed/NASDAQ</displayName>
<locationCode>STK.US.MAJOR</locationCode><instruments>STK</instruments></Location></LocationTree></Location></LocationTree>
<ScanTypeList varName="scanTypeList">
<ScanType><displayName>Top % Gainers</displayName><scanCode>TOP_PERC_GAIN</scanCode><instruments>STK</instruments></ScanType>
<ScanType><displayName>Top % Losers</displayName><scanCode>TOP_PERC_LOSE</scanCode><instruments>STK</instruments></ScanType>
<ScanType><displayName>Most Active</displayName><scanCode>MOST_ACTIVE</scanCode><instruments>STK</instruments></ScanType>
<ScanType><displayName>Hot by Volume</displayName><scanCode>HOT_BY_VOLUME</scanCode><instruments>STK</instruments></ScanType>
</ScanTypeList>
<FilterList varName="filterList">
<RangeFilter><id>PRICE</id><category>Price</category></RangeFilter><RangeFilter><id>VOLUME</id><category>Volume</category></RangeFilter>
</FilterList>
</ScanParameterResponse>
`

// cancelScan ends a scan, with an error as Gateway does.
func cancelScan(_ *Gateway, c *conn, m *protobuf.CancelScannerSubscription) *requestError {
	id := m.GetReqId()
	if !c.scans[id] {
		return nil
	}
	delete(c.scans, id)
	return historyError("API scanner subscription cancelled: %d", id)
}

// scan ranks the stocks once. Losers come in the other order than gainers; all other scans go by volume.
func (g *Gateway) scan(c *conn, m *protobuf.ScannerSubscriptionRequest) *requestError {
	if g.upstreamLost {
		return notConnected()
	}
	s := m.GetScannerSubscription()
	if c.scans[m.GetReqId()] {
		return duplicateID()
	}
	if s.GetScanCode() == "" {
		return historyError("invalid scan code")
	}
	var found []*quote
	for _, q := range g.quotes {
		stock := q.in.secType() == "STK" && q.in.contract.GetCurrency() == "USD"
		asked := (s.GetInstrument() == "STK" || s.GetInstrument() == "") && strings.HasPrefix(s.GetLocationCode()+".",
			"STK.")
		above := s.AbovePrice == nil || q.last >= s.GetAbovePrice()
		below := s.BelowPrice == nil || s.GetBelowPrice() == 0 || q.last <= s.GetBelowPrice()
		if stock && asked && above && below && q.volume >= s.GetAboveVolume() {
			found = append(found, q)
		}
	}
	slices.SortFunc(found, func(a, b *quote) int {
		switch s.GetScanCode() {
		case "TOP_PERC_GAIN":
			return cmp.Compare(b.last/b.day.close, a.last/a.day.close)
		case "TOP_PERC_LOSE":
			return cmp.Compare(a.last/a.day.close, b.last/b.day.close)
		}
		return cmp.Compare(b.volume, a.volume)
	})
	if rows := int(s.GetNumberOfRows()); rows > 0 && len(found) > rows {
		found = found[:rows]
	}
	answer := &protobuf.ScannerData{ReqId: m.ReqId}
	for i, q := range found {
		answer.ScannerDataElement = append(answer.ScannerDataElement, &protobuf.ScannerDataElement{
			Rank: new(int32(i)), Contract: q.in.contract, MarketName: q.in.contract.TradingClass,
			Distance: new(""), Benchmark: new(""), Projection: new(""),
			ComboKey: new(""),
		})
	}
	c.scans[m.GetReqId()] = true
	c.sendLocked(answer)
	return nil
}
