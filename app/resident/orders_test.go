package resident

import (
	"testing"

	"gatewatch/app/api"
	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
)

// TestCostsHaveTheirCurrency shows an order that is quoted in pounds and charged in dollars: what a change of it would
// be worth is in pounds.
func TestCostsHaveTheirCurrency(t *testing.T) {
	i := ledger.Intent{Filled: 20_000, Order: ib.Order{
		Contract: ib.Contract{Symbol: "EUR", Type: "CASH", Currency: "GBP"}, Quantity: 50_000,
	}}
	i.Shares = map[string]float64{"a": 20_000}
	i.Prices = map[string]float64{"a": 0.85}
	var v api.OrderView
	if addCosts(&v, &i); v.Currency != "GBP" || v.Commission != nil || v.CommissionCurrency != "" {
		t.Errorf("not charged yet: %+v", v)
	}
	i.Charges = map[string]ledger.Charge{"a": {Amount: 2, Currency: "USD"}}
	addCosts(&v, &i)
	if v.Currency != "GBP" || v.Commission == nil || *v.Commission != 2 || v.CommissionCurrency != "USD" ||
		v.CostText != "average 0.85, commission 2.00 USD" {
		t.Errorf("%+v", v)
	}
}
