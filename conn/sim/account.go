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

// startCash is what every simulated account begins with, in USD.
var startCash = 1_000_000.0

type positionKey struct {
	account string
	conID   int32
}

// position is what an account holds of one contract.
type position struct {
	key      positionKey
	q        *quote
	size     float64
	avgCost  float64 // per unit, without multiplier
	realized float64
}

type summarySub struct{ group, tags string }

func multiplier(q *quote) float64 {
	if m := q.in.contract.GetMultiplier(); m > 0 {
		return m
	}
	return 1
}

// trade books a signed quantity and returns the profit of what it closed.
func (b *book) trade(account string, q *quote, size, price float64) (pnl float64, closing bool) {
	if b.positions == nil {
		b.positions = map[positionKey]*position{}
	}
	key := positionKey{account, q.in.conID()}
	p := b.positions[key]
	if p == nil {
		p = &position{key: key, q: q}
		b.positions[key] = p
	}
	if p.size*size < 0 {
		closed := math.Min(math.Abs(size), math.Abs(p.size))
		pnl, closing = round(closed*math.Copysign(1, p.size)*(price-p.avgCost)*multiplier(q)), true
		p.realized += pnl
		if math.Abs(size) > math.Abs(p.size) {
			p.avgCost = price
		}
	} else {
		p.avgCost = (p.avgCost*math.Abs(p.size) + price*math.Abs(size)) / (math.Abs(p.size) + math.Abs(size))
	}
	p.size = round(p.size + size)
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

func (p *position) message() *protobuf.Position {
	c := proto.CloneOf(&p.q.in.contract)
	c.PrimaryExch = nil
	return &protobuf.Position{
		Account: &p.key.account, Contract: c, Position: proto.String(formatFloat(p.size)),
		AvgCost: proto.Float64(round(p.avgCost * multiplier(p.q))),
	}
}

func (p *position) portfolio() *protobuf.PortfolioValue {
	mid, m := p.q.last, multiplier(p.q)
	c := proto.CloneOf(&p.q.in.contract)
	c.Exchange = nil
	return &protobuf.PortfolioValue{
		Contract: c, Position: proto.String(formatFloat(p.size)),
		MarketPrice: &mid, MarketValue: proto.Float64(round(mid * p.size * m)), AverageCost: proto.Float64(round(p.avgCost * m)),
		UnrealizedPNL: proto.Float64(round((mid - p.avgCost) * p.size * m)), RealizedPNL: proto.Float64(p.realized), AccountName: &p.key.account,
	}
}

// values are an account's figures, in the order they are sent.
func (g *Gateway) values(account string) [][3]string {
	cash, gross, unrealized, realized := startCash, 0.0, 0.0, 0.0
	for _, p := range g.book.sorted(account) {
		m := multiplier(p.q)
		realized += p.realized
		unrealized += (p.q.last - p.avgCost) * p.size * m
		if p.q.in.secType() != "FUT" {
			cash -= p.avgCost * p.size
			gross += math.Abs(p.q.last * p.size)
		}
	}
	cash += realized
	net := startCash + realized + unrealized
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
		{"BuyingPower", f(net * 4), usd},
		{"EquityWithLoanValue", f(net), usd},
		{"GrossPositionValue", f(gross), usd},
		{"InitMarginReq", f(gross / 4), usd},
		{"MaintMarginReq", f(gross / 4), usd},
		{"FullInitMarginReq", f(gross / 4), usd},
		{"FullMaintMarginReq", f(gross / 4), usd},
		{"AvailableFunds", f(net - gross/4), usd},
		{"ExcessLiquidity", f(net - gross/4), usd},
		{"FullAvailableFunds", f(net - gross/4), usd},
		{"FullExcessLiquidity", f(net - gross/4), usd},
		{"Cushion", "1", ""},
		{"UnrealizedPnL", f(unrealized), usd},
		{"RealizedPnL", f(realized), usd},
		{"ExchangeRate", "1.00", usd},
		{"DayTradesRemaining", "-1", ""},
	}
}

