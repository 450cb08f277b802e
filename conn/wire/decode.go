package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
)

// This file decodes the messages of which there are few, by way of the generated types. Numbers that Gateway leaves out
// are 0, and so are those that stand for none.

// Error is what Gateway says with a code, of a request or an order, or of neither.
type Error struct {
	Request int64 // or order; -1 for none
	Code    int
	Text    string
}

// Error decodes a [MsgError].
func (m Message) Error() (Error, error) {
	if m.inText {
		return m.errorInText()
	}
	var p protobuf.ErrorMessage
	err := m.decode(&p)
	return Error{Request: int64(p.GetId()), Code: int(p.GetErrorCode()), Text: text(p.GetErrorMsg())}, err
}

// NextValidID decodes a [MsgNextValidID]: the lowest order id that may be used.
func (m Message) NextValidID() (int64, error) {
	if m.inText {
		return m.numberInText()
	}
	var p protobuf.NextValidId
	err := m.decode(&p)
	return int64(p.GetOrderId()), err
}

// ManagedAccounts decodes a [MsgManagedAccounts].
func (m Message) ManagedAccounts() ([]string, error) {
	if m.inText {
		f, err := m.fields(2)
		return accounts(f[1]), err
	}
	var p protobuf.ManagedAccounts
	err := m.decode(&p)
	return accounts(p.GetAccountsList()), err
}

// CurrentTime decodes a [MsgCurrentTime]: Gateway's time, in seconds since 1970.
func (m Message) CurrentTime() (int64, error) {
	if m.inText {
		return m.numberInText()
	}
	var p protobuf.CurrentTime
	err := m.decode(&p)
	return p.GetCurrentTime(), err
}

// End decodes the end of an answer: the number of its request, 0 where it has none.
func (m Message) End() (request int64, err error) {
	var p protobuf.ExecutionDetailsEnd // the ends of the other answers have the same field, or none
	err = m.decode(&p)
	return int64(p.GetReqId()), err
}

// Config is what Gateway says of its settings, as far as there is a use for it. Each part may be missing.
type Config struct {
	Request      int64
	LogoffTime   string   // such as 11:45, on Gateway's clock
	LogoffPeriod string   // AM, PM
	LogoffType   string   // restart, logoff
	Port         int64    // of its API; 0 if it is missing
	ReadOnly     *bool    // of its API; nil if it is missing, like those below
	Resubmit     *bool    // keep orders while IBKR is not connected, and send them again
	LocalOnly    *bool    // take connections only from Gateway's computer
	Trusted      []string // addresses, at most maxTrusted
	TrustedMore  int      // how many more there were
}

// maxTrusted bounds the addresses that are kept.
const maxTrusted = 64

// Config decodes a [MsgConfig].
func (m Message) Config() (Config, error) {
	var p protobuf.ConfigResponse
	err := m.decode(&p)
	exit, api := p.GetLockAndExit(), p.GetApi().GetSettings()
	c := Config{
		Request:    int64(p.GetReqId()),
		LogoffTime: text(exit.GetAutoLogoffTime()), LogoffPeriod: text(exit.GetAutoLogoffPeriod()),
		LogoffType: text(exit.GetAutoLogoffType()), Port: int64(api.GetSocketPort()),
	}
	if api == nil {
		return c, err
	}
	c.ReadOnly, c.LocalOnly, c.Resubmit = api.ReadOnlyApi, api.AllowLocalhostOnly,
		api.MaintainAndResubmitOrdersOnReconnect
	kept := min(len(api.GetTrustedIPs()), maxTrusted)
	for _, address := range api.GetTrustedIPs()[:kept] {
		c.Trusted = append(c.Trusted, text(address))
	}
	c.TrustedMore = len(api.GetTrustedIPs()) - kept
	return c, err
}

// Details is what Gateway knows of a contract.
type Details struct {
	Contract Contract // named in full
	Name     string   // in words, such as APPLE INC
	MinTick  float64  // least step between two prices, whatever they are; 0 where Gateway names none
	Rule     int64    // number of the market rule at the contract's exchange; 0 where Gateway names none
	// what one point of the price is worth in the contract's currency; 0 for a future or option with none named
	Multiplier float64
	// Magnifier is which price stands for one of the currency: 100 where prices are in pence or cents, mostly 1.
	// Gateway counts multiplier, least step and market rule in the currency, but ticks and orders in prices.
	Magnifier float64
	Expiry    string // last trading day, YYYYMMDD, or month, YYYYMM; empty where there is none
}

