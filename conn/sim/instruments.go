package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// instrument is one contract the simulated gateway knows.
type instrument struct {
	contract *protobuf.Contract
	name     string
	isin     string // of stocks
	rule     int32  // number of its market rule
	minSize  string
	start    float64 // opening mid price
	pence    bool    // its prices are hundredths of its currency
	expiry   time.Time
	under    *instrument // of a CFD: the stock whose market it has
}

// stock ids and names as IBKR lists them; prices are only plausible.
var stocks = []struct {
	conID                  int32
	symbol, primary, title string
	price                  float64
	isin                   string
}{
	{265598, "AAPL", "NASDAQ", "APPLE INC", 230, "US0378331005"},
	{272093, "MSFT", "NASDAQ", "MICROSOFT CORP", 430, "US5949181045"},
	{756733, "SPY", "ARCA", "SS SPDR S&P 500 ETF TRUST-US", 590, "US78462F1030"},
	{76792991, "TSLA", "NASDAQ", "TESLA INC", 340, "US88160R1014"},
	{4815747, "NVDA", "NASDAQ", "NVIDIA CORP", 140, "US67066G1040"},
	{3691937, "AMZN", "NASDAQ", "AMAZON.COM INC", 200, "US0231351067"},
	{208813720, "GOOG", "NASDAQ", "ALPHABET INC-CL C", 178, "US02079K1079"},
	{107113386, "META", "NASDAQ", "META PLATFORMS INC-CLASS A", 560, "US30303M1027"},
	{320227571, "QQQ", "NASDAQ", "INVESCO QQQ TRUST SERIES 1", 505, "US46090E1038"},
	{8314, "IBM", "NYSE", "INTL BUSINESS MACHINES CORP", 220, "US4592001014"},
	{4762, "BA", "NYSE", "BOEING CO/THE", 150, "US0970231058"},
	{1520593, "JPM", "NYSE", "JPMORGAN CHASE & CO", 245, "US46625H1005"},
	{13977, "XOM", "NYSE", "EXXON MOBIL CORP", 120, "US30231G1022"},
	{8894, "KO", "NYSE", "COCA-COLA CO/THE", 64, "US1912161007"},
	{9579970, "IWM", "ARCA", "ISHARES RUSSELL 2000 ETF", 235, "US4642876555"},
	{4391, "AMD", "NASDAQ", "ADVANCED MICRO DEVICES", 138, "US0079031078"},
}

var currencyPairs = []struct {
	conID         int32
	base, against string
	price         float64
	rule          int32
}{
	{12087792, "EUR", "USD", 1.0850, ruleCurrency},
	{12087797, "GBP", "USD", 1.2650, ruleCurrency},
	{14433401, "AUD", "USD", 0.6510, ruleCurrency},
	{15016059, "USD", "JPY", 154.50, ruleYen},
	{12087820, "USD", "CHF", 0.8850, ruleCurrency},
}

const (
	smartExchanges = "SMART,NYSE,NASDAQ,ARCA,ISLAND,BATS,IEX,DRCTEDGE"
	stockOrders    = "ACTIVETIM,ADJUST,ALLOC,DAY,GTC,IOC,LIT,LMT,LOC,MIT,MKT,MOC,STP,STPLMT,TRAIL,WHATIF"
)

// newContract is a contract that is listed on an exchange, or on none that is named, and ordered through another one.
func newContract(id int32, symbol, secType, exchange, listed, currency, local, class string) *protobuf.Contract {
	c := &protobuf.Contract{
		ConId: &id, Symbol: &symbol, SecType: &secType, Exchange: &exchange, Currency: &currency, LocalSymbol: &local,
		TradingClass: &class,
	}
	if listed != "" {
		c.PrimaryExch = &listed
	}
	return c
}

