package rulebook

import (
	"fmt"
	"strconv"
	"strings"

	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

// check looks at what concerns more than one key of the rule at a path, if its keys are right one by one. An empty
// "only" is dropped: it limits nothing.
func check(r *strict.Reader, path string, rule *rules.Rule) {
	if !r.Sound(path) {
		return
	}
	c := checker{r}
	at := func(key string) string { return strict.Join(path, key) }
	c.instrument(at("instrument"), rule.Instrument)
	for i, condition := range rule.Conditions {
		c.condition(fmt.Sprintf("%s[%d]", at("conditions"), i), condition)
	}
	if rule.Only != nil {
		c.only(at("only"), *rule.Only)
		if !rule.Only.MarketHours && rule.Only.From == "" {
			rule.Only = nil
		}
	}
	action := at("action")
	switch order := rule.Action.Order; {
	case rule.Action.Do == "order" && order == nil:
		r.Wrong(action+".order", `is missing; "do" is "order", so write which`)
	case rule.Action.Do != "order" && order != nil:
		r.Wrong(action+".order", `is only allowed with "do": "order"; remove it, or change "do"`)
	case order != nil:
		c.order(action+".order", *order)
	}
}

type checker struct{ *strict.Reader }

func (c checker) instrument(path string, in rules.Instrument) {
	if in.ConID == 0 && in.Symbol == "" {
		c.Wrong(path, `needs "con_id" or "symbol"`)
	}
}

func (c checker) condition(path string, condition rules.Condition) {
	if condition.Instrument != nil {
		c.instrument(path+".instrument", *condition.Instrument)
	}
	if condition.ForSeconds != 0 && strings.HasPrefix(condition.Is, "crosses") {
		c.Wrong(path+".for_seconds", "a crossing is a moment and does not last; remove it, or use at_or_above or "+
			"at_or_below")
	}
}

func (c checker) only(path string, only rules.Only) {
	if (only.From == "") != (only.Until == "") {
		c.Wrong(path+".from", `"from" and "until" belong together; write both or none`, path+".until")
		return
	}
	if only.From != "" {
		return
	}
	if len(only.Days) > 0 {
		c.Wrong(path+".days", `needs "from" and "until": these are the days on which that time starts`)
	}
	if only.Timezone != "" {
		c.Wrong(path+".timezone", `needs "from" and "until": it is their time zone`)
	}
}

func (c checker) order(path string, o rules.Order) {
	if text := strconv.FormatFloat(o.Quantity, 'f', -1, 64); decimals(text) > 7 {
		c.Wrong(path+".quantity", text+" has more than 7 decimals; round it")
	}
	limit, stop, trail := o.Type == "LMT" || o.Type == "STP LMT", o.Type == "STP" || o.Type == "STP LMT",
		o.Type == "TRAIL"
	c.pair(path, limit, o.Type, price{"limit_price", o.LimitPrice}, price{"limit_offset", o.LimitOffset})
	c.pair(path, stop, o.Type, price{"stop_price", o.StopPrice}, price{"stop_offset", o.StopOffset})
	c.pair(path, trail, o.Type, price{"trail_amount", o.TrailAmount}, price{"trail_percent", o.TrailPercent})
	for _, distance := range []price{{"trail_amount", o.TrailAmount}, {"trail_percent", o.TrailPercent}} {
		if distance.value != nil && *distance.value <= 0 {
			c.Wrong(path+"."+distance.key, "has to be above 0")
		}
	}
	profit := c.exit(path+".take_profit", o.TakeProfit, o.Side, o.Side == "BUY")
	stopped := c.exit(path+".stop_loss", o.StopLoss, o.Side, o.Side == "SELL")
	if profit != nil && stopped != nil && (*profit <= *stopped) == (o.Side == "BUY") {
		c.Wrong(path+".stop_loss.price", fmt.Sprintf("%v is on the wrong side of the take_profit price %v for a %s",
			*stopped, *profit, o.Side))
	}
}

func decimals(number string) int {
	_, after, _ := strings.Cut(number, ".")
	return len(after)
}

// price is a key that holds a price or an offset; the value is nil without it.
type price struct {
	key   string
	value *float64
}

// pair checks two keys of which an order of some type has exactly one if it uses them, and else none.
func (c checker) pair(path string, used bool, typ string, a, b price) {
	keys := fmt.Sprintf("%q or %q", a.key, b.key)
	switch {
	case used && a.value == nil && b.value == nil:
		c.Wrong(path, fmt.Sprintf("a %s order needs %s", typ, keys))
	case used && a.value != nil && b.value != nil:
		c.Wrong(path+"."+b.key, fmt.Sprintf("cannot be combined with %q here; write %s", a.key, keys))
	case !used:
		for _, p := range []price{a, b} {
			if p.value != nil {
				c.Wrong(path+"."+p.key, fmt.Sprintf("a %s order does not use it; remove it", typ))
			}
		}
	}
}

// exit checks an exit, if there is one, that closes a position above or below the price at which it was opened, and
// returns its price, nil without one.
func (c checker) exit(path string, exit *rules.Exit, side string, above bool) *float64 {
	switch {
	case exit == nil:
		return nil
	case exit.Price == nil && exit.Offset == nil:
		c.Wrong(path, `needs "price" or "offset"`)
	case exit.Price != nil && exit.Offset != nil:
		c.Wrong(path+".offset", `cannot be combined with "price" here; write "price" or "offset"`)
	case exit.Offset != nil && above && *exit.Offset <= 0:
		c.Wrong(path+".offset", fmt.Sprintf("%v has to be above 0 for a %s: the position is closed at a higher price",
			*exit.Offset, side))
	case exit.Offset != nil && !above && *exit.Offset >= 0:
		c.Wrong(path+".offset", fmt.Sprintf("%v has to be below 0 for a %s: the position is closed at a lower price",
			*exit.Offset, side))
	default:
		return exit.Price
	}
	return nil
}
