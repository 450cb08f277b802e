package sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// startCash is what an account begins with, in USD, unless the book says otherwise.
const startCash = 1_000_000.0

type positionKey struct {
	account string
	conID   int32
}

// position is what an account holds of one contract.
type position struct {
	key      positionKey
	q        *quote
	size     float64
	avgCost  float64 // per unit, without multiplier, with the commissions of what is still held
	realized float64
	carried  float64 // units held since before today, at the price at which the day began
	spent    float64 // on the rest today: what was bought less what was sold, with multiplier
}

// multiplier is what one point of a price is worth in the currency.
func multiplier(q *quote) float64 { return cmp.Or(q.in.contract.GetMultiplier(), 1) / q.in.magnifier() }

// trade books a signed quantity and its commission, and returns the profit of what it closed.
func (b *book) trade(account string, q *quote, size, price, fee float64) (pnl float64, closing bool) {
	if b.positions == nil {
		b.positions = map[positionKey]*position{}
	}
	key, m := positionKey{account, q.in.conID()}, multiplier(q)
	p := b.positions[key]
	if p == nil {
		p = &position{key: key, q: q}
		b.positions[key] = p
	}
	p.spent += size*price*m + fee
	if closing = p.size*size < 0; closing {
		closed := math.Min(math.Abs(size), math.Abs(p.size))
		share := fee * closed / math.Abs(size)
		pnl = round(closed*math.Copysign(1, p.size)*(price-p.avgCost)*m - share)
		p.realized += pnl
		fee -= share
	}
	held := p.size
	p.size = round(p.size + size)
	switch {
	case p.size == 0:
		p.avgCost = 0
	case held*p.size <= 0: // opened, or turned round
		p.avgCost = price + fee/m/p.size
	case !closing:
		p.avgCost = (p.avgCost*held + price*size + fee/m) / p.size
	}
	return pnl, closing
}

// sorted lists positions of an account, or of all for "", closed ones included: they carry realized profit.
func (b *book) sorted(account string) []*position {
	var all []*position
	for _, p := range b.positions {
		if account == "" || p.key.account == account {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y *position) int {
		return cmp.Or(strings.Compare(x.key.account, y.key.account), cmp.Compare(x.key.conID, y.key.conID))
	})
	return all
}

// holding lists positions that are not closed.
func (b *book) holding(account string) []*position {
	return slices.DeleteFunc(b.sorted(account), func(p *position) bool { return p.size == 0 })
}

// cash is what an account began with, in USD.
func (b *book) cash(account string) float64 {
	if c, ok := b.deposits[account]; ok {
		return c
	}
	return startCash
}

// value is what a position is worth now, in its currency.
func (p *position) value() float64 { return p.q.last * p.size * multiplier(p.q) }

// profit is what a position or an account has gained, in USD.
type profit struct{ daily, unrealized, realized, value float64 }

// profit returns the gains of one position.
func (p *position) profit(usd float64) profit {
	return profit{
		daily:      round((p.value() - p.carried*p.q.day.close*multiplier(p.q) - p.spent) * usd),
		unrealized: round((p.value() - p.avgCost*p.size*multiplier(p.q)) * usd),
		realized:   round(p.realized * usd),
		value:      round(p.value() * usd),
	}
}

// profitOf returns the gains of an account.
func (g *Gateway) profitOf(account string) (all profit) {
	for _, p := range g.book.sorted(account) {
		one := p.profit(g.usd(p.q))
		all.daily += one.daily
		all.unrealized += one.unrealized
		all.realized += one.realized
		all.value += one.value
	}
	return all
}

// usd is what one unit of an instrument's currency is worth in USD. A currency without a pair counts as much as a peso.
func (g *Gateway) usd(q *quote) float64 {
	currency := q.in.contract.GetCurrency()
	if currency == "USD" {
		return 1
	}
	for _, pair := range g.quotes {
		switch pair.in.label() {
		case currency + ".USD":
			return pair.last
		case "USD." + currency:
			return 1 / pair.last
		}
	}
	return 0.05
}

// marginRate is which part of its value a position ties up.
func (in *instrument) marginRate() float64 {
	switch in.secType() {
	case "CASH":
		return 0.03
	case "FUT":
		return 0.08
	}
	return 0.25
}

