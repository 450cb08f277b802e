package sim

import (
	"fmt"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// refuse counts and logs refused input and tells the client, if there is a code to tell.
func (g *Gateway) refuse(c *conn, e *requestError) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuseLocked(c, e)
}

func (g *Gateway) refuseLocked(c *conn, e *requestError) {
	g.rejected[e.Reason]++
	g.log.Warn("request refused", "conn", c.id, "client", c.clientID, "reason", e.Reason, "code", e.Code, "text",
		e.Text)
	if e.Code != 0 && c.version != 0 {
		text := e.Text
		if e.Code == 320 {
			text = "Error reading request. " + text
		}
		c.sendLocked(g.errorMessage(e.ReqID, int(e.Code), text))
	}
	if e.Fatal {
		c.refused = true
		if e.Stays == 0 {
			c.finish()
			return
		}
		time.AfterFunc(g.clock.real(e.Stays), c.finish)
	}
}

// errorMessage builds an error or notice for one request, or for the session if reqID is -1.
func (g *Gateway) errorMessage(reqID int32, code int, text string) *protobuf.ErrorMessage {
	return &protobuf.ErrorMessage{
		Id: &reqID, ErrorTime: proto.Int64(g.nowLocked().UnixMilli()), ErrorCode: proto.Int32(int32(code)),
		ErrorMsg: &text,
	}
}

// handle parses and answers one request.
func (g *Gateway) handle(c *conn, payload []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.refused {
		return
	}
	g.counters.Requests++
	req, e := g.readLocked(c, payload)
	if e == nil {
		g.log.Debug("request", "conn", c.id, "client", c.clientID, "name", req.kind.name)
		e = g.dispatch(c, req)
	}
	g.logLocked(c, payload, req, e)
	if e != nil {
		g.refuseLocked(c, e)
	}
}

// readLocked parses a request that is not one too many, and not too early.
func (g *Gateway) readLocked(c *conn, payload []byte) (*request, *requestError) {
	if n, ok := g.overPaceLocked(c); !ok {
		return nil, &requestError{
			Code: 100, ReqID: -1, Reason: reasonPacing,
			Text: fmt.Sprintf("Max rate of messages per second has been exceeded: max=%d rec=%d", g.cfg.MaxMessageRate,
				n),
		}
	}
	req, e := parseRequest(c.version, payload)
	if e == nil && !c.ready && req.id != reqStartAPI {
		e = &requestError{
			Code: 321, ReqID: -1, Reason: reasonEarly,
			Text: fmt.Sprintf("Error validating request.-'%s' : cause - the API is not started yet", req.kind.name),
		}
	}
	return req, e
}

// dispatch answers a parsed request. Gateway.mu is held.
func (g *Gateway) dispatch(c *conn, req *request) *requestError {
	if req.unsimulated {
		return refuseUnsimulated(req)
	}
	if g.silentLocked(req) {
		return nil
	}
	if e := g.refuseWrite(req); e != nil {
		return e
	}
	if req.kind.answer != nil {
		return req.kind.answer(g, c, req)
	}
	switch m := req.message.(type) {
	case *protobuf.StartApiRequest:
		return g.startAPI(c, m)
	case *protobuf.CurrentTimeRequest:
		if g.timeTooSoonLocked(c) {
			return nil
		}
		c.sendLocked(&protobuf.CurrentTime{CurrentTime: proto.Int64(g.nowLocked().Unix())})
	case *protobuf.CurrentTimeInMillisRequest:
		c.sendLocked(&protobuf.CurrentTimeInMillis{CurrentTimeInMillis: proto.Int64(g.nowLocked().UnixMilli())})
	case *protobuf.IdsRequest:
		c.sendLocked(g.nextValidID())
	case *protobuf.ManagedAccountsRequest:
		c.sendLocked(&protobuf.ManagedAccounts{AccountsList: proto.String(g.accountList())})
	case *protobuf.SetServerLogLevelRequest:
		if l := m.GetLogLevel(); l < 1 || l > 5 {
			return invalid(-1, req, "log level must be 1 to 5")
		}
	case *protobuf.MarketDataRequest:
		return g.marketData(c, req, m)
	case *protobuf.CancelMarketData:
		if _, ok := c.subs[m.GetReqId()]; !ok {
			return &requestError{
				Code: 300, ReqID: m.GetReqId(), Reason: reasonInvalid,
				Text: fmt.Sprintf("Can't find EId with tickerId:%d", m.GetReqId()),
			}
		}
		delete(c.subs, m.GetReqId())
	case *protobuf.MarketDataTypeRequest:
		if t := m.GetMarketDataType(); t < 1 || t > 4 {
			return invalid(-1, req, "market data type must be 1 to 4")
		}
		c.delayed = m.GetMarketDataType() >= 3
	case *protobuf.ContractDataRequest:
		return g.contractDetails(c, req, m)
	case *protobuf.CancelContractData: // answers are complete at once, nothing is left to cancel
	case *protobuf.ConfigRequest:
		return g.configuration(c, m)
	case *protobuf.MarketRuleRequest:
		return marketRule(c, req, m)
	case *protobuf.PlaceOrderRequest:
		return g.placeOrder(c, req, m)
	case *protobuf.CancelOrderRequest:
		return g.cancelOrder(c, m)
	case *protobuf.GlobalCancelRequest:
		g.globalCancel(c)
	case *protobuf.OpenOrdersRequest:
		g.openOrders(c, false)
	case *protobuf.AllOpenOrdersRequest:
		g.openOrders(c, true)
	case *protobuf.AutoOpenOrdersRequest:
		if c.clientID != 0 {
			return invalid(-1, req, "only the client with id 0 may bind orders")
		}
	case *protobuf.CompletedOrdersRequest:
		g.completedOrders(c)
	case *protobuf.ExecutionRequest:
		return g.executions(c, req, m)
	default:
		return g.dispatchAccount(c, req)
	}
	return nil
}

