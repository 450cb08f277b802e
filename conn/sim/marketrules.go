package sim

import (
	"math"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
)

// band is the distance between two prices, from a price on, in the currency also where prices are in pence.
type band struct{ from, step float64 }

// Numbers of the market rules.
const (
	ruleUSStocks = 26
	ruleCurrency = 239
	ruleYen      = 240
	ruleFutures  = 67
	ruleMexico   = 557
	ruleTokyo    = 2421
	ruleLondon   = 1892
)

// marketRuleTable is every market rule that the simulated gateway knows. That of Tokyo is the one for the most traded
// stocks. Source: Japan Exchange Group, "Tick sizes". That
// of London is the one of MiFID II for the most traded shares, from 5 pounds on.
var marketRuleTable = map[int32][]band{
	ruleUSStocks: {{0, 0.01}},
	ruleCurrency: {{0, 0.00005}},
	ruleYen:      {{0, 0.005}},
	ruleFutures:  {{0, 0.25}},
	ruleMexico:   {{0, 0.01}},
	ruleTokyo: {
		{0, 0.1},
		{1000, 0.5},
		{3000, 1},
		{10000, 5},
		{30000, 10},
		{100000, 50},
		{300000, 100},
		{1000000, 500},
	},
	ruleLondon: {{0, 0.0001}, {5, 0.001}, {10, 0.002}, {20, 0.005}, {50, 0.01}, {100, 0.02}},
}

// minTick is the least distance between two prices, whatever they are, in the currency.
func (in *instrument) minTick() float64 {
	least := math.Inf(1)
	for _, b := range marketRuleTable[in.rule] {
		least = math.Min(least, b.step)
	}
	return least
}

// step is the distance between two prices at a price.
func (in *instrument) step(price float64) float64 {
	bands := marketRuleTable[in.rule]
	step := bands[0].step
	for _, b := range bands {
		if math.Abs(price) >= b.from*in.magnifier() {
			step = b.step
		}
	}
	return round(step * in.magnifier())
}

// ruleIDs is the rule's number, once for each exchange of a list.
func (in *instrument) ruleIDs(exchanges string) *string {
	id := strconv.Itoa(int(in.rule))
	return new(id + strings.Repeat(","+id, strings.Count(exchanges, ",")))
}

// marketRule answers with a market rule.
func marketRule(_ *Gateway, c *conn, m *protobuf.MarketRuleRequest) *requestError {
	bands, ok := marketRuleTable[m.GetMarketRuleId()]
	if !ok {
		return invalid("unknown market rule %d", m.GetMarketRuleId())
	}
	rule := &protobuf.MarketRule{MarketRuleId: m.MarketRuleId}
	for _, b := range bands {
		rule.PriceIncrements = append(rule.PriceIncrements, &protobuf.PriceIncrement{
			LowEdge: &b.from, Increment: &b.step,
		})
	}
	c.sendLocked(rule)
	return nil
}
