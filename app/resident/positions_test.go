package resident

import (
	"testing"

	"gatewatch/conn"
)

func TestPositionsHaveNames(t *testing.T) {
	for want, c := range map[string]conn.Contract{
		"AAPL STK NASDAQ USD": {
			ConID: 265598, Symbol: "AAPL", Type: "STK", Exchange: "SMART", Primary: "NASDAQ", Currency: "USD",
		},
		"conId 265598":                    {ConID: 265598},
		"Instrument not named by Gateway": {},
	} {
		var one conn.Position
		one.Contract = c
		if got := positionView(&one).Contract; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