func invalid(reqID int32, req *request, cause string) *requestError {
	return &requestError{
		Code: 321, ReqID: reqID, Reason: reasonInvalid,
		Text: fmt.Sprintf("Error validating request.-'%s' : cause - %s", req.kind.name, cause),
	}
}

// contFut is the type of a future without an expiry: it has details and history, and cannot be traded.
const contFut = "CONTFUT"

// find resolves the contract a client described to exactly one instrument.
func (g *Gateway) find(reqID int32, req *request, want *protobuf.Contract) (*quote, *requestError) {
	all, e := g.findAll(reqID, req, want)
	if e != nil {
		return nil, e
	}
	if len(all) > 1 {
		return nil, &requestError{
			Code: 200, ReqID: reqID, Reason: reasonInvalid,
			Text: fmt.Sprintf("The contract description specified for %s is ambiguous.", want.GetSymbol()),
		}
	}
	if all[0].replay != nil {
		g.beginReplay()
	}
	return all[0], nil
}

func (g *Gateway) findAll(reqID int32, req *request, want *protobuf.Contract) ([]*quote, *requestError) {
	if want.GetConId() == 0 && want.GetSecType() == "" {
		return nil, invalid(reqID, req, "Please enter a valid security type")
	}
	var all []*quote
	for _, q := range g.quotes {
		if q.in.matches(want) {
			all = append(all, q)
		}
	}
	if want.GetSecType() == contFut && len(all) > 1 { // it stands for the month that is traded most, the next one here
		all = all[:1]
	}
	if len(all) == 0 {
		return nil, &requestError{
			Code: 200, ReqID: reqID, Reason: reasonInvalid,
			Text: "No security definition has been found for the request",
		}
	}
	return all, nil
}

// notConnected answers what the gateway would have to ask upstream for.
func notConnected(reqID int32) *requestError {
	return &requestError{Code: 504, ReqID: reqID, Reason: reasonInvalid, Text: "Not connected"}
}

func (g *Gateway) contractDetails(c *conn, req *request, m *protobuf.ContractDataRequest) *requestError {
	if g.upstreamLost {
		return notConnected(m.GetReqId())
	}
	all, e := g.findAll(m.GetReqId(), req, m.GetContract())
	if e != nil {
		return e
	}
	for _, q := range all {
		d := q.in.details(m.GetReqId(), g.nowLocked().In(g.zone))
		if m.GetContract().GetSecType() == contFut {
			d.Contract.SecType = proto.String(contFut)
		}
		c.queueLocked(d)
	}
	c.sendLocked(&protobuf.ContractDataEnd{ReqId: m.ReqId})
	return nil
}
