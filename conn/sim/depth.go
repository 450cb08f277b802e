package sim

import (
	"strconv"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth is how many rows a book has on each side, and maxBooks how many of them one session can follow.
const (
	maxDepth = 10
	maxBooks = 3
)

// depth is the order book: rows a price step apart on both sides of the market, as of once a second.
var depth = subject{
	requests: map[int]*requestKind{
		10: requestAs("reqMktDepth", verProtoMarketData, func(r *textReader) *protobuf.MarketDepthRequest {
			r.messageVersion()
			return &protobuf.MarketDepthRequest{
				ReqId: r.requestID(), Contract: r.contract(), NumRows: r.optInt(), IsSmartDepth: r.optBool(),
				MarketDepthOptions: r.tagValues(),
			}
		}, (*Gateway).marketDepth),
		11: requestAs("cancelMktDepth", verProtoMarketData, func(r *textReader) *protobuf.CancelMarketDepth {
			r.messageVersion()
			return &protobuf.CancelMarketDepth{ReqId: r.requestID(), IsSmartDepth: r.optBool()}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.CancelMarketDepth) *requestError {
			if !c.unfollow("depth", m.GetReqId()) {
				id := m.GetReqId()
				return refused(id, 310, "Can't find the subscribed market depth with tickerId:"+strconv.Itoa(int(id)))
			}
			return nil
		}),
	},
	replies: map[protoreflect.Name]reply{
		"MarketDepth": replyAs(12, verProtoMarketData, func(t *textWriter, m *protobuf.MarketDepth) {
			d := m.GetMarketDepthData()
			t.int(1)
			t.int(int64(m.GetReqId()))
			t.int(int64(d.GetPosition()))
			t.int(int64(d.GetOperation()))
			t.int(int64(d.GetSide()))
			t.float(d.GetPrice())
			t.str(d.GetSize())
		}),
		"MarketDepthL2": replyAs(13, verProtoMarketData, func(t *textWriter, m *protobuf.MarketDepthL2) {
			d := m.GetMarketDepthData()
			t.int(1)
			t.int(int64(m.GetReqId()))
			t.int(int64(d.GetPosition()))
			t.str(d.GetMarketMaker())
			t.int(int64(d.GetOperation()))
			t.int(int64(d.GetSide()))
			t.float(d.GetPrice())
			t.str(d.GetSize())
			t.bool(d.GetIsSmartDepth())
		}),
	},
}

// marketDepth follows a book: its rows at once, then what has changed.
func (g *Gateway) marketDepth(c *conn, req *request, m *protobuf.MarketDepthRequest) *requestError {
	id := m.GetReqId()
	q, e := g.findUpstream(id, req, m.GetContract())
	if e != nil {
		return e
	}
	if !m.GetIsSmartDepth() && m.GetContract().GetExchange() == "SMART" {
		return refused(id, 10092, "Deep market data is not supported for this combination of security type/exchange")
	}
	running := 0
	for key := range c.streams {
		if key.kind == "depth" {
			running++
		}
	}
	if running >= maxBooks {
		return refused(id, 309, "Max number (3) of market depth requests has been reached")
	}
	rows := int32(maxDepth)
	if n := m.GetNumRows(); n > 0 && n < rows {
		rows = n
	}
	const insert, update = 0, 1
	operation, last := int32(insert), moment{}
	send := func(time.Time) (all []proto.Message) {
		if q.moment == last {
			return nil
		}
		for side := range int32(2) { // asks before bids
			for row := range rows {
				all = append(all, depthRow(id, q, operation, side, row, m.GetIsSmartDepth()))
			}
		}
		operation, last = update, q.moment
		return all
	}
	if e := g.followMarket(c, streamKey{"depth", id}, q, time.Second, send); e != nil {
		return e
	}
	c.sendLocked(send(g.nowLocked())...)
	return nil
}

func depthRow(id int32, q *quote, operation, side, row int32, smart bool) proto.Message {
	price, size := q.ask, q.askSize
	step := q.in.step(price) * float64(row)
	if side == 1 {
		price, size, step = q.bid, q.bidSize, -step
	}
	d := &protobuf.MarketDepthData{
		Position: &row, Operation: &operation, Side: &side, Price: proto.Float64(round(price + step)),
		Size: proto.String(strconv.FormatInt(size+100*int64(row), 10)),
	}
	if q.in.secType() != "STK" {
		return &protobuf.MarketDepth{ReqId: &id, MarketDepthData: d}
	}
	d.MarketMaker, d.IsSmartDepth = proto.String(smartLetters[int(row)%len(smartLetters)][0]), &smart
	return &protobuf.MarketDepthL2{ReqId: &id, MarketDepthData: d}
}
