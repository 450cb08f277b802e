package rulebook

import (
	"fmt"
	"strconv"
	"strings"

	"gatewatch/engine/rules"
)

// Text says a rule in one sentence, such as "When AAPL last crosses up 230.5, for market hours only: BUY 100 LMT 0.05
// below, take profit 2 above, stop 1.5 below; once."
func Text(rule rules.Rule) string {
	own := true // every condition watches the rule's own instrument
	var conditions []string
	for _, c := range rule.Conditions {
		in := rule.Instrument
		if c.Instrument != nil {
			in = *c.Instrument
			own = own && in == rule.Instrument
		}
		conditions = append(conditions, conditionText(in, c))
	}
	word := " and "
	if rule.Match == "any" {
		word = " or "
	}
	text := "When " + strings.Join(conditions, word) + onlyText(rule.Only)
	if rule.AllowDelayed {
		text += ", on delayed prices too"
	}
	do := "notify"
	if o := rule.Action.Order; o != nil {
		name := ""
		if !own {
			name = " " + instrumentText(rule.Instrument)
		}
		do = orderText(*o, name)
	}
	again := "once"
	if rule.CooldownSeconds > 0 {
		again = "again after at least " + number(rule.CooldownSeconds) + " s"
	}
	return text + ": " + do + "; " + again + "."
}

func instrumentText(in rules.Instrument) string {
	switch {
	case in.Local != "":
		return in.Local
	case in.Symbol == "":
		return "contract " + strconv.FormatInt(in.ConID, 10)
	case in.Type == "CASH" && in.Currency != "":
		return in.Symbol + "." + in.Currency
	case in.Type == "" || in.Type == "STK":
		return in.Symbol
	default:
		return in.Symbol + " " + in.Type
	}
}

var comparisons = map[string]string{
	"at_or_above": "is at or above", "at_or_below": "is at or below", "crosses_up": "crosses up",
	"crosses_down": "crosses down",
}

func conditionText(in rules.Instrument, c rules.Condition) string {
	text := fmt.Sprintf("%s %s %s %s", instrumentText(in), c.Price, comparisons[c.Is], number(c.Value))
	if c.ForSeconds > 0 {
		text += " for " + number(c.ForSeconds) + " s"
	}
	return text
}

func onlyText(only *rules.Only) string {
	if only == nil {
		return ""
	}
	var parts []string
	if only.MarketHours {
		parts = append(parts, "for market hours only")
	}
	if only.From != "" {
		text := "only from " + only.From + " to " + only.Until
		if only.Timezone != "" && only.Timezone != "Local" {
			text += " " + only.Timezone
		}
		if len(only.Days) > 0 {
			text += " on " + strings.Join(only.Days, ", ")
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, " and ")
}

func orderText(o rules.Order, name string) string {
	text := fmt.Sprintf("%s %s%s %s", o.Side, number(o.Quantity), name, o.Type)
	stop, limit := priceText(o.StopPrice, o.StopOffset), priceText(o.LimitPrice, o.LimitOffset)
	switch {
	case stop != "" && limit != "":
		text += " stop " + stop + ", limit " + limit
	case stop+limit != "":
		text += " " + stop + limit
	case o.TrailAmount != nil:
		text += " by " + number(*o.TrailAmount)
	case o.TrailPercent != nil:
		text += " by " + number(*o.TrailPercent) + "%"
	}
	if o.TIF != "" && o.TIF != "DAY" {
		text += " " + o.TIF
	}
	if o.OutsideHours {
		text += ", also outside regular hours"
	}
	if e := o.TakeProfit; e != nil {
		text += ", take profit " + priceText(e.Price, e.Offset)
	}
	if e := o.StopLoss; e != nil {
		text += ", stop " + priceText(e.Price, e.Offset)
	}
	return text
}

// priceText says a price, or an offset as a distance; "" if there is neither.
func priceText(price, offset *float64) string {
	switch {
	case price != nil:
		return number(*price)
	case offset == nil:
		return ""
	case *offset > 0:
		return number(*offset) + " above"
	case *offset < 0:
		return number(-*offset) + " below"
	default:
		return "at the same price"
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
