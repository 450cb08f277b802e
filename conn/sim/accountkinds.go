package sim

import (
	"cmp"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// accounts is what accounts are worth and hold.
var accounts = subject{
	requests: map[int]*requestKind{
		wire.ReqAccountUpdates: requestAs("reqAccountUpdates", verProtoAccounts,
			formOf(func(f *form, m *protobuf.AccountDataRequest) {
				f.messageVersion(2)
				f.flag(&m.Subscribe)
				f.all(&m.AcctCode)
			}), (*Gateway).accountUpdates),
		wire.ReqPositions: requestAs("reqPositions", verProtoAccounts, inOrder(1), (*Gateway).followPositions),
		64: requestAs("cancelPositions", verProtoAccounts, inOrder(1),
			accepted(func(c *conn, _ *protobuf.CancelPositions) { c.positions = false })),
		62: requestAs("reqAccountSummary", verProtoAccounts, inOrder(1), (*Gateway).accountSummary),
		63: requestAs("cancelAccountSummary", verProtoAccounts, inOrder(1),
			accepted(func(c *conn, m *protobuf.CancelAccountSummary) { delete(c.summaries, m.GetReqId()) })),
		74: requestAs("reqPositionsMulti", verProtoAccounts, inOrder(1), (*Gateway).positionsMulti),
		75: requestAs("cancelPositionsMulti", verProtoAccounts, inOrder(1),
			accepted(func(c *conn, m *protobuf.CancelPositionsMulti) { delete(c.posMulti, m.GetReqId()) })),
		76: requestAs("reqAccountUpdatesMulti", verProtoAccounts, inOrder(1), (*Gateway).accountUpdatesMulti),
		77: requestAs("cancelAccountUpdatesMulti", verProtoAccounts, inOrder(1),
			accepted(func(c *conn, m *protobuf.CancelAccountUpdatesMulti) { delete(c.acctMulti, m.GetReqId()) })),
	},
	replies: map[protoreflect.Name]reply{
		"AccountValue":          {6, verProtoAccounts, inOrder(2)},
		"PortfolioValue":        {wire.MsgPortfolio, verProtoAccounts, formOf(portfolioText)},
		"AccountUpdateTime":     {8, verProtoAccounts, inOrder(1)},
		"AccountDataEnd":        {wire.MsgAccountEnd, verProtoAccounts, inOrder(1)},
		"Position":              {wire.MsgPosition, verProtoAccounts, inOrder(3)},
		"PositionEnd":           {wire.MsgPositionsEnd, verProtoAccounts, inOrder(1)},
		"AccountSummary":        {63, verProtoAccounts, inOrder(1)},
		"AccountSummaryEnd":     {64, verProtoAccounts, inOrder(1)},
		"PositionMulti":         {71, verProtoAccounts, inOrder(1)},
		"PositionMultiEnd":      {72, verProtoAccounts, inOrder(1)},
		"AccountUpdateMulti":    {73, verProtoAccounts, inOrder(1)},
		"AccountUpdateMultiEnd": {74, verProtoAccounts, inOrder(1)},
	},
}

func portfolioText(f *form, m *protobuf.PortfolioValue) {
	c := part(f, &m.Contract)
	f.messageVersion(8)
	f.contractHead(c)
	f.opt(&c.Multiplier)
	f.all(&c.PrimaryExch, &c.Currency, &c.LocalSymbol, &c.TradingClass, &m.Position, &m.MarketPrice, &m.MarketValue,
		&m.AverageCost, &m.UnrealizedPNL, &m.RealizedPNL, &m.AccountName)
}

func (g *Gateway) followPositions(c *conn, _ *protobuf.PositionsRequest) *requestError {
	c.positions = true
	for _, p := range g.book.holding("") {
		c.queueLocked(p.message())
	}
	c.sendLocked(&protobuf.PositionEnd{})
	return nil
}

func (g *Gateway) positionsMulti(c *conn, m *protobuf.PositionsMultiRequest) *requestError {
	if a := m.GetAccount(); a != "" && !g.managed(a) {
		return wrongAccount()
	}
	c.posMulti[m.GetReqId()] = m.GetAccount()
	for _, p := range g.book.holding(m.GetAccount()) {
		c.queueLocked(p.multi(m.GetReqId()))
	}
	c.sendLocked(&protobuf.PositionMultiEnd{ReqId: m.ReqId})
	return nil
}

func wrongAccount() *requestError { return invalid("invalid account code") }

func (g *Gateway) accountUpdatesMulti(c *conn, m *protobuf.AccountUpdatesMultiRequest) *requestError {
	account := cmp.Or(m.GetAccount(), g.cfg.Accounts[0])
	if !g.managed(account) {
		return wrongAccount()
	}
	feed := &accountFeed{accounts: []string{account}}
	c.acctMulti[m.GetReqId()] = feed
	g.tellMulti(c, m.GetReqId(), feed)
	c.sendLocked(&protobuf.AccountUpdateMultiEnd{ReqId: m.ReqId})
	return nil
}

func (g *Gateway) accountUpdates(c *conn, m *protobuf.AccountDataRequest) *requestError {
	if !m.GetSubscribe() {
		c.account = nil
		return nil
	}
	account := cmp.Or(m.GetAcctCode(), g.cfg.Accounts[0])
	if !g.managed(account) {
		return wrongAccount()
	}
	c.account = &accountFeed{accounts: []string{account}}
	g.tellAccount(c)
	c.sendLocked(&protobuf.AccountDataEnd{AccountName: &account})
	return nil
}

func (g *Gateway) accountSummary(c *conn, m *protobuf.AccountSummaryRequest) *requestError {
	if m.GetTags() == "" {
		return invalid("tags missing")
	}
	if _, ok := c.summaries[m.GetReqId()]; !ok && len(c.summaries) >= 2 {
		return refused(322, "Error processing request.-'bN' : cause - Maximum number of account summary requests "+
			"exceeded")
	}
	feed := &accountFeed{accounts: g.cfg.Accounts, tags: strings.Split(m.GetTags(), ",")}
	c.summaries[m.GetReqId()] = feed
	g.tellSummary(c, m.GetReqId(), feed)
	c.sendLocked(&protobuf.AccountSummaryEnd{ReqId: m.ReqId})
	return nil
}
