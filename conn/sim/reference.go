package sim

import (
	"math"
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
		78: requestAs("reqSecDefOptParams", verProtoRest2, inOrder(0), (*Gateway).optionChains),
		79: requestAs("reqSoftDollarTiers", verProtoRest2, inOrder(0),
			accepted(func(c *conn, m *protobuf.SoftDollarTiersRequest) {
				c.sendLocked(&protobuf.SoftDollarTiers{ReqId: m.ReqId}) // none: there is no agreement
			})),
		80: requestAs("reqFamilyCodes", verProtoRest2, inOrder(0), familyCodes),
		81: requestAs("reqMatchingSymbols", verProtoRest2, inOrder(0), (*Gateway).matchingSymbols),
		82: requestAs("reqMktDepthExchanges", verProtoRest3, inOrder(0), depthExchanges),
		83: requestAs("reqSmartComponents", verProtoRest2, inOrder(0), smartComponents),
		104: requestAs("reqUserInfo", verProtoRest2, inOrder(0),
			accepted(func(c *conn, m *protobuf.UserInfoRequest) {
				c.sendLocked(&protobuf.UserInfo{ReqId: m.ReqId, WhiteBrandingId: new("")})
			})),
	},
	replies: map[protoreflect.Name]reply{
		"SecDefOptParameter":    {75, verProtoRest2, inOrder(0)},
		"SecDefOptParameterEnd": {76, verProtoRest2, inOrder(0)},
		"SoftDollarTiers":       {77, verProtoRest2, inOrder(0)},
		"FamilyCodes":           {78, verProtoRest2, inOrder(0)},
		"SymbolSamples":         {79, verProtoRest2, formOf(symbolSamplesText)},
		"MarketDepthExchanges":  {80, verProtoRest3, inOrder(0)},
		"SmartComponents":       {82, verProtoRest2, inOrder(0)},
		"UserInfo":              {107, verProtoRest2, inOrder(0)},
	},
}

func symbolSamplesText(f *form, m *protobuf.SymbolSamples) {
	f.all(&m.ReqId)
	each(f, &m.ContractDescriptions, func(d *protobuf.ContractDescription) {
		c := part(f, &d.Contract)
		f.all(&c.ConId, &c.Symbol, &c.SecType, &c.PrimaryExch, &c.Currency, &d.DerivativeSecTypes, &c.Description,
			&c.IssuerId)
	})
}

// familyCodes is the answer to an account that belongs to no family: a star.
func familyCodes(_ *Gateway, c *conn, _ *protobuf.FamilyCodesRequest) *requestError {
	c.sendLocked(&protobuf.FamilyCodes{
		FamilyCodes: []*protobuf.FamilyCode{{AccountId: new("*"), FamilyCode: new("")}},
	})
	return nil
}

// maxSamples is how many symbols a gateway lists at most.
const maxSamples = 16

// matchingSymbols lists the stocks whose symbol or name begins with a pattern.
func (g *Gateway) matchingSymbols(c *conn, m *protobuf.MatchingSymbolsRequest) *requestError {
	answer, pattern := &protobuf.SymbolSamples{ReqId: m.ReqId}, strings.ToUpper(strings.TrimSpace(m.GetPattern()))
	for _, q := range g.quotes {
		symbol := q.in.contract.GetSymbol()
		if pattern == "" || q.in.secType() != "STK" || len(answer.ContractDescriptions) == maxSamples ||
			!strings.HasPrefix(symbol, pattern) && !strings.HasPrefix(strings.ToUpper(q.in.name), pattern) {
			continue
		}
		d := &protobuf.ContractDescription{Contract: &protobuf.Contract{
			ConId: q.in.contract.ConId, Symbol: &symbol, SecType: new("STK"),
			PrimaryExch: q.in.contract.PrimaryExch,
			Currency:    q.in.contract.Currency, Description: &q.in.name, IssuerId: new(""),
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

func depthExchanges(_ *Gateway, c *conn, _ *protobuf.MarketDepthExchangesRequest) *requestError {
	answer := &protobuf.MarketDepthExchanges{}
	for _, e := range depthByExchange {
		answer.DepthMarketDataDescriptions = append(answer.DepthMarketDataDescriptions,
			&protobuf.DepthMarketDataDescription{
				Exchange: &e[0], SecType: &e[1], ListingExch: new(""), ServiceDataType: &e[2],
				AggGroup: proto.Int32(math.MaxInt32),
			})
	}
	c.sendLocked(answer)
	return nil
}

// bboExchange is the key that market data name; it stands for the exchanges of smart components.
const bboExchange = "9c0001"

func smartComponents(_ *Gateway, c *conn, m *protobuf.SmartComponentsRequest) *requestError {
	answer := &protobuf.SmartComponents{ReqId: m.ReqId}
	if m.GetBboExchange() == bboExchange {
		for i, e := range smartLetters {
			answer.SmartComponents = append(answer.SmartComponents, &protobuf.SmartComponent{
				BitNumber: new(int32(i)), Exchange: &e[0], ExchangeLetter: &e[1],
			})
		}
	}
	c.sendLocked(answer)
	return nil
}

// optionChains lists the options on a stock, or on the futures of an exchange, and ends the list. Of what is not
// simulated it lists nothing.
func (g *Gateway) optionChains(c *conn, m *protobuf.SecDefOptParamsRequest) *requestError {
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
			Multiplier: new("100"),
			Strikes:    strikes(in.start),
		}
		switch e := m.GetFutFopExchange(); {
		case in.secType() == "STK" && e == "":
			exchanges, chain.Expirations = stockOptionExchanges, fridays(g.nowLocked().In(g.zone))
		case in.secType() == "FUT" && (e == "" || in.tradesOn(e)):
			exchanges = []string{in.contract.GetExchange()}
			chain.Expirations = []string{in.contract.GetLastTradeDateOrContractMonth()}
			chain.Multiplier = new(formatFloat(in.contract.GetMultiplier()))
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
