package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// reference is what clients look up once: symbols, option chains, exchanges, account families.
var reference = subject{
	requests: map[int]*requestKind{
		78: requestAs("reqSecDefOptParams", verProtoRest2, func(r *textReader) *protobuf.SecDefOptParamsRequest {
			return &protobuf.SecDefOptParamsRequest{
				ReqId: r.requestID(), UnderlyingSymbol: r.optStr(), FutFopExchange: r.optStr(),
				UnderlyingSecType: r.optStr(), UnderlyingConId: r.optInt(),
			}
		}, (*Gateway).optionChains),
		79: requestAs("reqSoftDollarTiers", verProtoRest2, func(r *textReader) *protobuf.SoftDollarTiersRequest {
			return &protobuf.SoftDollarTiersRequest{ReqId: r.requestID()}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.SoftDollarTiersRequest) *requestError {
			c.sendLocked(&protobuf.SoftDollarTiers{ReqId: m.ReqId}) // none, as of every account without an agreement
			return nil
		}),
		80: requestAs("reqFamilyCodes", verProtoRest2, func(*textReader) *protobuf.FamilyCodesRequest {
			return &protobuf.FamilyCodesRequest{}
		}, familyCodes),
		81: requestAs("reqMatchingSymbols", verProtoRest2, func(r *textReader) *protobuf.MatchingSymbolsRequest {
			return &protobuf.MatchingSymbolsRequest{ReqId: r.requestID(), Pattern: r.optStr()}
		}, (*Gateway).matchingSymbols),
		82: requestAs("reqMktDepthExchanges", verProtoRest3, func(*textReader) *protobuf.MarketDepthExchangesRequest {
			return &protobuf.MarketDepthExchangesRequest{}
		}, func(_ *Gateway, c *conn, _ *request, _ *protobuf.MarketDepthExchangesRequest) *requestError {
			c.sendLocked(&protobuf.MarketDepthExchanges{DepthMarketDataDescriptions: depthExchanges()})
			return nil
		}),
		83: requestAs("reqSmartComponents", verProtoRest2, func(r *textReader) *protobuf.SmartComponentsRequest {
			return &protobuf.SmartComponentsRequest{ReqId: r.requestID(), BboExchange: r.optStr()}
		}, (*Gateway).smartComponents),
		104: requestAs("reqUserInfo", verProtoRest2, func(r *textReader) *protobuf.UserInfoRequest {
			return &protobuf.UserInfoRequest{ReqId: r.requestID()}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.UserInfoRequest) *requestError {
			c.sendLocked(&protobuf.UserInfo{ReqId: m.ReqId, WhiteBrandingId: proto.String("")})
			return nil
		}),
	},
	replies: map[protoreflect.Name]reply{
		"SecDefOptParameter": replyAs(75, verProtoRest2, func(t *textWriter, m *protobuf.SecDefOptParameter) {
			t.int(int64(m.GetReqId()))
			t.str(m.GetExchange())
			t.int(int64(m.GetUnderlyingConId()))
			t.strs(m.GetTradingClass(), m.GetMultiplier())
			t.int(int64(len(m.GetExpirations())))
			t.strs(m.GetExpirations()...)
			t.int(int64(len(m.GetStrikes())))
			for _, s := range m.GetStrikes() {
				t.float(s)
			}
		}),
		"SecDefOptParameterEnd": replyAs(76, verProtoRest2, func(t *textWriter, m *protobuf.SecDefOptParameterEnd) {
			t.int(int64(m.GetReqId()))
		}),
		"SoftDollarTiers": replyAs(77, verProtoRest2, func(t *textWriter, m *protobuf.SoftDollarTiers) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetSoftDollarTiers())))
			for _, tier := range m.GetSoftDollarTiers() {
				t.strs(tier.GetName(), tier.GetValue(), tier.GetDisplayName())
			}
		}),
		"FamilyCodes": replyAs(78, verProtoRest2, func(t *textWriter, m *protobuf.FamilyCodes) {
			t.int(int64(len(m.GetFamilyCodes())))
			for _, f := range m.GetFamilyCodes() {
				t.strs(f.GetAccountId(), f.GetFamilyCode())
			}
		}),
		"SymbolSamples": replyAs(79, verProtoRest2, func(t *textWriter, m *protobuf.SymbolSamples) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetContractDescriptions())))
			for _, d := range m.GetContractDescriptions() {
				c := d.GetContract()
				t.int(int64(c.GetConId()))
				t.strs(c.GetSymbol(), c.GetSecType(), c.GetPrimaryExch(), c.GetCurrency())
				t.int(int64(len(d.GetDerivativeSecTypes())))
				t.strs(d.GetDerivativeSecTypes()...)
				t.strs(c.GetDescription(), c.GetIssuerId())
			}
		}),
		"MarketDepthExchanges": replyAs(80, verProtoRest3, func(t *textWriter, m *protobuf.MarketDepthExchanges) {
			t.int(int64(len(m.GetDepthMarketDataDescriptions())))
			for _, d := range m.GetDepthMarketDataDescriptions() {
				t.strs(d.GetExchange(), d.GetSecType(), d.GetListingExch(), d.GetServiceDataType())
				t.optInt(d.AggGroup)
			}
		}),
		"SmartComponents": replyAs(82, verProtoRest2, func(t *textWriter, m *protobuf.SmartComponents) {
			t.int(int64(m.GetReqId()))
			t.int(int64(len(m.GetSmartComponents())))
			for _, s := range m.GetSmartComponents() {
				t.int(int64(s.GetBitNumber()))
				t.strs(s.GetExchange(), s.GetExchangeLetter())
			}
		}),
		"UserInfo": replyAs(107, verProtoRest2, func(t *textWriter, m *protobuf.UserInfo) {
			t.int(int64(m.GetReqId()))
			t.str(m.GetWhiteBrandingId())
		}),
	},
}