// dispatchAccount answers account and position requests. Gateway.mu is held.
func (g *Gateway) dispatchAccount(c *conn, req *request) *requestError {
	switch m := req.message.(type) {
	case *protobuf.AccountDataRequest:
		return g.accountUpdates(c, req, m)
	case *protobuf.PositionsRequest:
		c.positions = true
		for _, p := range g.book.holding("") {
			c.queueLocked(p.message())
		}
		c.sendLocked(&protobuf.PositionEnd{})
	case *protobuf.CancelPositions:
		c.positions = false
	case *protobuf.AccountSummaryRequest:
		return g.accountSummary(c, req, m)
	case *protobuf.CancelAccountSummary:
		delete(c.summaries, m.GetReqId())
	case *protobuf.PositionsMultiRequest:
		if a := m.GetAccount(); a != "" && !g.managed(a) {
			return invalid(m.GetReqId(), req, "invalid account code")
		}
		c.posMulti[m.GetReqId()] = m.GetAccount()
		for _, p := range g.book.holding(m.GetAccount()) {
			c.queueLocked(p.multi(m.GetReqId()))
		}
		c.sendLocked(&protobuf.PositionMultiEnd{ReqId: m.ReqId})
	case *protobuf.CancelPositionsMulti:
		delete(c.posMulti, m.GetReqId())
	case *protobuf.AccountUpdatesMultiRequest:
		account := m.GetAccount()
		if account == "" {
			account = g.cfg.Accounts[0]
		}
		if !g.managed(account) {
			return invalid(m.GetReqId(), req, "invalid account code")
		}
		c.acctMulti[m.GetReqId()] = account
		for _, v := range g.values(account) {
			c.queueLocked(&protobuf.AccountUpdateMulti{ReqId: m.ReqId, Account: &account, ModelCode: proto.String(""), Key: &v[0], Value: &v[1], Currency: &v[2]})
		}
		c.sendLocked(&protobuf.AccountUpdateMultiEnd{ReqId: m.ReqId})
	case *protobuf.CancelAccountUpdatesMulti:
		delete(c.acctMulti, m.GetReqId())
	default:
		panic(fmt.Sprintf("sim: no answer to %T", m))
	}
	return nil
}

func (p *position) multi(reqID int32) *protobuf.PositionMulti {
	m := p.message()
	return &protobuf.PositionMulti{ReqId: &reqID, Account: m.Account, ModelCode: proto.String(""), Contract: m.Contract, Position: m.Position, AvgCost: m.AvgCost}
}

func (g *Gateway) accountUpdates(c *conn, req *request, m *protobuf.AccountDataRequest) *requestError {
	if !m.GetSubscribe() {
		c.account = ""
		return nil
	}
	account := m.GetAcctCode()
	if account == "" {
		account = g.cfg.Accounts[0]
	}
	if !g.managed(account) {
		return invalid(-1, req, "invalid account code")
	}
	c.account = account
	g.sendAccount(c)
	c.sendLocked(&protobuf.AccountDataEnd{AccountName: &account})
	return nil
}

// sendAccount sends all values and positions of the account c has subscribed to.
func (g *Gateway) sendAccount(c *conn) {
	account := c.account
	for _, v := range g.values(account) {
		c.queueLocked(&protobuf.AccountValue{Key: &v[0], Value: &v[1], Currency: &v[2], AccountName: &account})
	}
	for _, p := range g.book.holding(account) {
		c.queueLocked(p.portfolio())
	}
	c.sendLocked(&protobuf.AccountUpdateTime{TimeStamp: proto.String(g.nowLocked().In(g.zone).Format("15:04"))})
}

func (g *Gateway) accountSummary(c *conn, req *request, m *protobuf.AccountSummaryRequest) *requestError {
	if m.GetTags() == "" {
		return invalid(m.GetReqId(), req, "tags missing")
	}
	if _, ok := c.summaries[m.GetReqId()]; !ok && len(c.summaries) >= 2 {
		return &requestError{
			Code: 322, ReqID: m.GetReqId(), Reason: reasonInvalid,
			Text: "Error processing request.-'bN' : cause - Maximum number of account summary requests exceeded",
		}
	}
	c.summaries[m.GetReqId()] = &summarySub{group: m.GetGroup(), tags: m.GetTags()}
	tags := strings.Split(m.GetTags(), ",")
	ledger := slices.ContainsFunc(tags, func(t string) bool { return strings.HasPrefix(t, "$LEDGER") })
	for _, account := range g.cfg.Accounts {
		for _, v := range g.values(account) {
			if ledger || slices.Contains(tags, v[0]) {
				c.queueLocked(&protobuf.AccountSummary{ReqId: m.ReqId, Account: &account, Tag: &v[0], Value: &v[1], Currency: &v[2]})
			}
		}
	}
	c.sendLocked(&protobuf.AccountSummaryEnd{ReqId: m.ReqId})
	return nil
}

// tellPositions sends what changed by a fill to everybody who asked for positions or the account.
func (g *Gateway) tellPositions(o *order) {
	account := o.order.GetAccount()
	p := g.book.positions[positionKey{account, o.q.in.conID()}]
	for c := range g.conns {
		if !c.ready {
			continue
		}
		if c.positions {
			c.sendLocked(p.message())
		}
		for id, a := range c.posMulti {
			if a == "" || a == account {
				c.sendLocked(p.multi(id))
			}
		}
		if c.account == account {
			c.sendLocked(p.portfolio())
		}
	}
}
