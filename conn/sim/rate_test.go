package sim_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"

	"gatewatch/conn/sim"
)

var symbols = []string{"AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOG", "META", "QQQ", "BA"}

// readTicks counts price ticks until count have come.
func readTicks(t testing.TB, r *bufio.Reader, count int) {
	var head [8]byte
	for count > 0 {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Discard(int(binary.BigEndian.Uint32(head[:4])) - 4); err != nil {
			t.Fatal(err)
		}
		if binary.BigEndian.Uint32(head[4:]) == 201 {
			count--
		}
	}
}

func TestTickRate(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 500})
	w := ready(t, g, 225, 1)
	for i, s := range symbols {
		w.subscribe(int32(i), s)
	}
	_ = w.tcp.SetReadDeadline(time.Now().Add(patience))
	r := bufio.NewReader(w.tcp)
	readTicks(t, r, 7*len(symbols)) // the first quotes
	start := time.Now()
	readTicks(t, r, 2000)
	if d := time.Since(start); d < 40*time.Millisecond || d > 4*time.Second {
		t.Errorf("2000 ticks at 5000 per second took %v", d)
	}
}

// fast is a gateway at the rate at which clients once could not connect.
func fast(t testing.TB) *sim.Gateway {
	return startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 300_000})
}

// TestConnectAtHighRate connects, trades and stops while another client gets all the ticks that it can read.
func TestConnectAtHighRate(t *testing.T) {
	g := fast(t)
	busy := ready(t, g, 225, 1)
	for i, s := range symbols {
		busy.subscribe(int32(i), s)
	}
	_ = busy.tcp.SetReadDeadline(time.Time{})
	go func() { _, _ = io.Copy(io.Discard, busy.tcp) }()
	deaf := ready(t, g, 225, 9) // reads nothing
	deaf.subscribe(1, "AAPL")
	const limit = 10 * time.Second // 100 ms on a machine with nothing else to do
	for i := range int32(3) {
		start := time.Now()
		w := ready(t, g, []int{176, 193, 225}[i], 2+i)
		if d := time.Since(start); d > limit {
			t.Errorf("connecting took %v", d)
		}
		start = time.Now()
		w.alive()
		if d := time.Since(start); d > limit {
			t.Errorf("an answer took %v", d)
		}
	}
	start := time.Now()
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > limit {
		t.Errorf("closing took %v", d)
	}
}

// TestSlowReader has one client leave its ticks unread: another one gets its own, and the answers to both are whole.
func TestSlowReader(t *testing.T) {
	g := fast(t)
	slow := ready(t, g, 225, 1)
	for i, s := range symbols {
		slow.subscribe(int32(i), s)
	}
	other := ready(t, g, 225, 2)
	other.subscribe(1, "AAPL")
	r := bufio.NewReader(other.tcp)
	_ = other.tcp.SetReadDeadline(time.Now().Add(10 * patience))
	start := time.Now()
	readTicks(t, r, 50_000)
	ticks := g.State().Counters.Ticks
	readTicks(t, r, 50_000)
	if d := time.Since(start); d > 5*time.Second { // 300,000 a second on a machine with nothing else to do
		t.Errorf("100,000 ticks took %v", d)
	}
	for _, c := range g.State().Connections {
		if c.Queued > 1<<20 {
			t.Errorf("%d bytes wait for client %d", c.Queued, c.ClientID)
		}
	}
	if more := g.State().Counters.Ticks - ticks; more > 1_000_000 {
		t.Errorf("%d ticks were made while one client read 50,000 and the other none", more)
	}
	// The answer to the slow client is behind a bounded number of old ticks.
	slow.sendProto(49, &protobuf.CurrentTimeRequest{})
	_ = slow.tcp.SetReadDeadline(time.Now().Add(10 * patience))
	r = bufio.NewReader(slow.tcp)
	for size := 0; ; size++ {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Discard(int(binary.BigEndian.Uint32(head[:4])) - 4); err != nil {
			t.Fatal(err)
		}
		if binary.BigEndian.Uint32(head[4:]) == 249 {
			if size > 500_000 { // what the kernel may hold, and a batch; millions of ticks were due
				t.Errorf("the answer is behind %d messages", size)
			}
			break
		}
	}
}

func benchmarkTicks(b *testing.B, g *sim.Gateway, names ...string) {
	w := ready(b, g, 225, 1)
	for i, s := range names {
		w.subscribe(int32(i), s)
	}
	_ = w.tcp.SetReadDeadline(time.Time{})
	r := bufio.NewReaderSize(w.tcp, 1<<16)
	b.ReportAllocs()
	start := time.Now()
	for b.Loop() {
		readTicks(b, r, 1)
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "ticks/s")
}

// BenchmarkTicks is the highest rate a reader of one connection gets from ten symbols; an op is one tick.
func BenchmarkTicks(b *testing.B) { benchmarkTicks(b, fast(b), symbols...) }

// BenchmarkOneSymbol is the rate it gets from one symbol that has 300,000 ticks a second.
func BenchmarkOneSymbol(b *testing.B) { benchmarkTicks(b, fast(b), "AAPL") }

// counting is a client of the library that counts its price ticks.
type counting struct {
	ibapi.Wrapper
	ticks atomic.Int64
}

func (c *counting) TickPrice(int64, int64, float64, ibapi.TickAttrib) {
	c.ticks.Add(1)
}

// BenchmarkLibrary is the rate that the client library gets to its callbacks.
func BenchmarkLibrary(b *testing.B) {
	g := fast(b)
	w := &counting{}
	client := ibapi.NewEClient(w)
	if err := client.Connect("127.0.0.1", g.Port(), 1); err != nil {
		b.Fatal(err)
	}
	contract := ibapi.NewContract()
	contract.Symbol, contract.SecType, contract.Exchange, contract.Currency = "AAPL", "STK", "SMART", "USD"
	client.ReqMktData(1, contract, "", false, false, nil)
	for w.ticks.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	b.ResetTimer()
	start, from := time.Now(), w.ticks.Load()
	for w.ticks.Load()-from < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(w.ticks.Load()-from)/time.Since(start).Seconds(), "ticks/s")
	b.StopTimer()
	_ = g.Close()
	_ = client.Disconnect()
}

// TestSpreadFillsWaitForTheMarket leaves a pinned price alone for many steps: an order whose executions are spread gets
// no more of them.
func TestSpreadFillsWaitForTheMarket(t *testing.T) {
	g := startSim(t, sim.Config{TickRate: 200, PartialFills: 3, SpreadFills: true})
	w := ready(t, g, 225, 1)
	pin(t, g, 100)
	w.place(1, "BUY", "LMT", 6, 101, "")
	w.status(1, "Submitted")
	time.Sleep(100 * time.Millisecond)
	if o := g.State().Orders[0]; o.Filled != 2 {
		t.Errorf("%+v", o)
	}
}
