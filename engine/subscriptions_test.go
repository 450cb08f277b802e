package engine

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// refused waits until the strategy has got a code about an instrument, and forgets it.
func (b *bench) refused(instrument, code int) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("code %d is told", code), func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		got := b.failed[instrument]
		delete(b.failed, instrument)
		return got == code
	})
}

// dataOf waits for a new tick of an instrument.
func (b *bench) dataOf(instrument int) {
	b.t.Helper()
	b.mu.Lock()
	b.seen[instrument] = 0
	b.mu.Unlock()
	b.eventually("data flows", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.seen[instrument] > 0
	})
}

func (b *bench) refuse(symbol string, code, times int) {
	b.t.Helper()
	if err := b.gateway.RefuseData(symbol, code, times); err != nil {
		b.t.Fatal(err)
	}
}

// TestPassingRefusal has Gateway refuse one subscription after 1101. Its data comes back at once when Gateway says that
// there is data again, in every way in which it does.
func TestPassingRefusal(t *testing.T) {
	for name, again := range map[string]func(b *bench){
		"1102":                        func(b *bench) { b.gateway.Notice(1102, "") },
		"1102 after 1100":             func(b *bench) { b.gateway.Notice(1100, ""); b.gateway.Notice(1102, "") },
		"2104 of a farm that is well": func(b *bench) { b.gateway.Farm(2104, "usfarm") },
		"2104 of a farm that was not": func(b *bench) {
			b.gateway.Farm(2103, "usfarm")
			b.gateway.Farm(2104, "usfarm")
		},
		"another 1101":  func(b *bench) { b.gateway.Notice(1101, "") },
		"a new session": func(b *bench) { b.gateway.Drop() },
	} {
		for _, code := range []int{101, 200, 321, 354, 10089, 10168, 10186, 10999} {
			if code != 354 && name != "1102" {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, code), func(t *testing.T) {
				t.Parallel()
				b := start(t)
				b.flows()
				b.refuse("AAPL", code, 1)
				b.gateway.Notice(1100, "")
				b.gateway.Notice(1101, "")
				b.refused(0, code)
				began := b.sup.Clock()()
				again(b)
				b.dataOf(0)
				if took := b.sup.Clock()() - began; took > 4*time.Second {
					t.Errorf("it took %v", took)
				}
				b.eventually("two subscriptions", func() bool { return b.subscriptions() == len(stocks) })
			})
		}
	}
}

// TestRefusalIsRetried has Gateway refuse market data three times and say nothing further.
func TestRefusalIsRetried(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.flows()
	b.refuse("AAPL", 354, 2)
	b.gateway.Notice(1101, "")
	b.refused(0, 354)
	b.refused(0, 354)
	b.dataOf(0)
	if n := b.subscriptions(); n != len(stocks) {
		t.Errorf("%d subscriptions", n)
	}
}

// TestCompetingSessionEnds has another session take the data of all instruments and give it back.
func TestCompetingSessionEnds(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.flows()
	b.gateway.Notice(10197, "")
	b.refused(0, 10197)
	b.refused(1, 10197)
	if err := b.gateway.Clear(); err != nil {
		t.Fatal(err)
	}
	b.dataOf(0)
	b.dataOf(1)
	b.eventually("nothing is asked for twice", func() bool { return b.subscriptions() == len(stocks) })
}

// TestRetryEnds has the instrument that was refused wanted no more.
func TestRetryEnds(t *testing.T) {
	b := start(t)
	b.flows()
	b.refuse("AAPL", 354, -1)
	b.gateway.Notice(1101, "")
	b.refused(0, 354)
	b.mu.Lock()
	b.wants = []Instrument{stocks[1]}
	b.mu.Unlock()
	b.engine.Refresh()
	b.eventually("one subscription", func() bool { return b.subscriptions() == 1 })
	requests := b.gateway.State().Rejected["invalid"]
	b.gateway.Notice(1102, "")
	b.dataOf(0)
	if now := b.gateway.State().Rejected["invalid"]; now != requests {
		t.Errorf("it was asked for %d times more", now-requests)
	}
}

