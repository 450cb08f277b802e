package sim_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

// TestIBAsync makes the calls after which ib_async waits, at its start and to look something up, field by field as that
// client writes them, and ends each wait as it does: with one message, or with an error of that number which it does
// not take for a warning.
func TestIBAsync(t *testing.T) {
	const version = 178 // the highest that it speaks
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	w := ready(t, g, version, 1)
	contract := func(before ...any) []any {
		return append(before, 265598, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "AAPL", "NMS")
	}
	order := []any{
		"", "", "BUY", 1.0, "LMT", 1.0, "", "", "", "", "", 0, "", 1, 0, 0, 0, 0, 0, 0, 0, "", 0.0, "", "",
		"", "", "", "", 0, "", -1, 0, "", "", 0, "", "", 0, 0, "", 0, "", "", "", "", "", 0, "", "", "",
		"", 0, "", "", "", "", "", "", "", "", "", "", 0, "", "", 0, 0, "", "", 1, "", 0, 0, 0, 0, "", "",
		"", "", "", "", 0, "", "", "", "", "", "", "", "", 0, 0, 0, "", "", "", 0, "", "",
	}
	for _, c := range []struct {
		name   string
		fields []any // the id of the message first
		ends   int   // id of the message that ends the wait, 0: an error
		number int   // of the request, 0: none
		code   int
	}{
		{"positions", []any{61, 1}, 62, 0, 0},
		{"open orders", []any{5, 1}, 53, 0, 0},
		{"all open orders", []any{16, 1}, 53, 0, 0},
		{"completed orders", []any{99, 0}, 102, 0, 0},
		{"account updates", []any{6, 2, 1, account}, 54, 0, 0},
		{"account updates multi", []any{76, 1, 10, account, "", 0}, 74, 10, 0},
		{"executions", []any{7, 3, 11, 0, "", "", "", "", "", ""}, 55, 11, 0},
		{"account summary", []any{62, 1, 12, "All", "NetLiquidation,$LEDGER:ALL"}, 64, 12, 0},
		{"current time", []any{49, 1}, 49, 0, 0},
		{"contract details", append(contract(9, 8, 13), 0, "", "", ""), 52, 13, 0},
		{"tickers", append(contract(1, 11, 14), 0, "", 1, 0, ""), 57, 14, 0},
		{"what-if", append(contract(3, 15), order...), 5, 15, 0},
		{"matching symbols", []any{81, 16, "AAPL"}, 79, 16, 0},
		{"market rule", []any{91, 26}, 93, 0, 0},
		{"bars", append(contract(20, 17), 0, "", "1 min", "1 D", 1, "TRADES", 1, 0, ""), 17, 17, 0},
		{
			"bars to a time",
			append(contract(20, 18), 0, "20240105 21:00:00 UTC", "1 day", "2 W", 1, "MIDPOINT", 2, 0, ""), 17, 18, 0,
		},
		{"schedule", append(contract(20, 19), 0, "", "1 day", "5 D", 1, "SCHEDULE", 1, 0, ""), 106, 19, 0},
		{"ticks", append(contract(96, 20), 0, "", "20240105 21:00:00 UTC", 10, "TRADES", 1, 0, ""), 98, 20, 0},
		{"head time stamp", append(contract(87, 21), 0, 1, "TRADES", 1), 88, 21, 0},
		{"smart components", []any{83, 22, "9c0001"}, 82, 22, 0},
		{"depth exchanges", []any{82}, 80, 0, 0},
		{"histogram", append(contract(88, 23), 0, 1, "1 week"), 89, 23, 0},
		{
			"fundamentals",
			[]any{52, 2, 24, 265598, "AAPL", "STK", "SMART", "", "USD", "AAPL", "ReportSnapshot", 0, ""},
			0, 24, 10358,
		},
		{"scanner", []any{
			22, 25, -1, "STK", "STK.US.MAJOR", "TOP_PERC_GAIN", "", "", "", "", "", "", "", "", "", "", "", "", "", 0,
			"", "", "",
			"", "",
		}, 20, 25, 0},
		{"scanner parameters", []any{24, 1}, 19, 0, 0},
		{"implied volatility", append(contract(54, 3, 26), 5.0, 230.0, 0, ""), 0, 26, 322},
		{"option price", append(contract(55, 3, 27), 0.3, 230.0, 0, ""), 0, 27, 322},
		{"option chain", []any{78, 28, "AAPL", "", "STK", 265598}, 76, 28, 0},
		{"news providers", []any{85}, 85, 0, 0},
		{"news article", []any{84, 29, "BRFG", "BRFG$1", ""}, 0, 29, 10172},
		{"historical news", []any{86, 30, 265598, "BRFG", "", "", 10, ""}, 87, 30, 0},
		{"advisors", []any{18, 1, 1}, 16, 0, 0},
		{"calendar", []any{100, 31}, 0, 31, 10276},
		{"calendar events", []any{102, 32, 2147483647, "", 0, 0, 0, "", "", 2147483647}, 0, 32, 10276},
		{"user info", []any{104, 33}, 107, 33, 0},
		{"family codes", []any{80}, 78, 0, 0},
		{"soft dollar tiers", []any{79, 34}, 77, 34, 0},
		{"ids", []any{8, 1, 0}, 9, 0, 0},
	} {
		w.send(c.fields[0].(int), c.fields[1:]...)
		for end := time.Now().Add(patience); ; {
			b, err := w.frame(time.Until(end))
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			m := w.parse(b)
			if m.id == c.ends && (c.number == 0 || slices.Contains(m.fields[:min(2, len(m.fields))],
				strconv.Itoa(c.number))) {
				break
			}
			if m.id != 4 {
				continue
			}
			id, code := m.fields[1], m.fields[2]
			if c.ends == 0 && id == strconv.Itoa(c.number) && code == strconv.Itoa(c.code) {
				break
			}
			t.Fatalf("%s: error %s for %s: %s", c.name, code, id, m.fields[3])
		}
	}
}
