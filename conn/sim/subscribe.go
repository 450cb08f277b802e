package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// marketData starts a subscription to market data, or answers with the present market alone.
func (g *Gateway) marketData(c *conn, req *request, m *protobuf.MarketDataRequest) *requestError {
	id := m.GetReqId()
	if _, ok := c.subs[id]; ok {
		return &requestError{Code: 322, ReqID: id, Reason: reasonInvalid, Text: "Error processing request.-'bN' : cause - Duplicate ticker id"}
	}
	q, e := g.find(id, req, m.GetContract())
	if e != nil {
		return e
	}
	if e := g.refusedDataLocked(id, q); e != nil {
		return e
	}
	kind := c.dataType(q)
	s := &subscription{
		reqID: id, q: q, delayed: kind == 3 || kind == 4, walk: *q.walk, high: q.high, low: q.low, day: q.day.from,
	}
	s.skip(g.step)
	c.queueLocked(&protobuf.TickReqParams{ReqId: &id, MinTick: proto.String(formatFloat(q.in.minTick())), BboExchange: proto.String(bboExchange), SnapshotPermissions: proto.Int32(3)})
	if g.faults.competing {
		c.sendLocked(g.errorMessage(id, 10197, noticeText(10197)))
	} else if !g.upstreamLost {
		c.queueLocked(&protobuf.MarketDataType{ReqId: &id, MarketDataType: &kind})
		f, t := s.feed(g.step), tickWriter{textWriter{version: c.version}}
		f.first(&t, g.nowLocked())
		c.queueFrames(t.b)
	}
	if m.GetSnapshot() || m.GetRegulatorySnapshot() {
		c.sendLocked(&protobuf.TickSnapshotEnd{ReqId: &id})
		return nil
	}
	c.subs[id] = s
	c.flush()
	return nil
}
