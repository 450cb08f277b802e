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
		10: requestAs("reqMktDepth", verProtoMarketData, inOrder(5), (*Gateway).marketDepth),
		11: requestAs("cancelMktDepth", verProtoMarketData, inOrder(1),
			func(_ *Gateway, c *conn, m *protobuf.CancelMarketDepth) *requestError {
				if !c.unfollow("depth", m.GetReqId()) {
					return refused(310, "Can't find the subscribed market depth with tickerId:%d", m.GetReqId())
				}
				return nil
			}),
	},
	replies: map[protoreflect.Name]reply{
		"MarketDepth": {12, verProtoMarketData, formOf(func(f *form, m *protobuf.MarketDepth) {
			d := part(f, &m.MarketDepthData)
			f.messageVersion(1)
			f.all(&m.ReqId, &d.Position, &d.Operation, &d.Side, &d.Price, &d.Size)
		})},
		"MarketDepthL2": {13, verProtoMarketData, formOf(func(f *form, m *protobuf.MarketDepthL2) {
			d := part(f, &m.MarketDepthData)
			f.messageVersion(1)
			f.all(&m.ReqId, &d.Position, &d.MarketMaker, &d.Operation, &d.Side, &d.Price, &d.Size, &d.IsSmartDepth)
		})},
	},
}

// marketDepth follows a book: its rows at once, then what has changed.
func (g *Gateway) marketDepth(c *conn, m *protobuf.MarketDepthRequest) *requestError {
	id := m.GetReqId()
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	if !m.GetIsSmartDepth() && m.GetContract().GetExchange() == "SMART" {
		return refused(10092, "Deep market data is not supported for this combination of security type/exchange")
	}
	running := 0
	for key := range c.streams {
		if key.kind == "depth" {
			running++
		}
	}
	if running >= maxBooks {
		return refused(309, "Max number (3) of market depth requests has been reached")
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
		Position: &row, Operation: &operation, Side: &side, Price: new(round(price + step)),
		Size: new(strconv.FormatInt(size+100*int64(row), 10)),
	}
	if q.in.secType() != "STK" {
		return &protobuf.MarketDepth{ReqId: &id, MarketDepthData: d}
	}
	d.MarketMaker, d.IsSmartDepth = new(smartLetters[int(row)%len(smartLetters)][0]), &smart
	return &protobuf.MarketDepthL2{ReqId: &id, MarketDepthData: d}
}
