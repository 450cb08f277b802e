package sim

import (
	"slices"
	"time"

	"github.com/scmhub/ibapi/protobuf"
)

// The requests that a refusal of data is about.
const (
	refuseQuotes  = "quotes"  // market data
	refuseHistory = "history" // historical data and ticks, bars and tick-by-tick data
)

// dataRefusal is a code with which requests for data are refused.
type dataRefusal struct {
	symbol string // empty: of every instrument
	code   int
	times  int // below 0: always
	what   string
}

// namedLocked returns the markets with a label, all of them if that is empty.
func (g *Gateway) namedLocked(symbol string) (list []*quote, err error) {
	for _, q := range g.quotes {
		if symbol == "" || q.in.label() == symbol {
			list = append(list, q)
		}
	}
	if len(list) == 0 {
		return nil, errUnknownSymbol(symbol)
	}
	return list, nil
}

// onMarkets runs do for the markets with a label, all of them if that is empty.
func (g *Gateway) onMarkets(symbol string, do func([]*quote)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	list, err := g.namedLocked(symbol)
	if err == nil {
		do(list)
	}
	return err
}

// RefuseData answers the next subscriptions to market data of a symbol, or of any if that is empty, with a code. Most
// codes refuse (200, 354, 10168, ...). After 10167 and 10089 a client that asked for delayed data gets them, and
// another one is refused with 354 or 10089; after 10090 and 10091 the data go on. Below 0 it answers all of them so;
// 0 ends it. It reports an unknown symbol.
func (g *Gateway) RefuseData(symbol string, code, times int) error {
	return g.refuseData(refuseQuotes, symbol, code, times)
}

// RefuseHistory refuses the next requests for historical data, bars and tick-by-tick data of a symbol, or of any if
// that is empty, with a code such as 162 or 420. Below 0 it refuses all of them; 0 ends it. It reports an unknown
// symbol.
func (g *Gateway) RefuseHistory(symbol string, code, times int) error {
	return g.refuseData(refuseHistory, symbol, code, times)
}

func (g *Gateway) refuseData(what, symbol string, code, times int) error {
	return g.onMarkets(symbol, func([]*quote) {
		g.faults.refuseData = slices.DeleteFunc(g.faults.refuseData, func(r dataRefusal) bool {
			return r.symbol == symbol && r.what == what
		})
		if times != 0 {
			g.faults.refuseData = append(g.faults.refuseData, dataRefusal{symbol, code, times, what})
		}
	})
}

// refusalLocked is the code with which a request for data is answered, 0 for none.
func (g *Gateway) refusalLocked(q *quote, what string) int {
	for i := range g.faults.refuseData {
		r := &g.faults.refuseData[i]
		if r.what != what || r.symbol != "" && r.symbol != q.in.label() {
			continue
		}
		code := r.code
		if r.times--; r.times == 0 {
			g.faults.refuseData = slices.Delete(g.faults.refuseData, i, i+1)
		}
		return code
	}
	return 0
}

// competing reports whether another session of the user has the data of an instrument.
func (g *Gateway) competing(q *quote) bool { return g.faults.competing || q.competing }

// flows reports whether there are data of an instrument at present.
func (g *Gateway) flows(q *quote) bool {
	return !g.upstreamLost && !g.competing(q) && (q.halted == 0 || q.replay != nil) && !g.brokenFarm(q.in.farm())
}

// brokenFarm reports whether a data farm was said to be broken.
func (g *Gateway) brokenFarm(name string) bool {
	return slices.ContainsFunc(g.farms, func(f Farm) bool { return f.Name == name && f.Code == 2103 })
}

// farm is the data farm of an instrument, as recorded sessions name those of the United States.
func (in *instrument) farm() string {
	switch {
	case in.secType() == "FUT":
		return "usfuture"
	case in.secType() == "CASH":
		return "cashfarm"
	case in.contract.GetCurrency() == "JPY":
		return "jfarm"
	}
	return "usfarm"
}

// Compete gives the data of a symbol, or of all if that is empty, to another session of the user, or ends that:
// subscriptions get 10197, and nothing more until then.
func (g *Gateway) Compete(symbol string, on bool) error {
	return g.onMarkets(symbol, func(list []*quote) {
		for _, q := range list {
			q.competing = on
		}
		if on {
			g.eachSubscription(list, func(c *conn, s *subscription) {
				c.sendLocked(g.errorMessage(s.reqID, 10197, noticeText(10197)))
			})
		}
	})
}

