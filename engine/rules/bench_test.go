package rules

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn"
	"gatewatch/conn/sim"
	"gatewatch/engine"
)

// many returns rules that watch so many instruments, and never fire at a price of about 100.
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
	ledger *engine.Ledger
}

func start(tb testing.TB, port int, list []Rule) *stack {
	tb.Helper()
	return startIn(tb, tb.TempDir(), port, list)
}

func startIn(tb testing.TB, folder string, port int, list []Rule) *stack {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	ledger, err := engine.OpenLedger(filepath.Join(folder, "orders.db"), 17, log)
	if err != nil {
		tb.Fatal(err)
	}
	st := &stack{ledger: ledger}
	st.sup, err = conn.New(conn.Config{
		Host: "127.0.0.1", Port: port, ClientID: 17, Mode: conn.Paper, ConnectTimeout: 20 * time.Second,
		Poll: time.Second, Soft: 10 * time.Second, Hard: time.Minute, Delays: []time.Duration{10 * time.Millisecond}, WatchLocalPort: true,
		Reconcile: ledger.Reconcile,
	}, log)
	if err != nil {
		tb.Fatal(err)
	}
	desk := engine.NewDesk(ledger, engine.Limits{Mode: conn.Paper, PerMinute: 10000, PerDay: 100000, Quantity: 100, Notional: 1e6}, func(engine.Report) {}, log)
	desk.Arm()
	st.desk = desk
	var refresh atomic.Pointer[func()]
	st.set, err = NewSet(Config{
		Ledger: ledger, Desk: desk, Clock: st.sup.Clock, MaxTickAge: func() time.Duration { return time.Minute },
		MarketHours: func(time.Time) bool { return true }, Report: func(engine.Report) {}, Changed: func() {}, Log: log,
		Refresh: func() {
			if f := refresh.Load(); f != nil {
				(*f)()
			}
		},
		Resolve: func(_ context.Context, c conn.Contract) ([]conn.Details, error) {
			return []conn.Details{{Contract: c, MinTick: 0.01, Multiplier: 1}}, nil
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
	st.eng = engine.New(engine.Config{Supervisor: st.sup, Desk: desk, Strategy: st.set, MaxTickAge: func() time.Duration { return time.Minute }, Log: log})
	again := st.eng.Refresh
	refresh.Store(&again)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { st.sup.Run(ctx) })
	running.Go(func() { st.eng.Run(ctx) })
	tb.Cleanup(func() {
		cancel()
		running.Wait()
		ledger.Close()
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
func (*bench) fill(tb testing.TB) (*Set, []conn.Tick) {
	log := slog.New(slog.DiscardHandler)
	ledger, err := engine.OpenLedger(filepath.Join(tb.TempDir(), "orders.db"), 17, log)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ledger.Close() })
	set, err := NewSet(Config{
		Ledger: ledger, Clock: func() time.Duration { return 0 }, MaxTickAge: func() time.Duration { return time.Minute },
		Report: func(engine.Report) {}, Changed: func() {}, Refresh: func() {}, Log: log,
		Resolve: func(_ context.Context, c conn.Contract) ([]conn.Details, error) {
			return []conn.Details{{Contract: c}}, nil
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
	fields := []conn.TickField{conn.Bid, conn.Ask, conn.Last, conn.BidSize, conn.AskSize, conn.LastSize}
	var ticks []conn.Tick
	for range 1000 {
		ticks = append(ticks, conn.Tick{Field: fields[rand.IntN(len(fields))], Value: 90 + float64(rand.IntN(2000))/100, At: time.Second})
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

// hose is a gateway that says what it is paid for: ticks, as fast as they are taken.
type hose struct {
	ln    net.Listener
	wants int // subscriptions to wait for
}

func newHose(tb testing.TB, subscriptions int) *hose {
	tb.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	h := &hose{ln, subscriptions}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()
	return h
}

func (h *hose) port() int { return h.ln.Addr().(*net.TCPAddr).Port }

func message(id uint32, m proto.Message) []byte {
	body, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	f := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
	return append(binary.BigEndian.AppendUint32(f, id), body...)
}

func readMessage(in *bufio.Reader) (id uint32, body []byte, err error) {
	var head [4]byte
	if _, err = io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err = io.ReadFull(in, body); err != nil || len(body) < 4 {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(body), body[4:], nil
}

func (h *hose) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	if _, err := in.Discard(4); err != nil {
		return
	}
	if _, _, err := readMessage(in); err != nil {
		return
	}
	reply := "225\x0020261126 10:00:00 EST\x00"
	fmt.Fprintf(c, "%s%s", string(binary.BigEndian.AppendUint32(nil, uint32(len(reply)))), reply)
	if _, _, err := readMessage(in); err != nil {
		return
	}
	account, first := "DU1", int32(1)
	c.Write(append(message(215, &protobuf.ManagedAccounts{AccountsList: &account}), message(209, &protobuf.NextValidId{OrderId: &first})...))
	var requests []int32
	var mu sync.Mutex
	for len(requests) < h.wants {
		id, body, err := readMessage(in)
		if err != nil {
			return
		}
		if id == 201 {
			var r protobuf.MarketDataRequest
			if proto.Unmarshal(body, &r) == nil {
				requests = append(requests, r.GetReqId())
			}
		}
		h.time(c, &mu, id)
	}
	go func() {
		for {
			id, _, err := readMessage(in)
			if err != nil {
				c.Close()
				return
			}
			h.time(c, &mu, id)
		}
	}()
	var ticks []byte
	for range 20 {
		for _, r := range requests {
			kind, price := []int32{1, 2, 4}[rand.IntN(3)], 90+float64(rand.IntN(2000))/100
			ticks = append(ticks, message(201, &protobuf.TickPrice{ReqId: &r, TickType: &kind, Price: &price})...)
		}
	}
	for {
		mu.Lock()
		_, err := c.Write(ticks)
		mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (h *hose) time(c net.Conn, mu *sync.Mutex, id uint32) {
	if id == 249 {
		now := time.Now().Unix()
		mu.Lock()
		defer mu.Unlock()
		c.Write(message(249, &protobuf.CurrentTime{CurrentTime: &now}))
	}
}

// BenchmarkRulesAtDecodeRate has ticks come as fast as the client library decodes them, to an engine with 500 rules on 100
// instruments, and to one that watches the same instruments with a single rule for each that never looks at a price; "ratio" is
// the rate with the rules in parts of the rate without.
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

// BenchmarkTickToOrder is the time from the bytes of the tick that fires a rule to the bytes of its order, at a man in the middle
// between program and gateway. It includes writing the order down and syncing that: to the disk, or to memory, where the
// difference is what the disk takes. The gateway sells ticks of 16 stocks meanwhile, about 3,000 a second. Use -benchtime 1000x.
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
	g, err := sim.Start(context.Background(), sim.Config{TickRate: 200, MaxMessageRate: -1, Farms: []sim.Farm{}})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	// Each stock has prices of its own, and a rule for each of its steps.
	stocks := []string{"AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOG", "META", "QQQ", "IBM", "BA", "JPM", "XOM", "KO", "IWM", "AMD"}
	price := func(i int) float64 { return 100*float64(1+i%len(stocks)) + float64(i/len(stocks))/10 }
	const orders = 1000
	var list []Rule
	for i := range orders {
		if i < len(stocks) {
			if err := g.SetPrice(stocks[i], price(i)); err != nil {
				b.Fatal(err)
			}
		}
		list = append(list, Rule{
			Name: fmt.Sprint("rule ", i), Instrument: Instrument{Symbol: stocks[i%len(stocks)], Currency: "USD"},
			Conditions: []Condition{{Price: "bid", Is: "crosses_up", Value: price(i) + 0.05}},
			Action:     Action{Do: "order", Order: &Order{Side: "BUY", Quantity: 1, Type: "MKT"}},
		})
	}
	m := newMiddle(b, g.Addr())
	st := startIn(b, folder, m.ln.Addr().(*net.TCPAddr).Port, list)
	var took []time.Duration
	next := 0
	for b.Loop() {
		if next == 0 {
			for end := time.Now().Add(30 * time.Second); st.eng.Counts().Evaluated < 1000; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					b.Fatalf("no ticks: %+v, %+v", st.eng.Counts(), *st.sup.Snapshot())
				}
			}
		}
		if next == orders {
			b.Fatal("more orders than rules; use -benchtime 1000x")
		}
		time.Sleep(25 * time.Millisecond) // 50 messages in a second may leave
		target := price(next) + 0.1
		m.mark.Store(math.Float64bits(target))
		if err := g.SetPrice(stocks[next%len(stocks)], target); err != nil {
			b.Fatal(err)
		}
		next++
		select {
		case one := <-m.took:
			took = append(took, one)
		case <-time.After(30 * time.Second):
			last, _ := st.desk.Blocked()
			b.Fatalf("no order: %+v, %+v, %+v", st.eng.Counts(), last, *st.sup.Snapshot())
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
	b.ReportMetric(0, "ns/op")
}

// middle passes frames on and looks at the clock.
type middle struct {
	ln    net.Listener
	began time.Time
	mark  atomic.Uint64 // bits of the bid to wait for, which no other stock has
	tick  atomic.Int64  // when it went by; 0 if it has not
	took  chan time.Duration
}

func newMiddle(tb testing.TB, gateway string) *middle {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	m := &middle{ln: ln, began: time.Now(), took: make(chan time.Duration, 1)}
	tb.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp4", gateway)
			if err != nil {
				c.Close()
				return
			}
			go m.pass(c, up, true, func(id uint32, _ []byte) {
				if id == 203 {
					m.took <- time.Since(m.began) - time.Duration(m.tick.Swap(0))
				}
			})
			go m.pass(up, c, false, func(id uint32, body []byte) {
				var t protobuf.TickPrice
				if now := time.Since(m.began); id == 201 && proto.Unmarshal(body, &t) == nil && t.GetTickType() == 1 && math.Abs(t.GetPrice()-math.Float64frombits(m.mark.Load())) < 0.01 {
					m.mark.Store(0)
					m.tick.Store(int64(now))
				}
			})
		}
	}()
	return m
}

func (m *middle) pass(from, to net.Conn, hello bool, seen func(id uint32, body []byte)) {
	defer from.Close()
	defer to.Close()
	in := bufio.NewReader(from)
	if hello {
		head := make([]byte, 4)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		if _, err := to.Write(head); err != nil {
			return
		}
	}
	for {
		id, body, err := readMessage(in)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(body), "..") { // the version range, whose first bytes were taken for a number
			seen(id, body)
		}
		f := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
		f = binary.BigEndian.AppendUint32(f, id)
		if _, err := to.Write(append(f, body...)); err != nil {
			return
		}
	}
}