// ContractDetails decodes a [MsgContractDetails] or a [MsgBondDetails]: the number of the request, and what is known of
// one contract; nil if Gateway has not sent both the contract and its details.
func (m Message) ContractDetails() (request int64, known *Details, err error) {
	var p protobuf.ContractData
	err = m.decode(&p)
	request = int64(p.GetReqId())
	c, d := p.GetContract(), p.GetContractDetails()
	if c == nil || d == nil {
		return request, nil, err
	}
	magnifier, multiplier := float64(max(1, d.GetPriceMagnifier())), Real(c.GetMultiplier())
	contract := contractOf(c)
	if multiplier <= 0 && !slices.Contains([]string{"FUT", "OPT", "FOP"}, contract.Type) { // it has none
		multiplier = 1
	}
	known = &Details{
		Contract: contract,
		Name:     text(d.GetLongName()), MinTick: max(0, number(d.GetMinTick())) * magnifier,
		Rule:       marketRule(text(c.GetExchange()), list(d.GetValidExchanges()), list(d.GetMarketRuleIds())),
		Multiplier: max(0, multiplier) / magnifier, Magnifier: magnifier,
	}
	known.Expiry, _, _ = strings.Cut(text(c.GetLastTradeDateOrContractMonth()), " ") // a time and a zone may follow
	known.Expiry, _, _ = strings.Cut(known.Expiry, "-")
	return request, known, err
}

func contractOf(c *protobuf.Contract) Contract {
	return Contract{
		ConID: int64(c.GetConId()), Symbol: text(c.GetSymbol()), Type: text(c.GetSecType()),
		Exchange: text(c.GetExchange()), Primary: text(c.GetPrimaryExch()),
		Currency: text(c.GetCurrency()), Local: text(c.GetLocalSymbol()),
	}
}

// marketRule returns the number of the market rule that holds at an exchange, 0 if that is not known. Both lists are
// separated by commas and belong together.
func marketRule(exchange, exchanges, rules string) (rule int64) {
	ids := strings.Split(rules, ",")
	at := slices.Index(strings.Split(exchanges, ","), exchange)
	if first := ids[0]; (at < 0 || at >= len(ids)) && !slices.ContainsFunc(ids, func(id string) bool {
		return id != first
	}) {
		at = 0 // it is the same everywhere
	}
	if at < 0 || at >= len(ids) {
		return 0
	}
	if _, err := fmt.Sscan(ids[at], &rule); err != nil {
		return 0
	}
	return rule
}

// PriceStep is the distance between two prices that a contract can have, from a price on. Those of a market rule are in
// the contract's currency; see [Details].
type PriceStep struct {
	From float64 `json:"from"`
	Step float64 `json:"step"`
}

// Reroute says that Gateway has no market data of a contract, such as a CFD on a stock, and where to ask for it
// instead.
type Reroute struct {
	Request  int64 // the one that was made; nothing comes of it
	ConID    int64 // of the underlying
	Exchange string
}

// Reroute decodes a [MsgReroute].
func (m Message) Reroute() (Reroute, error) {
	var p protobuf.RerouteMarketDataRequest
	err := m.decode(&p)
	return Reroute{int64(p.GetReqId()), int64(p.GetConId()), text(p.GetExchange())}, err
}

// MarketRule decodes a [MsgMarketRule]: its number, and the steps that can be used, in order.
func (m Message) MarketRule() (rule int64, steps []PriceStep, err error) {
	var p protobuf.MarketRule
	err = m.decode(&p)
	steps = []PriceStep{}
	for _, s := range p.GetPriceIncrements() {
		if one := (PriceStep{s.GetLowEdge(), s.GetIncrement()}); Real(one.Step) > 0 && Real(one.From) == one.From {
			steps = append(steps, one)
		}
	}
	slices.SortFunc(steps, func(a, b PriceStep) int { return cmp.Compare(a.From, b.From) })
	return int64(p.GetMarketRuleId()), steps, err
}

// Position is what an account holds of one instrument. What Gateway did not say, or not as a number, is nil.
type Position struct {
	Account     string
	Contract    Contract
	Quantity    *float64 // shares or contracts, below 0 if they are sold short; 0 says that the position is closed
	AverageCost *float64 // of one of them, with commissions and the multiplier
}

// Portfolio is a position with what it is worth, in the contract's currency.
type Portfolio struct {
	Position
	Value      *float64 // of all of it
	Unrealised *float64 // profit or loss
}

// Position decodes a [MsgPosition].
func (m Message) Position() (Position, error) {
	var p protobuf.Position
	err := m.decode(&p)
	return Position{
		Account: text(p.GetAccount()), Contract: contractOf(p.GetContract()),
		Quantity:    said(new(decimal(p.GetPosition()))),
		AverageCost: said(p.AvgCost),
	}, err
}

// Portfolio decodes a [MsgPortfolio].
func (m Message) Portfolio() (Portfolio, error) {
	var p protobuf.PortfolioValue
	err := m.decode(&p)
	return Portfolio{Position{
		Account: text(p.GetAccountName()), Contract: contractOf(p.GetContract()),
		Quantity: said(new(decimal(p.GetPosition()))), AverageCost: said(p.AverageCost),
	}, said(p.MarketValue), said(p.UnrealizedPNL)}, err
}

// said returns a number that Gateway has set, nil for one that stands for none.
func said(v *float64) *float64 {
	if v == nil || Real(*v) != *v {
		return nil
	}
	return v
}
