package sim

import (
	"fmt"
	"time"

	"github.com/scmhub/ibapi/protobuf"

	"gatewatch/conn/wire"
)

// refuse counts and logs refused input and answers the client, if there is a code for it.
func (g *Gateway) refuse(c *conn, e *requestError) { g.locked(func() { g.refuseLocked(c, e) }) }

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
		Id: &reqID, ErrorTime: new(g.nowLocked().UnixMilli()), ErrorCode: new(int32(code)),
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

// readLocked parses a request that is not one too many.
func (g *Gateway) readLocked(c *conn, payload []byte) (*request, *requestError) {
	if n, ok := g.overPaceLocked(c); !ok {
		return nil, &requestError{
			Code: 100, ReqID: -1, Reason: reasonPacing,
			Text: fmt.Sprintf("Max rate of messages per second has been exceeded: max=%d rec=%d", g.cfg.MaxMessageRate,
				n),
		}
	}
	return parseRequest(c.version, payload)
}

// dispatch answers a parsed request, or says why not. Gateway.mu is held.
func (g *Gateway) dispatch(c *conn, req *request) *requestError {
	e := g.answer(c, req)
	if e == nil {
		return nil
	}
	if !e.unnamed {
		e.ReqID = req.reqID
	}
	if e.doing != "" {
		e.Text = fmt.Sprintf("Error %s request.-'%s' : cause - %s", e.doing, req.kind.name, e.Text)
	}
	return e
}

func (g *Gateway) answer(c *conn, req *request) *requestError {
	if !c.ready && req.id != wire.ReqStartAPI {
		e := invalid("the API is not started yet")
		e.Reason, e.unnamed = reasonEarly, true
		return e
	}
	if req.message == nil {
		return refuseUnsimulated(req.kind)
	}
	if g.silentLocked(req) {
		return nil
	}
	if e := g.refuseWrite(req); e != nil {
		return e
	}
	return req.kind.answer(g, c, req.message)
}

// notConnected answers what the gateway would have to ask upstream for.
func notConnected() *requestError { return refused(504, "Not connected") }
