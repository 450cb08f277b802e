package sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/scmhub/ibapi/protobuf"
)

// orderTypes are the types placeOrder takes; those set to false rest for ever, their rules are not simulated.
var orderTypes = map[string]bool{
	"MKT": true, "LMT": true, "STP": true, "STP LMT": true, "MIT": true, "LIT": true, "TRAIL": true, "MTL": true,
	"STP PRT": true, "MKT PRT": true,
	"TRAIL LIMIT": false,
	"MOC":         true, "LOC": true, "MOO": true, "LOO": true,
	"REL": false, "VOL": false, "MIDPRICE": false,
	"PEG MKT": false, "PEG MID": false, "PEG BEST": false, "PEG BENCH": false, "PEG STK": false, "PEG PRIM": false,
	"PASSV REL": false, "SNAP MKT": false, "SNAP MID": false, "SNAP PRIM": false, "BOX TOP": false, "QUOTE": false,
	"PRELIM": false, "IBALGO": false,
}

// validateOrder returns the quantity, or why the order is refused.
func (g *Gateway) validateOrder(q *quote, o *protobuf.Order) (float64, *requestError) {
	qty, err := strconv.ParseFloat(o.GetTotalQuantity(), 64)
	if o.GetTotalQuantity() == "" && o.GetCashQty() > 0 {
		qty, err = math.Max(round(math.Floor(o.GetCashQty()/(q.ask*multiplier(q)))), 1), nil
	}
	if err != nil || math.IsNaN(qty) || math.IsInf(qty, 0) || qty < 0 {
		return 0, invalid("invalid quantity")
	}
	if qty == 0 {
		return 0, codeError(434)
	}
	if least, _ := strconv.ParseFloat(q.in.minSize, 64); !onTick(qty, least) {
		return 0, invalid("Order size does not conform to market rule")
	}
	switch o.GetAction() {
	case "BUY", "SELL", "SSHORT":
	default:
		return 0, invalid("invalid action %q", o.GetAction())
	}
	if _, ok := orderTypes[o.GetOrderType()]; !ok {
		return 0, invalid("Invalid order type was entered")
	}
	if t := o.GetOrderType(); o.GetTif() == "OPG" && t != "MKT" && t != "LMT" {
		return 0, codeError(387)
	}
	switch o.GetTif() {
	case "", "DAY", "GTC", "IOC", "FOK", "GTD", "OPG", "DTC", "AUC":
	default:
		return 0, invalid("invalid time in force %q", o.GetTif())
	}
	if account := o.GetAccount(); account == "" && len(g.cfg.Accounts) > 1 {
		return 0, refused(435, "You must specify an account.")
	} else if account != "" && !g.managed(account) {
		return 0, invalid("invalid account code %q", account)
	}
	needLimit, needAux := false, false
	switch o.GetOrderType() {
	case "LMT", "LOC", "LOO":
		needLimit = true
	case "STP LMT", "LIT":
		needLimit, needAux = true, true
	case "STP", "MIT", "STP PRT":
		needAux = true
	case "TRAIL":
		if o.AuxPrice == nil && o.TrailingPercent == nil {
			return 0, invalid("trailing amount or percent missing")
		}
	}
	if needLimit && o.LmtPrice == nil || needAux && o.AuxPrice == nil {
		return 0, invalid("%s order without its price", o.GetOrderType())
	}
	for _, p := range []struct {
		need  bool
		price float64
	}{{needLimit, o.GetLmtPrice()}, {needAux, o.GetAuxPrice()}} {
		if p.need && !onTick(p.price, q.in.step(p.price)) {
			return 0, codeError(110)
		}
	}
	return qty, nil
}

// onTick reports whether price is a positive multiple of tick.
func onTick(price, tick float64) bool {
	n := price / tick
	return price > 0 && n < 1e12 && math.Abs(n-math.Round(n)) < 1e-4
}

func (g *Gateway) managed(account string) bool { return slices.Contains(g.cfg.Accounts, account) }

// goodTill is when an order is cancelled: one for the day when trading ends, with Config.TradingHours, and one with the
// time in force GTD at its date; zero for others.
func (g *Gateway) goodTill(q *quote, o *protobuf.Order) (time.Time, *requestError) {
	switch o.GetTif() {
	case "", "DAY":
		if g.cfg.TradingHours {
			return g.dayEnds(q.in, !o.GetOutsideRth()), nil
		}
		return time.Time{}, nil
	case "GTD":
	default:
		return time.Time{}, nil
	}
	text := o.GetGoodTillDate()
	until, err := parseFilterTime(text, g.zone)
	if day, wrong := time.ParseInLocation("20060102", text, g.zone); wrong == nil {
		until, err = day.AddDate(0, 0, 1), nil
	}
	switch {
	case text == "", err == nil && !until.After(g.nowLocked()):
		return time.Time{}, refused(334, "Invalid Good Till Date order")
	case err != nil:
		return time.Time{}, refused(391, "The time or time-zone entered is invalid. The correct format is hh:mm:ss "+
			"xxx where xxx is an optionally specified time-zone.")
	}
	return until, nil
}

// overMargin says that an order would tie up more than its account has; empty if it would not. An exit of another
// order does not.
func (g *Gateway) overMargin(q *quote, o *protobuf.Order, qty float64, parent *order) string {
	account := cmp.Or(o.GetAccount(), g.cfg.Accounts[0])
	before, after, equity := g.marginWith(account, q, o.GetAction(), qty)
	if after <= before || after <= equity || parent != nil && qty <= parent.qty {
		return ""
	}
	return fmt.Sprintf("Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION "+
		"YOUR EQUITY "+
		"WITH LOAN VALUE [%.2f USD] MUST EXCEED THE INITIAL MARGIN [%.2f USD]", equity, after)
}
