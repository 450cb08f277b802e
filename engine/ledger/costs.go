package ledger

import (
	"maps"
	"math"
	"slices"

	"gatewatch/conn/ib"
)

// Costs are at which prices an order was filled and what that has cost, as far as Gateway has said so.
type Costs struct {
	Prices  map[string]float64 `json:"prices,omitempty"`  // by execution, as those of [Executions]
	Average float64            `json:"average,omitempty"` // of all fills, as Gateway has said last
	Charges map[string]Charge  `json:"charges,omitempty"` // by execution
}

// Charge is what one execution has cost.
type Charge struct {
	Amount   float64 `json:"amount"` // commission and fees
	Currency string  `json:"currency,omitempty"`
	Realised float64 `json:"realised,omitempty"` // profit or loss, with commissions
	Closes   bool    `json:"closes,omitempty"`   // it has closed a position: Realised counts
}

// price takes in at which price an execution took place. The map is a new one then: intents are handed out.
func (c *Costs) price(n ib.OrderNews) {
	name, _ := execution(n.Execution)
	prices := map[string]float64{}
	maps.Copy(prices, c.Prices)
	prices[name] = n.Price
	c.Prices = prices
}

// charge takes in what an execution has cost, and reports whether that was new.
func (c *Costs) charge(name string, one Charge) bool {
	if known, again := c.Charges[name]; again && known == one {
		return false
	}
	charges := map[string]Charge{}
	maps.Copy(charges, c.Charges)
	charges[name] = one
	c.Charges = charges
	return true
}

// AveragePrice returns the average price of what was filled; 0 if it is not known, or if nothing was filled.
func (i *Intent) AveragePrice() float64 {
	if i.Filled == 0 { // what there was has been taken back
		return 0
	}
	var shares, worth float64
	for _, name := range slices.Sorted(maps.Keys(i.Shares)) {
		if price := i.Prices[name]; price != 0 {
			shares += i.Shares[name]
			worth += i.Shares[name] * price
		}
	}
	if shares > 0 && math.Abs(shares-i.Filled) < 1e-7 {
		return worth / shares
	}
	return i.Average
}

// Charged returns commission and fees of the order so far, with their currency; ok is false if Gateway has said nothing
// about them, or in several currencies, or of more executions than are kept.
func (i *Intent) Charged() (total Charge, ok bool) {
	for n, name := range slices.Sorted(maps.Keys(i.Charges)) {
		one := i.Charges[name]
		if n > 0 && one.Currency != total.Currency {
			return Charge{}, false
		}
		total.Currency = one.Currency
		total.Amount += one.Amount
		if one.Closes {
			total.Closes = true
			total.Realised += one.Realised
		}
	}
	return total, len(i.Charges) > 0 && len(i.Shares) < maxExecutions
}

// charge finds the order of a commission by its execution. It returns the intent, if it is one of ours and this is new.
func (l *Ledger) charge(n ib.OrderNews) (Intent, bool) {
	name, _ := execution(n.Execution)
	for _, i := range l.intents {
		if _, ours := i.Shares[name]; !ours {
			continue
		}
		if !i.charge(name, Charge{n.Price, n.Currency, n.Realised, n.Closes}) {
			return Intent{}, false
		}
		l.save(i)
		return *i, true
	}
	if len(l.charges) >= mostCharges {
		clear(l.charges)
	}
	l.charges[name] = Charge{n.Price, n.Currency, n.Realised, n.Closes}
	return Intent{}, false
}

// mostCharges bounds the charges that wait for their execution: a question about executions is answered as a whole,
// after what they have cost. Those of other orders than ours are never asked for.
const mostCharges = 1000

// charged takes in what an execution has cost, if Gateway has said that before the execution.
func (l *Ledger) charged(i *Intent, n ib.OrderNews) {
	name, _ := execution(n.Execution)
	if one, waits := l.charges[name]; waits && i.has(n) {
		delete(l.charges, name)
		i.charge(name, one)
	}
}
