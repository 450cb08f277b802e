package sim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// maxPastTicks is how many ticks one request can have.
const maxPastTicks = 1000

// historicalTicks lists ticks from a time on, or up to one: one each second of trading.
func (g *Gateway) historicalTicks(c *conn, m *protobuf.HistoricalTicksRequest) *requestError {
	id := m.GetReqId()
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	what := strings.ToUpper(m.GetWhatToShow())
	zone, _ := g.zoneOf(q.in)
	failed := func(text string) *requestError {
		return refused(10187, "Failed to request historical ticks:%s", text)
	}
	switch n := m.GetNumberOfTicks(); {
	case !slices.Contains([]string{"TRADES", "BID_ASK", "MIDPOINT"}, what) || what == "TRADES" &&
		q.in.secType() == "CASH":
		return failed("No historical ticks of " + what)
	case n < 1 || n > maxPastTicks:
		return failed("Number of ticks must be 1 to 1000")
	case (m.GetStartDateTime() == "") == (m.GetEndDateTime() == ""):
		return failed("Either the start or the end must be given")
	}
	at, e := g.until(m.GetStartDateTime()+m.GetEndDateTime(), zone)
	if e != nil {
		return e
	}
	c.sendLocked(g.pastTicks(id, q, what, at, int(m.GetNumberOfTicks()), m.GetStartDateTime() != ""))
	return nil
}

// pastTicks are ticks after or before a time, oldest first.
func (g *Gateway) pastTicks(id int32, q *quote, what string, at time.Time, n int, after bool) proto.Message {
	zone, _ := g.zoneOf(q.in)
	now, begin := g.nowLocked(), g.historyBegins()
	at = at.In(zone)
	d := midnight(at)
	var times []time.Time
	for len(times) < n && !d.After(now) && d.After(begin) {
		intervals := g.dayOf(q.in, d, false, now).intervals
		if after {
			times = secondsFrom(times, intervals, at, n)
			d = d.AddDate(0, 0, 1)
		} else {
			times = secondsBefore(times, intervals, at, n)
			d = midnight(d.Add(-time.Hour))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return g.tickList(id, q, what, times)
}

func secondsFrom(times []time.Time, intervals []interval, from time.Time, n int) []time.Time {
	for _, i := range intervals {
		for t := latest(i.from, from); t.Before(i.to) && len(times) < n; t = t.Add(time.Second) {
			times = append(times, t)
		}
	}
	return times
}

func secondsBefore(times []time.Time, intervals []interval, to time.Time, n int) []time.Time {
	for _, i := range slices.Backward(intervals) {
		for t := earliest(i.to, to).Add(-time.Nanosecond); !t.Before(i.from) &&
			len(times) < n; t = t.Add(-time.Second) {
			times = append(times, t)
		}
	}
	return times
}

func (g *Gateway) tickList(id int32, q *quote, what string, times []time.Time) proto.Message {
	done, size := new(true), proto.String
	text := func(n int64) *string { return size(strconv.FormatInt(n, 10)) }
	switch what {
	case "BID_ASK":
		m := &protobuf.HistoricalTicksBidAsk{ReqId: &id, IsDone: done}
		for _, t := range times {
			at := g.marketAt(q, t)
			m.HistoricalTicksBidAsk = append(m.HistoricalTicksBidAsk, &protobuf.HistoricalTickBidAsk{
				Time: new(t.Unix()), TickAttribBidAsk: &protobuf.TickAttribBidAsk{}, PriceBid: &at.bid,
				PriceAsk: &at.ask,
				SizeBid:  text(g.traded(q, t.Add(-time.Second), t)), SizeAsk: text(g.traded(q, t, t.Add(time.Second))),
			})
		}
		return m
	case "MIDPOINT":
		m := &protobuf.HistoricalTicks{ReqId: &id, IsDone: done}
		for _, t := range times {
			price := show("MIDPOINT").price(g.marketAt(q, t))
			m.HistoricalTicks = append(m.HistoricalTicks, &protobuf.HistoricalTick{
				Time: new(t.Unix()), Price: &price, Size: size("0"),
			})
		}
		return m
	}
	m := &protobuf.HistoricalTicksLast{ReqId: &id, IsDone: done}
	for _, t := range times {
		at := g.marketAt(q, t)
		m.HistoricalTicksLast = append(m.HistoricalTicksLast, &protobuf.HistoricalTickLast{
			Time: new(t.Unix()), TickAttribLast: &protobuf.TickAttribLast{}, Price: &at.last,
			Size: text(g.traded(q, t.Add(-time.Second), t)), Exchange: size(q.venue()), SpecialConditions: size(""),
		})
	}
	return m
}

// histogram sends the volume at each price.
func (g *Gateway) histogram(c *conn, m *protobuf.HistogramDataRequest) *requestError {
	id := m.GetReqId()
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	zone, _ := g.zoneOf(q.in)
	until := g.nowLocked().In(zone)
	sp, ok := parseSpan(histogramSpan(m.GetTimePeriod()), until)
	if !ok {
		return refused(10188, "Failed to request histogram data:Invalid time period %s", m.GetTimePeriod())
	}
	bars, ok := g.bars(q, "TRADES", sp, until, time.Minute, m.GetUseRTH())
	if !ok {
		return refused(10188, "Failed to request histogram data:Time length exceed max.")
	}
	sizes := map[float64]int64{}
	for _, b := range bars {
		sizes[b.close] += b.volume
	}
	answer := &protobuf.HistogramData{ReqId: &id}
	for price, size := range sizes {
		answer.HistogramDataEntries = append(answer.HistogramDataEntries, &protobuf.HistogramDataEntry{
			Price: &price, Size: new(strconv.FormatInt(size, 10)),
		})
	}
	slices.SortFunc(answer.HistogramDataEntries, func(a, b *protobuf.HistogramDataEntry) int {
		return cmp.Compare(a.GetPrice(), b.GetPrice())
	})
	c.sendLocked(answer)
	return nil
}

// histogramSpan turns "3 days" into "3 D".
func histogramSpan(s string) string {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), " ")
	if unit == "" {
		return ""
	}
	return number + " " + unit[:1]
}
