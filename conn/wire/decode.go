package wire

import (
	"strings"

	"github.com/scmhub/ibapi/protobuf"
)

// This file decodes the messages of which there are few, by way of the generated types. Numbers that Gateway leaves out
// are 0; those that it writes as text are NaN then.

// Order is what Gateway says of an order, done or not.
type Order struct {
	ID, Client, PermID, Parent int64 // ID is 0 for one that is done
	Ref, Symbol                string
	Action, Type               string // BUY, SELL; MKT, LMT, …
	Quantity, Filled           float64
	Limit, Aux, Percent        float64 // the greatest number there is stands for none
	Deactivated                bool
	Preview                    bool // asked for as one; nothing is ordered
	Status                     string
	CompletedStatus            string
	RejectReason               string
}

// OrderStatus is how an order stands.
type OrderStatus struct {
	ID, Client, PermID, Parent int64
	Status, WhyHeld            string
	Filled, Remaining, Average float64
}

// Execution is one execution of an order. Without an ID Gateway has said nothing of it.
type Execution struct {
	Request               int64
	ID, Ref, Symbol       string
	Order, Client, PermID int64
	Side                  string // BOT, SLD
	Shares, Total, Price  float64
	Time                  string // in Gateway's zone
}

// Commission is what an execution has cost.
type Commission struct {
	Execution string
	Amount    float64
	Currency  string
}

// ContractDetails is what Gateway knows of a contract.
type ContractDetails struct {
	Request    int64
	Contract   Contract
	Name       string
	MinTick    float64
	Exchanges  string  // valid ones, separated by commas
	Rules      string  // market rules, in the order of Exchanges
	Multiplier float64 // 0 if the contract has none
	Expiry     string  // YYYYMMDD or YYYYMM; empty if the contract has none
	Complete   bool    // Gateway has sent both the contract and its details
}

// MarketRule is the price steps of a market rule.
type MarketRule struct {
	Rule  int64
	Steps []PriceStep
}

// PriceStep is the distance between two prices, from a price on.
type PriceStep struct{ From, Step float64 }

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
		list, err := m.textInText()
		return accounts(list), err
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

// OrderStatus decodes a [MsgOrderStatus].
func (m Message) OrderStatus() (OrderStatus, error) {
	var p protobuf.OrderStatus
	err := m.decode(&p)
	return OrderStatus{
		ID: int64(p.GetOrderId()), Client: int64(p.GetClientId()),
		PermID: p.GetPermId(), Parent: int64(p.GetParentId()),
		Status: text(p.GetStatus()), WhyHeld: text(p.GetWhyHeld()),
		Filled: decimal(p.GetFilled()), Remaining: decimal(p.GetRemaining()), Average: p.GetAvgFillPrice(),
	}, err
}

// OpenOrder decodes a [MsgOpenOrder].
func (m Message) OpenOrder() (Order, error) {
	var p protobuf.OpenOrder
	err := m.decode(&p)
	o := order(p.GetContract(), p.GetOrder(), p.GetOrderState())
	o.ID = int64(p.GetOrderId())
	return o, err
}

// CompletedOrder decodes a [MsgCompletedOrder].
func (m Message) CompletedOrder() (Order, error) {
	var p protobuf.CompletedOrder
	err := m.decode(&p)
	return order(p.GetContract(), p.GetOrder(), p.GetOrderState()), err
}

func order(c *protobuf.Contract, o *protobuf.Order, state *protobuf.OrderState) Order {
	return Order{
		Client: int64(o.GetClientId()), PermID: o.GetPermId(), Parent: int64(o.GetParentId()),
		Ref: text(o.GetOrderRef()), Symbol: text(c.GetSymbol()),
		Action: text(o.GetAction()), Type: text(o.GetOrderType()),
		Quantity: decimal(o.GetTotalQuantity()), Filled: decimal(o.GetFilledQuantity()),
		Limit: o.GetLmtPrice(), Aux: o.GetAuxPrice(), Percent: o.GetTrailingPercent(),
		Deactivated: o.GetDeactivate(), Preview: o.GetWhatIf(),
		Status: text(state.GetStatus()), CompletedStatus: text(state.GetCompletedStatus()),
		RejectReason: text(state.GetRejectReason()),
	}
}

// Execution decodes a [MsgExecution].
func (m Message) Execution() (Execution, error) {
	var p protobuf.ExecutionDetails
	err := m.decode(&p)
	e := p.GetExecution()
	return Execution{
		Request: int64(p.GetReqId()), ID: text(e.GetExecId()),
		Ref: text(e.GetOrderRef()), Symbol: text(p.GetContract().GetSymbol()),
		Order: int64(e.GetOrderId()), Client: int64(e.GetClientId()), PermID: e.GetPermId(), Side: text(e.GetSide()),
		Shares: decimal(e.GetShares()), Total: decimal(e.GetCumQty()), Price: e.GetPrice(), Time: text(e.GetTime()),
	}, err
}

// Commission decodes a [MsgCommission].
func (m Message) Commission() (Commission, error) {
	var p protobuf.CommissionAndFeesReport
	err := m.decode(&p)
	return Commission{
		Execution: text(p.GetExecId()), Amount: p.GetCommissionAndFees(),
		Currency: text(p.GetCurrency()),
	}, err
}

// ContractDetails decodes a [MsgContractDetails].
func (m Message) ContractDetails() (ContractDetails, error) {
	var p protobuf.ContractData
	err := m.decode(&p)
	c, d := p.GetContract(), p.GetContractDetails()
	return ContractDetails{
		Request: int64(p.GetReqId()), Complete: c != nil && d != nil,
		Contract: Contract{
			ConID: int64(c.GetConId()), Symbol: text(c.GetSymbol()), Type: text(c.GetSecType()),
			Exchange: text(c.GetExchange()), Primary: text(c.GetPrimaryExch()),
			Currency: text(c.GetCurrency()), Local: text(c.GetLocalSymbol()),
		},
		Name: text(d.GetLongName()), MinTick: decimal(d.GetMinTick()),
		Exchanges: list(d.GetValidExchanges()), Rules: list(d.GetMarketRuleIds()),
		Multiplier: c.GetMultiplier(), Expiry: expiry(text(c.GetLastTradeDateOrContractMonth())),
	}, err
}

// expiry returns the day or month of a last trade date, behind which a time and a zone may stand.
func expiry(date string) string {
	if at := strings.IndexAny(date, " -"); at >= 0 {
		date = date[:at]
	}
	return date
}

// MarketRule decodes a [MsgMarketRule].
func (m Message) MarketRule() (MarketRule, error) {
	var p protobuf.MarketRule
	err := m.decode(&p)
	r := MarketRule{Rule: int64(p.GetMarketRuleId())}
	for _, s := range p.GetPriceIncrements() {
		r.Steps = append(r.Steps, PriceStep{From: s.GetLowEdge(), Step: s.GetIncrement()})
	}
	return r, err
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
	LocalOnly    *bool    // take connections from this computer alone
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
	c.ReadOnly, c.LocalOnly, c.Resubmit = api.ReadOnlyApi, api.AllowLocalhostOnly, api.MaintainAndResubmitOrdersOnReconnect
	kept := min(len(api.GetTrustedIPs()), maxTrusted)
	for _, address := range api.GetTrustedIPs()[:kept] {
		c.Trusted = append(c.Trusted, text(address))
	}
	c.TrustedMore = len(api.GetTrustedIPs()) - kept
	return c, err
}
