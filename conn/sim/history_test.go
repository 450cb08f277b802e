package sim_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi"
)

// follow connects a client that keeps all callbacks.
func follow(t testing.TB, g *sim.Gateway, clientID int64) *answers {
	t.Helper()
	a := &answers{recorder: recorder{grew: make(chan struct{})}}
	a.client = ibapi.NewEClient(a)
	if err := a.client.Connect("127.0.0.1", g.Port(), clientID); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Drop()
		a.byName(t, "closed", 0)
	})
	a.byName(t, "nextValidId", 0)
	return a
}

// bars asks for bars and returns them, with what ended them.
func (a *answers) bars(
	t testing.TB, id int64, c *ibapi.Contract, end, length, size, show string, regular bool,
) ([]*ibapi.Bar, event) {
	t.Helper()
	from := a.len()
	a.client.ReqHistoricalData(id, c, end, length, size, show, regular, 1, false, nil)
	e, _ := a.await(t, "the end of the bars", from, func(e event) bool {
		return e.id == id && (e.name == "historicalDataEnd" || e.name == "error")
	})
	var all []*ibapi.Bar
	for _, e := range a.since(from) {
		if e.name == "historicalData" && e.id == id {
			all = append(all, e.bar)
		}
	}
	return all, e
}

const friday = "20240105 16:00:00 US/Eastern"

// TestBars asks for the same bars in text and in protobuf, in several sizes, and checks that they are of one price.
func TestBars(t *testing.T) {
	var minutes [2][]*ibapi.Bar
	for i, version := range []int{176, 225} {
		g := startSim(t, sim.Config{ServerVersion: version, Farms: []sim.Farm{}, MaxMessageRate: -1, Seed: 7})
		a := follow(t, g, 1)
		all, end := a.bars(t, 1, stock("AAPL"), friday, "1 D", "1 min", "TRADES", true)
		if len(all) != 390 || all[0].Date != "20240105 09:30:00 US/Eastern" ||
			all[389].Date != "20240105 15:59:00 US/Eastern" {
			t.Fatalf("version %d: %d bars: %v (%s)", version, len(all), all[:min(len(all), 2)], end.text)
		}
		if !strings.HasSuffix(end.text, "/"+friday) {
			t.Errorf("version %d: ends with %q", version, end.text)
		}
		for j, b := range all {
			if b.High < max(b.Open, b.Close) || b.Low > min(b.Open, b.Close) || b.Volume.Float() < 1 ||
				b.BarCount < 1 ||
				math.Abs(b.Open*100-math.Round(b.Open*100)) > 1e-6 || b.Wap.Float() < b.Low-0.001 ||
				b.Wap.Float() > b.High+0.001 {
				t.Fatalf("version %d: bar %d is %v", version, j, b)
			}
			if j > 0 && math.Abs(b.Open-all[j-1].Close) > 0.2 {
				t.Errorf("version %d: opens at %v after %v", version, b.Open, all[j-1].Close)
			}
		}
		again, _ := a.bars(t, 2, stock("AAPL"), friday, "1 D", "1 min", "TRADES", true)
		if fmt.Sprint(again) != fmt.Sprint(all) {
			t.Errorf("version %d: other bars when asked again", version)
		}
		fives, _ := a.bars(t, 3, stock("AAPL"), friday, "1 D", "5 mins", "TRADES", true)
		if len(fives) != 78 {
			t.Fatalf("version %d: %d bars of 5 minutes", version, len(fives))
		}
		for j, b := range fives {
			open, high, low, volume := all[5*j].Open, 0.0, math.Inf(1), 0.0
			for _, one := range all[5*j : 5*j+5] {
				high, low, volume = max(high, one.High), min(low, one.Low), volume+one.Volume.Float()
			}
			if b.Open != open || b.Close != all[5*j+4].Close || b.High != high || b.Low != low ||
				b.Volume.Float() != volume {
				t.Errorf("version %d: %v is not the sum of %v", version, b, all[5*j:5*j+5])
			}
		}
		minutes[i] = all
	}
	if len(minutes[0]) != len(minutes[1]) {
		t.Errorf("%d bars in text, %d in protobuf", len(minutes[0]), len(minutes[1]))
	}
}

