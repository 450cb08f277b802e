package sim

import (
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// marketData is market data and its type.
var marketData = subject{
	requests: map[int]*requestKind{
		wire.ReqMarketData: requestAs("reqMktData", verProtoMarketData, formOf(marketDataText), (*Gateway).marketData),
		wire.ReqCancelMarketData: requestAs("cancelMktData", verProtoMarketData, inOrder(2),
			func(_ *Gateway, c *conn, m *protobuf.CancelMarketData) *requestError {
				if _, ok := c.subs[m.GetReqId()]; !ok {
					return refused(300, "Can't find EId with tickerId:%d", m.GetReqId())
				}
				delete(c.subs, m.GetReqId())
				return nil
			}),
		wire.ReqMarketDataType: requestAs("reqMarketDataType", verProtoMarketData, inOrder(1),
			func(_ *Gateway, c *conn, m *protobuf.MarketDataTypeRequest) *requestError {
				if t := m.GetMarketDataType(); t < 1 || t > 4 {
					return invalid("market data type must be 1 to 4")
				}
				c.delayed = m.GetMarketDataType() >= 3
				return nil
			}),
	},
	replies: map[protoreflect.Name]reply{
		"MarketDataType":           {wire.MsgMarketDataType, verProtoMarketData, inOrder(1)},
		"RerouteMarketDataRequest": {wire.MsgReroute, verProtoRest2, inOrder(0)},
		"TickSnapshotEnd":          {wire.MsgTickSnapshotEnd, verProtoMarketData, inOrder(1)},
		"TickReqParams": {wire.MsgTickReqParams, verProtoMarketData, formOf(func(f *form, m *protobuf.TickReqParams) {
			f.all(&m.ReqId, &m.MinTick, &m.BboExchange, &m.SnapshotPermissions)
		})},
	},
}

func marketDataText(f *form, m *protobuf.MarketDataRequest) {
	f.messageVersion(11)
	f.id(&m.ReqId)
	if f.all(&m.Contract); m.Contract.GetSecType() == "BAG" {
		f.requestLegs(m.Contract)
	}
	f.deltaNeutral(m.Contract)
	f.all(&m.GenericTickList, &m.Snapshot, &m.RegulatorySnapshot, &m.MarketDataOptions)
}

// requestLegs are the legs of a combination whose data is asked for.
func (f *form) requestLegs(c *protobuf.Contract) {
	each(f, &c.ComboLegs, func(l *protobuf.ComboLeg) { f.all(&l.ConId, &l.Ratio, &l.Action, &l.Exchange) })
}

// snapshotTime is after how long a snapshot ends that did not get all of its values.
const snapshotTime = 11 * time.Second

// marketData starts a subscription to market data, or a snapshot.
func (g *Gateway) marketData(c *conn, m *protobuf.MarketDataRequest) *requestError {
	id, snapshot := m.GetReqId(), m.GetSnapshot() || m.GetRegulatorySnapshot()
	if _, ok := c.subs[id]; ok {
		return duplicateID()
	}
	q, e := g.find(m.GetContract())
	if e != nil {
		return e
	}
	generics, ok := parseGenerics(m.GetGenericTickList())
	switch {
	case !ok:
		return invalid("%s", wrongGenerics(m.GetGenericTickList(), q.in.secType()))
	case snapshot && len(generics) > 0:
		return invalid("Snapshot market data subscription is not applicable to generic ticks")
	case !snapshot && g.cfg.MaxLines > 0 && g.lines() >= g.cfg.MaxLines:
		return codeError(101)
	}
	if under := q.in.under; under != nil { // IBKR has no data of it, and leaves it to the client to ask again
		c.sendLocked(&protobuf.RerouteMarketDataRequest{
			ReqId: &id, ConId: under.contract.ConId, Exchange: under.contract.Exchange,
		})
		return nil
	}
	asked, notice, e := g.permit(c, q)
	if e != nil {
		return e
	}
	kind := asked
	if q.dataType != 0 {
		kind = q.dataType
	}
	s := &subscription{
		reqID: id, q: q, kind: kind, asked: asked, snapshot: snapshot, generics: generics,
		walk: *q.walk, high: q.high, low: q.low, day: q.day.from,
	}
	s.skip(g.step)
	c.subs[id] = s
	if !g.begin(c, s, notice) && snapshot {
		time.AfterFunc(g.clock.real(snapshotTime), func() { g.endSnapshot(c, s) })
	} else if snapshot {
		g.endSnapshotLocked(c, s)
	}
	return nil
}

// lines is how many lines of market data are in use, by all clients together.
func (g *Gateway) lines() (n int) {
	for c := range g.conns {
		for _, s := range c.subs {
			if !s.snapshot {
				n++
			}
		}
	}
	return n
}

// begin sends what a new subscription gets at once, and reports whether its data flows.
func (g *Gateway) begin(c *conn, s *subscription, notice int) bool {
	if g.competing(s.q) {
		c.sendLocked(g.errorMessage(s.reqID, 10197, noticeText(10197)))
		return false
	}
	if !g.flows(s.q) {
		return false
	}
	c.queueLocked(&protobuf.MarketDataType{ReqId: &s.reqID, MarketDataType: &s.kind})
	if notice != 0 {
		c.queueLocked(g.errorMessage(s.reqID, notice, noticeText(notice)))
	}
	c.queueLocked(&protobuf.TickReqParams{
		ReqId: &s.reqID, MinTick: new(formatFloat(s.q.in.minTick())), BboExchange: new(bboExchange),
		SnapshotPermissions: proto.Int32(3),
	})
	f, t := s.feed(g.step), tickWriter{textWriter{version: c.version}}
	f.first(&t, g.nowLocked())
	c.queueFrames(t.b)
	c.flush()
	return true
}

func (g *Gateway) endSnapshot(c *conn, s *subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.subs[s.reqID] == s && !c.closed() {
		g.endSnapshotLocked(c, s)
	}
}

func (g *Gateway) endSnapshotLocked(c *conn, s *subscription) {
	delete(c.subs, s.reqID)
	c.sendLocked(&protobuf.TickSnapshotEnd{ReqId: &s.reqID})
}

// permit says which type of data a client gets of an instrument, after which notice, or why none. Live data come first:
// that a client asks for delayed data matters only where there are no live ones.
func (g *Gateway) permit(c *conn, q *quote) (kind int32, notice int, e *requestError) {
	code := g.refusalLocked(q, refuseQuotes)
	if code == 0 && g.cfg.NoLiveData {
		code = 10167
	}
	kind = 1
	switch code {
	case 0:
	case 10089, 10167:
		if !c.delayed {
			if code == 10167 {
				code = 354
			}
			return 0, 0, codeError(code)
		}
		kind, notice = 3, code
	case 10090, 10091:
		notice = code
	default:
		return 0, 0, codeError(code)
	}
	return kind, notice, nil
}
