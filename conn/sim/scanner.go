package sim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scanner is the market scanner. It scans the simulated US stocks.
var scanner = subject{
	requests: map[int]*requestKind{
		22: requestAs("reqScannerSubscription", verProtoScanner, textScannerSubscription, (*Gateway).scan),
		23: requestAs("cancelScannerSubscription", verProtoScanner,
			func(r *textReader) *protobuf.CancelScannerSubscription {
				r.messageVersion()
				return &protobuf.CancelScannerSubscription{ReqId: r.requestID()}
			}, cancelScan),
		24: requestAs("reqScannerParameters", verProtoScanner, func(r *textReader) *protobuf.ScannerParametersRequest {
			r.messageVersion()
			return &protobuf.ScannerParametersRequest{}
		}, func(_ *Gateway, c *conn, _ *request, _ *protobuf.ScannerParametersRequest) *requestError {
			c.sendLocked(&protobuf.ScannerParameters{Xml: proto.String(scannerParameters)})
			return nil
		}),
	},
	replies: map[protoreflect.Name]reply{
		"ScannerParameters": replyAs(19, verProtoScanner, func(t *textWriter, m *protobuf.ScannerParameters) {
			t.int(1)
			t.str(m.GetXml())
		}),
		"ScannerData": replyAs(20, verProtoScanner, func(t *textWriter, m *protobuf.ScannerData) {
			t.int(3)
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetScannerDataElement())))
			for _, e := range m.GetScannerDataElement() {
				c := e.GetContract()
				t.int(int64(e.GetRank()))
				t.contractHead(c)
				t.strs(c.GetExchange(), c.GetCurrency(), c.GetLocalSymbol(), e.GetMarketName(), c.GetTradingClass())
				t.strs(e.GetDistance(), e.GetBenchmark(), e.GetProjection(), e.GetComboKey())
			}
		}),
	},
}

func textScannerSubscription(r *textReader) *protobuf.ScannerSubscriptionRequest {
	m := &protobuf.ScannerSubscriptionRequest{ReqId: r.requestID()}
	s := &protobuf.ScannerSubscription{
		NumberOfRows: r.optInt(), Instrument: r.optStr(), LocationCode: r.optStr(), ScanCode: r.optStr(),
		AbovePrice: r.optFloat(), BelowPrice: r.optFloat(),
	}
	if v := r.optInt(); v != nil {
		s.AboveVolume = proto.Int64(int64(*v))
	}
	for range 2 { // market value
		r.optFloat()
	}
	for range 6 { // ratings and maturity
		r.str()
	}
	for range 2 { // coupon
		r.optFloat()
	}
	r.bool() // convertible bonds
	r.optInt()
	r.str()
	r.str()
	r.tagValues()
	r.tagValues()
	m.ScannerSubscription = s
	return m
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
func cancelScan(_ *Gateway, c *conn, _ *request, m *protobuf.CancelScannerSubscription) *requestError {
	id := m.GetReqId()
	if !c.scans[id] {
		return nil
	}
	delete(c.scans, id)
	return historyError(id, "API scanner subscription cancelled: "+strconv.Itoa(int(id)))
}

// scan ranks the stocks once. Losers come in the other order than gainers; all other scans go by volume.
func (g *Gateway) scan(c *conn, _ *request, m *protobuf.ScannerSubscriptionRequest) *requestError {
	if g.upstreamLost {
		return notConnected(m.GetReqId())
	}
	s := m.GetScannerSubscription()
	if c.scans[m.GetReqId()] {
		return duplicateID(m.GetReqId())
	}
	if s.GetScanCode() == "" {
		return historyError(m.GetReqId(), "invalid scan code")
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
			Rank: proto.Int32(int32(i)), Contract: &q.in.contract, MarketName: q.in.contract.TradingClass,
			Distance: proto.String(""), Benchmark: proto.String(""), Projection: proto.String(""),
			ComboKey: proto.String(""),
		})
	}
	c.scans[m.GetReqId()] = true
	c.sendLocked(answer)
	return nil
}
