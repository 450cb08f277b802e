package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// keepUpToDate follows bars with the present one, once a second, and with the one before when that is over.
func (g *Gateway) keepUpToDate(
	c *conn, m *protobuf.HistoricalDataRequest, q *quote, what show, size time.Duration,
) *requestError {
	zone, zoneName := g.zoneOf(q.in)
	last := g.barOf(q, what, g.nowLocked().In(zone), size, m.GetUseRTH())
	send := func(now time.Time) (all []proto.Message) {
		now = now.In(zone)
		present := g.barOf(q, what, now, size, m.GetUseRTH())
		sent := []bar{present}
		if present.at.After(last.at) {
			d := midnight(last.at)
			over := d.Add(last.at.Sub(d).Truncate(size) + min(size, oneDay))
			sent = []bar{g.barOf(q, what, over, size, m.GetUseRTH()), present}
		}
		last = present
		for _, b := range sent {
			all = append(all, &protobuf.HistoricalDataUpdate{
				ReqId: m.ReqId, HistoricalDataBar: b.message(what, size, m.GetFormatDate(), zoneName),
			})
		}
		return all
	}
	return g.followMarket(c, streamKey{"history", m.GetReqId()}, q, time.Second, send)
}

// barOf is the bar that ends at a time, or is not over then.
func (g *Gateway) barOf(q *quote, what show, until time.Time, size time.Duration, regular bool) (last bar) {
	sp := span{seconds: 1}
	switch {
	case size == oneDay:
		sp = span{days: 1}
	case size > oneDay:
		sp = span{days: 31}
	}
	if all, _ := g.bars(q, what, sp, until, size, regular); len(all) > 0 {
		return all[len(all)-1]
	}
	return last
}

// realTimeBars sends a bar of five seconds when it is over, the last one at once.
func (g *Gateway) realTimeBars(c *conn, m *protobuf.RealTimeBarsRequest) *requestError {
	id := m.GetReqId()
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	what := show(strings.ToUpper(m.GetWhatToShow()))
	switch {
	case !slices.Contains([]show{"TRADES", "MIDPOINT", "BID", "ASK"}, what):
		return invalid("What to show field is missing or incorrect.")
	case what.trades() && q.in.secType() == "CASH":
		return refused(420, "Invalid Real-time Query:No market data permissions for %s CASH",
			q.in.contract.GetExchange())
	case m.GetBarSize() != 5:
		return invalid("Real-time bars have 5 seconds")
	}
	const size = 5 * time.Second
	send := func(now time.Time) []proto.Message {
		from := now.Truncate(size).Add(-size)
		b := bar{at: from}
		g.add(&b, q, what, from, from.Add(size), grid(q, size))
		one := b.message(what, size, 2, "")
		return []proto.Message{&protobuf.RealTimeBarTick{
			ReqId: &id, Time: new(from.Unix()), Open: &b.open, High: &b.high, Low: &b.low, Close: &b.close,
			Volume: one.Volume, WAP: one.WAP, Count: one.BarCount,
		}}
	}
	if e := g.followMarket(c, streamKey{"bars", id}, q, size, send); e != nil {
		return e
	}
	c.sendLocked(send(g.nowLocked())...)
	return nil
}

// maxTickByTick is how many instruments one session can follow tick by tick.
const maxTickByTick = 5

// tickByTick follows each trade or quote, after the last ones if asked for.
func (g *Gateway) tickByTick(c *conn, m *protobuf.TickByTickRequest) *requestError {
	id := m.GetReqId()
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	venue := q.in.contract.GetExchange()
	kind := slices.Index([]string{"", "Last", "AllLast", "BidAsk", "MidPoint"}, m.GetTickType())
	switch {
	case kind < 1:
		return invalid("Invalid tick type: %s", m.GetTickType())
	case kind < 3 && q.in.secType() == "CASH":
		return refused(10189, "Failed to request tick-by-tick data.No market data permissions for %s CASH", venue)
	}
	running := 0
	for key := range c.streams {
		if key.kind == "ticks" {
			running++
		}
	}
	if running >= maxTickByTick {
		return refused(10190, "Max number of tick-by-tick requests has been reached.")
	}
	var last moment
	send := func(now time.Time) []proto.Message {
		if q.moment == last {
			return nil
		}
		last = q.moment
		return []proto.Message{tickMessage(id, kind, now, q)}
	}
	if e := g.followMarket(c, streamKey{"ticks", id}, q, streamQuantum, send); e != nil {
		return e
	}
	if n := m.GetNumberOfTicks(); n > 0 {
		what := []string{"", "TRADES", "TRADES", "BID_ASK", "MIDPOINT"}[kind]
		now := g.nowLocked()
		c.sendLocked(g.pastTicks(id, q, what, now, min(int(n), maxPastTicks), false))
	}
	c.sendLocked(send(g.nowLocked())...)
	return nil
}

func tickMessage(id int32, kind int, now time.Time, q *quote) proto.Message {
	m, at := &protobuf.TickByTickData{ReqId: &id, TickType: new(int32(kind))}, new(now.Unix())
	switch kind {
	case 1, 2:
		m.Tick = &protobuf.TickByTickData_HistoricalTickLast{HistoricalTickLast: &protobuf.HistoricalTickLast{
			Time: at, TickAttribLast: &protobuf.TickAttribLast{}, Price: new(q.last),
			Size:     new(strconv.FormatInt(q.lastSize, 10)),
			Exchange: new(q.venue()), SpecialConditions: new(""),
		}}
	case 3:
		m.Tick = &protobuf.TickByTickData_HistoricalTickBidAsk{HistoricalTickBidAsk: &protobuf.HistoricalTickBidAsk{
			Time: at, TickAttribBidAsk: &protobuf.TickAttribBidAsk{}, PriceBid: new(q.bid),
			PriceAsk: new(q.ask),
			SizeBid:  new(strconv.FormatInt(q.bidSize, 10)),
			SizeAsk:  new(strconv.FormatInt(q.askSize, 10)),
		}}
	case 4:
		m.Tick = &protobuf.TickByTickData_HistoricalTickMidPoint{HistoricalTickMidPoint: &protobuf.HistoricalTick{
			Time: at, Price: new(round((q.bid + q.ask) / 2)), Size: new("0"),
		}}
	}
	return m
}

// venue is the exchange of a trade.
func (q *quote) venue() string {
	if e := q.in.contract.GetPrimaryExch(); e != "" {
		return e
	}
	return q.in.contract.GetExchange()
}
