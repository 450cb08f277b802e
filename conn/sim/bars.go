package sim

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// bar is what an instrument did in a time.
type bar struct {
	at                             time.Time
	open, high, low, close, wapSum float64
	samples                        int
	volume                         int64
}

// show says which price bars are made of: whatToShow of the request.
type show string

// shows is what the simulator has bars of.
var shows = []show{"TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST"}

// trades reports whether the bars are of trades: others have no volume.
func (s show) trades() bool { return s == "TRADES" || s == "ADJUSTED_LAST" }

func (s show) price(m moment) float64 {
	switch s {
	case "MIDPOINT":
		return round((m.bid + m.ask) / 2)
	case "BID":
		return m.bid
	case "ASK":
		return m.ask
	}
	return m.last
}

// barSizes are the sizes that gateways know. Those from a day on are counted in days: a week, a month.
var barSizes = []struct {
	name string
	size time.Duration
}{
	{"1 secs", time.Second},
	{"5 secs", 5 * time.Second},
	{"10 secs", 10 * time.Second},
	{"15 secs", 15 * time.Second},
	{"30 secs", 30 * time.Second},
	{"1 min", time.Minute},
	{"2 mins", 2 * time.Minute},
	{"3 mins", 3 * time.Minute},
	{"5 mins", 5 * time.Minute},
	{"10 mins", 10 * time.Minute},
	{"15 mins", 15 * time.Minute},
	{"20 mins", 20 * time.Minute},
	{"30 mins", 30 * time.Minute},
	{"1 hour", time.Hour},
	{"2 hours", 2 * time.Hour},
	{"3 hours", 3 * time.Hour},
	{"4 hours", 4 * time.Hour},
	{"8 hours", 8 * time.Hour},
	{"1 day", oneDay},
	{"1 week", oneWeek},
	{"1 month", oneMonth},
}

const (
	oneDay   = 24 * time.Hour
	oneWeek  = 7 * oneDay
	oneMonth = 30 * oneDay
)

// grid is how far apart the prices are of which a bar is made: as a rule each step of the market for bars up to five
// seconds.
func grid(q *quote, size time.Duration) time.Duration {
	switch {
	case size < time.Minute:
		return max(q.every, size/20)
	case size < 30*time.Minute:
		return 5 * time.Second
	}
	return 5 * time.Minute
}

// add makes a bar longer by the time between two moments. Each minute is read to its end, so that bars of several
// minutes are the sum of bars of one.
func (g *Gateway) add(b *bar, q *quote, s show, from, to time.Time, step time.Duration) {
	for at := from; ; {
		b.sample(s, g.marketAt(q, at))
		at = at.Truncate(step).Add(step)
		if !at.Before(to) {
			break
		}
		if step < time.Minute && at.Truncate(time.Minute).Equal(at) {
			b.sample(s, g.marketAt(q, at.Add(-time.Nanosecond)))
		}
	}
	b.sample(s, g.marketAt(q, to.Add(-time.Nanosecond)))
	b.volume += g.traded(q, from, to)
}

func (b *bar) sample(s show, m moment) {
	price, low, high := s.price(m), s.price(m), s.price(m)
	if s == "BID_ASK" {
		price, low, high = m.bid, m.bid, m.ask
	}
	if b.samples == 0 {
		b.open, b.low, b.high = price, low, high
	}
	b.high, b.low, b.close = max(b.high, high), min(b.low, low), price
	if s == "BID_ASK" {
		b.close = m.ask
	}
	b.wapSum += price
	b.samples++
}

// dayBars are the bars of one day, or the one bar of it.
func (g *Gateway) dayBars(q *quote, s show, d tradingDay, size time.Duration) (all []bar) {
	if size >= oneDay {
		b := bar{at: d.date}
		for _, i := range d.intervals {
			g.add(&b, q, s, i.from, i.to, grid(q, size))
		}
		if b.samples > 0 {
			all = append(all, b)
		}
		return all
	}
	for _, i := range d.intervals {
		for from := i.from; from.Before(i.to); {
			to := earliest(d.date.Add(from.Sub(d.date).Truncate(size)+size), i.to)
			b := bar{at: d.barAt(i, from, size)}
			g.add(&b, q, s, from, to, grid(q, size))
			all = append(all, b)
			from = to
		}
	}
	return all
}