// familyCodes is the answer to an account that belongs to no family: a star.
func familyCodes(_ *Gateway, c *conn, _ *request, _ *protobuf.FamilyCodesRequest) *requestError {
	c.sendLocked(&protobuf.FamilyCodes{
		FamilyCodes: []*protobuf.FamilyCode{{AccountId: proto.String("*"), FamilyCode: proto.String("")}},
	})
	return nil
}

// maxSamples is how many symbols a gateway lists at most.
const maxSamples = 16

// matchingSymbols lists the stocks whose symbol or name begins with a pattern.
func (g *Gateway) matchingSymbols(c *conn, _ *request, m *protobuf.MatchingSymbolsRequest) *requestError {
	answer, pattern := &protobuf.SymbolSamples{ReqId: m.ReqId}, strings.ToUpper(strings.TrimSpace(m.GetPattern()))
	for _, q := range g.quotes {
		symbol := q.in.contract.GetSymbol()
		if pattern == "" || q.in.secType() != "STK" || len(answer.ContractDescriptions) == maxSamples ||
			!strings.HasPrefix(symbol, pattern) && !strings.HasPrefix(strings.ToUpper(q.in.name), pattern) {
			continue
		}
		d := &protobuf.ContractDescription{Contract: &protobuf.Contract{
			ConId: q.in.contract.ConId, Symbol: &symbol, SecType: proto.String("STK"),
			PrimaryExch: q.in.contract.PrimaryExch,
			Currency:    q.in.contract.Currency, Description: &q.in.name, IssuerId: proto.String(""),
		}}
		if q.in.contract.GetCurrency() == "USD" {
			d.DerivativeSecTypes = []string{"CFD", "OPT", "IOPT", "WAR", "BAG"}
		}
		answer.ContractDescriptions = append(answer.ContractDescriptions, d)
	}
	c.sendLocked(answer)
	return nil
}

var (
	stockOptionExchanges = []string{
		"SMART", "BATS", "BOX", "CBOE", "EDGX", "EMERALD", "ISE", "MEMX", "PEARL", "PHLX", "PSE",
	}
	depthByExchange = [][3]string{
		{"ISLAND", "STK", "Deep2"},
		{"ARCA", "STK", "Deep2"},
		{"NYSE", "STK", "Deep2"},
		{"BATS", "STK", "Deep2"},
		{"IEX", "STK", "Deep2"},
		{"IDEALPRO", "CASH", "Deep"},
		{"CME", "FUT", "Deep"},
	}
	// The exchange behind each bit of a quote's exchanges, and its letter.
	smartLetters = [][2]string{
		{"AMEX", "A"},
		{"BEX", "B"},
		{"NYSENAT", "C"},
		{"FINRA", "D"},
		{"ISE", "I"},
		{"EDGEA", "J"},
		{"DRCTEDGE", "K"},
		{"CHX", "M"},
		{"ARCA", "P"},
		{"NASDAQ", "Q"},
		{"IEX", "V"},
		{"T24X", "G"},
		{"PSX", "X"},
		{"BYX", "Y"},
		{"BATS", "Z"},
		{"NYSE", "N"},
		{"LTSE", "L"},
		{"MEMX", "U"},
		{"PEARL", "H"},
		{"TXSE", "F"},
	}
)