// TestBarSizes asks for other sizes and lengths.
func TestBarSizes(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	a := follow(t, g, 1)
	for i, c := range []struct {
		contract     *ibapi.Contract
		length, size string
		show         string
		regular      bool
		count        int
		first, last  string
	}{
		{stock("AAPL"), "1 W", "1 day", "TRADES", true, 5, "20240101", "20240105"},
		{stock("AAPL"), "1 M", "1 day", "MIDPOINT", true, 23, "20231206", "20240105"},
		{stock("AAPL"), "1 Y", "1 week", "TRADES", true, 53, "20230106", "20240105"},
		{stock("AAPL"), "1 Y", "1 month", "ADJUSTED_LAST", true, 13, "20230131", "20240105"},
		{
			stock("AAPL"), "1 D", "1 hour", "TRADES", true, 7, "20240105 09:30:00 US/Eastern",
			"20240105 15:00:00 US/Eastern",
		},
		{
			stock("AAPL"), "1 D", "1 hour", "TRADES", false, 12, "20240105 04:00:00 US/Eastern",
			"20240105 15:00:00 US/Eastern",
		},
		{
			stock("AAPL"), "2 D", "30 mins", "BID", true, 26, "20240104 09:30:00 US/Eastern",
			"20240105 15:30:00 US/Eastern",
		},
		{
			stock("AAPL"), "60 S", "1 secs", "ASK", true, 60, "20240105 15:59:00 US/Eastern",
			"20240105 15:59:59 US/Eastern",
		},
		{
			stock("AAPL"), "3600 S", "30 secs", "BID_ASK", true, 120, "20240105 15:00:00 US/Eastern",
			"20240105 15:59:30 US/Eastern",
		},
		{
			euro(), "1 D", "1 hour", "MIDPOINT", false, 16, "20240105 00:00:00 US/Eastern",
			"20240105 15:00:00 US/Eastern",
		},
	} {
		all, end := a.bars(t, int64(i+1), c.contract, friday, c.length, c.size, c.show, c.regular)
		if len(all) != c.count || all[0].Date != c.first || all[len(all)-1].Date != c.last {
			t.Errorf("%s of %s: %d bars %v (%s), want %d from %s to %s",
				c.length, c.size, len(all), all[:min(len(all), 2)], end.text, c.count, c.first, c.last)
			continue
		}
		if trades := c.show == "TRADES" || c.show == "ADJUSTED_LAST"; trades != (all[0].Volume.Float() > 0) {
			t.Errorf("%s: volume %s", c.show, all[0].Volume.String())
		}
	}
	for i, c := range []struct {
		end, length, size, show string
		contract                *ibapi.Contract
		code                    int64
	}{
		{friday, "1 D", "7 mins", "TRADES", stock("AAPL"), 321},
		{friday, "1 fortnight", "1 min", "TRADES", stock("AAPL"), 321},
		{"yesterday", "1 D", "1 min", "TRADES", stock("AAPL"), 10314},
		{"20240105 16:00:00 Mars/Phobos", "1 D", "1 min", "TRADES", stock("AAPL"), 10314},
		{friday, "1 D", "1 min", "FEE_RATE", stock("AAPL"), 162},
		{friday, "1 D", "1 min", "TRADES", euro(), 162},
		{friday, "1 Y", "1 secs", "TRADES", stock("AAPL"), 162},
		{"19990105 16:00:00 US/Eastern", "1 D", "1 min", "TRADES", stock("AAPL"), 162},
		{friday, "1 D", "1 min", "TRADES", stock("NONE"), 200},
	} {
		if all, end := a.bars(t, int64(i+100), c.contract, c.end, c.length, c.size, c.show, true); end.code != c.code {
			t.Errorf("%+v: %d bars, error %d (%s)", c, len(all), end.code, end.text)
		}
	}
}

