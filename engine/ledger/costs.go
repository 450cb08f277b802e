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
	Average float64            `json:"average,omitempty"` // of all fills, if Gateway has said so
	Charges map[string]Charge  `json:"charges,omitempty"` // by execution
}

// Charge is what one execution has cost.
type Charge struct {
	Amount   float64 `json:"amount"` // commission and fees
	Currency string  `json:"currency,omitempty"`
	Realised float64 `json:"realised,omitempty"` // profit or loss, with commissions
	Closes   bool    `json:"closes,omitempty"`   // it has closed a position: Realised counts
}

// price takes in at which price an execution took place. What was said of it before it was corrected counts no more.
func (c *Costs) price(name string, price float64) {
	if _, corrected := c.Prices[name]; corrected {
		c.Average, c.Charges = 0, maps.Clone(c.Charges)
		delete(c.Charges, name)
	}
	c.Prices = with(c.Prices, name, price)
}

// with returns a map with a value. It is a new one: intents are handed out.
func with[V any](m map[string]V, key string, value V) map[string]V {
	if m = maps.Clone(m); m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

// AveragePrice returns the average price of what was filled; 0 if it is not known, or if nothing was filled.
func (i *Intent) AveragePrice() float64 {
	if i.Filled == 0 { // what there was has been taken back
		return 0
	}
	worth, known := 0.0, i.explained()
	for _, name := range slices.Sorted(maps.Keys(i.Shares)) {
		worth += i.Shares[name] * i.Prices[name]
		known = known && (i.Prices[name] != 0 || i.Shares[name] == 0)
	}
	if known {
		return worth / i.Filled
	}
	return i.Average
}

// explained reports whether what was filled was so in executions that are known.
func (i *Intent) explained() bool { return math.Abs(sum(i.Shares)-i.Filled) < 1e-7 }

// Charged returns commission and fees of what was filled, with their currency; ok is false if nothing was, or if
// Gateway has not reported them of all of it, or in several currencies.
func (i *Intent) Charged() (total Charge, ok bool) {
	if !i.explained() {
		return Charge{}, false
	}
	for _, name := range slices.Sorted(maps.Keys(i.Shares)) {
		one, known := i.Charges[name]
		if !known && i.Shares[name] == 0 { // it was taken back
			continue
		}
		if !known || ok && one.Currency != total.Currency {
			return Charge{}, false
		}
		ok, total.Currency = true, one.Currency
		total.Amount += one.Amount
		if one.Closes {
			total.Closes = true
			total.Realised += one.Realised
		}
	}
	return total, ok
}

// charge takes in a commission. It returns the order of its execution, if that is one of ours and this is new.
func (l *Ledger) charge(n ib.OrderNews) (Intent, bool) {
	if len(l.charges) >= mostCharges {
		clear(l.charges)
	}
	l.charges[n.Execution] = Charge{n.Price, n.Currency, n.Realised, n.Closes}
	for _, i := range l.intents {
		if l.charged(i, n.Execution) {
			l.save(i)
			return *i, true
		}
	}
	return Intent{}, false
}

// mostCharges bounds the charges that wait for their execution: a question about executions is answered as a whole,
// after what they have cost. Those of other orders than ours are never asked for.
const mostCharges = 1000

// charged takes in what an execution of an order has cost, if Gateway has said so, and reports whether that was new.
// What a correction has cost waits for the correction.
func (l *Ledger) charged(i *Intent, id string) bool {
	name, revision := execution(id)
	one, said := l.charges[id]
	known := i.revision(name)
	if !said || known < revision {
		return false
	}
	delete(l.charges, id)
	if before, again := i.Charges[name]; known > revision || again && before == one {
		return false
	}
	i.Charges = with(i.Charges, name, one)
	return true
}