// margin is what an account's positions tie up, in USD, if more is bought of one instrument.
func (g *Gateway) margin(account string, q *quote, more float64) (all float64) {
	tied := func(q *quote, size float64) float64 {
		return math.Abs(size) * q.last * multiplier(q) * q.in.marginRate() * g.usd(q)
	}
	counted := false
	for _, p := range g.book.holding(account) {
		size := p.size
		if p.q == q {
			size += more
			counted = true
		}
		all += tied(p.q, size)
	}
	if q != nil && !counted {
		all += tied(q, more)
	}
	return all
}

// marginWith is what an account's positions tie up before and after an order fills, and what it has to offer.
func (g *Gateway) marginWith(account string, q *quote, action string, qty float64) (before, after, equity float64) {
	if action != "BUY" {
		qty = -qty
	}
	gains := g.profitOf(account)
	equity = round(g.book.cash(account) + gains.realized + gains.unrealized)
	return round(g.margin(account, nil, 0)), round(g.margin(account, q, qty)), equity
}

// values are an account's figures, in the order they are sent.
func (g *Gateway) values(account string) [][3]string {
	begun, gross := g.book.cash(account), 0.0
	cash := begun
	for _, p := range g.book.holding(account) {
		if p.q.in.secType() != "FUT" {
			rate := g.usd(p.q)
			cash -= p.avgCost * p.size * multiplier(p.q) * rate
			gross += math.Abs(p.value()) * rate
		}
	}
	gains := g.profitOf(account)
	cash += gains.realized
	net, tied := begun+gains.realized+gains.unrealized, g.margin(account, nil, 0)
	cushion := 1.0
	if net > 0 {
		cushion = (net - tied) / net
	}
	f := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	const usd = "USD"
	return [][3]string{
		{"AccountCode", account, ""},
		{"AccountType", "INDIVIDUAL", ""},
		{"AccountReady", "true", ""},
		{"Currency", usd, usd},
		{"NetLiquidation", f(net), usd},
		{"TotalCashValue", f(cash), usd},
		{"SettledCash", f(cash), usd},
		{"CashBalance", f(cash), usd},
		{"TotalCashBalance", f(cash), usd},
		{"AccruedCash", "0.00", usd},
		{"BuyingPower", f(math.Max(net-tied, 0) * 4), usd},
		{"EquityWithLoanValue", f(net), usd},
		{"GrossPositionValue", f(gross), usd},
		{"InitMarginReq", f(tied), usd},
		{"MaintMarginReq", f(tied), usd},
		{"FullInitMarginReq", f(tied), usd},
		{"FullMaintMarginReq", f(tied), usd},
		{"AvailableFunds", f(net - tied), usd},
		{"ExcessLiquidity", f(net - tied), usd},
		{"FullAvailableFunds", f(net - tied), usd},
		{"FullExcessLiquidity", f(net - tied), usd},
		{"Cushion", fmt.Sprintf("%.6g", cushion), ""},
		{"UnrealizedPnL", f(gains.unrealized), usd},
		{"RealizedPnL", f(gains.realized), usd},
		{"ExchangeRate", "1.00", usd},
		{"DayTradesRemaining", "-1", ""},
	}
}

// contract is what a client is shown of a contract that it holds: the exchange is the one where it is listed, and
// that of other than stocks is left out.
func (p *position) contract() *protobuf.Contract {
	c := proto.CloneOf(p.q.in.contract)
	c.Exchange, c.PrimaryExch = c.PrimaryExch, nil
	return c
}

func (p *position) message() *protobuf.Position {
	return &protobuf.Position{
		Account: &p.key.account, Contract: p.contract(), Position: new(formatFloat(p.size)),
		AvgCost: new(round(p.avgCost * multiplier(p.q))),
	}
}

func (p *position) multi(reqID int32) *protobuf.PositionMulti {
	m := p.message()
	return &protobuf.PositionMulti{
		ReqId: &reqID, Account: m.Account, ModelCode: new(""), Contract: m.Contract, Position: m.Position,
		AvgCost: m.AvgCost,
	}
}

func (p *position) portfolio() *protobuf.PortfolioValue {
	c, gains := proto.CloneOf(p.q.in.contract), p.profit(1)
	c.Exchange = nil
	return &protobuf.PortfolioValue{
		Contract: c, Position: new(formatFloat(p.size)),
		MarketPrice: new(p.q.last), MarketValue: &gains.value,
		AverageCost:   new(round(p.avgCost * multiplier(p.q))),
		UnrealizedPNL: &gains.unrealized, RealizedPNL: &gains.realized, AccountName: &p.key.account,
	}
}