// TestLiveBars follows bars and ticks while the price changes, and checks that they end where the ticks are.
func TestLiveBars(t *testing.T) {
	for _, version := range []int{193, 225} {
		g := startSim(t, sim.Config{ServerVersion: version, Farms: []sim.Farm{}, MaxMessageRate: -1, Speed: 20})
		a := follow(t, g, 1)
		if err := g.SetPrice("AAPL", 300); err != nil {
			t.Fatal(err)
		}
		at := a.len()
		a.client.ReqHistoricalData(1, stock("AAPL"), "", "60 S", "5 secs", "TRADES", false, 2, true, nil)
		a.client.ReqRealTimeBars(2, stock("AAPL"), 5, "TRADES", false, nil)
		a.client.ReqTickByTickData(3, stock("AAPL"), "AllLast", 0, false)
		a.client.ReqTickByTickData(4, stock("AAPL"), "BidAsk", 0, false)
		a.client.ReqTickByTickData(5, stock("AAPL"), "MidPoint", 5, false)
		for _, c := range []struct {
			name  string
			price float64
		}{
			{"historicalDataEnd", 0},
			{"historicalDataUpdate", 300},
			{"realtimeBar", 300},
			{"tickByTickAllLast", 300},
			{"tickByTickBidAsk", 300.01},
			{"historicalTicks", 0},
			{"tickByTickMidPoint", 300.005},
		} {
			a.await(t, fmt.Sprintf("version %d: %s at %v", version, c.name, c.price), at, func(e event) bool {
				return e.name == c.name && (c.price == 0 || e.price == c.price)
			})
		}
		// The old bar and its successor both get updates, from the last one of the answer on.
		var dates []string
		for _, e := range a.since(at) {
			if e.name == "historicalData" {
				dates = []string{e.text}
			}
		}
		from := at
		for len(dates) < 3 {
			var e event
			e, from = a.byName(t, "historicalDataUpdate", from)
			if n := len(dates); n == 0 || dates[n-1] != e.text {
				dates = append(dates, e.text)
			}
		}
		for i := 1; i < len(dates); i++ {
			if begin, err := strconv.Atoi(dates[i]); err != nil || begin%5 != 0 || dates[i] <= dates[i-1] {
				t.Errorf("bars of %v", dates)
			}
		}
		minutes, _ := a.bars(t, 50, stock("AAPL"), "", "600 S", "1 min", "TRADES", false)
		for i, b := range minutes {
			if !strings.HasSuffix(b.Date, ":00 US/Eastern") || i > 0 && b.Date <= minutes[i-1].Date {
				t.Errorf("bars of %s", b.Date)
			}
		}
		before := a.len()
		a.client.ReqHistoricalData(1, stock("AAPL"), "", "60 S", "5 secs", "TRADES", false, 2, true, nil)
		if e, _ := a.byName(t, "error", before); e.code != 322 {
			t.Errorf("the same number again: %d", e.code)
		}
		a.client.CancelHistoricalData(1)
		a.await(t, "the end of the updates", before, func(e event) bool { return e.code == 162 })
		a.client.CancelRealTimeBars(2)
		for id := range int64(3) {
			a.client.CancelTickByTickData(3 + id)
		}
		before = a.len()
		a.client.ReqCurrentTime()
		a.byName(t, "currentTime", before) // which is asked for behind the cancels
		before = a.len()
		time.Sleep(silence)
		for _, e := range a.since(before) {
			t.Errorf("version %d: %s after the cancel", version, e.name)
		}
	}
}