// Halt stops trading in a symbol, or in all if that is empty: subscriptions get the reason (1: news or the regulator,
// 2: volatility) as tick 49 and no prices, and no order fills. 0 ends it.
func (g *Gateway) Halt(symbol string, reason int) error {
	return g.onMarkets(symbol, func(list []*quote) { g.haltLocked(list, reason) })
}

func (g *Gateway) haltLocked(list []*quote, reason int) {
	list = slices.DeleteFunc(list, func(q *quote) bool { return q.halted == reason })
	for _, q := range list {
		q.halted = reason
		q.advance(g.step)
	}
	g.eachSubscription(list, func(c *conn, s *subscription) {
		f, t := s.feed(g.step), tickWriter{textWriter{version: c.version}}
		f.generic(&t, tickHalted, float64(reason))
		c.queueFrames(t.b)
		c.flush()
	})
}

// eachSubscription runs do for the subscriptions to market data of some instruments.
func (g *Gateway) eachSubscription(list []*quote, do func(*conn, *subscription)) {
	for c := range g.conns {
		for _, s := range c.subs {
			if slices.Contains(list, s.q) {
				do(c, s)
			}
		}
	}
}

// StopData ends the subscriptions to market data of a symbol, or all if that is empty, with a code.
func (g *Gateway) StopData(symbol string, code int) error {
	return g.onMarkets(symbol, func(list []*quote) {
		g.eachSubscription(list, func(c *conn, s *subscription) {
			delete(c.subs, s.reqID)
			c.sendLocked(g.errorMessage(s.reqID, code, noticeText(code)))
		})
	})
}

// StopBars ends bars that are kept up to date, real-time bars and tick-by-tick data of a symbol, or all if that is
// empty, with a code such as 10182 or 10225.
func (g *Gateway) StopBars(symbol string, code int) error {
	return g.onMarkets(symbol, func(list []*quote) {
		for c := range g.conns {
			for key, s := range c.streams {
				if key.kind != "depth" && slices.Contains(list, s.q) {
					delete(c.streams, key)
					c.sendLocked(g.errorMessage(key.id, code, noticeText(code)))
				}
			}
		}
	})
}

// DataType makes the market data of a symbol, or all if that is empty, live (1), frozen (2), delayed (3), delayed and
// frozen (4) or of a type that is unknown; 0 is what clients have asked for. The ticks go on, so that a client must
// look at the type.
func (g *Gateway) DataType(symbol string, typ int) error {
	return g.onMarkets(symbol, func(list []*quote) { g.dataTypeLocked(list, int32(typ)) })
}

func (g *Gateway) dataTypeLocked(list []*quote, typ int32) {
	list = slices.DeleteFunc(list, func(q *quote) bool { return q.dataType == typ })
	for _, q := range list {
		q.dataType = typ
	}
	g.eachSubscription(list, func(c *conn, s *subscription) {
		if s.kind = typ; typ == 0 {
			s.kind = s.asked
		}
		c.sendLocked(&protobuf.MarketDataType{ReqId: &s.reqID, MarketDataType: new(s.kind)})
	})
}

// LastTraded ends the trades in a symbol, or in all if that is empty: the last one was some time ago, its price stays
// and is not sent again. A new price, or 0, ends it.
func (g *Gateway) LastTraded(symbol string, ago time.Duration) error {
	return g.onMarkets(symbol, func(list []*quote) { g.lastTradedLocked(list, ago) })
}

func (g *Gateway) lastTradedLocked(list []*quote, ago time.Duration) {
	for _, q := range list {
		q.silence = silence{}
		if ago > 0 {
			q.silence = silence{traded: g.nowLocked().Add(-ago), step: g.step, price: q.last}
		}
		q.advance(g.step)
	}
}

// clearDataLocked ends the faults of all instruments.
func (g *Gateway) clearDataLocked() {
	for _, q := range g.quotes {
		q.competing, q.unquoted = false, false
	}
	g.lastTradedLocked(slices.Clone(g.quotes), 0)
	g.dataTypeLocked(slices.Clone(g.quotes), 0)
	g.haltLocked(slices.Clone(g.quotes), 0)
}

// The verbs of the control port.

func competing(g *Gateway, a *args) error {
	on, symbol := a.bool("on"), a.text("symbol")
	return a.do(func() error {
		switch {
		case symbol != "":
			return g.Compete(symbol, on)
		case on:
			g.Notice(10197, "")
		default:
			g.EndCompeting()
		}
		return nil
	})
}

func lastTraded(g *Gateway, a *args) error {
	ago := a.positive("ago")
	return a.do(func() error { return g.LastTraded(a.text("symbol"), ago) })
}