func TestRetryDelays(t *testing.T) {
	var got []string
	for n := 1; n <= 9; n++ {
		got = append(got, retryAfter(n).String())
	}
	if want := "5s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s 5m0s"; strings.Join(got, " ") != want ||
		retryAfter(1000) != lastRetry {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestRetriesDoNotBurst has a hundred instruments due at the same moment: one of them is subscribed at a time.
func TestRetriesDoNotBurst(t *testing.T) {
	b := start(t)
	b.flows()
	e := New(Config{Supervisor: b.sup, Strategy: b, Log: slog.New(b.log)})
	e.session, e.requests = b.sup.Session(), []int{-1}
	for i := range 100 {
		e.instruments = append(e.instruments,
			Instrument{Contract: ib.Contract{Symbol: fmt.Sprint("X", i), Type: "STK", Exchange: "SMART"}})
		e.feeds = append(e.feeds, feed{refused: 1, due: time.Minute})
	}
	e.retry(time.Second)
	if len(e.requests) != 1 {
		t.Errorf("%d were subscribed before they were due", len(e.requests)-1)
	}
	e.hasten(time.Second)
	for range 3 {
		e.retry(time.Second)
	}
	if want := []int{-1, 0, 1, 2}; !slices.Equal(e.requests, want) || e.feeds[2].due != time.Second+2*firstRetry {
		t.Errorf("requests %v, want %v; %+v", e.requests, want, e.feeds[2])
	}
}

// TestLastPriceOfBefore has the last trade of an instrument lie two days back when it is subscribed.
func TestLastPriceOfBefore(t *testing.T) {
	for _, version := range []int{213, 226} {
		b := startAt(t, sim.Config{ServerVersion: version, TickRate: 50})
		b.maxAge.Store(int64(time.Minute))
		b.flows()
		if err := b.gateway.LastTraded("SPY", 48*time.Hour); err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		b.wants = []Instrument{all[0], all[2]}
		b.lasts = nil
		b.mu.Unlock()
		b.engine.Refresh()
		lasts := func() (list []ib.Tick) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return slices.Clone(b.lasts)
		}
		b.eventually("the price of before", func() bool { return len(lasts()) > 0 })
		for _, k := range lasts() {
			if !k.Old || k.Value == 0 {
				t.Errorf("version %d: %+v", version, k)
			}
		}
		if err := b.gateway.SetPrice("SPY", 555); err != nil {
			t.Fatal(err)
		}
		b.eventually("a price of now", func() bool {
			list := lasts()
			k := list[len(list)-1]
			return !k.Old && k.Value == 555
		})
	}
}

func TestLastPrice(t *testing.T) {
	const day = 24 * 3600
	last := func(v float64, at time.Duration) ib.Tick { return ib.Tick{Field: ib.Last, Value: v, At: at} }
	traded := func(ago float64, at time.Duration) ib.Tick {
		return ib.Tick{Field: ib.LastTime, Value: 10*day - ago, At: at}
	}
	frozen := func(v float64) ib.Tick { return ib.Tick{Field: ib.Last, Value: v, Old: true} }
	recent := func(k ib.Tick) bool { return 10*day-k.Value < 60 }
	for name, c := range map[string]struct {
		ticks []ib.Tick
		want  string // the prices that it gets, those of before in brackets
	}{
		"no time":                  {[]ib.Tick{last(5, 0), last(5, 1)}, "(5) (5)"},
		"no time, and it moves":    {[]ib.Tick{last(5, 0), last(6, 1), last(6, 2), last(5, 3)}, "(5) 6 6 5"},
		"the time comes before it": {[]ib.Tick{traded(3, 0), last(5, 0)}, "5"},
		"the time comes behind it": {[]ib.Tick{last(5, 0), traded(3, 0)}, "(5) 5"},
		"the time comes much later": {
			[]ib.Tick{last(5, 0), traded(3, 2*time.Second), last(5, 2*time.Second)},
			"(5) 5",
		},
		"the time of the next trade": {
			[]ib.Tick{traded(2*day, 0), last(5, 0), traded(0, 0), last(6, 0)},
			"(5) 6",
		},
		"days old":                     {[]ib.Tick{traded(2*day, 0), last(5, 0), last(5, 1)}, "(5) (5)"},
		"days old, the time behind it": {[]ib.Tick{last(5, 0), traded(2*day, 0), traded(2*day, 0)}, "(5)"},
		"days old, traded again": {
			[]ib.Tick{traded(2*day, 0), last(5, 0), traded(1, 9), last(5, 9)},
			"(5) 5",
		},
		"none, then one":               {[]ib.Tick{last(0, 0), last(5, 0)}, "0 (5)"},
		"frozen, though it was traded": {[]ib.Tick{traded(1, 0), frozen(5)}, "(5)"},
		"frozen, and live again": {
			[]ib.Tick{last(5, 0), last(6, 0), frozen(6), last(6, 1), last(7, 1)},
			"(5) 6 (6) (6) 7",
		},
		"frozen, and its time behind it":    {[]ib.Tick{frozen(5), traded(1, 0)}, "(5)"},
		"frozen, it moves as long as it is": {[]ib.Tick{frozen(5), frozen(6)}, "(5) (6)"},
	} {
		var l lastPrice
		var got []string
		for _, k := range c.ticks {
			if k, ok := l.take(k, recent); ok && k.Old {
				got = append(got, fmt.Sprintf("(%v)", k.Value))
			} else if ok {
				got = append(got, fmt.Sprint(k.Value))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// TestReroutedData has no market data of a CFD: Gateway names the stock that has it. So it is after 1101, which ends
// both subscriptions, and in a new session.
func TestReroutedData(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.mu.Lock()
	b.wants = []Instrument{{Contract: ib.Contract{Symbol: "AAPL", Type: "CFD", Exchange: "SMART", Currency: "USD"}}}
	b.mu.Unlock()
	b.engine.Refresh()
	b.dataOf(0)
	for _, again := range []func(){func() { b.gateway.Notice(1101, "") }, b.gateway.Drop} {
		before := b.number()
		again()
		b.eventually("another subscription", func() bool { return b.number() != before })
		b.dataOf(0)
	}
	b.eventually("one subscription", func() bool { return b.subscriptions() == 1 })
}