// TestBarsMeetTicks has the last bar end among the prices that tick while it is asked for.
func TestBarsMeetTicks(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1, TickRate: 20})
	a := follow(t, g, 1)
	for i, c := range []*ibapi.Contract{stock("AAPL"), stock("SPY")} {
		id := int64(10 * i)
		a.client.ReqMktData(id+1, c, "", false, false, nil)
		low, high := math.Inf(1), 0.0
		from := 0
		for range 20 {
			var e event
			e, from = a.await(t, "a last price", from, func(e event) bool {
				return e.id == id+1 && e.name == "tickPrice" && e.code == 4
			})
			low, high = min(low, e.price), max(high, e.price)
		}
		all, _ := a.bars(t, id+2, c, "", "60 S", "5 secs", "TRADES", false)
		last := all[len(all)-1]
		if last.Close < low-0.5 || last.Close > high+0.5 {
			t.Errorf("%s: ticks from %v to %v, bars end at %v", c.Symbol, low, high, last.Close)
		}
		days, _ := a.bars(t, id+3, c, "", "3 D", "1 day", "TRADES", true)
		if got := days[len(days)-1].Close; len(days) < 3 || math.Abs(got-last.Close) > 0.5 {
			t.Errorf("%s: %d days end at %v, seconds at %v", c.Symbol, len(days), got, last.Close)
		}
	}
}

// TestPnL follows profit and loss of an account and of a position while the price moves.
func TestPnL(t *testing.T) {
	for _, version := range []int{176, 225} {
		g := startSim(t, sim.Config{ServerVersion: version, Farms: []sim.Farm{}, MaxMessageRate: -1, Speed: 20})
		a := follow(t, g, 1)
		if err := g.SetPrice("AAPL", 200); err != nil {
			t.Fatal(err)
		}
		a.client.ReqPnL(1, account, "")
		a.client.ReqPnLSingle(2, account, "", 265598)
		a.await(t, "an empty position", 0, func(e event) bool {
			return e.name == "pnlSingle" && e.text == "0" && e.price == 0
		})
		a.byName(t, "pnl", 0)
		a.client.PlaceOrder(10, stock("AAPL"), marketOrder("BUY", "10"))
		_, at := a.await(t, "the position", 0, func(e event) bool { return e.name == "pnlSingle" && e.text == "10" })
		if err := g.SetPrice("AAPL", 250); err != nil {
			t.Fatal(err)
		}
		a.await(t, "a gain", at, func(e event) bool { return e.name == "pnlSingle" && e.price > 480 && e.price < 500 })
		a.await(t, "a gain of the account", at, func(e event) bool {
			return e.name == "pnl" && e.price > 480 && e.price < 500
		})
		a.client.CancelPnL(1)
		a.client.CancelPnL(1)
		a.await(t, "the refusal of a second cancel", at, func(e event) bool { return e.code == 10185 })
		a.client.ReqPnL(3, "U999", "")
		a.await(t, "the refusal of a foreign account", at, func(e event) bool { return e.id == 3 && e.code == 321 })
	}
}

// TestHistoryUpstreamLost has what Gateway passes on wait for IBKR.
func TestHistoryUpstreamLost(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1})
	a := follow(t, g, 1)
	a.client.ReqTickByTickData(1, stock("AAPL"), "BidAsk", 0, false)
	a.byName(t, "tickByTickBidAsk", 0)
	g.Notice(1100, "")
	a.await(t, "1100", 0, func(e event) bool { return e.code == 1100 })
	from := a.len()
	for id, ask := range []func(id int64){
		func(id int64) {
			a.client.ReqHistoricalData(id, stock("AAPL"), "", "1 D", "1 day", "TRADES", true, 1, false, nil)
		},
		func(id int64) { a.client.ReqHeadTimeStamp(id, stock("AAPL"), "TRADES", true, 1) },
		func(id int64) { a.client.ReqRealTimeBars(id, stock("AAPL"), 5, "TRADES", true, nil) },
		func(id int64) { a.client.ReqScannerSubscription(id, scan(), nil, nil) },
	} {
		ask(int64(id + 20))
		if e, _ := a.await(t, "a refusal", from, func(e event) bool { return e.id == int64(id+20) }); e.code != 504 {
			t.Errorf("%d: %s %d", id, e.name, e.code)
		}
	}
	for _, e := range a.since(from) {
		if e.name == "tickByTickBidAsk" {
			t.Error("ticks while upstream is lost")
		}
	}
	g.Notice(1102, "")
	a.byName(t, "tickByTickBidAsk", a.len())
}