// newInstruments returns all contracts. Futures are the next three quarterly months seen from now; a month keeps
// its contract id for ever.
func newInstruments(now time.Time) []*instrument {
	var all []*instrument
	for _, s := range stocks {
		all = append(all, &instrument{
			contract: newContract(s.conID, s.symbol, "STK", "SMART", s.primary, "USD", s.symbol, "NMS"),
			name:     s.title, rule: ruleUSStocks, minSize: "0.0001", start: s.price, isin: s.isin,
		})
	}
	// A second listing, so that a request without currency is ambiguous, as it is on the real gateway.
	all = append(all, &instrument{
		contract: newContract(38708077, "IBM", "STK", "MEXI", "MEXI", "MXN", "IBM", "IBM"),
		name:     "INTL BUSINESS MACHINES CORP", rule: ruleMexico, minSize: "1", start: 4400, isin: "US4592001014",
	}, &instrument{ // the distance between its prices is not the same everywhere
		contract: newContract(13905511, "7203", "STK", "TSEJ", "TSEJ", "JPY", "7203", "7203.T"),
		name:     "TOYOTA MOTOR CORP", rule: ruleTokyo, minSize: "100", start: 2990, isin: "JP3633400001",
	}, &instrument{
		contract: newContract(35151400, "GAW", "STK", "SMART", "LSE", "GBP", "GAW", "GAW"),
		name:     "GAMES WORKSHOP GROUP PLC", rule: ruleLondon, minSize: "1", start: 4294, isin: "GB0003718474",
		pence: true,
	})
	for _, p := range currencyPairs {
		name := p.base + "." + p.against
		all = append(all, &instrument{
			contract: newContract(p.conID, p.base, "CASH", "IDEALPRO", "", p.against, name, name),
			name:     name, rule: p.rule, minSize: "0.01", start: p.price,
		})
	}
	all = append(all, futures(now, "ES", "E-mini S&P 500", 495512500, 50, 5900)...)
	apple := all[0]
	all = append(all, &instrument{
		contract: newContract(118089500, "AAPL", "CFD", "SMART", "", "USD", "AAPL", "AAPL"), name: apple.name,
		rule: apple.rule, minSize: "1", start: apple.start, under: apple,
	})
	return append(all, futures(now, "NQ", "E-mini NASDAQ 100", 515416600, 20, 20600)...)
}

func futures(now time.Time, symbol, name string, firstID int32, multiplier, price float64) []*instrument {
	var all []*instrument
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for len(all) < 3 {
		expiry := month.AddDate(0, 0, (int(time.Friday)-int(month.Weekday())+7)%7+14) // third Friday
		if month.Month()%3 == 0 && expiry.After(now) {
			id := firstID + int32((month.Year()-2020)*4+int(month.Month())/3)
			local := symbol + string("HMUZ"[month.Month()/3-1]) + strconv.Itoa(month.Year()%10)
			c := newContract(id, symbol, "FUT", "CME", "", "USD", local, symbol)
			c.LastTradeDateOrContractMonth, c.Multiplier = new(expiry.Format("20060102")), &multiplier
			all = append(all, &instrument{
				contract: c, name: name, rule: ruleFutures, minSize: "1", start: price, expiry: expiry,
			})
		}
		month = month.AddDate(0, 1, 0)
	}
	return all
}

// magnifier is how many of its prices are one of its currency.
func (in *instrument) magnifier() float64 {
	if in.pence {
		return 100
	}
	return 1
}

func (in *instrument) conID() int32 { return in.contract.GetConId() }

// label is the symbol people use on the control port: AAPL, EUR.USD, ESZ6.
func (in *instrument) label() string { return in.contract.GetLocalSymbol() }

func (in *instrument) secType() string { return in.contract.GetSecType() }

// matches reports whether the contract a client described may mean in.
func (in *instrument) matches(want *protobuf.Contract) bool {
	c, id := in.contract, want.GetConId()
	if id != 0 && id != c.GetConId() {
		return false
	}
	if s := want.GetLocalSymbol(); s != "" && !strings.EqualFold(s, c.GetLocalSymbol()) {
		return false
	}
	if id := want.GetSecId(); id != "" && (want.GetSecIdType() != "ISIN" || id != in.isin) {
		return false
	}
	if s := want.GetSymbol(); s == "" && id == 0 && want.GetLocalSymbol() == "" && want.GetSecId() == "" || s != "" &&
		!strings.EqualFold(s, c.GetSymbol()) {
		return false
	}
	if t, is := want.GetSecType(), c.GetSecType(); t != is && (t != "" || id == 0) && (t != contFut || is != "FUT") {
		return false
	}
	if s := want.GetCurrency(); s != "" && s != c.GetCurrency() {
		return false
	}
	if s := want.GetLastTradeDateOrContractMonth(); s != "" && !strings.HasPrefix(c.GetLastTradeDateOrContractMonth(),
		s) {
		return false
	}
	if want.Multiplier != nil && want.GetMultiplier() != 0 && want.GetMultiplier() != c.GetMultiplier() {
		return false
	}
	return in.tradesOn(want.GetExchange()) && in.tradesOn(want.GetPrimaryExch())
}