// joined makes weeks and months of days. Such a bar has the date of its last day.
func joined(days []bar, size time.Duration) (all []bar) {
	key := func(t time.Time) int {
		if size == oneMonth {
			return t.Year()*12 + int(t.Month())
		}
		y, w := t.ISOWeek()
		return y*100 + w
	}
	for i, d := range days {
		if i == 0 || key(d.at) != key(days[i-1].at) {
			all = append(all, d)
			continue
		}
		b := &all[len(all)-1]
		b.at, b.close, b.high, b.low = d.at, d.close, max(b.high, d.high), min(b.low, d.low)
		b.wapSum, b.samples, b.volume = b.wapSum+d.wapSum, b.samples+d.samples, b.volume+d.volume
	}
	return all
}

// span is how far bars go back: seconds of trading, days of trading, or to the day after a date.
type span struct {
	seconds, days int
	from          time.Time
}

// bars are those of a span before a time, oldest first; nil if there would be more than a gateway gives.
func (g *Gateway) bars(
	q *quote, s show, sp span, until time.Time, size time.Duration, regular bool,
) (all []bar, ok bool) {
	first := midnight(g.historyBegins().In(until.Location()))
	var seconds float64
	days := 0
	var parts [][]bar
	count := 0
	for d := midnight(until.Add(-time.Nanosecond)); !d.Before(first); d = midnight(d.Add(-time.Hour)) {
		if !d.After(sp.from) {
			break
		}
		one := g.dayOf(q.in, d, regular, until)
		if sp.seconds > 0 {
			seconds = one.shorten(seconds, float64(sp.seconds), size)
		}
		for _, i := range one.intervals {
			count += int(i.to.Sub(i.from)/size) + 1
		}
		if count > maxBars {
			return nil, false
		}
		parts = append(parts, g.dayBars(q, s, one, size))
		if one.regular {
			days++
		}
		if sp.days > 0 && days == sp.days || sp.seconds > 0 && seconds >= float64(sp.seconds) {
			break
		}
	}
	slices.Reverse(parts)
	all = slices.Concat(parts...)
	if size > oneDay {
		all = joined(all, size)
	}
	return all, true
}

// shorten cuts off the begin of a day, so that with the seconds counted already there are no more than a limit, in
// whole bars. It returns how many there are.
func (d *tradingDay) shorten(counted, limit float64, size time.Duration) float64 {
	for n := len(d.intervals) - 1; n >= 0; n-- {
		i := &d.intervals[n]
		length := i.to.Sub(i.from).Seconds()
		if counted+length >= limit {
			from := i.to.Add(-time.Duration((limit - counted) * float64(time.Second)))
			i.from = latest(i.from, d.date.Add(from.Sub(d.date).Truncate(size)))
			d.intervals = d.intervals[n:]
			return limit
		}
		counted += length
	}
	return counted
}

// historyYears is how far back there are prices.
const historyYears = 5

// historyBegins is when the first prices were.
func (g *Gateway) historyBegins() time.Time { return g.startedAt().AddDate(-historyYears, 0, 0) }

// maxBars is how many bars one request may ask for.
const maxBars = 30_000

// message is the bar as a client gets it; style is formatDate of the request.
func (b *bar) message(s show, size time.Duration, style int32, zone string) *protobuf.HistoricalDataBar {
	m := &protobuf.HistoricalDataBar{
		Date: new(barDate(b.at, size, style, zone)), Open: &b.open, High: &b.high, Low: &b.low,
		Close:  &b.close,
		Volume: new("-1"), WAP: new("-1"), BarCount: proto.Int32(-1),
	}
	if s.trades() {
		m.Volume = new(strconv.FormatInt(b.volume, 10))
		m.WAP = new(formatFloat(b.wap()))
		m.BarCount = new(int32(b.volume/100 + 1))
	}
	return m
}

// wap is the mean price, to three places as Gateway has it; currencies have no volume, and so none.
func (b *bar) wap() float64 { return math.Round(b.wapSum/float64(b.samples)*1e3) / 1e3 }

// barDate writes when a bar begins: a date from a day on, otherwise the time with its zone, or seconds if asked for.
func barDate(at time.Time, size time.Duration, style int32, zone string) string {
	switch {
	case size >= oneDay:
		return at.Format("20060102")
	case style == 2:
		return strconv.FormatInt(at.Unix(), 10)
	}
	return at.Format("20060102 15:04:05 ") + zone
}
