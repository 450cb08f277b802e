package sim

import (
	"slices"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// dataRefusal is a code with which subscriptions to market data are refused.
type dataRefusal struct {
	symbol string // empty: of every instrument
	code   int
	times  int // below 0: always
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

// RefuseData answers the next subscriptions to market data of a symbol, or of any if that is empty, with a code: 200, 354, 10168, ….
// Below 0 it refuses all of them; 0 ends it. It reports an unknown symbol.
func (g *Gateway) RefuseData(symbol string, code, times int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.namedLocked(symbol); err != nil {
		return err
	}
	g.faults.refuseData = slices.DeleteFunc(g.faults.refuseData, func(r dataRefusal) bool { return r.symbol == symbol })
	if times != 0 {
		g.faults.refuseData = append(g.faults.refuseData, dataRefusal{symbol, code, times})
	}
	return nil
}

// refusedDataLocked says that a subscription is refused.
func (g *Gateway) refusedDataLocked(id int32, q *quote) *requestError {
	for i := range g.faults.refuseData {
		r := &g.faults.refuseData[i]
		if r.symbol != "" && r.symbol != q.in.label() {
			continue
		}
		e := &requestError{Code: int32(r.code), ReqID: id, Reason: reasonInvalid, Text: noticeText(r.code)}
		if r.times--; r.times == 0 {
			g.faults.refuseData = slices.Delete(g.faults.refuseData, i, i+1)
		}
		return e
	}
	return nil
}

// StopData ends the subscriptions to market data of a symbol, or all if that is empty, with a code.
func (g *Gateway) StopData(symbol string, code int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	list, err := g.namedLocked(symbol)
	if err != nil {
		return err
	}
	for c := range g.conns {
		for id, s := range c.subs {
			if slices.Contains(list, s.q) {
				delete(c.subs, id)
				c.sendLocked(g.errorMessage(id, code, noticeText(code)))
			}
		}
	}
	return nil
}

// DataType makes the market data of a symbol, or all if that is empty, live (1), frozen (2), delayed (3), delayed and frozen (4) or
// what nobody knows; 0 is what clients have asked for. The ticks go on, so that a client must look at the type.
func (g *Gateway) DataType(symbol string, typ int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dataTypeLocked(symbol, int32(typ))
}

func (g *Gateway) dataTypeLocked(symbol string, typ int32) error {
	list, err := g.namedLocked(symbol)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(q *quote) bool { return q.dataType == typ })
	for _, q := range list {
		q.dataType = typ
	}
	for c := range g.conns {
		for id, s := range c.subs {
			if !slices.Contains(list, s.q) {
				continue
			}
			kind := c.dataType(s.q)
			s.delayed = kind == 3 || kind == 4
			c.sendLocked(&protobuf.MarketDataType{ReqId: proto.Int32(id), MarketDataType: &kind})
		}
	}
	return nil
}

// dataType is which market data a client gets of an instrument.
func (c *conn) dataType(q *quote) int32 {
	switch {
	case q.dataType != 0:
		return q.dataType
	case c.delayed:
		return 3
	}
	return 1
}

// LastTraded has nobody trade a symbol any more, whose last trade was some time ago: its last price stands still, and is not told
// again. A new price, or 0, ends it.
func (g *Gateway) LastTraded(symbol string, ago time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lastTradedLocked(symbol, ago)
}

func (g *Gateway) lastTradedLocked(symbol string, ago time.Duration) error {
	list, err := g.namedLocked(symbol)
	if err != nil {
		return err
	}
	for _, q := range list {
		q.silence = silence{}
		if ago > 0 {
			q.silence = silence{traded: g.nowLocked().Add(-ago), step: g.step, price: q.last}
		}
		q.advance(g.step)
	}
	return nil
}

// The verbs of the control port.

func refuseData(g *Gateway, a *args) error {
	code, n := a.int("code", 354, 1, 1<<30), a.int("n", 1, -1, 1<<30)
	return a.do(func() error { return g.RefuseData(a.text("symbol", ""), code, n) })
}

func stopData(g *Gateway, a *args) error {
	code := a.int("code", 354, 1, 1<<30)
	return a.do(func() error { return g.StopData(a.text("symbol", ""), code) })
}

func dataType(g *Gateway, a *args) error {
	typ := a.int("type", 2, 0, 99)
	return a.do(func() error { return g.DataType(a.text("symbol", ""), typ) })
}

func lastTraded(g *Gateway, a *args) error {
	ago := a.positive("ago", 48*time.Hour)
	return a.do(func() error { return g.LastTraded(a.text("symbol", ""), ago) })
}