func depthExchanges() (all []*protobuf.DepthMarketDataDescription) {
	for _, e := range depthByExchange {
		all = append(all, &protobuf.DepthMarketDataDescription{
			Exchange: &e[0], SecType: &e[1], ListingExch: proto.String(""), ServiceDataType: &e[2],
			AggGroup: proto.Int32(2147483647),
		})
	}
	return all
}

// bboExchange is the key that market data name; it stands for the exchanges of smart components.
const bboExchange = "9c0001"

func (g *Gateway) smartComponents(c *conn, _ *request, m *protobuf.SmartComponentsRequest) *requestError {
	answer := &protobuf.SmartComponents{ReqId: m.ReqId}
	if m.GetBboExchange() == bboExchange {
		for i, e := range smartLetters {
			answer.SmartComponents = append(answer.SmartComponents, &protobuf.SmartComponent{
				BitNumber: proto.Int32(int32(i)), Exchange: &e[0], ExchangeLetter: &e[1],
			})
		}
	}
	c.sendLocked(answer)
	return nil
}

// optionChains lists the options on a stock, or on the futures of an exchange, and ends the list. Of what is not
// simulated it lists nothing.
func (g *Gateway) optionChains(c *conn, _ *request, m *protobuf.SecDefOptParamsRequest) *requestError {
	for _, q := range g.quotes {
		in := q.in
		if in.conID() != m.GetUnderlyingConId() || !strings.EqualFold(in.contract.GetSymbol(),
			m.GetUnderlyingSymbol()) ||
			in.secType() != m.GetUnderlyingSecType() || in.contract.GetCurrency() != "USD" {
			continue
		}
		var exchanges []string
		chain := &protobuf.SecDefOptParameter{
			ReqId: m.ReqId, UnderlyingConId: m.UnderlyingConId, TradingClass: in.contract.Symbol,
			Multiplier: proto.String("100"),
			Strikes:    strikes(in.start),
		}
		switch e := m.GetFutFopExchange(); {
		case in.secType() == "STK" && e == "":
			exchanges, chain.Expirations = stockOptionExchanges, fridays(g.nowLocked().In(g.zone))
		case in.secType() == "FUT" && (e == "" || in.tradesOn(e)):
			exchanges = []string{in.contract.GetExchange()}
			chain.Expirations = []string{in.contract.GetLastTradeDateOrContractMonth()}
			chain.Multiplier = proto.String(multiplierText(&in.contract))
		}
		for _, e := range exchanges {
			one := proto.CloneOf(chain)
			one.Exchange = &e
			c.queueLocked(one)
		}
	}
	c.sendLocked(&protobuf.SecDefOptParameterEnd{ReqId: m.ReqId})
	return nil
}

// fridays are the expirations of the options on a stock: the next four weeks, and the third Friday of a year's months.
func fridays(now time.Time) (all []string) {
	day := now.AddDate(0, 0, (int(time.Friday)-int(now.Weekday())+7)%7)
	for week := range 53 {
		if week < 4 || day.Day() >= 15 && day.Day() <= 21 {
			all = append(all, day.Format("20060102"))
		}
		day = day.AddDate(0, 0, 7)
	}
	return all
}

// strikes are twenty prices on either side of a price, at an even distance of about 1 % of it.
func strikes(price float64) (all []float64) {
	step := 1.0
	for _, s := range []float64{1, 2.5, 5, 10, 25, 50, 100, 250} {
		if s <= price/80 {
			step = s
		}
	}
	middle := float64(int(price/step)) * step
	for i := -20; i <= 20; i++ {
		if s := middle + float64(i)*step; s > 0 {
			all = append(all, s)
		}
	}
	return slices.Clip(all)
}
