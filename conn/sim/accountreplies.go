package sim

import (
	"fmt"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
)

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
		feed := &accountFeed{accounts: []string{account}}
		c.acctMulti[m.GetReqId()] = feed
		g.tellMulti(c, m.GetReqId(), feed)
		c.sendLocked(&protobuf.AccountUpdateMultiEnd{ReqId: m.ReqId})
	case *protobuf.CancelAccountUpdatesMulti:
		delete(c.acctMulti, m.GetReqId())
	default:
		panic(fmt.Sprintf("sim: no answer to %T", m))
	}
	return nil
}

func (g *Gateway) accountUpdates(c *conn, req *request, m *protobuf.AccountDataRequest) *requestError {
	if !m.GetSubscribe() {
		c.account = nil
		return nil
	}
	account := m.GetAcctCode()
	if account == "" {
		account = g.cfg.Accounts[0]
	}
	if !g.managed(account) {
		return invalid(-1, req, "invalid account code")
	}
	c.account = &accountFeed{accounts: []string{account}}
	g.tellAccount(c)
	c.sendLocked(&protobuf.AccountDataEnd{AccountName: &account})
	return nil
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
	feed := &accountFeed{accounts: g.cfg.Accounts, tags: strings.Split(m.GetTags(), ",")}
	c.summaries[m.GetReqId()] = feed
	g.tellSummary(c, m.GetReqId(), feed)
	c.sendLocked(&protobuf.AccountSummaryEnd{ReqId: m.ReqId})
	return nil
}
