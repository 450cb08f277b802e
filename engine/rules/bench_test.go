package rules

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// many returns rules that watch so many instruments, and never trigger at a price of about 100.
func many(rules, instruments int) (list []Rule) {
	for i := range rules {
		is, value := "at_or_above", 200+float64(i)
		if i%2 == 1 {
			is, value = "crosses_down", 10
		}
		list = append(list, Rule{
			Name: fmt.Sprint("rule ", i), Instrument: Instrument{Symbol: symbol(i % instruments)},
			Conditions: []Condition{{Price: []string{"bid", "ask", "last", "mid"}[i%4], Is: is, Value: value}},
			Action:     Action{Do: "order", Order: &Order{Side: "BUY", Quantity: 1, Type: "MKT"}},
		})
	}
	return list
}

func symbol(i int) string { return fmt.Sprintf("S%03d", i) }

// stack is everything from the wire to the rules.
type stack struct {
	sup    *conn.Supervisor
	set    *Set
	eng    *engine.Engine
	desk   *engine.Desk
	ledger *ledger.Ledger
}

func start(tb testing.TB, port int, list []Rule) *stack {
	tb.Helper()
	return startIn(tb, tb.TempDir(), port, list)
}

func startIn(tb testing.TB, folder string, port int, list []Rule) *stack {
	tb.Helper()
	return startWatched(tb, folder, port, list, nil)
}

// watched shows what a set of rules is given.
type watched struct {
	*Set
	see func(ib.Tick)
}

func (w watched) OnTick(instrument int, t ib.Tick) {
	w.Set.OnTick(instrument, t)
	w.see(t)
}

