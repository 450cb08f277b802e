package sim

import (
	"slices"
	"time"

	"github.com/scmhub/ibapi/protobuf"
)

// auctionOf is when the auction is held for which an order waits, and whether it is that at the end of trading.
// Zero: it waits for none.
func (g *Gateway) auctionOf(o *protobuf.Order) (at time.Time, closing bool) {
	switch t := o.GetOrderType(); {
	case t == "MOC" || t == "LOC":
		return g.nextAuction(16, 0), true
	case t == "MOO" || t == "LOO" || o.GetTif() == "OPG":
		return g.nextAuction(9, 30), false
	}
	return time.Time{}, false
}

// nextAuction is the next time of day in New York on a weekday.
func (g *Gateway) nextAuction(hour, minute int) time.Time {
	now := g.nowLocked().In(g.zone)
	for day := 0; ; day++ {
		at := time.Date(now.Year(), now.Month(), now.Day()+day, hour, minute, 0, 0, g.zone)
		if weekend := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday; !weekend && at.After(now) {
			return at
		}
	}
}

// HoldAuction holds the next auction of a symbol now, at its last price: that at the end of trading, or else at its
// beginning.
func (g *Gateway) HoldAuction(symbol string, closing bool) error {
	return g.onMarkets(symbol, func(list []*quote) {
		for _, o := range g.book.open() {
			if !o.auction.IsZero() && o.closing == closing && slices.Contains(list, o.q) {
				g.auctionLocked(o)
			}
		}
	})
}

// auctionLocked fills an order in its auction, or ends it there.
func (g *Gateway) auctionLocked(o *order) {
	o.auction = time.Time{}
	if g.upstreamLost || o.done() || !g.working(o) {
		return
	}
	o.status = statusSubmitted
	g.announce(o)
	price := o.q.last
	if limit := o.order.LmtPrice; o.order.GetOrderType()[0] == 'L' && limit != nil {
		if buy := o.order.GetAction() == "BUY"; buy && *limit < price || !buy && *limit > price {
			g.cancelLocked(o, bySystem)
			return
		}
	}
	o.parts = o.qty
	g.fill(o, price)
}

// timeLocked does what time alone brings to orders: auctions, and the end of what is good for the day or till a date.
func (g *Gateway) timeLocked(now time.Time) {
	for _, o := range g.book.open() {
		switch {
		case o.done() || o.kept():
		case g.cfg.TradingHours && !o.auction.IsZero() && !now.Before(o.auction):
			g.auctionLocked(o)
		case !o.until.IsZero() && !now.Before(o.until):
			g.cancelLocked(o, bySystem)
		}
	}
}

func holdAuction(g *Gateway, a *args) error {
	at := a.text("at")
	if at != "open" && at != "close" {
		a.fail("at", "open or close")
	}
	return a.do(func() error { return g.HoldAuction(a.text("symbol"), at == "close") })
}
