package wording

import "testing"

func TestFarms(t *testing.T) {
	for name, want := range map[string][2]string{
		"usfarm":      {"US stock data", "US stock data [usfarm]"},
		"CashFarm":    {"currency data", "Currency data [CashFarm]"},
		"newfarm\x1b": {"data farm newfarm", "Data farm newfarm"},
	} {
		if got := [2]string{Farm(name), NamedFarm(name)}; got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