func startWatched(tb testing.TB, folder string, port int, list []Rule, see func(ib.Tick)) *stack {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	orders, err := ledger.Open(filepath.Join(folder, "orders.db"), log)
	if err != nil {
		tb.Fatal(err)
	}
	st := &stack{ledger: orders}
	st.sup, err = conn.New(conn.Config{
		Host: "127.0.0.1", Port: port, ClientID: 17, Mode: ib.Paper, ConnectTimeout: 20 * time.Second,
		Poll: time.Second, Soft: 10 * time.Second, Hard: time.Minute, Delays: []time.Duration{10 * time.Millisecond},
		WatchLocalPort: true,
		Reconcile:      orders.Reconcile,
	}, log)
	if err != nil {
		tb.Fatal(err)
	}
	desk := engine.NewDesk(orders, engine.Limits{
		Mode: ib.Paper, PerMinute: 10000, PerDay: 100000, Quantity: 100,
		Notional: 1e6,
	}, func(engine.Report) {}, log)
	desk.Arm()
	st.desk = desk
	var refresh atomic.Pointer[func()]
	st.set, err = NewSet(Config{
		Ledger: orders, Desk: desk, Clock: st.sup.Clock(), MaxTickAge: func() time.Duration { return time.Minute },
		MarketHours: func(time.Time) bool { return true }, Report: func(engine.Report) {}, Changed: func() {}, Log: log,
		Refresh: func() {
			if f := refresh.Load(); f != nil {
				(*f)()
			}
		},
		PriceSteps: func(ctx context.Context, d ib.Details) ([]ib.PriceStep, error) {
			return st.sup.Session().PriceSteps(ctx, d)
		},
		Resolve: func(ctx context.Context, c ib.Contract) ([]ib.Details, error) {
			if s := st.sup.Session(); s != nil {
				return s.Details(ctx, c)
			}
			return []ib.Details{{Contract: c, MinTick: 0.01, Multiplier: 1}}, nil
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := st.set.Put(list); err != nil {
		tb.Fatal(err)
	}
	for _, r := range list {
		if err := st.set.Activate(tb.Context(), r.Name); err != nil {
			tb.Fatal(err)
		}
	}
	var strategy engine.Strategy = st.set
	if see != nil {
		strategy = watched{st.set, see}
	}
	st.eng = engine.New(engine.Config{
		Supervisor: st.sup, Desk: desk, Strategy: strategy, Log: log,
		MaxTickAge: func() time.Duration { return time.Minute },
	})
	again := st.eng.Refresh
	refresh.Store(&again)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { st.sup.Run(ctx) })
	running.Go(func() { st.eng.Run(ctx) })
	tb.Cleanup(func() {
		cancel()
		running.Wait()
		orders.Close()
	})
	return st
}

// BenchmarkEvaluate is the cost of one tick to 500 rules on 100 instruments.
func BenchmarkEvaluate(b *testing.B) {
	bench := &bench{}
	set, ticks := bench.fill(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		set.OnTick(i%100, ticks[i%len(ticks)])
		i++
	}
}

// fill makes a set of 500 active rules, and ticks for it.
func (*bench) fill(tb testing.TB) (*Set, []ib.Tick) {
	log := slog.New(slog.DiscardHandler)
	orders, err := ledger.Open(filepath.Join(tb.TempDir(), "orders.db"), log)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { orders.Close() })
	set, err := NewSet(Config{
		Ledger: orders, Clock: func() time.Duration {
			return 0
		}, MaxTickAge: func() time.Duration { return time.Minute },
		Report: func(engine.Report) {}, Changed: func() {}, Refresh: func() {}, Log: log,
		Resolve: func(_ context.Context, c ib.Contract) ([]ib.Details, error) {
			return []ib.Details{{Contract: c}}, nil
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	list := many(500, 100)
	if err := set.Put(list); err != nil {
		tb.Fatal(err)
	}
	for _, r := range list {
		if err := set.Activate(tb.Context(), r.Name); err != nil {
			tb.Fatal(err)
		}
	}
	if n := len(set.Instruments()); n != 100 {
		tb.Fatalf("%d instruments", n)
	}
	set.OnBegin(nil)
	fields := []ib.TickField{ib.Bid, ib.Ask, ib.Last, ib.BidSize, ib.AskSize, ib.LastSize}
	var ticks []ib.Tick
	for range 1000 {
		ticks = append(ticks, ib.Tick{
			Field: fields[rand.IntN(len(fields))], Value: 90 + float64(rand.IntN(2000))/100,
			At: time.Second,
		})
	}
	return set, ticks
}

// TestTicksCostNoAllocation is what BenchmarkEvaluate measures, as a bar.
func TestTicksCostNoAllocation(t *testing.T) {
	set, ticks := (&bench{}).fill(t)
	i := 0
	if n := testing.AllocsPerRun(10000, func() {
		set.OnTick(i%100, ticks[i%len(ticks)])
		i++
	}); n != 0 {
		t.Errorf("%v allocations per tick", n)
	}
}

// BenchmarkRulesAtDecodeRate has ticks come as fast as the client library decodes them, to an engine with 500 rules on
// 100 instruments, and to one that watches the same instruments with a single rule for each that never looks at a
// price; "ratio" is the rate with the rules in parts of the rate without.
func BenchmarkRulesAtDecodeRate(b *testing.B) {
	idle := many(100, 100)
	for i := range idle {
		// Its action needs the instrument, its condition another one that says nothing.
		idle[i].Conditions[0].Instrument = &Instrument{Symbol: "QUIET"}
	}
	rate := func(list []Rule, instruments int) float64 {
		h := newHose(b, instruments)
		st := start(b, h.port(), list)
		deadline := time.Now().Add(30 * time.Second)
		for st.eng.Counts().Evaluated < 1000 {
			if time.Now().After(deadline) {
				b.Fatalf("no ticks: %+v, %+v", st.eng.Counts(), *st.sup.Snapshot())
			}
			time.Sleep(time.Millisecond)
		}
		session := st.sup.Session()
		received, _ := session.Ticks().Counts()
		began := time.Now()
		time.Sleep(time.Second)
		now, _ := session.Ticks().Counts()
		speed := float64(now-received) / time.Since(began).Seconds()
		h.ln.Close()
		if err := st.sup.Disconnect(context.Background()); err != nil {
			b.Fatal(err)
		}
		return speed
	}
	var with, without float64
	n := 0
	for b.Loop() {
		without += rate(idle, 101)
		with += rate(many(500, 100), 100)
		n++
	}
	b.ReportMetric(with/float64(n), "ticks/s")
	b.ReportMetric(with/without, "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTickToOrder is the time from the tick that triggers a rule to its order, both as bytes at the socket of a
// gateway that is a program of its own. The order is written and synced on the way, to the disk or to memory: the
// difference is what the disk takes. The gateway sells about 3,000 ticks a second of 16 stocks meanwhile, and answers
// each order. Use -benchtime 1000x.
func BenchmarkTickToOrder(b *testing.B) {
	b.Run("disk", func(b *testing.B) { tickToOrder(b, b.TempDir()) })
	b.Run("memory", func(b *testing.B) {
		folder, err := os.MkdirTemp("/dev/shm", "gatewatch-")
		if err != nil {
			b.Skip(err)
		}
		b.Cleanup(func() { os.RemoveAll(folder) })
		tickToOrder(b, folder)
	})
}

func tickToOrder(b *testing.B, folder string) {
	var list []Rule
	for i := range fastOrders {
		list = append(list, Rule{
			Name: fmt.Sprint("rule ", i), Instrument: Instrument{Symbol: symbol(i % fastStocks), Currency: "USD"},
			Conditions: []Condition{{Price: "bid", Is: "crosses_up", Value: fastPrice(i) + 0.05}},
			Action:     Action{Do: "order", Order: &Order{Side: "BUY", Quantity: 1, Type: "MKT"}},
		})
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	gateway := exec.Command(program)
	gateway.Env, gateway.Stderr = append(os.Environ(), fastGateway+"=1"), os.Stderr
	orders, err := gateway.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := gateway.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := gateway.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		orders.Close()
		gateway.Process.Kill()
		gateway.Wait()
	})
	says := bufio.NewReader(out)
	var port int
	if _, err := fmt.Fscanln(says, &port); err != nil {
		b.Fatal(err)
	}
	st := startIn(b, folder, port, list)
	for end := time.Now().Add(30 * time.Second); st.eng.Counts().Evaluated < 1000; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("no ticks: %+v, %+v", st.eng.Counts(), *st.sup.Snapshot())
		}
	}
	var took []time.Duration
	for b.Loop() {
		if len(took) == fastOrders {
			b.Fatal("more orders than rules; use -benchtime 1000x")
		}
		fmt.Fprintln(orders, len(took))
		var one time.Duration
		if _, err := fmt.Fscanln(says, &one); err != nil {
			last, _ := st.desk.Blocked()
			b.Fatalf("no order: %v, %+v, %+v, %+v", err, st.eng.Counts(), last, *st.sup.Snapshot())
		}
		took = append(took, one)
	}
	slices.Sort(took)
	for _, q := range []int{50, 90, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Microseconds()), fmt.Sprintf("µs-p%d", q))
	}
	b.ReportMetric(0, "ns/op")
}
