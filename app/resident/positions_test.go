package resident

import (
	"testing"

	"gatewatch/conn/ib"
)

func TestPositionsHaveNames(t *testing.T) {
	for want, c := range map[string]ib.Contract{
		"AAPL STK NASDAQ USD": {
			ConID: 265598, Symbol: "AAPL", Type: "STK", Exchange: "SMART", Primary: "NASDAQ", Currency: "USD",
		},
		"conId 265598":                    {ConID: 265598},
		"Instrument not named by Gateway": {},
	} {
		var one ib.Position
		one.Contract = c
		if got := positionView(&one).Contract; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
