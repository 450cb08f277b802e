package sim

import (
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Kinds of streams that are no market data.
const (
	profitOfAccount  = "pnl"
	profitOfPosition = "pnl-single"
)

// pnl is profit and loss, of an account and of one position in it: sent at once, and each second in which it changes.
var pnl = subject{
	requests: map[int]*requestKind{
		92: requestAs("reqPnL", verProtoScanner, inOrder(0),
			func(g *Gateway, c *conn, m *protobuf.PnLRequest) *requestError {
				return g.followProfit(c, profitOfAccount, m.GetReqId(), m.GetAccount(), func() proto.Message {
					all := g.profitOf(m.GetAccount())
					return &protobuf.PnL{
						ReqId: m.ReqId, DailyPnL: &all.daily, UnrealizedPnL: &all.unrealized,
						RealizedPnL: &all.realized,
					}
				})
			}),
		93: requestAs("cancelPnL", verProtoScanner, inOrder(0),
			func(_ *Gateway, c *conn, m *protobuf.CancelPnL) *requestError {
				return unfollowProfit(c, profitOfAccount, m.GetReqId())
			}),
		94: requestAs("reqPnLSingle", verProtoScanner, inOrder(0),
			func(g *Gateway, c *conn, m *protobuf.PnLSingleRequest) *requestError {
				return g.followProfit(c, profitOfPosition, m.GetReqId(), m.GetAccount(), func() proto.Message {
					return g.profitSingle(m)
				})
			}),
		95: requestAs("cancelPnLSingle", verProtoScanner, inOrder(0),
			func(_ *Gateway, c *conn, m *protobuf.CancelPnLSingle) *requestError {
				return unfollowProfit(c, profitOfPosition, m.GetReqId())
			}),
	},
	replies: map[protoreflect.Name]reply{
		"PnL":       {94, verProtoScanner, inOrder(0)},
		"PnLSingle": {95, verProtoScanner, inOrder(0)},
	},
}

func (g *Gateway) followProfit(
	c *conn, kind string, id int32, account string, next func() proto.Message,
) *requestError {
	if !g.managed(account) {
		return wrongAccount()
	}
	send := changed(func(time.Time) proto.Message { return next() })
	if e := g.follow(c, streamKey{kind, id}, time.Second, send); e != nil {
		return e
	}
	c.sendLocked(send(g.nowLocked())...)
	return nil
}

func unfollowProfit(c *conn, kind string, id int32) *requestError {
	if !c.unfollow(kind, id) {
		return refused(10185, "Failed to cancel PNL (not subscribed)")
	}
	return nil
}

// profitSingle is the gains of a position. An instrument that is not held has none.
func (g *Gateway) profitSingle(m *protobuf.PnLSingleRequest) proto.Message {
	var one profit
	size := 0.0
	if p := g.book.positions[positionKey{m.GetAccount(), m.GetConId()}]; p != nil {
		one, size = p.profit(g.usd(p.q)), p.size
	}
	return &protobuf.PnLSingle{
		ReqId: m.ReqId, Position: new(formatFloat(size)), DailyPnL: &one.daily,
		UnrealizedPnL: &one.unrealized,
		RealizedPnL:   &one.realized, Value: &one.value,
	}
}