func (in *instrument) tradesOn(exchange string) bool {
	switch {
	case exchange == "", exchange == "BEST", exchange == in.contract.GetExchange(),
		exchange == in.contract.GetPrimaryExch():
		return true
	case exchange == "SMART" && in.secType() == "STK": // also where it has one exchange alone
		return true
	case in.secType() == "STK" && in.contract.GetCurrency() == "USD":
		return strings.Contains(","+smartExchanges+",IBKRATS,OVERNIGHT,", ","+exchange+",")
	case in.secType() == "FUT":
		return exchange == "GLOBEX" // its old name
	}
	return false
}

func (in *instrument) details(reqID int32, day time.Time) *protobuf.ContractData {
	c := proto.CloneOf(in.contract)
	d := &protobuf.ContractDetails{
		MarketName: new(in.contract.GetTradingClass()), MinTick: new(formatFloat(in.minTick())),
		OrderTypes: new(stockOrders), PriceMagnifier: new(int32(in.magnifier())), LongName: &in.name,
		TimeZoneId: new("US/Eastern"), TradingHours: new(hours(day, "0400", "2000")),
		LiquidHours: new(hours(day, "0930", "1600")),
		MinSize:     &in.minSize, SizeIncrement: &in.minSize, SuggestedSizeIncrement: &in.minSize,
		AggGroup: proto.Int32(1),
	}
	switch in.secType() {
	case "STK":
		if in.isin != "" {
			d.SecIdList = map[string]string{"ISIN": in.isin}
		}
		d.StockType = new("COMMON")
		d.SuggestedSizeIncrement = new("100")
		d.ValidExchanges = new(smartExchanges)
		d.Industry, d.Category, d.Subcategory = new("Technology"), new("Computers"),
			new("Computers")
		if in.contract.GetCurrency() != "USD" {
			d.ValidExchanges = new("SMART," + in.contract.GetPrimaryExch())
		}
	case "CASH":
		d.ValidExchanges = new("IDEALPRO")
		d.TradingHours = new(overnight(day, "1715", "1700"))
		d.LiquidHours = d.TradingHours
	case "FUT":
		d.ValidExchanges = new("CME")
		d.TimeZoneId = new("US/Central")
		d.TradingHours = new(overnight(day, "1700", "1600"))
		d.LiquidHours = new(hours(day, "0830", "1600"))
		d.ContractMonth = new(in.expiry.Format("200601"))
		d.RealExpirationDate = new(in.expiry.Format("20060102"))
		d.UnderSymbol, d.UnderSecType, d.UnderConId = in.contract.Symbol, new("IND"), proto.Int32(11004968)
		d.AggGroup = proto.Int32(2147483647)
		c.LastTradeDate = new(in.expiry.Format("20060102"))
	}
	d.MarketRuleIds = in.ruleIDs(d.GetValidExchanges())
	return &protobuf.ContractData{ReqId: &reqID, Contract: c, ContractDetails: d}
}

// hours writes trading hours for five days from day on, weekends closed, as contract details carry them.
func hours(day time.Time, open, end string) string {
	var parts []string
	for range 5 {
		d := day.Format("20060102")
		if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
			parts = append(parts, d+":CLOSED")
		} else {
			parts = append(parts, fmt.Sprintf("%s:%s-%s:%s", d, open, d, end))
		}
		day = day.AddDate(0, 0, 1)
	}
	return strings.Join(parts, ";")
}

// overnight writes trading hours that begin in the evening and end on the next day, from the session that day belongs
// to.
func overnight(day time.Time, open, end string) string {
	var parts []string
	for at := range 6 {
		first := day.AddDate(0, 0, at-1)
		switch d := first.Format("20060102"); first.Weekday() {
		case time.Saturday:
			parts = append(parts, d+":CLOSED")
		case time.Friday: // ends with the session that has begun on Thursday
		default:
			parts = append(parts, fmt.Sprintf("%s:%s-%s:%s", d, open, first.AddDate(0, 0, 1).Format("20060102"), end))
		}
	}
	return strings.Join(parts, ";")
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
